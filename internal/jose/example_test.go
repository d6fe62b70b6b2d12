package jose_test

import (
	"context"
	"fmt"

	"github.com/grantway/grantway/internal/jose"
)

func Example() {
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		fmt.Println(err)
		return
	}
	kid, err := jose.Thumbprint(key.Public())
	if err != nil {
		fmt.Println(err)
		return
	}
	header := fmt.Appendf(nil, `{"alg":"ES256","typ":"at+jwt","kid":%q}`, kid)
	signer, err := jose.NewSigner(jose.ES256, kid, key, header)
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := signer.Sign(context.Background(), []byte(`{"iss":"https://auth.example","scope":"read"}`))
	if err != nil {
		fmt.Println(err)
		return
	}

	// At the other end: the form first, then the key it names, then the claims.
	parsed, err := jose.Parse(token)
	if err != nil {
		fmt.Println(err)
		return
	}
	known := map[string]jose.PublicKey{kid: signer.Public()}
	payload, err := parsed.Verify(known[parsed.KeyID()])
	if err != nil {
		fmt.Println(err)
		return
	}
	claims, err := jose.ParseClaims(payload)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(parsed.Type(), claims.Issuer, claims.Scope)
	// Output: at+jwt https://auth.example read
}

func ExampleParseJWKSet() {
	keys, err := jose.ParseJWKSet([]byte(`{"keys":[
		{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"2026"},
		{"kty":"OKP","crv":"X25519","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08","kid":"other"}
	]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, key := range keys {
		fmt.Println(key.KeyID, key.Algorithm)
	}
	// Output: 2026 EdDSA
}
