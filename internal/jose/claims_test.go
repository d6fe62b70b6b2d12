package jose

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseClaims(t *testing.T) {
	at := func(seconds, nanos int64) time.Time { return time.Unix(seconds, nanos).UTC() }
	tests := []struct {
		name, in string
		want     Claims
	}{
		{"empty", `{}`, Claims{}},
		{"our own", sampleClaims, Claims{
			Issuer: "https://auth.example", Subject: "client-1", Audience: []string{"https://api.example"},
			Expiry: at(1900003600, 0), IssuedAt: at(1900000000, 0), ID: "t-1", Scope: "read write", ClientID: "client-1",
		}},
		{"other dialects", `{"azp":"a","token_use":"access","gty":"client-credentials","cnf":{"jkt":"h","x":1}}`, Claims{
			AuthorizedParty: "a", TokenUse: "access", GrantType: "client-credentials", KeyThumbprint: "h",
		}},
		{"several audiences", `{"aud":["a","b"]}`, Claims{Audience: []string{"a", "b"}}},
		{"no audience in an array", `{"aud":[]}`, Claims{Audience: []string{}}},
		{"decimal times", `{"exp":1.5,"nbf":-1.25,"iat":1.9e9}`, Claims{
			Expiry: at(1, 5e8), NotBefore: at(-2, 75e7), IssuedAt: at(1900000000, 0),
		}},
		{"the epoch is a time", `{"exp":0}`, Claims{Expiry: at(0, 0)}},
		{"largest number", `{"exp":9007199254740992}`, Claims{Expiry: at(1<<53, 0)}},
		{"escaped name and value", `{"\u0069ss":"a\/\u00e9\n"}`, Claims{Issuer: "a/é\n"}},
		{"unknown members", `{"x":{"iss":"b","y":[{"iss":1}]},"ISS":2,"Aud":3,"iss":"a"}`, Claims{Issuer: "a"}},
		{"white space", " {\n\t\"iss\" : \"a\"\r} \n", Claims{Issuer: "a"}},
	}
	for _, test := range tests {
		got, err := ParseClaims([]byte(test.in))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestParseClaimsRefuses(t *testing.T) {
	for _, in := range []string{
		``, ` `, `null`, `[]`, `"a"`, `1`, `{`, `{}}`, `{}{}`, `{}x`, `{"iss":"a",}`, `{"iss" "a"}`, `{iss:"a"}`, `{"iss":'a'}`,
		`{"iss":"a","iss":"a"}`, `{"iss":"a","\u0069ss":"a"}`, `{"x":{"y":1,"y":1}}`, `{"x":[{"y":1,"y":1}]}`,
		`{"iss":null}`, `{"iss":1}`, `{"iss":["a"]}`, `{"sub":{}}`, `{"sub":true}`, `{"scope":["a"]}`, `{"jti":1}`,
		`{"client_id":1}`, `{"azp":1}`, `{"token_use":1}`, `{"gty":1}`, `{"cnf":1}`, `{"cnf":{"jkt":1}}`, `{"cnf":null}`,
		`{"aud":null}`, `{"aud":1}`, `{"aud":[1]}`, `{"aud":["a",null]}`, `{"aud":["a",["b"]]}`, `{"aud":{}}`,
		`{"exp":"1"}`, `{"exp":null}`, `{"exp":true}`, `{"iat":[1]}`, `{"nbf":{}}`,
		`{"exp":9007199254740993}`, `{"exp":-9007199254740993}`, `{"exp":1e16}`, `{"exp":1e400}`, `{"exp":-1e400}`,
		`{"exp":99999999999999999999}`, `{"x":[9007199254740993]}`, `{"exp":01}`, `{"exp":+1}`, `{"exp":1.}`, `{"exp":.5}`,
		`{"exp":NaN}`, `{"exp":Infinity}`, `{"exp":0x10}`, `{"exp":1_000}`,
		"{\"iss\":\"\xff\"}", "{\"iss\":\"a\x00\"}", `{"iss":"\ud800"}`, `{"iss":"\x41"}`, "\ufeff{}", nested(17, ""),
	} {
		if got, err := ParseClaims([]byte(in)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v, %v", in, got, err)
		}
	}
}

// What is refused must not be repeated in a log.
func TestErrorsDoNotQuote(t *testing.T) {
	const word = "hunter2"
	for _, in := range []string{
		`{"` + word + `":1,"` + word + `":2}`, `{"iss":` + word + `}`, `{"exp":"` + word + `"}`, word, `{"cnf":{"jkt":["` + word + `"]}}`,
	} {
		_, fromClaims := ParseClaims([]byte(in))
		_, fromHeader := Parse(compact(in, in, nil))
		_, fromKey := ParseJWK([]byte(in))
		for _, err := range []error{fromClaims, fromHeader, fromKey} {
			if err != nil && strings.Contains(err.Error(), word) {
				t.Errorf("%s: the error quotes it: %v", in, err)
			}
		}
	}
}

func TestClaimsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Claims{
			Issuer:   rapid.String().Draw(t, "iss"),
			Scope:    rapid.String().Draw(t, "scope"),
			Audience: rapid.SliceOf(rapid.String()).Draw(t, "aud"),
			Expiry:   time.Unix(rapid.Int64Range(-maxNumber, maxNumber).Draw(t, "exp"), 0).UTC(),
		}
		quoted := make([]string, len(want.Audience))
		for i, audience := range want.Audience {
			quoted[i] = quote(audience)
		}
		got, err := ParseClaims(fmt.Appendf(nil, `{"exp":%d,"aud":[%s],"iss":%s,"scope":%s}`,
			want.Expiry.Unix(), strings.Join(quoted, ","), quote(want.Issuer), quote(want.Scope)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// quote writes every character of text as an escape.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		if r < 0x10000 {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
