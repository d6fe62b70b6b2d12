package resource

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"slices"

	"github.com/grantway/grantway/internal/jose"
)

// keys are what signatures are checked with.
type keys interface {
	// find returns the keys that a token with this header may be signed with. An
	// error is ErrUnavailable, or means that there is none.
	find(ctx context.Context, id string, algorithm jose.Algorithm) ([]jose.PublicKey, error)
	// hold reports whether a key is still one of them.
	hold(ctx context.Context, key *jose.PublicKey) bool
	// renew reports whether it is worth asking again.
	renew(ctx context.Context) bool
}

var errUnknownKey = errors.New("the issuer publishes no such key")

func (k *KeySet) find(ctx context.Context, id string, algorithm jose.Algorithm) ([]jose.PublicKey, error) {
	s, err := k.fresh(ctx)
	if err != nil {
		return nil, err
	}
	found := s.find(id, algorithm)
	if len(found) == 0 {
		k.renew(ctx)
		found = k.current.Load().find(id, algorithm)
	}
	if len(found) == 0 {
		return nil, errUnknownKey
	}
	return found, nil
}

// find: a token that names its key has that one, or one of those without a name.
func (s *keySnapshot) find(id string, algorithm jose.Algorithm) []jose.PublicKey {
	var unnamed []jose.PublicKey
	for i, key := range s.keys {
		if id != "" && key.KeyID == id {
			return s.keys[i : i+1]
		}
		if key.Algorithm == algorithm && (id == "" || key.KeyID == "") && len(unnamed) < maxTries {
			unnamed = append(unnamed, key)
		}
	}
	return unnamed
}

func (k *KeySet) hold(ctx context.Context, key *jose.PublicKey) bool {
	s, err := k.fresh(ctx)
	if err != nil {
		return false
	}
	for i := range s.keys {
		if equal(&s.keys[i], key) {
			return true
		}
	}
	return false
}

// renew waits for keys that are newer than those that were just looked at, which
// there may be already.
func (k *KeySet) renew(ctx context.Context) bool {
	f := k.begin()
	return f != nil && f.wait(ctx, patience) == nil
}

// keyFunc is Config.Key.
type keyFunc func(ctx context.Context, id string) (crypto.PublicKey, string, error)

func (f keyFunc) find(ctx context.Context, id string, _ jose.Algorithm) ([]jose.PublicKey, error) {
	key, algorithm, err := f(ctx, id)
	if err != nil {
		return nil, err
	}
	return []jose.PublicKey{{KeyID: id, Algorithm: jose.Algorithm(algorithm), Key: key}}, nil
}

func (f keyFunc) hold(ctx context.Context, key *jose.PublicKey) bool {
	now, algorithm, err := f(ctx, key.KeyID)
	return err == nil && string(key.Algorithm) == algorithm && same(now, key.Key)
}

func (f keyFunc) renew(context.Context) bool { return false }

func equal(a, b *jose.PublicKey) bool {
	return a.KeyID == b.KeyID && a.Algorithm == b.Algorithm && same(a.Key, b.Key)
}

// same compares the pointers first: comparing the numbers allocates.
func same(a, b crypto.PublicKey) bool {
	switch a := a.(type) {
	case *ecdsa.PublicKey:
		b, ok := b.(*ecdsa.PublicKey)
		return ok && (a == b || a.Equal(b))
	case *rsa.PublicKey:
		b, ok := b.(*rsa.PublicKey)
		return ok && (a == b || a.Equal(b))
	case ed25519.PublicKey:
		b, ok := b.(ed25519.PublicKey)
		return ok && slices.Equal(a, b)
	}
	return false
}
