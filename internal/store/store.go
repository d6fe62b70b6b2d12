// Package store says what the server remembers: one file for each noun, holding
// the record and the role interface that keeps it.
//
// Every method of a role is one atomic domain step. What it returns without an
// error is durable, also across a crash; what it returns with an error did not
// happen. Nobody outside reads a record, changes it and writes it back.
//
// It keeps nothing itself: package sqlstore does, in SQLite and in PostgreSQL,
// and package cached answers the hot reads from memory. The suite that both
// databases must pass is package storetest. Each environment opens its own
// store, so no method takes an environment.
//
// Times are UTC with microseconds; the zero time means "never". Methods may be
// called concurrently, also from several nodes.
package store

import (
	"errors"
	"time"
)

var (
	// ErrNotFound: there is no such record, or it has expired. The two look alike
	// on purpose.
	ErrNotFound = errors.New("not found")

	// ErrConflict: the record exists already, or existed once: an identifier is
	// never used again.
	ErrConflict = errors.New("already exists")

	// ErrSpent: what is good once has been used, or has reached its end. What it
	// stood for does not happen a second time.
	ErrSpent = errors.New("spent")

	// ErrLast: the last one of its kind stays, since without it nobody could make
	// another.
	ErrLast = errors.New("the last one stays")

	// ErrMoved: what was to change is another by now than it was seen.
	ErrMoved = errors.New("another by now")

	// ErrUnavailable: the store did not answer in time. Nothing is known to have
	// happened, and the caller answers 503.
	ErrUnavailable = errors.New("store unavailable")
)

// By says who changes something, and when: it becomes part of the change that is
// written beside it.
type By struct {
	Actor string    // "operator", "command line", a client's id: never empty
	Trace string    // of the request that caused it; empty when there was none
	At    time.Time // not zero

	Unless *Moved // nil: it is changed whatever happened before

	// Partner is for whom the actor, a member of it, does it: Disable, Enable and Delete of
	// Clients, which alone look at it, then alter no client of anybody else's. Empty: for
	// the publisher.
	Partner string
}
