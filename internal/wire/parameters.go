package wire

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Parameters are the parameters of one request, in the order they came. Each
// name occurs at most once, except resource (RFC 8707 §2). A parameter without
// a value counts as omitted (RFC 6749 §3.1, §3.2); unknown ones are kept, and
// it is for the caller to ignore them.
//
// The strings share one buffer with the whole request: clone what outlives it.
// The zero value holds no parameters. Safe for concurrent reading.
type Parameters struct {
	pairs []pair
}

type pair struct{ name, value string }

// Get is the value sent under the name, or "" if none was. For resource it is
// the first of them.
func (p Parameters) Get(name string) string {
	for i := range p.pairs {
		if p.pairs[i].name == name && p.pairs[i].value != "" {
			return p.pairs[i].value
		}
	}
	return ""
}

// Has says whether a value was sent under the name.
func (p Parameters) Has(name string) bool { return p.Get(name) != "" }

// Values are all values sent under the name, in order; nil if there are none.
// Only resource can have more than one, and how many it may have is for the
// caller to say.
func (p Parameters) Values(name string) []string {
	var values []string
	for _, sent := range p.pairs {
		if sent.name == name && sent.value != "" {
			values = append(values, sent.value)
		}
	}
	return values
}

// Names are the names a value was sent under, each once, in order. They are a
// stranger's words: not for error texts, metrics or pages.
func (p Parameters) Names() []string {
	var names []string
	for _, sent := range p.pairs {
		if sent.value != "" && !slices.Contains(names, sent.name) {
			names = append(names, sent.name)
		}
	}
	return names
}

// add appends one parameter that was sent, or says why it is refused.
func (p *Parameters) add(name, value string) error {
	switch {
	case len(p.pairs) == MaxParameters:
		return ErrTooMany
	case name == "":
		return p.refuse(ErrEmptyName, name)
	case len(name) > MaxValue, len(value) > maxValue(name):
		return p.refuse(ErrTooLong, name)
	case !utf8.ValidString(name), !utf8.ValidString(value):
		return p.refuse(ErrNotUTF8, name)
	case strings.IndexByte(name, 0) >= 0, strings.IndexByte(value, 0) >= 0:
		return p.refuse(ErrNUL, name)
	}
	if !repeatable(name) {
		for i := range p.pairs {
			// RFC 6749 §3.1, §3.2: "MUST NOT be included more than once", and
			// an empty one beside a filled one is twice too.
			if p.pairs[i].name == name {
				return p.refuse(ErrDuplicate, name)
			}
		}
	}
	p.pairs = append(p.pairs, pair{name, value})
	return nil
}

// refuse is the error for the parameter that would have been added next.
func (p *Parameters) refuse(err error, name string) error {
	return &ParameterError{Err: err, Name: knownName(name), Position: len(p.pairs) + 1}
}

// repeatable says whether a name may occur more than once.
func repeatable(name string) bool { return name == "resource" } // RFC 8707 §2

// maxValue is how long the value of a parameter may be, in bytes.
func maxValue(name string) int {
	switch name {
	case "client_assertion", "assertion", "subject_token", "actor_token", "request",
		"id_token_hint", "logout_token", "software_statement", "token":
		return MaxLongValue
	case "scope", "claims", "authorization_details":
		// Their own, narrower limits answer with their own error codes, so
		// they have to arrive first.
		return MaxLongValue
	}
	return MaxValue
}

// knownName is the name if it is a word of the protocol, else "". What it
// returns is one of our own constants, fit for an error text.
func knownName(name string) string {
	for _, known := range protocolNames {
		if name == known {
			return known
		}
	}
	return ""
}

// protocolNames are the parameters of the specifications we implement, the only
// names that an error text may hold.
var protocolNames = [...]string{
	"grant_type", "client_id", "client_secret", "scope", "audience", "resource", // RFC 6749, RFC 8707
	"code", "redirect_uri", "code_verifier", "refresh_token",
	"response_type", "response_mode", "state", "code_challenge", "code_challenge_method", // RFC 7636
	"client_assertion", "client_assertion_type", "assertion", // RFC 7521
	"request", "request_uri", "authorization_details", "dpop_jkt", // RFC 9101, RFC 9396, RFC 9449
	"nonce", "prompt", "max_age", "display", "login_hint", "id_token_hint", // OpenID Connect
	"acr_values", "ui_locales", "claims_locales", "claims", "registration",
	"post_logout_redirect_uri", "logout_hint", "logout_token",
	"token", "token_type_hint", // RFC 7009, RFC 7662
	"device_code", "user_code", // RFC 8628
	"subject_token", "subject_token_type", "actor_token", "actor_token_type", "requested_token_type", // RFC 8693
	"username", "password", "software_statement",
}
