package admin

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// People are the operations on the people of one environment.
type People struct {
	People  *account.People
	Factors *account.Factors
	Links   *account.Links // its Mailer may be nil: the environment sends no mail
	Record  *account.Record
}

// How a link to choose a password gets to its person.
const (
	ResetLink = "link" // the answer holds it
	ResetMail = "mail"
)

// linkLife is how long such a link is good.
const linkLife = 30 * time.Minute

// An Account is a person's account as the API shows it.
type Account struct {
	ID            string          `json:"id" doc:"What tokens call the person."`
	Name          string          `json:"name" doc:"What the person types to sign in."`
	FullName      string          `json:"full_name,omitempty" doc:"The person's name, as it is shown."`
	GivenName     string          `json:"given_name,omitempty" doc:"The first name."`
	FamilyName    string          `json:"family_name,omitempty" doc:"The last name."`
	Email         string          `json:"email,omitempty" doc:"The e-mail address."`
	EmailVerified bool            `json:"email_verified" doc:"The address is known to be theirs."`
	Locale        string          `json:"locale,omitempty" doc:"The person's language (BCP 47)."`
	Roles         []string        `json:"roles" doc:"Words for APIs to know."`
	Factors       []AccountFactor `json:"factors,omitempty" doc:"With what the person signs in; only where one account is asked for."`
	CreatedAt     time.Time       `json:"created_at" doc:"When it was created."`
	Disabled      bool            `json:"disabled" doc:"Whether the person is kept out."`
	DisabledAt    time.Time       `json:"disabled_at,omitzero" doc:"Since when."`
}

// An AccountFactor is something that a person proves to be who they are with.
type AccountFactor struct {
	ID         string    `json:"id" doc:"The factor's id."`
	Method     string    `json:"method" doc:"password, totp, passkey or recovery."`
	Name       string    `json:"name,omitempty" doc:"What the person calls it."`
	CreatedAt  time.Time `json:"created_at" doc:"When it was added."`
	LastUsedAt time.Time `json:"last_used_at,omitzero" doc:"When it was last used; absent: never."`
}

// An AccountPage is a page of a list of accounts.
type AccountPage struct {
	Accounts []Account `json:"accounts" doc:"At most as many as limit says."`
	Next     string    `json:"next,omitempty" doc:"For after, to get the next page; absent on the last. It is good for an hour."`
}

// A Person is what a new account says of its person. What is absent is unknown.
type Person struct {
	Name          string   `json:"name" doc:"What the person types to sign in."`
	GivenName     string   `json:"given_name,omitempty" doc:"The first name."`
	FamilyName    string   `json:"family_name,omitempty" doc:"The last name."`
	Email         string   `json:"email,omitempty" doc:"The e-mail address."`
	EmailVerified bool     `json:"email_verified,omitempty" doc:"The address is known to be theirs."`
	Locale        string   `json:"locale,omitempty" doc:"The person's language (BCP 47)."`
	Roles         []string `json:"roles,omitempty" doc:"Words for APIs to know."`
}

// A NewAccount is an account to create.
type NewAccount struct {
	Person
	FullName string  `json:"full_name,omitempty" doc:"The person's name, as it is shown."`
	Password *string `json:"password,omitempty" doc:"The password. Absent: none; the person chooses one by a link."`
	Reset    string  `json:"reset,omitempty" doc:"Make a link to choose a password: link, and the answer holds it, or mail. Absent: none is made."`
}

// AccountReset says how a person gets the link to choose a new password.
type AccountReset struct {
	By      string `json:"by,omitempty" doc:"link (the default): the answer holds it; mail: it is sent to the verified address."`
	Factors bool   `json:"factors,omitempty" doc:"Remove every second factor too, of somebody who has lost them."`
}

// AccountChanged is what became of a request that changed an account.
type AccountChanged struct {
	Account    Account   `json:"account" doc:"The account as it is now, or as it was when it was deleted."`
	Link       string    `json:"link,omitempty" once:"" doc:"With which the person chooses a password, once. It is shown this once."`
	MailedTo   string    `json:"mailed_to,omitempty" doc:"Where the link was sent."`
	LinkEndsAt time.Time `json:"link_ends_at,omitzero" doc:"Until when the link is good."`
	Warnings   []string  `json:"warnings" doc:"What you should know although it was done."`
}

