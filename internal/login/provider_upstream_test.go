package login

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/fetch"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/sqlstore"
)

const (
	clientID     = "grantway"
	clientSecret = "upstream-secret-of-32-characters"
)

// An op is an OpenID provider of the test's, of which a row breaks one thing.
type op struct {
	*httptest.Server
	key *rsa.PrivateKey

	mu       sync.Mutex
	codes    map[string]url.Values // authorization requests by code
	requests int                   // at the token endpoint
	claims   map[string]any        // put over those of ID tokens; nil removes one
	userinfo map[string]any
	metadata map[string]any // put over
	header   map[string]any
	alg      string
	status   int // of the token endpoint
	keepCode bool
}

var theKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func startOP(t *testing.T) *op {
	t.Helper()
	o := &op{key: theKey(), codes: map[string]url.Values{}, alg: "RS256", status: 200}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		o.mu.Lock()
		defer o.mu.Unlock()
		all := map[string]any{
			"issuer": o.URL, "authorization_endpoint": o.URL + "/authorize", "token_endpoint": o.URL + "/token",
			"userinfo_endpoint": o.URL + "/userinfo", "jwks_uri": o.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"},
		}
		over(all, o.metadata)
		answer(w, all)
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "kid": "1", "use": "sig", "n": b64(o.key.N.Bytes()), "e": b64(big.NewInt(int64(o.key.E)).Bytes()),
		}}})
	})
	mux.HandleFunc("POST /token", o.token)
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer access" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		all := map[string]any{"sub": "248289", "name": "Jan de Vries", "email": "jan@example.org", "email_verified": true}
		o.mu.Lock()
		defer o.mu.Unlock()
		over(all, o.userinfo)
		answer(w, all)
	})
	o.Server = httptest.NewTLSServer(mux)
	t.Cleanup(o.Close)
	return o
}

func (o *op) token(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.requests++
	_ = r.ParseForm()
	asked, known := o.codes[r.Form.Get("code")]
	if !o.keepCode {
		delete(o.codes, r.Form.Get("code"))
	}
	id, word, _ := r.BasicAuth()
	challenge := sha256.Sum256([]byte(r.Form.Get("code_verifier")))
	if !known || id != clientID || word != clientSecret || r.Form.Get("redirect_uri") != asked.Get("redirect_uri") ||
		asked.Get("code_challenge") != b64(challenge[:]) || asked.Get("code_challenge_method") != "S256" || o.status != 200 {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(max(o.status, 400))
		_, _ = w.Write([]byte(`{"error":"invalid_grant","error_description":"the code was ` + r.Form.Get("code") + `"}`))
		return
	}
	now := time.Now()
	claims := map[string]any{
		"iss": o.URL, "sub": "248289", "aud": clientID, "nonce": asked.Get("nonce"),
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "preferred_username": "jan@uni.example",
	}
	over(claims, o.claims)
	answer(w, map[string]any{"access_token": "access", "token_type": "Bearer", "id_token": o.sign(claims)})
}

func (o *op) sign(claims map[string]any) string {
	header := map[string]any{"alg": o.alg, "kid": "1"}
	over(header, o.header)
	h, _ := json.Marshal(header)
	c, _ := json.Marshal(claims)
	text := b64(h) + "." + b64(c)
	switch o.alg {
	case "none":
		return text + "."
	case "HS256":
		mac := hmac.New(sha256.New, []byte(clientSecret))
		mac.Write([]byte(text))
		return text + "." + b64(mac.Sum(nil))
	case "stranger":
		key, _ := rsa.GenerateKey(rand.Reader, 2048)
		h, _ := json.Marshal(map[string]any{"alg": "RS256", "kid": "1"})
		text = b64(h) + "." + b64(c)
		sum := sha256.Sum256([]byte(text))
		signature, _ := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		return text + "." + b64(signature)
	}
	sum := sha256.Sum256([]byte(text))
	signature, _ := rsa.SignPKCS1v15(rand.Reader, o.key, crypto.SHA256, sum[:])
	return text + "." + b64(signature)
}

