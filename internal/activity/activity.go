// Package activity is what is known about one request while it is answered, and
// about traffic as a whole: facts such as "token issued" and "token refused".
//
// A handler finds the Fact of its request in the context and fills in what it
// learns; the one who started it, package server or proxy, logs its Line and
// counts at the end. Activity may be lost in a crash. What may not be, a change of
// state, is package store's.
package activity

import (
	"context"
	"net/netip"
	"time"

	"github.com/grantway/grantway/internal/refusal"
)

// A Fact is what is known about one request. It belongs to the goroutine that
// answers the request. Nothing in it is a secret or a token.
type Fact struct {
	Trace       string // 32 hexadecimal digits, also in the answer
	Environment string
	Event       string       // "token.issued", "call.passed"; empty until known
	Route       string       // the endpoint or route that answered: never the path that was sent
	Client      string       // proven, or claimed when Refusal is set
	Secret      string       // id of the secret that was used
	From        netip.Prefix // the network that it was used from, as coarse as it is kept; zero: unknown
	Grant       string
	API         string
	Scopes      int      // how many scopes the token got
	Needed      []string // the scopes that a passed call needed: the catalogue's own list, not to be changed
	Refusal     *refusal.Refusal
	Notes       []string // what an operator should know although the answer does not say it
	Started     time.Time

	// After is done once the answer is out, before the log line: what an operator
	// should know and the client's waiting time must not tell. May be nil.
	After func(context.Context)
}

// Note adds a remark for the operator.
func (f *Fact) Note(remark string) { f.Notes = append(f.Notes, remark) }

// Events that more than one place knows.
const (
	TokenIssued = "token.issued"
	TokenReused = "token.reused" // a client was given the token that it had
	CallPassed  = "call.passed"
)

// Remarks that more than one place makes.
const (
	NoteSecretExposed    = "secret-exposed"    // a secret travelled in a URL or from a browser: rotate it
	NoteOtherEnvironment = "other-environment" // the credentials are good in another environment
	NoteSwapped          = "swapped"           // the secret stands in the id's place, and the id in the secret's
)

// With returns a context that carries f.
func With(ctx context.Context, f *Fact) context.Context {
	return context.WithValue(ctx, Key{}, f)
}

// Of returns the request's fact. Outside a request it is one that nobody reads,
// so that callers need not ask.
func Of(ctx context.Context) *Fact {
	if f, ok := ctx.Value(Key{}).(*Fact); ok {
		return f
	}
	return new(Fact)
}

// A Key is under what a context has its *Fact as a value. It is for contexts that
// carry one without With.
type Key struct{}
