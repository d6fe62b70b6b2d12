package catalogue

import (
	"net/url"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/oauth"
)

// A Login says how people sign in to an environment.
type Login struct {
	SecondFactor  bool          // everybody needs a second factor; else those who have one
	Idle, Session time.Duration // how long a session lives unused, and at most
	Remember      time.Duration // how long a browser is remembered for the second factor
	Refresh       RefreshLife
	Theme         Theme
	Mail          Mail
	Providers     []Provider // in the order of the file
	Translations  string     // a folder of files LANGUAGE.yaml; empty: English and Dutch alone
}

// CodeLife is how long an authorization code is good (RFC 6749 §4.1.2: at most ten
// minutes), in whole seconds.
const CodeLife = 60 * time.Second

// A RefreshLife says how long refresh tokens live.
type RefreshLife struct {
	Idle  time.Duration // unless it is used
	Most  time.Duration // since the person allowed it
	Grace time.Duration // for which the one before may be repeated
}

// A Theme is the publisher's brand on the pages of an environment.
type Theme struct {
	Name   string // as people say it
	Logo   string // a file, SVG or PNG; empty: none
	Accent string // #rrggbb; empty: the common look's
}

// Mail says through which server mails go (RFC 5321). The zero value sends none.
type Mail struct {
	Server   string // host:port
	From     string // an address, with or without a name
	User     string // empty: the server wants no name
	Password secret.Secret
	TLS      string // "starttls", "tls" or "none"
}

// A Provider is an OpenID provider at which people may sign in instead, such as
// an institution's own.
type Provider struct {
	Name     string // stands in its redirect URI
	Title    string // on the button
	Issuer   string
	ClientID string
	Secret   secret.Secret
	Scopes   []string // asked for, beside openid
	Create   bool     // who signs in there for the first time gets an account
}

// OpenIDName is the name of the API that stands for OpenID Connect's own scopes
// in every environment with accounts. It is not in the file.
const OpenIDName = "openid"

// UserInfoPath is where that API answers, below the issuer.
const UserInfoPath = "/userinfo"

// openIDScopes are the names of OpenID Connect's own scopes.
var openIDScopes = []string{
	oauth.ScopeOpenID, oauth.ScopeProfile, oauth.ScopeEmail, oauth.ScopePhone, oauth.ScopeAddress, oauth.ScopeOfflineAccess,
}

// openID is the API of OpenID Connect's own scopes (OpenID Connect Core §5.4,
// §11), so that allotting and asking follow one rule. A token for another API
// beside it is made as that one wants.
func openID(issuer *url.URL) *API {
	at := issuer.String() + UserInfoPath
	text := func(english, dutch string) map[string]string { return map[string]string{"en": english, "nl": dutch} }
	scope := func(name, english, dutch string) *Scope {
		return &Scope{Name: name, Description: english, Descriptions: text(english, dutch)}
	}
	return &API{
		Name: OpenIDName, Title: "OpenID Connect", Audience: at, Resource: at, Envelope: "rfc",
		Token: Token{Lifetime: time.Hour, Algorithm: jose.ES256, Format: JWT},
		Scopes: []*Scope{
			scope(oauth.ScopeOpenID, "Know that it is you, by an opaque number", "Weten dat u het bent, aan een nietszeggend nummer"),
			scope(oauth.ScopeProfile, "See your name and language", "Uw naam en taal zien"),
			scope(oauth.ScopeEmail, "See your e-mail address", "Uw e-mailadres zien"),
			scope(oauth.ScopePhone, "See your telephone number", "Uw telefoonnummer zien"),
			scope(oauth.ScopeAddress, "See your postal address", "Uw postadres zien"),
			scope(oauth.ScopeOfflineAccess, "Keep this access while you are away", "Deze toegang houden terwijl u weg bent"),
		},
	}
}

// Grantable returns the APIs that a person can allow something at: those of the
// file and, where people sign in, OpenID Connect's own.
func (e *Environment) Grantable() []*API {
	if e.OpenID == nil {
		return e.APIs
	}
	return append(slices.Clip(e.APIs), e.OpenID)
}

// APITokens says what an API does with API tokens (long-lived credentials of
// servers). The zero value knows none.
type APITokens struct {
	Header   string // that carries the token; empty: the API knows none
	For      string // header that names the person an elevated token asks for
	Elevated bool   // elevated ones are good here
}

// The kinds of Open: what a route that is public in the file asks for in an
// environment.
const (
	OpenPublic   = "public"    // nothing
	OpenAPIToken = "api_token" // an API token
	OpenToken    = "token"     // an OAuth token
)

// Describe returns what the scope allows in a language, else in English.
func (s *Scope) Describe(language string) string {
	if text := s.Descriptions[language]; text != "" {
		return text
	}
	return s.Description
}

// A SignIn is what a client is declared with that sends people to sign in. It
// has the members of store.SignIn.
type SignIn struct {
	Redirects       []string
	LogoutRedirects []string
	LogoutNotice    string
	IDTokenAlg      string
	Owner           string
	Homepage        string
	Verified        bool
	Legacy          bool
}
