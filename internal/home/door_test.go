package home

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/grantway/grantway/client"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/store"
)

// describes answers as home's metadata does.
type describes struct{}

// RoundTrip implements http.RoundTripper.
func (describes) RoundTrip(r *http.Request) (*http.Response, error) {
	const metadata = `{"issuer":"https://auth.example/home","authorization_endpoint":"https://auth.example/home/authorize","token_endpoint":"https://auth.example/home/token"}`
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader([]byte(metadata))), Request: r,
	}, nil
}

// doorAt is a door of a part that has an address of its own.
func doorAt(t *testing.T, address string) *Door {
	t.Helper()
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	seal, err := keys.SealOf(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return &Door{
		Part: "console", URL: at, ClientID: "console", Secret: client.Static("s"), Issuer: "https://auth.example/home",
		Transport: describes{}, Seal: seal, Now: func() time.Time { return time.Unix(1_800_000_000, 0) },
	}
}

// TestBackIsOurs: wherever a link leads, whoever signs in is sent to a page of the
// part afterwards, as a browser reads its address (row A22).
func TestBackIsOurs(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ at, target, want string }{
		{"https://console.example", "/clients?q=a%20b", "/clients?q=a%20b"},
		{"https://console.example", "//evil.example/", "/"},
		{"https://console.example", "///evil.example/", "/"},
		{"https://console.example", `/\evil.example/`, "/%5Cevil.example/"},
		{"https://console.example", "evil:evil.example", "/"},
		{"https://console.example", "http://evil.example//evil.example/", "/"},
		{"https://example.org/console", "//evil.example/", "/console//evil.example/"},
	} {
		d := doorAt(t, row.at)
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
		at, err := url.ParseRequestURI(row.target)
		if err != nil {
			t.Fatal(err)
		}
		r.URL = at
		if err := d.SignIn(w, r, 0); err != nil {
			t.Fatal(err)
		}
		again := httptest.NewRequest(http.MethodGet, "/signed-in", nil)
		for _, c := range w.Result().Cookies() {
			again.AddCookie(c)
		}
		var all []going
		if ok, err := d.open(again, "going", &all); !ok || err != nil || len(all) != 1 {
			t.Fatalf("%s: %v, %v", row.target, ok, err)
		}
		if got := d.URL.Path + all[0].Back; got != row.want {
			t.Errorf("%s at %s: back to %s, want %s", row.target, row.at, got, row.want)
		}
	}
}

// TestSignOutEnds: whoever signs out has ended the session, so that a copy of the
// cookie opens nothing (row P24); where that fails, nobody is told that it was done.
func TestSignOutEnds(t *testing.T) {
	t.Parallel()
	ends := func(failing error) (d *Door, ended *string) {
		d, ended = doorAt(t, "https://console.example"), new(string)
		d.End = func(_ context.Context, account, session string, by store.By) error {
			*ended = account + " " + session + " by " + by.Actor
			return failing
		}
		return d, ended
	}
	for _, row := range []struct {
		what    string
		visits  bool
		failing error
		ended   string
		done    bool
	}{
		{"a visitor", true, nil, "anna s1 by anna", true},
		{"whose session is gone", true, store.ErrNotFound, "anna s1 by anna", true},
		{"a store that does not answer", true, store.ErrUnavailable, "anna s1 by anna", false},
		{"nobody", false, nil, "", true},
	} {
		d, ended := ends(row.failing)
		r := httptest.NewRequest(http.MethodPost, "/sign-out", nil)
		if row.visits {
			w := httptest.NewRecorder()
			d.keep(w, "visit", &visit{SessionID: "s1", AccountID: "anna", Handle: "h"})
			r.AddCookie(w.Result().Cookies()[0])
		}
		w := httptest.NewRecorder()
		err := d.SignOut(w, r)
		if *ended != row.ended || (err == nil) != row.done || !row.done && !errors.Is(err, row.failing) {
			t.Errorf("%s: ended %q, %v", row.what, *ended, err)
		}
		if gone := w.Header().Get("Location") != ""; gone != row.done {
			t.Errorf("%s: sent on: %v", row.what, gone)
		}
	}
}
