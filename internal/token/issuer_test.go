package token

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/wire"
)

// signers are keys that were made for a test.
type signers map[jose.Algorithm]*jose.Signer

func (s signers) Signer(a jose.Algorithm) (*jose.Signer, error) {
	if signer := s[a]; signer != nil {
		return signer, nil
	}
	return nil, errors.New("no key")
}

// shelf keeps what was saved, or fails.
type shelf struct {
	store.Tokens
	saved []store.Token
	err   error
}

func (s *shelf) Save(_ context.Context, t store.Token) error {
	s.saved = append(s.saved, t)
	return s.err
}

// the odd part of a second must not reach a token
var now = time.Date(2026, 6, 1, 14, 0, 0, 987654321, time.FixedZone("", 7200))

func issuer(t testing.TB) (*Issuer, *shelf, *jose.Signer) {
	t.Helper()
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.ES256, "k1", key, dialect.RFC.Header("ES256", "k1"))
	if err != nil {
		t.Fatal(err)
	}
	kept := &shelf{}
	return &Issuer{
		Name: "https://auth.example", Dialect: dialect.RFC, Signers: signers{jose.ES256: signer}, Opaque: kept,
		Now: func() time.Time { return now }, Random: rand.Reader,
	}, kept, signer
}

func api(name string, lifetime time.Duration) *catalogue.API {
	return &catalogue.API{Name: name, Audience: "https://api.example/" + name, Token: catalogue.Token{Lifetime: lifetime, Algorithm: jose.ES256, Format: catalogue.JWT}}
}

func authorization(scope []string, apis ...*catalogue.API) Authorization {
	return Authorization{ClientID: "client1", SecretID: "secret1", APIs: apis, Scope: scope}
}

