package client

import (
	"context"
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

func newSource(f *family, key string, t Target) *source {
	return &source{family: f, key: key, target: t, refresh: f.config.RefreshToken, renewals: allowance{left: maxRenewals}}
}

// get returns a token that lives, at once where there is one.
func (s *source) get(ctx context.Context) (*held, error) {
	if h := s.current.Load(); h != nil && h.fresh() {
		return h, nil
	}
	return s.stale(ctx)
}

// stale sees to a renewal, and waits for it if it must.
func (s *source) stale(ctx context.Context) (*held, error) {
	s.mu.Lock()
	h, now := s.current.Load(), time.Now()
	if h != nil && h.fresh() {
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
	if h.alive(now) {
		// Near its end a new token is better, but this one is better than an error, and
		// than what a server that hangs makes of a call's time.
		short, cancel := context.WithTimeout(ctx, patience(ctx, now, h.ends))
		got, err := f.wait(short)
		cancel()
		if err == nil {
			return got, nil
		}
		if ctx.Err() == nil && h.alive(time.Now()) && s.current.Load() == h {
			return h, nil
		}
	}
	return f.wait(ctx)
}

// maxPatience is how long a call waits at most for a token to take the place of one
// that lives.
const maxPatience = time.Second

// patience leaves the call half of the time that it has, and half of the token's.
func patience(ctx context.Context, now, ends time.Time) time.Duration {
	wait := min(maxPatience, ends.Sub(now)/2)
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(wait, deadline.Sub(now)/2)
	}
	return wait
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

// land publishes what a flight brought. A token beside an error is an older one
// that still lives.
func (s *source) land(f *flight, h *held, err error) {
	s.mu.Lock()
	alive := s.current.Load().alive(time.Now())
	ours := s.flight == f // else Exchange or Forget came between, and their word is newer
	var next *pause
	if err != nil {
		next, err = s.refused.after(err, time.Now())
	}
	f.held, f.err = h, err
	if ours {
		s.flight, s.refused = nil, next
		if err == nil {
			s.settle(h)
		} else if h != nil && !alive {
			// The cache had one that still lives: that serves, and the pause stays.
			s.current.Store(h)
			s.refresh, f.err, alive = h.token.Refresh, nil, true
		}
	}
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

// renew takes what another process found, else asks. Where the server is down, what
// was found comes along with the error as long as it lives.
func (s *source) renew(ctx context.Context, found *held, secret Secret) (*held, error) {
	s.mu.Lock()
	bad, refresh := s.bad, s.refresh
	mine := s.current.Load()
	s.mu.Unlock()
	if found != nil && found.token.Access != bad && found.fresh() {
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
	if _, busy := errors.AsType[*BusyError](err); busy && found.alive(time.Now()) && found.token.Access != bad {
		return found, err
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
	s.drop()
	if s.family.config.Cache == nil {
		return nil
	}
	return s.family.config.Cache.Update(ctx, s.key, func([]byte) ([]byte, error) { return nil, nil })
}

// drop forgets the token in memory.
func (s *source) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current.Store(nil)
	s.flight, s.refused, s.bad, s.refresh = nil, nil, "", s.family.config.RefreshToken
}
