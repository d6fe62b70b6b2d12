package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The names of these tests carry the ids of the project's security table.

func TestG01NoAlgorithm(t *testing.T) {
	public := newSigner(t, ES256).Public()
	for _, header := range []string{
		`{"alg":"none"}`, `{"alg":"None"}`, `{"alg":"nOnE"}`, `{"alg":"NONE"}`, `{"alg":""}`, `{}`,
		`{"alg":"none "}`, `{"alg":"es256"}`, `{"ALG":"ES256"}`, `{"alg":"\u006eone"}`,
	} {
		for _, signature := range [][]byte{nil, make([]byte, rawSize)} {
			claims, err := check(compact(header, sampleClaims, signature), public)
			refused(t, claims, err, ErrAlgorithm)
		}
	}
	for _, header := range []string{`{"alg":null}`, `{"alg":256}`, `{"alg":["ES256"]}`} {
		claims, err := check(compact(header, sampleClaims, nil), public)
		refused(t, claims, err, ErrMalformed)
	}
}

func TestG02KeyTypeDecides(t *testing.T) {
	rsaKey := PublicKey{Algorithm: RS256, Key: privateKey(RS256).Public()}
	secret, err := x509.MarshalPKIXPublicKey(rsaKey.Key)
	if err != nil {
		t.Fatal(err)
	}
	header := `{"alg":"HS256"}`
	input, _, _ := strings.Cut(compact(header, sampleClaims, nil), "..")
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(strings.TrimSuffix(input, ".")))
	claims, err := check(compact(header, sampleClaims, mac.Sum(nil)), rsaKey)
	refused(t, claims, err, ErrAlgorithm)

	// Even a caller who lets the header name the algorithm gets nothing for it.
	for _, alg := range Algorithms() {
		parsed, err := Parse(sign(t, alg, sampleClaims))
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range Algorithms() {
			key := PublicKey{Algorithm: parsed.Algorithm(), Key: privateKey(other).Public()}
			sameKind := alg == other || alg == RS256 && other == PS256 || alg == PS256 && other == RS256
			if claims, err := parsed.Verify(key); !sameKind {
				refused(t, claims, err, ErrAlgorithm)
			}
		}
		for _, odd := range []crypto.PublicKey{nil, secret, privateKey(alg), (*rsa.PublicKey)(nil), (*ecdsa.PublicKey)(nil)} {
			claims, err := parsed.Verify(PublicKey{Algorithm: alg, Key: odd})
			refused(t, claims, err, ErrAlgorithm)
		}
	}
}

func TestG03AlgorithmOfTheKey(t *testing.T) {
	key := privateKey(RS256)
	for _, alg := range []Algorithm{RS256, PS256} {
		signer, err := NewSigner(alg, "k1", key, fmt.Appendf(nil, `{"alg":"%s"}`, alg))
		if err != nil {
			t.Fatal(err)
		}
		token, err := signer.Sign(t.Context(), []byte(sampleClaims))
		if err != nil {
			t.Fatal(err)
		}
		for _, allowed := range []Algorithm{RS256, PS256, "", "HS256"} {
			claims, err := check(token, PublicKey{KeyID: "k1", Algorithm: allowed, Key: key.Public()})
			if allowed == alg {
				if err != nil {
					t.Errorf("%s at its own key: %v", alg, err)
				}
				continue
			}
			refused(t, claims, err, ErrAlgorithm)
		}
	}
	signer := newSigner(t, ES256)
	other := signer.Public()
	other.KeyID = "k2"
	claims, err := check(sign(t, ES256, sampleClaims), other)
	refused(t, claims, err, ErrKey)
}

func TestG04KeyFromTheHeader(t *testing.T) {
	canary := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("something fetched a key that a token named")
	}))
	defer canary.Close()
	attacker := privateKey(ES256)
	jwk, err := MarshalJWK(PublicKey{Key: attacker.Public()})
	if err != nil {
		t.Fatal(err)
	}
	for _, member := range []string{
		`"jwk":` + string(jwk), `"jwk":null`, `"jwk":{}`, `"jku":"` + canary.URL + `"`, `"x5u":"` + canary.URL + `"`,
		`"x5c":["MAA="]`, `"j\u0077k":` + string(jwk),
	} {
		input, _, _ := strings.Cut(compact(`{"alg":"ES256",`+member+`}`, sampleClaims, nil), "!")
		input = strings.TrimSuffix(input, ".")
		digest := sha256.Sum256([]byte(input))
		der, err := attacker.Sign(rand.Reader, digest[:], crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := rawFromDER(der)
		if err != nil {
			t.Fatal(err)
		}
		token := input + "." + encoding.EncodeToString(raw[:])
		claims, err := check(token, newSigner(t, ES256).Public())
		refused(t, claims, err, ErrHeader)
		if _, _, err := ParseProof(token); !strings.Contains(member, "kty") && err == nil {
			t.Errorf("%s passes as a proof", member)
		}
	}
}

