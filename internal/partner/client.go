package partner

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/oauth"
)

// generatedID is the length of a client id that is made here: 119 bits, and
// letters and digits only, so that it reads the same in every encoding.
const generatedID = 20

// DeclaredSecret is the id that the secret of a client of grantway.yaml has.
const DeclaredSecret = "file"

// New is a client to register. What is left empty is the default.
type New struct {
	ID          string   // the id that its programs have already; empty: one is made
	Name        string   // what people call it; empty: the id, where one is given
	Type        string   // empty: machine
	Grants      []string // empty: client_credentials, for a client that acts for people authorization_code and refresh_token
	APIs        []string // by name; empty: those that the scopes belong to
	Scopes      []string // names, aliases or unique endings of them; "all" is every scope of its APIs
	AuthMethods []string // empty: every method that takes a secret
	SignIn      store.SignIn
	Partner     string    // whose it is, by id; empty: the publisher's own
	Secret      NewSecret // a client that keeps none gets none
	Without     bool      // it gets none now either: a person generates it later
}

// Own makes it the client of a partner; the zero value is the publisher's own. Where
// nothing else is said, people are told that it is the partner's.
func (n *New) Own(by *store.Partner) {
	n.Partner = by.ID
	if in := &n.SignIn; in.Owner == "" && by.ID != "" {
		in.Owner, in.Homepage, in.Verified = by.Name, cmp.Or(in.Homepage, by.Homepage), in.Verified || by.Verified
	}
}

// Create registers a client with one secret, which Result holds when it was
// generated. Every fault is reported at once.
func (c *Clients) Create(ctx context.Context, n New, by store.By) (Result, error) {
	by = c.stamp(by)
	client, faults, err := c.resulting(n, by.At)
	if err != nil {
		return Result{}, err
	}
	var made made
	if client.Public() || n.Without {
		if !n.Secret.Text.IsEmpty() || !n.Secret.Hash.IsEmpty() || !n.Secret.ExpiresAt.IsZero() {
			faults.add("secret", "a "+client.Type+" client keeps no secret, or is to get it later", "leave the secret and its end away, or register a web client")
		}
	} else if made, err = c.make(ctx, n.Secret, by.At); err != nil {
		return Result{}, err
	}
	if faults = append(faults, made.faults...); len(faults) > 0 {
		return Result{}, faults
	}
	if made.stored.ID != "" {
		made.stored.ClientID = client.ID
		client.Secrets = []store.Secret{made.stored}
	}
	if err := c.Store.Create(ctx, client, by); err != nil {
		return Result{}, err
	}
	result := Result{Client: shown(client), SecretID: made.stored.ID, Secret: made.text, Warnings: made.warnings}
	result.Warnings = append(result.Warnings, risks(&client)...)
	c.settle(ctx, &result)
	return result, nil
}

// resulting is the client that n asks for, with the defaults applied and judged
// as it would be stored.
func (c *Clients) resulting(n New, now time.Time) (store.Client, Faults, error) {
	client := drafted(n, now)
	if client.ID == "" {
		id, err := secret.NewID(c.Random, generatedID)
		if err != nil {
			return store.Client{}, nil, err
		}
		client.ID = id
	}
	var faults Faults
	if client.Type == store.TypeResource {
		client.Allotted = c.itself(n.APIs, n.Scopes, &faults)
	} else {
		client.Allotted = c.allotted(client.Type, n.APIs, n.Scopes, &faults)
	}
	c.judgeID(client.ID, &faults)
	c.judge(&client, &faults)
	return client, faults, nil
}

// drafted is the client that n asks for with the defaults applied, but for what it
// may use and an id that is to be made.
func drafted(n New, now time.Time) store.Client {
	client := store.Client{
		ID: n.ID, Name: normalised(n.Name), Partner: n.Partner, Type: cmp.Or(n.Type, store.TypeMachine),
		Grants: slices.Clone(n.Grants), AuthMethods: slices.Clone(n.AuthMethods), SignIn: n.SignIn, CreatedAt: now,
	}
	if client.Name == "" {
		client.Name = n.ID
	}
	switch {
	case len(client.Grants) > 0 || client.Type == store.TypeResource:
	case forPeople(client.Type):
		client.Grants = []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken}
	default:
		client.Grants = []string{oauth.GrantClientCredentials}
	}
	return client
}

// Find returns the client, disabled or not, without verifiers. One that stands in
// grantway.yaml comes before one that is stored, as it does when tokens are asked
// for.
func (c *Clients) Find(ctx context.Context, id string) (store.Client, error) {
	if declared := c.declared(id); declared != nil {
		return fromFile(declared), nil
	}
	client, err := c.Store.Find(ctx, id)
	if err != nil {
		return store.Client{}, err
	}
	return shown(client), nil
}

