package server

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// allowed is what a client gets when a person allows all that it asks for.
func (f *flow) allowed(t testing.TB, who, scope string) answer {
	t.Helper()
	_, to := f.authorize(t, with(f.ask, "scope", scope).Encode()).location(t)
	decided := f.send(t, f.request("GET "+decidePath+"?as="+who+"&request="+to.Get("request")+" HTTP/1.1", ""))
	_, back := decided.location(t)
	disclosed(back.Get("code"))
	got := f.token(t, with(f.exchange, "code", back.Get("code")))
	if got.code != http.StatusOK || got.member("refresh_token") == "" {
		t.Fatalf("%s, %s: %s\n%s", who, scope, decided, got)
	}
	return got
}

// refresh sends the refresh token of an answer.
func (f *flow) refresh(t testing.TB, before answer) answer {
	t.Helper()
	return f.token(t, url.Values{
		"grant_type": {"refresh_token"}, "client_id": {"app"}, "client_secret": f.exchange["client_secret"], "refresh_token": {before.member("refresh_token")},
	})
}

// userinfo asks UserInfo with the access token of an answer.
func (f *flow) userinfo(t testing.TB, before answer) answer {
	t.Helper()
	return f.send(t, f.request("GET "+f.environment("staging").Issuer.Path+"/userinfo HTTP/1.1", "", "Authorization: Bearer "+before.member("access_token")))
}

func isInvalidGrant(t testing.TB, name string, got answer) {
	t.Helper()
	if got.code != http.StatusBadRequest || got.member("error") != "invalid_grant" || got.member("access_token") != "" {
		t.Errorf("%s: %s", name, got)
	}
}

// afterwards is the flow with another server on the same stores. The one before is
// still there, as it was: what it did not write down, nobody knows any more.
func (f *flow) afterwards(t *testing.T) *flow {
	t.Helper()
	kept := f.catalogue.Environments[0].Store
	log := &logbook{}
	o, err := options(
		setup{example: "people", change: func(c *catalogue.Catalogue) { c.Environments[0].Store = kept }},
		"http://"+f.address, t.TempDir(), f.clock.Now, slog.New(slog.NewJSONHandler(log, nil)),
	)
	if err != nil {
		t.Fatal(err)
	}
	next, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(deciding(next))
	t.Cleanup(func() {
		web.Close()
		if err := next.Close(); err != nil {
			t.Error(err)
		}
	})
	return &flow{
		site: &site{server: next, catalogue: o.Catalogue, clock: f.clock, log: log, address: strings.TrimPrefix(web.URL, "http://")},
		ask:  f.ask, exchange: f.exchange,
	}
}

// TestARestartForgetsNoRotation is row F03: a refresh token that was replaced before
// the server came anew is replaced after it, and its reuse ends the grant. Within
// the grace the successor is the same one (row F02).
func TestARestartForgetsNoRotation(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, f *flow) {
		const scope = "openid offline_access read:notes"
		lost, copied, used := f.allowed(t, "anna", scope), f.allowed(t, "anna", scope), f.allowed(t, "anna", scope)
		successor, newest, next := f.refresh(t, lost), f.refresh(t, copied), f.refresh(t, used)
		f = f.afterwards(t)
		if got := f.refresh(t, lost); got.code != http.StatusOK || got.member("refresh_token") != successor.member("refresh_token") {
			t.Errorf("F02: %s\n%s", successor, got)
		}
		if got := f.refresh(t, next); got.code != http.StatusOK {
			t.Errorf("the newest one: %s", got)
		}
		f.clock.move(11 * time.Second)
		isInvalidGrant(t, "F03: one from before", f.refresh(t, copied))
		isInvalidGrant(t, "F01: the newest one, after the reuse", f.refresh(t, newest))
		until(t, "F01: the end of the access token", func() bool { return f.userinfo(t, newest).code == http.StatusUnauthorized })
		f = f.afterwards(t)
		isInvalidGrant(t, "F03: one from in between", f.refresh(t, next))
	})
}

