package admin

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
)

// alterAccount does one step to the account that the path names.
func (c *call) alterAccount(step func(*account.People, context.Context, string, store.By) error) (AccountChanged, error) {
	p, err := c.people()
	if err != nil {
		return AccountChanged{}, err
	}
	id := c.PathValue("account")
	found, err := p.People.Accounts.Find(c.Context(), id)
	if err == nil {
		err = c.mayTouch(found.Roles...)
	}
	if err != nil {
		return AccountChanged{}, err
	}
	if err := step(p.People, c.Context(), id, c.stamped()); err != nil {
		return AccountChanged{}, err
	}
	if found, err = p.People.Accounts.Find(c.Context(), id); err != nil {
		return AccountChanged{}, err
	}
	return AccountChanged{Account: shownAccount(&found), Warnings: c.settled()}, nil
}

// AccountChange is what is to become different of an account. What is absent
// stays.
type AccountChange struct {
	FullName      *string `json:"full_name,omitempty" doc:"The person's name, as it is shown; empty: unknown, as with the four below."`
	GivenName     *string `json:"given_name,omitempty" doc:"The first name."`
	FamilyName    *string `json:"family_name,omitempty" doc:"The last name."`
	Email         *string `json:"email,omitempty" doc:"The e-mail address. A new one is not verified, unless email_verified says so."`
	EmailVerified *bool   `json:"email_verified,omitempty" doc:"We know that the address is theirs."`
	Locale        *string `json:"locale,omitempty" doc:"The person's language (BCP 47)."`
	Roles         *Edit   `json:"roles,omitempty" doc:"Words for APIs to know. To remove one ends the person's tokens."`
}

func changeAccount(c *call, sent AccountChange) (AccountChanged, error) {
	p, err := c.people()
	if err != nil {
		return AccountChanged{}, err
	}
	found, err := p.People.Accounts.Find(c.Context(), c.PathValue("account"))
	if err != nil {
		return AccountChanged{}, err
	}
	profile := found.Profile
	if sent.Email != nil && *sent.Email != profile.Email {
		profile.EmailVerified = false
	}
	for _, member := range []struct{ of, sent *string }{
		{&profile.FullName, sent.FullName},
		{&profile.GivenName, sent.GivenName},
		{&profile.FamilyName, sent.FamilyName},
		{&profile.Email, sent.Email},
		{&profile.Locale, sent.Locale},
	} {
		if member.sent != nil {
			*member.of = *member.sent
		}
	}
	if sent.EmailVerified != nil {
		profile.EmailVerified = *sent.EmailVerified
	}
	roles := found.Roles
	if sent.Roles != nil {
		if roles, err = edited(found.Roles, sent.Roles); err != nil {
			return AccountChanged{}, err
		}
	}
	if err := c.mayTouch(slices.Concat(found.Roles, roles)...); err != nil {
		return AccountChanged{}, err
	}
	if c.clients.Environment.Name == catalogue.HomeName && home.IsOperator(roles) && !home.IsOperator(found.Roles) {
		// Whoever knows the password now is not to be an operator by it.
		return AccountChanged{}, &Problem{Status: http.StatusConflict, Detail: "Who becomes an operator chooses a password anew: invite them as an operator."}
	}
	if err := p.People.Describe(c.Context(), found.ID, profile, roles, c.stamped()); err != nil {
		return AccountChanged{}, accountProblem(err)
	}
	if found, err = p.People.Accounts.Find(c.Context(), found.ID); err != nil {
		return AccountChanged{}, err
	}
	return AccountChanged{Account: shownAccount(&found), Warnings: c.settled()}, nil
}

// edited are roles after an edit.
func edited(had []string, e *Edit) (roles []string, err error) {
	for i, role := range e.Remove {
		if !slices.Contains(had, role) {
			return nil, partner.Faults{{Field: at("roles.remove", i), Problem: "is no role of the person", Hint: "look at the account"}}
		}
	}
	for _, role := range slices.Concat(had, e.Add) {
		if !slices.Contains(e.Remove, role) && !slices.Contains(roles, role) {
			roles = append(roles, role)
		}
	}
	return roles, nil
}

// at is the field of a list's member.
func at(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }

// settled waits until this node acts on what was changed, and warns where it
// cannot.
func (c *call) settled() []string {
	if c.clients.Sync != nil && c.clients.Sync(c.Context()) != nil {
		return []string{"the change is stored, but this server has not yet seen it; it will within seconds"}
	}
	return []string{}
}

// MaxImport is how many rows one request imports.
const MaxImport = 200

// An AccountImport is some rows of a file.
type AccountImport struct {
	Rows   []ImportRow `json:"rows" doc:"At most 200. What is named already stays as it is."`
	DryRun bool        `json:"dry_run,omitempty" doc:"Do all but create."`
}

// An ImportRow is an account as another product exported it.
type ImportRow struct {
	Person
	Line         int    `json:"line" doc:"Its line in the file, for the answer."`
	PasswordHash string `json:"password_hash,omitempty" doc:"The hash of the password, as the other product stored it."`
}

// Imported says what became of rows.
type Imported struct {
	Outcomes []Outcome `json:"outcomes" doc:"One for each row, in their order."`
}

// An Outcome says what became of one row.
type Outcome struct {
	Line   int    `json:"line" doc:"Its line in the file."`
	Name   string `json:"name,omitempty" doc:"The name of the account."`
	Result string `json:"result" doc:"created; exists: it was left as it is; or refused."`
	Reason string `json:"reason,omitempty" doc:"Why it was refused."`
}

func importAccounts(c *call, sent AccountImport) (Imported, error) {
	p, err := c.people()
	if err != nil {
		return Imported{}, err
	}
	if n := len(sent.Rows); n > MaxImport {
		return Imported{}, partner.Faults{{Field: "rows", Problem: fmt.Sprintf("are %d; %d is the limit", n, MaxImport), Hint: "send them in parts"}}
	}
	for _, r := range sent.Rows {
		if err := c.mayTouch(r.Roles...); err != nil {
			return Imported{}, err
		}
	}
	var rows iter.Seq2[account.Row, error] = func(yield func(account.Row, error) bool) {
		for _, r := range sent.Rows {
			row := account.Row{
				Line: r.Line, Name: r.Name, Email: r.Email, EmailVerified: r.EmailVerified, GivenName: r.GivenName, FamilyName: r.FamilyName,
				Locale: r.Locale, Roles: r.Roles, PasswordHash: r.PasswordHash,
			}
			if !yield(row, nil) {
				return
			}
		}
	}
	done := Imported{Outcomes: []Outcome{}}
	err = p.People.Import(c.Context(), rows, sent.DryRun, c.stamped(), func(o account.Outcome) { done.Outcomes = append(done.Outcomes, Outcome(o)) })
	return done, err
}

// accountProblem says what is wrong with an account that was sent.
func accountProblem(err error) error {
	fault := func(field, hint string) error {
		return partner.Faults{{Field: field, Problem: err.Error(), Hint: hint}}
	}
	if wait, ok := errors.AsType[*account.TooManyError](err); ok {
		return &Problem{
			Status: http.StatusTooManyRequests, retry: int(math.Ceil(wait.After.Seconds())),
			Detail: "Too many links were made for this account within the hour. Those that were made are good for half an hour.",
		}
	}
	for _, known := range []struct {
		err         error
		field, hint string
	}{
		{account.ErrName, "name", ""},
		{account.ErrEmail, "email", "write one address, as in anna@example.org"},
		{account.ErrShort, "password", ""},
		{account.ErrLong, "password", ""},
		{account.ErrCommon, "password", "choose a longer one, such as several words"},
		{account.ErrIsName, "password", "choose another one"},
		{account.ErrText, "password", ""},
	} {
		if errors.Is(err, known.err) {
			return fault(known.field, known.hint)
		}
	}
	switch {
	case errors.Is(err, account.ErrProfile):
		field := "profile"
		if strings.Contains(err.Error(), "role") {
			field = "roles"
		}
		return fault(field, "")
	case errors.Is(err, account.ErrTaken):
		return &Problem{Status: http.StatusConflict, Detail: "Another account has this name or this verified e-mail address."}
	case errors.Is(err, account.ErrLastFactor):
		return &Problem{Status: http.StatusConflict, Detail: "The person has nothing but a passkey. They choose a password by the link that was made; then the rest can be removed."}
	}
	return err
}