// stable implements stable.
func (a Account) stable() any {
	a.Factors = slices.Clone(a.Factors)
	for i := range a.Factors {
		a.Factors[i].LastUsedAt = time.Time{}
	}
	return a
}

// people are the operations on the people of the environment that the path names.
func (c *call) people() (*People, error) {
	return ofEnvironment(c, c.api.People, "Nobody signs in to this environment: grantway.yaml does not say accounts: true.")
}

// stamped is by with the time, as the environment's clock has it.
func (c *call) stamped() store.By {
	by := c.by()
	by.At = c.api.Now().UTC().Truncate(time.Microsecond)
	return by
}

// listAccounts lists all, or the one that goes by a name or verified address.
func listAccounts(c *call) (AccountPage, error) {
	p, err := c.people()
	if err != nil {
		return AccountPage{}, err
	}
	page := AccountPage{Accounts: []Account{}}
	if typed := c.sent.Get("name"); typed != "" {
		found, err := p.named(c, typed)
		if errors.Is(err, store.ErrNotFound) {
			return page, nil
		}
		page.Accounts = append(page.Accounts, shownAccount(&found))
		return page, err
	}
	after, limit, err := c.page()
	if err != nil {
		return AccountPage{}, err
	}
	found, err := p.People.Accounts.List(c.Context(), after, limit+1)
	if err != nil {
		return AccountPage{}, err
	}
	for i := range found[:min(limit, len(found))] {
		page.Accounts = append(page.Accounts, shownAccount(&found[i]))
	}
	if len(found) > limit {
		page.Next = c.api.cursors.after(c.list(), found[limit-1].ID)
	}
	return page, nil
}

// named is the account that goes by a name or verified address.
func (p *People) named(c *call, typed string) (store.Account, error) {
	key, err := account.NameKey(typed)
	if err != nil {
		if key, err = account.Email(typed); err != nil {
			return store.Account{}, store.ErrNotFound
		}
	}
	return p.People.Accounts.FindBy(c.Context(), key)
}

func getAccount(c *call) (Account, error) {
	p, err := c.people()
	if err != nil {
		return Account{}, err
	}
	found, err := p.People.Accounts.Find(c.Context(), c.PathValue("account"))
	if err != nil {
		return Account{}, err
	}
	factors, err := p.Factors.List(c.Context(), found.ID)
	if err != nil {
		return Account{}, err
	}
	shown := shownAccount(&found)
	for _, f := range factors {
		shown.Factors = append(shown.Factors, AccountFactor{ID: f.ID, Method: string(f.Method), Name: f.Name, CreatedAt: f.CreatedAt, LastUsedAt: f.LastUsedAt})
	}
	return shown, nil
}

func createAccount(c *call, n NewAccount) (AccountChanged, error) {
	p, err := c.people()
	if err != nil {
		return AccountChanged{}, err
	}
	if err := c.mayTouch(n.Roles...); err != nil {
		return AccountChanged{}, err
	}
	var faults partner.Faults
	password := secret.Of(given(n.Password, "password", &faults))
	profile := store.Profile{
		FullName: n.FullName, GivenName: n.GivenName, FamilyName: n.FamilyName, Email: n.Email, EmailVerified: n.EmailVerified, Locale: n.Locale,
	}
	if n.Reset != "" {
		p.judgeReset(n.Reset, &profile, &faults)
	}
	if len(faults) > 0 {
		return AccountChanged{}, faults
	}
	made, err := p.People.Create(c.Context(), account.New{Name: n.Name, Profile: profile, Roles: n.Roles, Password: password}, c.stamped())
	if err != nil {
		return AccountChanged{}, accountProblem(err)
	}
	c.location = c.below("accounts", made.ID)
	changed := AccountChanged{Account: shownAccount(&made), Warnings: []string{}}
	switch {
	case n.Reset != "":
		if err := c.link(p, &made, n.Reset, &changed); err != nil {
			changed.Warnings = append(changed.Warnings, "the account is created, but no link was made; reset it: "+accountProblem(err).Error())
		}
	case n.Password == nil:
		changed.Warnings = append(changed.Warnings, "the person cannot sign in yet: reset the account for a link to choose a password")
	}
	return changed, nil
}

