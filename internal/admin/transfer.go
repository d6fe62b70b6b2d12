package admin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
)

// lines are JSON values, one a line.
type lines []byte

// An ExportedClient is a client as it travels: never with a secret.
type ExportedClient struct {
	ID          string               `json:"id" doc:"Its client_id."`
	Name        string               `json:"name" doc:"What people call it."`
	Partner     string               `json:"partner,omitempty" doc:"The id of the partner that owns it; absent: the publisher's own."`
	Type        string               `json:"type" doc:"machine, resource, web, native or browser."`
	Grants      []string             `json:"grants,omitempty" doc:"The grant types that it may use."`
	GrantsEnd   map[string]time.Time `json:"grants_end,omitempty" doc:"When grants of it end."`
	AuthMethods []string             `json:"auth_methods,omitempty" doc:"How it may authenticate; absent: in every way that takes a secret."`
	Allotted    map[string][]string  `json:"allotted,omitempty" doc:"By the name of the API: the scopes that it may ask for."`
	SignIn      *SignIn              `json:"sign_in,omitempty" doc:"What it is registered with to act for people."`
	Disabled    bool                 `json:"disabled,omitempty" doc:"Whether it is refused at the moment."`
}

// A ClientImport is some lines of an export.
type ClientImport struct {
	Clients []ExportedClient `json:"clients" doc:"At most 200."`
	DryRun  bool             `json:"dry_run,omitempty" doc:"Say what would be done, and do nothing."`
}

// ClientsImported says what became of them.
type ClientsImported struct {
	Outcomes []ClientOutcome `json:"outcomes" doc:"One for each client, in their order."`
}

// A ClientOutcome says what became of one client.
type ClientOutcome struct {
	ID     string  `json:"id" doc:"The client's id."`
	Result string  `json:"result" doc:"created, changed, same: it was so already, or refused."`
	Errors []Fault `json:"errors,omitempty" doc:"Why it was refused."`
}

// ImportRefused is the result of a client that was not imported.
const ImportRefused = "refused"

// A Difference is one member in which a client is another here than there.
type Difference struct {
	Client string `json:"client" doc:"The client's id."`
	Member string `json:"member,omitempty" doc:"In what; absent: it is in one of the two only."`
	From   string `json:"from" doc:"What it is in the other environment; empty: nothing."`
	Here   string `json:"here" doc:"What it is in this one; empty: nothing."`
}

// DifferenceList is in what two environments differ.
type DifferenceList struct {
	Differences []Difference `json:"differences" doc:"In the order of the clients' ids."`
}

// A Promotion says where a client goes.
type Promotion struct {
	To     string   `json:"to" doc:"The environment to register it in."`
	Scopes []string `json:"scopes,omitempty" doc:"What it may use there of what it may use here. Absent: all of it."`
}

func promoteClient(c *call, sent Promotion) (Changed, error) {
	to := c.api.environment(sent.To)
	if to == nil {
		return Changed{}, partner.Faults{{Field: "to", Problem: "is no environment", Hint: "GET " + Prefix + "/environments lists those that there are"}}
	}
	result, err := partner.Promote(c.Context(), c.clients, to, c.id(), sent.Scopes, c.by())
	if errors.Is(err, partner.ErrDeclared) {
		err = &Problem{Status: http.StatusConflict, Detail: "The client stands in grantway.yaml there, and can be changed only in the file."}
	}
	c.location = Prefix + "/environments/" + url.PathEscape(sent.To) + "/clients/" + url.PathEscape(c.id())
	return c.changed(result, err)
}

func exportClients(c *call) (lines, error) {
	text := lines{}
	for one, err := range partner.Export(c.Context(), c.clients) {
		if err != nil {
			return nil, err
		}
		text = append(text, encoded(exported(&one))...)
	}
	return text, nil
}

func importClients(c *call, sent ClientImport) (ClientsImported, error) {
	if n := len(sent.Clients); n > MaxImport {
		return ClientsImported{}, partner.Faults{{Field: "clients", Problem: fmt.Sprintf("are %d; %d is the limit", n, MaxImport), Hint: "send them in parts"}}
	}
	done := ClientsImported{Outcomes: []ClientOutcome{}}
	for i := range sent.Clients {
		one := sent.Clients[i].partner()
		_, err := c.ofPartner(one.Partner)
		var what string
		if err == nil {
			what, err = c.clients.Import(c.Context(), one, sent.DryRun, c.by())
		}
		outcome := ClientOutcome{ID: one.ID, Result: what}
		if err != nil {
			p := problemOf(err)
			if p.Status >= http.StatusInternalServerError {
				return ClientsImported{}, err // what was done before is so already when it is tried again
			}
			outcome.Result, outcome.Errors = ImportRefused, p.Errors
			if len(p.Errors) == 0 {
				outcome.Errors = []Fault{{Field: "id", Problem: p.Detail}}
			}
		}
		done.Outcomes = append(done.Outcomes, outcome)
	}
	return done, nil
}

func listDifferences(c *call) (DifferenceList, error) {
	other := c.api.environment(c.sent.Get("from"))
	if other == nil {
		return DifferenceList{}, badQuery("from", "is no environment", "name the one to compare with")
	}
	var both [2][]partner.Exported
	for i, clients := range []*partner.Clients{other, c.clients} {
		for one, err := range partner.Export(c.Context(), clients) {
			if err != nil {
				return DifferenceList{}, err
			}
			both[i] = append(both[i], one)
		}
	}
	list := DifferenceList{Differences: []Difference{}}
	for _, d := range partner.Differ(both[0], both[1]) {
		list.Differences = append(list.Differences, Difference{Client: d.Client, Member: d.Member, From: d.A, Here: d.B})
	}
	return list, nil
}

// environment is the environment of that name, nil where there is none.
func (a *api) environment(name string) *partner.Clients {
	for _, c := range a.Environments() {
		if c.Environment.Name == name {
			return c
		}
	}
	return nil
}

// ofPartner is the partner whose client one is to be; the zero value without an id.
func (c *call) ofPartner(id string) (store.Partner, error) {
	if id == "" {
		return store.Partner{}, nil
	}
	p, err := c.organisations()
	if err != nil {
		return store.Partner{}, partner.Faults{{Field: "partner", Problem: "there are no partners here", Hint: "leave it away"}}
	}
	is, err := p.Find(c.Context(), id)
	if errors.Is(err, store.ErrNotFound) {
		err = partner.Faults{{Field: "partner", Problem: "is no partner", Hint: "make it first"}}
	}
	return is, err
}

func exported(e *partner.Exported) ExportedClient {
	return ExportedClient{
		ID: e.ID, Name: e.Name, Partner: e.Partner, Type: e.Type, Grants: e.Grants, GrantsEnd: e.GrantsEnd, AuthMethods: e.AuthMethods,
		Allotted: e.Allotted, SignIn: shownSignIn(&e.SignIn), Disabled: e.Disabled,
	}
}

func (e *ExportedClient) partner() partner.Exported {
	return partner.Exported{
		ID: e.ID, Name: e.Name, Partner: e.Partner, Type: e.Type, Grants: e.Grants, GrantsEnd: e.GrantsEnd, AuthMethods: e.AuthMethods,
		Allotted: e.Allotted, SignIn: e.SignIn.stored(), Disabled: e.Disabled,
	}
}
