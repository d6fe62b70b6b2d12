package admin

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
)

// An AccessRequest asks for a client.
type AccessRequest struct {
	ID           string      `json:"id" doc:"The request's id."`
	Partner      string      `json:"partner,omitempty" doc:"The id of the partner that asks; absent for one that is to be made."`
	Organisation string      `json:"organisation,omitempty" doc:"The organisation's name."`
	Account      string      `json:"account,omitempty" doc:"The id of the account that asked; absent for a stranger."`
	Person       string      `json:"person,omitempty" doc:"The name of who asked."`
	Email        string      `json:"email,omitempty" doc:"Where the answer goes."`
	Environment  string      `json:"environment" doc:"Where the client is wanted."`
	Client       string      `json:"client" doc:"The id that it will have."`
	Application  string      `json:"application" doc:"Its name."`
	Type         string      `json:"type" doc:"machine, web, native or browser."`
	Redirects    []string    `json:"redirect_uris,omitempty" doc:"Where people are sent back to."`
	Wanted       []ClientAPI `json:"wanted" doc:"What it wants to use."`
	Purpose      string      `json:"purpose" doc:"What for."`
	AskedAt      time.Time   `json:"asked_at" doc:"When."`
	State        string      `json:"state" doc:"open, approved, refused or withdrawn."`
	Decision     *Decision   `json:"decision,omitempty" doc:"What was decided; absent while it is open."`
}

// A Decision is what became of a request.
type Decision struct {
	Allowed   []ClientAPI `json:"allowed" doc:"What was granted, a part of what was wanted."`
	Reason    string      `json:"reason,omitempty" doc:"Why it was refused or narrowed; people read it."`
	DecidedBy string      `json:"decided_by" doc:"Who decided."`
	DecidedAt time.Time   `json:"decided_at" doc:"When."`
	DoneAt    time.Time   `json:"done_at,omitzero" doc:"When the client was there."`
}

// StateOpen is the state of a request that nobody has decided.
const StateOpen = "open"

// An AccessPage is a page of a list of requests.
type AccessPage struct {
	Requests []AccessRequest `json:"requests" doc:"At most as many as limit says."`
	Next     string          `json:"next,omitempty" doc:"For after, to get the next page; absent on the last. It is good for an hour."`
}

// NewAccess is a request on behalf of somebody.
type NewAccess struct {
	Partner      string   `json:"partner,omitempty" doc:"The id of the partner. Absent: one is made when it is approved."`
	Organisation string   `json:"organisation,omitempty" doc:"The name of the organisation that becomes the partner."`
	Account      string   `json:"account,omitempty" doc:"The id of an account of home. Absent: a stranger, who gets one when it is approved."`
	Person       string   `json:"person,omitempty" doc:"A stranger's name."`
	Email        string   `json:"email,omitempty" doc:"A stranger's e-mail address."`
	Environment  string   `json:"environment" doc:"Where the client is wanted."`
	Application  string   `json:"application" doc:"Its name."`
	Type         string   `json:"type,omitempty" doc:"machine (the default), web, native or browser."`
	Redirects    []string `json:"redirect_uris,omitempty" doc:"Where people are sent back to."`
	APIs         []string `json:"apis,omitempty" doc:"The names of its APIs. Absent: those that the scopes belong to."`
	Scopes       []string `json:"scopes,omitempty" doc:"The scopes that it wants: names, aliases, unique endings of names, API SCOPE where several APIs have one of that name, or all."`
	Purpose      string   `json:"purpose" doc:"What for; people read it."`
}

// AccessApproval says what of a request is granted.
type AccessApproval struct {
	Scopes []string `json:"scopes,omitempty" doc:"What is granted of what was wanted: scopes, API SCOPE for one at that API alone, or the names of APIs that have none. Absent: all of it."`
	Reason string   `json:"reason,omitempty" doc:"Why it was narrowed; people read it."`
}

// AccessRefusal says why a request is refused.
type AccessRefusal struct {
	Reason string `json:"reason" doc:"Why, and what would help; people read it."`
}

// AccessChanged is what became of a request for access.
type AccessChanged struct {
	Request  AccessRequest `json:"request" doc:"The request as it is now."`
	Partner  string        `json:"partner,omitempty" doc:"The id of the partner whose client it is."`
	Account  string        `json:"account,omitempty" doc:"The id of the account of who asked."`
	Link     string        `json:"link,omitempty" once:"" doc:"With which the person chooses a password, once. Absent: it was mailed, or they have one. It is shown this once."`
	Warnings []string      `json:"warnings" doc:"What you should know although it was done."`
}

// stable implements stable.
func (r AccessRequest) stable() any { return r }

