package client

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/grantway/grantway/oauth"
)

// ErrSignIn says that a person has to sign in (again): nobody has yet, or what
// they allowed is over.
var ErrSignIn = errors.New("client: a person must sign in; send them to SignIn's URL")

// A RefusedError is the server's no. Asking the same again gets the same answer:
// stop, and mend what Cure names. errors.Is tells the code of RFC 6749 §5.2, for
// example oauth.InvalidClient.
type RefusedError struct {
	Code        oauth.ErrorCode // empty where the server named none
	Status      int             // of HTTP; 0 where a browser brought the no
	Description string          // the server's own words, shortened
	URI         string          // where the server says more, if anywhere
}

func (e *RefusedError) Error() string {
	text := "client: the server refuses a token"
	if e.Status != 0 {
		text += fmt.Sprintf(" with status %d", e.Status)
	}
	if e.Code != "" {
		text += " (" + string(e.Code) + ")"
	}
	if e.Description != "" {
		text += ": " + e.Description
	}
	return text + "; " + e.Cure()
}

func (e *RefusedError) Unwrap() error {
	if e.Code == "" {
		return nil
	}
	return e.Code
}

// Cure says what to do.
func (e *RefusedError) Cure() string {
	if e.credentials() {
		return "check client id, secret, how the client authenticates, and the environment that they belong to"
	}
	switch e.Code {
	case oauth.UnauthorizedClient, oauth.UnsupportedGrantType:
		return "have this grant allowed for the client"
	case oauth.InvalidScope:
		return "ask for scopes that the client was given"
	case oauth.InvalidTarget:
		return "check the audience and the resource that are asked for"
	case oauth.InvalidGrant:
		return "have the person sign in again"
	case oauth.AccessDenied:
		return "the person or the server said no: ask for less, or ask them"
	}
	return "check what is asked for against the server's documentation"
}

// credentials reports whether another secret could cure it. A token endpoint's 401
// is about the client (RFC 6749 §5.2), whatever the code is: Auth0's is
// access_denied.
func (e *RefusedError) credentials() bool {
	return e.Code == oauth.InvalidClient || e.Status == http.StatusUnauthorized
}

// A BusyError says that there is no token now and that it is not the caller's
// fault: the server is down, slow, or says that it has too much to do. Wait until
// RetryAt; until then, calls fail without asking the server.
type BusyError struct {
	RetryAt time.Time
	Status  int   // of HTTP; 0 where there was no answer
	Err     error // what happened
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("client: no token can be had at the moment (%v); wait until %s", e.Err, e.RetryAt.UTC().Format(time.RFC3339))
}

func (e *BusyError) Unwrap() error { return e.Err }

// An AnswerError says that what answered does not behave as a token endpoint, or
// an issuer, does: an HTML page, a redirect, a token of another kind. Check the
// address, and what stands between.
type AnswerError struct {
	URL    string
	Status int    // of HTTP
	Cause  string // what is wrong with the answer
}

func (e *AnswerError) Error() string {
	return fmt.Sprintf("client: %s (status %d) %s; check Issuer and TokenURL, and proxies between", e.URL, e.Status, e.Cause)
}

// shown makes words of a server fit for an error: RFC 6749 §5.2 allows printable
// ASCII, and what was sent in confidence stays so.
func shown(words string, limit int, hidden ...Secret) string {
	for _, h := range hidden {
		if len(h) > 3 {
			words = strings.ReplaceAll(words, string(h), redacted)
		}
	}
	words = strings.Map(func(c rune) rune {
		if c < 0x20 || c > 0x7e {
			return ' '
		}
		return c
	}, words)
	return words[:min(len(words), limit)]
}
