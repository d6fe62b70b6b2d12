package server

import (
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/storetest/pgtest"
)

// databases are the stores that what happens at a time is tried on.
func databases(t *testing.T, try func(t *testing.T, f *flow)) {
	t.Run("sqlite", func(t *testing.T) { try(t, peopleSite(t)) })
	t.Run("postgres", func(t *testing.T) {
		schema := pgtest.Start(t).Address() + "#staging"
		try(t, peopleSite(t, func(c *catalogue.Catalogue) { c.Environments[0].Store = schema }))
	})
}

// insists sends a request until the store has had room for it: one that is asked by a
// hundred at once is 503 on a machine that is busy with something else.
func (f *flow) insists(request string) (got answer, err error) {
	for range 100 {
		if got, err = f.site.exchange(request); err != nil || got.code != http.StatusServiceUnavailable {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return got, err
}

// atOnce sends a token request many times at once.
func (f *flow) atOnce(t *testing.T, many int, form url.Values) []answer {
	t.Helper()
	answers := make([]answer, many)
	request := f.request("POST "+f.environment("staging").Issuer.Path+"/oauth2/token HTTP/1.1", form.Encode(), formType)
	begin := make(chan struct{})
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			<-begin
			got, err := f.insists(request)
			if err != nil {
				t.Error(err)
			}
			answers[i] = got
		})
	}
	close(begin)
	all.Wait()
	return answers
}

// TestManyRedeemOneCode is row C02: exactly one gets tokens, and in the end nobody
// has any (row C01).
func TestManyRedeemOneCode(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, f *flow) {
		for range 5 {
			var winner answer
			won := 0
			for _, got := range f.atOnce(t, 100, with(f.exchange, "code", f.code(t, f.ask))) {
				switch {
				case got.code == http.StatusOK:
					winner = got
					won++
				case got.code != http.StatusBadRequest || got.member("error") != "invalid_grant":
					t.Errorf("C02: %s", got)
				}
			}
			if won != 1 {
				t.Fatalf("C02: %d of 100 got tokens", won)
			}
			refresh := url.Values{"grant_type": {"refresh_token"}, "client_id": {"app"}, "client_secret": f.exchange["client_secret"], "refresh_token": {winner.member("refresh_token")}}
			if got := f.token(t, refresh); got.member("error") != "invalid_grant" {
				t.Errorf("C01: the refresh token lives: %s", got)
			}
			api := f.request("GET "+f.environment("staging").Base.Path+"/moves HTTP/1.1", "", "Authorization: Bearer "+winner.member("access_token"))
			if got := f.send(t, api); got.code != http.StatusUnauthorized {
				t.Errorf("C01: the access token lives: %s", got)
			}
		}
	})
}

// TestManyRefreshAtOnce is row F02: all get the same successor, and the family never
// forks.
func TestManyRefreshAtOnce(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, f *flow) {
		first := f.token(t, with(f.exchange, "code", f.code(t, f.ask)))
		newest := first.member("refresh_token")
		for range 5 {
			form := url.Values{"grant_type": {"refresh_token"}, "client_id": {"app"}, "client_secret": f.exchange["client_secret"], "refresh_token": {newest}}
			next := ""
			for _, got := range f.atOnce(t, 100, form) {
				successor := got.member("refresh_token")
				if got.code != http.StatusOK || successor == "" || successor == newest || next != "" && successor != next {
					t.Fatalf("F02: after %s: %s", next, got)
				}
				next = successor
			}
			newest = next
			f.clock.move(time.Second)
		}
	})
}

