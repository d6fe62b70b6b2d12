package fitness

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/grantway/grantway/examples/demo"
)

func call(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

func decode(t *testing.T, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &o); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	return o
}

func TestRead(t *testing.T) {
	h := API()
	for path, total := range map[string]int{
		"/accounts": accountCount, "/moves": moveCount, "/biometrics": biometricCount,
		"/classes-and-bookings": classCount + bookingCount, "/challenges": 6, "/facilities": 4,
	} {
		for _, slash := range []string{"", "/"} {
			w := call(h, "GET", path+slash, "")
			got := decode(t, w)
			items := got["items"].([]any)
			if w.Code != 200 || got["total"] != float64(total) || len(items) != min(total, usualLimit) || got["limit"] != 20.0 || got["offset"] != 0.0 {
				t.Errorf("%s: %d, %d of %v", path+slash, w.Code, len(items), got["total"])
			}
			first := items[0].(map[string]any)
			one := call(h, "GET", path+"/"+first["id"].(string)+slash, "")
			if one.Code != 200 || decode(t, one)["id"] != first["id"] {
				t.Errorf("%s: %d %s", first["id"], one.Code, one.Body)
			}
		}
		w := call(h, "GET", path+"/no-such-id", "")
		if e := decode(t, w); w.Code != 404 || e["error"] != "not_found" || e["error_description"] == "" || len(e) != 2 {
			t.Errorf("%s/no-such-id: %d %s", path, w.Code, w.Body)
		}
		if w := call(h, "HEAD", path, ""); w.Code != 200 || w.Header().Get("X-Total-Count") != fmt.Sprint(total) {
			t.Errorf("HEAD %s: %d %v", path, w.Code, w.Header())
		}
	}
	for query, status := range map[string]int{"limit=1": 200, "limit=100": 200, "limit=101": 400, "limit=0": 400, "offset=-1": 400, "offset=1000": 200} {
		if w := call(h, "GET", "/moves?"+query, ""); w.Code != status {
			t.Errorf("%s: %d, want %d", query, w.Code, status)
		}
	}
	if got := decode(t, call(h, "GET", "/moves?limit=2&offset=239", ""))["items"].([]any); len(got) != 1 {
		t.Errorf("the last page holds %d", len(got))
	}
}

var bodies = map[string]string{
	"/accounts":             `{"nickname":"Nova","status":"active"}`,
	"/biometrics":           `{"account_id":"account-001","measured_on":"2026-11-22","weight_kg":70.5}`,
	"/classes-and-bookings": `{"account_id":"account-001","class_id":"class-001"}`,
}

func TestWrite(t *testing.T) {
	for path, body := range bodies {
		h := API()
		w := call(h, "POST", path, body)
		location := w.Header().Get("Location")
		id, _ := decode(t, w)["id"].(string)
		if w.Code != 201 || location != path+"/"+id || id == "" {
			t.Fatalf("POST %s: %d %q %s", path, w.Code, location, w.Body)
		}
		if got := call(h, "GET", location, ""); got.Body.String() != w.Body.String() {
			t.Errorf("stored is %s, answered was %s", got.Body, w.Body)
		}
		w = call(h, "PATCH", location, `{"note":{"text":"early","by":"me"},"weight_kg":null}`)
		if got := decode(t, w); w.Code != 200 || got["note"].(map[string]any)["text"] != "early" || got["weight_kg"] != nil || got["id"] != id {
			t.Errorf("PATCH: %d %s", w.Code, w.Body)
		}
		w = call(h, "PATCH", location, `{"note":{"by":null}}`)
		if got := decode(t, w); fmt.Sprint(got["note"]) != "map[text:early]" {
			t.Errorf("PATCH inside: %d %s", w.Code, w.Body)
		}
		w = call(h, "PUT", location, body)
		if got := decode(t, w); w.Code != 200 || got["note"] != nil || got["id"] != id {
			t.Errorf("PUT: %d %s", w.Code, w.Body)
		}
		if w := call(h, "DELETE", location, ""); w.Code != 204 || w.Body.Len() != 0 {
			t.Errorf("DELETE: %d %s", w.Code, w.Body)
		}
		for _, method := range []string{"GET", "PUT", "PATCH", "DELETE"} {
			if w := call(h, method, location, body); w.Code != 404 {
				t.Errorf("%s of what is deleted: %d %s", method, w.Code, w.Body)
			}
		}
	}
	if w := call(API(), "POST", "/classes-and-bookings", bodies["/classes-and-bookings"]); decode(t, w)["kind"] != "booking" {
		t.Errorf("a booking is %s", w.Body)
	}
}

