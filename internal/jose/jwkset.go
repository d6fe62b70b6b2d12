package jose

import (
	"bytes"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// maxJWKSet is the longest JWK set that is read, in bytes.
const maxJWKSet = 256 << 10

// MarshalJWKSet writes the document {"keys":[…]} of RFC 7517 §5, each key as
// MarshalJWK does and in the order given. No keys make an empty array. Two keys
// with one kid are ErrDuplicateKeyID.
func MarshalJWKSet(keys []PublicKey) ([]byte, error) {
	seen := make(map[string]bool, len(keys))
	document := []byte(`{"keys":[`)
	for i, key := range keys {
		if key.KeyID != "" && seen[key.KeyID] {
			return nil, ErrDuplicateKeyID
		}
		seen[key.KeyID] = true
		if i > 0 {
			document = append(document, ',')
		}
		var err error
		if document, err = appendJWK(document, key); err != nil {
			return nil, fmt.Errorf("key %d of the set: %w", i+1, err)
		}
	}
	return append(document, "]}"...), nil
}

// ParseJWKSet reads a set of public keys and returns those that can check
// signatures here, in their order; there may be none. A key that is for
// encryption, of an unsupported kind, weak, or lacks what its kind requires is
// left out, as RFC 7517 §5 advises. The whole set is refused when it exceeds 256 KiB (ErrTooLarge), when
// two keys have the same kid (ErrDuplicateKeyID), when any key has a private
// member (ErrPrivateMember), or when it is not strict JSON of that shape
// (ErrMalformed).
func ParseJWKSet(data []byte) ([]PublicKey, error) {
	if len(data) > maxJWKSet {
		return nil, fmt.Errorf("%w: the key set exceeds 256 KiB", ErrTooLarge)
	}
	var keys []PublicKey
	found := false
	err := eachMember(data, func(name []byte, value jsontext.Value) (err error) {
		if string(name) == "keys" {
			found = true
			keys, err = parseKeys(value)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("%w: the key set has no keys", ErrMalformed)
	}
	return keys, nil
}

func parseKeys(array jsontext.Value) ([]PublicKey, error) {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(array))
	if decoder.PeekKind() != '[' {
		return nil, fmt.Errorf("%w: the keys of a set are an array", ErrMalformed)
	}
	if _, err := decoder.ReadToken(); err != nil {
		return nil, syntaxError(err)
	}
	var keys []PublicKey
	seen := map[string]bool{}
	for position := 1; decoder.PeekKind() != ']'; position++ {
		element, err := decoder.ReadValue()
		if err != nil {
			return nil, syntaxError(err)
		}
		m, err := parseMembers(element)
		if err != nil {
			return nil, fmt.Errorf("key %d of the set: %w", position, err)
		}
		if m.kid != "" && seen[m.kid] {
			return nil, fmt.Errorf("key %d of the set: %w", position, ErrDuplicateKeyID)
		}
		seen[m.kid] = true
		if key, err := m.publicKey(); err == nil { // else it is not for us
			keys = append(keys, key)
		}
	}
	return keys, nil
}