func listRequests(c *call) (AccessPage, error) {
	p, err := c.organisations()
	if err != nil {
		return AccessPage{}, err
	}
	after, limit, err := c.page()
	if err != nil {
		return AccessPage{}, err
	}
	q := store.AccessQuery{PartnerID: c.sent.Get("partner"), Before: after, Limit: limit}
	switch c.sent.Get("open") {
	case "", "false":
	case "true":
		q.Open = true
	default:
		return AccessPage{}, badQuery("open", "is neither true nor false", "")
	}
	found, more, err := p.Requests(c.Context(), q)
	if err != nil {
		return AccessPage{}, err
	}
	page := AccessPage{Requests: []AccessRequest{}}
	for i := range found {
		page.Requests = append(page.Requests, shownRequest(&found[i]))
	}
	if more {
		page.Next = c.api.cursors.after(c.list(), found[len(found)-1].ID)
	}
	return page, nil
}

func getRequest(c *call) (AccessRequest, error) {
	p, err := c.organisations()
	if err != nil {
		return AccessRequest{}, err
	}
	found, err := p.Request(c.Context(), c.PathValue("request"))
	if err != nil {
		return AccessRequest{}, err
	}
	return shownRequest(&found), nil
}

func askAccess(c *call, n NewAccess) (AccessChanged, error) {
	p, err := c.organisations()
	if err != nil {
		return AccessChanged{}, err
	}
	asked, err := p.Ask(c.Context(), partner.Asking{
		PartnerID: n.Partner, AccountID: n.Account, Organised: n.Organisation, Person: n.Person, Email: n.Email, Environment: n.Environment,
		Application: n.Application, Type: n.Type, Purpose: n.Purpose, Redirects: n.Redirects, APIs: n.APIs, Scopes: n.Scopes,
	}, c.by())
	if err != nil {
		return AccessChanged{}, accessProblem(err)
	}
	c.location = requests + "/" + url.PathEscape(asked.ID)
	return AccessChanged{Request: shownRequest(&asked), Partner: asked.PartnerID, Account: asked.AccountID, Warnings: []string{}}, nil
}

func approveRequest(c *call, sent AccessApproval) (AccessChanged, error) {
	p, err := c.organisations()
	if err != nil {
		return AccessChanged{}, err
	}
	done, err := p.Approve(c.Context(), c.PathValue("request"), sent.Scopes, sent.Reason, c.by())
	if err != nil {
		return AccessChanged{}, accessProblem(err)
	}
	return AccessChanged{
		Request: shownRequest(&done.Request), Partner: done.Partner.ID, Account: done.AccountID, Link: done.Link.Reveal(), Warnings: []string{},
	}, nil
}

func refuseRequest(c *call, sent AccessRefusal) (AccessChanged, error) {
	return c.decided(func(p *partner.Partners, id string) error { return p.Refuse(c.Context(), id, sent.Reason, c.by()) })
}

func withdrawRequest(c *call) (AccessChanged, error) {
	return c.decided(func(p *partner.Partners, id string) error { return p.Withdraw(c.Context(), id, c.by()) })
}

// decided does one step to the request that the path names.
func (c *call) decided(step func(*partner.Partners, string) error) (AccessChanged, error) {
	p, err := c.organisations()
	if err != nil {
		return AccessChanged{}, err
	}
	id := c.PathValue("request")
	if err := step(p, id); err != nil {
		return AccessChanged{}, accessProblem(err)
	}
	is, err := p.Request(c.Context(), id)
	if err != nil {
		return AccessChanged{}, err
	}
	return AccessChanged{Request: shownRequest(&is), Partner: is.PartnerID, Account: is.AccountID, Warnings: []string{}}, nil
}

// accessProblem says what is wrong with a decision.
func accessProblem(err error) error {
	switch {
	case errors.Is(err, store.ErrConflict):
		return &Problem{Status: http.StatusConflict, Detail: "The request was decided otherwise already, or what it needs is there under another name: look at it."}
	case errors.Is(err, store.ErrSpent):
		return &Problem{Status: http.StatusConflict, Detail: "Too many requests are open: decide those first."}
	}
	return accountProblem(err)
}

func shownRequest(r *store.AccessRequest) AccessRequest {
	shown := AccessRequest{
		ID: r.ID, Partner: r.PartnerID, Organisation: r.Organised, Account: r.AccountID, Person: r.Person, Email: r.Email,
		Environment: r.Environment, Client: r.ClientID, Application: r.Application, Type: r.Type, Redirects: r.Redirects,
		Wanted: shownAllotment(r.Wanted), Purpose: r.Purpose, AskedAt: r.AskedAt, State: StateOpen,
	}
	if r.Decision != "" {
		shown.State = r.Decision
		shown.Decision = &Decision{
			Allowed: shownAllotment(r.Allowed), Reason: r.Reason, DecidedBy: r.DecidedBy, DecidedAt: r.DecidedAt, DoneAt: r.DoneAt,
		}
	}
	return shown
}

// shownAllotment is what may be used, in the order of the APIs' names.
func shownAllotment(of map[string][]string) []ClientAPI {
	shown := []ClientAPI{}
	for _, api := range slices.Sorted(maps.Keys(of)) {
		shown = append(shown, ClientAPI{Name: api, Scopes: list(of[api])})
	}
	return shown
}
