package dialect

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/oauth"
)

var all = []*Dialect{RFC, Cognito, Auth0, Spring}

func TestFind(t *testing.T) {
	for _, d := range all {
		if Find(d.Name) != d {
			t.Error(d.Name)
		}
	}
	for _, name := range []string{"", "RFC", "Spring", "okta"} {
		if Find(name) != nil {
			t.Errorf("%q is found", name)
		}
	}
}

const basicChallenge = `Basic realm="staging", charset="UTF-8"`

// TestRefuse holds the answers as they go out, strict; words are tested below.
func TestRefuse(t *testing.T) {
	for _, row := range []struct {
		reason *refusal.Reason
		basic  bool
		rfc    string // status, error, and * for a challenge
		cog    string
		auth0  string
	}{
		{refusal.MethodNotPost, false, "405 invalid_request", "405", "405 invalid_request"},
		{refusal.MediaTypeUnknown, false, "400 invalid_request", "400 invalid_request", "400 invalid_request"},
		{refusal.BodyTooLarge, false, "413 invalid_request", "413 invalid_request", "413 invalid_request"},
		{refusal.GrantMissing, false, "400 invalid_request", "400 invalid_request", "400 invalid_request"},
		{refusal.GrantUnknown, false, "400 unsupported_grant_type", "400 unsupported_grant_type", "400 unsupported_grant_type"},
		{refusal.GrantNotAllowed, false, "400 unauthorized_client", "400 unauthorized_client", "403 unauthorized_client"},
		{refusal.GrantNotAllowed, true, "400 unauthorized_client", "400 unauthorized_client", "403 unauthorized_client"},
		{refusal.ClientUnauthenticated, false, "401 invalid_client *", "400 invalid_client", "401 invalid_client"},
		{refusal.SecretWrong, false, "401 invalid_client *", "400 invalid_client", "401 access_denied"},
		{refusal.SecretWrong, true, "401 invalid_client *", "401 invalid_client *", "401 access_denied *"},
		{refusal.ClientUnknown, false, "401 invalid_client *", "400 invalid_client", "401 access_denied"},
		{refusal.SecretMissing, false, "401 invalid_client *", "400 invalid_client", "401 access_denied"},
		{refusal.ClientDisabled, true, "401 invalid_client *", "401 invalid_client *", "401 access_denied *"},
		{refusal.SecretExpired, false, "401 invalid_client *", "400 invalid_client", "401 access_denied"},
		{refusal.TwoMethods, true, "400 invalid_request", "400 invalid_request", "400 invalid_request"},
		{refusal.TooManyFailures, true, "429 too_many_requests", "429 too_many_requests", "429 too_many_requests"},
		{refusal.ScopeUnknown, false, "400 invalid_scope", "400 invalid_scope", "403 access_denied"},
		{refusal.ScopeNotAllotted, true, "400 invalid_scope", "400 invalid_scope", "403 access_denied"},
		{refusal.AudienceMissing, false, "400 invalid_target", "400 invalid_request", "403 access_denied"},
		{refusal.AudienceUnknown, false, "400 invalid_target", "400 invalid_request", "403 access_denied"},
		{refusal.AudienceNotAllotted, false, "400 invalid_target", "400 invalid_request", "403 access_denied"},
		{refusal.Ours, true, "500 server_error", "500 server_error", "500 server_error"},
		{refusal.Unavailable, false, "503 temporarily_unavailable", "503 temporarily_unavailable", "503 temporarily_unavailable"},
	} {
		for i, want := range []string{row.rfc, row.cog, row.auth0} {
			d := all[i]
			got := d.Refuse(refusal.Of(row.reason), Question{Issuer: "https://i", Realm: "staging", Basic: row.basic, Strict: true})
			fields := strings.Fields(want)
			var body, challenge string
			if len(fields) > 1 {
				body = `{"error":"` + fields[1] + `"}`
			}
			if len(fields) > 2 {
				challenge = basicChallenge
			}
			if got.Challenge != challenge || string(got.Body) != body || (fields[0] != statusText(got.Status)) {
				t.Errorf("%s, %s, Basic %v: %d %q %s, want %s", d.Name, row.reason.ID, row.basic, got.Status, got.Challenge, got.Body, want)
			}
			plain := d.Refuse(refusal.Of(row.reason), Question{Issuer: "https://i", Realm: "staging", Basic: row.basic, Strict: true, Plain: true})
			if plain.Status != got.Status || plain.Body != nil && string(plain.Body) != `{"error":"`+string(row.reason.Public().Code)+`"}` {
				t.Errorf("%s, %s, plain: %d %s", d.Name, row.reason.ID, plain.Status, plain.Body)
			}
		}
	}
}

func statusText(status int) string {
	b, _ := json.Marshal(status)
	return string(b)
}

