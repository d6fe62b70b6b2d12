package partner

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

var bert = store.By{Actor: "bert"}

// tokens are the operations on API tokens of the fixture, whose API notes knows
// them.
func (f *fixture) tokens() *APITokens {
	f.Environment.API("notes").Tokens = catalogue.APITokens{Header: "apiToken", For: "requestedAuth", Elevated: true}
	return &APITokens{Environment: f.Environment, Store: f.db.APITokens(), Now: f.Now, Random: rand.Reader, Sync: f.Sync}
}

// raised is an elevated API token that nothing is wrong with.
func raised() NewAPIToken {
	return NewAPIToken{
		Name: "Room displays", Elevated: true, Scopes: []string{"notes.read"}, Addresses: []string{"192.0.2.7", "2001:db8::/48"}, EndsAt: today.AddDate(0, 6, 0),
	}
}

func TestCreateAPIToken(t *testing.T) {
	f := open(t)
	a := f.tokens()
	plain, err := a.Create(t.Context(), NewAPIToken{Name: "Displays", NeedsUser: true}, anna)
	if err != nil {
		t.Fatal(err)
	}
	want := store.APIToken{
		ID: plain.Token.ID, Hint: plain.Text.Hint(), Name: "Displays", NeedsUser: true, APIs: []string{"notes"}, CreatedAt: today, CreatedBy: "anna",
	}
	if diff := cmp.Diff(want, plain.Token); diff != "" || len(plain.Warnings) > 0 || len(want.ID) != apiTokenID {
		t.Errorf("%s %v", diff, plain.Warnings)
	}
	if !strings.HasPrefix(plain.Text.Reveal(), "gwstagingA") {
		t.Error("the text is no API token's")
	}
	stored, err := f.db.APITokens().Find(t.Context(), secret.HashOf(plain.Text.Reveal()))
	if err != nil || !stored.Good(today) || stored.ID != want.ID {
		t.Errorf("stored is %+v, %v", stored, err)
	}
	elevated, err := a.Create(t.Context(), raised(), anna)
	if err != nil {
		t.Fatal(err)
	}
	if got := elevated.Token; got.Good(today) || len(elevated.Warnings) != 1 || !slices.Equal(got.Scope, []string{"https://scopes.example/notes.read"}) ||
		!slices.Equal(got.Addresses, []string{"192.0.2.7/32", "2001:db8::/48"}) {
		t.Errorf("%+v %v", got, elevated.Warnings)
	}
	if f.synced.Load() != 2 {
		t.Errorf("waited %d times", f.synced.Load())
	}
}

