package resource

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grantway/grantway/internal/jose"
)

// Times of a key set.
const (
	minLife     = time.Minute      // that a set lives, whatever the issuer says
	maxLife     = 24 * time.Hour   // the same
	usualLife   = 5 * time.Minute  // where the issuer says nothing
	maxStale    = 24 * time.Hour   // that it is used beyond its life while the issuer does not answer
	attemptGap  = 10 * time.Second // between two attempts, whoever asks for them (row N06)
	emptyGap    = time.Second      // the same while there are no keys at all
	patience    = 2 * time.Second  // that a check waits for keys where it could go on without
	metadataAge = 24 * time.Hour   // that a jwks_uri is believed
	maxTries    = 5                // keys that are tried for a token without a key id (row G06)
)

// A KeySet is the keys that an issuer publishes as a JWK set (RFC 7517 §5),
// fetched when they are first needed and then kept fresh: Cache-Control says for
// how long they are good, between a minute and a day, and they are fetched again
// in the background before that. While the issuer does not answer, or answers
// nonsense, the last good keys serve for up to a day more. A key id that is
// unknown makes it look again, at most every ten seconds. However many ask at
// once, one request is on its way.
//
// Several checkers may share one. It is safe for concurrent use.
type KeySet struct {
	url, issuer string // one of them
	client      *http.Client

	current atomic.Pointer[keySnapshot]

	mu        sync.Mutex
	flight    *flight
	attempted time.Time // when the last flight began
	failed    bool      // it did

	// Of the flight alone.
	found   string // jwks_uri
	foundAt time.Time
}

// A keySnapshot is never changed.
type keySnapshot struct {
	keys                         []jose.PublicKey
	refresh, expires, unbearable time.Time
}

// A flight is one fetch, for all who wait for it.
type flight struct {
	began time.Time
	done  chan struct{}
	err   error // after done
}

// JWKS is the keys at a URL: https, or http on the loopback interface. Of client
// the transport is used, nil stands for one of our own; redirects are never
// followed.
func JWKS(url string, client *http.Client) *KeySet {
	return &KeySet{url: url, client: outbound(client)}
}

// Discover is the keys that an issuer's metadata names (RFC 8414, and OpenID
// Connect Discovery where there is none). Metadata whose issuer is not the same
// text is refused. About client see JWKS.
func Discover(issuer string, client *http.Client) *KeySet {
	return &KeySet{issuer: issuer, client: outbound(client)}
}

// Start fetches the issuer's keys, so that no call has to wait for them, and
// keeps them fresh until ctx ends, also while nobody calls. An error says that
// there are none yet; they are fetched as soon as the issuer answers. A checker
// that is not started fetches them when it needs them. It has nothing to do where
// Config.Keys is not what the keys come from.
func (c *Checker) Start(ctx context.Context) error {
	k, ok := c.keys.(*KeySet)
	if !ok {
		return nil
	}
	_, err := k.fresh(ctx)
	go k.keep(ctx)
	return err
}

// keep fetches the keys again whenever it is time, until ctx ends.
func (k *KeySet) keep(ctx context.Context) {
	for {
		pause := emptyGap
		if s := k.current.Load(); s != nil {
			pause = max(time.Until(s.refresh), emptyGap)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
			if f := k.begin(); f != nil {
				_ = f.wait(ctx, totalTimeout) // the next round tries again
			}
		}
	}
}

func (k *KeySet) check() error {
	if k.client == nil {
		return errors.New("resource: a KeySet comes from JWKS or Discover")
	}
	var err error
	if k.url != "" {
		_, err = checkURL(k.url)
	} else {
		_, err = metadataURLs(k.issuer)
	}
	if err != nil {
		return fmt.Errorf("resource: where the keys are: %w", err)
	}
	return nil
}

