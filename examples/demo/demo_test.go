package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

func say(text string) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		return Write(w, http.StatusOK, text+r.PathValue("id"))
	}
}

func TestRoutes(t *testing.T) {
	var routes Routes
	routes.Handle("GET /notes", say("list"))
	routes.Handle("POST /notes", say("create"))
	routes.Handle("GET /notes/first", say("first"))
	routes.Handle("GET /notes/{id}", say("one:"))
	routes.Handle("/any", say("any"))
	routes.Handle("GET /fails", func(http.ResponseWriter, *http.Request) error { return errors.New("secret cause") })
	rows := []struct {
		method, path string
		status       int
		body, allow  string
	}{
		{"GET", "/notes", 200, "list", ""},
		{"GET", "/notes/", 200, "list", ""},
		{"POST", "/notes/", 200, "create", ""}, // a redirect would have made it a GET
		{"POST", "//notes", 200, "create", ""},
		{"HEAD", "/notes", 200, "list", ""}, // net/http leaves the body out
		{"GET", "/notes/first", 200, "first", ""},
		{"GET", "/notes/7", 200, "one:7", ""},
		{"GET", "/notes/a%2Fb", 200, "one:a/b", ""},
		{"GET", "/notes/7/x", 404, "not_found", ""},
		{"GET", "/", 404, "not_found", ""},
		{"GET", "/notes/../any", 404, "not_found", ""},
		{"DELETE", "/notes", 405, "method_not_allowed", "GET, HEAD, POST"},
		{"HEAD", "/any", 200, "any", ""},
		{"OPTIONS", "/any", 200, "any", ""},
		{"GET", "/fails", 500, "server_error", ""},
	}
	for _, row := range rows {
		w := httptest.NewRecorder()
		routes.ServeHTTP(w, httptest.NewRequest(row.method, row.path, nil))
		if w.Code != row.status || !strings.Contains(w.Body.String(), row.body) || w.Header().Get("Allow") != row.allow {
			t.Errorf("%s %s: %d %q %s", row.method, row.path, w.Code, w.Header().Get("Allow"), w.Body)
		}
		if got := w.Header().Get("Content-Type"); got != "application/json" {
			t.Errorf("%s %s: Content-Type %q", row.method, row.path, got)
		}
		if strings.Contains(w.Body.String(), "secret cause") {
			t.Errorf("%s %s tells the cause", row.method, row.path)
		}
	}
	want := []string{"/any", "GET /fails", "GET /notes", "GET /notes/first", "GET /notes/{id}", "POST /notes"}
	if got := routes.Patterns(); !slices.Equal(got, want) {
		t.Errorf("Patterns: %q", got)
	}
}

func TestReadObject(t *testing.T) {
	read := func(body string) (Object, error) {
		return ReadObject(httptest.NewRecorder(), httptest.NewRequest("POST", "/", strings.NewReader(body)))
	}
	o, err := read(` {"n":12345678901234567890} `)
	if err != nil || o["n"] != json.Number("12345678901234567890") {
		t.Fatalf("%v, %v", o, err)
	}
	padded := `{"a":"` + strings.Repeat("x", MaxBody-8) + `"}`
	if _, err := read(padded); err != nil {
		t.Errorf("a body of %d bytes: %v", len(padded), err)
	}
	for body, status := range map[string]int{
		padded + " ": 413, "": 400, "null": 400, "[]": 400, `"a"`: 400, "Body of the request": 400, `{"a":1}{}`: 400, `{"a":1`: 400,
	} {
		_, err := read(body)
		if fault, ok := errors.AsType[*Fault](err); !ok || fault.Status != status {
			t.Errorf("%.20q: %v, want %d", body, err, status)
		}
	}
}

func TestReadPage(t *testing.T) {
	for query, want := range map[string]Page{
		"": {20, 0}, "limit=1": {1, 0}, "limit=100": {100, 0}, "offset=0": {20, 0}, "limit=5&offset=7": {5, 7}, "limit=&offset=": {20, 0},
	} {
		q, _ := url.ParseQuery(query)
		if got, err := ReadPage(q, 20, 100); err != nil || got != want {
			t.Errorf("%q: %v, %v", query, got, err)
		}
	}
	for _, query := range []string{"limit=0", "limit=101", "limit=-1", "limit=x", "limit=1.5", "limit=99999999999999999999", "offset=-1", "offset=x"} {
		q, _ := url.ParseQuery(query)
		_, err := ReadPage(q, 20, 100)
		if fault, ok := errors.AsType[*Fault](err); !ok || fault.Status != 400 {
			t.Errorf("%q: %v", query, err)
		}
	}
}

func TestCut(t *testing.T) {
	list := make([]Object, 10)
	for page, want := range map[Page]int{{4, 0}: 4, {4, 8}: 2, {10, 0}: 10, {4, 10}: 0, {4, 11}: 0, {100, int(^uint(0) >> 1)}: 0} {
		if got := len(page.Cut(list)); got != want {
			t.Errorf("%v: %d rows, want %d", page, got, want)
		}
	}
}