// TestRefreshEndsWithThePerson is rows F09 and P22: what happens to the person, or to
// what the client may have, ends what they allowed. Enabling brings nothing back.
func TestRefreshEndsWithThePerson(t *testing.T) {
	t.Parallel()
	f := peopleSite(t)
	e := f.environment("staging")
	db := e.resources.store
	enable := func(t *testing.T, id string, enabled bool) {
		t.Helper()
		if err := db.Accounts().SetDisabled(t.Context(), id, !enabled, f.forget(), f.by()); err != nil {
			t.Fatal(err)
		}
	}
	for i, row := range []struct {
		name, scope string
		happens     func(t *testing.T, id string)
	}{
		{"disabled", "read:notes", func(t *testing.T, id string) { enable(t, id, false) }},
		{"disabled and enabled", "read:notes", func(t *testing.T, id string) {
			enable(t, id, false)
			f.clock.move(time.Second)
			enable(t, id, true)
		}},
		{"deleted", "openid offline_access", func(t *testing.T, id string) {
			if err := db.Accounts().Delete(t.Context(), id, f.forget(), f.by()); err != nil {
				t.Fatal(err)
			}
		}},
		{"another password", "openid offline_access read:notes", func(t *testing.T, id string) {
			chosen, err := secret.FromChosen(secret.Of("nine slow tortoises"), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			set := store.Factor{ID: "password-" + id, Kind: store.FactorPassword, Data: chosen.Encoded(), CreatedAt: f.clock.Now()}
			if err := db.Factors().Replace(t.Context(), id, store.FactorPassword, []store.Factor{set}, "session-"+id, f.forget(), f.by()); err != nil {
				t.Fatal(err)
			}
		}},
		{"the role is gone", "mark:notes", func(t *testing.T, id string) {
			if err := db.Accounts().Describe(t.Context(), id, store.Profile{}, []string{"pupil"}, f.forget(), f.by()); err != nil {
				t.Fatal(err)
			}
		}},
		{"consent withdrawn", "openid offline_access", func(t *testing.T, id string) {
			if err := db.Consents().Withdraw(t.Context(), id, "app", f.forget(), f.by()); err != nil {
				t.Fatal(err)
			}
		}},
		{"offline_access is taken from the client", "openid offline_access read:notes", func(t *testing.T, _ string) {
			change := partner.Change{Scopes: partner.Edit{Remove: []string{"offline_access"}}}
			if _, err := e.partners.Change(t.Context(), "app", change, f.by()); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			id := "person" + string(rune('a'+i))
			f.person(t, "staging", id, "teacher")
			before := f.refresh(t, f.allowed(t, id, row.scope))
			if before.code != http.StatusOK {
				t.Fatalf("the fixture: %s", before)
			}
			f.clock.move(time.Second)
			row.happens(t, id)
			isInvalidGrant(t, "F09", f.refresh(t, before))
			if took := until(t, "the end of the access token", func() bool { return f.userinfo(t, before).code == http.StatusUnauthorized }); took > promptly {
				t.Errorf("P22: the access token was good for %v", took)
			}
		})
	}
}

// TestALostRoleNarrowsTheRefresh is row F09 where something is left: the next token
// is without what the role gave.
func TestALostRoleNarrowsTheRefresh(t *testing.T) {
	t.Parallel()
	f := peopleSite(t)
	f.person(t, "staging", "carla", "teacher", "mentor")
	before := f.allowed(t, "carla", "read:notes mark:notes")
	if scope := strings.Fields(before.member("scope")); !slices.Contains(scope, "mark:notes") {
		t.Fatalf("the fixture: %s", before)
	}
	f.clock.move(time.Second)
	err := f.environment("staging").resources.store.Accounts().Describe(t.Context(), "carla", store.Profile{}, []string{"mentor"}, f.forget(), f.by())
	if err != nil {
		t.Fatal(err)
	}
	if got := f.refresh(t, before); got.code != http.StatusOK || got.member("scope") != "read:notes" {
		t.Errorf("F09: %s", got)
	}
	asked := f.token(t, url.Values{
		"grant_type": {"refresh_token"}, "client_id": {"app"}, "client_secret": f.exchange["client_secret"],
		"refresh_token": {before.member("refresh_token")}, "scope": {"mark:notes"},
	})
	isInvalidGrant(t, "F09: the scope alone", asked)
}

// TestRefreshesEndAltogether is row F11: however often it is used, what a person
// allowed once ends after the absolute lifetime.
func TestRefreshesEndAltogether(t *testing.T) {
	t.Parallel()
	f := peopleSite(t)
	const day = 24 * time.Hour
	newest := f.allowed(t, "anna", "openid offline_access read:notes")
	began := f.clock.Now()
	for _, at := range []time.Duration{29 * day, 58 * day, 87 * day, 90*day - time.Second} {
		f.clock.move(began.Add(at).Sub(f.clock.Now()))
		if newest = f.refresh(t, newest); newest.code != http.StatusOK {
			t.Fatalf("F11: after %v: %s", at, newest)
		}
	}
	f.clock.move(time.Second)
	isInvalidGrant(t, "F11", f.refresh(t, newest))
}

// TestUserInfoOfSomebodyDisabled is row M10, for tokens of both formats: from the
// moment on, whoever presents it, however.
func TestUserInfoOfSomebodyDisabled(t *testing.T) {
	t.Parallel()
	for _, format := range []catalogue.Format{catalogue.JWT, catalogue.Opaque} {
		f := peopleSite(t, func(c *catalogue.Catalogue) {
			for _, api := range c.Environments[0].APIs {
				api.Token.Format = format
			}
		})
		f.person(t, "staging", "bert")
		berts, annas := f.allowed(t, "bert", "openid email read:notes"), f.allowed(t, "anna", "openid email read:notes")
		for _, before := range []answer{berts, annas} {
			if got := f.userinfo(t, before); got.code != http.StatusOK || !strings.Contains(got.body, "@example.com") {
				t.Fatalf("the fixture: %s", got)
			}
		}
		f.clock.move(time.Second)
		if err := f.environment("staging").resources.store.Accounts().SetDisabled(t.Context(), "bert", true, f.forget(), f.by()); err != nil {
			t.Fatal(err)
		}
		posted := f.send(t, f.request("POST "+f.environment("staging").Issuer.Path+"/userinfo HTTP/1.1", "access_token="+berts.member("access_token"), formType))
		for _, got := range []answer{f.userinfo(t, berts), posted} {
			if got.code != http.StatusUnauthorized || got.member("error") != "invalid_token" || strings.Contains(got.body, "bert") ||
				!strings.Contains(got.header.Get("WWW-Authenticate"), `error="invalid_token"`) {
				t.Errorf("M10: %s: %s", format, got)
			}
		}
		if got := f.userinfo(t, annas); got.code != http.StatusOK {
			t.Errorf("M10: %s: somebody else's: %s", format, got)
		}
	}
}
