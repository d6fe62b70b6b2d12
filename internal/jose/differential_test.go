package jose

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"
	"pgregory.net/rapid"
)

// checkTheirs is check by go-jose with the same key and algorithm.
func checkTheirs(token string, key PublicKey) ([]byte, error) {
	parsed, err := gojose.ParseSignedCompact(token, []gojose.SignatureAlgorithm{gojose.SignatureAlgorithm(key.Algorithm)})
	if err != nil {
		return nil, err
	}
	return parsed.Verify(key.Key)
}

func signTheirs(alg Algorithm, claims string) (string, error) {
	signingKey := gojose.SigningKey{Algorithm: gojose.SignatureAlgorithm(alg), Key: privateKey(alg)}
	options := (&gojose.SignerOptions{}).WithType("at+jwt").WithHeader("kid", "k1")
	signer, err := gojose.NewSigner(signingKey, options)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign([]byte(claims))
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// drawAlgorithm prefers the algorithms that are quick to sign with.
func drawAlgorithm(t *rapid.T) Algorithm {
	return rapid.SampledFrom([]Algorithm{ES256, EdDSA, ES256, EdDSA, RS256, PS256}).Draw(t, "alg")
}

func TestOursToGoJose(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		alg := drawAlgorithm(rt)
		claims := fmt.Sprintf(`{"sub":%s}`, quote(rapid.String().Draw(rt, "sub")))
		got, err := checkTheirs(sign(t, alg, claims), newSigner(t, alg).Public())
		if err != nil || string(got) != claims {
			rt.Fatalf("%s: %q, %v", alg, got, err)
		}
	})
}

func TestGoJoseToOurs(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		alg := drawAlgorithm(rt)
		claims := fmt.Sprintf(`{"sub":%s}`, quote(rapid.String().Draw(rt, "sub")))
		token, err := signTheirs(alg, claims)
		if err != nil {
			rt.Fatal(err)
		}
		got, err := check(token, newSigner(t, alg).Public())
		if err != nil || string(got) != claims {
			rt.Fatalf("%s: %q, %v", alg, got, err)
		}
	})
}

// mutate changes a token as an attacker might: bytes, segments, header.
func mutate(t *rapid.T, token string) string {
	parts := strings.Split(token, ".")
	switch rapid.IntRange(0, 5).Draw(t, "how") {
	case 0: // one character becomes another
		at := rapid.IntRange(0, len(token)-1).Draw(t, "at")
		with := rapid.SampledFrom(strings.Split("A B Z a z 0 9 - _ = + / . \n \r", " ")).Draw(t, "with")
		return token[:at] + with + token[at+1:]
	case 1: // something more
		at := rapid.IntRange(0, len(token)).Draw(t, "at")
		return token[:at] + rapid.SampledFrom([]string{"\n", " ", "=", ".", "A", "AAAA"}).Draw(t, "more") + token[at:]
	case 2: // something less
		from := rapid.IntRange(0, len(token)).Draw(t, "from")
		return token[:from] + token[min(len(token), from+rapid.IntRange(0, 5).Draw(t, "less")):]
	case 3: // another header
		header := rapid.SampledFrom([]string{
			`{"alg":"none"}`, `{"alg":"ES256"}`, `{"alg":"RS256"}`, `{"alg":"EdDSA"}`, `{"alg":"PS256"}`, `{"alg":"HS256"}`, `{}`,
			`{"alg":"ES256","crit":["exp"]}`, `{"alg":"ES256","alg":"none"}`, ` {"alg" : "ES256" } `,
		}).Draw(t, "header")
		parts[0] = base64.RawURLEncoding.EncodeToString([]byte(header))
	case 4: // segments in another order
		parts = rapid.Permutation(parts).Draw(t, "order")
	case 5: // another signature
		signature := rapid.SliceOfN(rapid.Byte(), 0, 70).Draw(t, "signature")
		parts[2] = base64.RawURLEncoding.EncodeToString(signature)
	}
	return strings.Join(parts, ".")
}

// What we accept, go-jose accepts with the same claims. It need not be so the
// other way round: we are the stricter of the two.
func TestMutatedTokens(t *testing.T) {
	tokens := map[Algorithm]string{}
	for _, alg := range Algorithms() {
		tokens[alg] = sign(t, alg, sampleClaims)
	}
	rapid.Check(t, func(rt *rapid.T) {
		alg := drawAlgorithm(rt)
		public := newSigner(t, alg).Public()
		token := mutate(rt, tokens[alg])
		ours, err := check(token, public)
		if token != tokens[alg] && err == nil {
			rt.Fatalf("%s: a changed token is accepted: %q", alg, token)
		}
		theirs, theirErr := checkTheirs(token, public)
		if err == nil && (theirErr != nil || !bytes.Equal(ours, theirs)) {
			rt.Fatalf("%s: accepted here only: %q, %v", alg, token, theirErr)
		}
	})
}

