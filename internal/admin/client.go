package admin

import (
	"maps"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
)

// A Client is a registered client as the API shows it.
type Client struct {
	ID          string        `json:"id" doc:"Its client_id."`
	Name        string        `json:"name" doc:"What people call it."`
	Partner     string        `json:"partner,omitempty" doc:"The id of the partner that owns it; absent: the publisher's own."`
	Type        string        `json:"type" doc:"machine: it asks for tokens; resource: an API that asks whether tokens are good; web, native, browser: it acts for people."`
	Grants      []string      `json:"grants" doc:"The grant types that it may use."`
	AuthMethods []string      `json:"auth_methods" doc:"How it may authenticate; empty: in every way that takes a secret."`
	GrantsEnd   []GrantEnd    `json:"grants_end" doc:"Those of its grants that end."`
	APIs        []ClientAPI   `json:"apis" doc:"What it may use."`
	SignIn      *SignIn       `json:"sign_in,omitempty" doc:"What it is registered with to act for people; absent for a client that does not."`
	Secrets     []ShownSecret `json:"secrets" doc:"Its secrets, without their texts; revoked ones are gone."`
	CreatedAt   time.Time     `json:"created_at,omitzero" doc:"When it was registered; absent for a client of grantway.yaml."`
	Disabled    bool          `json:"disabled" doc:"Whether it is refused at the moment."`
	DisabledAt  time.Time     `json:"disabled_at,omitzero" doc:"Since when it is refused."`
	DisabledBy  string        `json:"disabled_by,omitempty" doc:"publisher, or partner: then its partner can enable it too."`
	Declared    bool          `json:"declared" doc:"It stands in grantway.yaml and can be changed only there."`
}

// A ClientAPI is an API that a client may use.
type ClientAPI struct {
	Name   string   `json:"name" doc:"The API's name."`
	Scopes []string `json:"scopes" doc:"The scopes that the client may ask for."`
}

// A NewClient is a client to register. What is absent is the default.
type NewClient struct {
	ID          *string    `json:"id,omitempty" doc:"The client_id that its programs have already: at most 128 printable ASCII characters without space, %, + and :. Absent: one is made."`
	Name        string     `json:"name,omitempty" doc:"What people call it, at most 128 characters. Absent: the id, where one is given."`
	Type        string     `json:"type,omitempty" doc:"machine (the default), resource, web, native or browser."`
	Grants      []string   `json:"grants,omitempty" doc:"Absent: client_credentials; for a client that acts for people authorization_code and refresh_token."`
	APIs        []string   `json:"apis,omitempty" doc:"The names of its APIs. Absent: those that the scopes belong to."`
	Scopes      []string   `json:"scopes,omitempty" doc:"The scopes that it may ask for: names, aliases, unique endings of names, API SCOPE where several APIs have one of that name, or all."`
	AuthMethods []string   `json:"auth_methods,omitempty" doc:"client_secret_basic, client_secret_post. Absent: every way that takes a secret."`
	Secret      *string    `json:"secret,omitempty" doc:"A secret that its programs have already. Absent: one is made, unless there is a hash or it is native or browser, which keep none."`
	SignIn      *SignIn    `json:"sign_in,omitempty" doc:"What a client needs that acts for people."`
	Hash        *string    `json:"hash,omitempty" doc:"The hash of a secret that its programs have already, as another product stored it."`
	ExpiresAt   *time.Time `json:"expires_at,omitempty" doc:"When the secret ends. Absent: it does not."`
	Partner     string     `json:"partner,omitempty" doc:"The id of the partner that owns it. Absent: the publisher's own."`
	NoSecret    bool       `json:"no_secret,omitempty" doc:"It gets no secret now: one of the partner's people generates it."`
}

// Changed is what became of a request that changed something.
type Changed struct {
	Client   Client   `json:"client" doc:"The client as it is now, or as it was when it was deleted."`
	SecretID string   `json:"secret_id,omitempty" doc:"The id of the secret that was added or revoked."`
	Secret   string   `json:"secret,omitempty" once:"" doc:"The text of the secret that was made. It is shown this once and cannot be had again."`
	Warnings []string `json:"warnings" doc:"What you should know although it was done."`
}

// A ClientPage is a page of a list of clients.
type ClientPage struct {
	Clients []Client `json:"clients" doc:"At most as many as limit says."`
	Next    string   `json:"next,omitempty" doc:"For after, to get the next page; absent on the last. It is good for an hour."`
}

