// Package partner holds the operations on partners and their clients: registering
// a client, listing, disabling and deleting it, giving it secrets and taking them
// away.
//
// It knows no HTTP: the admin API, the console, the portal and the command line
// all call it, so that a rule holds however one comes. What is remembered is
// package store's, what may be allotted package catalogue's, how secrets are made
// and kept package secret's. Whether the caller may do what it asks for is decided
// before, by whoever calls.
//
// Clients are those of RFC 6749 §2.
package partner

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// ErrDeclared says that a client stands in grantway.yaml, and can be changed only
// there.
var ErrDeclared = errors.New("the client stands in grantway.yaml and can be changed only there")

// A Fault is one thing that is wrong with what was asked for.
type Fault struct {
	Field   string // as the admin API calls it: name, scopes[2], expires_at
	Problem string // never holds a secret
	Hint    string // what to do; may be empty
}

// String returns "field: problem", and the hint after a semicolon.
func (f Fault) String() string {
	text := f.Field + ": " + f.Problem
	if f.Hint != "" {
		text += "; " + f.Hint
	}
	return text
}

// Faults is everything that is wrong with what was asked for.
type Faults []Fault

// Error returns the faults, one a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

func (f *Faults) add(field, problem, hint string) {
	*f = append(*f, Fault{Field: field, Problem: problem, Hint: hint})
}

// Clients are the operations on the clients of one environment. They may be
// called concurrently. A Clients must not be copied once it is used.
//
// The errors of all of them are Faults, ErrDeclared, secret.ErrBusy, and those of
// package store: ErrNotFound for a client or secret that there is not,
// ErrConflict for an id that is or ever was in use, ErrUnavailable.
type Clients struct {
	Environment *catalogue.Environment
	Store       store.Clients
	Secrets     store.Secrets
	Partners    store.PartnerClients
	ScopeUses   store.ScopeUses
	Check       *secret.Checker // within its bounds imported secrets are hashed
	Now         func() time.Time
	Random      io.Reader
	Development bool // applications on this machine may be told of logouts by http

	// Sync returns once this node has seen every change that is in the store, so
	// that what an operation did holds when it returns. Nil: there is nothing to
	// wait for.
	Sync func(context.Context) error

	// Tell tells whose client it is what was done to it, as Partners.Tell does. Nil:
	// nobody is told.
	Tell func(ctx context.Context, kind, environment string, client store.Client, secretID string) error

	adding sync.Mutex // between counting a client's secrets and adding one
}

// A Result is what an operation did.
type Result struct {
	Client store.Client // as it is now, or was when it was deleted; without verifiers

	SecretID string        // of the secret that was added or revoked
	Replaced string        // id of the secret that leaked: what it did is to be looked at
	Secret   secret.Secret // the text of a secret that was generated; nobody can have it a second time

	Warnings []string // what the caller should know although it was done
}

// warnUnseen is the warning when a change is stored and Sync failed.
const warnUnseen = "the change is stored, but this server has not yet seen it; it will within seconds"

// WarnUntold is the warning when what was done is done, and nobody could be told.
const WarnUntold = "nobody could be told by mail: tell the client's owner yourself"

// told tells whose client it is what was done. A failure to tell undoes nothing,
// and is a warning.
func (c *Clients) told(ctx context.Context, kind, secretID string, result *Result) {
	if c.Tell == nil {
		return
	}
	if err := c.Tell(ctx, kind, c.Environment.Name, result.Client, secretID); err != nil {
		result.Warnings = append(result.Warnings, WarnUntold)
	}
}

// settle waits until this node acts on what was changed. A failure to wait undoes
// nothing, and is a warning.
func (c *Clients) settle(ctx context.Context, result *Result) {
	if c.Sync == nil {
		return
	}
	if err := c.Sync(ctx); err != nil {
		result.Warnings = append(result.Warnings, warnUnseen)
	}
}

// stamp says when, as this environment's clock has it.
func (c *Clients) stamp(by store.By) store.By {
	by.At = c.Now().UTC().Truncate(time.Microsecond)
	return by
}

// leeway is added to a token's life, for clocks that differ.
const leeway = time.Minute

// forget is when no token can be alive that is issued now. The catalogue of an
// hour ago may have let tokens live longer than that of now, so it is the longest
// life that a production server allows, however short those of now are.
func (c *Clients) forget(now time.Time) time.Time {
	longest := 24 * time.Hour
	for _, api := range c.Environment.APIs {
		longest = max(longest, api.Token.Lifetime)
	}
	return now.Add(longest + leeway)
}

// shown is a client without what its secrets are checked with.
func shown(client store.Client) store.Client {
	secrets := make([]store.Secret, len(client.Secrets))
	for i, s := range client.Secrets {
		s.Verifier = ""
		secrets[i] = s
	}
	client.Secrets = secrets
	return client
}
