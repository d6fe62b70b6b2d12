package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
)

// Verify checks the signature with key and only then returns what the token
// claims, byte for byte; with any error it returns nothing. The bytes are the
// caller's to read, not to change. Whether they are acceptable claims is for
// ParseClaims and the caller.
//
// ErrAlgorithm: the header's algorithm is not the key's, or not one for this
// kind of key. ErrKey: the key is weak or invalid, or the header names another
// kid. ErrSignature: everything else.
func (p *Parsed) Verify(key PublicKey) ([]byte, error) {
	if key.Algorithm != p.header.algorithm {
		return nil, fmt.Errorf("%w: it is not the key's own", ErrAlgorithm)
	}
	if p.header.keyID != "" && key.KeyID != "" && p.header.keyID != key.KeyID {
		return nil, fmt.Errorf("%w: the header names another kid", ErrKey)
	}
	if err := fits(key.Algorithm, key.Key); err != nil {
		return nil, err
	}
	if !p.signedBy(key.Key) {
		return nil, ErrSignature
	}
	return p.payload, nil
}

// signedBy expects a key that fits the header's algorithm.
func (p *Parsed) signedBy(public crypto.PublicKey) bool {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		raw := p.signature
		if len(raw) != rawSize || !inRange(raw[:scalarSize]) || !inRange(raw[scalarSize:]) {
			return false
		}
		digest := sha256.Sum256(p.input)
		var der [maxDERSize]byte
		return ecdsa.VerifyASN1(key, digest[:], appendDER(der[:0], raw))
	case ed25519.PublicKey:
		return len(p.signature) == ed25519.SignatureSize && ed25519.Verify(key, p.input, p.signature)
	case *rsa.PublicKey:
		if len(p.signature) != key.Size() { // RFC 8017 §8.1.2, §8.2.2
			return false
		}
		digest := sha256.Sum256(p.input)
		if p.header.algorithm == PS256 {
			return rsa.VerifyPSS(key, crypto.SHA256, digest[:], p.signature, pssOptions) == nil
		}
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], p.signature) == nil
	default:
		return false
	}
}
