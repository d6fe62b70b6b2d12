// Package keys holds an environment's signing keys: it creates them, keeps them
// sealed in the store, publishes their public halves (RFC 7517) and lends them
// to whoever signs.
//
// What is signed is package token's; how is package jose's. One key serves one
// purpose, so that a token of one kind can never pass as one of another
// (RFC 8725 §3.12).
package keys

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/store"
)

// AccessToken is the purpose of keys that sign access tokens.
const AccessToken = "access-token"

// A Ring is the signing keys of one environment and purpose, open and ready. It
// is safe for concurrent use.
type Ring struct {
	settings Settings
	open     atomic.Pointer[opened]
}

// Settings are what a Ring is made of.
type Settings struct {
	Environment string // bound into every seal: a key of another environment does not open
	Purpose     string
	Keys        store.Keys
	Seal        *Seal
	Header      func(algorithm, kid string) []byte // the JOSE header that the dialect gives its tokens
	Now         func() time.Time
}

// opened is one reading of the store.
type opened struct {
	signers map[jose.Algorithm]*jose.Signer
	public  []jose.PublicKey
	jwks    []byte
}

// Open returns the ring with a key for each of the algorithms; it creates those
// that are missing. Of several nodes that start at once, one creates a key and
// the others find it. It returns ErrSealed when the sealing key is not the one
// that the keys were sealed with.
func Open(ctx context.Context, s Settings, algorithms []jose.Algorithm, by store.By) (*Ring, error) {
	r := &Ring{settings: s}
	if err := r.load(ctx); err != nil {
		return nil, err
	}
	created := false
	for _, algorithm := range algorithms {
		if r.open.Load().signers[algorithm] != nil {
			continue
		}
		if err := r.create(ctx, algorithm, by); err != nil {
			return nil, err
		}
		created = true
	}
	if !created {
		return r, nil
	}
	return r, r.load(ctx)
}

// Signer returns the signer for an algorithm. An algorithm that Open was not
// told of is an error: the catalogue named it after the start.
func (r *Ring) Signer(algorithm jose.Algorithm) (*jose.Signer, error) {
	signer := r.open.Load().signers[algorithm]
	if signer == nil {
		return nil, fmt.Errorf("no signing key for %s", algorithm)
	}
	return signer, nil
}

// Ensure makes keys for algorithms that a reloaded catalogue has added.
func (r *Ring) Ensure(ctx context.Context, algorithms []jose.Algorithm, by store.By) error {
	for _, algorithm := range algorithms {
		if r.open.Load().signers[algorithm] != nil {
			continue
		}
		if err := r.create(ctx, algorithm, by); err != nil {
			return err
		}
		if err := r.load(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Public returns the public keys, the slice shared and not to be changed.
func (r *Ring) Public() []jose.PublicKey { return r.open.Load().public }

// JWKS returns the key set document (RFC 7517 §5), shared and not to be changed.
func (r *Ring) JWKS() []byte { return r.open.Load().jwks }

func (r *Ring) load(ctx context.Context) error {
	stored, err := r.settings.Keys.List(ctx)
	if err != nil {
		return fmt.Errorf("read the signing keys: %w", err)
	}
	next := &opened{signers: map[jose.Algorithm]*jose.Signer{}}
	for _, k := range stored {
		if k.Purpose != r.settings.Purpose {
			continue
		}
		private, err := r.unseal(k)
		if err != nil {
			return err
		}
		algorithm := jose.Algorithm(k.Algorithm)
		signer, err := jose.NewSigner(algorithm, k.ID, private, r.settings.Header(k.Algorithm, k.ID))
		if err != nil {
			return fmt.Errorf("signing key %s: %w", k.ID, err)
		}
		next.signers[algorithm] = signer // the newest signs
		next.public = append(next.public, jose.PublicKey{KeyID: k.ID, Algorithm: algorithm, Key: private.Public()})
	}
	if next.jwks, err = jose.MarshalJWKSet(next.public); err != nil {
		return err
	}
	r.open.Store(next)
	return nil
}

func (r *Ring) create(ctx context.Context, algorithm jose.Algorithm, by store.By) error {
	for {
		private, err := jose.Generate(algorithm)
		if err != nil {
			return fmt.Errorf("make a signing key for %s: %w", algorithm, err)
		}
		kid, err := jose.Thumbprint(private.Public())
		if err != nil {
			return err
		}
		// A published example token begins with eyJraWQiOiJ. Its last character
		// depends on the first one of the kid: a letter or _ makes it true of every
		// token that we issue. Five keys of six are like that.
		if kid[0] >= '@' {
			return r.add(ctx, algorithm, kid, private, by)
		}
	}
}

// add stores a key that was made here.
func (r *Ring) add(ctx context.Context, algorithm jose.Algorithm, kid string, private crypto.Signer, by store.By) error {
	public, err := jose.MarshalJWK(jose.PublicKey{KeyID: kid, Algorithm: algorithm, Key: private.Public()})
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	err = r.settings.Keys.Create(ctx, store.Key{
		ID: kid, Purpose: r.settings.Purpose, Algorithm: string(algorithm), Public: public,
		Sealed:    r.settings.Seal.Close(der, r.context(kid)),
		CreatedAt: by.At, ActivatedAt: by.At,
	}, by)
	if errors.Is(err, store.ErrConflict) {
		return nil // another node was first; load finds its key
	}
	return err
}

func (r *Ring) unseal(k store.Key) (crypto.Signer, error) {
	der, err := r.settings.Seal.Open(k.Sealed, r.context(k.ID))
	if err != nil {
		return nil, fmt.Errorf("signing key %s of %s: %w", k.ID, r.settings.Environment, err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", k.ID, err)
	}
	private, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("signing key %s cannot sign", k.ID)
	}
	return private, nil
}

// context is what a seal is bound to: a sealed key that is moved elsewhere in
// the store, or to another environment, does not open.
func (r *Ring) context(kid string) []byte {
	return bytes.Join([][]byte{[]byte("grantway signing key"), []byte(r.settings.Environment), []byte(r.settings.Purpose), []byte(kid)}, []byte{0})
}