// TestWords: what the product's clients match on, and ours where it has none.
func TestWords(t *testing.T) {
	for _, row := range []struct {
		d       *Dialect
		refused *refusal.Refusal
		want    string
	}{
		{RFC, refusal.SecretWrong.From(nil), `{"error":"invalid_client","error_description":"client authentication failed","error_uri":"https://i/errors/credentials-wrong"}`},
		{RFC, refusal.ScopeNotAllotted.Naming("a", "b"), `{"error":"invalid_scope","error_description":"Client has not been granted scopes: a b","error_uri":"https://i/errors/scope-not-allotted"}`},
		{Cognito, refusal.ScopeNotAllotted.Naming("a"), `{"error":"invalid_scope","error_description":"Client has not been granted scopes: a","error_uri":"https://i/errors/scope-not-allotted"}`},
		{Auth0, refusal.SecretWrong.From(nil), `{"error":"access_denied","error_description":"Unauthorized","error_uri":"https://i/errors/credentials-wrong"}`},
		{Auth0, refusal.ClientUnauthenticated.From(nil), `{"error":"invalid_client","error_description":"Missing client_id","error_uri":"https://i/errors/client-unauthenticated"}`},
		{Auth0, refusal.GrantMissing.From(nil), `{"error":"invalid_request","error_description":"Missing required parameter: grant_type","error_uri":"https://i/errors/grant-missing"}`},
		{Auth0, refusal.AudienceNotAllotted.Naming("https://a"), `{"error":"access_denied","error_description":"Client is not authorized to access https://a","error_uri":"https://i/errors/audience-not-allotted"}`},
		{Auth0, refusal.ScopeNotAllotted.Naming("write:things"), `{"error":"access_denied","error_description":"Client has not been granted scopes: write:things","error_uri":"https://i/errors/scope-not-allotted"}`},
	} {
		got := row.d.Refuse(row.refused, Question{Issuer: "https://i"})
		if diff := cmp.Diff(row.want, string(got.Body)); diff != "" {
			t.Errorf("%s, %s: (-want +got)\n%s", row.d.Name, row.refused.ID, diff)
		}
	}
}

// TestEveryRefusal: each is JSON with one error, and no dialect makes a refusal
// a success.
func TestEveryRefusal(t *testing.T) {
	for _, d := range all {
		for _, r := range refusal.All() {
			for _, q := range []Question{{}, {Basic: true}, {Strict: true}, {Plain: true}} {
				got := d.Refuse(refusal.Of(r), q)
				// Auth0 challenges only who used the Authorization header.
				challenged := got.Status == 401 && (d != Auth0 || q.Basic)
				if got.Status < 400 || (got.Challenge != "") != challenged {
					t.Errorf("%s, %s: %d %q", d.Name, r.ID, got.Status, got.Challenge)
				}
				if got.Body == nil {
					continue
				}
				var parsed oauth.ErrorResponse
				if err := json.Unmarshal(got.Body, &parsed); err != nil || parsed.Code == "" || (parsed.Description == "") != q.Strict {
					t.Errorf("%s, %s: %s, %v", d.Name, r.ID, got.Body, err)
				}
			}
		}
	}
}

// TestToken: members in the order that the documents print (T4, S5, U18).
func TestToken(t *testing.T) {
	answer := oauth.TokenResponse{AccessToken: "t", TokenType: "Bearer", ExpiresIn: 3600, Scope: "a b"}
	bare := answer
	bare.Scope = ""
	const three = `{"access_token":"t","expires_in":3600,"token_type":"Bearer"`
	for _, row := range []struct {
		name   string
		d      *Dialect
		answer oauth.TokenResponse
		asked  string
		want   string
	}{
		{"as asked", RFC, answer, "a b", three + "}"},
		{"another order", RFC, answer, "b a", three + `,"scope":"a b"}`},
		{"spaces in excess", RFC, answer, "a  b", three + `,"scope":"a b"}`},
		{"nothing asked", RFC, answer, "", three + `,"scope":"a b"}`},
		{"no scope", RFC, bare, "", three + "}"},
		{"never a scope", Cognito, answer, "", three + "}"},
		{"the scope in front", Auth0, answer, "a b", `{"access_token":"t","scope":"a b","expires_in":3600,"token_type":"Bearer"}`},
		{"no scope at Auth0", Auth0, bare, "", three + "}"},
	} {
		if got := string(row.d.AppendToken(nil, &row.answer, row.asked)); got != row.want {
			t.Errorf("%s, %s: %s, want %s", row.d.Name, row.name, got, row.want)
		}
		if got := string(row.d.AppendToken([]byte("before"), &row.answer, row.asked)); got != "before"+row.want {
			t.Errorf("%s does not append: %s", row.d.Name, got)
		}
	}
}