// stable implements stable.
func (c Client) stable() any {
	c.Secrets = slices.Clone(c.Secrets)
	for i := range c.Secrets {
		c.Secrets[i].LastUsedAt, c.Secrets[i].LastUsedFrom = time.Time{}, ""
	}
	return c
}

func listClients(c *call) (ClientPage, error) {
	after, limit, err := c.page()
	if err != nil {
		return ClientPage{}, err
	}
	found, more, err := c.listed(after, limit)
	if err != nil {
		return ClientPage{}, err
	}
	page := ClientPage{Clients: make([]Client, len(found))}
	for i := range found {
		page.Clients[i] = c.client(&found[i])
	}
	if more {
		page.Next = c.api.cursors.after(c.list(), found[len(found)-1].ID)
	}
	return page, nil
}

// listed is a page of all clients, or of those of a partner.
func (c *call) listed(after string, limit int) ([]store.Client, bool, error) {
	if partner := c.sent.Get("partner"); partner != "" {
		return c.clients.Of(c.Context(), partner, after, limit)
	}
	return c.clients.List(c.Context(), after, limit)
}

func createClient(c *call, n NewClient) (Changed, error) {
	secret, faults := newSecret(n.Secret, n.Hash, n.ExpiresAt)
	id := given(n.ID, "id", &faults)
	if len(faults) > 0 {
		return Changed{}, faults
	}
	owner, err := c.ofPartner(n.Partner)
	if err != nil {
		return Changed{}, err
	}
	if n.Partner != "" && c.clients.Environment.Name == catalogue.HomeName {
		return Changed{}, partner.Faults{{Field: "partner", Problem: "no client of home is a partner's", Hint: "leave it away"}}
	}
	made := partner.New{
		ID: id, Name: n.Name, Type: n.Type, Grants: n.Grants, APIs: n.APIs, Scopes: n.Scopes, AuthMethods: n.AuthMethods,
		SignIn: n.SignIn.stored(), Secret: secret, Without: n.NoSecret,
	}
	made.Own(&owner)
	result, err := c.clients.Create(c.Context(), made, c.by())
	if err != nil {
		return Changed{}, err
	}
	c.location = c.below("clients", result.Client.ID)
	return c.changed(result, nil)
}

func getClient(c *call) (Client, error) {
	found, err := c.clients.Find(c.Context(), c.id())
	if err != nil {
		return Client{}, err
	}
	return c.client(&found), nil
}

func deleteClient(c *call) (Changed, error) {
	return c.changed(c.clients.Delete(c.Context(), c.id(), c.by()))
}

func disableClient(c *call) (Changed, error) {
	return c.changed(c.clients.Disable(c.Context(), c.id(), c.by()))
}

func enableClient(c *call) (Changed, error) {
	return c.changed(c.clients.Enable(c.Context(), c.id(), c.by()))
}

// id is the client that the path names.
func (c *call) id() string {
	id := c.PathValue("client")
	activity.Of(c.Context()).Client = id
	return id
}

func (c *call) changed(result partner.Result, err error) (Changed, error) {
	if err != nil {
		return Changed{}, err
	}
	return Changed{
		Client: c.client(&result.Client), SecretID: result.SecretID, Secret: result.Secret.Reveal(), Warnings: list(result.Warnings),
	}, nil
}

func (c *call) client(stored *store.Client) Client {
	shown := Client{
		ID: stored.ID, Name: stored.Name, Partner: stored.Partner, Type: stored.Type, Grants: list(stored.Grants), AuthMethods: list(stored.AuthMethods),
		APIs: shownAllotment(stored.Allotted), GrantsEnd: []GrantEnd{}, SignIn: shownSignIn(&stored.SignIn), Secrets: c.secrets(stored), CreatedAt: stored.CreatedAt,
		Disabled: stored.Disabled(), DisabledAt: stored.DisabledAt, Declared: stored.Declared,
	}
	if shown.Disabled {
		shown.DisabledBy = "publisher"
		if stored.DisabledBy != "" {
			shown.DisabledBy = "partner"
		}
	}
	for _, grant := range slices.Sorted(maps.Keys(stored.GrantsEnd)) {
		shown.GrantsEnd = append(shown.GrantsEnd, GrantEnd{Grant: grant, EndsAt: stored.GrantsEnd[grant]})
	}
	return shown
}

// list is the list, never null in JSON.
func list(texts []string) []string {
	if texts == nil {
		return []string{}
	}
	return texts
}
