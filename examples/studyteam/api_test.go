package studyteam

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantway/grantway/examples/demo"
)

func fixed() time.Time { return time.Date(2026, time.November, 22, 10, 0, 0, 0, time.UTC) }

func call(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

func TestEcho(t *testing.T) {
	for _, row := range []struct{ method, contentType, body, want string }{
		{"POST", "application/json", `{"a": [1, 12345678901234567890]}`, `"contentType":"application/json","bytes":32,"json":{"a":[1,12345678901234567890]}`},
		// The guide's own example: its body is no JSON.
		{"POST", "application/json", "Body of the request", `"contentType":"application/json","bytes":19,"text":"Body of the request"`},
		{"POST", "text/plain", "a <b> & \xff", `"contentType":"text/plain","bytes":9,"text":"a <b> & ` + "\uFFFD" + `"`},
		{"POST", "", "\"\xff\"", `"contentType":"","bytes":3,"text":"\"` + "\uFFFD" + `\""`},
		{"PUT", "", "null", `"contentType":"","bytes":4,"json":null`},
		{"GET", "application/json", "{}", `"contentType":"application/json","bytes":2,"json":{}`},
		{"GET", "", "", `"contentType":"","bytes":0`},
		{"DELETE", "", "", `"contentType":"","bytes":0`},
		{"PATCH", "", "1", `"contentType":"","bytes":1,"json":1`},
		{"OPTIONS", "", "", `"contentType":"","bytes":0`},
	} {
		for _, path := range []string{"/api/something", "/api/something/"} {
			r := httptest.NewRequest(row.method, path, strings.NewReader(row.body))
			if row.contentType != "" {
				r.Header.Set("Content-Type", row.contentType)
			}
			r.Header.Set("Grantway-Client", "sponsor-one")
			w := httptest.NewRecorder()
			API().ServeHTTP(w, r)
			want := `{"received":{"method":"` + row.method + `","client":"sponsor-one",` + row.want + "}}\n"
			if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" || w.Body.String() != want {
				t.Errorf("%s %q: %d %s want %s", row.method, row.body, w.Code, w.Body, want)
			}
		}
	}
	if w := call(API(), "HEAD", "/api/something", ""); w.Code != 200 {
		t.Errorf("HEAD: %d", w.Code)
	}
	for size, status := range map[int]int{demo.MaxBody: 200, demo.MaxBody + 1: 413} {
		if w := call(API(), "POST", "/api/something", strings.Repeat("x", size)); w.Code != status {
			t.Errorf("%d bytes: %d, want %d", size, w.Code, status)
		}
	}
}

func TestReferrals(t *testing.T) {
	h := newRoutes(fixed)
	rows := []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/rpi/sites/site-2/referrals", `{"trialId":"trial-b","subjectId":"s-1"}`, 202},
		{"POST", "/rpi/sites/site-2/referrals/", `{"trialId":"trial-a"}`, 202},
		{"POST", "/rpi/sites/site-2/referrals", `{"trialId":"trial-b","subjectId":"s-1"}`, 400}, // again
		{"POST", "/rpi/sites/site-2/referrals", `{"trialId":"trial-c"}`, 400},                   // not run there
		{"POST", "/rpi/sites/site-2/referrals", `{}`, 400},
		{"POST", "/rpi/sites/site-2/referrals", `nothing`, 400},
		{"POST", "/rpi/sites/site-2/referrals", `{"trialId":"trial-b","subjectId":""}`, 400},
		{"POST", "/rpi/sites/site-2/referrals", `{"trialId":"trial-b","subjectId":7}`, 400},
		{"POST", "/rpi/sites/site-2/referrals", `{"trialId":"trial-b","subjectId":"` + strings.Repeat("s", mostSubjectID) + `"}`, 202},
		{"POST", "/rpi/sites/site-2/referrals", `{"trialId":"trial-b","subjectId":"` + strings.Repeat("s", mostSubjectID+1) + `"}`, 400},
		{"POST", "/rpi/sites/nowhere/referrals", `{"trialId":"trial-b"}`, 404},
		{"POST", "/rpi/sites/site-2/referrals", strings.Repeat(" ", demo.MaxBody+1), 413},
		{"PUT", "/rpi/sites/site-2/referrals/subjects/s-1", `{"status":"screened"}`, 202},
		{"PUT", "/rpi/sites/site-2/referrals/subjects/s-1/", `{"status":"enrolled"}`, 202},
		{"PUT", "/rpi/sites/site-2/referrals/subjects/s-1", `{"status":"lost"}`, 400},
		{"PUT", "/rpi/sites/site-2/referrals/subjects/s-1", `{}`, 400},
		{"PUT", "/rpi/sites/site-2/referrals/subjects/s-1", `[]`, 400},
		{"PUT", "/rpi/sites/site-2/referrals/subjects/s-9", `{"status":"screened"}`, 404},
		{"PUT", "/rpi/sites/site-1/referrals/subjects/s-1", `{"status":"screened"}`, 404}, // of another site
		{"PUT", "/rpi/sites/nowhere/referrals/subjects/s-1", `{"status":"screened"}`, 404},
		{"GET", "/rpi/sites/site-2/referrals", "", 405},
		{"POST", "/rpi/sites", "{}", 405},
		{"GET", "/rpi/nothing", "", 404},
	}
	for _, row := range rows {
		w := call(h, row.method, row.path, row.body)
		if w.Code != row.status || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s %s %.60s: %d, want %d: %s", row.method, row.path, row.body, w.Code, row.status, w.Body)
		}
		if isError := strings.Contains(w.Body.String(), `"error_description":`); isError != (row.status >= 400) {
			t.Errorf("%s %s: %s", row.method, row.path, w.Body)
		}
	}
	got := found(t, h, "since=2026-11-22T10:00:00Z&trialIds=trial-b")
	var told []string
	for _, e := range got {
		if e.SubjectID == "s-1" {
			told = append(told, e.Type+" "+e.SiteID)
		}
	}
	if strings.Join(told, ", ") != "referral.received site-2, referral.screened site-2, referral.enrolled site-2" {
		t.Errorf("the events of s-1: %q", told)
	}
}

