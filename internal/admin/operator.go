package admin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
)

// operatorLinkLife is how long the link is good that a new operator gets.
const operatorLinkLife = 15 * time.Minute

// An Operator is an account of home with a role.
type Operator struct {
	Account    string    `json:"account" doc:"The account's id."`
	Name       string    `json:"name" doc:"What the person types to sign in."`
	FullName   string    `json:"full_name,omitempty" doc:"The person's name, as it is shown."`
	Email      string    `json:"email,omitempty" doc:"The e-mail address."`
	Roles      []string  `json:"roles" doc:"owner, operator, support or auditor."`
	CreatedAt  time.Time `json:"created_at" doc:"When the account was created."`
	Disabled   bool      `json:"disabled" doc:"Whether the person is kept out."`
	DisabledAt time.Time `json:"disabled_at,omitzero" doc:"Since when."`
}

// OperatorList is who operates the deployment.
type OperatorList struct {
	Operators []Operator `json:"operators" doc:"In the order of their ids."`
}

// A NewOperator is somebody to invite.
type NewOperator struct {
	Name     string   `json:"name" doc:"What the person types to sign in: a name, or their e-mail address. An account of home that has it already gets the roles, and loses its password and all else that one signs in with."`
	FullName string   `json:"full_name,omitempty" doc:"The person's name, as it is shown."`
	Roles    []string `json:"roles" doc:"owner, operator, support or auditor."`
}

// An OperatorChange is what is to become different of an operator.
type OperatorChange struct {
	Roles Edit `json:"roles" doc:"Roles of operators. Whoever has none left is no operator any more; to remove one ends the person's tokens."`
}

// OperatorChanged is what became of a request about an operator.
type OperatorChanged struct {
	Operator   Operator  `json:"operator" doc:"The operator as they are now."`
	Link       string    `json:"link,omitempty" once:"" doc:"With which the person chooses a password, once, also who had one before they became an operator. Absent: they were one already. It is shown this once."`
	LinkEndsAt time.Time `json:"link_ends_at,omitzero" doc:"Until when the link is good."`
	Warnings   []string  `json:"warnings" doc:"What you should know although it was done."`
}

// stable implements stable.
func (o Operator) stable() any { return o }

// house are the operations on the people of home.
func (c *call) house() (*People, error) {
	if c.api.People != nil {
		if p := c.api.People(catalogue.HomeName); p != nil {
			return p, nil
		}
	}
	return nil, &Problem{Status: http.StatusNotFound, Detail: "There are no operators here: grantway.yaml does not say home."}
}

func listOperators(c *call) (OperatorList, error) {
	p, err := c.house()
	if err != nil {
		return OperatorList{}, err
	}
	list := OperatorList{Operators: []Operator{}}
	for after := ""; ; {
		found, err := p.People.Accounts.List(c.Context(), after, MaxPage)
		if err != nil {
			return OperatorList{}, err
		}
		for i := range found {
			after = found[i].ID
			if home.IsOperator(found[i].Roles) {
				list.Operators = append(list.Operators, shownOperator(&found[i]))
			}
		}
		if len(found) < MaxPage {
			return list, nil
		}
	}
}

func getOperator(c *call) (Operator, error) {
	p, err := c.house()
	if err != nil {
		return Operator{}, err
	}
	found, err := p.operator(c.Context(), c.PathValue("account"))
	if err != nil {
		return Operator{}, err
	}
	return shownOperator(&found), nil
}

// operator finds an account that has a role.
func (p *People) operator(ctx context.Context, id string) (store.Account, error) {
	found, err := p.People.Accounts.Find(ctx, id)
	if err == nil && !home.IsOperator(found.Roles) {
		err = store.ErrNotFound
	}
	return found, err
}

func inviteOperator(c *call, n NewOperator) (OperatorChanged, error) {
	p, err := c.house()
	if err != nil {
		return OperatorChanged{}, err
	}
	var faults partner.Faults
	if len(n.Roles) == 0 {
		faults = append(faults, partner.Fault{Field: "roles", Problem: "are missing", Hint: "known are " + strings.Join(home.Roles(), ", ")})
	}
	if judgeRoles("roles", n.Roles, &faults); len(faults) > 0 {
		return OperatorChanged{}, faults
	}
	is, err := p.invited(c, n)
	if err != nil {
		return OperatorChanged{}, accountProblem(err)
	}
	c.location = operators + "/" + url.PathEscape(is.ID)
	changed := OperatorChanged{Operator: shownOperator(&is), Warnings: c.housed()}
	factors, err := p.Factors.List(c.Context(), is.ID)
	switch {
	case err != nil:
		return OperatorChanged{}, err
	case len(factors) > 0: // a link would let whoever holds it in as them
		changed.Warnings = append(changed.Warnings, "the person was an operator already and gets no link: they have a password")
		return changed, nil
	}
	link, err := p.Links.MakeLink(c.Context(), is.ID, operatorLinkLife)
	if err != nil {
		return OperatorChanged{}, accountProblem(err)
	}
	changed.Link, changed.LinkEndsAt = link.Reveal(), c.api.Now().UTC().Add(operatorLinkLife).Truncate(time.Second)
	return changed, nil
}