// List returns at most limit clients whose ids sort after the given one, of the
// file and of the store alike, in the bytewise order of their ids and without
// verifiers. More says whether there are further ones.
func (c *Clients) List(ctx context.Context, after string, limit int) (clients []store.Client, more bool, err error) {
	stored, err := c.Store.List(ctx, after, limit+1)
	if err != nil {
		return nil, false, err
	}
	for _, client := range stored {
		if c.declared(client.ID) == nil {
			clients = append(clients, shown(client))
		}
	}
	for i := range c.Environment.Clients {
		if declared := &c.Environment.Clients[i]; declared.ID > after {
			clients = append(clients, fromFile(declared))
		}
	}
	slices.SortFunc(clients, func(a, b store.Client) int { return cmp.Compare(a.ID, b.ID) })
	if len(clients) <= limit {
		return clients, false, nil
	}
	return clients[:limit], true, nil
}

// Of returns at most limit clients of a partner whose ids sort after the given one,
// as List does.
func (c *Clients) Of(ctx context.Context, partnerID, after string, limit int) (clients []store.Client, more bool, err error) {
	stored, err := c.Partners.ListOf(ctx, partnerID, after, limit+1)
	if err != nil {
		return nil, false, err
	}
	for _, client := range stored {
		if c.declared(client.ID) == nil {
			clients = append(clients, shown(client))
		}
	}
	if len(clients) <= limit {
		return clients, false, nil
	}
	return clients[:limit], true, nil
}

// ErrPublishers says that a partner cannot enable a client, since it is not the partner
// that disabled it.
var ErrPublishers = errors.New("the client was not disabled by the partner itself: only the publisher enables it")

// Disable makes the client unusable and ends its tokens, until Enable. Whose it is
// is told, once. With by.Partner it is a member who does it, of that partner and to a
// client of its own; what the publisher disables, then or later, stays the publisher's.
func (c *Clients) Disable(ctx context.Context, id string, by store.By) (Result, error) {
	by = c.stamp(by)
	result, err := c.change(ctx, id, func() error { return c.Store.Disable(ctx, id, c.forget(by.At), by) })
	if err == nil {
		c.told(ctx, NoticeClient, "", &result)
	}
	return result, err
}

// Enable makes a disabled client usable again. Tokens that ended stay ended. A partner
// (by.Partner) enables what it disabled itself; else ErrPublishers.
func (c *Clients) Enable(ctx context.Context, id string, by store.By) (Result, error) {
	result, err := c.change(ctx, id, func() error { return c.Store.Enable(ctx, id, c.stamp(by)) })
	if by.Partner != "" && errors.Is(err, store.ErrConflict) {
		return Result{}, ErrPublishers
	}
	return result, err
}

// Delete forgets the client and its secrets and ends its tokens, for ever: its id
// can never be registered again. The Result holds the client as it was. By.Partner is
// as for Disable.
func (c *Clients) Delete(ctx context.Context, id string, by store.By) (Result, error) {
	client, err := c.own(ctx, id)
	if err != nil {
		return Result{}, err
	}
	by = c.stamp(by)
	if err := c.Store.Delete(ctx, id, c.forget(by.At), by); err != nil {
		return Result{}, err
	}
	result := Result{Client: shown(client)}
	c.settle(ctx, &result)
	return result, nil
}

// change does one step to a client that is not declared, and returns the client
// as it is after.
func (c *Clients) change(ctx context.Context, id string, step func() error) (Result, error) {
	if c.declared(id) != nil {
		return Result{}, ErrDeclared
	}
	if err := step(); err != nil {
		return Result{}, err
	}
	client, err := c.Store.Find(ctx, id)
	if err != nil {
		return Result{}, err
	}
	result := Result{Client: shown(client)}
	c.settle(ctx, &result)
	return result, nil
}

// own returns a client that may be changed here.
func (c *Clients) own(ctx context.Context, id string) (store.Client, error) {
	if c.declared(id) != nil {
		return store.Client{}, ErrDeclared
	}
	return c.Store.Find(ctx, id)
}

// declared is the client of the file, or nil.
func (c *Clients) declared(id string) *catalogue.Client {
	for i := range c.Environment.Clients {
		if c.Environment.Clients[i].ID == id {
			return &c.Environment.Clients[i]
		}
	}
	return nil
}

// fromFile is a declared client as a record. The file does not say since when.
func fromFile(d *catalogue.Client) store.Client {
	client := store.Client{
		ID: d.ID, Name: d.Name, Type: d.Type, Grants: d.Grants, AuthMethods: d.Methods, Allotted: d.Allotted,
		SignIn: store.SignIn(d.SignIn), Declared: true,
	}
	if d.Verifier != "" {
		client.Secrets = []store.Secret{{ID: DeclaredSecret, ClientID: d.ID}}
	}
	return client
}
