package jose

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"sync"
	"testing"
)

// privateKey returns the tests' key for alg, made once: RSA keys are slow.
func privateKey(alg Algorithm) crypto.Signer { return privateKeys()[alg] }

var privateKeys = sync.OnceValue(func() map[Algorithm]crypto.Signer {
	keys := map[Algorithm]crypto.Signer{}
	for _, alg := range Algorithms() {
		key, err := Generate(alg)
		if err != nil {
			panic(err)
		}
		keys[alg] = key
	}
	return keys
})

const sampleClaims = `{"iss":"https://auth.example","sub":"client-1","aud":"https://api.example",` +
	`"exp":1900003600,"iat":1900000000,"jti":"t-1","scope":"read write","client_id":"client-1"}`

func newSigner(t testing.TB, alg Algorithm) *Signer {
	t.Helper()
	signer, err := NewSigner(alg, "k1", privateKey(alg), fmt.Appendf(nil, `{"kid":"k1","alg":"%s"}`, alg))
	if err != nil {
		t.Fatalf("NewSigner(%s): %v", alg, err)
	}
	return signer
}

func sign(t testing.TB, alg Algorithm, claims string) string {
	t.Helper()
	token, err := newSigner(t, alg).Sign(context.Background(), []byte(claims))
	if err != nil {
		t.Fatalf("Sign with %s: %v", alg, err)
	}
	return token
}

// compact builds a token from its parts as they are.
func compact(header, payload string, signature []byte) string {
	return encoding.EncodeToString([]byte(header)) + "." +
		encoding.EncodeToString([]byte(payload)) + "." + encoding.EncodeToString(signature)
}

// check parses and verifies as a caller does.
func check(token string, key PublicKey) ([]byte, error) {
	parsed, err := Parse(token)
	if err != nil {
		return nil, err
	}
	return parsed.Verify(key)
}

// refused fails the test unless err is want and came without claims.
func refused(t testing.TB, claims []byte, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
	if claims != nil {
		t.Errorf("claims %q came out beside the error", claims)
	}
}

func TestSignThenVerify(t *testing.T) {
	for _, alg := range Algorithms() {
		t.Run(string(alg), func(t *testing.T) {
			signer := newSigner(t, alg)
			token := sign(t, alg, sampleClaims)
			if want := "eyJraWQiOiJ"; !strings.HasPrefix(token, want) {
				t.Errorf("token starts %.12q, want %q: the header is not used as given", token, want)
			}
			parsed, err := Parse(token)
			if err != nil {
				t.Fatal(err)
			}
			if parsed.Algorithm() != alg || parsed.KeyID() != "k1" || parsed.Type() != "" {
				t.Errorf("header read as %q %q %q", parsed.Algorithm(), parsed.KeyID(), parsed.Type())
			}
			if issuer, err := parsed.UnverifiedIssuer(); err != nil || issuer != "https://auth.example" {
				t.Errorf("UnverifiedIssuer: %q, %v", issuer, err)
			}
			claims, err := parsed.Verify(signer.Public())
			if err != nil || string(claims) != sampleClaims {
				t.Errorf("Verify: %q, %v", claims, err)
			}
		})
	}
}

// remoteSigner hides the kind of key, as hardware does.
type remoteSigner struct {
	crypto.Signer
	answer []byte // instead of a signature, when set
}

func (r remoteSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if r.answer != nil {
		return r.answer, nil
	}
	return r.Signer.Sign(random, digest, opts)
}

func TestSignWithHardware(t *testing.T) {
	for _, alg := range Algorithms() {
		header := fmt.Appendf(nil, `{"alg":"%s"}`, alg)
		signer, err := NewSigner(alg, "", remoteSigner{Signer: privateKey(alg)}, header)
		if err != nil {
			t.Fatal(err)
		}
		token, err := signer.Sign(t.Context(), []byte(sampleClaims))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := check(token, signer.Public()); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
		broken, err := NewSigner(alg, "", remoteSigner{privateKey(alg), make([]byte, 63)}, header)
		if err != nil {
			t.Fatal(err)
		}
		if token, err := broken.Sign(t.Context(), []byte(sampleClaims)); !errors.Is(err, ErrSignature) || token != "" {
			t.Errorf("%s: a signature of the wrong form gave %q, %v", alg, token, err)
		}
	}
}

func TestSignerHeader(t *testing.T) {
	own, err := MarshalJWK(PublicKey{Key: privateKey(ES256).Public()})
	if err != nil {
		t.Fatal(err)
	}
	other, err := MarshalJWK(PublicKey{Key: privateKey(EdDSA).Public()})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, header string
		want         error
	}{
		{"complete", `{"alg":"ES256","typ":"at+jwt","kid":"k1"}`, nil},
		{"without kid", `{"alg":"ES256"}`, nil},
		{"proof of its own key", `{"alg":"ES256","jwk":` + string(own) + `}`, nil},
		{"jwk of another key", `{"alg":"ES256","jwk":` + string(other) + `}`, ErrKey},
		{"another algorithm", `{"alg":"RS256","kid":"k1"}`, ErrAlgorithm},
		{"no algorithm", `{"kid":"k1"}`, ErrAlgorithm},
		{"another kid", `{"alg":"ES256","kid":"k2"}`, ErrKey},
		{"crit", `{"alg":"ES256","crit":["exp"]}`, ErrHeader},
		{"alg twice", `{"alg":"ES256","alg":"ES256"}`, ErrMalformed},
		{"not JSON", `alg`, ErrMalformed},
	}
	for _, test := range tests {
		if _, err := NewSigner(ES256, "k1", privateKey(ES256), []byte(test.header)); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
	}
	if _, err := NewSigner(ES256, "", nil, []byte(`{"alg":"ES256"}`)); !errors.Is(err, ErrKey) {
		t.Errorf("no key: %v", err)
	}
}

