package jose

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzParse: nothing panics, what we accept go-jose accepts alike, and no claims
// come with an error. Its seeds are signed with the keys of the RFCs.
func FuzzParse(f *testing.F) {
	ec, okp, rsaKey := goodJWKs()
	var keys []PublicKey
	for _, jwk := range []string{ec, okp, rsaKey} {
		key, err := ParseJWK([]byte(jwk))
		if err != nil {
			f.Fatal(err)
		}
		key.KeyID = ""
		keys = append(keys, key)
	}
	f.Add(compact(`{"alg":"ES256","typ":"at+jwt","kid":"k1"}`, sampleClaims, make([]byte, rawSize)))
	f.Add(compact(`{"alg":"none"}`, `{}`, nil))
	f.Fuzz(func(t *testing.T, token string) {
		if proof, key, err := ParseProof(token); err == nil {
			if _, err := Parse(token); err == nil {
				t.Fatal("both a proof and a token")
			}
			if claims, err := proof.Verify(key); (err == nil) != (claims != nil) {
				t.Fatalf("claims %q beside %v", claims, err)
			}
		}
		parsed, err := Parse(token)
		if err != nil {
			return
		}
		for _, key := range keys {
			claims, err := parsed.Verify(key)
			if err != nil {
				if claims != nil {
					t.Fatalf("claims %q beside %v", claims, err)
				}
				continue
			}
			theirs, err := checkTheirs(token, key)
			if err != nil || !bytes.Equal(claims, theirs) {
				t.Fatalf("accepted here only: %v", err)
			}
		}
	})
}

// FuzzClaims: what we accept, encoding/json reads alike.
func FuzzClaims(f *testing.F) {
	f.Add([]byte(sampleClaims))
	f.Add([]byte(`{"aud":["a","b"],"exp":1.5,"cnf":{"jkt":"x"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		claims, err := ParseClaims(data)
		if err != nil {
			return
		}
		if len(data) > 0 && checkLimits(data) != nil {
			t.Fatal("accepted beyond the limits")
		}
		var theirs map[string]any
		if err := json.Unmarshal(data, &theirs); err != nil {
			t.Fatalf("encoding/json refuses: %v", err)
		}
		for name, ours := range map[string]string{"iss": claims.Issuer, "sub": claims.Subject, "jti": claims.ID, "scope": claims.Scope} {
			if text, _ := theirs[name].(string); text != ours {
				t.Fatalf("%s is %q here and %q there", name, ours, text)
			}
		}
		if _, has := theirs["exp"]; has == claims.Expiry.IsZero() && claims.Expiry.Unix() > 0 {
			t.Fatal("exp is there for one and not for the other")
		}
	})
}

// FuzzJWK: what we accept is written again as the same key, and go-jose reads
// the same key with the same thumbprint.
func FuzzJWK(f *testing.F) {
	ec, okp, rsaKey := goodJWKs()
	for _, jwk := range []string{ec, okp, rsaKey} {
		f.Add([]byte(jwk))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if keys, err := ParseJWKSet(data); err == nil {
			if _, err := MarshalJWKSet(keys); err != nil {
				t.Fatal(err)
			}
		}
		key, err := ParseJWK(data)
		if err != nil {
			return
		}
		written, err := MarshalJWK(key)
		if err != nil {
			t.Fatal(err)
		}
		if err := compareJWK(written, key); err != nil {
			t.Fatal(err)
		}
	})
}
