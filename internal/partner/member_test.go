package partner

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/store"
)

// Without mail, the link is the operator's to hand on, but for nobody who is more
// than this partner's.
func TestLinkWithoutMail(t *testing.T) {
	h := openHouse(t)
	h.Links.Mailer = nil
	acme, _ := h.acme()
	brew, err := h.Create(t.Context(), NewPartner{Name: "Brew"}, olive)
	if err != nil {
		t.Fatal(err)
	}
	first, err := h.Invite(t.Context(), acme.ID, "bob@acme.example", "Bob", store.MemberDeveloper, olive)
	if err != nil || first.Link.IsEmpty() || h.secretsIn(t, first.Link.Reveal()) {
		t.Fatal(first, err)
	}
	second, err := h.Invite(t.Context(), brew.ID, "bob@acme.example", "Bob", store.MemberDeveloper, olive)
	if err != nil || !second.Link.IsEmpty() || second.AccountID != first.AccountID {
		t.Error("another partner gets the link of a member of Acme's:", err)
	}
	operator, err := h.People.Create(t.Context(), account.New{
		Name: "owner@home.example", Roles: []string{"owner"}, Profile: store.Profile{Email: "owner@home.example"},
	}, olive)
	if err != nil {
		t.Fatal(err)
	}
	third, err := h.Invite(t.Context(), acme.ID, "owner@home.example", "", store.MemberDeveloper, olive)
	if err != nil || !third.Link.IsEmpty() || third.AccountID != operator.ID {
		t.Error("a partner gets an operator's link:", err)
	}
}

func TestInvite(t *testing.T) {
	h := openHouse(t)
	acme, ada := h.acme()
	for name, row := range map[string]struct{ email, name, role, fields string }{
		"role":      {"bob@acme.example", "Bob", "owner", "role"},
		"no role":   {"bob@acme.example", "Bob", "", "role"},
		"no mail":   {"bob", "Bob", "admin", "email"},
		"bad name":  {"bob@acme.example", "B\u202eob", "admin", "name"},
		"long name": {"bob@acme.example", strings.Repeat("b", MaxName+1), "admin", "name"},
	} {
		if _, err := h.Invite(t.Context(), acme.ID, row.email, row.name, row.role, olive); about(err) != row.fields {
			t.Errorf("%s: %v", name, err)
		}
	}
	bob, err := h.Invite(t.Context(), acme.ID, "Bob@ACME.example", "Bob", store.MemberDeveloper, olive)
	if err != nil || !bob.Link.IsEmpty() || len(h.mails) != 1 {
		t.Fatal(bob, err)
	}
	again, err := h.Invite(t.Context(), acme.ID, "bob@acme.example", "", store.MemberDeveloper, olive)
	if err != nil || again.AccountID != bob.AccountID || len(h.mails) != 2 {
		t.Error("to invite again sends no second link:", again, err)
	}
	if _, err := h.Invite(t.Context(), acme.ID, "ada@acme.example", "", store.MemberDeveloper, olive); err != nil {
		t.Fatal(err)
	}
	is, err := h.Find(t.Context(), acme.ID)
	if err != nil || is.Role(ada) != store.MemberAdmin || is.Role(bob.AccountID) != store.MemberDeveloper {
		t.Error(is, err)
	}
	if err := h.SetMember(t.Context(), acme.ID, ada, "", olive); !errors.Is(err, store.ErrConflict) {
		t.Error("the last admin goes:", err)
	}
	if err := h.SetMember(t.Context(), acme.ID, bob.AccountID, "king", olive); about(err) != "role" {
		t.Error(err)
	}
	// Somebody whose address is another one now is not who is meant.
	if err := h.People.Describe(t.Context(), bob.AccountID, store.Profile{Email: "bob@elsewhere.example"}, nil, olive); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Invite(t.Context(), acme.ID, "bob@acme.example", "", store.MemberDeveloper, olive); about(err) != "email" {
		t.Error(err)
	}
}

func TestMembersAreFew(t *testing.T) {
	h := openHouse(t)
	acme, _ := h.acme()
	for i := 1; i < mostMembers; i++ {
		a, err := h.People.Create(t.Context(), account.New{Name: fmt.Sprint("m", i)}, olive)
		if err == nil {
			err = h.SetMember(t.Context(), acme.ID, a.ID, store.MemberDeveloper, olive)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	last, err := h.People.Create(t.Context(), account.New{Name: "last"}, olive)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.SetMember(t.Context(), acme.ID, last.ID, store.MemberAdmin, olive); about(err) != "account" {
		t.Error(err)
	}
	if _, err := h.Invite(t.Context(), acme.ID, "bob@acme.example", "", store.MemberAdmin, olive); about(err) != "email" {
		t.Error(err)
	}
}

func TestMemberMay(t *testing.T) {
	for role, may := range map[string][]string{
		store.MemberAdmin:     {MaySee, MayTry, MaySecrets, MayAsk, MayMembers, MayDelete},
		store.MemberDeveloper: {MaySee, MayTry, MaySecrets, MayAsk},
		"":                    nil,
		"owner":               nil,
	} {
		for _, what := range []string{MaySee, MayTry, MaySecrets, MayAsk, MayMembers, MayDelete} {
			if MemberMay(role, what) != slices.Contains(may, what) {
				t.Errorf("%q may %s: %t", role, what, MemberMay(role, what))
			}
		}
	}
}
