package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/forward"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/oauth"
	"github.com/grantway/grantway/resource"
)

// refuser writes refusals in the API's own envelope: the only place that does.
type refuser struct {
	issuer   string // under which the error pages are
	realm    string
	fallback string // the envelope where no API is known
}

func (f *refuser) refuse(w http.ResponseWriter, r *http.Request, u *rule, err error) {
	refused := refusal.Of(err)
	fact := activity.Of(r.Context())
	fact.Event, fact.Refusal = "", refused

	h := w.Header()
	challenge := resource.Challenge{Realm: f.realm}
	kind := f.fallback
	if u != nil {
		kind = u.api.Envelope
		challenge.Metadata = MetadataURL(u.api.Resource)
		challenge.Scope = u.usual()
	}
	status := refused.HTTPStatus()
	if status == http.StatusUnauthorized || status == http.StatusForbidden || refused.Code == oauth.InvalidRequest && status == http.StatusBadRequest {
		about := err
		if kind == spring {
			about = inSpring(refused)
		}
		if said := challenge.Header(about); said != "" {
			h.Set("WWW-Authenticate", said)
		}
	}
	if c, ok := errors.AsType[*closed](err); ok {
		h.Set("Allow", strings.Join(c.allowed, ", "))
	}
	if refused.Retryable() && h.Get("Retry-After") == "" {
		h.Set("Retry-After", "1")
	}
	if status == http.StatusRequestEntityTooLarge || status == http.StatusRequestTimeout {
		h.Set("Connection", "close") // the rest of the body was not read
	}
	body := envelopes[kind](refused, status, f.issuer)
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(body) // a client that has gone is no concern of ours
	}
}

// failed answers for an API that did not.
func (g *Gateway) failed(w http.ResponseWriter, r *http.Request, c *call, err error) {
	why := refusal.UpstreamUnreachable.From(err)
	var timeout net.Error
	late := errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded)
	_, sender := errors.AsType[*forward.SenderError](err)
	switch {
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil && c.timer == nil:
		why = refusal.CallerLeft.From(err)
	case errors.As(err, new(*http.MaxBytesError)):
		why = refusal.BodyTooLarge.From(err)
	case sender && late:
		why = refusal.BodyTooSlow.From(err)
	case sender:
		why = refusal.BodyMalformed.From(err)
	case late:
		why = refusal.UpstreamTimeout.From(err)
	}
	c.discreet(w.Header())
	g.refuse(w, r, c.rule, why)
}

// envelopes are the shapes in which APIs say what went wrong.
var envelopes = map[string]func(r *refusal.Refusal, status int, issuer string) []byte{
	"rfc":  rfcEnvelope,
	"imsx": imsxEnvelope,
	spring: springEnvelope,
}

// envelopeOf is the envelope of an environment whose APIs all have the same one.
func envelopeOf(e *catalogue.Environment) string {
	kind := "rfc"
	for i, api := range e.APIs {
		if i > 0 && api.Envelope != kind {
			return "rfc"
		}
		kind = api.Envelope
	}
	return kind
}

// rfcEnvelope is the error object of RFC 6749 §5.2, which RFC 6750 clients read.
func rfcEnvelope(r *refusal.Refusal, _ int, issuer string) []byte {
	return encode(oauth.ErrorResponse{Code: r.Public().Code, Description: r.Describe(), URI: r.URI(issuer)})
}

// imsxEnvelope is the status object of the 1EdTech service specifications.
func imsxEnvelope(r *refusal.Refusal, status int, _ string) []byte {
	type field struct {
		Name  string `json:"imsx_codeMinorFieldName"`
		Value string `json:"imsx_codeMinorFieldValue"`
	}
	type minor struct {
		Fields []field `json:"imsx_codeMinorField"`
	}
	return encode(struct {
		Major       string `json:"imsx_codeMajor"`
		Severity    string `json:"imsx_severity"`
		Description string `json:"imsx_description"`
		Minor       minor  `json:"imsx_CodeMinor"`
	}{"failure", "error", r.Describe(), minor{[]field{{"TargetEndSystem", imsxCode(status)}}}})
}

func imsxCode(status int) string {
	switch {
	case status == http.StatusUnauthorized:
		return "unauthorisedrequest"
	case status == http.StatusForbidden:
		return "forbidden"
	case status == http.StatusNotFound:
		return "unknownobject"
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return "server_busy"
	case status >= http.StatusInternalServerError:
		return "internal_server_error"
	}
	return "invaliddata"
}

// encode encodes strings only and so cannot fail.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// MetadataURL is where the metadata of a resource is (RFC 9728 §3.1): the
// well-known part goes between host and path.
func MetadataURL(resource string) string {
	scheme, rest, _ := strings.Cut(resource, "://")
	host, path, more := strings.Cut(rest, "/")
	url := scheme + "://" + host + "/.well-known/oauth-protected-resource"
	if more {
		url += "/" + path
	}
	return url
}