// judgeReset looks at how a link is to get to a person.
func (p *People) judgeReset(by string, profile *store.Profile, faults *partner.Faults) {
	fault := func(problem, hint string) {
		*faults = append(*faults, partner.Fault{Field: "reset", Problem: problem, Hint: hint})
	}
	switch {
	case by == ResetLink:
	case by != ResetMail:
		fault("is neither link nor mail", "")
	case p.Links.Mailer == nil:
		fault("this environment sends no mail", "say mail in grantway.yaml, or hand over a link")
	case profile.Email == "":
		fault("the account has no e-mail address", "hand over a link")
	case !profile.EmailVerified:
		fault("the address is not known to be theirs", "make sure and say that it is verified, or hand over a link")
	}
}

// link makes a link to choose a password, and hands it over or mails it.
func (c *call) link(p *People, a *store.Account, by string, changed *AccountChanged) error {
	if by == ResetMail {
		// The zero address: it is the operator who asks.
		if err := p.Links.SendReset(c.Context(), a.Name, a.Profile.Locale, netip.Addr{}); err != nil {
			return err
		}
		changed.MailedTo = a.Profile.Email
	} else {
		link, err := p.Links.MakeReset(c.Context(), a.ID)
		if err != nil {
			return err
		}
		changed.Link = link.Reveal()
	}
	changed.LinkEndsAt = c.api.Now().UTC().Add(linkLife).Truncate(time.Second)
	return nil
}

func resetAccount(c *call, sent AccountReset) (AccountChanged, error) {
	p, err := c.people()
	if err != nil {
		return AccountChanged{}, err
	}
	found, err := p.People.Accounts.Find(c.Context(), c.PathValue("account"))
	if err != nil {
		return AccountChanged{}, err
	}
	if err := c.mayTouch(found.Roles...); err != nil {
		return AccountChanged{}, err
	}
	if sent.By == "" {
		sent.By = ResetLink
	}
	var faults partner.Faults
	if p.judgeReset(sent.By, &found.Profile, &faults); len(faults) > 0 {
		return AccountChanged{}, faults
	}
	if found.Disabled() {
		return AccountChanged{}, &Problem{Status: http.StatusConflict, Detail: "The account is disabled: enable it first."}
	}
	changed := AccountChanged{Account: shownAccount(&found), Warnings: []string{}}
	if err := c.link(p, &found, sent.By, &changed); err != nil {
		return AccountChanged{}, accountProblem(err)
	}
	if sent.Factors {
		// After the link: where this fails there is a way in for its person, and no less safety.
		if err := p.Factors.Strip(c.Context(), found.ID, c.stamped()); err != nil {
			return AccountChanged{}, accountProblem(err)
		}
	}
	return changed, nil
}

func disableAccount(c *call) (AccountChanged, error) {
	return c.alterAccount((*account.People).Disable)
}

func enableAccount(c *call) (AccountChanged, error) { return c.alterAccount((*account.People).Enable) }

func deleteAccount(c *call) (AccountChanged, error) {
	p, err := c.people()
	if err != nil {
		return AccountChanged{}, err
	}
	was, err := p.People.Accounts.Find(c.Context(), c.PathValue("account"))
	if err != nil {
		return AccountChanged{}, err
	}
	if err := c.mayTouch(was.Roles...); err != nil {
		return AccountChanged{}, err
	}
	return AccountChanged{Account: shownAccount(&was), Warnings: c.settled()}, p.People.Delete(c.Context(), was.ID, c.stamped())
}

// exportAccount is everything that is known of a person.
func exportAccount(c *call) (json.RawMessage, error) {
	p, err := c.people()
	if err != nil {
		return nil, err
	}
	return p.Record.Export(c.Context(), c.PathValue("account"))
}

func shownAccount(a *store.Account) Account {
	p := &a.Profile
	return Account{
		ID: a.ID, Name: a.Name, FullName: p.FullName, GivenName: p.GivenName, FamilyName: p.FamilyName,
		Email: p.Email, EmailVerified: p.EmailVerified, Locale: p.Locale, Roles: list(a.Roles),
		CreatedAt: a.CreatedAt, Disabled: a.Disabled(), DisabledAt: a.DisabledAt,
	}
}
