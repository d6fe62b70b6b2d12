package timeback

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantway/grantway/examples/demo"
)

func fixed() time.Time { return time.Date(2026, time.November, 22, 10, 0, 0, 0, time.UTC) }

func call(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	if !strings.HasPrefix(path, "/openapi") {
		path = Base + path
	}
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json") // as the platform's guide does, with GET too
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
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

// minor is the word by which clients tell one error from another.
func minor(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var e struct {
		Major    string `json:"imsx_codeMajor"`
		Severity string `json:"imsx_severity"`
		Text     string `json:"imsx_description"`
		Minor    struct {
			Fields []struct {
				Name  string `json:"imsx_codeMinorFieldName"`
				Value string `json:"imsx_codeMinorFieldValue"`
			} `json:"imsx_codeMinorField"`
		} `json:"imsx_CodeMinor"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Major != "failure" || e.Severity != "error" || e.Text == "" ||
		len(e.Minor.Fields) != 1 || e.Minor.Fields[0].Name != "TargetEndSystem" {
		t.Fatalf("not the error envelope: %s", w.Body)
	}
	return e.Minor.Fields[0].Value
}

func TestLists(t *testing.T) {
	h := API()
	for path, want := range map[string]struct {
		member string
		total  int
	}{
		"courses": {"courses", 120}, "classes": {"classes", 150}, "users": {"users", 400}, "students": {"users", 352},
		"teachers": {"users", 40}, "orgs": {"orgs", 6}, "schools": {"orgs", 4}, "enrollments": {"enrollments", 3326},
		"academicSessions": {"academicSessions", 7}, "terms": {"academicSessions", 2}, "gradingPeriods": {"academicSessions", 4},
		"demographics": {"demographics", 352},
	} {
		for _, slash := range []string{"", "/"} {
			w := call(h, "GET", "/"+path+slash, "")
			got := decode(t, w)
			rows, _ := got[want.member].([]any)
			if w.Code != 200 || got["totalCount"] != float64(want.total) || len(rows) != min(want.total, 100) {
				t.Fatalf("%s%s: %d with %d of %v rows", path, slash, w.Code, len(rows), got["totalCount"])
			}
			first := rows[0].(map[string]any)
			if first["sourcedId"] == "" || first["status"] != "active" || !strings.HasSuffix(first["dateLastModified"].(string), ":00.000Z") {
				t.Errorf("%s: %v", path, first)
			}
			one := call(h, "GET", "/"+path+"/"+first["sourcedId"].(string)+slash, "")
			if o := decode(t, one); one.Code != 200 || len(o) != 1 {
				t.Errorf("one of %s: %d %s", path, one.Code, one.Body)
			}
		}
		w := call(h, "GET", "/"+path+"/no-such-id", "")
		if w.Code != 404 || minor(t, w) != "unknownobject" {
			t.Errorf("%s/no-such-id: %d %s", path, w.Code, w.Body)
		}
		if w := call(h, "HEAD", "/"+path, ""); w.Code != 200 || w.Header().Get("X-Total-Count") != fmt.Sprint(want.total) {
			t.Errorf("HEAD %s: %d %v", path, w.Code, w.Header())
		}
	}
	if w := call(h, "GET", "/students/user-teacher-001", ""); w.Code != 404 {
		t.Errorf("a teacher among the students: %d", w.Code)
	}
}

// The document of the platform prints this payload: its members and their order.
func TestListPayload(t *testing.T) {
	body := call(API(), "GET", "/courses", "").Body.String()
	if !regexp.MustCompile(`^\{"courses":\[\{.*\}\],"totalCount":120,"pageCount":2,"pageNumber":1,"offset":0,"limit":100\}\n$`).MatchString(body) {
		t.Errorf("%.80s … %s", body, body[len(body)-120:])
	}
	if w := call(API(), "GET", "/courses?offset=500", ""); !strings.HasPrefix(w.Body.String(), `{"courses":[],"totalCount":120`) {
		t.Errorf("beyond the end: %s", w.Body)
	}
}

func TestPaging(t *testing.T) {
	h := API()
	seen := map[string]bool{}
	for offset := 0; offset < 120; offset += 50 {
		w := call(h, "GET", fmt.Sprintf("/courses?limit=50&offset=%d", offset), "")
		got := decode(t, w)
		if got["pageNumber"] != float64(offset/50+1) || got["pageCount"] != 3.0 {
			t.Errorf("offset %d: page %v of %v", offset, got["pageNumber"], got["pageCount"])
		}
		for _, row := range got["courses"].([]any) {
			seen[row.(map[string]any)["sourcedId"].(string)] = true
		}
		if hasNext := strings.Contains(w.Header().Get("Link"), `rel="next"`); hasNext != (offset < 100) {
			t.Errorf("offset %d: Link %s", offset, w.Header().Get("Link"))
		}
	}
	if len(seen) != 120 {
		t.Errorf("three pages show %d courses", len(seen))
	}
	for query, status := range map[string]int{
		"limit=1": 200, "limit=3000": 200, "limit=3001": 400, "limit=0": 400, "limit=-1": 400, "limit=ten": 400,
		"offset=0": 200, "offset=-1": 400, "offset=x": 400, "orderBy=asc": 200, "orderBy=up": 400,
	} {
		w := call(h, "GET", "/enrollments?"+query, "")
		if w.Code != status || status == 400 && minor(t, w) != "invaliddata" {
			t.Errorf("%s: %d, want %d", query, w.Code, status)
		}
	}
}

func TestFilterSortFields(t *testing.T) {
	h := API()
	terms := func(n int) string { return strings.TrimSuffix(strings.Repeat("status='active' AND ", n), " AND ") }
	for _, row := range []struct {
		path, filter string
		total        int
	}{
		{"courses", "", 120},
		{"courses", "title='Mathematics 05'", 1},
		{"courses", "grades='05'", 9},
		{"courses", "subjects='Mathematics' AND grades='05'", 1},
		{"courses", "title~'mathe'", 13},
		{"courses", "title!='Mathematics 05'", 119},
		{"courses", "title = 'Mathematics 05' AND status='active'", 1},
		{"courses", "title='a '' AND b'", 0},
		{"courses", "dateLastModified>'2026-08-03T09:58:00.000Z'", 1},
		{"courses", "dateLastModified>='2026-08-03T09:58:00.000Z'", 2},
		{"courses", "dateLastModified<'2026-08-03T08:01:00.000Z'", 1},
		{"courses", "dateLastModified<='2026-08-03T08:01:00.000Z'", 2},
		{"classes", "school.sourcedId='org-school-cedar'", 27},
		{"users", "roles.role='teacher'", 40},
		{"users", "primaryOrg.sourcedId='org-school-dogwood' AND roles.role='principal'", 1},
		{"orgs", "status='tobedeleted'", 0},
		{"courses", terms(mostTerms), 120},
	} {
		w := call(h, "GET", "/"+row.path+"?filter="+url.QueryEscape(row.filter), "")
		if got := decode(t, w)["totalCount"]; w.Code != 200 || got != float64(row.total) {
			t.Errorf("%s: %d with %v rows, want %d", row.filter, w.Code, got, row.total)
		}
	}
	for filter, word := range map[string]string{
		"nosuch='x'": badFilter, "title": badFilter, "title=x": badFilter, "title='x' OR title='y'": badFilter,
		"title='x' AND ": badFilter, "title='x": badFilter, "title='x' title='y'": badFilter, terms(mostTerms + 1): badFilter,
	} {
		if w := call(h, "GET", "/courses?filter="+url.QueryEscape(filter), ""); w.Code != 400 || minor(t, w) != word {
			t.Errorf("%.40s: %d %s", filter, w.Code, w.Body)
		}
	}

	titles := func(query string) (all []string) {
		for _, row := range decode(t, call(h, "GET", "/courses?limit=3000&"+query, ""))["courses"].([]any) {
			all = append(all, row.(map[string]any)["title"].(string))
		}
		return all
	}
	up, down := titles("sort=title"), titles("sort=title&orderBy=desc")
	if !slices.IsSorted(up) || up[0] != "Art 01" || down[0] != "Writing KG" {
		t.Errorf("sorted from %q, and down from %q", up[0], down[0])
	}
	if unsorted := titles("sort=nosuch"); !slices.Equal(unsorted, titles("")) {
		t.Error("a sort by no field changes the order")
	}

	w := call(h, "GET", "/courses?limit=1&fields=sourcedId,title", "")
	if !strings.HasPrefix(w.Body.String(), `{"courses":[{"sourcedId":"course-mathematics-kg","title":"Mathematics KG"}],`) {
		t.Errorf("fields: %s", w.Body)
	}
	for _, fields := range []string{"", "nosuch", "title,", "org.href"} {
		for _, path := range []string{"/courses", "/courses/course-art-01"} {
			if w := call(h, "GET", path+"?fields="+fields, ""); w.Code != 400 || minor(t, w) != badSelection {
				t.Errorf("%s?fields=%s: %d %s", path, fields, w.Code, w.Body)
			}
		}
	}
}

const (
	course = `{"course":{"sourcedId":"c-1","title":"Latin","courseCode":"LAT","org":{"sourcedId":"org-district"}}}`
	class  = `{"class":{"sourcedId":"k-1","title":"Latin A","course":{"sourcedId":"course-art-01"},"school":{"sourcedId":"org-school-cedar"}}}`
	user   = `{"user":{"sourcedId":"u-1","givenName":"Ada","familyName":"Byron","roles":[{"role":"student","org":{"sourcedId":"org-school-cedar"}}]}}`
)

func TestWrite(t *testing.T) {
	for path, body := range map[string]string{"/courses": course, "/classes": class, "/users": user} {
		h := newRoutes(fixed)
		before := decode(t, call(h, "GET", path, ""))["totalCount"].(float64)
		id := regexp.MustCompile(`"sourcedId":"(.-1)"`).FindStringSubmatch(body)[1]

		w := call(h, "POST", path+"/", body)
		pairs := fmt.Sprintf(`{"sourcedIdPairs":{"allocatedSourcedId":%q,"suppliedSourcedId":%q}}`+"\n", id, id)
		if w.Code != 201 || w.Body.String() != pairs {
			t.Fatalf("POST %s: %d %s", path, w.Code, w.Body)
		}
		if w := call(h, "GET", path+"/"+id, ""); !strings.Contains(w.Body.String(), `"dateLastModified":"2026-11-22T10:00:00.000Z"`) || !strings.Contains(w.Body.String(), `"status":"active"`) {
			t.Errorf("after POST: %s", w.Body)
		}
		if w := call(h, "POST", path, body); w.Code != 422 || minor(t, w) != "invaliddata" {
			t.Errorf("POST of the same sourcedId: %d %s", w.Code, w.Body)
		}
		if after := decode(t, call(h, "GET", path, ""))["totalCount"].(float64); after != before+1 {
			t.Errorf("%s: %v, then %v", path, before, after)
		}
		if w := call(h, "PUT", path+"/"+id, body); w.Code != 200 {
			t.Errorf("PUT: %d %s", w.Code, w.Body)
		}
		if w := call(h, "DELETE", path+"/"+id, ""); w.Code != 204 || w.Body.Len() != 0 {
			t.Errorf("DELETE: %d %s", w.Code, w.Body)
		}
		if w := call(h, "DELETE", path+"/"+id, ""); w.Code != 404 || minor(t, w) != "unknownobject" {
			t.Errorf("DELETE again: %d %s", w.Code, w.Body)
		}
		if w := call(h, "PUT", path+"/"+id, body); w.Code != 201 {
			t.Errorf("PUT of a new one: %d %s", w.Code, w.Body)
		}
		withoutID := strings.Replace(body, fmt.Sprintf(`"sourcedId":%q,`, id), "", 1)
		if w := call(h, "POST", path, withoutID); w.Code != 201 || !strings.Contains(w.Body.String(), `"suppliedSourcedId":""`) {
			t.Errorf("POST without a sourcedId: %d %s", w.Code, w.Body)
		}
	}
	h := API()
	call(h, "POST", "/users", user)
	if w := call(h, "GET", "/students/u-1", ""); w.Code != 200 {
		t.Errorf("the new user among the students: %d", w.Code)
	}
}

func TestWriteRefused(t *testing.T) {
	h := API()
	rows := []struct {
		method, path, body, old, new string
		status                       int
	}{
		{"POST", "/courses", course, "", "", 201},
		{"POST", "/courses", course, course, "not JSON", 400},
		{"POST", "/courses", course, course, "[]", 400},
		{"POST", "/courses", course, `"course":`, `"class":`, 422},
		{"POST", "/courses", course, "Latin", " ", 422},
		{"POST", "/courses", course, `"Latin"`, "7", 422},
		{"POST", "/courses", course, "org-district", "org-nowhere", 422},
		{"POST", "/courses", course, `"c-1"`, `""`, 422},
		{"POST", "/courses", course, `"c-1"`, "7", 422},
		{"POST", "/courses", course, `"title"`, `"status":"gone","title"`, 422},
		{"PUT", "/courses/c-2", course, "", "", 422}, // another sourcedId in the body
		{"POST", "/classes", class, "course-art-01", "course-nowhere", 422},
		{"POST", "/classes", class, "org-school-cedar", "org-nowhere", 422},
		{"POST", "/classes", class, "Latin A", "", 422},
		{"POST", "/users", user, "Ada", "", 422},
		{"POST", "/users", user, "Byron", "", 422},
		{"POST", "/users", user, `"role":`, `"rule":`, 422},
	}
	for _, row := range rows {
		body := strings.Replace(row.body, row.old, row.new, 1)
		w := call(h, row.method, row.path, body)
		if w.Code != row.status || row.status != 201 && minor(t, w) != "invaliddata" {
			t.Errorf("%s %s %s: %d, want %d: %s", row.method, row.path, body, w.Code, row.status, w.Body)
		}
	}
	large := strings.Replace(course, `"c-1"`, `"c-9"`, 1)
	large += strings.Repeat(" ", demo.MaxBody-len(large))
	if w := call(h, "POST", "/courses", large+" "); w.Code != 413 || minor(t, w) != "invaliddata" {
		t.Errorf("a body of one byte too many: %d %s", w.Code, w.Body)
	}
	if w := call(h, "POST", "/courses", large); w.Code != 201 {
		t.Errorf("the largest body: %d %s", w.Code, w.Body)
	}
	for _, path := range []string{"/orgs", "/students", "/enrollments"} {
		if w := call(h, "POST", path, "{}"); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("POST %s: %d %v", path, w.Code, w.Header())
		}
	}
}

// Every reference of the data leads to an object, and every id stands once.
func TestDistrictHoldsTogether(t *testing.T) {
	h := API()
	ids := map[string]bool{}
	for list, c := range district() {
		for _, o := range c.List() {
			id := list + "/" + o["sourcedId"].(string)
			if ids[id] {
				t.Errorf("%s stands twice", id)
			}
			ids[id] = true
		}
	}
	var follow func(from string, v any)
	follow = func(from string, v any) {
		switch v := v.(type) {
		case demo.Object:
			if href, ok := v["href"].(string); ok && !ids[strings.TrimPrefix(href, Base+"/")] {
				t.Errorf("%s: %s leads nowhere", from, href)
			}
			for _, inner := range v {
				follow(from, inner)
			}
		case []demo.Object:
			for _, inner := range v {
				follow(from, inner)
			}
		}
	}
	for list, c := range district() {
		for _, o := range c.List() {
			follow(list+"/"+o["sourcedId"].(string), o)
		}
	}
	again := API()
	for _, path := range []string{"/users?limit=3000", "/enrollments?limit=3000", "/classes?limit=3000"} {
		if call(h, "GET", path, "").Body.String() != call(again, "GET", path, "").Body.String() {
			t.Errorf("%s differs between two APIs", path)
		}
	}
}

// The description names exactly the paths and methods that are served.
func TestDescription(t *testing.T) {
	w := call(API(), "GET", "/openapi.yaml", "")
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/yaml" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	var described []string
	path := ""
	for line := range strings.Lines(w.Body.String()) {
		if m := regexp.MustCompile(`^  (/\S+):$`).FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			path = m[1]
		} else if m := regexp.MustCompile(`^    (get|post|put|patch|delete):$`).FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			described = append(described, strings.ToUpper(m[1])+" "+path)
		} else if strings.HasPrefix(line, "components:") {
			break
		}
	}
	slices.Sort(described)
	if served := newRoutes(fixed).Patterns(); !slices.Equal(described, served) {
		t.Errorf("described %q\nserved    %q", described, served)
	}
}

func TestConcurrently(t *testing.T) {
	h := API()
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			call(h, "POST", "/courses", strings.Replace(course, "c-1", fmt.Sprintf("c-%d", i), 1))
			call(h, "GET", "/courses?sort=title&filter="+url.QueryEscape("title~'a'"), "")
			call(h, "DELETE", fmt.Sprintf("/courses/c-%d", i), "")
		})
	}
	wg.Wait()
	if got := decode(t, call(h, "GET", "/courses", ""))["totalCount"]; got != 120.0 {
		t.Errorf("%v courses are left", got)
	}
}

func ExampleAPI() {
	w := httptest.NewRecorder()
	API().ServeHTTP(w, httptest.NewRequest("GET", Base+"/courses?limit=1&fields=sourcedId,title", nil))
	fmt.Println(w.Code, w.Header().Get("X-Total-Count"))
	fmt.Print(w.Body)
	// Output:
	// 200 120
	// {"courses":[{"sourcedId":"course-mathematics-kg","title":"Mathematics KG"}],"totalCount":120,"pageCount":120,"pageNumber":1,"offset":0,"limit":1}
}