func TestG07ECDSASignatureForm(t *testing.T) {
	public := newSigner(t, ES256).Public()
	token := sign(t, ES256, sampleClaims)
	input := token[:strings.LastIndexByte(token, '.')+1]
	good, err := encoding.DecodeString(token[len(input):])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := check(input+encoding.EncodeToString(good), public); err != nil {
		t.Fatalf("the fixture: %v", err)
	}
	r, s := good[:scalarSize], good[scalarSize:]
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	prime := public.Key.(*ecdsa.PublicKey).Params().P.Bytes()
	plus := func(scalar []byte, n int64) []byte {
		sum := new(big.Int).Add(new(big.Int).SetBytes(scalar), big.NewInt(n))
		return sum.FillBytes(make([]byte, scalarSize))
	}
	edges := [][]byte{
		make([]byte, scalarSize), plus(nil, 1), plus(orderP256[:], -1), orderP256[:], plus(orderP256[:], 1),
		plus(prime, -1), prime, plus(prime, 1), bytes.Repeat([]byte{0xff}, scalarSize),
	}
	bad := [][]byte{
		appendDER(nil, good), nil, good[:63], join(good, []byte{0}), join([]byte{0}, good),
		join(r), join(r, s, s), join(s, r), join(make([]byte, 16), r, make([]byte, 16), s),
		join(r, plus(s, 1)), join(plus(r, 1), s), bytes.Repeat([]byte{0x30}, rawSize),
	}
	for _, edge := range edges {
		bad = append(bad, join(edge, s), join(r, edge))
		for _, other := range edges {
			bad = append(bad, join(edge, other))
		}
	}
	for _, signature := range bad {
		claims, err := check(input+encoding.EncodeToString(signature), public)
		refused(t, claims, err, ErrSignature)
	}
}

func TestG12NoPanics(t *testing.T) {
	for _, token := range []string{
		"", ".", "..", "...", "....", "a", "a.b", "a.b.c", "e30.e30.", ".e30.", "e30..", "bnVsbA..", "bnVsbA.bnVsbA.bnVsbA",
		compact(`null`, `{}`, nil), compact(`[]`, `{}`, nil), compact(`"alg"`, `{}`, nil), compact(`{`, `{}`, nil), compact(` `, ``, nil),
		compact(`{"alg":"ES256"}`, ``, nil) + "..", // five segments, an empty encrypted key among them
	} {
		claims, err := check(token, PublicKey{})
		if err == nil {
			t.Errorf("%q is a token", token)
		}
		refused(t, claims, err, err)
	}
	if _, err := Parse(compact(`null`, `{}`, nil)); !errors.Is(err, ErrMalformed) {
		t.Errorf("null header: %v", err)
	}
	for _, jwk := range []string{`null`, `{}`, `[]`, ``, `{"kty":"EC"}`, `{"kty":"EC","crv":"P-256"}`, `{"kty":"RSA"}`, `{"kty":"OKP","crv":"Ed25519"}`} {
		if _, err := ParseJWK([]byte(jwk)); err == nil {
			t.Errorf("%s is a key", jwk)
		}
	}
}

