// Package dialect says how an environment answers where products differ: paths,
// bodies, statuses, error members and their order, and what a token looks like.
// One file for each dialect.
//
// It decides nothing. What is refused and why stands in package refusal; what a
// token says is decided by package token; what a dialect is chosen for is the
// catalogue's. The plain dialect is RFC 6749 with the tokens of RFC 9068; the
// others keep the clients of a product working that answers otherwise.
package dialect

import (
	"net/http"
	"strconv"
	"time"

	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/oauth"
)

// A Dialect is one way of answering. It is immutable.
type Dialect struct {
	Name           string
	TokenPaths     []string // where the token endpoint answers; metadata names the first
	AuthorizePaths []string // where the authorization endpoint answers; metadata names the first
	JSON           bool     // token requests may be JSON
	NeedsAudience  bool     // a token request must say which API it is for
	ContentType    string   // of token answers
	IssuerSuffix   string   // added to the environment's issuer wherever it is named: in tokens and in metadata

	// Header is the JOSE header of an access token. kid is always its first
	// member: a published example token begins with eyJraWQiOiJ.
	Header func(algorithm, kid string) []byte

	// IDHeader is the JOSE header of an ID token.
	IDHeader func(algorithm, kid string) []byte

	// AppendClaims writes the claims of an access token as a JSON object.
	AppendClaims func(b []byte, c *Claims) []byte

	// AppendToken writes a successful answer. asked is the scope parameter as it
	// was sent: some dialects repeat the granted scope only when it differs.
	AppendToken func(b []byte, t *oauth.TokenResponse, asked string) []byte

	// FullIDToken says that ID tokens tell everything that the scopes give, and not
	// only the UserInfo endpoint does.
	FullIDToken bool

	// appendIDClaims adds what the product's ID tokens say beside OpenID Connect Core
	// §2; nil: nothing.
	appendIDClaims func(b []byte, c *IDClaims) []byte

	// code says how the dialect calls a refusal: status, error, and text where it
	// has one of its own.
	code func(r *refusal.Refusal) (status int, code oauth.ErrorCode, text string)

	// method405 is the answer to a wrong method of a product that has its own; nil:
	// that of code.
	method405 func(method string) (code oauth.ErrorCode, text string)

	bare405 bool // a wrong method is answered without a body
	bare401 bool // 401 has a challenge only for a client that used the Authorization header
}

// Claims is what an access token says, before a dialect has put it into words.
type Claims struct {
	Issuer    string
	ClientID  string
	Audience  []string
	Scope     string
	ID        string
	IssuedAt  time.Time
	ExpiresAt time.Time

	Person *Person // that the token is about; nil: the client itself
}

// A Person is what an access token says of the person whom it is about.
type Person struct {
	ID              string // sub
	Name            string // that the person signs in with
	Roles           []string
	AuthenticatedAt time.Time
	Methods         []string // amr (RFC 8176)
	ACR             string
}

// subject is the sub of the token: the client where no person is involved
// (RFC 9068 §2.2).
func (c *Claims) subject() string {
	if c.Person != nil {
		return c.Person.ID
	}
	return c.ClientID
}

// Find returns the dialect of that name, or nil.
func Find(name string) *Dialect {
	for _, d := range []*Dialect{RFC, Cognito, Auth0, Spring} {
		if d.Name == name {
			return d
		}
	}
	return nil
}

// A Question is what a refusal answers: the parts of the request that its shape
// depends on, and the environment's settings.
type Question struct {
	Issuer string // the environment's, under which error pages are found
	Method string // of the request
	Realm  string // for challenges: what is published, as people call it
	Basic  bool   // the client used the Authorization header
	Strict bool   // only the members that the product itself sends
	Plain  bool   // the error codes of RFC 6749, whatever the product sends
}

// An Answer is a refusal on the wire. The caller adds what belongs to every
// answer (no-store, trace id, Retry-After).
type Answer struct {
	Status    int
	Challenge string // WWW-Authenticate, or empty
	Body      []byte // or nil: none
}

// Refuse puts a refusal into the dialect's words.
func (d *Dialect) Refuse(r *refusal.Refusal, q Question) Answer {
	status, code, text := d.code(r)
	answer := Answer{Status: status}
	if r.Public().Code == oauth.InvalidClient && q.Basic {
		// RFC 6749 §5.2: a client that used the Authorization header is answered
		// 401 with the scheme it used, in every dialect.
		answer.Status = http.StatusUnauthorized
	}
	if answer.Status == http.StatusUnauthorized && (q.Basic || !d.bare401) {
		answer.Challenge = `Basic realm="` + q.Realm + `", charset="UTF-8"`
	}
	if status == http.StatusMethodNotAllowed && d.bare405 {
		return answer
	}
	if status == http.StatusMethodNotAllowed && d.method405 != nil {
		code, text = d.method405(q.Method)
	}
	if q.Plain {
		code = r.Public().Code
	}
	if text == "" {
		text = r.Describe()
	}
	b := append(make([]byte, 0, 512), `{"error":`...)
	b = appendString(b, string(code))
	if !q.Strict {
		b = append(b, `,"error_description":`...)
		b = appendString(b, text)
		b = append(b, `,"error_uri":`...)
		b = appendString(b, r.Public().URI(q.Issuer))
	}
	answer.Body = append(b, '}')
	return answer
}

// plainCode is RFC 6749 §5.2 itself.
func plainCode(r *refusal.Refusal) (int, oauth.ErrorCode, string) {
	shown := r.Public()
	return shown.HTTPStatus(), shown.Code, ""
}

// appendMember writes ,"name": and a string.
func appendMember(b []byte, name, value string) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return appendString(b, value)
}

// appendSeconds writes ,"name": and a time as RFC 7519 §2 wants it.
func appendSeconds(b []byte, name string, t time.Time) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return strconv.AppendInt(b, t.Unix(), 10)
}

// appendAudience writes ,"aud": and one string, or a list (RFC 7519 §4.1.3).
func appendAudience(b []byte, audience []string) []byte {
	if len(audience) == 1 {
		return appendMember(b, "aud", audience[0])
	}
	return appendList(b, "aud", audience)
}

// appendList writes ,"name": and a list of strings.
func appendList(b []byte, name string, values []string) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':', '[')
	for i, value := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, value)
	}
	return append(b, ']')
}

// appendToken writes a token of ours as a JSON string: none has a character that
// needs an escape (RFC 6750 §2.1), and looking for one in a long JWT took a
// twentieth of the time that giving a token again takes.
func appendToken(b []byte, token string) []byte {
	return append(append(append(b, '"'), token...), '"')
}

// appendString writes a JSON string. Names of the catalogue are nearly always
// plain ASCII, which needs no escapes.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	plain := 0 // from here on, nothing needs an escape so far
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c != 0x7f {
			continue // UTF-8 passes as it is: every string here was checked where it came in
		}
		b = append(b, s[plain:i]...)
		if plain = i + 1; c == '"' || c == '\\' {
			b = append(b, '\\', c)
		} else {
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	b = append(b, s[plain:]...)
	return append(b, '"')
}
