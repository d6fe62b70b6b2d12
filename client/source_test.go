package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantway/grantway/client"
	"github.com/grantway/grantway/oauth"
)

// An issuer answers token requests without a network, so that a test's clock is
// the bubble's.
type issuer struct {
	asked  atomic.Int64
	takes  time.Duration
	answer atomic.Value // func(n int64) (status int, header http.Header, body string)
}

type answers = func(n int64) (int, http.Header, string)

func newIssuer(a answers) *issuer {
	i := &issuer{takes: 100 * time.Millisecond}
	i.answer.Store(a)
	return i
}

func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	n := i.asked.Add(1)
	select {
	case <-time.After(i.takes):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	status, header, body := i.answer.Load().(answers)(n)
	if header == nil {
		header = http.Header{}
	}
	if status == 0 {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func good(n int64) (int, http.Header, string) {
	return 200, nil, fmt.Sprintf(`{"access_token":"t%d","token_type":"Bearer","expires_in":3600}`, n)
}

func down(int64) (int, http.Header, string) { return 0, nil, "" }

func config(i http.RoundTripper) client.Config {
	return client.Config{
		TokenURL: "https://auth.example/token", ClientID: "c", Secret: client.Static("s3cret"),
		Target: client.Target{Scopes: []string{"read"}}, Transport: i,
	}
}

func made(t testing.TB, c client.Config) *client.Client {
	t.Helper()
	got, err := client.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func has(t *testing.T, c *client.Client, want string) client.Token {
	t.Helper()
	got, err := c.Token(t.Context())
	if err != nil || got.Access.Reveal() != want {
		t.Fatalf("got %q, %v; want %q", got.Access.Reveal(), err, want)
	}
	return got
}

func (i *issuer) wasAsked(t *testing.T, want int64) {
	t.Helper()
	if got := i.asked.Load(); got != want {
		t.Errorf("%d token requests, want %d", got, want)
	}
}

// TestOneRequestAtExpiry: 1 000 callers when the token is over, one request.
func TestOneRequestAtExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(good)
		c := made(t, config(i))
		has(t, c, "t1")
		time.Sleep(time.Hour)
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				if got, err := c.Token(t.Context()); err != nil || got.Access != "t2" {
					t.Errorf("got %q, %v", got.Access.Reveal(), err)
				}
			})
		}
		wg.Wait()
		i.wasAsked(t, 2)
	})
}

// TestRenewedBehindCallers: in the last part of its life the token is served at
// once, and renewed once; not before.
func TestRenewedBehindCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(good)
		c := made(t, config(i))
		has(t, c, "t1")
		time.Sleep(52 * time.Minute) // early is from 5 to 7.5 minutes
		has(t, c, "t1")
		synctest.Wait()
		i.wasAsked(t, 1)
		time.Sleep(3*time.Minute + 30*time.Second)
		began := time.Now()
		for range 100 {
			has(t, c, "t1")
		}
		if time.Since(began) != 0 {
			t.Errorf("callers waited %v", time.Since(began))
		}
		time.Sleep(time.Second)
		has(t, c, "t2")
		i.wasAsked(t, 2)
	})
}

// TestJitter: processes that began together do not renew together.
func TestJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(good)
		var clients []*client.Client
		for range 50 {
			c := made(t, config(i))
			if _, err := c.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			clients = append(clients, c)
		}
		time.Sleep(53*time.Minute + 45*time.Second)
		for _, c := range clients {
			_, _ = c.Token(t.Context())
		}
		synctest.Wait()
		time.Sleep(time.Second)
		if renewed := i.asked.Load() - 50; renewed < 5 || renewed > 45 {
			t.Errorf("%d of 50 renewed in the middle of the time for it", renewed)
		}
	})
}

// TestEndpointDown: no call fails while the token lives, attempts are spaced out,
// and when the endpoint is back there is one request.
func TestEndpointDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(good)
		var reported atomic.Int64
		with := config(i)
		with.Report = func(error) { reported.Add(1) }
		c := made(t, with)
		has(t, c, "t1")
		time.Sleep(56 * time.Minute)
		i.answer.Store(answers(down))
		for range 60 { // a minute
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() {
					if got, err := c.Token(t.Context()); err != nil || got.Access != "t1" {
						t.Errorf("got %q, %v", got.Access.Reveal(), err)
					}
				})
			}
			wg.Wait()
			time.Sleep(time.Second)
		}
		if n := i.asked.Load() - 1; n < 4 || n > 9 {
			t.Errorf("%d attempts in a minute", n)
		}
		if reported.Load() != i.asked.Load()-1 {
			t.Errorf("%d reports", reported.Load())
		}
		before := i.asked.Load()
		i.answer.Store(answers(good))
		time.Sleep(2 * time.Minute) // the last pause is over
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() { _, _ = c.Token(t.Context()) })
		}
		wg.Wait()
		time.Sleep(time.Second)
		i.wasAsked(t, before+1)
		has(t, c, fmt.Sprintf("t%d", before+1))
	})
}

