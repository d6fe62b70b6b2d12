package home

import (
	"errors"
	"net/http"

	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// ErrSecretGone says that a client has a secret no more: who presses a button twice
// sees the second answer, and in it nothing of a secret that the first one showed.
var ErrSecretGone = errors.New("the client has no such secret any more")

// SecretGone is ErrSecretGone in place of store.ErrNotFound, and any other error as it is.
func SecretGone(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return ErrSecretGone
	}
	return err
}

// A Failure is what a page says where something was not done.
type Failure struct {
	Status int
	Reason *refusal.Reason // for the log
	Title  string
	Lead   string
}

// failures are those that the console and the portal meet alike.
var failures = []struct {
	is error
	Failure
}{
	{web.ErrForm, Failure{http.StatusForbidden, refusal.PageFailed, "This form was not ours", "It was sent from another page, or its page was opened in another visit. Go back, reload the page and send it again. Nothing was changed."}},
	{ErrAnswer, Failure{http.StatusBadRequest, refusal.PageFailed, "The sign-in began elsewhere", "It took too long, or began in another browser. Begin again."}},
	{ErrTwice, Failure{http.StatusBadRequest, refusal.CookieTwice, "Your browser sent our cookie twice", "Another page of the same site may have set one of that name. Delete the cookies of this site and sign in again. Nothing was changed."}},
	{ErrRefused, Failure{http.StatusForbidden, refusal.PageFailed, "You did not sign in", "The sign-in was not finished. Begin again."}},
	{ErrSecretGone, Failure{http.StatusNotFound, refusal.PageFailed, "The secret is gone already", "It was replaced or revoked before, perhaps because the button was pressed twice. If it was replaced and nobody saw the new one, make another, and revoke the one that nobody saw."}},
	{store.ErrNotFound, Failure{http.StatusNotFound, refusal.PageFailed, "There is no such thing", "It is gone, or the address was mistyped."}},
}

// Explain returns what to say of an error that the console and the portal meet
// alike; ok is false for any other.
func Explain(err error) (f Failure, ok bool) {
	for i := range failures {
		if errors.Is(err, failures[i].is) {
			return failures[i].Failure, true
		}
	}
	return Failure{}, false
}