// The two forms of a signature are each other's inverse, for all numbers.
func TestSignatureForms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scalar := rapid.Custom(func(t *rapid.T) []byte {
			zeros := rapid.IntRange(0, scalarSize-1).Draw(t, "zeros")
			rest := rapid.SliceOfN(rapid.Byte(), scalarSize-zeros, scalarSize-zeros).Draw(t, "rest")
			return append(make([]byte, zeros), rest...)
		}).Filter(inRange)
		raw := append(scalar.Draw(t, "r"), scalar.Draw(t, "s")...)
		der := appendDER(nil, raw)
		if len(der) > maxDERSize {
			t.Fatalf("%d bytes of DER", len(der))
		}
		got, err := rawFromDER(der)
		if err != nil || !bytes.Equal(got[:], raw) {
			t.Fatalf("%x became %x became %x, %v", raw, der, got, err)
		}
		// DER has one form for each signature: no changed byte has the same meaning.
		at := rapid.IntRange(0, len(der)-1).Draw(t, "at")
		der[at] ^= rapid.ByteRange(1, 255).Draw(t, "change")
		if again, err := rawFromDER(der); err == nil && bytes.Equal(again[:], raw) {
			t.Fatalf("%x is a second form of %x", der, raw)
		}
	})
}

func TestSignerWithBrokenDER(t *testing.T) {
	good := appendDER(nil, append(bytes.Repeat([]byte{0x01}, 32), bytes.Repeat([]byte{0x02}, 32)...))
	if _, err := rawFromDER(good); err != nil {
		t.Fatalf("the fixture: %v", err)
	}
	cut := func(at int, with ...byte) []byte {
		return append(append(bytes.Clone(good[:at]), with...), good[at+len(with):]...)
	}
	for name, der := range map[string][]byte{
		"empty":             nil,
		"one byte":          {0x30},
		"raw":               bytes.Repeat([]byte{0x01}, rawSize),
		"trailing byte":     append(bytes.Clone(good), 0),
		"too short":         good[:len(good)-1],
		"not a sequence":    cut(0, 0x31),
		"not an integer":    cut(2, 0x03),
		"long length":       cut(1, 0x81),
		"r beyond the end":  cut(3, 0x7f),
		"r negative":        cut(4, 0x81),
		"r not minimal":     cut(4, 0x00),
		"r empty":           {0x30, 5, 2, 0, 2, 1, 1},
		"r zero":            {0x30, 6, 2, 1, 0, 2, 1, 1},
		"s zero":            {0x30, 6, 2, 1, 1, 2, 1, 0},
		"s missing":         {0x30, 3, 2, 1, 1},
		"a third integer":   {0x30, 9, 2, 1, 1, 2, 1, 1, 2, 1, 1},
		"r of 33 bytes":     append([]byte{0x30, 38, 2, 33, 1}, append(make([]byte, 32), 2, 1, 1)...),
		"r the curve order": append(append([]byte{0x30, 38, 2, 33, 0}, orderP256[:]...), 2, 1, 1),
	} {
		if _, err := rawFromDER(der); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseProof(t *testing.T) {
	for _, alg := range Algorithms() {
		key := privateKey(alg)
		jwk, err := MarshalJWK(PublicKey{Key: key.Public()})
		if err != nil {
			t.Fatal(err)
		}
		header := fmt.Sprintf(`{"typ":"dpop+jwt","alg":"%s","jwk":%s}`, alg, jwk)
		signer, err := NewSigner(alg, "", key, []byte(header))
		if err != nil {
			t.Fatal(err)
		}
		token, err := signer.Sign(t.Context(), []byte(`{"htm":"POST"}`))
		if err != nil {
			t.Fatal(err)
		}
		proof, embedded, err := ParseProof(token)
		if err != nil {
			t.Fatal(err)
		}
		if !key.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(embedded.Key) || proof.Type() != "dpop+jwt" {
			t.Errorf("%s: another key or type came out", alg)
		}
		if claims, err := proof.Verify(embedded); err != nil || string(claims) != `{"htm":"POST"}` {
			t.Errorf("%s: %q, %v", alg, claims, err)
		}
		if _, err := Parse(token); !errors.Is(err, ErrHeader) {
			t.Errorf("%s: a proof passes as a token: %v", alg, err)
		}
		if _, _, err := ParseProof(sign(t, alg, sampleClaims)); !errors.Is(err, ErrHeader) {
			t.Errorf("%s: a token passes as a proof: %v", alg, err)
		}
		for change, want := range map[string]error{
			`"jwk":{"d":"AQ",`:  ErrPrivateMember,
			`"jwk":{"kty":"x",`: ErrMalformed, // a second kty
			`"jku":"","jwk":{`:  ErrHeader,
		} {
			if _, _, err := ParseProof(compact(strings.Replace(header, `"jwk":{`, change, 1), `{}`, nil)); !errors.Is(err, want) {
				t.Errorf("%s with %s: got %v, want %v", alg, change, err, want)
			}
		}
		wrong := map[Algorithm]string{ES256: "EdDSA", EdDSA: "RS256", RS256: "ES256", PS256: "ES256"}[alg]
		header = fmt.Sprintf(`{"alg":"%s","jwk":%s}`, wrong, jwk)
		if _, _, err := ParseProof(compact(header, `{}`, make([]byte, rawSize))); !errors.Is(err, ErrAlgorithm) {
			t.Errorf("%s key with %s: %v", alg, wrong, err)
		}
	}
}
