package secret

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
)

func sum256(b []byte) [32]byte { return sha256.Sum256(b) }

// check asks a new checker, that remembers nothing.
func check(t *testing.T, v Verifier, presented string) bool {
	t.Helper()
	c, err := NewChecker(seeded(9), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	ok, err := c.Check(t.Context(), "id", v, presented)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestGeneratedSecret(t *testing.T) {
	s := mustNew(t, "staging")
	v, err := FromGenerated(s)
	if err != nil {
		t.Fatal(err)
	}
	if v.IsSlow() || v.IsZero() || v.Algorithm() != "sha256" || !strings.HasPrefix(v.Encoded(), "sha256:") || len(v.Encoded()) != 7+43 {
		t.Errorf("kept as %s: %s", v.Algorithm(), v.Encoded())
	}
	back, err := Parse(v.Encoded())
	if err != nil || !back.Equal(v) {
		t.Fatalf("read back: %v", err)
	}
	if !check(t, back, s.Reveal()) || check(t, back, s.Reveal()+"x") || check(t, back, s.Reveal()[1:]) || check(t, back, "") {
		t.Error("not exactly the secret is accepted")
	}
	for _, chosen := range []string{"", "test", s.Reveal() + "x", opaqueFixture} {
		if _, err := FromGenerated(Of(chosen)); !errors.Is(err, ErrForm) {
			t.Errorf("%q was taken for a generated secret: %v", chosen, err)
		}
	}
}

func TestChosenSecret(t *testing.T) {
	v, err := FromChosen(Of("test"), seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	if !v.IsSlow() || v.Algorithm() != "argon2id" || !strings.HasPrefix(v.Encoded(), "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("kept as %s: %s", v.Algorithm(), v.Encoded())
	}
	back, err := Parse(v.Encoded())
	if err != nil || !back.Equal(v) {
		t.Fatalf("read back: %v", err)
	}
	if !check(t, back, "test") || check(t, back, "Test") || check(t, back, "") {
		t.Error("not exactly the secret is accepted")
	}
	other, err := FromChosen(Of("test"), seeded(2))
	if err != nil || other.Equal(v) {
		t.Errorf("two verifiers of one secret have one salt: %v", err)
	}
	if _, err := FromChosen(Of("test"), failing{}); !errors.Is(err, errNoRandomness) {
		t.Errorf("a salt without randomness: %v", err)
	}
}

func TestLengthOfSecrets(t *testing.T) {
	longest := strings.Repeat("x", MaxPresented)
	v, err := FromChosen(Of(longest), seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	if !check(t, v, longest) {
		t.Error("the longest secret is wrong")
	}
	for _, text := range []string{"", longest + "x"} {
		if _, err := FromChosen(Of(text), seeded(1)); !errors.Is(err, ErrLimit) {
			t.Errorf("a secret of %d bytes: %v", len(text), err)
		}
	}
	// One byte more is not hashed at all, though this verifier would match it.
	c, err := NewChecker(seeded(9), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	c.hash = func(Verifier, string) (bool, error) { return true, nil }
	for presented, want := range map[string]bool{longest: true, longest + "x": false, "": false} {
		if ok, err := c.Check(t.Context(), "id", v, presented); err != nil || ok != want {
			t.Errorf("presented %d bytes: %v, %v", len(presented), ok, err)
		}
	}
	if n := c.Hashings(); n != 1 {
		t.Errorf("%d hashings", n)
	}
	fast := ofSum(Hash(sum256([]byte(longest + "x"))))
	if check(t, fast, longest+"x") {
		t.Error("a generated secret above the length is accepted")
	}
}

func TestZeroVerifierMatchesNothing(t *testing.T) {
	var zero Verifier
	if !zero.IsZero() || zero.IsSlow() || zero.Encoded() != "" || zero.Algorithm() != "none" {
		t.Error("the zero verifier is something")
	}
	for _, presented := range []string{"", "x", strings.Repeat("\x00", 32)} {
		if check(t, zero, presented) {
			t.Errorf("%q is accepted", presented)
		}
	}
	c, _ := NewChecker(seeded(9), Limits{})
	c.Dummy(context.Background(), "x")
	if c.Hashings() != 0 {
		t.Error("an unknown client costs a slow hash")
	}
}

func TestParseReadsOneSpelling(t *testing.T) {
	const (
		salt = "c2l4dGVlbiBieXRlIHNhbA"
		sum  = "M/RYZLNYTuJBlja2CtfxRbpUxvqz0IQTqKCaccqjQoA"
	)
	for _, good := range []string{
		"sha256:yljMmgxGflMzlBfY7IaRlfDlzRCn_br8GU26cQ_6LTc",
		"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + sum,
		"$pbkdf2-sha256$i=2000$" + salt + "$" + sum,
		"$scrypt$ln=10,r=8,p=1$" + salt + "$" + sum,
		"wrapped:sha256::$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + sum,
		"wrapped:sha256:e2tpbG59:$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + sum,
		"$2b$04$mjagM/6aJpBf.3iRidu85.B7Fr/7ddckaczFb4gNa9RoIinkzpS1y",
	} {
		v, err := Parse(good)
		if err != nil || v.Encoded() != good {
			t.Errorf("%s: %v", good, err)
		}
	}
	for name, bad := range map[string]string{
		"empty":                "",
		"clear":                "test",
		"hex":                  "sha256:ca58cc9a0c467e53339417d8ec869195f0e5cd10a7fdbafc194dba710ffa2d37",
		"standard base64":      "sha256:yljMmgxGflMzlBfY7IaRlfDlzRCn/br8GU26cQ/6LTc",
		"padded":               "sha256:yljMmgxGflMzlBfY7IaRlfDlzRCn_br8GU26cQ_6LTc=",
		"loose last character": "sha256:yljMmgxGflMzlBfY7IaRlfDlzRCn_br8GU26cQ_6LTd",
		"line break":           "sha256:yljMmgxGflMzlBfY7IaRlf\nDlzRCn_br8GU26cQ_6LTc",
		"another product's":    "{noop}test",
		"padded salt":          "$argon2id$v=19$m=19456,t=2,p=1$" + salt + "==$" + sum,
		"leading zero":         "$argon2id$v=19$m=019456,t=2,p=1$" + salt + "$" + sum,
		"no name":              "$pbkdf2-sha256$2000$" + salt + "$" + sum,
		"short name":           "$pbkdf2$i=2000$" + salt + "$" + sum,
		"length said":          "$pbkdf2-sha256$i=2000,l=32$" + salt + "$" + sum,
		"unknown recipe":       "wrapped:md5::$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + sum,
		"wrapped bcrypt":       "wrapped:sha256::$2b$04$mjagM/6aJpBf.3iRidu85.B7Fr/7ddckaczFb4gNa9RoIinkzpS1y",
		"short Spring salt":    "wrapped:spring-sha256:e2tpbG59:$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + sum,
	} {
		if v, err := Parse(bad); err == nil {
			t.Errorf("%s: read as %s", name, v.Algorithm())
		} else if !errors.Is(err, ErrForm) && !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