func TestLinks(t *testing.T) {
	rows := []struct {
		page  Page
		total int
		want  string // rel=offset of each link
	}{
		{Page{10, 0}, 25, "first=0 next=10 last=20"},
		{Page{10, 10}, 25, "first=0 prev=0 next=20 last=20"},
		{Page{10, 20}, 25, "first=0 prev=10 last=20"},
		{Page{10, 5}, 25, "first=0 prev=0 next=15 last=20"},
		{Page{10, 0}, 10, "first=0 last=0"},
		{Page{10, 0}, 11, "first=0 next=10 last=10"},
		{Page{10, 0}, 0, "first=0 last=0"},
		{Page{10, 9000}, 25, "first=0 prev=20 last=20"},
		{Page{10, int(^uint(0) >> 1)}, 25, "first=0 prev=20 last=20"},
	}
	for _, row := range rows {
		h := http.Header{}
		row.page.SetLinks(h, httptest.NewRequest("GET", "http://api.example/things/?limit=1&sort=a%20b&access_token=secret", nil), row.total)
		var got []string
		for link := range strings.SplitSeq(h.Get("Link"), ", ") {
			target, rel, _ := strings.Cut(link, "; rel=")
			u, err := url.Parse(strings.Trim(target, "<>"))
			if err != nil || u.Host != "api.example" || u.Path != "/things/" || u.Query().Get("sort") != "a b" || u.Query().Has("access_token") {
				t.Errorf("%v of %d: %s: %v", row.page, row.total, link, err)
			}
			got = append(got, strings.Trim(rel, `"`)+"="+u.Query().Get("offset"))
		}
		if strings.Join(got, " ") != row.want || h.Get("X-Total-Count") != fmt.Sprint(row.total) {
			t.Errorf("%v of %d: %v, want %s", row.page, row.total, got, row.want)
		}
	}
	r := httptest.NewRequest("GET", "http://127.0.0.1:9000/things", nil)
	r.Header.Set("X-Forwarded-Host", "api.example")
	r.Header.Set("X-Forwarded-Proto", "https")
	h := http.Header{}
	Page{1, 0}.SetLinks(h, r, 1)
	if got := h.Get("Link"); !strings.HasPrefix(got, "<https://api.example/things?") {
		t.Errorf("behind a gateway: %s", got)
	}
}

func TestCollection(t *testing.T) {
	c := NewCollection("id", 0, Object{"id": "a-1"}, Object{"id": "b"}, Object{"no": "id"})
	added, err := c.Add("a-", Object{"x": "new"})
	if err != nil || added["id"] != "a-2" {
		t.Fatalf("Add beside a-1: %v, %v", added, err)
	}
	if created, err := c.Create("b", Object{"id": "b", "x": "taken"}); created || err != nil {
		t.Errorf("Create on a taken id: %v, %v", created, err)
	}
	if created, _ := c.Put("b", Object{"id": "b", "x": "put"}); created {
		t.Error("Put in place of an object says that it created one")
	}
	if created, _ := c.Put("c", Object{"id": "c"}); !created {
		t.Error("Put of a new object does not say so")
	}
	if _, err := c.Change("b", func(Object) (Object, error) { return nil, Invalid("no") }); err == nil {
		t.Error("Change hides the error")
	}
	if got, _ := c.Get("b"); got["x"] != "put" {
		t.Errorf("after a failed Change: %v", got)
	}
	if !c.Delete("a-1") || c.Delete("a-1") {
		t.Error("Delete works not once but otherwise")
	}
	if _, err := c.Change("a-1", nil); err == nil {
		t.Error("Change finds a deleted object")
	}
	var ids []string
	for _, o := range c.List() {
		ids = append(ids, o["id"].(string))
	}
	if got := strings.Join(ids, " "); got != "b a-2 c" {
		t.Errorf("List: %s", got)
	}
}

func TestRoom(t *testing.T) {
	object := Object{"id": "a"}
	size := len(`{"id":"a"}`) + overhead
	if c := NewCollection("id", size, object); len(c.List()) != 1 {
		t.Error("an object that just fits is left out")
	}
	if c := NewCollection("id", size-1, object); len(c.List()) != 0 {
		t.Error("an object that does not fit is kept")
	}
	c := NewCollection("id", size, object)
	if _, err := c.Put("a", object); err != nil {
		t.Errorf("the same object again: %v", err)
	}
	_, err := c.Create("b", Object{"id": "b"})
	if fault, ok := errors.AsType[*Fault](err); !ok || fault.Status != http.StatusInsufficientStorage {
		t.Errorf("one more: %v", err)
	}
	c.Delete("a")
	if _, err := c.Create("b", Object{"id": "b"}); err != nil {
		t.Errorf("after a Delete: %v", err)
	}
}

func TestCollectionConcurrently(t *testing.T) {
	c := NewCollection("id", 0, Object{"id": "n", "count": 0})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			c.Add("x", Object{})
			c.List()
			c.Change("n", func(o Object) (Object, error) { return Object{"id": "n", "count": o["count"].(int) + 1}, nil })
		})
	}
	wg.Wait()
	if n, _ := c.Get("n"); n["count"] != 50 || len(c.List()) != 51 {
		t.Errorf("%v and %d objects", n, len(c.List()))
	}
}

func ExampleRoutes() {
	var routes Routes
	routes.Handle("GET /greetings/{name}", func(w http.ResponseWriter, r *http.Request) error {
		return Write(w, http.StatusOK, Object{"hello": r.PathValue("name")})
	})
	w := httptest.NewRecorder()
	routes.ServeHTTP(w, httptest.NewRequest("GET", "/greetings/Ada/", nil))
	fmt.Print(w.Body)
	// Output: {"hello":"Ada"}
}