// A signature waits for a free core, and not longer than its caller does.
func TestRSAWaitsForACore(t *testing.T) {
	signer, fast := newSigner(t, RS256), newSigner(t, ES256)
	for range cap(rsaSlots) {
		rsaSlots <- struct{}{}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error)
	go func() {
		_, err := signer.Sign(ctx, []byte(sampleClaims))
		done <- err
	}()
	if _, err := fast.Sign(ctx, []byte(sampleClaims)); err != nil {
		t.Errorf("ES256 waited for RSA: %v", err)
	}
	cancel(nil)
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("with all cores busy: %v", err)
	}
	for range cap(rsaSlots) {
		<-rsaSlots
	}
	if _, err := signer.Sign(ctx, []byte(sampleClaims)); !errors.Is(err, context.Canceled) {
		t.Errorf("a call already ended: %v", err)
	}
	if _, err := signer.Sign(t.Context(), []byte(sampleClaims)); err != nil || len(rsaSlots) != 0 {
		t.Errorf("with all cores free: %v, and %d still taken", err, len(rsaSlots))
	}
}

func TestGenerateFits(t *testing.T) {
	for _, alg := range Algorithms() {
		if err := AlgorithmFits(alg, privateKey(alg).Public()); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
	}
	if _, err := Generate("HS256"); !errors.Is(err, ErrAlgorithm) {
		t.Errorf("HS256: %v", err)
	}
}

// odd returns a number of exactly so many bits that can stand for a modulus.
func odd(bits int) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
	return n.SetBit(n, 0, 1)
}

func TestG08WeakKeys(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	offCurve := *privateKey(ES256).Public().(*ecdsa.PublicKey)
	//lint:ignore SA1019 an invalid key is what is wanted here
	offCurve.X = new(big.Int).Add(offCurve.X, big.NewInt(1))
	even := odd(2048)
	tests := []struct {
		name string
		alg  Algorithm
		key  crypto.PublicKey
		want error
	}{
		{"2048 bits", RS256, &rsa.PublicKey{N: odd(2048), E: 65537}, nil},
		{"2047 bits", RS256, &rsa.PublicKey{N: odd(2047), E: 65537}, ErrKey},
		{"4096 bits", PS256, &rsa.PublicKey{N: odd(4096), E: 65537}, nil},
		{"4097 bits", PS256, &rsa.PublicKey{N: odd(4097), E: 65537}, ErrKey},
		{"even modulus", RS256, &rsa.PublicKey{N: even.SetBit(even, 0, 0), E: 65537}, ErrKey},
		{"no modulus", RS256, &rsa.PublicKey{E: 65537}, ErrKey},
		{"e 3", RS256, &rsa.PublicKey{N: odd(2048), E: 3}, nil},
		{"e 1", RS256, &rsa.PublicKey{N: odd(2048), E: 1}, ErrKey},
		{"e 2", RS256, &rsa.PublicKey{N: odd(2048), E: 2}, ErrKey},
		{"e 65536", RS256, &rsa.PublicKey{N: odd(2048), E: 65536}, ErrKey},
		{"e 2^31-1", RS256, &rsa.PublicKey{N: odd(2048), E: 1<<31 - 1}, nil},
		{"e 2^31+1", RS256, &rsa.PublicKey{N: odd(2048), E: 1<<31 + 1}, ErrKey},
		{"P-384", ES256, p384.Public(), ErrKey},
		{"off P-256", ES256, &offCurve, ErrKey},
		{"31 bytes", EdDSA, ed25519.PublicKey(make([]byte, 31)), ErrKey},
		{"33 bytes", EdDSA, ed25519.PublicKey(make([]byte, 33)), ErrKey},
		{"off Ed25519", EdDSA, ed25519.PublicKey(append([]byte{2}, make([]byte, 31)...)), ErrKey},
		{"y not below p", EdDSA, ed25519.PublicKey(notCanonical()), ErrKey},
	}
	for _, test := range tests {
		if err := AlgorithmFits(test.alg, test.key); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
	}
}

// notCanonical encodes the y of p+3, a point that as y = 3 lies on the curve.
func notCanonical() []byte {
	y := nearPrime(0xed + 3)
	return y[:]
}

func TestG08SmallOrderPoints(t *testing.T) {
	if canonical := append([]byte{3}, make([]byte, 31)...); !onEd25519(canonical) {
		t.Error("y = 3 should be on the curve, or the row of y not below p shows nothing")
	}
	for i, y := range smallOrderY {
		for _, sign := range []byte{0, 0x80} {
			key := ed25519.PublicKey(y[:])
			key[31] |= sign
			if err := AlgorithmFits(EdDSA, key); !errors.Is(err, ErrKey) {
				t.Errorf("entry %d, sign %x: %v", i, sign, err)
			}
			// The neutral point and zero are a signature for some message if the
			// order is small: that is what makes such a key dangerous.
			forged := append([]byte{1}, make([]byte, 63)...)
			accepted := false
			for n := range 200 {
				accepted = accepted || ed25519.Verify(key, []byte{byte(n)}, forged)
			}
			if !accepted {
				t.Errorf("entry %d, sign %x: not a point of small order", i, sign)
			}
		}
	}
}