// invited is the account that goes by a name, with the roles, which is made where
// there is none. Nobody has shown that an address is theirs, and it says so.
func (p *People) invited(c *call, n NewOperator) (store.Account, error) {
	found, err := p.named(c, n.Name)
	if errors.Is(err, store.ErrNotFound) {
		profile := store.Profile{FullName: n.FullName}
		if strings.Contains(n.Name, "@") {
			profile.Email = n.Name
		}
		return p.People.Create(c.Context(), account.New{Name: n.Name, Profile: profile, Roles: n.Roles}, c.stamped())
	}
	if err != nil {
		return store.Account{}, err
	}
	if found.Disabled() {
		return store.Account{}, &Problem{Status: http.StatusConflict, Detail: "The account is disabled: enable it first."}
	}
	roles := slices.Clone(found.Roles)
	for _, role := range n.Roles {
		if !slices.Contains(roles, role) {
			roles = append(roles, role)
		}
	}
	if err := p.entrusted(c, &found, roles); err != nil {
		return store.Account{}, err
	}
	if len(roles) > len(found.Roles) {
		err = p.People.Describe(c.Context(), found.ID, found.Profile, roles, c.stamped())
		found.Roles = roles
	}
	return found, err
}

// entrusted sees to it that an account that becomes an operator's is in the hands of
// its person: sessions and links of before end, and the password is chosen anew.
func (p *People) entrusted(c *call, was *store.Account, roles []string) error {
	if home.IsOperator(was.Roles) || !home.IsOperator(roles) {
		return nil
	}
	return p.People.Renew(c.Context(), was.ID, p.Factors, c.stamped())
}

func changeOperator(c *call, sent OperatorChange) (OperatorChanged, error) {
	p, err := c.house()
	if err != nil {
		return OperatorChanged{}, err
	}
	found, err := p.operator(c.Context(), c.PathValue("account"))
	if err != nil {
		return OperatorChanged{}, err
	}
	var faults partner.Faults
	judgeRoles("roles.add", sent.Roles.Add, &faults)
	judgeRoles("roles.remove", sent.Roles.Remove, &faults)
	if len(faults) > 0 {
		return OperatorChanged{}, faults
	}
	if found.Roles, err = edited(found.Roles, &sent.Roles); err != nil {
		return OperatorChanged{}, err
	}
	if err := p.People.Describe(c.Context(), found.ID, found.Profile, found.Roles, c.stamped()); err != nil {
		return OperatorChanged{}, accountProblem(err)
	}
	return OperatorChanged{Operator: shownOperator(&found), Warnings: c.housed()}, nil
}

func judgeRoles(field string, roles []string, faults *partner.Faults) {
	for i, role := range roles {
		switch {
		case !slices.Contains(home.Roles(), role):
			*faults = append(*faults, partner.Fault{Field: at(field, i), Problem: "is no role of operators", Hint: "known are " + strings.Join(home.Roles(), ", ")})
		case slices.Contains(roles[:i], role):
			*faults = append(*faults, partner.Fault{Field: at(field, i), Problem: "stands twice"})
		}
	}
}

func shownOperator(a *store.Account) Operator {
	return Operator{
		Account: a.ID, Name: a.Name, FullName: a.Profile.FullName, Email: a.Profile.Email, CreatedAt: a.CreatedAt,
		Roles:    slices.DeleteFunc(slices.Clone(home.Roles()), func(role string) bool { return !slices.Contains(a.Roles, role) }),
		Disabled: a.Disabled(), DisabledAt: a.DisabledAt,
	}
}

// housed is settled, of home.
func (c *call) housed() []string {
	if at := c.api.environment(catalogue.HomeName); at != nil {
		c.clients = at
		return c.settled()
	}
	return []string{}
}

// mayAtHome asks for more where a permission at home would amount to all of them:
// whoever registers a client of home, or makes a credential there, could act as an
// owner.
func (c *call) mayAtHome() error {
	needs := c.route.permission == WriteClients || c.route.permission == WriteAPITokens
	if !needs || c.clients.Environment.Name != catalogue.HomeName {
		return nil
	}
	return c.mayOperate()
}

// mayTouch asks for more where an account is an operator's, or would become one:
// whoever resets the password of an owner, or hands out the role, is one.
func (c *call) mayTouch(roles ...string) error {
	if c.clients.Environment.Name != catalogue.HomeName || !home.IsOperator(roles) {
		return nil
	}
	return c.mayOperate()
}

func (c *call) mayOperate() error {
	_, err := c.api.Authorize(c.Request, WriteOperators)
	return err
}
