package limit

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestRequest(t *testing.T) {
	// The fixture is as small as a request gets: "Host: h" is 9 bytes of headers.
	plain := func() *http.Request {
		return &http.Request{Method: "GET", RequestURI: "/", Host: "h", Header: http.Header{}}
	}
	header := func(name string, values ...string) *http.Request {
		r := plain()
		r.Header[name] = values
		return r
	}
	long := func(n int) string { return strings.Repeat("x", n) }
	url := func(n int) *http.Request { r := plain(); r.RequestURI = "/" + long(n-1); return r }
	total := func(n int) *http.Request {
		r := header("A", long(8<<10))
		r.Header["B"] = []string{long(n - 9 - (5 + 8<<10) - 5)}
		return r
	}
	count := func(n int) *http.Request {
		r := plain()
		for i := range (n - 1) / 2 {
			r.Header[fmt.Sprint("X-", i)] = []string{"1", "2"}
		}
		if n%2 == 0 {
			r.Header["Y"] = []string{"1"}
		}
		return r
	}
	for _, row := range []struct {
		name       string
		most, more *http.Request
		status     int
		what       string
	}{
		{"URL", url(8 << 10), url(8<<10 + 1), 414, PartURL},
		{"one header", header("A", long(8<<10)), header("A", long(8<<10+1)), 431, PartHeader},
		{"all headers", total(16 << 10), total(16<<10 + 1), 431, PartHeaders},
		{"header count", count(100), count(101), 431, PartHeaderCount},
		{"cookies", header("Cookie", strings.Repeat("a=b; ", 49)+"a=b"), header("Cookie", strings.Repeat("a=b; ", 50)+"a=b"), 431, PartCookies},
		{"cookies in two lines", header("Cookie", strings.Repeat("a=b; ", 48)+"a=b", "c=d"), header("Cookie", strings.Repeat("a=b; ", 49)+"a=b", "c=d"), 431, PartCookies},
		{"bytes of cookies", header("Cookie", long(4<<10), long(4<<10)), header("Cookie", long(4<<10), long(4<<10+1)), 431, PartCookies},
		{"encoding", header("Content-Encoding", "Identity", ""), header("Content-Encoding", "gzip"), 415, PartEncoding},
		{"second encoding", plain(), header("Content-Encoding", "identity", "br"), 415, PartEncoding},
		{"encodings in one line", plain(), header("Content-Encoding", "identity, gzip"), 415, PartEncoding},
	} {
		t.Run(row.name, func(t *testing.T) {
			if status, what := serve(row.most, RequestLimits{}); status != 204 || what != "" {
				t.Errorf("at the limit: %d, %q", status, what)
			}
			if status, what := serve(row.more, RequestLimits{}); status != row.status || what != row.what {
				t.Errorf("beyond the limit: %d, %q; want %d, %q", status, what, row.status, row.what)
			}
		})
	}
	if status, _ := serve(header("Content-Encoding", "gzip"), RequestLimits{AnyEncoding: true}); status != 204 {
		t.Errorf("any encoding: %d", status)
	}
	if status, _ := serve(url(11), RequestLimits{URL: 10}); status != 414 {
		t.Errorf("own limit: %d", status)
	}
}

// serve is the status of the answer, and the part that Refuse was told.
func serve(r *http.Request, limits RequestLimits) (status int, what string) {
	limits.Refuse = func(w http.ResponseWriter, _ *http.Request, status int, part string) {
		what = part
		w.WriteHeader(status)
	}
	answer := httptest.NewRecorder()
	Request(noContent, limits).ServeHTTP(answer, r)
	return answer.Code, what
}

var noContent = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })

func TestRequestWithoutRefuse(t *testing.T) {
	r := httptest.NewRequest("POST", "/", nil)
	r.Header.Set("Content-Encoding", "gzip")
	answer := httptest.NewRecorder()
	Request(noContent, RequestLimits{}).ServeHTTP(answer, r)
	if answer.Code != 415 || answer.Header().Get("Accept-Encoding") != "identity" {
		t.Errorf("%d, %v", answer.Code, answer.Header())
	}
}

func BenchmarkRequest(b *testing.B) {
	r := httptest.NewRequest("POST", "/oauth2/token", nil)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Basic aTpz")
	handler := Request(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), RequestLimits{})
	b.ReportAllocs()
	for b.Loop() {
		handler.ServeHTTP(nil, r)
	}
}
