package login

import (
	"context"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/grant"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// A speaker is the accounts of one person, who speaks a language.
type speaker struct {
	store.Accounts
	locale string
}

func (s speaker) Find(_ context.Context, id string) (store.Account, error) {
	if id != "anna" {
		return store.Account{}, store.ErrNotFound
	}
	return store.Account{ID: id, Profile: store.Profile{Locale: s.locale}}, nil
}

// TestLanguage: what the application asks for, then what the account says, then what
// the browser prefers. The account counts once its person is known.
func TestLanguage(t *testing.T) {
	signedIn := func(v *visit) { v.session = &store.Session{AccountID: "anna"} }
	asks := func(locales ...string) func(*visit) {
		return func(v *visit) { v.pending = &pending{asked: grant.Asked{Locales: locales}} }
	}
	for name, row := range map[string]struct {
		account, browser string
		steps            []func(*visit)
		want             string
	}{
		"the browser's":                          {"nl", "en", nil, "en"},
		"the account's, with a session":          {"nl", "en", []func(*visit){signedIn}, "nl"},
		"the account's, half signed in":          {"nl", "en", []func(*visit){func(v *visit) { v.progress.AccountID = "anna" }}, "nl"},
		"the account's, of a region":             {"nl-BE", "en", []func(*visit){signedIn}, "nl"},
		"the account's, with an underscore":      {"nl_NL", "en", []func(*visit){signedIn}, "nl"},
		"the account's, English":                 {"en", "nl", []func(*visit){signedIn}, "en"},
		"the application's before the account's": {"nl", "nl", []func(*visit){signedIn, asks("en")}, "en"},
		"the application's, of which one is":     {"en", "en", []func(*visit){signedIn, asks("fy", "nl", "en")}, "nl"},
		"the application's are none":             {"nl", "en", []func(*visit){signedIn, asks("fy")}, "nl"},
		"the application's and nobody there":     {"en", "en", []func(*visit){asks("nl")}, "nl"},
		"the account says none":                  {"", "nl", []func(*visit){signedIn}, "nl"},
		"the account says nonsense":              {"\"><script>", "nl", []func(*visit){signedIn}, "nl"},
		"the account's is not there":             {"fr", "nl", []func(*visit){signedIn}, "nl"},
		"the account is gone":                    {"en", "nl", []func(*visit){func(v *visit) { v.session = &store.Session{AccountID: "jan"} }}, "nl"},
	} {
		v, _ := aVisit(t, "b1", time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC), nil)
		v.j.Languages, v.j.Accounts = web.BuiltIn(), speaker{locale: row.account}
		v.r.Header.Set("Accept-Language", row.browser)
		for _, step := range row.steps {
			step(v)
		}
		if v.speak(); v.language != row.want {
			t.Errorf("%s: %q, want %q", name, v.language, row.want)
		}
	}
}
