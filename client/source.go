package client

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grantway/grantway/oauth"
)

// A source has the token of one target. The token at hand is read without a lock;
// the lock is for deciding who asks, and never held while anybody does.
type source struct {
	family *family
	key    string
	target Target

	current atomic.Pointer[held] // nil: there is none

	mu       sync.Mutex
	flight   *flight // nil: nobody asks
	refused  *pause  // nil: the last attempt did not fail
	bad      Secret  // an access token that an API refused
	refresh  Secret  // what there is to renew with, beside current
	renewals allowance
}

// A flight is one attempt to get a token. All who wait for it read the result
// after done is closed.
type flight struct {
	done chan struct{}
	held *held
	err  error
}

// A pause follows a failure: until it is over, nobody asks.
type pause struct {
	err    error
	until  time.Time
	look   time.Time // from here, it is worth a look whether the secret is another one
	secret Secret    // which was refused; empty: another one would not help
	count  int       // failures on end
}

func newSource(f *family, key string, t Target) *source {
	return &source{family: f, key: key, target: t, refresh: f.config.RefreshToken, renewals: allowance{left: maxRenewals}}
}

// get returns a token that lives, at once where there is one.
func (s *source) get(ctx context.Context) (*held, error) {
	if h := s.current.Load(); h != nil && h.fresh(time.Now()) {
		return h, nil
	}
	return s.stale(ctx)
}

// stale sees to a renewal, and waits for it if it must.
func (s *source) stale(ctx context.Context) (*held, error) {
	s.mu.Lock()
	h, now := s.current.Load(), time.Now()
	if h != nil && h.fresh(now) {
		s.mu.Unlock()
		return h, nil
	}
	if p := s.refused; s.flight == nil && p.holds(now) {
		s.mu.Unlock()
		if h.alive(now) {
			return h, nil
		}
		return nil, p.err
	}
	f := s.start()
	s.mu.Unlock()
	if h != nil && now.Before(h.hard) && now.Unix() <= h.ends.Unix() {
		return h, nil
	}
	got, err := f.wait(ctx)
	// What lives a little longer is better than an error; but a caller whose time
	// is over hears of that.
	if err != nil && ctx.Err() == nil && h.alive(time.Now()) && s.current.Load() == h {
		return h, nil
	}
	return got, err
}

// holds reports whether the pause is on. A secret that was refused is looked at
// from time to time: there may be another one.
func (p *pause) holds(now time.Time) bool {
	return p != nil && now.Before(p.until) && (p.secret == "" || now.Before(p.look))
}

// replace returns another token than the bad one. Whoever comes first has it
// renewed, all others get that.
func (s *source) replace(ctx context.Context, bad Secret) (*held, error) {
	s.mu.Lock()
	h := s.current.Load()
	if h == nil || h.token.Access != bad {
		s.mu.Unlock()
		return s.get(ctx)
	}
	if s.flight == nil {
		now := time.Now()
		if wait := s.renewals.take(now); wait > 0 {
			s.mu.Unlock()
			return nil, &BusyError{RetryAt: now.Add(wait), Err: errors.New("the API refuses one new token after the other")}
		}
	}
	// Nobody is to try the bad one again.
	s.bad = bad
	s.current.Store(nil)
	s.mu.Unlock()
	return s.get(ctx)
}

// An allowance of renewals that APIs ask for by 401.
type allowance struct {
	left int
	from time.Time // when the next is added
}

const (
	maxRenewals  = 5
	renewalEvery = 10 * time.Second
)

// take returns how long to wait; 0: taken.
func (a *allowance) take(now time.Time) time.Duration {
	if a.left == maxRenewals {
		a.from = now.Add(renewalEvery)
	}
	for a.left < maxRenewals && !now.Before(a.from) {
		a.left++
		a.from = a.from.Add(renewalEvery)
	}
	if a.left == 0 {
		return a.from.Sub(now)
	}
	a.left--
	return 0
}

