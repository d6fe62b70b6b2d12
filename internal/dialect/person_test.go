package dialect

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestClaimsOfAPerson: what tokens say of people, as each product's verifiers and
// applications read it.
func TestClaimsOfAPerson(t *testing.T) {
	c := &Claims{
		Issuer: "https://i", ClientID: "app", Audience: []string{"urn:a"}, Scope: "read", ID: "j", IssuedAt: time.Unix(1000, 0), ExpiresAt: time.Unix(4600, 0),
		Person: &Person{ID: "anna", Name: "Anna", Roles: []string{"staff"}, AuthenticatedAt: time.Unix(900, 0), Methods: []string{"pwd", "otp"}, ACR: "2"},
	}
	common := func(more string) string {
		return `{"iss":"https://i","sub":"anna","aud":"urn:a","iat":1000,"exp":4600,"jti":"j","scope":"read"` + more + `}`
	}
	rfc := common(`,"client_id":"app","auth_time":900,"acr":"2","amr":["pwd","otp"]`)
	for d, want := range map[*Dialect]string{
		RFC: rfc, Spring: rfc,
		Auth0: common(`,"azp":"app"`), // sub without @clients, and no gty
		Cognito: `{"sub":"anna","token_use":"access","scope":"read","auth_time":900,"iss":"https://i","exp":4600,"iat":1000,"version":2,"jti":"j",
			"client_id":"app","username":"Anna","cognito:groups":["staff"]}`,
	} {
		same(t, d.Name, want, d.AppendClaims(nil, c))
	}
}

// TestIDTokenClaims: OpenID Connect Core §2, and what one product adds.
func TestIDTokenClaims(t *testing.T) {
	c := &IDClaims{
		Issuer: "https://i", Subject: "anna", Audience: "app", IssuedAt: time.Unix(1000, 0), ExpiresAt: time.Unix(1600, 0), AuthenticatedAt: time.Unix(900, 0),
		Nonce: `n"`, TokenHash: "h", SessionID: "s", ID: "j", Name: "Anna", Roles: []string{"staff"}, More: []byte(`,"email":"a@example.com"`),
	}
	const plain = `{"iss":"https://i","sub":"anna","aud":"app","exp":1600,"iat":1000,"auth_time":900,"nonce":"n\"","at_hash":"h","sid":"s","jti":"j","email":"a@example.com"`
	for d, want := range map[*Dialect]string{
		RFC: plain + `}`, Auth0: plain + `}`, Spring: plain + `}`,
		Cognito: plain + `,"token_use":"id","cognito:username":"Anna","cognito:groups":["staff"]}`,
	} {
		same(t, d.Name, want, d.AppendIDToken(nil, c))
	}
}

func same(t *testing.T, name, want string, got []byte) {
	t.Helper()
	var a, b map[string]any
	if err := json.Unmarshal([]byte(want), &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(got, &b); err != nil {
		t.Fatalf("%s: %v: %s", name, err, got)
	}
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("%s: (-want +got)\n%s", name, diff)
	}
}
