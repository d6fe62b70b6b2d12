package keys

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"fmt"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/store"
)

type made struct {
	key store.Key
	err error
}

// makeAll makes keys for the given algorithms and roles. It makes them at the
// same time, for an RSA key takes a good part of a second.
func (r *Ring) makeAll(wanted []store.Key, now time.Time) []made {
	all := make([]made, len(wanted))
	var making sync.WaitGroup
	for i, k := range wanted {
		making.Go(func() {
			all[i].key, all[i].err = r.make(jose.Algorithm(k.Algorithm), now)
			all[i].key.ActivatedAt = k.ActivatedAt
		})
	}
	making.Wait()
	return all
}

// make makes a standby.
func (r *Ring) make(algorithm jose.Algorithm, now time.Time) (store.Key, error) {
	for {
		private, err := jose.Generate(algorithm)
		if err != nil {
			return store.Key{}, fmt.Errorf("make a signing key for %s: %w", algorithm, err)
		}
		kid, err := jose.Thumbprint(private.Public())
		if err != nil {
			return store.Key{}, err
		}
		// A published example token begins with eyJraWQiOiJ. Its last character
		// depends on the first one of the kid: a letter or _ makes it true of every
		// token that we issue. Five keys of six are like that.
		if kid[0] >= '@' {
			return r.seal(algorithm, kid, private, now)
		}
	}
}

func (r *Ring) seal(algorithm jose.Algorithm, kid string, private crypto.Signer, now time.Time) (store.Key, error) {
	public, err := jose.MarshalJWK(jose.PublicKey{KeyID: kid, Algorithm: algorithm, Key: private.Public()})
	if err != nil {
		return store.Key{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return store.Key{}, err
	}
	return store.Key{
		ID: kid, Purpose: r.settings.Purpose, Algorithm: string(algorithm), Public: public,
		Sealed:    r.settings.Seal.Close(der, bound(r.settings.Environment, r.settings.Purpose, kid)),
		CreatedAt: now,
	}, nil
}

// signer opens a stored key. What it makes of it depends on the sealed part
// alone: who can write to the store, and has not the sealing key, cannot have a
// key of their own believed.
func (r *Ring) signer(k store.Key) (*jose.Signer, error) {
	der, err := r.settings.Seal.Open(k.Sealed, bound(r.settings.Environment, k.Purpose, k.ID))
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
	signer, err := jose.NewSigner(jose.Algorithm(k.Algorithm), k.ID, private, r.settings.Header(k.Algorithm, k.ID))
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", k.ID, err)
	}
	return signer, nil
}

// sealed says whether all keys open with this ring's sealing key: one that was
// exchanged while this process ran must not seal a new key.
func (r *Ring) sealed(stored []store.Key) error {
	for _, k := range stored {
		if k.State() == store.KeyGone {
			continue
		}
		if _, err := r.settings.Seal.Open(k.Sealed, bound(r.settings.Environment, k.Purpose, k.ID)); err != nil {
			return fmt.Errorf("signing key %s of %s: %w", k.ID, r.settings.Environment, err)
		}
	}
	return nil
}

// bound is what a seal is bound to: a sealed key that is moved elsewhere in the
// store, or to another environment, does not open.
func bound(environment, purpose, kid string) []byte {
	return bytes.Join([][]byte{[]byte("grantway signing key"), []byte(environment), []byte(purpose), []byte(kid)}, []byte{0})
}