func claims(t *testing.T, token string, signer *jose.Signer) jose.Claims {
	t.Helper()
	parsed, err := jose.Parse(token)
	if err != nil {
		t.Fatal(err)
	}
	body, err := parsed.Verify(signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	c, err := jose.ParseClaims(body)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestIssue: what a JWT says, exact to the second (missions U20, U34).
func TestIssue(t *testing.T) {
	i, kept, signer := issuer(t)
	for _, lifetime := range []time.Duration{time.Second, 900 * time.Second, time.Hour, 24 * time.Hour} {
		answer, err := i.Issue(t.Context(), authorization([]string{"b", "a"}, api("notes", lifetime)))
		if err != nil {
			t.Fatal(err)
		}
		c := claims(t, answer.AccessToken, signer)
		whole := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
		if answer.ExpiresIn != int64(lifetime/time.Second) || !c.IssuedAt.Equal(whole) || c.Expiry.Sub(c.IssuedAt) != lifetime {
			t.Errorf("%v: expires_in %d, iat %v, exp %v", lifetime, answer.ExpiresIn, c.IssuedAt, c.Expiry)
		}
		if answer.TokenType != "Bearer" || answer.Scope != "b a" || c.Scope != "b a" || answer.RefreshToken != "" {
			t.Errorf("%+v", answer)
		}
		want := jose.Claims{
			Issuer: i.Name, Subject: "client1", ClientID: "client1", Audience: []string{"https://api.example/notes"},
			IssuedAt: c.IssuedAt, Expiry: c.Expiry, ID: c.ID, Scope: "b a",
		}
		if diff := cmp.Diff(want, c); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	if len(kept.saved) != 0 {
		t.Error("a JWT was stored")
	}
}

// TestID: no two alike, and each names the secret that obtained it.
func TestID(t *testing.T) {
	i, _, signer := issuer(t)
	seen := map[string]bool{}
	for range 100 {
		answer, err := i.Issue(t.Context(), authorization(nil, api("notes", time.Hour)))
		if err != nil {
			t.Fatal(err)
		}
		id := claims(t, answer.AccessToken, signer).ID
		if random, _, _ := strings.Cut(id, "."); seen[id] || len(random) != 22 || ID(id).Secret() != "secret1" {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
	}
	for id, want := range map[ID]string{"": "", "abc": "", "abc.": "", "abc.s1": "s1", "abc.s1.g1": "s1", "abc..g1": ""} {
		if got := id.Secret(); got != want {
			t.Errorf("%q: %q", id, got)
		}
	}
	for id, want := range map[ID]string{
		"": "", "abc": "", "abc.s1": "", "abc.s1.": "", NewID("abc", "s1", ""): "", NewID("abc", "s1", "g1"): "g1", NewID("abc", "", "g1"): "g1",
	} {
		if got := id.Grant(); got != want {
			t.Errorf("the grant of %q: %q", id, got)
		}
	}
	if got := NewID("abc", "s1", ""); got != "abc.s1" {
		t.Errorf("without a grant: %q", got)
	}
}

// TestShortestLifetime: a token for several APIs lives as long as the shortest
// allows.
func TestShortestLifetime(t *testing.T) {
	i, _, signer := issuer(t)
	answer, err := i.Issue(t.Context(), authorization(nil, api("a", time.Hour), api("b", 15*time.Minute), api("c", 24*time.Hour)))
	if err != nil || answer.ExpiresIn != 900 {
		t.Fatal(answer.ExpiresIn, err)
	}
	c := claims(t, answer.AccessToken, signer)
	if c.Expiry.Sub(c.IssuedAt) != 15*time.Minute || !cmp.Equal(c.Audience, []string{"https://api.example/a", "https://api.example/b", "https://api.example/c"}) {
		t.Errorf("%+v", c)
	}
}

func TestCompatible(t *testing.T) {
	es, opaque, rs := api("a", 1), api("b", 2), api("c", 3)
	opaque.Token.Format, rs.Token.Algorithm = catalogue.Opaque, jose.RS256
	for _, row := range []struct {
		apis []*catalogue.API
		want bool
	}{
		{[]*catalogue.API{es}, true},
		{[]*catalogue.API{es, api("d", 9)}, true},
		{[]*catalogue.API{es, opaque}, false},
		{[]*catalogue.API{es, es, rs}, false},
	} {
		if Compatible(row.apis) != row.want {
			t.Errorf("%d APIs: %v", len(row.apis), !row.want)
		}
	}
}

// TestOpaque: what is handed out is kept as a hash only.
func TestOpaque(t *testing.T) {
	i, kept, _ := issuer(t)
	notes := api("notes", time.Hour)
	notes.Token.Format = catalogue.Opaque
	answer, err := i.Issue(t.Context(), authorization([]string{"read"}, notes))
	if err != nil {
		t.Fatal(err)
	}
	hash, ok := HashOf(answer.AccessToken)
	if !ok || len(kept.saved) != 1 || strings.Contains(answer.AccessToken, ".") {
		t.Fatalf("%q, %d saved", answer.AccessToken, len(kept.saved))
	}
	got := kept.saved[0]
	whole := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	want := store.Token{
		Hash: hash, ID: got.ID, ClientID: "client1", Subject: "client1", Audience: []string{"https://api.example/notes"}, Scope: []string{"read"},
		IssuedAt: whole, ExpiresAt: whole.Add(time.Hour),
	}
	if diff := cmp.Diff(want, got); diff != "" || ID(got.ID).Secret() != "secret1" || answer.ExpiresIn != 3600 {
		t.Errorf("(-want +got)\n%s", diff)
	}

	kept.err = store.ErrUnavailable
	if answer, err := i.Issue(t.Context(), authorization(nil, notes)); !errors.Is(err, store.ErrUnavailable) || answer.AccessToken != "" {
		t.Errorf("E27: %q, %v", answer.AccessToken, err)
	}
}

// TestMaxBytes: the longest token fits a header that our own gateway reads, and
// a longer one is an error and never cut.
func TestMaxBytes(t *testing.T) {
	i, _, _ := issuer(t)
	issue := func(n int) (string, error) {
		answer, err := i.Issue(t.Context(), authorization([]string{strings.Repeat("s", n)}, api("notes", time.Hour)))
		return answer.AccessToken, err
	}
	reached := 0
	for n := 5700; n < 6100; n++ {
		token, err := issue(n)
		switch {
		case err == nil:
			reached = len(token)
			if _, err := wire.Bearer("Bearer " + token); err != nil || len(token) > MaxBytes {
				t.Fatalf("%d bytes: %v", len(token), err)
			}
		case token != "" || !strings.Contains(err.Error(), "limit"):
			t.Fatalf("%d bytes beside %v", len(token), err)
		}
	}
	if reached < MaxBytes-1 { // of every four bytes of base64url one length is impossible
		t.Errorf("the longest token has %d bytes of %d", reached, MaxBytes)
	}
	if token, err := issue(20_000); token != "" || !errors.Is(err, jose.ErrTooLarge) {
		t.Errorf("beyond what is signed at all: %v", err)
	}
}

func TestFailures(t *testing.T) {
	opaque := api("notes", time.Hour)
	opaque.Token.Format = catalogue.Opaque
	broken := errors.New("no randomness")
	for _, a := range []*catalogue.API{api("notes", time.Hour), opaque} {
		i, kept, _ := issuer(t)
		i.Random = iotest.ErrReader(broken)
		if answer, err := i.Issue(t.Context(), authorization(nil, a)); !errors.Is(err, broken) || answer.AccessToken != "" || len(kept.saved) != 0 {
			t.Errorf("%s: %q, %v", a.Token.Format, answer.AccessToken, err)
		}
	}
	i, _, _ := issuer(t)
	other := api("notes", time.Hour)
	other.Token.Algorithm = jose.RS256
	if answer, err := i.Issue(t.Context(), authorization(nil, other)); err == nil || answer.AccessToken != "" {
		t.Errorf("an algorithm without a key: %q, %v", answer.AccessToken, err)
	}
}

func BenchmarkIssue(b *testing.B) {
	i, _, _ := issuer(b)
	a := authorization([]string{"read", "write"}, api("notes", time.Hour))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := i.Issue(b.Context(), a); err != nil {
			b.Fatal(err)
		}
	}
}
