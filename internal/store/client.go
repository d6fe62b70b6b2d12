package store

import (
	"context"
	"slices"
	"time"
)

// A Client is an application registered in one environment (RFC 6749 §2).
type Client struct {
	ID      string
	Name    string // what people call it
	Partner string // whose it is, by id; empty: the publisher's own
	Type    string // TypeMachine, TypeResource, TypeWeb, TypeNative or TypeBrowser

	Grants      []string            // grant_type values it may use
	AuthMethods []string            // methods it may authenticate with; empty means every method that takes a secret
	Allotted    map[string][]string // by API name: the scopes it may ask for; an API without scopes has an empty list

	GrantsEnd map[string]time.Time // by grant type: when it ends, for those that are tested for a while
	SignIn    SignIn               // what a client needs that acts for people

	Secrets []Secret // revoked ones are absent; expired ones stay, so that a refusal can say so

	CreatedAt  time.Time
	DisabledAt time.Time // zero while it is enabled
	DisabledBy string    // the partner, by id, whose member disabled it; empty: the publisher
	Declared   bool      // it stands in grantway.yaml and can be changed only there
	Own        bool      // a part of this server, never stored: nobody is asked whether it may
}

// A SignIn is what a client is registered with that sends people to sign in
// (OpenID Connect Registration §2).
type SignIn struct {
	Redirects       []string `json:"redirect_uris,omitempty"` // compared byte for byte
	LogoutRedirects []string `json:"post_logout_redirect_uris,omitempty"`
	LogoutNotice    string   `json:"backchannel_logout_uri,omitempty"`
	IDTokenAlg      string   `json:"id_token_signed_response_alg,omitempty"` // empty: RS256
	Owner           string   `json:"owner,omitempty"`                        // who made the application, as people read it
	Homepage        string   `json:"client_uri,omitempty"`
	Verified        bool     `json:"verified,omitempty"` // we know that it is theirs
	Legacy          bool     `json:"legacy,omitempty"`   // may send neither PKCE nor state
}

// The types of client.
const (
	// TypeMachine is a program that acts for itself and asks for tokens.
	TypeMachine = "machine"

	// TypeResource is an API that asks whether tokens are good (RFC 7662 §1.1). It
	// gets no tokens; what it is allotted are the APIs that it is.
	TypeResource = "resource"

	// TypeWeb is an application on a server of its own that acts for people and
	// keeps a secret.
	TypeWeb = "web"

	// TypeNative is an application on a person's device; it keeps no secret
	// (RFC 8252).
	TypeNative = "native"

	// TypeBrowser is an application that runs in the browser; it keeps no secret.
	TypeBrowser = "browser"
)

// Public reports whether the client keeps no secret (RFC 6749 §2.1).
func (c *Client) Public() bool { return c.Type == TypeNative || c.Type == TypeBrowser }

// Disabled reports whether the client may not be used.
func (c *Client) Disabled() bool { return !c.DisabledAt.IsZero() }

// MayUse reports whether the client is registered for a grant type.
func (c *Client) MayUse(grant string) bool { return slices.Contains(c.Grants, grant) }

// Ended reports whether a grant type was given for a while that is over.
func (c *Client) Ended(grant string, now time.Time) bool {
	end, ok := c.GrantsEnd[grant]
	return ok && !now.Before(end)
}

// A ClientChange is a client as it was read, and as it is to be. Of both only the
// name, the partner, the grants and their ends, the methods, what is allotted and
// the sign-in are looked at; the rest stays as it is.
type ClientChange struct {
	From, To Client

	EndTokens bool      // the access tokens that it obtained until now end
	EndGrants bool      // they end, and with them the grants that it has: codes and refresh tokens
	Forget    time.Time // no access token that ends lives longer
}

// PartnerClients reads the clients of one partner.
type PartnerClients interface {
	// ListOf returns at most limit clients of the partner whose ids sort after the
	// given one, in the order of their ids, with their secrets.
	ListOf(ctx context.Context, partnerID, after string, limit int) ([]Client, error)
}

// Clients remembers clients.
type Clients interface {
	// Create stores c with its secrets and writes "client.created". An id, of the
	// client or of a secret, that is or ever was in use returns ErrConflict.
	Create(ctx context.Context, c Client, by By) error

	// Find returns the client with its secrets, disabled or not. An unknown or
	// deleted one returns ErrNotFound.
	Find(ctx context.Context, id string) (Client, error)

	// List returns at most limit clients whose ids sort after the given one, in
	// the order of their ids, with their secrets.
	List(ctx context.Context, after string, limit int) ([]Client, error)

	// Change makes the client what change.To says, ends what the change says, and
	// writes "client.changed" with what differs, before ("from") and after ("to"). Where nothing
	// differs it does nothing. A client that is not as change.From says any more
	// returns ErrConflict, an unknown one ErrNotFound.
	Change(ctx context.Context, id string, change ClientChange, by By) error

	// Disable makes the client unusable for by.Partner, ends its grants and every token
	// it obtained until by.At, and writes "client.disabled". Disabling a disabled one
	// changes nothing, except that the publisher takes over what a partner disabled: since
	// when stays, and "client.disabled" is written. An unknown one, or one that is not
	// by.Partner's, returns ErrNotFound.
	Disable(ctx context.Context, id string, forget time.Time, by By) error

	// Enable undoes Disable for the future: what it ended stays ended. It
	// writes "client.enabled". Enabling an enabled one changes nothing. What by.Partner
	// did not disable itself returns ErrConflict, an unknown one, or one that is not
	// by.Partner's, ErrNotFound.
	Enable(ctx context.Context, id string, by By) error

	// Delete forgets the client and its secrets, ends its grants and tokens, keeps
	// its id from ever being used again, and writes "client.deleted". An unknown one,
	// or one that is not by.Partner's, returns ErrNotFound.
	Delete(ctx context.Context, id string, forget time.Time, by By) error
}
