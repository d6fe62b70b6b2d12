package client_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/grantway/grantway/client"
)

// An api accepts the tokens from the first valid one on, and counts.
type api struct {
	*httptest.Server
	valid  atomic.Int64 // the least n of the tokens "tn" that are good
	calls  atomic.Int64
	refuse func(http.ResponseWriter)
	gate   atomic.Pointer[sync.WaitGroup] // calls wait for each other
}

func newAPI(t *testing.T) *api {
	a := &api{refuse: func(w http.ResponseWriter) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="x", error="invalid_token"`)
		w.WriteHeader(401)
	}}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.calls.Add(1)
	var n int64
	_, _ = fmt.Sscanf(r.Header.Get("Authorization"), "Bearer t%d", &n)
	body, _ := io.ReadAll(r.Body)
	if gate := a.gate.Load(); gate != nil && n < a.valid.Load() {
		gate.Done()
		gate.Wait()
	}
	if n < max(1, a.valid.Load()) {
		a.refuse(w)
		return
	}
	fmt.Fprintf(w, "t%d %s", n, body)
}

func instant(a answers) *issuer {
	i := newIssuer(a)
	i.takes = 0
	return i
}

func call(t *testing.T, c *http.Client, r *http.Request) (int, string) {
	t.Helper()
	answer, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func request(t *testing.T, method, url string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRevokedInFlight: 1 000 calls are under way with a token that is revoked.
// One renewal, and no call fails.
func TestRevokedInFlight(t *testing.T) {
	const calls = 1000
	a, i := newAPI(t), instant(good)
	c := made(t, config(i))
	has(t, c, "t1")
	a.valid.Store(2)
	var gate, wg sync.WaitGroup
	gate.Add(calls)
	a.gate.Store(&gate)
	h := c.HTTP()
	for n := range calls {
		wg.Go(func() {
			answer, err := h.Do(request(t, "POST", a.URL, strings.NewReader(fmt.Sprint(n))))
			if err != nil {
				t.Error(err)
				return
			}
			defer answer.Body.Close()
			if body, _ := io.ReadAll(answer.Body); answer.StatusCode != 200 || string(body) != fmt.Sprintf("t2 %d", n) {
				t.Errorf("got %d %q", answer.StatusCode, body)
			}
		})
	}
	wg.Wait()
	i.wasAsked(t, 2)
	if a.calls.Load() != 2*calls {
		t.Errorf("%d calls", a.calls.Load())
	}
}

// TestOnlyABadTokenIsRenewed: the fixture is a 401 with invalid_token; each row
// alters one thing about it.
func TestOnlyABadTokenIsRenewed(t *testing.T) {
	for _, row := range []struct {
		name      string
		status    int
		challenge []string
		any401    bool
		body      io.Reader
		renewed   int64
		want      int
	}{
		{name: "fixture", renewed: 1, want: 200},
		{name: "403", status: 403, want: 403},
		{name: "403 and any 401", status: 403, any401: true, want: 403},
		{name: "no challenge", challenge: []string{}, want: 401},
		{name: "no challenge and any 401", challenge: []string{}, any401: true, renewed: 1, want: 200},
		{name: "another error", challenge: []string{`Bearer error="insufficient_scope"`}, want: 401},
		{name: "only described", challenge: []string{`Bearer error_description="error=invalid_token"`}, want: 401},
		{name: "described in quotes", challenge: []string{`Bearer realm="a \", error=invalid_token"`}, want: 401},
		{name: "without quotes", challenge: []string{`bearer Error = invalid_token`}, renewed: 1, want: 200},
		{name: "second challenge", challenge: []string{`Basic realm="x"`, `Bearer realm="y",error="invalid_token"`}, renewed: 1, want: 200},
		{name: "in one header", challenge: []string{`Basic realm="x", Bearer error="invalid_token"`}, renewed: 1, want: 200},
		{name: "body that can be sent again", body: bytes.NewReader([]byte("b")), renewed: 1, want: 200},
		{name: "body that cannot", body: io.MultiReader(strings.NewReader("b")), renewed: 1, want: 401},
	} {
		t.Run(row.name, func(t *testing.T) {
			a, i := newAPI(t), instant(good)
			a.valid.Store(2)
			if row.challenge != nil || row.status != 0 {
				a.refuse = func(w http.ResponseWriter) {
					w.Header()["Www-Authenticate"] = row.challenge
					if row.status != 0 {
						w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
					}
					w.WriteHeader(max(401, row.status))
				}
			}
			with := config(i)
			with.Any401 = row.any401
			status, _ := call(t, made(t, with).HTTP(), request(t, "POST", a.URL, row.body))
			if status != row.want {
				t.Errorf("status %d, want %d", status, row.want)
			}
			i.wasAsked(t, 1+row.renewed)
		})
	}
}

// TestAPIThatRefusesAll: renewals that an API asks for end somewhere, and its
// answers reach the caller.
func TestAPIThatRefusesAll(t *testing.T) {
	a, i := newAPI(t), instant(good)
	a.valid.Store(1 << 40)
	h := made(t, config(i)).HTTP()
	for range 50 {
		if status, _ := call(t, h, request(t, "GET", a.URL, nil)); status != 401 {
			t.Fatalf("status %d", status)
		}
	}
	i.wasAsked(t, 6)
}

// TestSameTokenAgain: where the issuer gives the refused token again, the call is
// not sent again.
func TestSameTokenAgain(t *testing.T) {
	a := newAPI(t)
	i := instant(func(int64) (int, http.Header, string) {
		return 200, nil, `{"access_token":"t1","expires_in":600}`
	})
	a.valid.Store(2)
	if status, _ := call(t, made(t, config(i)).HTTP(), request(t, "GET", a.URL, nil)); status != 401 {
		t.Errorf("status %d", status)
	}
	if a.calls.Load() != 1 {
		t.Errorf("%d calls", a.calls.Load())
	}
}

// TestRenewalFails: then the API's own answer is what the caller gets, and who is
// responsible hears why.
func TestRenewalFails(t *testing.T) {
	a, i := newAPI(t), instant(good)
	with := config(i)
	var reported atomic.Int64
	with.Report = func(error) { reported.Add(1) }
	c := made(t, with)
	has(t, c, "t1")
	a.valid.Store(2)
	i.answer.Store(answers(down))
	if status, _ := call(t, c.HTTP(), request(t, "GET", a.URL, nil)); status != 401 || reported.Load() != 1 {
		t.Errorf("status %d, %d reports", status, reported.Load())
	}
}

// TestWhereTheTokenGoes: to the origin that the caller chose, over TLS or on this
// machine.
func TestWhereTheTokenGoes(t *testing.T) {
	var here *httptest.Server
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/boomerang" {
			http.Redirect(w, r, here.URL+"/end", http.StatusFound)
			return
		}
		fmt.Fprintf(w, "token %q", r.Header.Get("Authorization"))
	}))
	defer other.Close()
	here = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other.URL+"/", http.StatusTemporaryRedirect)
		case "/back":
			http.Redirect(w, r, other.URL+"/", http.StatusFound)
		case "/boomerang":
			http.Redirect(w, r, other.URL+"/boomerang", http.StatusFound)
		case "/around":
			http.Redirect(w, r, here.URL+"/end", http.StatusFound)
		default:
			fmt.Fprintf(w, "token %q", r.Header.Get("Authorization"))
		}
	}))
	defer here.Close()
	h := made(t, config(instant(good))).HTTP()
	for path, want := range map[string]string{
		"/end": `token "Bearer t1"`, "/around": `token "Bearer t1"`, "/away": `token ""`, "/back": `token ""`,
		"/boomerang": `token ""`, // where it ends is the other one's choice
	} {
		if _, got := call(t, h, request(t, "GET", here.URL+path, nil)); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
	if answer, err := h.Do(request(t, "GET", "http://api.example/", nil)); err == nil {
		answer.Body.Close()
		t.Error("the token went over plain http")
	}
}

// TestNoToken: Do says what Token says.
func TestNoToken(t *testing.T) {
	i := instant(down)
	answer, err := made(t, config(i)).HTTP().Do(request(t, "GET", "https://api.example/", nil))
	if err == nil {
		answer.Body.Close()
		t.Fatal("a call without a token")
	}
	if !strings.Contains(err.Error(), "no token can be had at the moment (connection refused)") {
		t.Errorf("got %v", err)
	}
}

// TestRenew is for callers without HTTP.
func TestRenew(t *testing.T) {
	i := instant(good)
	c := made(t, config(i))
	old := has(t, c, "t1")
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if got, err := c.Renew(t.Context(), old); err != nil || got.Access != "t2" {
				t.Errorf("got %v, %v", got.Access.Reveal(), err)
			}
		})
	}
	wg.Wait()
	i.wasAsked(t, 2)
}

var _ = client.Basic
