package gateway

import (
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/oauth"
)

// springWord is how Spring Security OAuth calls a reason.
type springWord struct {
	code string
	text string
}

// springAnonymous is said to who shows no bearer token.
var springAnonymous = springWord{"unauthorized", "Full authentication is required to access this resource"}

// springWords are the reasons that clients of those servers know by other words.
// Only the code and the words differ, never the status.
var springWords = map[*refusal.Reason]springWord{
	refusal.TokenMissing:       springAnonymous,
	refusal.TokenScheme:        springAnonymous,
	refusal.TokenExpired:       {"invalid_token", "Access token expired"},
	refusal.ScopeInsufficient:  {"insufficient_scope", "Insufficient scope for this resource"},
	refusal.RightsInsufficient: {"insufficient_scope", "Insufficient scope for this resource"},
	refusal.APITokenRequired:   {"access_denied", "API token required."},
	refusal.APITokenInvalid:    {"access_denied", "API token invalid."},
	refusal.PersonUnknown:      {"not_found", "User not found"},
}

// springEnvelope is the error object of Spring Security OAuth: that of RFC 6749
// with the scope that is missing. It is an object always: clients exist that take
// whatever parses as a list for the answer.
func springEnvelope(r *refusal.Refusal, _ int, issuer string) []byte {
	said := struct {
		Code        string `json:"error"`
		Description string `json:"error_description"`
		Scope       string `json:"scope,omitempty"`
		URI         string `json:"error_uri"`
	}{Code: string(r.Public().Code), Description: r.Describe(), URI: r.URI(issuer)}
	if word, ok := springWords[r.Public()]; ok {
		said.Code, said.Description = word.code, word.text
	}
	if r.Code == oauth.InsufficientScope {
		said.Scope = oauth.FormatScope(r.Names)
	}
	return encode(said)
}

// inSpring is a refusal as a challenge says it in that envelope. That no token
// came is not among them: its challenge names no error (RFC 6750 §3.1).
func inSpring(r *refusal.Refusal) *refusal.Refusal {
	word, ok := springWords[r.Public()]
	if !ok || r.Reason == refusal.TokenMissing || r.Reason == refusal.TokenScheme {
		return r
	}
	said := *r.Public()
	said.Text = word.text
	return &refusal.Refusal{Reason: &said, Names: r.Names}
}
