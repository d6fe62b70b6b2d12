package grant

import (
	"encoding/json"
	"time"

	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
)

// Asked is an authorization request that was found good (RFC 6749 §4.1.1), as
// store.Request keeps it. It is all that the pages know of the request, so that
// one that was pushed, or comes from a device, needs no other pages.
type Asked struct {
	ClientID     string          `json:"client_id"`
	RedirectURI  string          `json:"redirect_uri,omitempty"` // as it was sent: the token request repeats it (§4.1.3)
	Redirect     string          `json:"redirect"`               // where the answer goes
	ResponseMode string          `json:"response_mode,omitempty"`
	State        string          `json:"state,omitempty"`
	Scope        []string        `json:"scope"`               // what the client may have of what it asked for
	APIs         []string        `json:"apis"`                // that the scopes belong to, by name
	All          bool            `json:"all,omitempty"`       // no scope was named: all that the client may have
	Challenge    string          `json:"challenge,omitempty"` // S256 (RFC 7636 §4.3); empty for a legacy client
	Nonce        string          `json:"nonce,omitempty"`
	Prompt       []string        `json:"prompt,omitempty"`
	MaxAge       *int64          `json:"max_age,omitempty"` // seconds
	LoginHint    string          `json:"login_hint,omitempty"`
	Hinted       string          `json:"hinted,omitempty"`    // the account that id_token_hint names
	ACR          []string        `json:"acr,omitempty"`       // wanted, the best first
	NeedsACR     bool            `json:"needs_acr,omitempty"` // one of them, or none is enough (OpenID Connect Core §5.5.1.1)
	Locales      []string        `json:"locales,omitempty"`
	Claims       json.RawMessage `json:"claims,omitempty"` // OpenID Connect Core §5.5
	AskedAt      time.Time       `json:"asked_at"`
}

// A Decision is what came of a person's journey through the pages.
type Decision struct {
	Refused  *refusal.Reason // access_denied, login_required and their like; nil: allowed
	Account  *store.Account
	Session  *store.Session
	Scope    []string            // what the person allowed, of Asked.Scope
	ACR      string              // how strong the sign-in was
	Remember bool                // the same is not asked again
	Before   map[string][]string // with Remember: what was allowed before and goes on, as in store.Consent
}