// fresh returns the keys. It waits where there are none, and for a moment where
// they are past their life and the issuer has not failed to answer just now.
func (k *KeySet) fresh(ctx context.Context) (*keySnapshot, error) {
	s, now := k.current.Load(), time.Now()
	if s != nil && now.Before(s.refresh) {
		return s, nil
	}
	f := k.begin()
	var err error
	switch {
	case s == nil || !now.Before(s.unbearable):
		err = f.wait(ctx, totalTimeout)
	case now.Before(s.expires):
	case !k.failing():
		_ = f.wait(ctx, patience)
	}
	if s = k.current.Load(); s != nil && now.Before(s.unbearable) {
		return s, nil
	}
	if err == nil {
		err = errors.New("the last attempt failed")
	}
	return nil, fmt.Errorf("%w: the keys of the issuer: %w", ErrUnavailable, err)
}

func (k *KeySet) failing() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.failed
}

// begin returns the flight that is under way, or one that it starts. It is nil
// when the last one began too short a time ago.
func (k *KeySet) begin() *flight {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.flight != nil {
		return k.flight
	}
	now, gap := time.Now(), attemptGap
	if k.current.Load() == nil {
		gap = emptyGap
	}
	if !k.attempted.IsZero() && now.Sub(k.attempted) < gap {
		return nil
	}
	f := &flight{began: now, done: make(chan struct{})}
	k.flight, k.attempted = f, now
	// Not with the context of whoever came first: the others wait for it, too.
	go k.fly(f)
	return f
}

func (k *KeySet) fly(f *flight) {
	ctx, cancel := context.WithTimeout(context.Background(), totalTimeout)
	defer cancel()
	next, err := k.fetch(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil {
		next.inherit(k.current.Load())
		k.current.Store(next)
	}
	k.flight, k.failed, f.err = nil, err != nil, err
	close(f.done)
}

// wait waits for a flight, no longer than limit from its beginning, so that of
// many who come while the issuer hangs only the first ones wait.
func (f *flight) wait(ctx context.Context, limit time.Duration) error {
	if f == nil {
		return nil
	}
	select {
	case <-f.done:
		return f.err
	default:
	}
	timer := time.NewTimer(limit - time.Since(f.began))
	defer timer.Stop()
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return context.DeadlineExceeded
	}
}

func (k *KeySet) fetch(ctx context.Context) (*keySnapshot, error) {
	url := k.url
	if url == "" {
		if k.found == "" || time.Since(k.foundAt) > metadataAge {
			found, err := discover(ctx, k.client, k.issuer)
			if err != nil && k.found == "" {
				return nil, err
			}
			if err == nil {
				k.found, k.foundAt = found, time.Now()
			}
		}
		url = k.found
	}
	body, header, err := get(ctx, k.client, url, maxJWKS)
	if err != nil {
		k.foundAt = time.Time{} // it may have moved
		return nil, err
	}
	keys, err := readKeys(body)
	if err != nil {
		k.foundAt = time.Time{}
		return nil, fmt.Errorf("the keys at %s: %w", url, err)
	}
	now, life := time.Now(), life(header)
	return &keySnapshot{
		keys: keys, refresh: now.Add(life / 5 * 4), expires: now.Add(life), unbearable: now.Add(life + maxStale),
	}, nil
}

// life is how long an answer is good (RFC 9111 §4.2).
func life(h http.Header) time.Duration {
	told, age := usualLife, time.Duration(0)
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "no-store", "no-cache":
			return minLife
		case "max-age":
			told = seconds(strings.Trim(value, `"`))
		}
	}
	if said := h.Get("Age"); said != "" {
		age = seconds(said)
	}
	return min(max(told-age, minLife), maxLife)
}

// seconds reads a count of seconds; what is none is 0, and what is too large to
// matter a day.
func seconds(s string) time.Duration {
	n, err := strconv.ParseUint(s, 10, 63)
	if errors.Is(err, strconv.ErrRange) || n > uint64(maxLife/time.Second) {
		return maxLife
	}
	return time.Duration(n) * time.Second
}

// inherit takes over from the last keys those that have not changed, so that
// comparing them with the key of a remembered token is comparing pointers.
func (s *keySnapshot) inherit(last *keySnapshot) {
	if last == nil {
		return
	}
	for i := range s.keys {
		if j := slices.IndexFunc(last.keys, func(o jose.PublicKey) bool { return equal(&s.keys[i], &o) }); j >= 0 {
			s.keys[i] = last.keys[j]
		}
	}
}
