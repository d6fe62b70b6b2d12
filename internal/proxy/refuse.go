package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/grantway/grantway/client"
	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/forward"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/oauth"
)

// Reasons that only a proxy has. They are not in the table of package refusal,
// whose pages are a server's.
var (
	hostForeign = &refusal.Reason{
		ID: "host-foreign", Code: oauth.AccessDenied, Status: http.StatusMisdirectedRequest,
		Text:  "this host name is not answered here",
		Cause: "The Host header names neither the proxy's public_url nor, with inject, this machine.",
		Cure:  "Call it under its own name; with inject, add other names to hosts.",
	}
	originForeign = &refusal.Reason{
		ID: "origin-foreign", Code: oauth.AccessDenied, Status: http.StatusForbidden,
		Text:  "this page may not call here",
		Cause: "A browser sent the request from a page of another origin, or nothing shows that it was not one.",
		Cure:  "Add the page's origin to origins; a program that is no browser sends X-Requested-With with what alters something.",
	}
	queryClosed = &refusal.Reason{
		ID: "query-closed", Code: oauth.InvalidRequest, Status: http.StatusBadRequest,
		Text:  "the query holds a parameter that this route does not have",
		Cause: "The route lists its parameters under query, and this is none, or it can be read in two ways.",
		Cure:  "Leave it away, or add it to the route's query.",
	}
	signInNeeded = &refusal.Reason{
		ID: "sign-in-needed", Code: oauth.AccessDenied, Status: http.StatusUnauthorized,
		Text:  "nobody is signed in",
		Cause: "There is no session, it has ended, or the issuer does not renew its token any more.",
		Cure:  "Send the browser to the URL in login.",
	}
	cookieTwice = &refusal.Reason{
		ID: "cookie-twice", Code: oauth.InvalidRequest, Status: http.StatusBadRequest,
		Text:  "the session cookie came more than once",
		Cause: "Somebody else, such as a page of a sibling host, set a cookie of the same name.",
		Cure:  "Delete the cookies of this site and sign in again.",
	}
	signInFailed = &refusal.Reason{
		ID: "sign-in-failed", Code: oauth.AccessDenied, Status: http.StatusBadRequest,
		Text:  "nobody was signed in",
		Cause: "The answer of the issuer does not belong to what this browser was sent away with, came too late, or says no.",
		Cure:  "Sign in again.",
	}
	noToken = &refusal.Reason{
		ID: "no-token", Code: oauth.ServerError, Status: http.StatusBadGateway,
		Text:  "the issuer gives the proxy no token",
		Cause: "Id, secret, scopes or address of the issuer are wrong in the proxy's configuration; its log says which.",
		Cure:  "Mend the configuration; asking again changes nothing.",
	}
	issuerBusy = &refusal.Reason{
		ID: "issuer-busy", Code: oauth.TemporarilyUnavailable,
		Text:  "the issuer gives no token at the moment",
		Cause: "It is down, slow, or says that it has too much to do. The proxy asks again by itself.",
		Cure:  "Try again after the time in Retry-After.",
	}
	redirectsAway = &refusal.Reason{
		ID: "redirects-away", Code: oauth.ServerError, Status: http.StatusBadGateway,
		Text:  "the API redirects to somewhere else",
		Cause: "A redirect that leaves the API would show the browser addresses that are not for it.",
		Cure:  "Write the address that the API redirects to into api.",
	}
	notReady = &refusal.Reason{
		ID: "not-ready", Code: oauth.TemporarilyUnavailable,
		Text:  "the proxy cannot answer calls at the moment",
		Cause: "The issuer gave no token, or does not answer; the log says why.",
		Cure:  "Look at the log, and try again.",
	}
	methodWrong = &refusal.Reason{
		ID: "method-wrong", Code: oauth.InvalidRequest, Status: http.StatusMethodNotAllowed,
		Text:  "this method is not open at this path",
		Cause: "Signing out is a POST, so that no picture in a page can do it; the rest are GETs.",
		Cure:  "Use the method in the Allow header.",
	}
)

// A told is what a refused request is told.
type told struct {
	Code        oauth.ErrorCode `json:"error"`
	Description string          `json:"error_description"`
	Reason      string          `json:"reason"`
	Cause       string          `json:"cause"`
	Cure        string          `json:"cure"`
	Trace       string          `json:"trace_id"`
	Login       string          `json:"login,omitempty"`
}

// refuse is the one place that writes refusals.
func (p *Proxy) refuse(w http.ResponseWriter, r *http.Request, err error) {
	refused := refusal.Of(err)
	fact := activity.Of(r.Context())
	fact.Event, fact.Refusal = "", refused
	status, h := refused.HTTPStatus(), w.Header()
	t := told{Code: refused.Code, Description: refused.Describe(), Reason: refused.ID, Cause: refused.Reason.Cause, Cure: refused.Cure, Trace: fact.Trace}
	if refused.Reason == signInNeeded {
		t.Login = p.config.Public.String() + loginPath
	}
	if refused.Retryable() && h.Get("Retry-After") == "" {
		h.Set("Retry-After", "1")
	}
	if status == http.StatusRequestEntityTooLarge || status == http.StatusRequestTimeout {
		h.Set("Connection", "close") // the rest of the body was not read
	}
	body, _ := json.Marshal(t) // strings always encode
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)+1))
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(append(body, '\n')) // a caller that has gone is no concern of ours
	}
}

// slower is what a caller is told who sends too much.
func slower(w http.ResponseWriter, retry time.Duration) error {
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(retry.Seconds())))))
	return refusal.RateLimited
}

// why finds the reason in what went wrong with a call.
func (p *Proxy) why(w http.ResponseWriter, r *http.Request, err error) error {
	var timeout net.Error
	late := errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded)
	_, sender := errors.AsType[*forward.SenderError](err)
	busy, isBusy := errors.AsType[*client.BusyError](err)
	_, isRefused := errors.AsType[*client.RefusedError](err)
	_, isStrange := errors.AsType[*client.AnswerError](err)
	switch {
	case errors.Is(err, client.ErrSignIn):
		return signInNeeded.From(err)
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		return refusal.CallerLeft.From(err)
	case isBusy:
		if wait := busy.RetryAt.Sub(p.now()); !busy.RetryAt.IsZero() && wait > 0 {
			_ = slower(w, wait)
		}
		return issuerBusy.From(err)
	case isRefused, isStrange:
		return noToken.From(err)
	case errors.As(err, new(*http.MaxBytesError)):
		return refusal.BodyTooLarge.From(err)
	case sender && late:
		return refusal.BodyTooSlow.From(err)
	case sender:
		return refusal.BodyMalformed.From(err)
	case late:
		return refusal.UpstreamTimeout.From(err)
	}
	return refusal.UpstreamUnreachable.From(err)
}
