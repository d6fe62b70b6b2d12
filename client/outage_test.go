package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantway/grantway/client"
	"github.com/grantway/grantway/oauth"
)

// TestEndpointHangs: an endpoint that takes the request and does not answer costs
// no call its token, to the token's last second, and little time.
func TestEndpointHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(good)
		c := made(t, config(i))
		has(t, c, "t1")
		i.takes = time.Hour
		time.Sleep(time.Hour - time.Minute)
		for range 59 {
			began := time.Now()
			short, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
			if got, err := c.Token(short); err != nil || got.Access != "t1" || time.Since(began) > 50*time.Millisecond {
				t.Errorf("a caller in a hurry got %q, %v after %v", got.Access.Reveal(), err, time.Since(began))
			}
			stop()
			began = time.Now()
			has(t, c, "t1")
			if waited := time.Since(began); waited > time.Second {
				t.Errorf("a call waited %v", waited)
			}
			time.Sleep(time.Second - time.Since(began))
		}
		if n := i.asked.Load() - 1; n > 8 {
			t.Errorf("%d attempts in a minute", n)
		}
		time.Sleep(time.Minute) // the last attempt gives up
	})
}

// TestShortLives: of a server whose tokens live for five seconds, 1 000 callers a
// second need one token every four, and none of them ever has one that is over.
func TestShortLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(func(n int64) (int, http.Header, string) {
			return 200, nil, fmt.Sprintf(`{"access_token":"t%d","token_type":"Bearer","expires_in":5}`, n)
		})
		c := made(t, config(i))
		for range 60 {
			var wg sync.WaitGroup
			for range 1000 {
				wg.Go(func() {
					if got, err := c.Token(t.Context()); err != nil || !got.Expires.After(time.Now()) {
						t.Errorf("got %v until %v", err, got.Expires)
					}
				})
			}
			wg.Wait()
			time.Sleep(time.Second)
		}
		if n := i.asked.Load(); n < 12 || n > 21 {
			t.Errorf("%d requests in a minute", n)
		}
	})
}

// TestSkewOfTheAPI: where the API's clock is a minute fast, or this machine's a
// minute slow, it refuses a token that has a minute left. No call fails.
func TestSkewOfTheAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var issued sync.Map
		i := newIssuer(func(n int64) (int, http.Header, string) {
			issued.Store(fmt.Sprintf("Bearer t%d", n), time.Now())
			return 200, nil, fmt.Sprintf(`{"access_token":"t%d","token_type":"Bearer","expires_in":90}`, n)
		})
		i.takes = 0
		with := config(i)
		refused := 0
		with.APITransport = roundTrip(func(r *http.Request) (*http.Response, error) {
			at, ok := issued.Load(r.Header.Get("Authorization"))
			status, header := 200, http.Header{}
			if !ok || time.Since(at.(time.Time))+time.Minute >= 90*time.Second {
				refused++
				status = 401
				header.Set("WWW-Authenticate", `Bearer error="invalid_token", error_description="expired"`)
			}
			return &http.Response{StatusCode: status, Header: header, Body: http.NoBody, Request: r}, nil
		})
		h := made(t, with).HTTP()
		for range 600 {
			if status, _ := call(t, h, request(t, "GET", "https://api.example/", nil)); status != 200 {
				t.Errorf("status %d", status)
			}
			time.Sleep(time.Second)
		}
		if refused != 19 || i.asked.Load() != 20 {
			t.Errorf("%d calls were refused, %d tokens", refused, i.asked.Load())
		}
	})
}

// TestRefusedInOtherWords: a 401 of the token endpoint is about the credentials,
// also where its code is Auth0's; another secret is tried soon.
func TestRefusedInOtherWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(func(int64) (int, http.Header, string) { return 401, nil, `{"error":"access_denied"}` })
		var secret atomic.Value
		secret.Store(client.Secret("s3cret"))
		with := config(i)
		with.Secret = func(context.Context) (client.Secret, error) { return secret.Load().(client.Secret), nil }
		c := made(t, with)
		_, err := c.Token(t.Context())
		refused, ok := errors.AsType[*client.RefusedError](err)
		if !ok || !errors.Is(err, oauth.AccessDenied) || !strings.Contains(refused.Cure(), "secret") {
			t.Fatalf("got %v", err)
		}
		i.answer.Store(answers(good))
		secret.Store(client.Secret("another"))
		time.Sleep(time.Second)
		has(t, c, "t2")
	})
}

// TestProcessesShareFiles: ten processes that start together, as a scheduler has
// them do, make one token request.
func TestProcessesShareFiles(t *testing.T) {
	if folder := os.Getenv("CLIENT_TEST_FOLDER"); folder != "" { // one of the ten
		c := made(t, client.Config{
			TokenURL: os.Getenv("CLIENT_TEST_URL"), ClientID: "c", Secret: client.Static("s3cret"), Cache: client.NewFiles(folder),
		})
		has(t, c, "t1")
		return
	}
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(50 * time.Millisecond)
		_, _, body := good(asked.Add(1))
		fmt.Fprint(w, body)
	}))
	defer server.Close()
	folder := t.TempDir()
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			other := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProcessesShareFiles$")
			other.Env = append(os.Environ(), "CLIENT_TEST_FOLDER="+folder, "CLIENT_TEST_URL="+server.URL)
			if out, err := other.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	wg.Wait()
	if asked.Load() != 1 {
		t.Errorf("%d token requests", asked.Load())
	}
}
