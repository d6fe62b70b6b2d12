// Package keys holds an environment's signing keys: it creates them, keeps them
// sealed in the store, publishes their public halves (RFC 7517), lends them to
// whoever signs, and rotates them.
//
// A key is published before it signs, for longer than any verifier keeps a copy
// of the key set, and after it signed, until its last token has expired. So there
// is always a standby beside the key that signs, and no rotation makes a verifier
// refuse a good token. A key that somebody else may have is removed at once.
//
// What is signed is package token's; how is package jose's. One key serves one
// purpose, so that a token of one kind can never pass as one of another
// (RFC 8725 §3.12).
package keys

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/store"
)

// Purposes of keys. The order in which they sign is the same, and none signs
// what is another's.
const (
	AccessToken = "access-token" // signs access tokens
	Feed        = "feed"         // signs the feed of revocations, and denials
	ID          = "id"           // signs ID tokens
	Refresh     = "refresh"      // derives refresh tokens: see Derivation
	Forms       = "forms"        // derives what binds forms to browsers: see Derivation
	Factors     = "factors"      // seals what people prove who they are with: see Derivation.Seal
	Audit       = "audit"        // signs the checkpoints of what happened
)

// MaxAge is how long a verifier may keep its copy of the key set.
const MaxAge = 5 * time.Minute

// overlap is how much longer than its last token a retired key is published: a
// node that cannot reach the store signs with it for five minutes more, until it
// trusts nothing that it remembers, and clocks differ.
const overlap = 6 * time.Minute

// longestLife is how long tokens live at most, unless Settings say otherwise: what
// a production server allows.
const longestLife = 24 * time.Hour

// A Ring is the signing keys of one environment and purpose, open and ready. It
// is safe for concurrent use.
type Ring struct {
	settings Settings
	open     atomic.Pointer[opened]
	loading  sync.Mutex      // readings of the store follow each other, so that none undoes a later one
	denied   map[string]bool // under loading: key ids, see Deny

	changing   sync.Mutex       // steps of this process follow each other
	algorithms []jose.Algorithm // under changing: those that tokens are signed with
}

// Settings are what a Ring is made of.
type Settings struct {
	Environment string // bound into every seal: a key of another environment does not open
	Purpose     string
	Keys        store.Keys
	Seal        *Seal
	Header      func(algorithm, kid string) []byte // the JOSE header that the dialect gives its tokens
	Now         func() time.Time

	Lifetime    time.Duration // no token lives longer; zero: 24 hours
	Announce    time.Duration // how long a key is published before it may sign; zero: an hour
	RotateEvery time.Duration // how long a key signs; zero: 90 days
}

// opened is one reading of the store.
type opened struct {
	signers map[jose.Algorithm]*jose.Signer // of the active keys
	byID    map[string]*jose.Signer         // of all keys
	public  []jose.PublicKey
	stored  []store.Key // what was read
	jwks    []byte
}

// Open returns the ring with an active key and a standby for each of the
// algorithms; it creates those that are missing. Of several nodes that start at
// once, one creates a key and the others find it. It returns ErrSealed when the
// sealing key is not the one that the keys were sealed with.
func Open(ctx context.Context, s Settings, algorithms []jose.Algorithm, by store.By) (*Ring, error) {
	s.Lifetime = cmp.Or(s.Lifetime, longestLife)
	s.Announce = cmp.Or(s.Announce, time.Hour)
	s.RotateEvery = cmp.Or(s.RotateEvery, 90*24*time.Hour)
	r := &Ring{settings: s}
	if err := r.Reload(ctx); err != nil {
		return nil, err
	}
	return r, r.Ensure(ctx, algorithms, by)
}

// Signer returns the signer for an algorithm. An algorithm that neither Open nor
// Ensure was told of is an error.
func (r *Ring) Signer(algorithm jose.Algorithm) (*jose.Signer, error) {
	signer := r.open.Load().signers[algorithm]
	if signer == nil {
		return nil, fmt.Errorf("%w %s", ErrAlgorithm, algorithm)
	}
	return signer, nil
}

// Public returns the public keys by which tokens are accepted, the slice shared
// and not to be changed.
func (r *Ring) Public() []jose.PublicKey { return r.open.Load().public }

// JWKS returns the key set document (RFC 7517 §5), shared and not to be changed.
// The active keys come first, for verifiers that know no kid.
func (r *Ring) JWKS() []byte { return r.open.Load().jwks }

