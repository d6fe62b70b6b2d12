package token

import (
	"hash/maphash"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/revocation"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/oauth"
)

// Bounds of what a Reuse remembers. The bytes are those of the tokens, and a
// guess at what lies around them.
const (
	reuseShards   = 16
	reuseBytes    = 16 << 20 // in all shards
	reuseOfClient = 8        // tokens of one client
	reuseAround   = 256      // bytes beside a token
	reuseTries    = 8        // clients that are looked at to find one to forget
)

// Reuse remembers tokens that clients obtained for themselves, to give each to
// its client again while much of its life is left. It is for one environment and
// one reading of the catalogue, lives in memory only, and holds a bounded number of
// bytes: of a client that asks for ever other scopes, eight tokens; when it is
// full, some client is forgotten and gets new ones. It is safe for concurrent use.
//
// A token is given again for the same client as it was read then, secret, method
// of authentication, APIs and scopes. A client that was changed in anything is
// another client here, so that scopes that were taken from it are in no answer. A
// binding to a key or a certificate would stand beside the method; no token has
// one yet.
type Reuse struct {
	ended  func(revocation.Token) bool
	room   int // bytes in each shard
	seed   maphash.Seed
	shards [reuseShards]reuseShard
}

type reuseShard struct {
	mu      sync.Mutex
	holders map[string]*holder // by client id
	bytes   int
}

// A holder is a client with the tokens that it was given.
type holder struct {
	client *store.Client
	tokens []fresh
}

// A fresh token is one that may be given again, and what it was asked for with.
type fresh struct {
	secret, method  string
	apis            []*catalogue.API
	scope           []string
	answer          oauth.TokenResponse
	id              ID
	key             string // that signed it; empty: it is opaque
	issued, expires time.Time
}

// NewReuse returns a Reuse that remembers nothing. What ended reports to have
// ended is never given again; see revocation.Set.
func NewReuse(ended func(revocation.Token) bool) *Reuse {
	r := &Reuse{ended: ended, room: reuseBytes / reuseShards, seed: maphash.MakeSeed()}
	for i := range r.shards {
		r.shards[i].holders = map[string]*holder{}
	}
	return r
}

// Again returns the answer to an earlier request of the same, with what is left
// of its life, when the APIs allow it and as much is left as they ask for. ok is
// false when a token is to be issued; so it always is for tokens about people.
func (i *Issuer) Again(a Authorization) (answer oauth.TokenResponse, ok bool) {
	if i.Reuse == nil || !a.reusable() {
		return answer, false
	}
	made := settings(a.APIs)
	if made.Reuse == 0 {
		return answer, false
	}
	key := ""
	if made.Format != catalogue.Opaque {
		signer, err := i.Signers.Signer(made.Algorithm)
		if err != nil {
			return answer, false // Issue says why
		}
		key = signer.KeyID()
	}
	return i.Reuse.find(&a, key, made.Reuse, i.Now())
}

// reusable reports whether the token would be a client's own, obtained with a
// secret, and no more than that.
func (a *Authorization) reusable() bool {
	return a.Client != nil && a.SecretID != "" && a.Person == nil && a.Spend == nil
}

// find returns the answer with the fresh token, if there is one.
func (r *Reuse) find(a *Authorization, key string, least time.Duration, now time.Time) (answer oauth.TokenResponse, ok bool) {
	s := r.lock(a.Client.ID)
	defer s.mu.Unlock()
	h := s.holders[a.Client.ID]
	if h == nil || !h.is(a.Client) {
		return answer, false
	}
	at := slices.IndexFunc(h.tokens, func(f fresh) bool { return f.of(a) })
	if at < 0 {
		return answer, false
	}
	f := &h.tokens[at]
	left := f.expires.Sub(now)
	switch {
	case left < least || now.Before(f.issued): // or the clock was set back: how much is left is not known
		return answer, false
	case f.key != key: // which was rotated, or removed
		return answer, false
	case r.ended(revocation.Token{
		ID: string(f.id), KeyID: f.key, SecretID: f.secret, ClientID: a.Client.ID, Subject: a.Client.ID, IssuedAt: f.issued,
	}):
		return answer, false
	}
	answer = f.answer
	answer.ExpiresIn = int64(left / time.Second)
	return answer, true
}

// is reports whether the client is as it was when it was given its tokens. One
// that was read again, and found the same, is: the cache of clients forgets too.
// Its secrets are not compared, since each token is one secret's.
func (h *holder) is(client *store.Client) bool {
	if h.client == client {
		return true
	}
	was, now := *h.client, *client
	was.Secrets, now.Secrets = nil, nil
	if !reflect.DeepEqual(was, now) {
		return false
	}
	h.client = client
	return true
}

// of reports whether the token was asked for with the same. The order in which
// scopes are named has no meaning (RFC 6749 §3.3).
func (f *fresh) of(a *Authorization) bool {
	return f.secret == a.SecretID && f.method == a.Method && same(f.apis, a.APIs) && same(f.scope, a.Scope)
}

// same reports whether two lists without repetitions hold the same.
func same[E comparable](a, b []E) bool {
	if len(a) != len(b) {
		return false
	}
	for i, one := range a {
		if b[i] != one && !slices.Contains(b, one) {
			return false
		}
	}
	return true
}

// keep remembers a token in place of one that was asked for with the same.
func (r *Reuse) keep(a *Authorization, f fresh) {
	f.secret, f.method, f.apis, f.scope = a.SecretID, a.Method, a.APIs, a.Scope
	s := r.lock(a.Client.ID)
	defer s.mu.Unlock()
	h := s.holders[a.Client.ID]
	if h == nil || !h.is(a.Client) {
		s.forget(a.Client.ID)
		h = &holder{client: a.Client}
		s.holders[a.Client.ID] = h
	}
	at := slices.IndexFunc(h.tokens, func(f fresh) bool { return f.of(a) })
	if at < 0 && len(h.tokens) >= reuseOfClient {
		at = earliest(h.tokens)
	}
	if at >= 0 {
		s.bytes -= h.tokens[at].size()
		h.tokens[at] = f
	} else {
		h.tokens = append(h.tokens, f)
	}
	s.bytes += f.size()
	for s.bytes > r.room && len(s.holders) > 1 {
		s.forget(s.oldest(a.Client.ID))
	}
}

func (f *fresh) size() int { return len(f.answer.AccessToken) + reuseAround }

func earliest(tokens []fresh) int {
	first := 0
	for i := range tokens {
		if tokens[i].expires.Before(tokens[first].expires) {
			first = i
		}
	}
	return first
}

// oldest is the client, of some that are not the one named, one of whose tokens
// ends first. Looking at all would let a full memory slow every request.
func (s *reuseShard) oldest(but string) string {
	var found string
	var ends time.Time
	tries := 0
	for id, h := range s.holders {
		if id == but {
			continue
		}
		if e := h.tokens[earliest(h.tokens)].expires; found == "" || e.Before(ends) {
			found, ends = id, e
		}
		if tries++; tries == reuseTries {
			break
		}
	}
	return found
}

func (s *reuseShard) forget(client string) {
	h := s.holders[client]
	if h == nil {
		return
	}
	for i := range h.tokens {
		s.bytes -= h.tokens[i].size()
	}
	delete(s.holders, client)
}

// lock returns the shard of a client, locked.
func (r *Reuse) lock(client string) *reuseShard {
	s := &r.shards[maphash.String(r.seed, client)%reuseShards]
	s.mu.Lock()
	return s
}
