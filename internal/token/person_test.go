package token

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/sqlstore"
)

// redeemer notes what was committed, or fails.
type redeemer struct {
	done []store.Redemption
	err  error
}

func (r *redeemer) Commit(_ context.Context, red store.Redemption, _ store.By) (int64, error) {
	r.done = append(r.done, red)
	if r.err != nil || red.Refresh.IsZero() {
		return 0, r.err
	}
	return red.Generation + 1, nil
}

// personIssuer issues tokens for people, and the authorization of one of them.
func personIssuer(t *testing.T) (*Issuer, *redeemer, Authorization, *jose.Signer) {
	t.Helper()
	i, _, _ := issuer(t)
	db, err := sqlstore.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "a.db"), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	seal, err := keys.NewSeal(strings.Repeat("5e", 32))
	if err != nil {
		t.Fatal(err)
	}
	derivation, err := keys.OpenDerivation(t.Context(), keys.Settings{
		Environment: "staging", Purpose: keys.Refresh, Keys: db.Keys(), Seal: seal, Now: i.Now,
	}, rand.Reader, store.By{Actor: "test", At: now})
	if err != nil {
		t.Fatal(err)
	}
	key, err := jose.Generate(jose.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.EdDSA, "id1", key, dialect.RFC.IDHeader("EdDSA", "id1"))
	if err != nil {
		t.Fatal(err)
	}
	grants := &redeemer{}
	i.People = &People{
		Grants: grants, IDs: signers{jose.EdDSA: signer}, Refresh: Refresh{Key: derivation},
		Life: catalogue.RefreshLife{Idle: time.Hour, Most: 24 * time.Hour, Grace: 10 * time.Second}, Longest: 24 * time.Hour,
		Seen: func(context.Context) error { return nil },
	}
	a := authorization([]string{"openid", "email", "read"}, api("notes", time.Hour), &catalogue.API{
		Name: catalogue.OpenIDName, Audience: "https://auth.example/userinfo", Token: catalogue.Token{Lifetime: time.Minute, Format: catalogue.Opaque},
	})
	a.Person = &Person{
		Account: &store.Account{ID: "anna", Name: "Anna", Profile: store.Profile{Email: "a@example.com", FullName: "Anna A"}},
		GrantID: "g1", SessionID: "s1", SignedIn: SignedIn{At: now, Methods: []string{"pwd"}, ACR: "1"},
		IDToken: &IDToken{Algorithm: jose.EdDSA, Nonce: "n", Claims: []string{"email", "name", "sub", "iss"}},
	}
	a.Spend = &Spend{GrantID: "g1", Refresh: true, EndsAt: now.Add(24 * time.Hour)}
	return i, grants, a, signer
}