func TestWriteRefused(t *testing.T) {
	h := API()
	rows := []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/accounts", `{"nickname":"Nova"}`, 201},
		{"POST", "/accounts", `{"nickname":""}`, 400},
		{"POST", "/accounts", `{}`, 400},
		{"POST", "/accounts", `not JSON`, 400},
		{"POST", "/accounts", `{"id":"mine","nickname":"Nova"}`, 400},
		{"POST", "/biometrics", `{"account_id":"account-001"}`, 400},
		{"POST", "/classes-and-bookings", `{"class_id":"class-001"}`, 400},
		{"PUT", "/accounts/account-001", `{"nickname":"Nova","id":"account-001"}`, 200},
		{"PUT", "/accounts/account-001", `{"nickname":"Nova","id":"account-002"}`, 400},
		{"PUT", "/accounts/account-001", `{}`, 400},
		{"PATCH", "/accounts/account-001", `{"nickname":null}`, 400},
		{"PATCH", "/accounts/account-001", `{"id":"account-002"}`, 400},
		{"PATCH", "/accounts/account-001", `[]`, 400},
		{"PATCH", "/classes-and-bookings/class-001", bodies["/classes-and-bookings"], 400},
		{"DELETE", "/classes-and-bookings/class-001", "", 400},
		{"DELETE", "/classes-and-bookings/booking-001", "", 204},
	}
	for _, row := range rows {
		if w := call(h, row.method, row.path, row.body); w.Code != row.status {
			t.Errorf("%s %s %s: %d, want %d: %s", row.method, row.path, row.body, w.Code, row.status, w.Body)
		}
	}
	if w := call(h, "GET", "/accounts/account-001", ""); decode(t, w)["nickname"] != "Nova" {
		t.Errorf("after refused changes: %s", w.Body)
	}
	body := `{"nickname":"Nova"}`
	body += strings.Repeat(" ", demo.MaxBody-len(body))
	if w := call(h, "POST", "/accounts", body); w.Code != 201 {
		t.Errorf("the largest body: %d", w.Code)
	}
	if w := call(h, "POST", "/accounts", body+" "); w.Code != 413 {
		t.Errorf("a body of one byte too many: %d", w.Code)
	}
	for _, path := range []string{"/moves", "/challenges", "/facilities"} {
		for _, method := range []string{"POST", "PUT", "DELETE"} {
			if w := call(h, method, path, "{}"); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d %v", method, path, w.Code, w.Header())
			}
		}
	}
	if w := call(h, "DELETE", "/accounts", ""); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("DELETE /accounts: %d %v", w.Code, w.Header())
	}
}

// Fifty requests at once each merge a member of their own, and none is lost.
func TestMergeConcurrently(t *testing.T) {
	h := API()
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() { call(h, "PATCH", "/accounts/account-001", fmt.Sprintf(`{"tag-%d":true}`, i)) })
	}
	wg.Wait()
	if got := decode(t, call(h, "GET", "/accounts/account-001", "")); len(got) != 50+5 {
		t.Errorf("%d members", len(got))
	}
}

// The table at the end of RFC 7396, as far as both sides are objects.
func TestMergePatch(t *testing.T) {
	for _, row := range [][3]string{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{"e":null}`, `{"a":1}`, `{"a":1,"e":null}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		var target, patch demo.Object
		if json.Unmarshal([]byte(row[0]), &target) != nil || json.Unmarshal([]byte(row[1]), &patch) != nil {
			t.Fatal(row)
		}
		got, _ := json.Marshal(mergePatch(target, patch))
		after, _ := json.Marshal(target)
		if string(got) != row[2] || string(after) != row[0] {
			t.Errorf("%s with %s: %s, and the target became %s", row[0], row[1], got, after)
		}
	}
}

func ExampleAPI() {
	w := httptest.NewRecorder()
	API().ServeHTTP(w, httptest.NewRequest("GET", "/facilities?limit=1", nil))
	fmt.Println(w.Code)
	fmt.Print(w.Body)
	// Output:
	// 200
	// {"items":[{"city":"Riverbend","closes":"22:00","country":"GB","id":"facility-001","name":"Demo Fitness Harbour Street","opens":"06:00"}],"total":4,"limit":1,"offset":0}
}