// start joins the flight or begins one; s.mu is held. The flight has a context of
// its own: callers come and go.
func (s *source) start() *flight {
	if s.flight != nil {
		return s.flight
	}
	f := &flight{done: make(chan struct{})}
	s.flight = f
	before := s.refused
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), s.family.config.Timeout)
		defer cancel()
		h, err := s.obtain(ctx, before)
		s.land(f, h, err)
	}()
	return f
}

func (f *flight) wait(ctx context.Context) (*held, error) {
	select {
	case <-f.done:
	default:
		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return f.held, f.err
}

// land publishes what a flight brought.
func (s *source) land(f *flight, h *held, err error) {
	s.mu.Lock()
	alive := s.current.Load().alive(time.Now())
	ours := s.flight == f // else Exchange or Forget came between, and their word is newer
	var next *pause
	if err != nil {
		next, err = s.refused.after(err, time.Now())
	}
	if ours {
		s.flight, s.refused = nil, next
		if err == nil {
			s.settle(h)
		}
	}
	f.held, f.err = h, err
	s.mu.Unlock()
	close(f.done)
	if err != nil && alive {
		s.family.config.Report(err)
	}
}

// settle makes a token the one in use; s.mu is held.
func (s *source) settle(h *held) {
	s.current.Store(h)
	s.refresh, s.refused = h.token.Refresh, nil
}

// Pauses. They double, and a part of each is chance, so that many processes do
// not come back at once.
const (
	firstPause = time.Second
	firstStop  = 15 * time.Second // where only a person can mend it
	longest    = 2 * time.Minute
)

// refusedSecret carries the secret along with a refusal.
type refusedSecret struct {
	error
	secret Secret
}

func (r *refusedSecret) Unwrap() error { return r.error }

// after is the pause that follows this one, and the error as callers see it.
func (p *pause) after(err error, now time.Time) (*pause, error) {
	if same, ok := errors.AsType[*samePause](err); ok {
		return &pause{same.pause.err, same.pause.until, now.Add(time.Second), same.pause.secret, same.pause.count}, same.pause.err
	}
	next := &pause{err: err, count: 1, look: now.Add(time.Second)}
	if p != nil {
		next.count = p.count + 1
	}
	if r, ok := errors.AsType[*refusedSecret](err); ok {
		next.err, next.secret = r.error, r.secret
	}
	wait := firstStop
	busy, isBusy := errors.AsType[*BusyError](err)
	if isBusy {
		wait = firstPause
	}
	wait = min(wait<<min(next.count-1, 10), longest)
	next.until = now.Add(wait/2 + time.Duration(chance()*float64(wait)))
	if isBusy {
		told := *busy
		if told.RetryAt.After(next.until) {
			next.until = told.RetryAt.Add(time.Duration(chance() * float64(firstPause)))
		}
		told.RetryAt = next.until
		next.err = &told
	}
	if errors.Is(err, ErrSignIn) {
		next.until = now // asking costs nothing, and Exchange may have happened elsewhere
	}
	return next, next.err
}

// samePause says that nobody was asked: the secret is still the refused one.
type samePause struct{ pause *pause }

func (s *samePause) Error() string { return s.pause.err.Error() }

// obtain finds a token in the cache, or asks for one.
func (s *source) obtain(ctx context.Context, before *pause) (*held, error) {
	c := &s.family.config
	var secret Secret
	if c.Secret != nil {
		var err error
		if secret, err = c.Secret(ctx); err != nil {
			return nil, &BusyError{Err: err}
		}
	}
	if before != nil && before.secret != "" && before.secret == secret && time.Now().Before(before.until) {
		return nil, &samePause{before}
	}
	h, err := s.through(ctx, func(found *held) (*held, error) { return s.renew(ctx, found, secret) })
	if r, ok := errors.AsType[*RefusedError](err); ok && r.credentials() {
		err = &refusedSecret{err, secret}
	}
	return h, err
}

// through passes what the cache has to f, keeps what f returns, and goes on
// without a cache that fails.
func (s *source) through(ctx context.Context, f func(*held) (*held, error)) (got *held, err error) {
	cache := s.family.config.Cache
	if cache == nil {
		return f(nil)
	}
	called := false
	failed := cache.Update(ctx, s.key, func(text []byte) ([]byte, error) {
		called = true
		var found *held
		if text != nil {
			found = read(text, time.Now(), chance())
		}
		got, err = f(found)
		switch {
		case errors.Is(err, ErrSignIn):
			return nil, nil // what it holds is of no use to anybody
		case err != nil:
			return nil, err
		case got == nil || got == found:
			return text, nil
		}
		return write(got.token, got.asked, got.ends.Sub(got.asked)), nil
	})
	if failed != nil && err == nil {
		s.family.config.Report(failed)
		if !called {
			return f(nil)
		}
	}
	return got, err
}

// renew takes what another process found, else asks.
func (s *source) renew(ctx context.Context, found *held, secret Secret) (*held, error) {
	s.mu.Lock()
	bad, refresh := s.bad, s.refresh
	mine := s.current.Load()
	s.mu.Unlock()
	if found != nil && found.token.Access != bad && found.fresh(time.Now()) {
		return found, nil
	}
	var before Token
	if mine != nil {
		before = mine.token
	}
	if found != nil && found.token.Refresh != "" {
		refresh = found.token.Refresh // another process may have exchanged it
	}
	form := s.form()
	if s.family.config.Grant == oauth.GrantClientCredentials {
		form.Set("grant_type", oauth.GrantClientCredentials)
		before = Token{}
	} else {
		if refresh == "" {
			return nil, ErrSignIn
		}
		before.Refresh = refresh
		form.Set("grant_type", oauth.GrantRefreshToken)
		form.Set("refresh_token", string(refresh))
	}
	h, err := s.ask(ctx, form, secret, before)
	if errors.Is(err, oauth.InvalidGrant) && s.family.config.Grant != oauth.GrantClientCredentials {
		s.mu.Lock()
		s.refresh = ""
		s.mu.Unlock()
		return nil, errors.Join(ErrSignIn, err)
	}
	return h, err
}

// ask counts the lifetime from before the request (RFC 6749 §5.1), so that a slow
// answer does not lengthen it.
func (s *source) ask(ctx context.Context, form url.Values, secret Secret, before Token) (*held, error) {
	asked := time.Now()
	a, err := s.family.endpoint.ask(ctx, form, secret)
	if err != nil {
		return nil, err
	}
	t := a.token(s.target.Scopes, before)
	if s.family.config.Grant == oauth.GrantClientCredentials {
		t.Refresh = "" // RFC 6749 §4.4.3: there should be none; asking again is all that is needed
	}
	return hold(t, asked, a.lifetime(), chance()), nil
}

func (s *source) form() url.Values {
	form := url.Values{}
	for name, values := range s.family.config.Extra {
		form[name] = append([]string(nil), values...)
	}
	if len(s.target.Scopes) > 0 {
		form.Set("scope", oauth.FormatScope(s.target.Scopes))
	}
	if s.target.Audience != "" {
		form.Set("audience", s.target.Audience)
	}
	if len(s.target.Resource) > 0 {
		form["resource"] = append([]string(nil), s.target.Resource...)
	}
	return form
}

// forget drops the token everywhere but at the server.
func (s *source) forget(ctx context.Context) error {
	s.mu.Lock()
	s.current.Store(nil)
	s.flight, s.refused, s.bad, s.refresh = nil, nil, "", s.family.config.RefreshToken
	s.mu.Unlock()
	if s.family.config.Cache == nil {
		return nil
	}
	return s.family.config.Cache.Update(ctx, s.key, func([]byte) ([]byte, error) { return nil, nil })
}

// chance is a number from 0 to 1.
func chance() float64 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // it never fails
	return float64(binary.BigEndian.Uint32(b[:])) / (1 << 32)
}