// TestHeader: kid first, so that a token begins as the published examples do (T7).
func TestHeader(t *testing.T) {
	for want, d := range map[string]*Dialect{
		`{"kid":"k1","alg":"RS256","typ":"at+jwt"}`: RFC,
		`{"kid":"k1","alg":"RS256"}`:                Cognito,
		`{"kid":"k1","alg":"RS256","typ":"JWT"}`:    Auth0,
	} {
		got := d.Header("RS256", "k1")
		if string(got) != want || !strings.HasPrefix(base64.RawURLEncoding.EncodeToString(got), "eyJraWQiOiJ") {
			t.Errorf("%s: %s", d.Name, got)
		}
	}
}

var hostile = &Claims{
	Issuer: `https://i/"}`, ClientID: "a\"b\\c\x7f\x01\nd\u2028é", Audience: []string{`x","iss":"evil`, "y"}, Scope: "read write",
	ID: "id.s", IssuedAt: time.Unix(1000, 5), ExpiresAt: time.Unix(4600, 5),
}

// TestClaims: no name of a client can write a claim.
func TestClaims(t *testing.T) {
	for _, d := range all {
		got, err := jose.ParseClaims(d.AppendClaims(nil, hostile))
		if err != nil {
			t.Errorf("%s: %v", d.Name, err)
			continue
		}
		want := jose.Claims{
			Issuer: hostile.Issuer, Subject: hostile.ClientID, Scope: hostile.Scope, ID: hostile.ID,
			IssuedAt: time.Unix(1000, 0).UTC(), Expiry: time.Unix(4600, 0).UTC(),
		}
		switch d {
		case RFC, Spring:
			want.Audience, want.ClientID = hostile.Audience, hostile.ClientID
		case Cognito:
			want.ClientID, want.TokenUse = hostile.ClientID, "access"
		case Auth0:
			want.Audience, want.AuthorizedParty, want.GrantType = hostile.Audience, hostile.ClientID, "client-credentials"
			want.Subject += "@clients"
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", d.Name, diff)
		}
	}
}

// TestClaimsAsWritten: members and order of each product's tokens (T8, S5).
func TestClaimsAsWritten(t *testing.T) {
	c := &Claims{
		Issuer: "https://i", ClientID: "c", Audience: []string{"a"}, Scope: "r", ID: "j", IssuedAt: time.Unix(1, 0), ExpiresAt: time.Unix(2, 0),
	}
	for want, d := range map[string]*Dialect{
		`{"iss":"https://i","sub":"c","aud":"a","client_id":"c","scope":"r","iat":1,"exp":2,"jti":"j"}`:                                      RFC,
		`{"sub":"c","token_use":"access","scope":"r","auth_time":1,"iss":"https://i","exp":2,"iat":1,"version":2,"jti":"j","client_id":"c"}`: Cognito,
		`{"iss":"https://i","sub":"c@clients","aud":"a","iat":1,"exp":2,"scope":"r","gty":"client-credentials","azp":"c","jti":"j"}`:         Auth0,
	} {
		if diff := cmp.Diff(want, string(d.AppendClaims(nil, c))); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", d.Name, diff)
		}
	}
	c.Scope = ""
	for _, d := range all {
		if got := string(d.AppendClaims(nil, c)); strings.Contains(got, `"scope"`) != (d == Cognito) {
			t.Errorf("%s without a scope: %s", d.Name, got)
		}
	}
}

// FuzzString: our JSON strings mean what they are made of.
func FuzzString(f *testing.F) {
	for _, seed := range []string{"", "a", `"`, `\`, "\x00\x1f\x7f", "é\u2028😀", `\u0041`, "</script>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		var got string
		if err := json.Unmarshal(appendString(nil, s), &got); err != nil || got != s {
			t.Errorf("%q becomes %q, %v", s, got, err)
		}
	})
}

func BenchmarkAppendClaims(b *testing.B) {
	buffer := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		RFC.AppendClaims(buffer, hostile)
	}
}

// TestIntrospection holds the answer against what encoding/json makes of the
// type that clients read it into.
func TestIntrospection(t *testing.T) {
	for _, said := range []oauth.Introspection{
		{Active: true},
		{
			Active: true, Scope: "a b", ClientID: "c", TokenType: "Bearer", ExpiresAt: 2, IssuedAt: 1, Subject: `s"\`,
			Audience: []string{"one"}, Issuer: "https://issuer.example", ID: "i.s",
		},
		{Active: true, Audience: []string{"one", "twö"}, IssuedAt: -1},
	} {
		want, err := json.Marshal(said)
		if err != nil {
			t.Fatal(err)
		}
		if got := AppendIntrospection(nil, &said); string(got) != string(want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
