package admin

import (
	"reflect"
	"time"

	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
)

// A GrantEnd is a grant that a client has for a while.
type GrantEnd struct {
	Grant  string    `json:"grant" doc:"The grant type."`
	EndsAt time.Time `json:"ends_at" doc:"From then on it is refused."`
}

// A SignIn is what a client is registered with that acts for people. What is
// absent is the default.
type SignIn struct {
	Redirects       []string `json:"redirect_uris,omitempty" doc:"Where people are sent back to, compared character by character: https, or http on loopback; for native also a scheme with a dot. At most 50."`
	LogoutRedirects []string `json:"post_logout_redirect_uris,omitempty" doc:"Where people may be sent after they signed out."`
	LogoutNotice    string   `json:"backchannel_logout_uri,omitempty" doc:"Where it is told that a session has ended."`
	IDTokenAlg      string   `json:"id_token_alg,omitempty" doc:"The signature of its ID tokens: RS256 (the default), ES256, PS256 or EdDSA."`
	Owner           string   `json:"owner,omitempty" doc:"Who made it, as people read it when they are asked; absent for a client of a partner: the partner."`
	Homepage        string   `json:"homepage,omitempty" doc:"The maker's page."`
	Verified        bool     `json:"verified,omitempty" doc:"We know that it is theirs: people are told so."`
	Legacy          bool     `json:"legacy,omitempty" doc:"It may send neither PKCE nor state, as clients from before RFC 7636 do."`
}

func (s *SignIn) stored() store.SignIn {
	if s == nil {
		return store.SignIn{}
	}
	return store.SignIn(*s)
}

func shownSignIn(s *store.SignIn) *SignIn {
	if reflect.ValueOf(*s).IsZero() {
		return nil
	}
	shown := SignIn(*s)
	return &shown
}

// A ClientChange is what is to become different of a client. What is absent stays.
type ClientChange struct {
	Name            *string    `json:"name,omitempty" doc:"What people call it."`
	Owner           *string    `json:"owner,omitempty" doc:"Who made it; empty: unknown."`
	Homepage        *string    `json:"homepage,omitempty" doc:"The maker's page; empty: none."`
	LogoutNotice    *string    `json:"backchannel_logout_uri,omitempty" doc:"Where it is told that a session has ended; empty: nowhere."`
	IDTokenAlg      *string    `json:"id_token_alg,omitempty" doc:"The signature of its ID tokens; empty: RS256."`
	Verified        *bool      `json:"verified,omitempty" doc:"We know that it is theirs."`
	Legacy          *bool      `json:"legacy,omitempty" doc:"It may send neither PKCE nor state."`
	Redirects       *Edit      `json:"redirect_uris,omitempty" doc:"Where people are sent back to."`
	LogoutRedirects *Edit      `json:"post_logout_redirect_uris,omitempty" doc:"Where people may be sent after they signed out."`
	APIs            *Edit      `json:"apis,omitempty" doc:"Its APIs. To remove one removes its scopes and ends what was given."`
	Scopes          *Edit      `json:"scopes,omitempty" doc:"Its scopes: names, aliases, unique endings of names, API SCOPE where several APIs have one of that name; to add, also all. To remove one ends what was given."`
	Grants          *Edit      `json:"grants,omitempty" doc:"Its grant types. To remove one ends what was given."`
	GrantsUntil     *time.Time `json:"grants_until,omitempty" doc:"When the grants end that are added, also those that it had already. Absent: they do not."`
}

// An Edit adds to a list and removes from it.
type Edit struct {
	Add    []string `json:"add,omitempty" doc:"What is there already stays as it is."`
	Remove []string `json:"remove,omitempty" doc:"Has to be there."`
}

func (e *Edit) partner() partner.Edit {
	if e == nil {
		return partner.Edit{}
	}
	return partner.Edit(*e)
}

func changeClient(c *call, sent ClientChange) (Changed, error) {
	change := partner.Change{
		Name: sent.Name, Owner: sent.Owner, Homepage: sent.Homepage, LogoutNotice: sent.LogoutNotice, IDTokenAlg: sent.IDTokenAlg,
		Verified: sent.Verified, Legacy: sent.Legacy, Redirects: sent.Redirects.partner(), LogoutRedirects: sent.LogoutRedirects.partner(),
		APIs: sent.APIs.partner(), Scopes: sent.Scopes.partner(), Grants: sent.Grants.partner(), Until: end(sent.GrantsUntil),
	}
	return c.changed(c.clients.Change(c.Context(), c.id(), change, c.by()))
}
