package interop

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantway/grantway/client"
	"github.com/grantway/grantway/oauth"
)

// requests counts those to an issuer.
type requests struct{ made atomic.Int64 }

func (r *requests) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method == http.MethodPost {
		r.made.Add(1)
	}
	return http.DefaultTransport.RoundTrip(request)
}

// TestClient runs package client against the three systems that have client
// credentials, each as its own guide sends them.
func TestClient(t *testing.T) {
	for _, name := range systems {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, name)
			staging, first := s.staging(), s.firstCall()
			auth := map[string]client.Auth{"timeback": client.Body, "fitness": client.Basic, "studyteam": client.JSONBody}[name]
			var asked requests
			c, err := client.New(client.Config{
				TokenURL: staging.tokenURL, ClientID: staging.clientID, Secret: client.Static(staging.secret),
				Auth: auth, Target: client.Target{Audience: staging.audience}, Transport: &asked,
			})
			if err != nil {
				t.Fatal(err)
			}
			calls := func() error {
				return answers(send(c.HTTP(), first.method, staging.api+first.path, first.body))(first.answer)
			}
			renewedOnce(t, c, &asked, calls, staging.api+first.path, first, func(token string) error {
				form := url.Values{"token": {token}}
				base, _, _ := strings.Cut(staging.tokenURL, "/oauth")
				revoke, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/oauth2/revoke", strings.NewReader(form.Encode()))
				if err != nil {
					return err
				}
				revoke.SetBasicAuth(staging.clientID, staging.secret)
				return revoked(revoke)
			})

			wrong, err := client.New(client.Config{
				TokenURL: staging.tokenURL, ClientID: staging.clientID, Secret: client.Static("not_the_secret"),
				Auth: auth, Target: client.Target{Audience: staging.audience},
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = wrong.Token(t.Context())
			if stop, ok := err.(*client.RefusedError); !ok || !strings.Contains(stop.Cure(), "secret") {
				t.Errorf("a wrong secret: %v", err)
			}
		})
	}
}

// TestClientOfAPerson: in each dialect a person signs in, and the token that they
// allowed is renewed by its refresh token when it is revoked.
func TestClientOfAPerson(t *testing.T) {
	for _, dialect := range dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			f := open(t, dialect)
			var asked requests
			config := client.Config{
				Issuer: f.issuer, ClientID: "planner", Secret: client.Static(f.secret), Grant: oauth.GrantAuthorizationCode,
				Target:    client.Target{Scopes: []string{oauth.ScopeOpenID, oauth.ScopeOfflineAccess, "notes.read"}},
				Transport: &asked,
			}
			if dialect == "auth0" {
				config.Audience = audience
			}
			c, err := client.New(config)
			if err != nil {
				t.Fatal(err)
			}
			in, err := c.SignIn(t.Context(), "https://planner.example/callback", nil)
			if err != nil {
				t.Fatal(err)
			}
			back, err := newPerson(f.name, f.password).open(in.URL, false)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := url.Parse(back)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Exchange(t.Context(), in, answer.Query()); err != nil {
				t.Fatal(err)
			}
			first := firstCall{"GET", "/notes", "", "buy bread"}
			calls := func() error { return answers(send(c.HTTP(), first.method, f.base+first.path, ""))(first.answer) }
			renewedOnce(t, c, &asked, calls, f.base+first.path, first, func(token string) error {
				form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}
				revoke, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.base+"/oauth2/revoke", strings.NewReader(form.Encode()))
				if err != nil {
					return err
				}
				revoke.SetBasicAuth("planner", url.QueryEscape(f.secret))
				return revoked(revoke)
			})
		})
	}
}

// renewedOnce has 50 goroutines call with one token, which is then revoked: after
// that the same calls succeed with one more token request.
func renewedOnce(t *testing.T, c *client.Client, asked *requests, calls func() error, address string, first firstCall, revoke func(token string) error) {
	t.Helper()
	together := func() {
		t.Helper()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if err := calls(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if asked.made.Load() != 1 {
			t.Errorf("%d token requests", asked.made.Load())
		}
	}
	together()
	old, err := c.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := revoke(old.Access.Reveal()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) { // the gateway hears of it
		response, err := send(bearer(old.Access.Reveal()), first.method, address, first.body)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode == http.StatusUnauthorized {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("a revoked token: %d", response.StatusCode)
		}
	}
	asked.made.Store(0)
	together()
}

// bearer sends this token whatever becomes of it.
func bearer(token string) *http.Client {
	return &http.Client{Transport: withToken(token)}
}

type withToken string

func (w withToken) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := r.Clone(r.Context())
	sent.Header.Set("Authorization", "Bearer "+string(w))
	return http.DefaultTransport.RoundTrip(sent)
}

// answers reads a response, which must have status 200 and hold the text.
func answers(response *http.Response, err error) func(text string) error {
	return func(text string) error {
		if err != nil {
			return err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(body), text) {
			return fmt.Errorf("%d %s, %w", response.StatusCode, body, err)
		}
		return nil
	}
}

// revoked has a token revoked (RFC 7009 §2.1).
func revoked(r *http.Request) error {
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(r.WithContext(context.WithoutCancel(r.Context())))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusOK {
		return fmt.Errorf("revocation: %d %s", response.StatusCode, body)
	}
	return nil
}
