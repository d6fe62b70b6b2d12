package proxy

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/big"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/installed"
)

const clientSecret = "of-the-client-in-these-tests"

// A world is an issuer, an API and the proxy between.
type world struct {
	t      *testing.T
	issuer *httptest.Server
	api    *httptest.Server
	front  *httptest.Server // the proxy
	log    installed.Output
	ahead  atomic.Int64 // of the real time

	mu      sync.Mutex
	seen    []*http.Request // by the API, with the body in Form
	bodies  []string
	answer  http.HandlerFunc // the API's; nil: 200 {}
	issued  int              // tokens
	good    map[string]bool  // access tokens that the API takes; nil: all
	refuse  bool             // the token endpoint refuses
	claims  map[string]any   // of the next ID token, beside the usual
	about   string           // whom userinfo is about
	nonce   string           // that the browser brought to the issuer
	expires int              // seconds
	tokens  []string         // everything secret that was issued
	keys    int              // how often they were asked for
	revoked chan string      // that the issuer ended
	proxy   *Proxy
}

var key = func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
}()

// start runs a world. In the configuration, ISSUER, API, PUBLIC and FOLDER are put in.
func start(t *testing.T, config string) *world {
	t.Helper()
	w := &world{t: t, claims: map[string]any{}, about: "ann", expires: 3600, revoked: make(chan string, 10)}
	w.api = httptest.NewServer(http.HandlerFunc(w.serveAPI))
	t.Cleanup(w.api.Close)
	w.issuer = httptest.NewServer(w.serveIssuer())
	t.Cleanup(w.issuer.Close)
	var p *Proxy
	w.front = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { p.ServeHTTP(rw, r) }))
	t.Cleanup(w.front.Close)
	folder := t.TempDir()
	for name, text := range map[string]string{"index.html": "<!doctype html><title>App</title>", ".env": "SECRET", "a.js": "1"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := strings.NewReplacer("ISSUER", w.issuer.URL, "API", w.api.URL+"/v1", "PUBLIC", w.front.URL, "FOLDER", folder).Replace(config)
	c, err := catalogue.ParseProxy("proxy.yaml", []byte(text), func(string) (string, bool) { return clientSecret, true })
	if err != nil {
		t.Fatal(err)
	}
	p, err = New(Settings{
		Config: c, Log: slog.New(slog.NewTextHandler(&w.log, nil)),
		Now: func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.proxy = p
	return w
}

func (w *world) serveAPI(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.mu.Lock()
	w.seen, w.bodies = append(w.seen, r), append(w.bodies, string(body))
	answer, good := w.answer, w.good == nil || w.good[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	w.mu.Unlock()
	if !good {
		rw.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		rw.WriteHeader(http.StatusUnauthorized)
		return
	}
	if answer != nil {
		answer(rw, r)
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	io.WriteString(rw, `{"data":1}`)
}

func (w *world) serveIssuer() http.Handler {
	mux := http.NewServeMux()
	say := func(rw http.ResponseWriter, what any) {
		rw.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(rw).Encode(what)
	}
	mux.HandleFunc("/.well-known/openid-configuration", func(rw http.ResponseWriter, r *http.Request) {
		at := w.issuer.URL
		say(rw, map[string]any{
			"issuer": at, "authorization_endpoint": at + "/authorize", "token_endpoint": at + "/token", "jwks_uri": at + "/keys", "userinfo_endpoint": at + "/userinfo",
			"end_session_endpoint": at + "/logout", "revocation_endpoint": at + "/revoke", "authorization_response_iss_parameter_supported": true,
			"id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("/revoke", func(rw http.ResponseWriter, r *http.Request) {
		if _, secret, _ := r.BasicAuth(); secret != clientSecret {
			w.t.Errorf("the secret is %q", secret)
		}
		select {
		case w.revoked <- r.PostFormValue("token"):
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/keys", func(rw http.ResponseWriter, r *http.Request) {
		w.set(func() { w.keys++ })
		say(rw, map[string]any{"keys": []any{map[string]string{
			"kty": "RSA", "kid": "1", "alg": "RS256", "use": "sig",
			"n": b64(key.N.Bytes()), "e": b64(big.NewInt(int64(key.E)).Bytes()),
		}}})
	})
	mux.HandleFunc("/userinfo", func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		say(rw, map[string]string{"sub": w.about, "preferred_username": strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer access-")})
	})
	mux.HandleFunc("/authorize", func(rw http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		w.mu.Lock()
		w.nonce = q.Get("nonce")
		w.mu.Unlock()
		back := url.Values{"code": {"code-" + q.Get("code_challenge")}, "state": {q.Get("state")}, "iss": {w.issuer.URL}}
		http.Redirect(rw, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
	})
	mux.HandleFunc("/token", func(rw http.ResponseWriter, r *http.Request) {
		_, secret, _ := r.BasicAuth()
		w.mu.Lock()
		defer w.mu.Unlock()
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if secret != clientSecret || w.refuse || r.FormValue("grant_type") == "authorization_code" && r.FormValue("code") != "code-"+b64(sum[:]) {
			rw.WriteHeader(http.StatusBadRequest)
			say(rw, map[string]string{"error": "invalid_grant"})
			return
		}
		w.issued++
		told := map[string]any{"access_token": fmt.Sprintf("access-%d-%s", w.issued, r.FormValue("grant_type")), "token_type": "Bearer", "expires_in": w.expires}
		w.tokens = append(w.tokens, told["access_token"].(string))
		if r.FormValue("grant_type") != "client_credentials" {
			told["refresh_token"] = fmt.Sprintf("refresh-%d", w.issued)
			claims := map[string]any{
				"iss": w.issuer.URL, "sub": "ann", "aud": "app", "nonce": w.nonce, "name": "Ann", "sid": "s1", "secretish": "no",
				"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
			}
			maps.Copy(claims, w.claims)
			told["id_token"] = sign(claims)
			w.tokens = append(w.tokens, told["refresh_token"].(string), told["id_token"].(string))
		}
		say(rw, told)
	})
	return mux
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func sign(claims map[string]any) string {
	body, _ := json.Marshal(claims)
	in := b64([]byte(`{"alg":"RS256","kid":"1"}`)) + "." + b64(body)
	digest := sha256.Sum256([]byte(in))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		panic(err)
	}
	return in + "." + b64(signature)
}

// A browser keeps cookies and follows redirects, and remembers all that it saw.
type browser struct {
	http.Client
	seen bytes.Buffer
}

func (w *world) browser() *browser {
	jar, _ := cookiejar.New(nil)
	b := &browser{}
	b.Jar = jar
	b.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		fmt.Fprintln(&b.seen, r.Method, r.URL, r.Header)
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err == nil {
			body, _ := io.ReadAll(answer.Body)
			answer.Body = io.NopCloser(bytes.NewReader(body))
			fmt.Fprintln(&b.seen, answer.Status, answer.Header, string(body))
		}
		return answer, err
	})
	return b
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A got is an answer that was read.
type got struct {
	*http.Response
	body string
	told struct {
		Reason string `json:"reason"`
		Login  string `json:"login"`
		Cure   string `json:"cure"`
		Trace  string `json:"trace_id"`
	}
}

// ask sends a request to the proxy; headers are pairs. The header Host is its own.
func (w *world) ask(c *http.Client, method, path, body string, headers ...string) got {
	w.t.Helper()
	at := path
	if strings.HasPrefix(path, "/") {
		at = w.front.URL + path
	}
	r, err := http.NewRequest(method, at, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Add(headers[i], headers[i+1])
	}
	if c == nil {
		c = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	answer, err := c.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	g := got{Response: answer, body: string(text)}
	_ = json.Unmarshal(text, &g.told)
	return g
}

// last is the request that the API saw last; nil: none since the last call.
func (w *world) last() *http.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.seen) == 0 {
		return nil
	}
	r := w.seen[len(w.seen)-1]
	w.seen = nil
	return r
}

func (w *world) set(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}