// authorize is the person who signs in there: it returns the query of the answer.
func (o *op) authorize(t *testing.T, location string) url.Values {
	t.Helper()
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	code := secret.Of(rand.Text()).Reveal()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.codes[code] = u.Query()
	return url.Values{"code": {code}, "state": {u.Query().Get("state")}}
}

func over(all, with map[string]any) {
	maps.Copy(all, with)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// A site is an environment with one upstream provider, and a browser.
type site struct {
	*Providers
	op      *op
	store   *sqlstore.Store
	browser secret.Secret
	now     time.Time
	proven  time.Time // when who is signed in proved it
}

func openSite(t *testing.T) *site {
	t.Helper()
	o := startOP(t)
	db, err := sqlstore.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "x.db"), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	roots := x509.NewCertPool()
	roots.AddCert(o.Certificate())
	s := &site{op: o, store: db, browser: opaque(t), now: time.Now(), proven: time.Now()}
	s.Providers = &Providers{
		Issuer: "https://login.example",
		Configured: []catalogue.Provider{
			{Name: "uni", Title: "Uni", Issuer: o.URL, ClientID: clientID, Secret: secret.Of(clientSecret), Scopes: []string{"email"}, Create: true},
			{Name: "other", Title: "Other", Issuer: o.URL, ClientID: clientID, Secret: secret.Of(clientSecret)},
		},
		Fetch:    fetch.New(fetch.Config{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Roots: roots}),
		Requests: db.Requests(), Accounts: db.Accounts(), Identities: db.Identities(),
		Browser: func(http.ResponseWriter, *http.Request) (secret.Secret, error) { return s.browser, nil },
		Now:     func() time.Time { return s.now }, Random: rand.Reader,
	}
	s.Link = (&account.Factors{
		Store: db.Factors(), Identities: db.Identities(), Strength: &account.Strength{Factors: db.Factors(), Identities: db.Identities(), Now: s.Now},
	}).Link
	s.Create = (&account.People{
		Accounts: db.Accounts(), Strength: &account.Strength{Factors: db.Factors(), Identities: db.Identities(), Now: s.Now},
		Forget: time.Hour, Random: rand.Reader, Now: s.Now,
	}).Create
	return s
}

func opaque(t *testing.T) secret.Secret {
	t.Helper()
	made, err := secret.NewOpaque(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// begin returns where the browser is sent.
func (s *site) begin(t *testing.T, name string, intent Intent) string {
	t.Helper()
	w := httptest.NewRecorder()
	if err := s.Begin(w, httptest.NewRequest(http.MethodPost, "/login/from/"+name, nil), name, intent); err != nil {
		t.Fatal(err)
	}
	if w.Code != http.StatusSeeOther {
		t.Fatalf("status %d", w.Code)
	}
	return w.Header().Get("Location")
}

// back brings an answer.
func (s *site) back(name string, query url.Values, signedIn string) (Arrival, error) {
	return s.Finish(httptest.NewRequest(http.MethodGet, "/login/from/"+name+"?"+query.Encode(), nil), name, account.Signed{
		AccountID: signedIn, SessionID: "s", Proven: []account.Proof{{Method: account.Password, At: s.proven}},
	})
}

func (s *site) account(t *testing.T, name string) store.Account {
	t.Helper()
	id, err := secret.NewID(rand.Reader, 22)
	if err != nil {
		t.Fatal(err)
	}
	a := store.Account{ID: id, Name: name, Key: name, CreatedAt: s.now, Profile: store.Profile{Email: "jan@example.org", EmailVerified: true}}
	if err := s.store.Accounts().Create(t.Context(), a, nil, store.By{Actor: "test", At: s.now}); err != nil {
		t.Fatal(err)
	}
	return a
}
