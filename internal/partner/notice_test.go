package partner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/store"
)

// A secret's end is told at 90, 60, 30, 15, 7 and 1 days, each once, and not before.
func TestEndingIsToldOnce(t *testing.T) {
	h := openHouse(t)
	acme, ada := h.acme()
	h.owned(h.staging, acme.ID, "export")
	end := today.AddDate(0, 0, 100)
	added, err := h.staging.AddSecret(t.Context(), "export", NewSecret{ExpiresAt: end}, olive)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, days := range []int{90, 60, 30, 15, 7, 1} {
		for _, at := range []time.Time{end.AddDate(0, 0, -days).Add(-time.Microsecond), end.AddDate(0, 0, -days), end.AddDate(0, 0, -days).Add(time.Minute)} {
			h.now = at
			if err := h.Ending(t.Context()); err != nil {
				t.Fatal(err)
			}
			if at.Before(end.AddDate(0, 0, -days)) {
				if len(h.told) != len(want) {
					t.Errorf("told a microsecond before %d days: %v", days, h.told)
				}
				continue
			}
			if at.Equal(end.AddDate(0, 0, -days)) {
				want = append(want, fmt.Sprintf("secret.ending/staging/%s/%dd/%s", added.SecretID, days, ada))
			}
		}
	}
	h.now = end
	if err := h.Ending(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range h.told {
		got = append(got, n.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	m, err := h.Compose(h.told[2])
	if err != nil || m.Language != "nl" || m.To != "ada@acme.example" || !strings.Contains(m.Subject, end.Format("2006-01-02")) || !strings.Contains(m.Text, "export") {
		t.Error(m, err)
	}
}

func TestEndingOfOthers(t *testing.T) {
	h := openHouse(t)
	acme, _ := h.acme()
	mail := "it@acme.example"
	if _, err := h.Describe(t.Context(), acme.ID, PartnerChange{Email: &mail}, olive); err != nil {
		t.Fatal(err)
	}
	end := today.AddDate(0, 0, 20)
	for id, partner := range map[string]string{"ours": "", "theirs": acme.ID, "disabled": acme.ID, "orphan": "gone"} {
		h.owned(h.production, partner, id)
		if _, err := h.production.AddSecret(t.Context(), id, NewSecret{ExpiresAt: end}, olive); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.production.Disable(t.Context(), "disabled", olive); err != nil {
		t.Fatal(err)
	}
	if err := h.Ending(t.Context()); err != nil || len(h.told) != 0 {
		t.Error("told of a window that is longer than the secret lives:", h.told, err)
	}
	h.now = end.AddDate(0, 0, -15)
	if err := h.Ending(t.Context()); err != nil {
		t.Fatal(err)
	}
	var to []string
	for _, n := range h.told {
		to = append(to, n.To)
	}
	slices.Sort(to)
	if diff := cmp.Diff([]string{"api@publisher.example", "it@acme.example"}, to); diff != "" {
		t.Error(diff)
	}
	// More than are read at a time, all of one moment.
	h.told, h.now = nil, today
	for i := range page + 5 {
		id := fmt.Sprint("many-", i)
		h.owned(h.staging, "", id)
		if _, err := h.staging.AddSecret(t.Context(), id, NewSecret{ExpiresAt: end}, olive); err != nil {
			t.Fatal(err)
		}
	}
	h.now = end.AddDate(0, 0, -15)
	if err := h.Ending(t.Context()); err != nil || len(h.told) != page+5 {
		t.Error(len(h.told), err)
	}
}

// No mail holds what a stranger wrote, a secret, or a link to anywhere else (R06).
func TestR06EveryNoticeHasWords(t *testing.T) {
	h := openHouse(t)
	h.staging.Environment.Title = "Staging"
	for kind, of := range notices {
		for _, language := range []string{"en", "nl-BE", "de", ""} {
			detail := fmt.Sprintf(`{"language":%q,"environment":"staging","partner":"http://evil.example","client_id":"export","secret_id":"abc","request":"req",
				"ends_at":"2026-12-24T12:00:00Z","days":7,"others":1,"reason":"Because."}`, language)
			m, err := h.Compose(store.Notice{ID: "x", Kind: kind, To: "ada@acme.example", Detail: detail})
			if err != nil || strings.Contains(m.Subject+m.Text, "{") || m.Subject == "" || strings.Contains(m.Subject, "\n") || strings.Contains(m.Text, "evil") {
				t.Errorf("%s in %q: %+v %v", kind, language, m, err)
			}
			if dutch := language == "nl-BE"; dutch != (m.Language == "nl") {
				t.Errorf("%s in %q is in %s", kind, language, m.Language)
			}
			for word := range strings.FieldsSeq(m.Text) {
				if strings.Contains(word, "://") && !strings.HasPrefix(word, h.PortalURL) && !strings.HasPrefix(word, h.ConsoleURL) {
					t.Errorf("%s links to %s", kind, word)
				}
			}
		}
		if len(of) != 2 {
			t.Errorf("%s has %d languages", kind, len(of))
		}
	}
	h.PortalURL = ""
	m, err := h.Compose(store.Notice{Kind: NoticeApproved, Detail: `{"environment":"staging","client_id":"export"}`})
	if err != nil || strings.Contains(m.Text, "Sign in") || !strings.Contains(m.Text, "Staging") {
		t.Error("what is not known is said:", m.Text, err)
	}
	for _, bad := range []store.Notice{{Kind: "none", Detail: "{}"}, {Kind: NoticeAsked, Detail: "no JSON"}} {
		if _, err := h.Compose(bad); err == nil {
			t.Error("composed", bad)
		}
	}
}

func TestTell(t *testing.T) {
	h := openHouse(t)
	h.Webhook, h.staging.Tell = "https://publisher.example/hook", h.Partners.Tell
	acme, ada := h.acme()
	h.owned(h.staging, acme.ID, "export")
	leaked, err := h.staging.Find(t.Context(), "export")
	if err != nil {
		t.Fatal(err)
	}
	old := leaked.Secrets[0].ID
	result, err := h.staging.Leaked(t.Context(), "export", old, olive)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range h.told {
		got = append(got, n.ID)
	}
	about := "secret.leaked/staging/export/" + old + "/"
	if diff := cmp.Diff([]string{about + ada, about + "webhook"}, got); diff != "" {
		t.Error(diff)
	}
	if h.secretsIn(t, result.Secret.Reveal()) {
		t.Error("the secret is told")
	}
	// An address that is neither shown nor the one of the invitation is nobody's.
	if err := h.People.Describe(t.Context(), ada, store.Profile{Email: "victim@elsewhere.example"}, nil, olive); err != nil {
		t.Fatal(err)
	}
	h.told = nil
	for range 2 { // the second time nothing is new
		result, err = h.staging.Disable(t.Context(), "export", olive)
		if err != nil || len(result.Warnings) > 0 || len(h.told) != 1 || h.told[0].To != h.Webhook || h.told[0].Kind != NoticeClient {
			t.Error(h.told, result.Warnings, err)
		}
	}
	h.Notify = func(context.Context, ...store.Notice) error { return store.ErrUnavailable }
	result, err = h.staging.Leaked(t.Context(), "export", result.Client.Secrets[0].ID, olive)
	if err != nil || result.Secret.Reveal() == "" || !slices.Equal(result.Warnings, []string{WarnUntold}) {
		t.Error("what is done is hidden since nobody could be told:", result.Warnings, err)
	}
	h.Notify = nil
	if err := h.Tell(t.Context(), NoticeClient, "staging", result.Client, ""); err != nil {
		t.Error(err)
	}
}

func TestLeaked(t *testing.T) {
	f := open(t)
	made := f.created(t)
	end := today.AddDate(0, 1, 0)
	second, err := f.AddSecret(t.Context(), made.Client.ID, NewSecret{ExpiresAt: end}, anna)
	if err != nil {
		t.Fatal(err)
	}
	result, err := f.Leaked(t.Context(), made.Client.ID, second.SecretID, anna)
	if err != nil {
		t.Fatal(err)
	}
	is := slices.IndexFunc(result.Client.Secrets, func(s store.Secret) bool { return s.ID == result.SecretID })
	if result.Replaced != second.SecretID || len(result.Client.Secrets) != 2 || is < 0 || !result.Client.Secrets[is].ExpiresAt.Equal(end) {
		t.Errorf("%+v", result)
	}
	if f.accepts(t, made.Client.ID, second.SecretID, second.Secret.Reveal()) {
		t.Error("the old one works")
	}
	if !f.accepts(t, made.Client.ID, result.SecretID, result.Secret.Reveal()) || !f.accepts(t, made.Client.ID, made.SecretID, made.Secret.Reveal()) {
		t.Error("the new one or the other one does not work")
	}
	ended, err := f.db.Revocations().Since(t.Context(), 0, today)
	if err != nil || len(ended) != 1 || ended[0].Kind != store.RevokedSecret || ended[0].ID != second.SecretID {
		t.Error("the tokens of the old one have not ended:", ended, err)
	}
	if f.synced.Load() != 3 {
		t.Error("nobody waited until it was seen")
	}
	for name, id := range map[string][2]string{
		"again": {made.Client.ID, second.SecretID}, "other client": {"other", made.SecretID},
	} {
		if _, err := f.Leaked(t.Context(), id[0], id[1], anna); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := f.Leaked(t.Context(), "nightly-sync", DeclaredSecret, anna); !errors.Is(err, ErrDeclared) {
		t.Error(err)
	}
}

// U23: scopes that are allotted and never used.
func TestUnused(t *testing.T) {
	f := open(t)
	n := wanted()
	n.ID, n.APIs, n.Scopes = "export", []string{"moves", "status"}, []string{"moves:read", "shared"}
	if _, err := f.Create(t.Context(), n, anna); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		use  store.ScopeUse
		want map[string][]string
	}{
		{store.ScopeUse{API: "notes", Scope: "moves:read"}, map[string][]string{"moves": {"moves:read", "shared"}}},
		{store.ScopeUse{API: "moves", Scope: "moves:read"}, map[string][]string{"moves": {"shared"}}},
		{store.ScopeUse{API: "moves", Scope: "shared"}, map[string][]string{}},
	} {
		row.use.ClientID, row.use.Day = "export", today.Truncate(24*time.Hour)
		if err := f.ScopeUses.Used(t.Context(), []store.ScopeUse{row.use}); err != nil {
			t.Fatal(err)
		}
		unused, err := f.Unused(t.Context(), "export")
		if diff := cmp.Diff(row.want, unused); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
}

// A member who says that another's address is theirs sends nobody mails there.
func TestUnverifiedAddressesAreNotTold(t *testing.T) {
	h := openHouse(t)
	acme, ada := h.acme()
	profile := store.Profile{FullName: "Ada", Email: "victim@elsewhere.example"}
	if err := h.People.Describe(t.Context(), ada, profile, nil, olive); err != nil {
		t.Fatal(err)
	}
	asked, err := h.Ask(t.Context(), Asking{
		PartnerID: acme.ID, AccountID: ada, Environment: h.staging.Environment.Name, Application: "Export", Purpose: "It exports", Scopes: []string{AllScopes},
	}, olive)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Refuse(t.Context(), asked.ID, "Not now", olive); err != nil {
		t.Fatal(err)
	}
	for _, n := range h.told {
		if n.To == profile.Email {
			t.Errorf("%s is told at an address that nobody has shown to be theirs", n.Kind)
		}
	}
}
