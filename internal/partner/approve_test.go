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

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/store"
)

// From a stranger's request to a client without a secret, for which the person
// makes one.
func TestStrangerIsApproved(t *testing.T) {
	h := openHouse(t)
	r := h.asked(stranger())
	h.now = h.now.Add(time.Hour)
	done, err := h.Approve(t.Context(), r.ID, []string{"moves:read"}, "Reading is enough.", olive)
	if err != nil {
		t.Fatal(err)
	}
	if done.Partner.Name != "Acme" || done.Partner.Role(done.AccountID) != store.MemberAdmin || done.Request.DoneAt.IsZero() {
		t.Errorf("%+v", done)
	}
	client, err := h.staging.Find(t.Context(), r.ClientID)
	if err != nil {
		t.Fatal(err)
	}
	want := store.Client{
		ID: r.ClientID, Name: "Nightly export", Partner: done.Partner.ID, Type: "machine", Grants: []string{"client_credentials"},
		Allotted: map[string][]string{"moves": {"moves:read"}}, SignIn: store.SignIn{Owner: "Acme"}, Secrets: []store.Secret{}, CreatedAt: h.now,
	}
	if diff := cmp.Diff(want, client); diff != "" {
		t.Error(diff)
	}
	a, err := h.Accounts.Find(t.Context(), done.AccountID)
	if err != nil || a.Profile.EmailVerified || a.Name != "ada@acme.example" || a.Profile.FullName != "Ada" {
		t.Error("nobody has shown that the address is theirs:", a, err)
	}
	if got := kindsOf(h.told); !slices.Equal(got, []string{NoticeAsked, NoticeApproved}) {
		t.Error("told of", got)
	}
	if !done.Link.IsEmpty() || len(h.mails) != 1 || h.mails[0].To != "ada@acme.example" {
		t.Fatal("the link was not mailed alone:", h.mails)
	}
	_, link, _ := strings.Cut(h.mails[0].Text, "link=")
	link, _, _ = strings.Cut(link, "\n")
	if len(link) < 40 || h.secretsIn(t, link) {
		t.Errorf("the link %q is kept somewhere", link)
	}
	if _, err := h.Links.FinishReset(t.Context(), link, "a door of our own", olive); err != nil {
		t.Error("the link sets no password:", err)
	}
	if made, err := h.staging.AddSecret(t.Context(), r.ClientID, NewSecret{}, store.By{Actor: done.AccountID}); err != nil || made.Secret.IsEmpty() {
		t.Error(err)
	}
	// Once more, as by a double click: nothing happens.
	h.mails, h.told = nil, nil
	again, err := h.Approve(t.Context(), r.ID, []string{"moves:read"}, "Reading is enough.", olive)
	if err != nil || again.Partner.ID != done.Partner.ID || len(h.mails)+len(h.told) != 0 {
		t.Error(again, err, h.mails, h.told)
	}
	if _, err := h.Approve(t.Context(), r.ID, nil, "Reading is enough.", olive); !errors.Is(err, store.ErrConflict) {
		t.Error("approved otherwise:", err)
	}
	if err := h.Refuse(t.Context(), r.ID, "No.", olive); !errors.Is(err, store.ErrConflict) {
		t.Error("refused afterwards:", err)
	}
}