func TestG15Extensions(t *testing.T) {
	for _, header := range []string{
		`{"alg":"ES256","crit":["exp"],"exp":1}`, `{"alg":"ES256","crit":[]}`, `{"alg":"ES256","crit":null}`,
		`{"alg":"ES256","b64":false}`, `{"alg":"ES256","b64":true}`, `{"alg":"ES256","b64":false,"crit":["b64"]}`,
		`{"alg":"ES256","zip":"DEF"}`, `{"alg":"ES256","enc":"A256GCM"}`,
	} {
		_, err := Parse(compact(header, sampleClaims, make([]byte, rawSize)))
		refused(t, nil, err, ErrHeader)
	}
	good := sign(t, ES256, sampleClaims)
	parts := strings.Split(good, ".")
	for name, token := range map[string]string{
		"flattened JSON":     fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, parts[0], parts[1], parts[2]),
		"several signatures": fmt.Sprintf(`{"payload":%q,"signatures":[{"protected":%q,"signature":%q}]}`, parts[1], parts[0], parts[2]),
		"four segments":      good + ".e30",
		"five segments":      good + "..",
		"two segments":       parts[0] + "." + parts[1],
		"space before":       " " + good,
		"space behind":       good + " ",
		"line break behind":  good + "\n",
		"line break within":  good[:20] + "\r\n" + good[20:],
		"padding":            good + "==",
		"standard alphabet":  parts[0] + ".e30+." + parts[2],
		"trailing bits":      good[:len(good)-1] + "x",
		"alg twice":          compact(`{"alg":"ES256","alg":"ES256"}`, sampleClaims, nil),
		"alg twice, escaped": compact(`{"alg":"ES256","\u0061lg":"ES256"}`, sampleClaims, nil),
		"trailing comma":     compact(`{"alg":"ES256",}`, sampleClaims, nil),
		"two objects":        compact(`{"alg":"ES256"}{}`, sampleClaims, nil),
		"not UTF-8":          compact("{\"alg\":\"ES256\",\"kid\":\"\xff\"}", sampleClaims, nil),
		"kid a number":       compact(`{"alg":"ES256","kid":1}`, sampleClaims, nil),
		"typ null":           compact(`{"alg":"ES256","typ":null}`, sampleClaims, nil),
	} {
		if _, err := Parse(token); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// nested returns an object whose member x nests so that the whole is so deep.
func nested(depth int, rest string) string {
	return `{"x":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + rest + `}`
}

func TestG21Bombs(t *testing.T) {
	signature := make([]byte, rawSize)
	tests := []struct {
		name, token string
		want        error
	}{
		{"header 16 deep", compact(nested(16, `,"alg":"ES256"`), `{}`, signature), nil},
		{"header 17 deep", compact(nested(17, `,"alg":"ES256"`), `{}`, signature), ErrMalformed},
		{"claims 16 deep", compact(`{"alg":"ES256"}`, nested(16, ``), signature), nil},
		{"claims 17 deep", compact(`{"alg":"ES256"}`, nested(17, ``), signature), ErrMalformed},
		{"claims 9000 deep", compact(`{"alg":"ES256"}`, strings.Repeat("[", 9000), signature), ErrMalformed},
		{"brackets in a string", compact(`{"alg":"ES256"}`, `{"x":"\"`+strings.Repeat("[", 100)+`"}`, signature), nil},
	}
	for _, test := range tests {
		if _, err := Parse(test.token); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
	}

	head := encoding.EncodeToString([]byte(`{"alg":"ES256"}`)) + "."
	tail := "." + encoding.EncodeToString(signature[:63])
	for size, want := range map[int]error{16 << 10: nil, 16<<10 + 1: ErrTooLarge} {
		token := head + strings.Repeat("A", size-len(head)-len(tail)) + tail
		if _, err := Parse(token); !errors.Is(err, want) {
			t.Errorf("%d bytes: got %v, want %v", size, err, want)
		}
	}
	signer := newSigner(t, ES256)
	room := encoding.DecodedLen(maxToken - len(signer.prefix) - 1 - encoding.EncodedLen(rawSize))
	token, err := signer.Sign(t.Context(), bytes.Repeat([]byte{' '}, room))
	if err != nil || len(token) > maxToken {
		t.Errorf("the longest token: %d bytes, %v", len(token), err)
	}
	if _, err := Parse(token); err != nil {
		t.Errorf("the longest token does not parse: %v", err)
	}
	if _, err := signer.Sign(t.Context(), bytes.Repeat([]byte{' '}, room+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a longer token: %v", err)
	}
}

// Each bit of a token counts, and no claims come with an error.
func TestG23ClaimsOnlyWithSuccess(t *testing.T) {
	for _, alg := range Algorithms() {
		public := newSigner(t, alg).Public()
		token := []byte(sign(t, alg, sampleClaims))
		for i := range token {
			changed := bytes.Clone(token)
			if changed[i] ^= 1; changed[i] == '.' {
				continue
			}
			if claims, err := check(string(changed), public); err == nil || claims != nil {
				t.Fatalf("%s: byte %d changed: %q, %v", alg, i, claims, err)
			}
		}
	}
	if claims, err := ParseClaims([]byte(`{"iss":"a","sub":"b","exp":"soon"}`)); err == nil || claims.Issuer != "" {
		t.Errorf("claims half read: %+v, %v", claims, err)
	}
}

func TestG24PrivateMembers(t *testing.T) {
	for _, alg := range Algorithms() {
		jwk, err := MarshalJWK(newSigner(t, alg).Public())
		if err != nil {
			t.Fatal(err)
		}
		for _, member := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} {
			if bytes.Contains(jwk, []byte(`"`+member+`"`)) {
				t.Errorf("%s is published with %s", alg, member)
			}
			for _, value := range []string{`"AQ"`, `null`, `[]`} {
				private := fmt.Sprintf(`{%q:%s,%s`, member, value, jwk[1:])
				if _, err := ParseJWK([]byte(private)); !errors.Is(err, ErrPrivateMember) {
					t.Errorf("%s with %s %s: %v", alg, member, value, err)
				}
				if _, err := ParseJWKSet([]byte(`{"keys":[` + private + `]}`)); !errors.Is(err, ErrPrivateMember) {
					t.Errorf("a set of %s with %s: %v", alg, member, err)
				}
			}
		}
		if _, err := MarshalJWK(PublicKey{Algorithm: alg, Key: privateKey(alg)}); err == nil {
			t.Errorf("a private %s key was written", alg)
		}
	}
	if _, err := ParseJWK([]byte(`{"kty":"oct","k":"AQ"}`)); !errors.Is(err, ErrPrivateMember) {
		t.Errorf("oct: %v", err)
	}
}
