package client_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// TestBesideXOAuth2 puts 1 000 callers before the usual library and this one. The
// numbers of the other one are logged and not judged: -v shows them.
func TestBesideXOAuth2(t *testing.T) {
	const callers = 1000
	short := func(int64) (int, http.Header, string) {
		return 200, http.Header{"Content-Type": {"application/json"}}, `{"access_token":"t","token_type":"Bearer","expires_in":9}`
	}
	for _, row := range []struct {
		name   string
		answer answers
		most   int64 // requests of ours
	}{
		{"no token yet, expires_in 9", short, 1},
		{"endpoint down", down, 2},
	} {
		ours, theirs := newIssuer(row.answer), newIssuer(row.answer)
		ours.takes, theirs.takes = time.Millisecond, time.Millisecond
		c := made(t, config(ours))
		ctx := context.WithValue(context.Background(), oauth2.HTTPClient, &http.Client{Transport: theirs})
		x := (&clientcredentials.Config{ClientID: "c", ClientSecret: "s", TokenURL: "https://auth.example/token", AuthStyle: oauth2.AuthStyleInHeader}).TokenSource(ctx)
		took := func(call func()) time.Duration {
			var wg sync.WaitGroup
			began := time.Now()
			for range callers {
				wg.Go(call)
			}
			wg.Wait()
			return time.Since(began).Round(time.Millisecond)
		}
		mine := took(func() { _, _ = c.Token(t.Context()) })
		other := took(func() { _, _ = x.Token() })
		t.Logf("%s, %d callers: here %d requests in %v, x/oauth2 %d in %v", row.name, callers, ours.asked.Load(), mine, theirs.asked.Load(), other)
		if ours.asked.Load() > row.most {
			t.Errorf("%s: %d requests", row.name, ours.asked.Load())
		}
	}
}
