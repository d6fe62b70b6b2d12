package token

import (
	"context"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/store"
)

// A Person is whom a token is about, and how they signed in when they granted it.
type Person struct {
	Account   *store.Account // read when the token is made
	GrantID   string
	SessionID string // in which it was granted
	SignedIn  SignedIn
	IDToken   *IDToken // nil: none is issued
}

// SignedIn says when and how a person proved who they are (OpenID Connect Core §2).
type SignedIn struct {
	At      time.Time
	Methods []string // amr
	ACR     string
}

// An IDToken says what the client asked of its ID token.
type IDToken struct {
	Algorithm jose.Algorithm
	Nonce     string
	Claims    []string // asked for by name (OpenID Connect Core §5.5)
}

// A Spend is what was presented for a token and is good once, or once a generation.
type Spend struct {
	GrantID    string
	Generation int64 // of the refresh token; zero: it was the code

	// Refresh says that a refresh token is to be issued.
	Refresh bool
	EndsAt  time.Time // of the grant
}

// People is what an Issuer needs where tokens are about people.
type People struct {
	Grants interface {
		Commit(context.Context, store.Redemption, store.By) (int64, error)
	}
	IDs interface {
		Signer(jose.Algorithm) (*jose.Signer, error)
	}
	Refresh Refresh
	Life    catalogue.RefreshLife
	Longest time.Duration // no access token lives longer

	// Seen returns once this node acts on what has ended.
	Seen func(context.Context) error
}

// said is what an access token says of the person.
func (p *Person) said() *dialect.Person {
	if p == nil {
		return nil
	}
	return &dialect.Person{
		ID: p.Account.ID, Name: p.Account.Name, Roles: p.Account.Roles,
		AuthenticatedAt: p.SignedIn.At, Methods: p.SignedIn.Methods, ACR: p.SignedIn.ACR,
	}
}
