package resource_test

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/resource"
)

// TestMain: no test leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(patient{m}) }

// patient gives goroutines that are ending time to end.
type patient struct{ m *testing.M }

// Run implements goleak.TestingM.
func (p patient) Run() int {
	code := p.m.Run()
	for deadline := time.Now().Add(20 * time.Second); goleak.Find() != nil && time.Now().Before(deadline); {
	}
	return code
}

// An authority is a small issuer as others write them: metadata, keys that it
// rotates, introspection. It is an http.Handler, and a transport that calls
// itself, so that it lives in a bubble of testing/synctest too.
type authority struct {
	issuer string

	mu       sync.Mutex
	keys     []jose.PublicKey
	signer   *jose.Signer
	made     int
	cache    string                           // Cache-Control of the keys
	broken   func(http.ResponseWriter) bool   // answers instead, if it returns true
	active   map[string]map[string]any        // what introspection knows
	metadata func(path string) map[string]any // nil: as RFC 8414 has it

	keyFetches, metadataFetches, questions atomic.Int64
	hanging                                atomic.Pointer[chan struct{}]
}

// newAuthority returns an issuer that only its own RoundTrip reaches.
func newAuthority(t testing.TB) *authority {
	a := &authority{issuer: "https://auth.example/staging", active: map[string]map[string]any{}}
	a.rotate(t)
	return a
}

// served returns an issuer on a socket of the loopback interface.
func served(t testing.TB) *authority {
	a := newAuthority(t)
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.issuer = server.URL + "/staging"
	return a
}

// rotate makes a new key and signs with it; the old ones stay published.
func (a *authority) rotate(t testing.TB) { a.announce(t, true)() }

// announce publishes a new key, and returns what begins to sign with it.
func (a *authority) announce(t testing.TB, named bool) (use func()) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.made++
	id := ""
	if named {
		id = fmt.Sprintf("k%d", a.made)
	}
	signer := signerOf(t, id, generate(jose.ES256))
	a.keys = append(a.keys, signer.Public())
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.signer = signer
	}
}

// remove takes all keys but the one that signs out of the set.
func (a *authority) remove() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keys = slices.DeleteFunc(a.keys, func(k jose.PublicKey) bool { return k.KeyID != a.signer.KeyID() })
}

// breakdown makes every answer that of broken; nil mends it.
func (a *authority) breakdown(broken func(http.ResponseWriter) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.broken = broken
}

// hang accepts requests and never answers, until the function is called.
func (a *authority) hang() (recover func()) {
	stuck := make(chan struct{})
	a.hanging.Store(&stuck)
	return func() { a.hanging.Store(nil); close(stuck) }
}

// token signs claims; those that are given replace the usual ones.
func (a *authority) token(t testing.TB, instead map[string]any) string {
	t.Helper()
	now := time.Now()
	claims := map[string]any{
		"iss": a.issuer, "aud": audience, "sub": "client1", "client_id": "client1", "scope": "read write", "tenant": "school-7",
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "jti": fmt.Sprint(now.UnixNano()),
	}
	maps.Copy(claims, instead)
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	a.mu.Lock()
	signer := a.signer
	a.mu.Unlock()
	token, err := signer.Sign(context.Background(), body)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// ServeHTTP answers at the paths of RFC 8414 and RFC 7662.
func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if stuck := a.hanging.Load(); stuck != nil {
		select {
		case <-*stuck:
		case <-r.Context().Done():
		}
		return
	}
	a.mu.Lock()
	broken, metadata, cache := a.broken, a.metadata, a.cache
	document, err := jose.MarshalJWKSet(a.keys)
	a.mu.Unlock()
	if err != nil {
		panic(err)
	}
	switch r.URL.Path {
	case "/staging/jwks":
		a.keyFetches.Add(1)
		if broken != nil && broken(w) {
			return
		}
		if cache != "" {
			w.Header().Set("Cache-Control", cache)
		}
		w.Write(document)
	case "/staging/introspect":
		a.questions.Add(1)
		if broken != nil && broken(w) {
			return
		}
		a.introspect(w, r)
	default:
		a.metadataFetches.Add(1)
		if metadata == nil {
			metadata = func(path string) map[string]any {
				if path == "/.well-known/oauth-authorization-server/staging" {
					return map[string]any{"issuer": a.issuer, "jwks_uri": a.issuer + "/jwks"}
				}
				return nil
			}
		}
		said := metadata(r.URL.Path)
		if said == nil {
			http.NotFound(w, r)
			return
		}
		json.NewEncoder(w).Encode(said)
	}
}

func (a *authority) introspect(w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth()
	if !ok || id != "notes+api" || secret != "s3cret%2F" || r.Method != http.MethodPost { // form-encoded
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	a.mu.Lock()
	said := a.active[r.PostFormValue("token")]
	a.mu.Unlock()
	if said == nil {
		said = map[string]any{"active": false}
	}
	json.NewEncoder(w).Encode(said)
}

// RoundTrip calls ServeHTTP without a network.
func (a *authority) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.Body != nil {
		defer r.Body.Close()
	}
	a.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// client reaches the authority without a network.
func (a *authority) client() *http.Client { return &http.Client{Transport: a} }

// guard returns a checker of this issuer's tokens.
func (a *authority) guard(t testing.TB, keys *resource.KeySet) *resource.Checker {
	t.Helper()
	return checker(t, resource.Config{Issuer: a.issuer, Audience: []string{audience}, Keys: keys})
}

// signerOf makes access tokens of RFC 9068; without an id, their headers have none.
func signerOf(t testing.TB, id string, key crypto.Signer) *jose.Signer {
	t.Helper()
	header := []byte(`{"alg":"ES256","typ":"at+jwt"}`)
	if id != "" {
		header = fmt.Appendf(nil, `{"alg":"ES256","typ":"at+jwt","kid":%q}`, id)
	}
	signer, err := jose.NewSigner(jose.ES256, id, key, header)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// passes and refused say what a check should say.
func passes(t testing.TB, c *resource.Checker, token string) {
	t.Helper()
	if _, err := c.Check(t.Context(), token); err != nil {
		t.Errorf("refused: %v", err)
	}
}

func refused(t testing.TB, c *resource.Checker, token string, want error) {
	t.Helper()
	if got, err := c.Check(t.Context(), token); got != nil || !errors.Is(err, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}
