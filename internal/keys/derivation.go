package keys

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/grantway/grantway/internal/store"
)

// A Derivation makes the secrets that are derived instead of being kept, such as
// the refresh tokens of an environment: the same message gives the same bytes, on
// every node and after every start. It is safe for concurrent use.
//
// Its key is random, is kept among the signing keys of the environment, sealed as
// they are, and signs nothing. So another sealing key (`grantway keys rekey`)
// changes nothing of what was derived. Where the sealing key is lost the key is
// lost with it; the next start makes another one, and what was derived before is
// not recognised any more.
type Derivation struct{ key []byte }

// derivationAlgorithm is what the store calls the algorithm of such a key.
const derivationAlgorithm = "HS256"

// OpenDerivation reads the environment's key for a purpose and makes it where there
// is none. It returns ErrSealed where the key was sealed with another sealing key.
func OpenDerivation(ctx context.Context, s Settings, random io.Reader, by store.By) (*Derivation, error) {
	for try := 0; ; try++ {
		stored, err := s.Keys.List(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the %s key: %w", s.Purpose, err)
		}
		stored = slices.DeleteFunc(stored, func(k store.Key) bool { return k.Purpose != s.Purpose })
		for _, k := range stored {
			if k.State() != store.KeyActive {
				continue
			}
			key, err := s.Seal.Open(k.Sealed, bound(s.Environment, s.Purpose, k.ID))
			if err != nil {
				return nil, fmt.Errorf("the %s key %s of %s: %w", s.Purpose, k.ID, s.Environment, err)
			}
			return &Derivation{key}, nil
		}
		if try == 2 {
			return nil, fmt.Errorf("the %s key of %s was made and is not there", s.Purpose, s.Environment)
		}
		// The number makes the id the same on all nodes, so that of several that make
		// the key at a time one does, and new after a key that was removed.
		id := fmt.Sprintf("%s-%s-%d", s.Purpose, s.Environment, len(stored)+1)
		key := make([]byte, sha256.Size)
		if _, err := io.ReadFull(random, key); err != nil {
			return nil, fmt.Errorf("make the %s key: %w", s.Purpose, err)
		}
		by.At = s.Now()
		err = s.Keys.Create(ctx, store.Key{
			ID: id, Purpose: s.Purpose, Algorithm: derivationAlgorithm,
			Sealed: s.Seal.Close(key, bound(s.Environment, s.Purpose, id)), CreatedAt: by.At, ActivatedAt: by.At,
		}, by)
		if err != nil && !errors.Is(err, store.ErrConflict) {
			return nil, err
		}
	}
}

// Seal returns a seal for what the store keeps of one use. Unlike the sealing key
// it stays the same when that one is exchanged, and what it sealed opens as before.
func (d *Derivation) Seal(use string) *Seal {
	key, err := hkdf.Expand(sha256.New, d.key, "seal "+use, sha256.Size)
	if err != nil {
		panic(err) // 32 bytes can always be had
	}
	seal, err := SealOf(key)
	if err != nil {
		panic(err) // the key is as long as it must be
	}
	return seal
}

// Derive returns 32 bytes that belong to the message and to what they are for.
// Nobody can guess them who has not the key.
func (d *Derivation) Derive(use, message string) [sha256.Size]byte {
	// A key of its own for each use (RFC 5869 §3.2).
	key, err := hkdf.Expand(sha256.New, d.key, use, sha256.Size)
	if err != nil {
		panic(err) // 32 bytes can always be had
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(message))
	return [sha256.Size]byte(mac.Sum(nil))
}
