package admin

import (
	"net/http"
	"time"

	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
)

// The states of an API token.
const (
	APITokenGood    = "good"
	APITokenWaits   = "waits" // for approval
	APITokenExpired = "expired"
	APITokenRevoked = "revoked"
)

// An APIToken is what is shown of an API token.
type APIToken struct {
	ID         string    `json:"id" doc:"What to approve and revoke it by."`
	Name       string    `json:"name" doc:"The application that it is for."`
	Hint       string    `json:"hint" doc:"Its last characters."`
	State      string    `json:"state" doc:"good, waits (for a second operator to approve it), expired or revoked."`
	APIs       []string  `json:"apis" doc:"Where it is good."`
	NeedsUser  bool      `json:"needs_user" doc:"It is good only together with an OAuth token."`
	Elevated   bool      `json:"elevated" doc:"It may name a person to ask for."`
	Scopes     []string  `json:"scopes" doc:"What an elevated one may do for people."`
	Addresses  []string  `json:"addresses" doc:"Networks that an elevated one may come from."`
	CreatedAt  time.Time `json:"created_at" doc:"When it was created."`
	CreatedBy  string    `json:"created_by" doc:"Who created it."`
	ApprovedAt time.Time `json:"approved_at,omitzero" doc:"When it was approved."`
	ApprovedBy string    `json:"approved_by,omitempty" doc:"Who approved it."`
	EndsAt     time.Time `json:"ends_at,omitzero" doc:"When it ends; absent: it does not."`
	RevokedAt  time.Time `json:"revoked_at,omitzero" doc:"When it was revoked."`
	LastUsedAt time.Time `json:"last_used_at,omitzero" doc:"When it was last used, to within seconds; absent: never."`
}

// stable implements stable.
func (t APIToken) stable() any {
	t.LastUsedAt = time.Time{}
	return t
}

// A NewAPIToken is an API token to create. What is absent is the default.
type NewAPIToken struct {
	Name      string     `json:"name,omitempty" doc:"The application that it is for, at most 128 characters."`
	APIs      []string   `json:"apis,omitempty" doc:"The names of the APIs at which it is good."`
	NeedsUser bool       `json:"needs_user,omitempty" doc:"It is good only together with an OAuth token."`
	Elevated  bool       `json:"elevated,omitempty" doc:"It may name a person to ask for, once a second operator has approved it."`
	Scopes    []string   `json:"scopes,omitempty" doc:"What an elevated one may do for people: names, aliases, unique endings of names."`
	Addresses []string   `json:"addresses,omitempty" doc:"Networks that an elevated one may come from, such as 192.0.2.0/24."`
	EndsAt    *time.Time `json:"ends_at,omitempty" doc:"When it ends; an elevated one has to. Absent: it does not."`
}

// APITokenChanged is what became of a request about an API token.
type APITokenChanged struct {
	APIToken APIToken `json:"api_token" doc:"The token as it is now."`
	Text     string   `json:"text,omitempty" once:"" doc:"The token that was created. It is shown this once and cannot be had again."`
	Warnings []string `json:"warnings" doc:"What you should know although it was done."`
}

// An APITokenPage is a page of a list of API tokens.
type APITokenPage struct {
	APITokens []APIToken `json:"api_tokens" doc:"At most as many as limit says."`
	Next      string     `json:"next,omitempty" doc:"For after, to get the next page; absent on the last. It is good for an hour."`
}

// tokens are the operations on the API tokens of the environment that the path
// names.
func (c *call) tokens() (*partner.APITokens, error) {
	return ofEnvironment(c, c.api.APITokens, "In this environment there are no API tokens.")
}

func listAPITokens(c *call) (APITokenPage, error) {
	tokens, err := c.tokens()
	if err != nil {
		return APITokenPage{}, err
	}
	after, limit, err := c.page()
	if err != nil {
		return APITokenPage{}, err
	}
	found, more, err := tokens.List(c.Context(), after, limit)
	if err != nil {
		return APITokenPage{}, err
	}
	page := APITokenPage{APITokens: []APIToken{}}
	for i := range found {
		page.APITokens = append(page.APITokens, shownAPIToken(&found[i], c.api.Now()))
	}
	if more {
		page.Next = c.api.cursors.after(c.list(), found[len(found)-1].ID)
	}
	return page, nil
}

func getAPIToken(c *call) (APIToken, error) {
	tokens, err := c.tokens()
	if err != nil {
		return APIToken{}, err
	}
	found, err := tokens.Find(c.Context(), c.PathValue("token"))
	if err != nil {
		return APIToken{}, err
	}
	return shownAPIToken(&found, c.api.Now()), nil
}

func createAPIToken(c *call, n NewAPIToken) (APITokenChanged, error) {
	tokens, err := c.tokens()
	if err != nil {
		return APITokenChanged{}, err
	}
	if n.Elevated && !c.api.OnMachine {
		// Whoever has the credentials of a client may be the person who approves it.
		return APITokenChanged{}, &Problem{
			Status: http.StatusConflict,
			Detail: "Two people answer for an elevated API token, and a client's credentials do not say who has them: make it in the console.",
		}
	}
	made := partner.NewAPIToken{
		Name: n.Name, APIs: n.APIs, NeedsUser: n.NeedsUser, Elevated: n.Elevated, Scopes: n.Scopes, Addresses: n.Addresses,
		EndsAt: end(n.EndsAt),
	}
	result, err := tokens.Create(c.Context(), made, c.by())
	if err == nil {
		c.location = c.below("api-tokens", result.Token.ID)
	}
	return c.apiTokenChanged(result, err)
}

func revokeAPIToken(c *call) (APITokenChanged, error) {
	tokens, err := c.tokens()
	if err != nil {
		return APITokenChanged{}, err
	}
	return c.apiTokenChanged(tokens.Revoke(c.Context(), c.PathValue("token"), c.by()))
}

func (c *call) apiTokenChanged(result partner.APITokenResult, err error) (APITokenChanged, error) {
	if err != nil {
		return APITokenChanged{}, err
	}
	return APITokenChanged{APIToken: shownAPIToken(&result.Token, c.api.Now()), Text: result.Text.Reveal(), Warnings: list(result.Warnings)}, nil
}

func shownAPIToken(t *store.APIToken, now time.Time) APIToken {
	state := APITokenGood
	switch {
	case !t.RevokedAt.IsZero():
		state = APITokenRevoked
	case !t.EndsAt.IsZero() && !now.Before(t.EndsAt):
		state = APITokenExpired
	case !t.Good(now):
		state = APITokenWaits
	}
	return APIToken{
		ID: t.ID, Name: t.Name, Hint: t.Hint, State: state, APIs: list(t.APIs), NeedsUser: t.NeedsUser, Elevated: t.Elevated,
		Scopes: list(t.Scope), Addresses: list(t.Addresses), CreatedAt: t.CreatedAt, CreatedBy: t.CreatedBy,
		ApprovedAt: t.ApprovedAt, ApprovedBy: t.ApprovedBy, EndsAt: t.EndsAt, RevokedAt: t.RevokedAt, LastUsedAt: t.LastUsedAt,
	}
}
