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

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/store"
)

func TestAskIsJudged(t *testing.T) {
	h := openHouse(t)
	acme, ada := h.acme()
	asStranger := func(change func(*Asking)) Asking {
		a := stranger()
		change(&a)
		return a
	}
	for name, row := range map[string]struct {
		asking Asking
		fields string
	}{
		"fine":                  {stranger(), ""},
		"purpose of the limit":  {asStranger(func(a *Asking) { a.Purpose = strings.Repeat("é", MaxPurpose) }), ""},
		"purpose above":         {asStranger(func(a *Asking) { a.Purpose = strings.Repeat("é", MaxPurpose+1) }), "purpose"},
		"no purpose":            {asStranger(func(a *Asking) { a.Purpose = "\n" }), "purpose"},
		"purpose turns":         {asStranger(func(a *Asking) { a.Purpose = "fine\n" + strings.Repeat("a", 300) + "\u202e" }), "purpose"},
		"purpose with bell":     {asStranger(func(a *Asking) { a.Purpose = "a\a" }), "purpose"},
		"purpose not UTF-8":     {asStranger(func(a *Asking) { a.Purpose = "a\xff" }), "purpose"},
		"no organisation":       {asStranger(func(a *Asking) { a.Organised = "" }), "organisation"},
		"organisation too long": {asStranger(func(a *Asking) { a.Organised = strings.Repeat("a", MaxName+1) }), "organisation"},
		"no person":             {asStranger(func(a *Asking) { a.Person = "" }), "person"},
		"no address":            {asStranger(func(a *Asking) { a.Email = "" }), "email"},
		"address of 129":        {asStranger(func(a *Asking) { a.Email = "ada@" + strings.Repeat("a.", 62) + "a" }), "email"},
		"header in address":     {asStranger(func(a *Asking) { a.Email = "ada@acme.example\r\nBcc: all@acme.example" }), "email"},
		"a stranger's partner":  {asStranger(func(a *Asking) { a.PartnerID = acme.ID }), "partner"},
		"another's partner":     {asStranger(func(a *Asking) { a.PartnerID, a.AccountID = "other", ada }), "partner"},
		"environment":           {asStranger(func(a *Asking) { a.Environment = "moon" }), "environment"},
		"home":                  {asStranger(func(a *Asking) { a.Environment = catalogue.HomeName }), "environment"},
		"application":           {asStranger(func(a *Asking) { a.Application = "" }), "application"},
		"type":                  {asStranger(func(a *Asking) { a.Type = "robot" }), "type"},
		"an API":                {asStranger(func(a *Asking) { a.Type, a.Scopes = store.TypeResource, nil }), "type"},
		"scope":                 {asStranger(func(a *Asking) { a.Scopes = []string{"moves:read", "fly"} }), "scopes[1]"},
		"scope of home":         {asStranger(func(a *Asking) { a.Scopes = []string{"clients:write"} }), "scopes[0]"},
		"API":                   {asStranger(func(a *Asking) { a.APIs, a.Scopes = []string{"admin"}, nil }), "apis[0]"},
		"redirects of machine":  {asStranger(func(a *Asking) { a.Redirects = []string{"https://acme.example/back"} }), "redirect_uris"},
		"everything": {
			asStranger(func(a *Asking) { *a = Asking{Environment: "staging", Scopes: []string{"fly"}} }),
			"purpose person email organisation scopes[0] application",
		},
	} {
		r, err := h.Ask(t.Context(), row.asking, store.By{Actor: "stranger"})
		if row.fields == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else if err := h.Withdraw(t.Context(), r.ID, olive); err != nil {
				t.Error(err)
			}
		} else if about(err) != row.fields {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOpenRequestsAreFew(t *testing.T) {
	h := openHouse(t)
	acme, ada := h.acme()
	member := stranger()
	member.PartnerID, member.AccountID = acme.ID, ada
	alone := stranger()
	alone.AccountID = ada
	for range MaxOpen {
		h.asked(member)
	}
	for name, a := range map[string]Asking{"the partner": member, "the account": alone} {
		if _, err := h.Ask(t.Context(), a, olive); !errors.Is(err, store.ErrSpent) {
			t.Errorf("%s asks once more: %v", name, err)
		}
	}
	for i := range MaxUnknown {
		a := stranger()
		a.Email = fmt.Sprintf("ada%d@acme.example", i)
		h.asked(a)
	}
	if _, err := h.Ask(t.Context(), stranger(), olive); !errors.Is(err, store.ErrSpent) {
		t.Error("one more stranger:", err)
	}
	open, _, err := h.Requests(t.Context(), store.AccessQuery{Limit: MaxUnknown + MaxOpen})
	if err != nil {
		t.Fatal(err)
	}
	one := slices.IndexFunc(open, func(r store.AccessRequest) bool { return r.AccountID == "" })
	if err := h.Refuse(t.Context(), open[one].ID, "Ask again in spring.", olive); err != nil {
		t.Fatal(err)
	}
	h.asked(stranger())
}

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

func TestRefused(t *testing.T) {
	h := openHouse(t)
	r := h.asked(stranger())
	for name, reason := range map[string]string{"none": " ", "turned": "no\u202e", "long": strings.Repeat("a", MaxPurpose+1)} {
		if err := h.Refuse(t.Context(), r.ID, reason, olive); about(err) != "reason" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for range 2 {
		if err := h.Refuse(t.Context(), r.ID, strings.Repeat("a", MaxPurpose), olive); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.Approve(t.Context(), r.ID, nil, "", olive); !errors.Is(err, store.ErrConflict) {
		t.Error("approved afterwards:", err)
	}
	if accounts, _ := h.Accounts.List(t.Context(), "", 10); len(accounts) != 0 {
		t.Error("there is an account")
	}
	if err := h.Refuse(t.Context(), "none", "No.", olive); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
}

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
