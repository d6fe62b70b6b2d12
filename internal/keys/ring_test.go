package keys_test

import (
	"bytes"
	"context"
	"crypto"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/sqlstore"
)

var start = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, path string) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), "sqlite:"+path, sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func seal(t *testing.T, b byte) *keys.Seal {
	t.Helper()
	s, err := keys.NewSeal(hex.EncodeToString(bytes.Repeat([]byte{b}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func settings(t *testing.T, k store.Keys) keys.Settings {
	return keys.Settings{
		Environment: "staging", Purpose: keys.AccessToken, Keys: k, Seal: seal(t, 1), Header: dialect.RFC.Header,
		Now: func() time.Time { return start },
	}
}

var by = store.By{Actor: "test", At: start}

func ring(t *testing.T, s keys.Settings, algorithms ...jose.Algorithm) *keys.Ring {
	t.Helper()
	r, err := keys.Open(t.Context(), s, algorithms, by)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func kid(t *testing.T, r *keys.Ring, a jose.Algorithm) string {
	t.Helper()
	s, err := r.Signer(a)
	if err != nil {
		t.Fatal(err)
	}
	return s.KeyID()
}

// TestOpenCreatesOnce: keys outlive the process.
func TestOpenCreatesOnce(t *testing.T) {
	s := settings(t, open(t, filepath.Join(t.TempDir(), "a.db")).Keys())
	first := ring(t, s, jose.ES256, jose.EdDSA)
	second := ring(t, s, jose.ES256, jose.EdDSA)
	if kid(t, first, jose.ES256) != kid(t, second, jose.ES256) || kid(t, first, jose.EdDSA) != kid(t, second, jose.EdDSA) || !bytes.Equal(first.JWKS(), second.JWKS()) {
		t.Error("the keys are others")
	}
	if _, err := first.Signer(jose.RS256); err == nil {
		t.Error("an algorithm that nobody asked for")
	}
	if err := first.Ensure(t.Context(), []jose.Algorithm{jose.ES256, jose.RS256}, by); err != nil {
		t.Fatal(err)
	}
	if kid(t, first, jose.ES256) != kid(t, second, jose.ES256) || kid(t, first, jose.RS256) == "" {
		t.Error("Ensure replaced a key, or made none")
	}
}

// TestOpenAtOnce: nodes that start together end with the same keys.
func TestOpenAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	nodes := []*sqlstore.Store{open(t, path), open(t, path)}
	rings := make([]*keys.Ring, 8)
	var wg sync.WaitGroup
	for i := range rings {
		s := settings(t, nodes[i%2].Keys())
		wg.Go(func() {
			var err error
			if rings[i], err = keys.Open(context.Background(), s, []jose.Algorithm{jose.ES256, jose.EdDSA}, by); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	for _, r := range rings {
		for _, a := range []jose.Algorithm{jose.ES256, jose.EdDSA} {
			if kid(t, r, a) != kid(t, rings[0], a) {
				t.Errorf("%s: two nodes sign with two keys", a)
			}
		}
	}
	if again := ring(t, settings(t, nodes[0].Keys()), jose.ES256, jose.EdDSA); kid(t, again, jose.ES256) != kid(t, rings[0], jose.ES256) {
		t.Error("the next start signs with another key")
	}
}

// moved gives out the keys of a store changed.
type moved struct {
	store.Keys
	change func(*store.Key)
}

func (m moved) List(ctx context.Context) ([]store.Key, error) {
	all, err := m.Keys.List(ctx)
	for i := range all {
		m.change(&all[i])
	}
	return all, err
}

// TestSealIsBound is row U05: a key opens with its sealing key, in its place and
// in its environment only.
func TestSealIsBound(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "a.db"))
	s := settings(t, db.Keys())
	ring(t, s, jose.ES256)
	for name, change := range map[string]func(*keys.Settings){
		"another sealing key": func(s *keys.Settings) { s.Seal = seal(t, 2) },
		"another environment": func(s *keys.Settings) { s.Environment = "production" },
		"another purpose": func(s *keys.Settings) {
			s.Purpose = "id-token"
			s.Keys = moved{db.Keys(), func(k *store.Key) { k.Purpose = "id-token" }}
		},
		"another row": func(s *keys.Settings) { s.Keys = moved{db.Keys(), func(k *store.Key) { k.ID = "x" + k.ID[1:] }} },
		"altered":     func(s *keys.Settings) { s.Keys = moved{db.Keys(), func(k *store.Key) { k.Sealed[20] ^= 1 }} },
	} {
		s := s
		change(&s)
		_, err := keys.Open(t.Context(), s, []jose.Algorithm{jose.ES256}, by)
		if !errors.Is(err, keys.ErrSealed) || !strings.Contains(err.Error(), s.Environment) {
			t.Errorf("%s: %v", name, err)
		}
	}
	stored, err := db.Keys().List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range stored {
		if bytes.Contains(k.Public, []byte(`"d"`)) {
			t.Error("a private member is stored in the clear")
		}
	}
}

// TestJWKS is row G24, read by another library.
func TestJWKS(t *testing.T) {
	r := ring(t, settings(t, open(t, filepath.Join(t.TempDir(), "a.db")).Keys()), jose.ES256, jose.EdDSA, jose.RS256)
	ours, err := jose.ParseJWKSet(r.JWKS())
	if err != nil || len(ours) != len(r.Public()) {
		t.Fatalf("%d of %d keys, %v", len(ours), len(r.Public()), err)
	}
	var theirs gojose.JSONWebKeySet
	if err := json.Unmarshal(r.JWKS(), &theirs); err != nil {
		t.Fatal(err)
	}
	for _, a := range []jose.Algorithm{jose.ES256, jose.EdDSA, jose.RS256} {
		found := theirs.Key(kid(t, r, a))
		if len(found) != 1 || !found[0].IsPublic() || !found[0].Valid() || found[0].Use != "sig" || found[0].Algorithm != string(a) {
			t.Errorf("%s: %+v", a, found)
		}
	}
	var document struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal(r.JWKS(), &document); err != nil {
		t.Fatal(err)
	}
	for _, k := range document.Keys {
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
			if _, ok := k[private]; ok {
				t.Errorf("%v has %s", k["kid"], private)
			}
		}
	}
}

// TestSigns: what a ring's signer makes is accepted by its public keys, by no
// other purpose's and by no other environment's (rows N09, G25).
func TestSigns(t *testing.T) {
	db, second := open(t, filepath.Join(t.TempDir(), "a.db")), open(t, filepath.Join(t.TempDir(), "b.db"))
	staging := ring(t, settings(t, db.Keys()), jose.ES256)
	other := settings(t, second.Keys())
	other.Environment = "production"
	production := ring(t, other, jose.ES256)
	purpose := settings(t, db.Keys())
	purpose.Purpose = "id-token"
	ids := ring(t, purpose, jose.ES256)

	signer, _ := staging.Signer(jose.ES256)
	token, err := signer.Sign(t.Context(), []byte(`{"sub":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jose.Parse(token)
	if err != nil {
		t.Fatal(err)
	}
	has := func(r *keys.Ring) bool {
		return slices.ContainsFunc(r.Public(), func(k jose.PublicKey) bool { return k.KeyID == parsed.KeyID() })
	}
	if !has(staging) || has(production) || has(ids) {
		t.Error("a kid is known where it must not be")
	}
	for _, r := range []*keys.Ring{staging, production, ids} {
		good := slices.ContainsFunc(r.Public(), func(k jose.PublicKey) bool { _, err := parsed.Verify(k); return err == nil })
		if good != (r == staging) {
			t.Errorf("accepted: %v", good)
		}
	}
}

// hardware is a key that cannot be copied: it signs and shows its public half.
type hardware struct{ inside crypto.Signer }

func (h hardware) Public() crypto.PublicKey { return h.inside.Public() }

func (h hardware) Sign(random io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	return h.inside.Sign(random, digest, o)
}

// TestExternalSigner: tokens need no more of a key than crypto.Signer.
func TestExternalSigner(t *testing.T) {
	for _, a := range jose.Algorithms() {
		inside, err := jose.Generate(a)
		if err != nil {
			t.Fatal(err)
		}
		signer, err := jose.NewSigner(a, "k", hardware{inside}, dialect.RFC.Header(string(a), "k"))
		if err != nil {
			t.Fatal(err)
		}
		token, err := signer.Sign(t.Context(), []byte(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		if parsed, err := jose.Parse(token); err != nil {
			t.Error(err)
		} else if _, err := parsed.Verify(signer.Public()); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
}
