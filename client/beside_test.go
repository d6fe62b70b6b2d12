package client_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// rival is x/oauth2's way to do the same at an issuer.
func rival(i *issuer) (context.Context, *clientcredentials.Config) {
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, &http.Client{Transport: i})
	return ctx, &clientcredentials.Config{
		ClientID: "c", ClientSecret: "s", TokenURL: "https://auth.example/token", AuthStyle: oauth2.AuthStyleInHeader,
	}
}

// together returns how long callers that start together take, and how many failed.
func together(callers int, call func() error) (took time.Duration, failed int64) {
	var wg sync.WaitGroup
	var none atomic.Int64
	began := time.Now()
	for range callers {
		wg.Go(func() {
			if call() != nil {
				none.Add(1)
			}
		})
	}
	wg.Wait()
	return time.Since(began).Round(time.Millisecond), none.Load()
}

// TestBesideXOAuth2 puts 1 000 callers before the usual library and this one, at an
// issuer that takes a millisecond. The numbers of the other one are logged and not
// judged: -v shows them. Ours are measured in a bubble, where no time passes for
// being busy; the other library's callers wait for a mutex, which a bubble's clock
// does not know.
func TestBesideXOAuth2(t *testing.T) {
	const callers = 1000
	lives := func(seconds int) answers {
		return func(n int64) (int, http.Header, string) {
			return 200, http.Header{"Content-Type": {"application/json"}},
				fmt.Sprintf(`{"access_token":"t%d","token_type":"Bearer","expires_in":%d}`, n, seconds)
		}
	}
	for _, row := range []struct {
		name   string
		before answers // an answer that comes before the callers do; nil: none
		after  time.Duration
		answer answers
		most   int64 // requests of ours
		fails  int64 // calls of ours
	}{
		{name: "no token yet", answer: lives(3600), most: 1},
		{name: "at expiry", before: lives(1), after: 1100 * time.Millisecond, answer: lives(3600), most: 1},
		{name: "lives of 9 s, no token yet", answer: lives(9), most: 1},
		{name: "endpoint down, token still lives", before: lives(4), after: 3300 * time.Millisecond, answer: down, most: 2},
		{name: "endpoint down, no token", answer: down, most: 2, fails: callers},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			measure := func(i *issuer, call func() error) (took time.Duration, failed int64) {
				i.takes = time.Millisecond
				if row.before != nil {
					i.answer.Store(row.before)
					if err := call(); err != nil {
						t.Error(err)
					}
					i.answer.Store(row.answer)
					i.asked.Store(0)
					time.Sleep(row.after)
				}
				return together(callers, call)
			}
			ours, theirs := newIssuer(row.answer), newIssuer(row.answer)
			var took time.Duration
			var failed, asked int64
			synctest.Test(t, func(t *testing.T) {
				c := made(t, config(ours))
				took, failed = measure(ours, func() error { _, err := c.Token(t.Context()); return err })
				asked = ours.asked.Load()
				time.Sleep(time.Minute) // what was begun behind the callers ends
			})
			ctx, other := rival(theirs)
			x := other.TokenSource(ctx)
			theirTook, theirFailed := measure(theirs, func() error { _, err := x.Token(); return err })
			t.Logf("%s, %d callers: here %d requests, %v, %d failed; x/oauth2 %d requests, %v, %d failed",
				row.name, callers, asked, took, failed, theirs.asked.Load(), theirTook, theirFailed)
			if asked > row.most || failed != row.fails {
				t.Errorf("%d requests, %d failed", asked, failed)
			}
		})
	}
}

// TestBesideXOAuth2Revoked: 1 000 calls after the API revoked their token.
func TestBesideXOAuth2Revoked(t *testing.T) {
	const callers = 1000
	measure := func(i *issuer, h *http.Client) (int64, int64) {
		a := newAPI(t)
		if status, _ := call(t, h, request(t, "GET", a.URL, nil)); status != 200 {
			t.Fatalf("status %d", status)
		}
		a.valid.Store(2)
		before := i.asked.Load()
		_, failed := together(callers, func() error {
			answer, err := h.Do(request(t, "GET", a.URL, nil))
			if err != nil {
				return err
			}
			defer answer.Body.Close()
			_, _ = io.Copy(io.Discard, answer.Body)
			if answer.StatusCode != 200 {
				return fmt.Errorf("status %d", answer.StatusCode)
			}
			return nil
		})
		return i.asked.Load() - before, failed
	}
	ours, theirs := instant(jsonGood()), instant(jsonGood())
	asked, failed := measure(ours, made(t, config(ours)).HTTP())
	ctx, other := rival(theirs)
	// Its client would send the calls to the issuer's transport, too.
	its := &http.Client{Transport: &oauth2.Transport{Source: other.TokenSource(ctx)}}
	theirAsked, theirFailed := measure(theirs, its)
	t.Logf("revoked, %d calls: here %d renewals, %d failed; x/oauth2 %d renewals, %d failed", callers, asked, failed, theirAsked, theirFailed)
	if asked != 1 || failed != 0 {
		t.Errorf("%d renewals, %d failed", asked, failed)
	}
}

// TestBesideXOAuth2Deadline: a call with a deadline of 100 ms at an issuer that
// takes much longer.
func TestBesideXOAuth2Deadline(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer api.Close()
	measure := func(h *http.Client) time.Duration {
		ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer stop()
		began := time.Now()
		if answer, err := h.Do(request(t, "GET", api.URL, nil).WithContext(ctx)); err == nil {
			answer.Body.Close()
			t.Error("the call succeeded")
		}
		return time.Since(began).Round(time.Millisecond)
	}
	ours, theirs := newIssuer(jsonGood()), newIssuer(jsonGood())
	ours.takes, theirs.takes = time.Minute, 2*time.Second
	ctx, other := rival(theirs)
	mine := measure(made(t, config(ours)).HTTP())
	its := measure(&http.Client{Transport: &oauth2.Transport{Source: other.TokenSource(ctx)}})
	t.Logf("deadline 100 ms, endpoint a minute or 2 s: here %v, x/oauth2 %v", mine, its)
	if mine > 20*time.Second {
		t.Errorf("waited %v", mine)
	}
}

// jsonGood is good with the type that x/oauth2 needs.
func jsonGood() answers {
	return func(n int64) (int, http.Header, string) {
		status, _, body := good(n)
		return status, http.Header{"Content-Type": {"application/json"}}, body
	}
}
