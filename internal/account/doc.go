// Package account is people who sign in: their names, passwords, one-time codes,
// passkeys, recovery codes, sessions, remembered browsers and the links that are
// sent to them. There is one file for each, and one small struct of operations
// for each, which takes the roles of the store that it needs, a clock and a source
// of randomness. All of them may be used concurrently.
//
// One function, [Judge], decides whether a person has proven enough, for every way
// to sign in and for every change that asks for more (strength.go). Nothing else
// in the server may decide that.
//
// It has no HTTP and no pages: those are package login's and package admin's. It
// keeps nothing but, in memory and bounded, counters of failed attempts and the
// challenges of passkeys that were answered: the rest is package store's. What
// applications may do for a person is package grant's.
//
// It follows RFC 6238 (one-time codes), Web Authentication Level 3 (passkeys), RFC
// 8265 (names and passwords), RFC 8176 (how a sign-in is named) and NIST SP 800-63B.
package account

import "errors"

// What operations refuse with. Errors of package store come through wrapped, and
// so does secret.ErrBusy, where too many passwords are being checked.
var (
	// ErrWrong: what was presented is not right, or there is no such person. The
	// two look alike on purpose (row P01).
	ErrWrong = errors.New("not right, or unknown")

	// ErrTooMany: too many attempts. It comes as a [TooManyError], which says for
	// how long.
	ErrTooMany = errors.New("too many attempts")

	// ErrStepUp: the sign-in is too old or too weak for this change (row P15). The
	// person signs in again, with all that they have.
	ErrStepUp = errors.New("the sign-in is not recent or strong enough for this")

	// ErrLastFactor: without this the person could not sign in any more.
	ErrLastFactor = errors.New("it is the last way to sign in")

	// ErrSecondRequired: without this the person would have one factor, and the
	// environment asks for two.
	ErrSecondRequired = errors.New("a second factor is required here")

	// ErrExpired: what was begun has taken too long, or belongs to somebody else.
	ErrExpired = errors.New("begun too long ago, or elsewhere")

	// ErrTaken: the name or the e-mail address is another account's.
	ErrTaken = errors.New("taken by another account")
)
