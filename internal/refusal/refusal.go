// Package refusal is the table of everything that this server refuses: for each
// reason the OAuth error code, the words that the client reads, the cause and
// the cure. Answers, dialects, pages and logs read it; nobody writes such words
// elsewhere.
//
// It does not answer: package endpoint and package gateway do, each in one
// place, in the shape that package dialect or the API's envelope gives. The
// codes and the rules for their text are those of RFC 6749 §5.2 and RFC 6750 §3.1.
package refusal

import (
	"errors"
	"net/http"
	"strings"

	"github.com/grantway/grantway/oauth"
)

// A Reason is one row of the table. It is an error, and its OAuth code is in its
// chain:
//
//	errors.Is(refusal.SecretWrong, oauth.InvalidClient)
//
// Rows are never changed at run time.
type Reason struct {
	ID     string // stable: pages, dialects and support refer to it
	Code   oauth.ErrorCode
	Status int    // where it is not the code's own; 0 otherwise
	Text   string // error_description: ASCII without quotes (RFC 6749 §5.2); {names} stands for names of the catalogue
	Cause  string // how one gets here, for people
	Cure   string // what to do, for people
	Shown  *Reason
	// Shown is what the client is told instead, where it must not learn which of
	// two things is true (an unknown client and a wrong secret look alike). Our
	// log keeps the reason itself. Nil: the reason is shown.
}

// Error returns the text.
func (r *Reason) Error() string { return r.describe(nil) }

// Unwrap returns the OAuth code.
func (r *Reason) Unwrap() error { return r.Code }

// HTTPStatus is the status of the answer in the plain dialect.
func (r *Reason) HTTPStatus() int {
	if r.Status != 0 {
		return r.Status
	}
	return r.Code.Status()
}

// Public is the reason that the client is shown.
func (r *Reason) Public() *Reason {
	if r.Shown != nil {
		return r.Shown
	}
	return r
}

// From records what made us refuse. Our log keeps it, the client does not see it.
func (r *Reason) From(cause error) *Refusal { return &Refusal{Reason: r, cause: cause} }

// Naming puts names into the text. They must come from the catalogue, never from
// the request (rule 8 of the threat model).
func (r *Reason) Naming(names ...string) *Refusal { return &Refusal{Reason: r, Names: names} }

func (r *Reason) describe(names []string) string {
	if !strings.Contains(r.Text, NamesMark) {
		return r.Text
	}
	said := "none"
	if len(names) > 0 {
		said = strings.Join(names, " ")
	}
	if len(said) > maxNames {
		said = said[:strings.LastIndexByte(said[:maxNames], ' ')+1] + "..."
	}
	return strings.Replace(r.Text, NamesMark, said, 1)
}

// NamesMark is where a Reason's Text leaves names open.
const NamesMark = "{names}"

// maxNames bounds them, in bytes: an answer's description stays readable.
const maxNames = 600

// A Refusal is a Reason with what is known about this one case.
type Refusal struct {
	*Reason
	Names []string // of the catalogue
	cause error
}

// Describe is the error_description for the client.
func (r *Refusal) Describe() string { return r.Public().describe(r.Names) }

// Error returns the reason's text and, for our log, the cause.
func (r *Refusal) Error() string {
	if r.cause == nil {
		return r.describe(r.Names)
	}
	return r.describe(r.Names) + ": " + r.cause.Error()
}

// Unwrap returns the reason and the cause.
func (r *Refusal) Unwrap() []error {
	if r.cause == nil {
		return []error{r.Reason}
	}
	return []error{r.Reason, r.cause}
}

// Cause is what made us refuse, nil when the reason says it all.
func (r *Refusal) Cause() error { return r.cause }

// Of finds the refusal in an error. An error that holds none is a fault of ours:
// the client learns no more than server_error.
func Of(err error) *Refusal {
	if refused, ok := errors.AsType[*Refusal](err); ok {
		return refused
	}
	if reason, ok := errors.AsType[*Reason](err); ok {
		return &Refusal{Reason: reason}
	}
	return Ours.From(err)
}

// All returns the whole table.
func All() []*Reason { return table }

// Find returns the reason with that id, or nil.
func Find(id string) *Reason {
	for _, r := range table {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// URI is the page that explains the reason, below the issuer.
func (r *Reason) URI(issuer string) string { return issuer + "/errors/" + r.Public().ID }

// Retryable reports whether the same request may succeed later, unchanged.
func (r *Reason) Retryable() bool {
	status := r.HTTPStatus()
	return status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable
}