// Approving narrows and never widens.
func TestApprovalNarrows(t *testing.T) {
	h := openHouse(t)
	asking := stranger()
	asking.APIs, asking.Scopes = []string{"moves", "status"}, []string{"moves:read", "moves:admin"}
	for name, row := range map[string]struct {
		scopes []string
		fields string
		want   map[string][]string
	}{
		"all":          {nil, "", map[string][]string{"moves": {"moves:read", "moves:admin"}, "status": {}}},
		"one":          {[]string{"moves:read"}, "", map[string][]string{"moves": {"moves:read"}}},
		"twice":        {[]string{"moves:read", "read"}, "", map[string][]string{"moves": {"moves:read"}}},
		"API":          {[]string{"status"}, "", map[string][]string{"status": {}}},
		"at its API":   {[]string{"moves moves:read"}, "", map[string][]string{"moves": {"moves:read"}}},
		"at another":   {[]string{"notes moves:read"}, "scopes[0]", nil},
		"none":         {[]string{}, "scopes", nil},
		"more":         {[]string{"shared"}, "scopes[0]", nil},
		"of other API": {[]string{"moves:read", "notes.read"}, "scopes[1]", nil},
		"other API":    {[]string{"notes"}, "scopes[0]", nil},
		"home's":       {[]string{"clients:write"}, "scopes[0]", nil},
		"everything":   {[]string{AllScopes}, "scopes[0]", nil},
		"many":         {slices.Repeat([]string{"moves:read"}, maxScopes+1), "scopes", nil},
		"as many":      {slices.Repeat([]string{"moves:read"}, maxScopes), "", map[string][]string{"moves": {"moves:read"}}},
	} {
		r := h.asked(asking)
		_, err := h.Approve(t.Context(), r.ID, row.scopes, "", olive)
		if row.fields != "" {
			if about(err) != row.fields {
				t.Errorf("%s: %v", name, err)
			}
			if r, err := h.Request(t.Context(), r.ID); err != nil || r.Decision != "" {
				t.Errorf("%s: it is decided", name)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		client, err := h.staging.Find(t.Context(), r.ClientID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(row.want, client.Allotted); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// failing fails once, after as many steps as are left.
type failing struct{ left int }

var errCrash = errors.New("the power went")

func (f *failing) step(do func() error) error {
	if f.left == 0 {
		f.left = -1
		return errCrash
	}
	f.left--
	return do()
}

type failingPartners struct {
	store.Partners
	*failing
}

func (f failingPartners) Create(ctx context.Context, p store.Partner, by store.By) error {
	return f.step(func() error { return f.Partners.Create(ctx, p, by) })
}

type failingAccess struct {
	store.AccessRequests
	*failing
}

func (f failingAccess) Decide(ctx context.Context, id string, d store.Decision, by store.By) error {
	return f.step(func() error { return f.AccessRequests.Decide(ctx, id, d, by) })
}

func (f failingAccess) Done(ctx context.Context, id string, by store.By) error {
	return f.step(func() error { return f.AccessRequests.Done(ctx, id, by) })
}

type failingClients struct {
	store.Clients
	*failing
}

func (f failingClients) Create(ctx context.Context, c store.Client, by store.By) error {
	return f.step(func() error { return f.Clients.Create(ctx, c, by) })
}

type failingAccounts struct {
	store.Accounts
	*failing
}

func (f failingAccounts) Create(ctx context.Context, a store.Account, factors []store.Factor, by store.By) error {
	return f.step(func() error { return f.Accounts.Create(ctx, a, factors, by) })
}

// Whenever the power goes while a request is approved, the rest is done later: by
// approving again as long as it is not decided, by Resume from then on.
func TestApprovalSurvivesACrash(t *testing.T) {
	const steps = 6 // account, decision, partner, client, notice, done
	for left := range steps {
		t.Run(fmt.Sprint("after ", left), func(t *testing.T) {
			h := openHouse(t)
			r := h.asked(stranger())
			crash := &failing{left}
			h.Store, h.Access = failingPartners{h.Store, crash}, failingAccess{h.Access, crash}
			h.staging.Store = failingClients{h.staging.Store, crash}
			h.People.Accounts = failingAccounts{h.People.Accounts, crash}
			queue := h.Notify
			h.Notify = func(ctx context.Context, n ...store.Notice) error {
				return crash.step(func() error { return queue(ctx, n...) })
			}
			if _, err := h.Approve(t.Context(), r.ID, nil, "", olive); !errors.Is(err, errCrash) {
				t.Fatal("it did not crash:", err)
			}
			if left < 2 { // not decided: whoever decides does it again
				if _, err := h.Approve(t.Context(), r.ID, nil, "", olive); err != nil {
					t.Fatal(err)
				}
			} else if err := h.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
			done, err := h.Request(t.Context(), r.ID)
			if err != nil || done.DoneAt.IsZero() {
				t.Fatal("it is not done:", done, err)
			}
			client, err := h.staging.Find(t.Context(), r.ClientID)
			if err != nil || client.Partner != done.PartnerID || len(client.Secrets) != 0 {
				t.Error(client, err)
			}
			partners, _, err := h.List(t.Context(), store.PartnerQuery{Limit: 10})
			if err != nil || len(partners) != 1 || partners[0].Role(done.AccountID) != store.MemberAdmin {
				t.Error("not one partner:", partners, err)
			}
			accounts, err := h.Accounts.List(t.Context(), "", 10)
			if err != nil || len(accounts) != 1 {
				t.Error("not one account:", accounts, err)
			}
			told := slices.DeleteFunc(kindsOf(h.told), func(kind string) bool { return kind != NoticeApproved })
			if len(h.mails) != 1 || len(told) != 1 {
				t.Error("mails and notices:", len(h.mails), told)
			}
			h.told, h.mails = nil, nil
			if err := h.Resume(t.Context()); err != nil || len(h.told)+len(h.mails) != 0 {
				t.Error("Resume does it again:", err)
			}
		})
	}
}

// What was decided and is in the catalogue no more is left out, never replaced.
func TestResumeAfterAScopeWent(t *testing.T) {
	h := openHouse(t)
	r := h.asked(stranger())
	crash := &failing{0}
	h.staging.Store = failingClients{h.staging.Store, crash}
	if _, err := h.Approve(t.Context(), r.ID, nil, "", olive); !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	moves := h.staging.Environment.API("moves")
	moves.Scopes = slices.DeleteFunc(moves.Scopes, func(s *catalogue.Scope) bool { return s.Name == "moves:admin" })
	if err := h.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	client, err := h.staging.Find(t.Context(), r.ClientID)
	if diff := cmp.Diff(map[string][]string{"moves": {"moves:read"}}, client.Allotted); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// An id that somebody else has by now is not taken for the client.
func TestApprovalTakesNobodysClient(t *testing.T) {
	h := openHouse(t)
	r := h.asked(stranger())
	h.owned(h.staging, "brew", r.ClientID)
	if _, err := h.Approve(t.Context(), r.ID, nil, "", olive); !errors.Is(err, store.ErrConflict) {
		t.Error(err)
	}
	if r, err := h.Request(t.Context(), r.ID); err != nil || !r.DoneAt.IsZero() {
		t.Error("it is done with another's client:", r, err)
	}
}

func TestApprovalOfWhatIsDisabled(t *testing.T) {
	h := openHouse(t)
	acme, ada := h.acme()
	member := stranger()
	member.PartnerID, member.AccountID = acme.ID, ada
	r := h.asked(member)
	if r.Organised != "Acme" || r.Email != "ada@acme.example" {
		t.Error("it does not say who asks:", r)
	}
	if _, err := h.SetDisabled(t.Context(), acme.ID, true, olive); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Approve(t.Context(), r.ID, nil, "", olive); about(err) != "partner" {
		t.Error(err)
	}
	if _, err := h.Ask(t.Context(), member, olive); about(err) != "partner" {
		t.Error(err)
	}
	if _, err := h.SetDisabled(t.Context(), acme.ID, false, olive); err != nil {
		t.Fatal(err)
	}
	done, err := h.Approve(t.Context(), r.ID, nil, "", olive)
	if err != nil || done.Partner.ID != acme.ID || done.AccountID != ada {
		t.Error(done, err)
	}
}
