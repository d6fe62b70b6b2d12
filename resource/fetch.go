package resource

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/wire"
)

// Limits of a request to an issuer.
const (
	connectTimeout = 2 * time.Second
	totalTimeout   = 5 * time.Second // with everything that belongs to one fetch
	maxMetadata    = 64 << 10        // bytes; of an introspection's answer, too
	maxJWKS        = 256 << 10       // bytes
)

// transport is used where the caller brings no client. All share it, so that
// connections are.
var transport = &http.Transport{
	Proxy:                  http.ProxyFromEnvironment,
	DialContext:            (&net.Dialer{Timeout: connectTimeout}).DialContext,
	TLSHandshakeTimeout:    connectTimeout,
	ForceAttemptHTTP2:      true,
	MaxIdleConnsPerHost:    maxAsking,
	IdleConnTimeout:        90 * time.Second,
	MaxResponseHeaderBytes: 16 << 10,
	DisableCompression:     true, // a small body that becomes a large one is an attack
}

// outbound is the client that is used for a caller's: its transport, and none of
// its redirects and cookies.
func outbound(c *http.Client) *http.Client {
	ours := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if c != nil && c.Transport != nil {
		ours.Transport = c.Transport
	}
	return ours
}

// An answerError says that the other side answered, and not as it should.
type answerError struct{ err error }

func (e *answerError) Error() string { return e.err.Error() }
func (e *answerError) Unwrap() error { return e.err }

func answered(format string, about ...any) error { return &answerError{fmt.Errorf(format, about...)} }

// fetch sends a request and returns the body of a 200, at most limit bytes. The
// time limit is ctx's.
func fetch(c *http.Client, r *http.Request, limit int64) ([]byte, http.Header, error) {
	r.Header.Set("Accept", "application/json")
	answer, err := c.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, nil, answered("%s answered with status %d", r.URL.Redacted(), answer.StatusCode)
	}
	body, err := wire.ReadLimited(answer.Body, limit)
	if errors.Is(err, wire.ErrTooLarge) {
		return nil, nil, answered("%s answered with more than %d bytes", r.URL.Redacted(), limit)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the answer of %s: %w", r.URL.Redacted(), err)
	}
	return body, answer.Header, nil
}

func get(ctx context.Context, c *http.Client, url string, limit int64) ([]byte, http.Header, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, nil, err
	}
	return fetch(c, r, limit)
}

// checkURL: what decides who may call us comes over TLS, or from this machine.
func checkURL(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return nil, fmt.Errorf("%q is not an https URL", address)
	}
	if u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()) {
		return u, nil
	}
	return nil, fmt.Errorf("%q: only https, and http on the loopback interface, can be trusted", address)
}

func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback() || host == "localhost"
}

// metadataURLs are where an issuer's metadata may be: where RFC 8414 §3.1 puts
// it, between host and path, and where OpenID Connect Discovery §4 does, behind.
func metadataURLs(issuer string) ([]string, error) {
	u, err := checkURL(issuer)
	if err != nil {
		return nil, err
	}
	if u.RawQuery != "" || u.ForceQuery { // RFC 8414 §2
		return nil, fmt.Errorf("the issuer %q has a query", issuer)
	}
	origin, path := u.Scheme+"://"+u.Host, strings.TrimSuffix(u.EscapedPath(), "/")
	urls := []string{
		origin + "/.well-known/oauth-authorization-server" + path,
		origin + path + "/.well-known/openid-configuration",
	}
	if path != "" {
		urls = append(urls, origin+"/.well-known/openid-configuration"+path) // RFC 8414 §5
	}
	return urls, nil
}

// discover returns the URL of the issuer's keys.
func discover(ctx context.Context, c *http.Client, issuer string) (string, error) {
	urls, err := metadataURLs(issuer)
	if err != nil {
		return "", err
	}
	var failed []error
	for _, u := range urls {
		body, _, err := get(ctx, c, u, maxMetadata)
		if err == nil {
			var found string
			if found, err = readMetadata(body, issuer); err == nil {
				return found, nil
			}
			err = answered("metadata at %s: %w", u, err)
		}
		failed = append(failed, err)
		if _, ok := errors.AsType[*answerError](err); !ok {
			break // the issuer cannot be reached: not by another path either
		}
	}
	return "", errors.Join(failed...)
}

// readMetadata returns jwks_uri of metadata that is this issuer's own.
func readMetadata(body []byte, issuer string) (string, error) {
	var said struct {
		Issuer string `json:"issuer"`
		JWKS   string `json:"jwks_uri"`
	}
	if err := wire.DecodeOpenJSON(body, &said); err != nil {
		return "", err
	}
	if said.Issuer != issuer { // RFC 8414 §3.3: identical, a slash at the end included
		return "", fmt.Errorf("it is the metadata of %q and not of %q", said.Issuer, issuer)
	}
	u, err := checkURL(said.JWKS)
	if err != nil {
		return "", fmt.Errorf("jwks_uri: %w", err)
	}
	if u.Scheme != "https" && strings.HasPrefix(issuer, "https:") {
		return "", errors.New("jwks_uri: it is not protected as the issuer is")
	}
	return said.JWKS, nil
}

// readKeys reads a key set. A key that can sign RS256 and PS256 and names neither
// is for RS256, which every issuer of OpenID Connect has.
func readKeys(body []byte) ([]jose.PublicKey, error) {
	keys, err := jose.ParseJWKSet(body)
	if err != nil {
		return nil, err
	}
	for i := range keys {
		if keys[i].Algorithm == "" {
			keys[i].Algorithm = jose.RS256
		}
	}
	return keys, nil
}