func TestCreateAPITokenFaults(t *testing.T) {
	f := open(t)
	a := f.tokens()
	networks := make([]string, mostNetworks+1)
	for i := range networks {
		networks[i] = fmt.Sprintf("192.0.2.%d", i)
	}
	for _, row := range []struct {
		name   string
		change func(*NewAPIToken)
		field  string // empty: it succeeds
	}{
		{"as it is", func(*NewAPIToken) {}, ""},
		{"without a name", func(n *NewAPIToken) { n.Name = " " }, "name"},
		{"another API", func(n *NewAPIToken) { n.APIs = []string{"invented"} }, "apis[0]"},
		{"an API that knows none", func(n *NewAPIToken) { n.APIs = []string{"notes", "moves"} }, "apis[1]"},
		{"the API by name, twice", func(n *NewAPIToken) { n.APIs = []string{"notes", "notes"} }, ""},
		{"no end", func(n *NewAPIToken) { n.EndsAt = time.Time{} }, "ends_at"},
		{"an end that is over", func(n *NewAPIToken) { n.EndsAt = today }, "ends_at"},
		{"an end in a year", func(n *NewAPIToken) { n.EndsAt = today.Add(longestElevated) }, ""},
		{"an end in more than a year", func(n *NewAPIToken) { n.EndsAt = today.Add(longestElevated + time.Second) }, "ends_at"},
		{"no scope", func(n *NewAPIToken) { n.Scopes = nil }, "scopes"},
		{"an unknown scope", func(n *NewAPIToken) { n.Scopes = []string{"invented"} }, "scopes[0]"},
		{"another API's scope", func(n *NewAPIToken) { n.Scopes = []string{"moves:read"} }, "scopes[0]"},
		{"all scopes", func(n *NewAPIToken) { n.Scopes = []string{"all"} }, ""},
		{"no address", func(n *NewAPIToken) { n.Addresses = nil }, "addresses"},
		{"no network", func(n *NewAPIToken) { n.Addresses = []string{"server.example"} }, "addresses[0]"},
		{"all addresses", func(n *NewAPIToken) { n.Addresses = []string{"10.0.0.1", "0.0.0.0/0"} }, "addresses[1]"},
		{"a network of 24 bits", func(n *NewAPIToken) { n.Addresses = []string{"10.0.0.0/8"} }, ""},
		{"a network of 25 bits", func(n *NewAPIToken) { n.Addresses = []string{"10.0.0.0/7"} }, "addresses[0]"},
		{"many networks", func(n *NewAPIToken) { n.Addresses = networks[:mostNetworks] }, ""},
		{"too many networks", func(n *NewAPIToken) { n.Addresses = networks }, "addresses"},
		{"plain, with scopes and addresses", func(n *NewAPIToken) { n.Elevated = false }, "scopes addresses"},
		{"plain, for long", func(n *NewAPIToken) { *n = NewAPIToken{Name: "x", EndsAt: today.Add(latestExpiry)} }, ""},
		{"plain, for too long", func(n *NewAPIToken) { *n = NewAPIToken{Name: "x", EndsAt: today.Add(latestExpiry + time.Second)} }, "ends_at"},
	} {
		n := raised()
		row.change(&n)
		_, err := a.Create(t.Context(), n, anna)
		faults, _ := errors.AsType[Faults](err)
		var fields []string
		for _, fault := range faults {
			fields = append(fields, fault.Field)
		}
		if got := strings.Join(fields, " "); got != row.field || row.field == "" && err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	f.Environment.API("moves").Tokens.Header = "x-token"
	if _, err := a.Create(t.Context(), raised(), anna); err == nil || !strings.Contains(err.Error(), "several APIs") {
		t.Errorf("two APIs that know API tokens: %v", err)
	}
	if none := (&APITokens{Environment: staging(), Now: f.Now}); true {
		if _, err := none.Create(t.Context(), NewAPIToken{Name: "x"}, anna); err == nil || !strings.Contains(err.Error(), "no API") {
			t.Errorf("an environment without: %v", err)
		}
	}
}

// TestApproveAPIToken: it takes two operators, once.
func TestApproveAPIToken(t *testing.T) {
	f := open(t)
	a := f.tokens()
	made, err := a.Create(t.Context(), raised(), anna)
	if err != nil {
		t.Fatal(err)
	}
	id := made.Token.ID
	if _, err := a.Approve(t.Context(), id, anna); !errors.Is(err, ErrSameOperator) {
		t.Errorf("its own maker: %v", err)
	}
	approved, err := a.Approve(t.Context(), id, bert)
	if err != nil || !approved.Token.Good(today) || approved.Token.ApprovedBy != "bert" || approved.Token.Hash != [32]byte{} {
		t.Errorf("%+v, %v", approved.Token, err)
	}
	if _, err := a.Approve(t.Context(), id, bert); !errors.Is(err, store.ErrConflict) {
		t.Errorf("twice: %v", err)
	}
	plain, err := a.Create(t.Context(), NewAPIToken{Name: "x"}, anna)
	if err != nil {
		t.Fatal(err)
	}
	for _, unknown := range []string{plain.Token.ID, "invented"} {
		if _, err := a.Approve(t.Context(), unknown, bert); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v", unknown, err)
		}
	}
	revoked, err := a.Revoke(t.Context(), id, anna)
	if err != nil || revoked.Token.Good(today) {
		t.Errorf("%+v, %v", revoked.Token, err)
	}
	if again, err := a.Revoke(t.Context(), id, anna); err != nil || !again.Token.RevokedAt.Equal(today) {
		t.Errorf("%+v, %v", again.Token, err)
	}
	if _, err := a.Revoke(t.Context(), "invented", anna); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestListAPITokens(t *testing.T) {
	f := open(t)
	a := f.tokens()
	for i := range 3 {
		if _, err := a.Create(t.Context(), NewAPIToken{Name: fmt.Sprint("app ", i)}, anna); err != nil {
			t.Fatal(err)
		}
	}
	first, more, err := a.List(t.Context(), "", 2)
	if err != nil || !more || len(first) != 2 || first[0].Hash != [32]byte{} {
		t.Fatalf("%v %v %v", first, more, err)
	}
	rest, more, err := a.List(t.Context(), first[1].ID, 2)
	if err != nil || more || len(rest) != 1 {
		t.Errorf("%v %v %v", rest, more, err)
	}
	if found, err := a.Find(t.Context(), rest[0].ID); err != nil || found.Name != rest[0].Name {
		t.Errorf("%+v, %v", found, err)
	}
}
