package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/grantway/grantway/oauth"
)

// Limits of an answer.
const (
	maxAnswer      = 64 << 10 // bytes
	maxDescription = 300      // bytes that an error repeats
	maxRetryAfter  = 15 * time.Minute
)

// endpoint is the issuer: it sends requests and reads answers, and remembers
// nothing but where the issuer's endpoints are.
type endpoint struct {
	config *Config
	http   *http.Client
	found  atomic.Pointer[oauth.ServerMetadata] // nil: not yet
}

func newEndpoint(c *Config) *endpoint {
	return &endpoint{config: c, http: &http.Client{
		Transport: c.Transport,
		// What follows a redirect sends the secret to where somebody else says.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// ask makes one token request.
func (e *endpoint) ask(ctx context.Context, form url.Values, secret Secret) (*answer, error) {
	where, err := e.tokenURL(ctx)
	if err != nil {
		return nil, err
	}
	r, err := e.request(ctx, where, form, secret)
	if err != nil {
		return nil, err
	}
	got, err := e.http.Do(r)
	if err != nil {
		return nil, &BusyError{Err: unwrapURL(err)}
	}
	defer got.Body.Close()
	body, err := io.ReadAll(io.LimitReader(got.Body, maxAnswer+1))
	if err != nil {
		return nil, &BusyError{Status: got.StatusCode, RetryAt: retryAfter(got, time.Now()), Err: fmt.Errorf("the answer broke off: %w", err)}
	}
	hidden := []Secret{secret, Secret(form.Get("refresh_token")), Secret(form.Get("code")), Secret(form.Get("code_verifier"))}
	return judge(got, body, where, hidden)
}

func (e *endpoint) request(ctx context.Context, where string, form url.Values, secret Secret) (*http.Request, error) {
	c := e.config
	if c.Auth == Body || c.Auth == JSONBody || c.Auth == None {
		form.Set("client_id", c.ClientID)
	}
	if (c.Auth == Body || c.Auth == JSONBody) && secret != "" {
		form.Set("client_secret", string(secret))
	}
	body, kind := []byte(form.Encode()), "application/x-www-form-urlencoded"
	if c.Auth == JSONBody {
		flat := map[string]string{}
		for name := range form {
			flat[name] = form.Get(name)
		}
		var err error
		if body, err = json.Marshal(flat); err != nil {
			return nil, err
		}
		kind = "application/json"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, where, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	switch c.Auth {
	case Basic: // RFC 6749 §2.3.1: form-encoded first
		r.SetBasicAuth(url.QueryEscape(c.ClientID), url.QueryEscape(string(secret)))
	case BasicRaw:
		r.SetBasicAuth(c.ClientID, string(secret))
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Accept", "application/json")
	return r, nil
}

// judge decides what an answer means, whatever a server makes of status and type.
func judge(got *http.Response, body []byte, where string, hidden []Secret) (*answer, error) {
	strange := func(cause string) error { return &AnswerError{URL: where, Status: got.StatusCode, Cause: cause} }
	busy := func(cause string) error {
		return &BusyError{Status: got.StatusCode, RetryAt: retryAfter(got, time.Now()), Err: errors.New(cause)}
	}
	status := got.StatusCode
	if status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500 {
		return nil, busy(fmt.Sprintf("the server answers with status %d", status))
	}
	if status >= 300 && status < 400 {
		return nil, strange("redirects, which a token endpoint must not")
	}
	if len(body) > maxAnswer {
		return nil, strange(fmt.Sprintf("answers with more than %d bytes", maxAnswer))
	}
	var a answer
	kind, _, _ := mime.ParseMediaType(got.Header.Get("Content-Type"))
	readable := kind != "text/html" && json.Unmarshal(body, &a) == nil
	switch {
	case readable && (a.Code == oauth.TemporarilyUnavailable || a.Code == oauth.ServerError || a.Code == oauth.TooManyRequests):
		return nil, busy("the server answers " + string(a.Code))
	case readable && a.Code != "", status == http.StatusUnauthorized:
		return nil, &RefusedError{
			Code: oauth.ErrorCode(shown(string(a.Code), 64, hidden...)), Status: status,
			Description: shown(a.Description, maxDescription, hidden...), URI: shown(a.URI, maxDescription, hidden...),
		}
	case !readable && kind == "text/html":
		return nil, strange("answers with a page instead of JSON")
	case !readable:
		return nil, strange("answers with something that is not a JSON object")
	case status != http.StatusOK:
		return nil, strange("answers with neither a token nor an error of RFC 6749 §5.2")
	}
	if wrong := a.wrong(); wrong != "" {
		return nil, strange(wrong)
	}
	return &a, nil
}

// retryAfter reads the header (RFC 9110 §10.2.3). A date is compared with the
// server's own, so that clocks may differ.
func retryAfter(got *http.Response, now time.Time) time.Time {
	said := got.Header.Get("Retry-After")
	if said == "" {
		return time.Time{}
	}
	var wait time.Duration
	if seconds, err := strconv.ParseUint(said, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(said); err == nil {
		there := now
		if date, err := http.ParseTime(got.Header.Get("Date")); err == nil {
			there = date
		}
		wait = at.Sub(there)
	}
	return now.Add(min(max(wait, 0), maxRetryAfter))
}

// tokenURL asks the issuer's metadata once.
func (e *endpoint) tokenURL(ctx context.Context) (string, error) {
	if e.config.TokenURL != "" {
		return e.config.TokenURL, nil
	}
	m, err := e.metadata(ctx)
	if err != nil {
		return "", err
	}
	return m.TokenEndpoint, nil
}

func (e *endpoint) metadata(ctx context.Context) (*oauth.ServerMetadata, error) {
	if m := e.found.Load(); m != nil {
		return m, nil
	}
	var strange error
	for _, u := range metadataURLs(e.config.Issuer) {
		m, err := e.readMetadata(ctx, u)
		if err == nil {
			e.found.Store(m)
			return m, nil
		}
		if _, ok := errors.AsType[*BusyError](err); ok {
			return nil, err // another address of it will not do better
		}
		// What is there and wrong says more than that nothing is elsewhere.
		if answer, ok := errors.AsType[*AnswerError](err); strange == nil || ok && answer.Status == http.StatusOK {
			strange = err
		}
	}
	return nil, strange
}

func (e *endpoint) readMetadata(ctx context.Context, where string) (*oauth.ServerMetadata, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, where, http.NoBody)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	got, err := e.http.Do(r)
	if err != nil {
		return nil, &BusyError{Err: unwrapURL(err)}
	}
	defer got.Body.Close()
	body, err := io.ReadAll(io.LimitReader(got.Body, maxAnswer+1))
	status := got.StatusCode
	if err != nil || status == http.StatusTooManyRequests || status >= 500 {
		return nil, &BusyError{Status: status, RetryAt: retryAfter(got, time.Now()), Err: fmt.Errorf("the issuer's metadata cannot be read (status %d)", status)}
	}
	strange := func(cause string) error { return &AnswerError{URL: where, Status: status, Cause: cause} }
	var m oauth.ServerMetadata
	switch {
	case status != http.StatusOK || len(body) > maxAnswer:
		return nil, strange("has no metadata of the issuer")
	case json.Unmarshal(body, &m) != nil:
		return nil, strange("answers with something that is not metadata")
	case m.Issuer != e.config.Issuer: // RFC 8414 §3.3: identical, a slash at the end included
		return nil, strange(fmt.Sprintf("is the metadata of %q", shown(m.Issuer, maxDescription)))
	}
	for _, u := range []string{m.TokenEndpoint, m.AuthorizationEndpoint} {
		if u == "" {
			continue
		}
		parsed, err := checkURL(u, e.config.PlainHTTP)
		if err != nil || parsed.Scheme != "https" && strings.HasPrefix(e.config.Issuer, "https:") {
			return nil, strange("names an endpoint that is not protected by TLS")
		}
	}
	if m.TokenEndpoint == "" {
		return nil, strange("names no token_endpoint")
	}
	return &m, nil
}

// metadataURLs are where RFC 8414 §3.1 puts it, between host and path, and where
// OpenID Connect Discovery §4 does, behind.
func metadataURLs(issuer string) []string {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil // it was checked
	}
	origin, path := u.Scheme+"://"+u.Host, strings.TrimSuffix(u.EscapedPath(), "/")
	return []string{
		origin + "/.well-known/oauth-authorization-server" + path,
		origin + path + "/.well-known/openid-configuration",
	}
}

func checkURL(address string, plain bool) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return nil, fmt.Errorf("%q is not an https URL", shown(address, maxDescription))
	}
	if !protected(u, plain) {
		return nil, fmt.Errorf("%q: secrets go over https, and over http on this machine only (or with PlainHTTP)", shown(address, maxDescription))
	}
	return u, nil
}

// protected reports whether a secret may travel there (RFC 6749 §3.2, RFC 6750 §5.3).
func protected(u *url.URL, plain bool) bool {
	if u.Scheme == "https" || plain && u.Scheme == "http" {
		return true
	}
	address, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "http" && (err == nil && address.IsLoopback() || u.Hostname() == "localhost")
}

// unwrapURL leaves out the address, which the caller knows and which may say more
// than an error should.
func unwrapURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
