package client_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantway/grantway/client"
	"github.com/grantway/grantway/oauth"
)

// TestRevoke: a person's token is ended by its refresh token, a machine's by itself,
// also by a process that finds it in the cache; whatever the server says, it is
// forgotten here.
func TestRevoke(t *testing.T) {
	for _, row := range []struct {
		name    string
		machine bool
		nowhere bool // the metadata names no endpoint
		named   bool // by the configuration
		answer  func(http.ResponseWriter)
		want    string // that was revoked
		is      func(error) bool
	}{
		{name: "a person's", want: "refresh_token r1", is: func(err error) bool { return err == nil }},
		{name: "a machine's", machine: true, want: "access_token t1", is: func(err error) bool { return err == nil }},
		{name: "nowhere", nowhere: true, is: func(err error) bool { return errors.Is(err, client.ErrNoRevocation) }},
		{name: "named", nowhere: true, named: true, want: "refresh_token r1", is: func(err error) bool { return err == nil }},
		{
			name: "down", want: "refresh_token r1", answer: func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) },
			is: func(err error) bool { b, ok := errors.AsType[*client.BusyError](err); return ok && !b.RetryAt.IsZero() },
		},
		{
			name: "no", want: "refresh_token r1", answer: func(w http.ResponseWriter) {
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, `{"error":"unsupported_token_type"}`)
			},
			is: func(err error) bool { _, ok := errors.AsType[*client.RefusedError](err); return ok },
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			revoked, asked := "", 0
			mux := http.NewServeMux()
			server := httptest.NewServer(mux)
			defer server.Close()
			mux.HandleFunc("GET /.well-known/oauth-authorization-server", func(w http.ResponseWriter, _ *http.Request) {
				m := oauth.ServerMetadata{Issuer: server.URL, TokenEndpoint: server.URL + "/token", AuthorizationEndpoint: server.URL + "/authorize"}
				if !row.nowhere {
					m.RevocationEndpoint = server.URL + "/revoke"
				}
				_ = json.NewEncoder(w).Encode(m)
			})
			mux.HandleFunc("POST /token", func(w http.ResponseWriter, _ *http.Request) {
				asked++
				fmt.Fprint(w, `{"access_token":"t1","refresh_token":"r1","expires_in":600}`)
			})
			mux.HandleFunc("POST /revoke", func(w http.ResponseWriter, r *http.Request) {
				revoked = r.PostFormValue("token_type_hint") + " " + r.PostFormValue("token")
				if id, secret, ok := r.BasicAuth(); !ok || id != "c" || secret != "s3cret" {
					t.Errorf("authenticates as %q %q", id, secret)
				}
				if row.answer != nil {
					row.answer(w)
				}
			})
			with := client.Config{
				Issuer: server.URL, ClientID: "c", Secret: client.Static("s3cret"),
				Cache: client.NewFiles(filepath.Join(t.TempDir(), "tokens")),
			}
			if row.named {
				with.RevocationURL = server.URL + "/revoke"
			}
			first := made(t, with)
			if !row.machine {
				with.Grant = oauth.GrantAuthorizationCode
				first = made(t, with)
				in, err := first.SignIn(t.Context(), "http://127.0.0.1/back", nil)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := first.Exchange(t.Context(), in, map[string][]string{"state": {in.State.Reveal()}, "code": {"k"}}); err != nil {
					t.Fatal(err)
				}
			} else {
				has(t, first, "t1")
			}
			later := made(t, with)
			if err := later.Revoke(t.Context()); !row.is(err) || revoked != row.want {
				t.Errorf("error %v, revoked %q, want %q", err, revoked, row.want)
			}
			revoked = ""
			if err := later.Revoke(t.Context()); err != nil || revoked != "" {
				t.Errorf("a second time: %v, revoked %q", err, revoked)
			}
			if row.machine {
				has(t, made(t, with), "t1")
			} else if _, err := made(t, with).Token(t.Context()); !errors.Is(err, client.ErrSignIn) {
				t.Errorf("it is not forgotten: %v", err)
			}
			if want := map[bool]int{true: 2, false: 1}[row.machine]; asked != want {
				t.Errorf("%d token requests, want %d", asked, want)
			}
		})
	}
}

// TestCacheServesWhileTheServerIsDown: a process that begins when the server is
// down serves what another one has kept, as long as that lives, and pauses.
func TestCacheServesWhileTheServerIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := instant(good)
		with := config(i)
		with.Cache = client.NewMemory()
		var reported atomic.Int64
		with.Report = func(error) { reported.Add(1) }
		old := has(t, made(t, with), "t1")
		i.answer.Store(answers(func(int64) (int, http.Header, string) { return http.StatusServiceUnavailable, nil, "" }))
		time.Sleep(58 * time.Minute)
		late := made(t, with)
		for range 3 {
			has(t, late, "t1")
		}
		i.wasAsked(t, 2)
		synctest.Wait()
		if n := reported.Load(); n != 1 {
			t.Errorf("%d reports, want 1", n)
		}
		// One that an API has refused is not served again.
		if _, err := late.Renew(t.Context(), old); !isBusy(err) {
			t.Errorf("the bad token's successor: %v", err)
		}
		time.Sleep(3 * time.Minute)
		if _, err := late.Token(t.Context()); !isBusy(err) {
			t.Errorf("after its end: %v", err)
		}
		i.answer.Store(answers(good))
		time.Sleep(5 * time.Minute)
		if got, err := late.Token(t.Context()); err != nil || got.Access == "t1" {
			t.Errorf("when the server is back: %v", err)
		}
	})
}

func isBusy(err error) bool { _, ok := errors.AsType[*client.BusyError](err); return ok }
