package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"
)

// The three columns of one run: the bare primitive, this package, go-jose.

func BenchmarkSign(b *testing.B) {
	digest := sha256.Sum256([]byte(sampleClaims))
	for _, alg := range Algorithms() {
		key := privateKey(alg)
		b.Run(string(alg)+"/primitive", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				signPrimitive(b, alg, key, digest[:])
			}
		})
		b.Run(string(alg)+"/ours", func(b *testing.B) {
			signer, claims := newSigner(b, alg), []byte(sampleClaims)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := signer.Sign(b.Context(), claims); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(string(alg)+"/go-jose", func(b *testing.B) {
			signingKey := gojose.SigningKey{Algorithm: gojose.SignatureAlgorithm(alg), Key: key}
			signer, err := gojose.NewSigner(signingKey, (&gojose.SignerOptions{}).WithHeader("kid", "k1"))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				signed, err := signer.Sign([]byte(sampleClaims))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := signed.CompactSerialize(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// signPrimitive is what plainly written code calls.
func signPrimitive(b *testing.B, alg Algorithm, key crypto.Signer, digest []byte) {
	var options crypto.SignerOpts = crypto.SHA256
	switch alg {
	case EdDSA:
		options, digest = crypto.Hash(0), []byte(sampleClaims)
	case PS256:
		options = pssOptions
	}
	if _, err := key.Sign(rand.Reader, digest, options); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkVerify(b *testing.B) {
	digest := sha256.Sum256([]byte(sampleClaims))
	for _, alg := range Algorithms() {
		key := privateKey(alg)
		public := newSigner(b, alg).Public()
		token := sign(b, alg, sampleClaims)
		b.Run(string(alg)+"/primitive", func(b *testing.B) {
			verify := verifyPrimitive(b, alg, key, digest[:])
			b.ReportAllocs()
			for b.Loop() {
				if !verify() {
					b.Fatal("does not verify")
				}
			}
		})
		b.Run(string(alg)+"/ours", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				payload, err := check(token, public)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := ParseClaims(payload); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(string(alg)+"/go-jose", func(b *testing.B) { // without reading the claims
			b.ReportAllocs()
			for b.Loop() {
				if _, err := checkTheirs(token, public); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func verifyPrimitive(b *testing.B, alg Algorithm, key crypto.Signer, digest []byte) func() bool {
	var options crypto.SignerOpts = crypto.SHA256
	message := digest
	switch alg {
	case EdDSA:
		options, message = crypto.Hash(0), []byte(sampleClaims)
	case PS256:
		options = pssOptions
	}
	signature, err := key.Sign(rand.Reader, message, options)
	if err != nil {
		b.Fatal(err)
	}
	return func() bool {
		switch public := key.Public().(type) {
		case *ecdsa.PublicKey:
			return ecdsa.VerifyASN1(public, digest, signature)
		case ed25519.PublicKey:
			return ed25519.Verify(public, message, signature)
		case *rsa.PublicKey:
			if alg == PS256 {
				return rsa.VerifyPSS(public, crypto.SHA256, digest, signature, pssOptions) == nil
			}
			return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest, signature) == nil
		}
		return false
	}
}

func BenchmarkParts(b *testing.B) {
	token := sign(b, ES256, sampleClaims)
	b.Run("Parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Parse(token); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ParseClaims", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ParseClaims([]byte(sampleClaims)); err != nil {
				b.Fatal(err)
			}
		}
	})
	ec, okp, rsaKey := goodJWKs()
	for name, jwk := range map[string]string{"P-256": ec, "Ed25519": okp, "RSA": rsaKey} {
		b.Run(fmt.Sprintf("ParseJWK/%s", name), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseJWK([]byte(jwk)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