// TestDownAtTheEnd: also the last seconds of a token are served, and after them
// calls fail at once, with when to come back, without asking.
func TestDownAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(good)
		c := made(t, config(i))
		has(t, c, "t1")
		i.answer.Store(answers(down))
		time.Sleep(time.Hour - time.Second)
		has(t, c, "t1")
		time.Sleep(2 * time.Minute)
		_, err := c.Token(t.Context())
		busy, ok := errors.AsType[*client.BusyError](err)
		if !ok || !busy.RetryAt.After(time.Now()) {
			t.Fatalf("got %v", err)
		}
		before, began := i.asked.Load(), time.Now()
		for range 1000 {
			if _, err := c.Token(t.Context()); err == nil {
				t.Fatal("a token from nowhere")
			}
		}
		if i.asked.Load() != before || time.Since(began) != 0 {
			t.Errorf("%d requests, %v", i.asked.Load()-before, time.Since(began))
		}
		i.answer.Store(answers(good))
		time.Sleep(time.Until(busy.RetryAt))
		has(t, c, fmt.Sprintf("t%d", before+1))
	})
}

func TestRetryAfter(t *testing.T) {
	for said, want := range map[string]time.Duration{
		"40": 40 * time.Second, "999999999": 15 * time.Minute, "": 0, "soon": 0,
		"Mon, 01 Jan 1990 00:01:00 GMT": time.Minute, // the server's clock is years behind
	} {
		synctest.Test(t, func(t *testing.T) {
			i := newIssuer(func(int64) (int, http.Header, string) {
				return 503, http.Header{"Retry-After": {said}, "Date": {"Mon, 01 Jan 1990 00:00:00 GMT"}}, ""
			})
			_, err := made(t, config(i)).Token(t.Context())
			busy, ok := errors.AsType[*client.BusyError](err)
			if !ok || busy.Status != 503 {
				t.Fatalf("got %v", err)
			}
			if got := time.Until(busy.RetryAt); got < want || got > want+2*time.Second {
				t.Errorf("%q: wait %v, want %v", said, got, want)
			}
		})
	}
}

// TestCallersAreApart: who gives up, gives up alone.
func TestCallersAreApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(good)
		i.takes = 5 * time.Second
		c := made(t, config(i))
		first, cancel := context.WithCancel(t.Context())
		short, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer stop()
		began := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := c.Token(first); !errors.Is(err, context.Canceled) {
				t.Errorf("the cancelled caller got %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if _, err := c.Token(short); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 100*time.Millisecond {
				t.Errorf("got %v after %v", err, time.Since(began))
			}
		})
		wg.Go(func() {
			if got, err := c.Token(t.Context()); err != nil || got.Access != "t1" {
				t.Errorf("got %v", err)
			}
		})
		synctest.Wait()
		cancel()
		wg.Wait()
		i.wasAsked(t, 1)
	})
}

// TestRefusedStops: wrong credentials are not tried again and again, but another
// secret is, soon.
func TestRefusedStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(func(int64) (int, http.Header, string) {
			return 401, nil, `{"error":"invalid_client","error_description":"no s3cret\n"}`
		})
		var secret atomic.Value
		secret.Store(client.Secret("s3cret"))
		with := config(i)
		with.Secret = func(context.Context) (client.Secret, error) { return secret.Load().(client.Secret), nil }
		c := made(t, with)
		for range 7 {
			_, err := c.Token(t.Context())
			if !errors.Is(err, oauth.InvalidClient) || strings.Contains(err.Error(), "s3cret") {
				t.Fatalf("got %v", err)
			}
			time.Sleep(time.Second)
		}
		i.wasAsked(t, 1)
		i.answer.Store(answers(good))
		secret.Store(client.Secret("another"))
		has(t, c, "t2")
	})
}

// TestSkew: a server whose clock is a minute off is no matter: expires_in is
// relative, and nothing else is looked at.
func TestSkew(t *testing.T) {
	for _, off := range []time.Duration{-time.Minute, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			i := newIssuer(func(n int64) (int, http.Header, string) {
				there := time.Now().Add(off)
				return 200, http.Header{"Date": {there.UTC().Format(http.TimeFormat)}},
					fmt.Sprintf(`{"access_token":"t%d","token_type":"Bearer","expires_in":120,"expires_at":%d}`, n, there.Add(120*time.Second).Unix())
			})
			c := made(t, config(i))
			got := has(t, c, "t1")
			if left := time.Until(got.Expires); left != 120*time.Second-i.takes {
				t.Errorf("%v left", left)
			}
			time.Sleep(80 * time.Second)
			has(t, c, "t1")
			i.wasAsked(t, 1)
		})
	}
}

// TestTargets: each target has its own token; the same one said otherwise has the
// same.
func TestTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(good)
		c := made(t, config(i))
		has(t, c, "t1")
		for want, target := range map[string]client.Target{"t1": {Scopes: []string{"read"}}, "t2": {Scopes: []string{"a", "b"}}} {
			other, err := c.For(target)
			if err != nil {
				t.Fatal(err)
			}
			has(t, other, want)
		}
		same, _ := c.For(client.Target{Scopes: []string{"b", "a"}})
		has(t, same, "t2")
		if _, err := c.For(client.Target{Scopes: []string{"a b"}}); err == nil {
			t.Error("two scopes in one pass")
		}
	})
}
