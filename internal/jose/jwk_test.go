package jose

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestJWKRoundTrip(t *testing.T) {
	for _, alg := range Algorithms() {
		want := PublicKey{KeyID: `a"b/é`, Algorithm: alg, Key: privateKey(alg).Public()}
		jwk, err := MarshalJWK(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseJWK(jwk)
		if err != nil {
			t.Fatalf("%s: %v", jwk, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if err := compareJWK(jwk, got); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
	}
}

// compareJWK reports where go-jose reads jwk otherwise than as key.
func compareJWK(jwk []byte, key PublicKey) error {
	var theirs gojose.JSONWebKey
	if err := theirs.UnmarshalJSON(jwk); err != nil {
		return fmt.Errorf("go-jose refuses the key: %w", err)
	}
	if !theirs.Valid() || !theirs.IsPublic() {
		return errors.New("go-jose says that it is no valid public key")
	}
	if !key.Key.(interface{ Equal(crypto.PublicKey) bool }).Equal(theirs.Key) || theirs.KeyID != key.KeyID {
		return errors.New("go-jose reads another key")
	}
	sum, err := theirs.Thumbprint(crypto.SHA256)
	if err != nil {
		return err
	}
	ours, err := Thumbprint(key.Key)
	if err != nil || ours != encoding.EncodeToString(sum) {
		return fmt.Errorf("thumbprints differ: %s, %w", ours, err)
	}
	return nil
}

// The published form is a promise: clients compare it, caches hash it.
func TestJWKMemberOrder(t *testing.T) {
	ec, okp, rsaKey := goodJWKs()
	for _, want := range []string{ec, okp, rsaKey} {
		key, err := ParseJWK([]byte(want))
		if err != nil {
			t.Fatalf("%s: %v", want, err)
		}
		if got, err := MarshalJWK(key); err != nil || string(got) != want {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
	}
	key, err := ParseJWK([]byte(rsaKey))
	if err != nil {
		t.Fatal(err)
	}
	key.Algorithm, key.KeyID = "", ""
	bare, err := MarshalJWK(key)
	if err != nil || !bytes.HasSuffix(bare, []byte(`"e":"AQAB","use":"sig"}`)) {
		t.Errorf("without alg and kid: %s, %v", bare, err)
	}
	for _, bad := range []PublicKey{
		{},
		{Key: "text"},
		{Algorithm: RS256, Key: privateKey(ES256).Public()},
		{KeyID: "\xff", Key: privateKey(ES256).Public()},
		{Key: &rsa.PublicKey{N: odd(1024), E: 3}},
	} {
		if jwk, err := MarshalJWK(bad); err == nil || jwk != nil {
			t.Errorf("%+v became %s", bad, jwk)
		}
	}
}

// goodJWKs returns one key of each kind, from RFC 7515 §A.3.1, RFC 8037 §A.2
// and RFC 7638 §3.1.
func goodJWKs() (ec, okp, rsaKey string) {
	ec = `{"kty":"EC","crv":"P-256","x":"` + xES256 + `","y":"` + yES256 + `","use":"sig","alg":"ES256","kid":"a"}`
	okp = `{"kty":"OKP","crv":"Ed25519","x":"` + xEdDSA + `","use":"sig","alg":"EdDSA","kid":"b"}`
	rsaKey = `{"kty":"RSA","n":"` + nRSA + `","e":"AQAB","use":"sig","alg":"RS256","kid":"c"}`
	return ec, okp, rsaKey
}

func TestParseJWKOneFault(t *testing.T) {
	ec, okp, rsaKey := goodJWKs()
	encode := encoding.EncodeToString
	tests := []struct {
		name, jwk, old, new string
		want                error
	}{
		{"as it is", ec, "", "", nil},
		{"as it is", okp, "", "", nil},
		{"as it is", rsaKey, "", "", nil},
		{"no alg", ec, `,"alg":"ES256"`, "", nil},
		{"no use", ec, `,"use":"sig"`, "", nil},
		{"certificates are ignored", ec, `"use"`, `"x5c":["MAA="],"x5u":"https://attacker.example","use"`, nil},
		{"key_ops", ec, `"use":"sig"`, `"key_ops":["sign","verify"]`, nil},
		{"other key_ops", ec, `"use":"sig"`, `"key_ops":["sign"]`, ErrKey},
		{"no key_ops", ec, `"use":"sig"`, `"key_ops":[]`, ErrKey},
		{"key_ops a string", ec, `"use":"sig"`, `"key_ops":"verify"`, ErrMalformed},
		{"for encryption", ec, `"sig"`, `"enc"`, ErrKey},
		{"alg of another kind", ec, `"alg":"ES256"`, `"alg":"RS256"`, ErrAlgorithm},
		{"alg of another curve", ec, `"alg":"ES256"`, `"alg":"ES384"`, ErrAlgorithm},
		{"alg for encryption", rsaKey, `"alg":"RS256"`, `"alg":"RSA-OAEP"`, ErrAlgorithm},
		{"HMAC with a public key", rsaKey, `"alg":"RS256"`, `"alg":"HS256"`, ErrAlgorithm},
		{"no kty", ec, `"kty":"EC",`, ``, ErrMalformed},
		{"kty in lower case", ec, `"EC"`, `"ec"`, ErrKey},
		{"kty twice", ec, `"kty":"EC"`, `"kty":"EC","kty":"EC"`, ErrMalformed},
		{"kid a number", ec, `"a"`, `1`, ErrMalformed},
		{"another curve", ec, `P-256`, `secp256k1`, ErrKey},
		{"X25519", okp, `Ed25519`, `X25519`, ErrKey},
		{"off the curve", ec, yES256, xES256, ErrKey},
		{"infinity", ec, xES256 + `","y":"` + yES256, encode(make([]byte, 32)) + `","y":"` + encode(make([]byte, 32)), ErrKey},
		{"no y", ec, `,"y":"` + yES256 + `"`, ``, ErrMalformed},
		{"x padded", ec, xES256, xES256 + "=", ErrMalformed},
		{"x with a line break", ec, xES256, xES256[:4] + `\n` + xES256[4:], ErrMalformed},
		{"x of 31 bytes", ec, xES256, encode(make([]byte, 31)), ErrMalformed},
		{"x of 33 bytes", ec, xES256, encode(make([]byte, 33)), ErrMalformed},
		{"x of 33 bytes", okp, xEdDSA, encode(make([]byte, 33)), ErrMalformed},
		{"small order", okp, xEdDSA, encode(smallOrderY[2][:]), ErrKey},
		{"y not below p", okp, xEdDSA, encode(notCanonical()), ErrKey},
		{"n with a leading zero", rsaKey, nRSA, encode(append([]byte{0}, odd(2048).Bytes()...)), ErrMalformed},
		{"no n", rsaKey, `"n":"` + nRSA + `",`, ``, ErrMalformed},
		{"2047 bits", rsaKey, nRSA, encode(odd(2047).Bytes()), ErrKey},
		{"4096 bits", rsaKey, nRSA, encode(odd(4096).Bytes()), nil},
		{"4097 bits", rsaKey, nRSA, encode(odd(4097).Bytes()), ErrKey},
		{"e even", rsaKey, "AQAB", encode([]byte{1, 0}), ErrKey},
		{"e 1", rsaKey, "AQAB", encode([]byte{1}), ErrKey},
		{"e huge", rsaKey, "AQAB", encode(odd(2000).Bytes()), ErrKey},
		{"e with a leading zero", rsaKey, "AQAB", encode([]byte{0, 1, 0, 1}), ErrMalformed},
		{"e a number", rsaKey, `"AQAB"`, `65537`, ErrMalformed},
	}
	for _, test := range tests {
		_, err := ParseJWK([]byte(strings.Replace(test.jwk, test.old, test.new, 1)))
		if !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
	}
	key, err := ParseJWK([]byte(strings.Replace(rsaKey, `,"alg":"RS256"`, "", 1)))
	if err != nil || key.Algorithm != "" {
		t.Errorf("an RSA key without alg: %q, %v", key.Algorithm, err)
	}
	for size, want := range map[int]error{maxJWK: nil, maxJWK + 1: ErrTooLarge} {
		if _, err := ParseJWK([]byte(ec + strings.Repeat(" ", size-len(ec)))); !errors.Is(err, want) {
			t.Errorf("%d bytes: got %v, want %v", size, err, want)
		}
	}
}

func TestJWKSet(t *testing.T) {
	ec, okp, rsaKey := goodJWKs()
	set := `{"keys":[` + ec + `,` + okp + `,` + rsaKey + `]}`
	keys, err := ParseJWKSet([]byte(set))
	if err != nil || len(keys) != 3 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	if got, err := MarshalJWKSet(keys); err != nil || string(got) != set {
		t.Errorf("got %s, %v\nwant %s", got, err, set)
	}
	if got, err := MarshalJWKSet(nil); err != nil || string(got) != `{"keys":[]}` {
		t.Errorf("no keys: %s, %v", got, err)
	}
	if _, err := MarshalJWKSet([]PublicKey{keys[0], keys[0]}); !errors.Is(err, ErrDuplicateKeyID) {
		t.Errorf("two with one kid: %v", err)
	}
	if _, err := MarshalJWKSet([]PublicKey{keys[0], {}}); !errors.Is(err, ErrKey) {
		t.Errorf("no key: %v", err)
	}

	tests := []struct {
		name, in string
		kids     string
		want     error
	}{
		{"empty", `{"keys":[]}`, "", nil},
		{"unknown members", `{"x":1,"keys":[` + ec + `]}`, "a", nil},
		{"unusable keys", `{"keys":[{"kty":"AKP","kid":"x"},` + strings.Replace(ec, "sig", "enc", 1) + `,{},` + okp + `]}`, "b", nil},
		{"an incomplete key", `{"keys":[{"kty":"EC","crv":"P-256"},` + rsaKey + `]}`, "c", nil},
		{"two keys without kid", `{"keys":[` + strings.Repeat(strings.Replace(ec, `,"kid":"a"`, "", 1)+`,`, 1) +
			strings.Replace(okp, `,"kid":"b"`, "", 1) + `]}`, ",", nil},
		{"kid twice", `{"keys":[` + ec + `,` + strings.Replace(okp, `"b"`, `"a"`, 1) + `]}`, "", ErrDuplicateKeyID},
		{"kid twice, one unusable", `{"keys":[{"kty":"x","kid":"a"},` + ec + `]}`, "", ErrDuplicateKeyID},
		{"private", `{"keys":[` + ec + `,{"kty":"oct","k":"AQ"}]}`, "", ErrPrivateMember},
		{"no keys", `{}`, "", ErrMalformed},
		{"keys twice", `{"keys":[],"keys":[]}`, "", ErrMalformed},
		{"Keys", `{"Keys":[]}`, "", ErrMalformed},
		{"null", `{"keys":null}`, "", ErrMalformed},
		{"an object", `{"keys":{}}`, "", ErrMalformed},
		{"a key that is text", `{"keys":["x"]}`, "", ErrMalformed},
		{"an array", `[` + ec + `]`, "", ErrMalformed},
		{"256 KiB", `{"keys":[` + strings.Repeat(" ", maxJWKSet-11) + `]}`, "", nil},
		{"more", `{"keys":[` + strings.Repeat(" ", maxJWKSet-10) + `]}`, "", ErrTooLarge},
	}
	for _, test := range tests {
		keys, err := ParseJWKSet([]byte(test.in))
		if !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
		kids := make([]string, len(keys))
		for i, key := range keys {
			kids[i] = key.KeyID
		}
		if got := strings.Join(kids, ","); got != test.kids {
			t.Errorf("%s: keys %q, want %q", test.name, got, test.kids)
		}
	}
}

// Every encoding that crypto/ed25519 makes is on the curve, and half of all
// other strings are not; both statements together pin the formula down.
func TestOnEd25519(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed")
		public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
		if !onEd25519(public) {
			t.Fatalf("%x is on the curve", public)
		}
	})
	on := 0
	for i := range 1000 {
		encoded := new(big.Int).Exp(big.NewInt(int64(i+2)), big.NewInt(60), fieldPrime).FillBytes(make([]byte, 32))
		if onEd25519(encoded) {
			on++
		}
	}
	if on < 400 || on > 600 {
		t.Errorf("%d of 1000 arbitrary strings are points", on)
	}
}
