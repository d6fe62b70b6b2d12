// Package jose signs and checks the compact tokens (JWS) that this system
// issues, and reads and writes public keys as JWK.
//
// It is not a general JOSE library: there is no encryption, no HMAC, no JSON
// serialisation, and a header can never bring the key it is checked with.
// Where keys live and when they rotate is internal/keys; what a token says is
// internal/token; whether its claims are acceptable is the caller's decision.
//
// It follows RFC 7515 (JWS), RFC 7517 (JWK), RFC 7518 (algorithms), RFC 7638
// (thumbprints), RFC 8037 (Ed25519) and the advice of RFC 8725.
package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
)

// Errors that callers can tell apart with errors.Is. Their texts, and those of
// the errors that wrap them, never contain any part of a token or of a key.
var (
	// ErrTooLarge: the input is longer than this package reads or writes.
	ErrTooLarge = errors.New("jose: too large")
	// ErrMalformed: not a compact JWS, not strict base64url, or not strict JSON.
	ErrMalformed = errors.New("jose: malformed")
	// ErrHeader: the header demands something that is never honoured, such as
	// bringing its own key or a critical extension.
	ErrHeader = errors.New("jose: header parameter refused")
	// ErrAlgorithm: the algorithm is unknown, "none", or not the key's own.
	ErrAlgorithm = errors.New("jose: algorithm refused")
	// ErrKey: the key is of a kind, size or use that is not supported, weak, or
	// not the one that the header names.
	ErrKey = errors.New("jose: key refused")
	// ErrPrivateMember: a JWK that should be public has private members.
	ErrPrivateMember = errors.New("jose: key has private members")
	// ErrDuplicateKeyID: two keys of one set have the same kid.
	ErrDuplicateKeyID = errors.New("jose: duplicate kid")
	// ErrSignature: the signature does not belong to this token and key.
	ErrSignature = errors.New("jose: signature does not verify")
)

// Algorithm is a signature algorithm by its JWA name (RFC 7518 §3.1).
type Algorithm string

// The algorithms that are signed and checked. Every other one is refused.
const (
	ES256 Algorithm = "ES256" // ECDSA on P-256 with SHA-256
	RS256 Algorithm = "RS256" // RSASSA-PKCS1-v1_5 with SHA-256
	EdDSA Algorithm = "EdDSA" // Ed25519 (RFC 8037)
	PS256 Algorithm = "PS256" // RSASSA-PSS with SHA-256
)

const (
	minRSABits = 2048 // RFC 7518 §3.3
	maxRSABits = 4096 // beyond it, checking a signature is itself an attack
)

// Algorithms lists the supported algorithms, the preferred one first. The
// slice is the caller's own.
func Algorithms() []Algorithm {
	return []Algorithm{ES256, RS256, EdDSA, PS256}
}

// Generate makes a private key for alg: P-256, RSA with 2048 bits, or Ed25519.
// An unknown algorithm is ErrAlgorithm.
func Generate(alg Algorithm) (crypto.Signer, error) {
	switch alg {
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case RS256, PS256:
		return rsa.GenerateKey(rand.Reader, minRSABits)
	case EdDSA:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	default:
		return nil, fmt.Errorf("%w: cannot generate a key for it", ErrAlgorithm)
	}
}

// PublicKey is a key to check tokens with. Algorithm is fixed here, with the
// key, and never taken from a token (RFC 8725 §3.1); a key without one checks
// nothing. Key is an *ecdsa.PublicKey, *rsa.PublicKey or ed25519.PublicKey.
type PublicKey struct {
	KeyID     string // kid; empty when the key has none
	Algorithm Algorithm
	Key       crypto.PublicKey
}

// AlgorithmFits reports whether pub may be used with alg: nil, ErrAlgorithm
// when the kind of key is another one, or ErrKey when the key is of the right
// kind but weak or invalid: RSA outside 2048 to 4096 bits or with an exponent
// that is even or 1, points off the curve or of small order.
func AlgorithmFits(alg Algorithm, pub crypto.PublicKey) error {
	if err := fits(alg, pub); err != nil {
		return err
	}
	switch key := pub.(type) {
	case *ecdsa.PublicKey:
		if _, err := key.ECDH(); err != nil {
			return fmt.Errorf("%w: the point is not on P-256", ErrKey)
		}
	case ed25519.PublicKey:
		if !onEd25519(key) {
			return fmt.Errorf("%w: the point is not on Ed25519", ErrKey)
		}
	}
	return nil
}

// fits is the part of AlgorithmFits that is cheap enough for every check of a
// signature. What it leaves out, the primitives find for themselves.
func fits(alg Algorithm, pub crypto.PublicKey) error {
	switch alg {
	case ES256:
		if key, ok := pub.(*ecdsa.PublicKey); ok && key != nil {
			return fitsP256(key)
		}
	case RS256, PS256:
		if key, ok := pub.(*rsa.PublicKey); ok && key != nil {
			return fitsRSA(key)
		}
	case EdDSA:
		if key, ok := pub.(ed25519.PublicKey); ok {
			return fitsEd25519(key)
		}
	default:
		return fmt.Errorf("%w: not a supported algorithm", ErrAlgorithm)
	}
	return fmt.Errorf("%w: it is not one for this kind of key", ErrAlgorithm)
}

func fitsP256(key *ecdsa.PublicKey) error {
	if key.Curve != elliptic.P256() {
		return fmt.Errorf("%w: the curve is not P-256", ErrKey)
	}
	return nil
}

func fitsRSA(key *rsa.PublicKey) error {
	if key.N == nil || key.N.Sign() <= 0 || key.N.Bit(0) == 0 {
		return fmt.Errorf("%w: the RSA modulus is not a positive odd number", ErrKey)
	}
	if bits := key.N.BitLen(); bits < minRSABits || bits > maxRSABits {
		return fmt.Errorf("%w: RSA keys have 2048 to 4096 bits", ErrKey)
	}
	if key.E < 3 || key.E%2 == 0 || key.E > maxRSAExponent {
		return fmt.Errorf("%w: the RSA exponent is not an odd number from 3 to 2147483647", ErrKey)
	}
	return nil
}

func fitsEd25519(key ed25519.PublicKey) error {
	if len(key) != ed25519.PublicKeySize {
		return fmt.Errorf("%w: Ed25519 keys have 32 bytes", ErrKey)
	}
	if smallOrder(key) {
		return fmt.Errorf("%w: the point has small order", ErrKey)
	}
	return nil
}

// maxRSAExponent is the largest exponent that crypto/rsa accepts.
const maxRSAExponent = 1<<31 - 1
