package resource

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/refusal"
)

// FeedConfig says which server tells what it has revoked, and how long its
// silence is borne. Issuer, ClientID and ClientSecret are needed.
type FeedConfig struct {
	Issuer  string // what iss is in its tokens and messages, byte for byte
	URL     string // of the feed; empty: Issuer and /revocations
	KeysURL string // of its keys; empty: Issuer and /.well-known/revocation-keys.json

	ClientID     string // of a client of type resource
	ClientSecret string

	// HTTPClient makes the requests; it must not have a Timeout, which would end a
	// stream that works. Redirects are never followed. Nil: one with the defaults
	// of the standard library.
	HTTPClient *http.Client

	// MaxStale is how long tokens are accepted without a word from the server; then
	// all are refused until there is one. 0 means 5 minutes; 15 seconds (three
	// words) at least and an hour at most. The clock of this machine and the
	// server's must agree much better than that.
	MaxStale time.Duration

	// Snapshot is the path of a file that keeps what was heard last, so that a
	// program that starts while the server is down knows what is revoked. Its
	// folder must exist, and nobody else may be able to read or write the file.
	// Empty: there is none.
	Snapshot string

	Now func() time.Time // nil means time.Now
}

// A Feed knows what a server has revoked, as of a moment ago. Until it has heard
// from the server, or read a file that is not too old, and whenever it has heard
// nothing for MaxStale, it is closed: it refuses every token.
//
// Run must be running. It is safe for concurrent use.
type Feed struct {
	config FeedConfig
	client *http.Client

	mu       sync.RWMutex
	ended    map[subject]ending
	heard    time.Time // the server had said everything at this moment, by its clock
	position int64     // of the last message that was taken: the next one continues it
	status   FeedStatus

	reading reader // of the goroutine that runs
}

// A subject is what a revocation is about.
type subject struct{ kind, id string }

// An ending ends the tokens issued up to a moment, in Unix seconds.
type ending struct{ before, forget int64 }

// FeedStatus says how a Feed is doing.
type FeedStatus struct {
	Heard     time.Time // as of when everything is known, by the server's clock; zero: never
	Streaming bool      // revocations come at once; else every second, or not at all
	Entries   int       // revocations that are known
	Refused   int       // messages that were forged, replayed or out of order; they were not believed
	Problem   error     // the last one; nil since a message was taken
}

// ErrFeedClosed: nothing was heard from the server for too long, so what it
// revoked is not known.
var ErrFeedClosed = errors.New("resource: no word of revocations from the server for too long")

const (
	defaultMaxStale  = 5 * time.Minute
	shortestMaxStale = 15 * time.Second
	longestMaxStale  = time.Hour
)

// NewFeed returns a feed that has read the snapshot, where there is one that is
// good. It asks the network for nothing; Run does.
func NewFeed(c FeedConfig) (*Feed, error) {
	c.MaxStale = cmp.Or(c.MaxStale, defaultMaxStale)
	base := strings.TrimSuffix(c.Issuer, "/")
	c.URL = cmp.Or(c.URL, base+"/revocations")
	c.KeysURL = cmp.Or(c.KeysURL, base+"/.well-known/revocation-keys.json")
	switch {
	case c.Issuer == "" || c.ClientID == "" || c.ClientSecret == "":
		return nil, errors.New("resource: FeedConfig needs an Issuer, a ClientID and a ClientSecret")
	case c.MaxStale < shortestMaxStale || c.MaxStale > longestMaxStale:
		return nil, fmt.Errorf("resource: MaxStale is %v; it must be from 15 seconds to an hour", c.MaxStale)
	case c.HTTPClient != nil && c.HTTPClient.Timeout != 0:
		return nil, errors.New("resource: the HTTPClient has a Timeout, which would end a stream that works")
	}
	for _, at := range []string{c.URL, c.KeysURL} {
		if err := private(at); err != nil {
			return nil, err
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	client := &http.Client{}
	if c.HTTPClient != nil {
		*client = *c.HTTPClient
	}
	// A redirect would take the secret elsewhere, and bring keys from there.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	f := &Feed{config: c, client: client, ended: map[subject]ending{}}
	if err := f.load(); err != nil {
		f.trouble(err)
	}
	return f, nil
}

// private: the keys are believed because of TLS; without it only this machine is.
func private(at string) error {
	u, err := url.Parse(at)
	if err != nil {
		return errors.New("resource: the feed's URL is none")
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "https" && u.Host != "" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()) {
		return nil
	}
	return fmt.Errorf("resource: %s is neither https nor on this machine", u.Redacted())
}

// Current is nil while what the server revoked is known, and else ErrFeedClosed.
func (f *Feed) Current() error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.current()
}

// current is called under mu.
func (f *Feed) current() error {
	if f.heard.IsZero() || f.config.Now().Sub(f.heard) > f.config.MaxStale {
		return ErrFeedClosed
	}
	return nil
}

// Check is nil for a good token that was not ended. A token that was is refused
// with oauth.InvalidToken, and every token, with 503, while the feed is closed.
// That its signing key was removed is KeyEnded's to say, or Config.Feed's.
// A token of another issuer is refused too: nothing is known about it.
func (f *Feed) Check(t *Token) error {
	if t.Issuer != f.config.Issuer {
		return refusal.TokenOfAnotherIssuer
	}
	return f.check(t, "")
}

// check is Check for a token whose issuer is known, and the key that signed it.
func (f *Feed) check(t *Token, key string) error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if err := f.current(); err != nil {
		return refusal.Unavailable.From(err)
	}
	if _, removed := f.ended[subject{"key", key}]; removed {
		return refusal.TokenRevoked
	}
	// A token's id goes on with that of the secret that obtained it, and of the
	// grant that it hangs on. Without a grant its subject is its client, and no
	// account, whatever accounts are called.
	_, rest, _ := strings.Cut(t.ID, ".")
	secret, grant, _ := strings.Cut(rest, ".")
	grant, _, _ = strings.Cut(grant, ".")
	all := [...]subject{{"token", t.ID}, {"secret", secret}, {"client", t.ClientID}, {"grant", grant}, {"account", t.Subject}}
	about := all[:]
	if grant == "" {
		about = all[:3]
	}
	for _, about := range about {
		// Tokens say their time in whole seconds: one issued in the second of the
		// revocation counts as issued before it.
		if e, ok := f.ended[about]; ok && t.IssuedAt.Unix() <= e.before {
			return refusal.TokenRevoked
		}
	}
	return nil
}

// Ended reports whether a token must not be accepted: it was ended, or nobody
// can say. It fits Config.Ended.
func (f *Feed) Ended(t *Token) bool { return f.Check(t) != nil }

// KeyEnded reports whether a signing key was removed because somebody else may
// have it: no token of it is good, whatever it says.
func (f *Feed) KeyEnded(id string) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	_, ended := f.ended[subject{"key", id}]
	return ended
}

// Status says how the feed is doing.
func (f *Feed) Status() FeedStatus {
	f.mu.RLock()
	defer f.mu.RUnlock()
	s := f.status
	s.Heard, s.Entries = f.heard, len(f.ended)
	return s
}

func (f *Feed) trouble(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status.Problem = err
}

func (f *Feed) streaming(is bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status.Streaming = is
}
