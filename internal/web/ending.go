package web

import (
	"net/http"
	"time"
)

// SignOut asks whether to sign out.
type SignOut struct {
	Name        string
	Application string // that asked for it; empty: the person did
	Hint        string // id_token_hint, to send again; empty: none
	Redirect    string // post_logout_redirect_uri, to send again; empty: none
	State       string
	ClientID    string
}

// SignedOut says that nobody is signed in in this browser any more.
type SignedOut struct {
	Application string // to go back to; empty: none
	URL         string // where; empty: none
}

// Failure says what went wrong before it was known where the person came from,
// or where sending them back would help nobody.
type Failure struct {
	Reason Reason
	Detail string // what the developer of the application needs, in English; empty: nothing
	Code   string // OAuth error code; empty: none
	Trace  string // under which the operator finds it; empty: none
}

// A Reason is a text of the error page.
type Reason string

// Reasons of failures.
const (
	FailedRequest Reason = "failed.request" // the application's link cannot be right
	FailedExpired Reason = "failed.expired" // the request is spent or too old
	FailedForm    Reason = "failed.form"    // forged, of another browser, or the cookie is gone
	FailedLink    Reason = "failed.link"    // a mailed link is spent, too old or none
	FailedCookies Reason = "failed.cookies" // the browser keeps no cookies
	FailedMissing Reason = "failed.missing" // there is no such page
	FailedServer  Reason = "failed.server"  // the store does not answer
	FailedBusy    Reason = "failed.busy"    // too many attempts
	FailedSignIn  Reason = "failed.signin"  // the upstream provider sent nothing good
	FailedRights  Reason = "failed.rights"  // nothing that the application wants can be had
)

// FormPost sends an answer to an application by a form (OAuth 2.0 Form Post
// Response Mode), by a script, or by a button where there is none.
type FormPost struct {
	Action      string // the redirect URI
	Application string
	Fields      []Field
}

// A Field is one hidden field.
type Field struct{ Name, Value string }

// Onward stands between an error and the redirect URI of an application that
// nobody has verified, so that this server sends nobody anywhere unasked (RFC 9700
// §4.11.2, row A16). The way on is a link that the person follows or not.
//
// No endpoint shows it yet: applications are made by operators alone, who know them,
// and discovery names no registration. Where applications come to register
// themselves, their errors are to go by this page.
type Onward struct {
	Application string
	URL         string // the redirect URI with the error
	Code        string // OAuth error code
}

// Host is where the link leads, as people read addresses.
func (o Onward) Host() string { return host(o.URL) }

// Mails is the page of `grantway dev` that shows the mails that would have been
// sent. The newest stand first.
type Mails struct {
	List []Mail
}

// A Mail is a mail of plain text.
type Mail struct {
	To, Subject, Text string
	Link              string // in it, to follow from the page; empty: none
	At                time.Time
}

func (SignOut) screen() string   { return "signout" }
func (SignedOut) screen() string { return "signedout" }
func (Failure) screen() string   { return "failure" }
func (FormPost) screen() string  { return "formpost" }
func (Onward) screen() string    { return "onward" }
func (Mails) screen() string     { return "mails" }

// Status is the status that a page of this reason usually has.
func (r Reason) Status() int {
	switch r {
	case FailedForm:
		return http.StatusForbidden
	case FailedMissing:
		return http.StatusNotFound
	case FailedServer:
		return http.StatusServiceUnavailable
	case FailedBusy:
		return http.StatusTooManyRequests
	}
	return http.StatusBadRequest
}