// Reload reads what is stored, which another node may have changed. A key that
// does not open is left out and reported, and all others count; what was opened
// before needs no sealing key again. Until it returns, and when the store does
// not answer, the ring is as it was.
func (r *Ring) Reload(ctx context.Context) error {
	r.loading.Lock()
	defer r.loading.Unlock()
	stored, err := r.list(ctx)
	if err != nil {
		return err
	}
	before := r.open.Load()
	if before == nil {
		before = &opened{}
	}
	next, faults := r.read(stored, before)
	if before.byID == nil && faults != nil {
		return faults // at the start nothing is left out
	}
	if next.jwks, err = jose.MarshalJWKSet(next.public); err != nil {
		return errors.Join(faults, err)
	}
	r.open.Store(next)
	return faults
}

func (r *Ring) read(stored []store.Key, before *opened) (next *opened, faults error) {
	next = &opened{signers: map[jose.Algorithm]*jose.Signer{}, byID: map[string]*jose.Signer{}, stored: stored}
	orphaned := map[string]bool{} // algorithms whose active key was denied
	order := []string{store.KeyActive, store.KeyStandby, store.KeyRetired}
	slices.SortStableFunc(stored, func(a, b store.Key) int {
		return slices.Index(order, a.State()) - slices.Index(order, b.State())
	})
	for _, k := range stored {
		if k.State() == store.KeyGone {
			continue
		}
		if r.denied[k.ID] {
			orphaned[k.Algorithm] = orphaned[k.Algorithm] || k.State() == store.KeyActive
			continue
		}
		signer := before.byID[k.ID]
		if signer == nil {
			var err error
			if signer, err = r.signer(k); err != nil {
				faults = errors.Join(faults, err)
				continue
			}
		}
		next.byID[k.ID] = signer
		next.public = append(next.public, signer.Public())
		if k.State() == store.KeyActive || k.State() == store.KeyStandby && orphaned[k.Algorithm] {
			next.signers[signer.Algorithm()] = signer
		}
	}
	// Where the new active key does not open, the one of before signs on, if it is
	// still published.
	for algorithm, signer := range before.signers {
		if next.signers[algorithm] == nil && next.byID[signer.KeyID()] != nil {
			next.signers[algorithm] = signer
		}
	}
	return next, faults
}

// list returns the stored keys of this ring's purpose, oldest first.
func (r *Ring) list(ctx context.Context) ([]store.Key, error) {
	stored, err := r.settings.Keys.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the signing keys: %w", err)
	}
	return slices.DeleteFunc(stored, func(k store.Key) bool { return k.Purpose != r.settings.Purpose }), nil
}

// holder is the key of an algorithm in that state, nil where there is none.
func holder(stored []store.Key, algorithm jose.Algorithm, state string) *store.Key {
	for i := range stored {
		if stored[i].Algorithm == string(algorithm) && stored[i].State() == state {
			return &stored[i]
		}
	}
	return nil
}

// Ensure makes the keys that are missing for the algorithms, and keeps to them
// from now on: Open calls it, and a catalogue that was read again may have others.
func (r *Ring) Ensure(ctx context.Context, algorithms []jose.Algorithm, by store.By) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	r.algorithms = slices.Clone(algorithms)
	return r.ensure(ctx, by)
}

// ensure is called under changing.
func (r *Ring) ensure(ctx context.Context, by store.By) error {
	stored, err := r.list(ctx)
	if err != nil {
		return err
	}
	by.At = r.settings.Now()
	var missing []store.Key
	for _, algorithm := range r.algorithms {
		if holder(stored, algorithm, store.KeyActive) == nil {
			missing = append(missing, store.Key{Algorithm: string(algorithm), ActivatedAt: by.At})
		}
		if holder(stored, algorithm, store.KeyStandby) == nil {
			missing = append(missing, store.Key{Algorithm: string(algorithm)})
		}
	}
	if len(missing) == 0 {
		return r.Reload(ctx) // another node may have made them since the last time
	}
	if err := r.sealed(stored); err != nil {
		return err
	}
	for _, made := range r.makeAll(missing, by.At) {
		if made.err != nil {
			return made.err
		}
		// Where another node was first, its key is found below.
		if err := r.settings.Keys.Create(ctx, made.key, by); err != nil && !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return r.Reload(ctx)
}