// TestIssueForAPerson: what the tokens say, and what is committed.
func TestIssueForAPerson(t *testing.T) {
	i, grants, a, signer := personIssuer(t)
	answer, err := i.Issue(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if answer.ExpiresIn != 3600 { // the settings of openid do not count beside another API
		t.Errorf("expires_in %d", answer.ExpiresIn)
	}
	id, generation, ok := i.People.Refresh.Read(answer.RefreshToken)
	if !ok || id != "g1" || generation != 1 {
		t.Errorf("%s: %s, %d, %v", answer.RefreshToken, id, generation, ok)
	}
	parsed, err := jose.Parse(answer.IDToken)
	if err != nil {
		t.Fatal(err)
	}
	body, err := parsed.Verify(signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	var said map[string]any
	if err := json.Unmarshal(body, &said); err != nil {
		t.Fatal(err)
	}
	whole := float64(now.Unix())
	want := map[string]any{ // row G26: asking by name writes no claim of ours; name needs its scope
		"iss": "https://auth.example", "sub": "anna", "aud": "client1", "iat": whole, "exp": whole + 600, "auth_time": whole,
		"acr": "1", "amr": []any{"pwd"}, "nonce": "n", "sid": "s1", "jti": said["jti"], "email": "a@example.com",
		"at_hash": tokenHash(jose.EdDSA, answer.AccessToken), // row G27
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if jti := ID(said["jti"].(string)); jti.Grant() != "g1" || jti.Secret() != "secret1" {
		t.Errorf("jti %s", jti)
	}
	if len(grants.done) != 1 || grants.done[0].Failed || !grants.done[0].Refresh.Equal(now.Add(time.Hour)) || grants.done[0].Grace != 10*time.Second {
		t.Errorf("committed %+v", grants.done)
	}
	// The absolute end comes before the idle one.
	a.Spend = &Spend{GrantID: "g1", Generation: 7, Refresh: true, EndsAt: now.Add(time.Minute)}
	if _, err := i.Issue(t.Context(), a); err != nil || !grants.done[1].Refresh.Equal(now.Add(time.Minute)) {
		t.Errorf("F11: %+v, %v", grants.done[1], err)
	}
}

// TestIssueSpent: nothing comes of what was spent, or may not have been.
func TestIssueSpent(t *testing.T) {
	i, grants, a, _ := personIssuer(t)
	for _, row := range []struct {
		generation int64
		err, want  error
	}{
		{0, store.ErrSpent, refusal.CodeSpent},
		{3, store.ErrSpent, refusal.RefreshReused},
		{3, store.ErrNotFound, refusal.RefreshReused},
		{0, store.ErrUnavailable, store.ErrUnavailable}, // row E27
	} {
		grants.err, a.Spend.Generation = row.err, row.generation
		if answer, err := i.Issue(t.Context(), a); !errors.Is(err, row.want) || answer.AccessToken+answer.RefreshToken+answer.IDToken != "" {
			t.Errorf("%v: %+v, %v", row.err, answer, err)
		}
	}
	grants.err = nil
	if err := i.Void(t.Context(), a); err != nil || !grants.done[len(grants.done)-1].Failed {
		t.Errorf("void: %v", err)
	}
	grants.err = store.ErrUnavailable
	if err := i.Void(t.Context(), a); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("void: %v", err)
	}
}

// TestRefreshHasOneSpelling: no other text is a refresh token.
func TestRefreshHasOneSpelling(t *testing.T) {
	i, _, _, _ := personIssuer(t)
	r := i.People.Refresh
	text := r.Text("Vb8sX0qT4m", 12).Reveal()
	if id, generation, ok := r.Read(text); !ok || id != "Vb8sX0qT4m" || generation != 12 {
		t.Fatalf("%s: %s, %d", text, id, generation)
	}
	head, proof, _ := strings.Cut(text, "-12-")
	for _, other := range []string{
		"", "-", "--", text + "0", text[1:], " " + text, text + "-", head + "-012-" + proof, head + "-+12-" + proof, head + "-13-" + proof,
		head + "-12-0" + proof, "-12-" + proof, head + "x-12-" + proof, head + "-0-" + proof, head + "--12-" + proof, strings.ToLower(text),
		strings.Repeat("a", 300) + "-1-" + proof,
	} {
		if _, _, ok := r.Read(other); ok {
			t.Errorf("%q is read", other)
		}
	}
	for c := range len(text) { // every character counts
		changed := []byte(text)
		if changed[c]++; changed[c] == ':' {
			continue
		}
		if _, _, ok := r.Read(string(changed)); ok {
			t.Errorf("%q is read", changed)
		}
	}
	if _, _, ok := (Refresh{}).Read(text); ok {
		t.Error("the zero value reads")
	}
}

// TestHints is row B12.
func TestHints(t *testing.T) {
	i, _, a, signer := personIssuer(t)
	answer, err := i.Issue(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	h := &Hints{Issuer: i.Name, Keys: func() []jose.PublicKey { return []jose.PublicKey{signer.Public()} }}
	if got, err := h.Read(answer.IDToken); err != nil || got != (Hint{Subject: "anna", SessionID: "s1", ClientID: "client1", ACR: "1"}) {
		t.Errorf("%+v, %v", got, err)
	}
	logout, err := signer.Under([]byte(`{"kid":"id1","alg":"EdDSA","typ":"logout+jwt"}`))
	if err != nil {
		t.Fatal(err)
	}
	signed := func(s *jose.Signer, claims string) string {
		text, err := s.Sign(t.Context(), []byte(claims))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for name, text := range map[string]string{
		"nothing": "", "an access token": answer.AccessToken, "altered": answer.IDToken[:len(answer.IDToken)-4] + "AAAA",
		"a logout token": signed(logout, `{"iss":"https://auth.example","sub":"anna","aud":"client1"}`),
		"another issuer": signed(signer, `{"iss":"https://evil.example","sub":"anna","aud":"client1"}`),
		"of nobody":      signed(signer, `{"iss":"https://auth.example","aud":"client1"}`),
		"no ID token":    signed(signer, `{"iss":"https://auth.example","sub":"anna","aud":"client1","token_use":"access"}`),
		"for two":        signed(signer, `{"iss":"https://auth.example","sub":"anna","aud":["client1","other"]}`),
		"unsigned":       "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2F1dGguZXhhbXBsZSIsInN1YiI6ImFubmEiLCJhdWQiOiJjbGllbnQxIn0.",
	} {
		if got, err := h.Read(text); !errors.Is(err, ErrHint) || got != (Hint{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
