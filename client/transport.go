package client

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/grantway/grantway/oauth"
)

// HTTP returns an http.Client whose requests carry the token. A 401 that says the
// token is bad (RFC 6750 §3.1) has it renewed, once for all who used it, and the
// request is sent once more if it can be: if it has no body, or GetBody. A 403
// and every other answer is the caller's. Where no token can be had, Do returns
// the error that Token does.
//
// An Authorization header of the request is replaced. After a redirect to another
// origin, requests go without the token, also if the next one leads back. What else
// an http.Client has is the caller's to set: it is a new one each time, and they share
// all tokens.
func (c *Client) HTTP() *http.Client {
	return &http.Client{Transport: &transport{c.source, c.family.config.APITransport}}
}

// transport is an http.RoundTripper.
type transport struct {
	source *source
	base   http.RoundTripper
}

// RoundTrip sends the request with the token.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if elsewhere(r) {
		return t.base.RoundTrip(r)
	}
	c := &t.source.family.config
	if !protected(r.URL, c.PlainHTTP) {
		closeBody(r)
		return nil, fmt.Errorf("client: the token does not go to %s://%s: only https, and http on this machine (or with PlainHTTP)", r.URL.Scheme, r.URL.Host)
	}
	h, err := t.source.get(r.Context())
	if err != nil {
		closeBody(r)
		return nil, err
	}
	answer, err := t.send(r, r, h)
	if err != nil || answer.StatusCode != http.StatusUnauthorized || !c.Any401 && !saysBad(answer.Header) {
		return answer, err
	}
	if r.Body != nil && r.Body != http.NoBody && r.GetBody == nil {
		// Its caller has to send it again, and finds another token then. Whether that
		// can be had is no matter of this call.
		_, _ = t.source.replace(r.Context(), h.token.Access)
		return answer, nil
	}
	other, err := t.source.replace(r.Context(), h.token.Access)
	if err != nil {
		c.Report(err)
		return answer, nil // the API's word is what the caller can act on
	}
	if other.token.Access == h.token.Access {
		return answer, nil
	}
	again, err := repeat(r)
	if err != nil {
		return answer, nil
	}
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer) // so that the connection can be used again
	_ = answer.Body.Close()
	return t.send(again, r, other)
}

func (t *transport) send(r, original *http.Request, h *held) (*http.Response, error) {
	sent := r.Clone(r.Context()) // a RoundTripper does not alter what it is given
	sent.Header.Set("Authorization", h.header)
	answer, err := t.base.RoundTrip(sent)
	if answer != nil {
		answer.Request = original // which the next one after a redirect refers to
	}
	return answer, err
}

// repeat returns the request with its body from the beginning.
func repeat(r *http.Request) (*http.Request, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return r, nil
	}
	body, err := r.GetBody()
	if err != nil {
		return nil, err
	}
	again := r.Clone(r.Context())
	again.Body = body
	return again, nil
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

// elsewhere reports whether redirects led the request away from the origin that the
// caller chose, be it to return there: what it asks for then is another's choice.
func elsewhere(r *http.Request) bool {
	for at := r; at.Response != nil && at.Response.Request != nil; at = at.Response.Request {
		before := at.Response.Request.URL
		if before.Scheme != at.URL.Scheme || !strings.EqualFold(before.Host, at.URL.Host) {
			return true
		}
	}
	return false
}

// saysBad reports whether a challenge names the token as the reason.
func saysBad(header http.Header) bool {
	for _, challenge := range header["Www-Authenticate"] {
		if parameter(challenge, "error") == string(oauth.InvalidToken) {
			return true
		}
	}
	return false
}

// parameter finds a parameter among the challenges of a header (RFC 9110 §11.6.1).
// What stands in quotes is a value and never a name.
func parameter(challenge, name string) string {
	for rest := challenge; rest != ""; {
		i := strings.IndexByte(rest, '=')
		if i < 0 {
			return ""
		}
		before := strings.TrimRight(rest[:i], " \t")
		before = before[strings.LastIndexAny(before, " \t,")+1:]
		rest = strings.TrimLeft(rest[i+1:], " \t")
		var value string
		if strings.HasPrefix(rest, `"`) {
			value, rest = quoted(rest[1:])
		} else {
			end := strings.IndexAny(rest, ", \t")
			if end < 0 {
				end = len(rest)
			}
			value, rest = rest[:end], rest[end:]
		}
		if strings.EqualFold(before, name) {
			return value
		}
	}
	return ""
}

// quoted reads a quoted string behind its first quote, and returns what follows.
func quoted(s string) (value, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}
