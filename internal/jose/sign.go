package jose

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"runtime"
)

// rsaSlots bounds the RSA signatures that this process makes at one time. Each
// takes milliseconds of a core; more of them than cores would only starve
// everything else, and all signers share the same cores.
var rsaSlots = make(chan struct{}, runtime.GOMAXPROCS(0))

var pssOptions = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256} // RFC 7518 §3.5

// Signer makes tokens with one key under one fixed header. It is safe for
// concurrent use when its key is; the keys of the standard library are.
type Signer struct {
	algorithm     Algorithm
	keyID         string
	key           crypto.Signer
	prefix        []byte // the encoded header and its full stop
	signatureSize int    // bytes
}

// NewSigner prepares a signer. The header is JSON written by the caller, whose
// dialect decides on its members and their order, and is used byte for byte;
// its alg must be alg and its kid, if it has one, kid. A jwk in it, which makes
// the tokens proofs for ParseProof, must be this key's public half. A key that
// alg does not fit is ErrAlgorithm or ErrKey, as AlgorithmFits says, and a header
// that could not be parsed again is refused with the error that Parse would give.
func NewSigner(alg Algorithm, kid string, key crypto.Signer, header []byte) (*Signer, error) {
	if key == nil {
		return nil, fmt.Errorf("%w: no key", ErrKey)
	}
	if err := AlgorithmFits(alg, key.Public()); err != nil {
		return nil, err
	}
	parsed, err := parseHeader(header, true)
	if err != nil {
		return nil, err
	}
	if parsed.algorithm != alg {
		return nil, fmt.Errorf("%w: the header names another one", ErrAlgorithm)
	}
	if parsed.keyID != "" && parsed.keyID != kid {
		return nil, fmt.Errorf("%w: the header names another kid", ErrKey)
	}
	if err := ownKey(parsed.jwk, key.Public()); err != nil {
		return nil, err
	}
	size := rawSize // as it happens, Ed25519's is the same
	if public, ok := key.Public().(*rsa.PublicKey); ok {
		size = public.Size()
	}
	prefix := append(encoding.AppendEncode(nil, header), '.')
	return &Signer{algorithm: alg, keyID: kid, key: key, prefix: prefix, signatureSize: size}, nil
}

// ownKey checks that the JWK of a header, if it has one, describes public.
func ownKey(jwk []byte, public crypto.PublicKey) error {
	if jwk == nil {
		return nil
	}
	named, err := ParseJWK(jwk)
	if err != nil {
		return err
	}
	if key, ok := named.Key.(interface{ Equal(crypto.PublicKey) bool }); !ok || !key.Equal(public) {
		return fmt.Errorf("%w: the header has the jwk of another", ErrKey)
	}
	return nil
}

// Under returns a signer with the same key and another header, by the rules of
// NewSigner.
func (s *Signer) Under(header []byte) (*Signer, error) {
	return NewSigner(s.algorithm, s.keyID, s.key, header)
}

// Algorithm is the algorithm of every token this signer makes.
func (s *Signer) Algorithm() Algorithm { return s.algorithm }

// KeyID is the kid that was given to NewSigner.
func (s *Signer) KeyID() string { return s.keyID }

// Public is the key that checks what this signer makes.
func (s *Signer) Public() PublicKey {
	return PublicKey{KeyID: s.keyID, Algorithm: s.algorithm, Key: s.key.Public()}
}

// Sign returns the compact token for claims, a JSON object in bytes, which is
// signed as it is. RSA signatures wait for a free core, and while they wait the
// end of ctx ends the call with its error; the other algorithms are too fast to
// wait. A token longer than Parse would read is ErrTooLarge.
func (s *Signer) Sign(ctx context.Context, claims []byte) (string, error) {
	size := len(s.prefix) + encoding.EncodedLen(len(claims)) + 1 + encoding.EncodedLen(s.signatureSize)
	if size > maxToken {
		return "", fmt.Errorf("%w: the token would exceed 16 KiB", ErrTooLarge)
	}
	var scratch [2048]byte // stays on the stack and holds nearly every token
	token := append(scratch[:0], s.prefix...)
	token = encoding.AppendEncode(token, claims)

	var raw [rawSize]byte
	var signature []byte
	var err error
	switch s.algorithm {
	case ES256:
		raw, err = s.signECDSA(token)
		signature = raw[:]
	case EdDSA:
		signature, err = s.signEd25519(token)
	default:
		signature, err = s.signRSA(ctx, token)
	}
	if err != nil {
		return "", err
	}
	if len(signature) != s.signatureSize {
		return "", fmt.Errorf("%w: the signer returned one of the wrong length", ErrSignature)
	}
	token = append(token, '.')
	token = encoding.AppendEncode(token, signature)
	return string(token), nil
}

func (s *Signer) signECDSA(input []byte) ([rawSize]byte, error) {
	digest := sha256.Sum256(input)
	var der []byte
	var err error
	if key, ok := s.key.(*ecdsa.PrivateKey); ok {
		// Without a source of randomness the signature is the deterministic one
		// of RFC 6979, which RFC 8725 §3.2 prefers and which is a fifth faster.
		der, err = key.Sign(nil, digest[:], crypto.SHA256)
	} else {
		der, err = s.key.Sign(rand.Reader, digest[:], crypto.SHA256)
	}
	if err != nil {
		return [rawSize]byte{}, fmt.Errorf("jose: sign with ES256: %w", err)
	}
	return rawFromDER(der)
}

func (s *Signer) signEd25519(input []byte) ([]byte, error) {
	if key, ok := s.key.(ed25519.PrivateKey); ok {
		return ed25519.Sign(key, input), nil
	}
	// A copy, so that the buffer of the usual case need not leave the stack.
	signature, err := s.key.Sign(rand.Reader, append([]byte(nil), input...), crypto.Hash(0))
	if err != nil {
		return nil, fmt.Errorf("jose: sign with EdDSA: %w", err)
	}
	return signature, nil
}

func (s *Signer) signRSA(ctx context.Context, input []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil { // select would choose at random
		return nil, fmt.Errorf("jose: wait to sign with %s: %w", s.algorithm, err)
	}
	select {
	case rsaSlots <- struct{}{}:
		defer func() { <-rsaSlots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("jose: wait to sign with %s: %w", s.algorithm, ctx.Err())
	}
	digest := sha256.Sum256(input)
	var options crypto.SignerOpts = crypto.SHA256
	if s.algorithm == PS256 {
		options = pssOptions
	}
	signature, err := s.key.Sign(rand.Reader, digest[:], options)
	if err != nil {
		return nil, fmt.Errorf("jose: sign with %s: %w", s.algorithm, err)
	}
	return signature, nil
}