func found(t *testing.T, h http.Handler, query string) []event {
	t.Helper()
	w := call(h, "GET", "/rpi/events?"+query, "{}") // with a body, as a known client sends it
	var got struct{ Events []event }
	if err := json.Unmarshal(w.Body.Bytes(), &got); w.Code != 200 || err != nil || got.Events == nil {
		t.Fatalf("%s: %d %v %s", query, w.Code, err, w.Body)
	}
	return got.Events
}

func TestEvents(t *testing.T) {
	h := newRoutes(fixed)
	for query, want := range map[string]int{
		"":        100,
		"limit=1": 1, "limit=1000": 120,
		"since=2026-09-01T09:00:00Z&limit=1000":                     120, // the very first is at that time
		"since=2026-09-01T09:00:01Z&limit=1000":                     119,
		"since=" + url.QueryEscape("2026-09-01T12:00:01+03:00"):     100,
		"since=2030-01-01T00:00:00Z":                                0,
		"eventTypes=referral.declined":                              8,
		"eventTypes=referral.declined,referral.enrolled":            24,
		"eventTypes=referral.declined&eventTypes=referral.screened": 32,
		"eventTypes=&since=&limit=&trialIds=":                       100,
		"trialIds=no-such-trial":                                    0,
	} {
		got := found(t, h, query)
		if len(got) != want {
			t.Errorf("%s: %d events, want %d", query, len(got), want)
		}
		for i := range got {
			if i > 0 && got[i].OccurredAt.Before(got[i-1].OccurredAt) {
				t.Errorf("%s: %s is out of order", query, got[i].ID)
			}
		}
	}
	for _, query := range []string{"limit=0", "limit=1001", "limit=x", "since=yesterday", "eventTypes=referral.lost"} {
		if w := call(h, "GET", "/rpi/events?"+query, ""); w.Code != 400 {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
	all := 0
	for _, trial := range []string{"trial-a", "trial-b", "trial-c"} {
		for _, e := range found(t, h, "limit=1000&trialIds="+trial) {
			if all++; e.TrialID != trial {
				t.Errorf("%s among those of %s", e.ID, trial)
			}
		}
	}
	if all != 120 {
		t.Errorf("the trials have %d events together", all)
	}
}

func TestSites(t *testing.T) {
	w := call(API(), "GET", "/rpi/sites", "{}")
	var got struct {
		Sites []struct {
			ID       string
			TrialIDs []string `json:"trialIds"`
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); w.Code != 200 || err != nil || len(got.Sites) != 4 || len(got.Sites[1].TrialIDs) != 2 {
		t.Errorf("%d %v %s", w.Code, err, w.Body)
	}
}

func TestOldEventsGo(t *testing.T) {
	e := &events{}
	for range keptEvents + 1 {
		e.add(fixed(), demo.Object{"status": "received"})
	}
	if got := e.list(); len(got) != keptEvents || got[0].ID != "event-000002" {
		t.Errorf("%d events from %s", len(got), got[0].ID)
	}
}

func TestConcurrently(t *testing.T) {
	h := newRoutes(fixed)
	accepted := make(chan int, 40)
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			accepted <- call(h, "POST", "/rpi/sites/site-1/referrals", `{"trialId":"trial-a","subjectId":"same"}`).Code
			call(h, "GET", "/rpi/events", "")
		})
	}
	wg.Wait()
	close(accepted)
	count := 0
	for code := range accepted {
		if code == 202 {
			count++
		}
	}
	if got := found(t, h, "since=2026-11-22T10:00:00Z"); count != 1 || len(got) != 1 {
		t.Errorf("%d referrals of one subject accepted, %d events", count, len(got))
	}
}

func ExampleAPI() {
	r := httptest.NewRequest("POST", "/api/something", strings.NewReader("Body of the request"))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	API().ServeHTTP(w, r)
	fmt.Println(w.Code)
	fmt.Print(w.Body)
	// Output:
	// 200
	// {"received":{"method":"POST","contentType":"application/json","bytes":19,"text":"Body of the request"}}
}