// TestRefreshEnds is rows F05, F06, F09, F10, F11, F15: what ends a refresh token.
func TestRefreshEnds(t *testing.T) {
	t.Parallel()
	f := peopleSite(t)

	db := f.environment("staging").resources.store
	other := f.register(t, "staging", registration{id: "other", kind: store.TypeWeb, signIn: store.SignIn{Redirects: []string{"https://app.example/cb"}}})
	refresh := func(token string, change ...string) answer {
		return f.token(t, with(url.Values{
			"grant_type": {"refresh_token"}, "client_id": {"app"}, "client_secret": f.exchange["client_secret"], "refresh_token": {token},
		}, change...))
	}
	granted := func(ask ...string) string {
		return f.token(t, with(f.exchange, "code", f.code(t, with(f.ask, ask...)))).member("refresh_token")
	}
	if got := refresh(granted()); got.code != http.StatusOK {
		t.Fatalf("the fixture: %s", got)
	}
	narrow := granted("scope", "read:notes")
	if got := refresh(narrow, "scope", "read:notes write:notes"); got.member("error") != "invalid_scope" {
		t.Errorf("F06: %s", got)
	}
	for _, row := range []struct {
		name string
		do   func(token string) answer
	}{
		{"F05", func(token string) answer {
			if got := refresh(token, "client_id", "other", "client_secret", other); got.member("error") != "invalid_grant" {
				t.Errorf("F05: %s", got)
			}
			return refresh(token) // it was copied
		}},
		{"another spelling", func(token string) answer { return refresh(token + "0") }},
		{"F11 idle", func(token string) answer {
			f.clock.move(30*24*time.Hour - time.Second)
			if got := refresh(token); got.code != http.StatusOK {
				t.Errorf("F11: %s", got)
			} else {
				token = got.member("refresh_token")
			}
			f.clock.move(30 * 24 * time.Hour)
			return refresh(token)
		}},
		{"F09 consent withdrawn", func(token string) answer {
			if err := db.Consents().Withdraw(t.Context(), "anna", "app", f.forget(), f.by()); err != nil {
				t.Fatal(err)
			}
			return refresh(token)
		}},
		{"F10 session ended", func(string) answer {
			kept := granted("scope", "read:notes")
			token := granted("scope", "openid read:notes")
			if err := db.Sessions().End(t.Context(), "anna", "session-anna", f.forget(), f.by()); err != nil {
				t.Fatal(err)
			}
			if got := refresh(kept); got.code != http.StatusOK {
				t.Errorf("F10: what signs nobody in outlives the session: %s", got)
			}
			return refresh(token)
		}},
	} {
		if got := row.do(granted()); got.code != http.StatusBadRequest || got.member("error") != "invalid_grant" {
			t.Errorf("%s: %s", row.name, got)
		}
	}
}

// TestRequestsAreCheckedAgain is rows B02, B23, C10: what changed while the person
// was on the pages counts.
func TestRequestsAreCheckedAgain(t *testing.T) {
	t.Parallel()
	f := peopleSite(t)
	db := f.environment("staging").resources.store
	asked := func() string {
		_, to := f.authorize(t, f.ask.Encode()).location(t)
		return f.request("GET "+decidePath+"?as=anna&request="+to.Get("request")+" HTTP/1.1", "")
	}
	late := asked()
	f.clock.move(15 * time.Minute)
	isPage(t, "too late", f.send(t, late), http.StatusBadRequest)
	once := asked()
	if got := f.send(t, once); got.code != http.StatusSeeOther {
		t.Fatalf("the fixture: %s", got)
	}
	isPage(t, "twice", f.send(t, once), http.StatusBadRequest)
	both := asked()
	won := 0
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			got, err := f.insists(both)
			mu.Lock()
			defer mu.Unlock()
			if err != nil || got.code != http.StatusSeeOther && got.code != http.StatusBadRequest {
				t.Errorf("%v: %s", err, got)
			}
			if got.code == http.StatusSeeOther {
				won++
			}
		})
	}
	if all.Wait(); won != 1 {
		t.Errorf("%d of 20 decisions about one request won", won)
	}
	ended := asked()
	if err := db.Clients().Disable(t.Context(), "app", f.forget(), f.by()); err != nil {
		t.Fatal(err)
	}
	f.settle(t, "staging")
	isPage(t, "C10 client disabled", f.send(t, ended), http.StatusBadRequest)
}
