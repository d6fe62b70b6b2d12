package interop

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

var oauth2Styles = map[string]oauth2.AuthStyle{
	"basic": oauth2.AuthStyleInHeader,
	"body":  oauth2.AuthStyleInParams,
	"auto":  oauth2.AuthStyleAutoDetect, // Basic, and whatever failed once more in the body
}

// config is how a Go program is told about its client. A new one knows nothing
// of what an earlier one found out.
func config(at environment, style oauth2.AuthStyle, scope string) *clientcredentials.Config {
	c := &clientcredentials.Config{
		ClientID: at.clientID, ClientSecret: at.secret, TokenURL: at.tokenURL, AuthStyle: style,
		Scopes: strings.Fields(scope),
	}
	if at.audience != "" {
		c.EndpointParams = url.Values{"audience": {at.audience}}
	}
	return c
}

func TestOAuth2(t *testing.T) {
	for _, name := range systems {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, name)
			for _, style := range []string{"basic", "body", "auto"} {
				how := oauth2Styles[style]
				t.Run(style, func(t *testing.T) {
					scenario(t, s, library{style, func(at environment, scope string) (string, error) {
						return oauth2Token(t, config(at, how, scope), at)
					}, func(token, method, url, body string) (*http.Response, error) {
						bearer := oauth2.NewClient(t.Context(), oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token}))
						return send(bearer, method, url, body)
					}})
				})
				t.Run(style+" by itself", func(t *testing.T) { oauth2Client(t, s, how) })
			}
		})
	}
}

// oauth2Token returns the library's token, or its own error as a refused.
func oauth2Token(t *testing.T, c *clientcredentials.Config, at environment) (string, error) {
	got, err := c.Token(t.Context())
	if failed, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		if failed.ErrorDescription == "" {
			t.Errorf("%v: no explanation", failed)
		}
		return "", refused{failed.Response.StatusCode, failed.ErrorCode}
	}
	if err != nil {
		return "", err
	}
	left := time.Until(got.Expiry)
	if got.Type() != "Bearer" || !got.Valid() || left > at.lifetime || left < at.lifetime-time.Minute {
		t.Errorf("%s token for %v, want %v", got.Type(), left, at.lifetime)
	}
	return got.AccessToken, nil
}

// oauth2Client calls the API with the library's own HTTP client, which gets its
// tokens itself: the first, and the next when that one has ended.
func oauth2Client(t *testing.T, s *system, style oauth2.AuthStyle) {
	first, staging := s.firstCall(), s.staging()
	source := config(staging, style, "").TokenSource(t.Context())
	ended := &oauth2.Token{AccessToken: "ended", Expiry: time.Now().Add(-time.Second)}
	for _, client := range []*http.Client{
		config(staging, style, "").Client(t.Context()),
		oauth2.NewClient(t.Context(), oauth2.ReuseTokenSource(ended, source)),
	} {
		response, err := send(client, first.method, staging.api+first.path, first.body)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != 200 || !strings.Contains(string(answer), first.answer) {
			t.Errorf("%v, %d: %s", err, response.StatusCode, answer)
		}
	}
}

func send(client *http.Client, method, url, body string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	return client.Do(request)
}

// Thirty wrong secrets a minute lock a client out at its address. This library
// tries each of them twice, once by Basic and once in the body: both together are
// one failure, so that its users have thirty as all others do.
func TestOAuth2LockedOut(t *testing.T) {
	const budget, payback = 30, 2 * time.Second
	for _, name := range systems {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, name)
			right := s.staging()
			ask := func(secret string) error {
				at := right
				at.secret = secret
				_, err := config(at, oauth2.AuthStyleAutoDetect, "").Token(t.Context())
				return err
			}
			began := time.Now()
			calls := 0
			wrong := func() (locked bool) {
				t.Helper()
				calls++
				err := ask("not_the_secret_" + strconv.Itoa(calls))
				failed, ok := errors.AsType[*oauth2.RetrieveError](err)
				if !ok {
					t.Fatalf("call %d: %v", calls, err)
				}
				if locked = failed.Response.StatusCode == http.StatusTooManyRequests; !locked && failed.ErrorCode != s.refusedSecret("auto").code {
					t.Fatalf("call %d: %v", calls, err)
				}
				return locked
			}
			for locked := false; !locked; {
				locked = wrong()
				if calls == budget-1 {
					if err := ask(right.secret); err != nil {
						t.Errorf("the right secret after %d wrong ones: %v", calls, err)
					}
				}
			}
			// The last failure of the budget is the Basic half of a call, so the body
			// half already meets the lock. A slow machine gets some failures back.
			if most := budget + int(time.Since(began)/payback) + 1; calls < budget || calls > most {
				t.Errorf("locked out in call %d, want %d to %d", calls, budget, most)
			}

			err := ask(right.secret)
			for tries := 0; err == nil && tries < 20; tries++ { // a failure was given back just now
				for !wrong() {
				}
				err = ask(right.secret)
			}
			failed, ok := errors.AsType[*oauth2.RetrieveError](err)
			if !ok || failed.Response.StatusCode != http.StatusTooManyRequests {
				t.Fatalf("the right secret, locked out: %v", failed)
			}
			wait, err := strconv.Atoi(failed.Response.Header.Get("Retry-After"))
			if err != nil || wait < 1 || time.Duration(wait)*time.Second > payback {
				t.Fatalf("Retry-After: %v", failed.Response.Header)
			}
			time.Sleep(time.Duration(wait) * time.Second)
			if err := ask(right.secret); err != nil {
				t.Errorf("the right secret after the wait: %v", err)
			}
		})
	}
}
