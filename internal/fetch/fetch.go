// Package fetch makes every request to an address that somebody else supplied: a
// provider's discovery document and keys, a client's logout endpoint, its JWKS.
// Such an address must not make this server speak to what only it can reach (row
// O10 of the security catalogue), and what answers must not hold it up.
//
// So a fetch goes over https to an address of the public internet, which is
// checked when it is dialled, after the name was resolved; it follows no
// redirect, uses no proxy and reads a bounded body within a bounded time.
//
// What an operator wrote into the configuration as the place to forward to or to
// read keys from is not fetched here: packages gateway and resource do that.
package fetch

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Limits of every fetch.
const (
	connectTimeout = 2 * time.Second
	totalTimeout   = 5 * time.Second
	perHost        = 4 // at one time

	// MaxBody is how many bytes are read of an answer.
	MaxBody = 64 << 10

	// MaxJWKS is how many bytes are read of a key set.
	MaxJWKS = 256 << 10
)

var (
	// ErrURL: the URL is none that is fetched.
	ErrURL = errors.New("not an https URL that is fetched")

	// ErrAddress: the name leads to an address that is not of the public internet.
	ErrAddress = errors.New("not a public address")

	// ErrAnswer: what answered is not what was asked for: a redirect, another media
	// type, too much, compressed, or an error.
	ErrAnswer = errors.New("not an answer that is read")
)

// Config says what may be fetched beside the public internet.
type Config struct {
	Networks []netip.Prefix // at any port
	Loopback bool           // this machine, also by http and as "localhost": for development
	Roots    *x509.CertPool // that vouch for servers; nil: the system's
	Resolver *net.Resolver  // nil: the system's
}

// A Fetcher fetches. It is an http.RoundTripper that reads the whole answer
// before it returns it, so that every limit holds for whatever uses it. It is
// safe for concurrent use.
type Fetcher struct {
	config    Config
	transport *http.Transport
	hosts     hosts
}

// New returns a fetcher.
func New(c Config) *Fetcher {
	f := &Fetcher{config: c, hosts: hosts{slots: map[string]*slots{}}}
	dialer := &net.Dialer{Timeout: connectTimeout, ControlContext: f.control, Resolver: c.Resolver}
	f.transport = &http.Transport{
		Proxy:                  nil, // whoever sets HTTPS_PROXY would have the address checked that is the proxy's
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    connectTimeout,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    1,
		MaxIdleConns:           64,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 16 << 10,
		DisableCompression:     true, // a small body that becomes a large one is an attack
	}
	return f
}

// A Want says which answer is read.
type Want struct {
	Limit int64    // bytes; zero: MaxBody
	Types []string // media types of an answer with status 200; nil: any
}

// JSON and JWKS are what most answers are.
var (
	JSON = Want{Types: []string{"application/json"}}
	JWKS = Want{Limit: MaxJWKS, Types: []string{"application/json", "application/jwk-set+json"}} // RFC 7517 §8.5
)

// Client returns a client for libraries that want one. It follows no redirects.
func (f *Fetcher) Client(w Want) *http.Client {
	return &http.Client{
		Transport:     tripper{f, w},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Get returns the body of the answer when that has status 200.
func (f *Fetcher) Get(ctx context.Context, address string, w Want) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, ErrURL
	}
	r.Header.Set("Accept", strings.Join(w.Types, ", "))
	answer, err := f.do(r, w)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: status %d", ErrAnswer, answer.StatusCode)
	}
	return io.ReadAll(answer.Body)
}

// Post sends a form and returns the status of the answer, whose body is thrown
// away. A redirect is an ErrAnswer.
func (f *Fetcher) Post(ctx context.Context, address string, form url.Values) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, ErrURL
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := f.do(r, Want{})
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, nil
}

// Check returns ErrURL unless the URL may be fetched; whether its address may be
// is known only when it is dialled.
func (f *Fetcher) Check(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return ErrURL
	}
	return f.check(u)
}

func (f *Fetcher) check(u *url.URL) error {
	scheme := u.Scheme == "https" || u.Scheme == "http" && f.config.Loopback && isLoopback(u.Hostname())
	if !scheme || u.Hostname() == "" || u.User != nil || u.Opaque != "" || u.Fragment != "" || len(u.String()) > 2048 {
		return ErrURL
	}
	return nil
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback() && address.Zone() == "" || host == "localhost"
}

type tripper struct {
	fetcher *Fetcher
	want    Want
}

// RoundTrip implements http.RoundTripper.
func (t tripper) RoundTrip(r *http.Request) (*http.Response, error) {
	return t.fetcher.do(r, t.want)
}

// do returns an answer whose body has been read.
func (f *Fetcher) do(r *http.Request, w Want) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close() //nolint:errcheck // a RoundTripper closes what it was given
	}
	if err := f.check(r.URL); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), totalTimeout)
	defer cancel()
	leave, err := f.hosts.enter(ctx, r.URL.Host)
	if err != nil {
		return nil, fmt.Errorf("wait for the others that ask %s: %w", r.URL.Host, err)
	}
	defer leave()
	r = r.Clone(ctx)
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", "Grantway")
	}
	answer, err := f.transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close() //nolint:errcheck // it was read as far as it matters
	body, err := read(answer, w)
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	answer.ContentLength = int64(len(body))
	return answer, nil
}

// read returns the body of an answer that is wanted.
func read(answer *http.Response, w Want) ([]byte, error) {
	limit := w.Limit
	if limit == 0 {
		limit = MaxBody
	}
	switch {
	case answer.StatusCode >= 300 && answer.StatusCode < 400:
		return nil, fmt.Errorf("%w: a redirect, status %d", ErrAnswer, answer.StatusCode)
	case answer.Header.Get("Content-Encoding") != "":
		return nil, fmt.Errorf("%w: it is compressed", ErrAnswer)
	case answer.ContentLength > limit:
		return nil, fmt.Errorf("%w: more than %d bytes", ErrAnswer, limit)
	}
	if answer.StatusCode == http.StatusOK && w.Types != nil {
		media, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
		if err != nil || !slices.Contains(w.Types, media) {
			return nil, fmt.Errorf("%w: it is not %s", ErrAnswer, w.Types[0])
		}
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read an answer: %w", err)
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrAnswer, limit)
	}
	return body, nil
}

// hosts lets at most perHost requests to one host through at one time.
type hosts struct {
	mu    sync.Mutex
	slots map[string]*slots
}

type slots struct {
	free  chan struct{}
	users int // that hold or wait; under mu
}

func (h *hosts) enter(ctx context.Context, host string) (leave func(), err error) {
	h.mu.Lock()
	s := h.slots[host]
	if s == nil {
		s = &slots{free: make(chan struct{}, perHost)}
		h.slots[host] = s
	}
	s.users++
	h.mu.Unlock()
	forget := func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if s.users--; s.users == 0 {
			delete(h.slots, host)
		}
	}
	select {
	case s.free <- struct{}{}:
		return func() { <-s.free; forget() }, nil
	case <-ctx.Done():
		forget()
		return nil, ctx.Err()
	}
}
