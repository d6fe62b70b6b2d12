package dialect

import "time"

// IDClaims is what an ID token says (OpenID Connect Core §2). What is empty is
// left out.
type IDClaims struct {
	Issuer          string
	Subject         string
	Audience        string // the client
	IssuedAt        time.Time
	ExpiresAt       time.Time
	AuthenticatedAt time.Time
	Nonce           string
	ACR             string
	Methods         []string
	TokenHash       string // at_hash
	SessionID       string // sid (OpenID Connect Back-Channel Logout §2.1)
	ID              string // jti

	Name  string // that the person signs in with; some dialects say it
	Roles []string

	// More are further claims, members of a JSON object with a comma before each,
	// already encoded. None of them may be one of the above.
	More []byte
}

// AppendIDToken writes the claims of an ID token as a JSON object.
func (d *Dialect) AppendIDToken(b []byte, c *IDClaims) []byte {
	b = append(b, `{"iss":`...)
	b = appendString(b, c.Issuer)
	b = appendMember(b, "sub", c.Subject)
	b = appendMember(b, "aud", c.Audience)
	b = appendSeconds(b, "exp", c.ExpiresAt)
	b = appendSeconds(b, "iat", c.IssuedAt)
	b = appendSignIn(b, c.AuthenticatedAt, c.ACR, c.Methods)
	for _, member := range []struct{ name, value string }{
		{"nonce", c.Nonce}, {"at_hash", c.TokenHash}, {"sid", c.SessionID}, {"jti", c.ID},
	} {
		if member.value != "" {
			b = appendMember(b, member.name, member.value)
		}
	}
	if d.appendIDClaims != nil {
		b = d.appendIDClaims(b, c)
	}
	b = append(b, c.More...)
	return append(b, '}')
}
