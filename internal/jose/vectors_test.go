package jose

import (
	"errors"
	"testing"
)

// Keys that the RFCs give as examples.
const (
	xES256 = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU" // RFC 7515 §A.3.1
	yES256 = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
	xEdDSA = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"                                                                                                                                                                                                                                                                                                            // RFC 8037 §A.2
	nRSA   = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw" // RFC 7638 §3.1
)

func TestVectors(t *testing.T) {
	ec, okp, rsaKey := goodJWKs()
	tests := []struct{ name, jwk, token, payload string }{
		{
			"RFC 7515 §A.3", ec, "eyJhbGciOiJFUzI1NiJ9" +
				".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ" +
				".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
			"{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}",
		},
		{
			"RFC 8037 §A.4", okp, "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc" +
				".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
			"Example of Ed25519 signing",
		},
	}
	for _, test := range tests {
		key, err := ParseJWK([]byte(test.jwk))
		if err != nil {
			t.Fatal(err)
		}
		if payload, err := check(test.token, key); err != nil || string(payload) != test.payload {
			t.Errorf("%s: %q, %v", test.name, payload, err)
		}
	}
	for jwk, want := range map[string]string{
		rsaKey: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", // RFC 7638 §3.1
		okp:    "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", // RFC 8037 §A.3
	} {
		key, err := ParseJWK([]byte(jwk))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Thumbprint(key.Key); err != nil || got != want {
			t.Errorf("thumbprint %s, %v, want %s", got, err, want)
		}
	}
	if got, err := Thumbprint("text"); !errors.Is(err, ErrKey) || got != "" {
		t.Errorf("thumbprint of text: %q, %v", got, err)
	}
}
