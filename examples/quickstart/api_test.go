package quickstart

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantway/grantway/examples/demo"
)

func fixed() time.Time { return time.Date(2026, time.November, 22, 10, 0, 0, 0, time.UTC) }

func call(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

func TestNotes(t *testing.T) {
	h := newRoutes(fixed)
	rows := []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/health", "", 200, `{"status":"ok"}`},
		{"HEAD", "/health", "", 200, ""},
		{"GET", "/notes", "", 200, `{"notes":[{"created":"2026-11-02T09:00:00Z","id":"note-1","text":"A token opened this door."}`},
		{"POST", "/notes", `{"text":"Hello"}`, 201, `{"created":"2026-11-22T10:00:00Z","id":"note-3","text":"Hello"}`},
		{"POST", "/notes/", `{"text":"Again"}`, 201, `"id":"note-4"`},
		{"GET", "/notes/note-3", "", 200, `"text":"Hello"`},
		{"GET", "/notes/note-3/", "", 200, `"text":"Hello"`},
		{"DELETE", "/notes/note-3", "", 204, ""},
		{"GET", "/notes/note-3", "", 404, `{"error":"not_found","error_description":"There is no note \"note-3\"."}`},
		{"DELETE", "/notes/note-3", "", 404, "not_found"},
		{"POST", "/notes", `{"text":" "}`, 400, "invalid_request"},
		{"POST", "/notes", `{"text":1}`, 400, "invalid_request"},
		{"POST", "/notes", `hello`, 400, "invalid_request"},
		{"PUT", "/notes/note-1", `{}`, 405, "Served are: DELETE, GET, HEAD."},
		{"DELETE", "/notes", "", 405, "method_not_allowed"},
		{"POST", "/notes", `{"text":"x"}` + strings.Repeat(" ", demo.MaxBody-12), 201, `"text":"x"`},
		{"POST", "/notes", `{"text":"x"}` + strings.Repeat(" ", demo.MaxBody-11), 413, "too_large"},
	}
	for _, row := range rows {
		w := call(h, row.method, row.path, row.body)
		if w.Code != row.status || !strings.Contains(w.Body.String(), row.want) {
			t.Errorf("%s %s: %d, want %d: %s", row.method, row.path, w.Code, row.status, w.Body)
		}
		if kind := w.Header().Get("Content-Type"); kind != "application/json" && w.Code != 204 {
			t.Errorf("%s %s: Content-Type %q", row.method, row.path, kind)
		}
	}
	if got := call(newRoutes(fixed), "POST", "/notes", `{"text":"x"}`).Header().Get("Location"); got != "/notes/note-3" {
		t.Errorf("Location %q", got)
	}
}

func TestNotesAreBounded(t *testing.T) {
	h := newRoutes(fixed)
	large, _ := json.Marshal(map[string]string{"text": strings.Repeat("x", demo.MaxBody-20)})
	for range 3 {
		if w := call(h, "POST", "/notes", string(large)); w.Code != 201 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	if w := call(h, "POST", "/notes", string(large)); w.Code != http.StatusInsufficientStorage {
		t.Errorf("4 MiB and more: %d", w.Code)
	}
}

func TestStream(t *testing.T) {
	for path, want := range map[string]int{"/stream": 5, "/stream/": 5, "/stream?count=1": 1, "/stream?count=100": 100} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			w := call(API(), "GET", path, "")
			if took := time.Since(start); took != time.Duration(want-1)*interval {
				t.Errorf("%s took %v", path, took)
			}
			last := fmt.Sprintf("id: %d\nevent: tick\ndata: {\"number\":%d,\"of\":%d}\n\n", want, want, want)
			if got := strings.Count(w.Body.String(), "\n\n"); got != want || !strings.HasSuffix(w.Body.String(), last) || !w.Flushed {
				t.Errorf("%s: %d events: %s", path, got, w.Body)
			}
			if kind := w.Header().Get("Content-Type"); kind != "text/event-stream" {
				t.Errorf("%s: Content-Type %q", path, kind)
			}
		})
	}
	for _, count := range []string{"0", "-1", "101", "x"} {
		if w := call(API(), "GET", "/stream?count="+count, ""); w.Code != 400 || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("count=%s: %d", count, w.Code)
		}
	}
	if w := call(API(), "HEAD", "/stream", ""); w.Code != 200 || w.Body.Len() != 0 {
		t.Errorf("HEAD: %d %s", w.Code, w.Body)
	}
}

func TestStreamEndsWithItsClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), interval+interval/2)
		defer cancel()
		w := httptest.NewRecorder()
		API().ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/stream?count=100", nil))
		if got := strings.Count(w.Body.String(), "\n\n"); got != 2 {
			t.Errorf("%d events for a client that went after one and a half intervals", got)
		}
	})
}

func ExampleAPI() {
	w := httptest.NewRecorder()
	API().ServeHTTP(w, httptest.NewRequest("GET", "/notes/note-1", nil))
	fmt.Println(w.Code)
	fmt.Print(w.Body)
	// Output:
	// 200
	// {"created":"2026-11-02T09:00:00Z","id":"note-1","text":"A token opened this door."}
}
