package server

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/fetch"
	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/sqlstore"
)

// A told is an application that is told of logouts, over TLS.
type told struct {
	*httptest.Server
	mu     sync.Mutex
	tokens []string
	status int
}

func startTold(t *testing.T) *told {
	t.Helper()
	c := &told{status: http.StatusOK}
	c.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if r.Method != http.MethodPost || r.URL.String() != "/backchannel" || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			t.Errorf("%s %s %s", r.Method, r.URL, r.Header.Get("Content-Type"))
		}
		c.tokens = append(c.tokens, r.PostFormValue("logout_token"))
		w.WriteHeader(c.status)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *told) answer(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = status
}

func (c *told) heard() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.tokens)
}

// A telling is the worker of one environment with its store.
type telling struct {
	*logoutNotices
	db     *sqlstore.Store
	clock  *clock
	key    *jose.Signer
	public jose.PublicKey
}

func openTelling(t *testing.T, dsn string, client *told) *telling {
	t.Helper()
	return openTellingOf(t, dsn, client.URL, client.Certificate())
}

func openTellingOf(t *testing.T, dsn, address string, certificate *x509.Certificate) *telling {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), dsn, sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	generated, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	key, err := jose.NewSigner(jose.ES256, "id-1", generated, []byte(`{"kid":"id-1","alg":"ES256","typ":"JWT"}`))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	e := &telling{db: db, clock: &clock{at: begin}, key: key, public: key.Public()}
	e.logoutNotices = newNotices(db.LogoutNotices(), e.clock.Now, rand.Reader)
	e.pauses = []time.Duration{time.Millisecond, 2 * time.Millisecond}
	e.logoutNotices.log = slog.New(slog.DiscardHandler)
	e.post = fetch.New(fetch.Config{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Roots: roots}).Post
	clients := map[string]*store.Client{
		"told":   {ID: "told", SignIn: store.SignIn{LogoutNotice: address + "/backchannel", IDTokenAlg: "ES256"}},
		"untold": {ID: "untold"},
		"inside": {ID: "inside", SignIn: store.SignIn{LogoutNotice: "https://[::1]/backchannel", IDTokenAlg: "ES256"}},
	}
	e.with = func() (notifier, bool) {
		return notifier{
			issuer: "https://login.example",
			client: func(_ context.Context, id string) (*store.Client, error) {
				if c := clients[id]; c != nil {
					return c, nil
				}
				return nil, store.ErrNotFound
			},
			signer: func(a jose.Algorithm) (*jose.Signer, error) {
				if a != jose.ES256 {
					return nil, errors.New("another algorithm")
				}
				return key, nil
			},
		}, true
	}
	return e
}

// ended lets a person sign in, allow the clients something, and sign out.
func (e *telling) ended(t *testing.T, clients ...string) {
	t.Helper()
	by := store.By{Actor: "test", At: e.clock.Now()}
	a := store.Account{ID: "person", Name: "jan", Key: "jan", CreatedAt: by.At}
	if err := e.db.Accounts().Create(t.Context(), a, nil, by); err != nil && !errors.Is(err, store.ErrConflict) {
		t.Fatal(err)
	}
	s := store.Session{
		Hash: [32]byte{1}, ID: "session", AccountID: a.ID, Methods: []string{"pwd"}, CreatedAt: by.At, AuthenticatedAt: by.At, SeenAt: by.At, EndsAt: by.At.Add(time.Hour),
	}
	if err := e.db.Sessions().Start(t.Context(), s, [32]byte{}, by); err != nil {
		t.Fatal(err)
	}
	for i, id := range clients {
		c := store.Client{ID: id, Name: id, Type: store.TypeWeb, CreatedAt: by.At}
		if err := e.db.Clients().Create(t.Context(), c, by); err != nil {
			t.Fatal(err)
		}
		r := store.Request{Hash: [32]byte{2, byte(i)}, Browser: [32]byte{3}, ClientID: id, Asked: []byte("{}"), CreatedAt: by.At, EndsAt: by.At.Add(time.Minute)}
		if err := e.db.Requests().Save(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		g := store.Grant{
			ID: "grant-" + id, ClientID: id, AccountID: a.ID, SessionID: s.ID, Asked: []byte("{}"), AuthenticatedAt: by.At,
			Code: store.GrantCode{Hash: [32]byte{4, byte(i)}, EndsAt: by.At.Add(time.Minute)}, CreatedAt: by.At, EndsAt: by.At.Add(time.Hour),
		}
		if err := e.db.Grants().Start(t.Context(), r.Hash, g, nil, by); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.db.Sessions().End(t.Context(), a.ID, s.ID, by.At.Add(time.Hour), by); err != nil {
		t.Fatal(err)
	}
}

// once does what is due now.
func (e *telling) once(t *testing.T) {
	t.Helper()
	e.claim(t.Context())
	e.all.Wait()
}

func (e *telling) kinds(t *testing.T) (kinds []string) {
	t.Helper()
	all, err := e.db.Changes().Since(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		kinds = append(kinds, c.Kind)
	}
	return kinds
}

// TestLogoutToken is row Q04.
func TestLogoutToken(t *testing.T) {
	client := startTold(t)
	e := openTelling(t, "sqlite:"+filepath.Join(t.TempDir(), "a.db"), client)
	e.ended(t, "told", "untold")
	e.once(t)
	heard := client.heard()
	if len(heard) != 1 {
		t.Fatalf("told %d times", len(heard))
	}
	parsed, err := jose.Parse(heard[0])
	if err != nil {
		t.Fatal(err)
	}
	if parsed.Type() != "logout+jwt" || parsed.KeyID() != "id-1" {
		t.Errorf("typ %q, kid %q", parsed.Type(), parsed.KeyID())
	}
	body, err := parsed.Verify(e.public)
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(body, &claims); err != nil {
		t.Fatal(err)
	}
	if id, _ := claims["jti"].(string); len(id) != 22 {
		t.Errorf("jti %v", claims["jti"])
	}
	delete(claims, "jti")
	at := float64(begin.Unix())
	want := map[string]any{
		"iss": "https://login.example", "aud": "told", "sub": "person", "sid": "session", "iat": at, "exp": at + 120,
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	} // and no nonce
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Error(diff)
	}
	e.clock.move(24 * time.Hour)
	if e.once(t); len(client.heard()) != 1 {
		t.Error("told again")
	}
}

// TestLogoutNoticeIsTriedFiveTimes is row Q05: three times by who claims it first,
// then once after 20 minutes and once after 40.
func TestLogoutNoticeIsTriedFiveTimes(t *testing.T) {
	client := startTold(t)
	client.answer(http.StatusInternalServerError)
	e := openTelling(t, "sqlite:"+filepath.Join(t.TempDir(), "a.db"), client)
	e.ended(t, "told")
	for _, step := range []struct {
		after time.Duration
		tries int
	}{
		{0, 3}, {noticeLease - time.Second, 3}, {time.Second, 4}, {noticeLease - time.Second, 4}, {time.Second, 5}, {24 * time.Hour, 5},
	} {
		e.clock.move(step.after)
		if e.once(t); len(client.heard()) != step.tries {
			t.Fatalf("after %v: told %d times, not %d", step.after, len(client.heard()), step.tries)
		}
	}
	if kinds := e.kinds(t); !slices.Contains(kinds, "logout.undelivered") {
		t.Errorf("the changes are %v", kinds)
	}
	seen := map[string]bool{}
	for _, token := range client.heard() {
		seen[token] = true
	}
	if len(seen) != 5 {
		t.Errorf("%d tokens for five tries", len(seen))
	}
}

func TestLogoutNoticeArrivesLater(t *testing.T) {
	for _, status := range []int{200, 204} {
		client := startTold(t)
		client.answer(http.StatusBadGateway)
		e := openTelling(t, "sqlite:"+filepath.Join(t.TempDir(), "a.db"), client)
		e.ended(t, "told", "untold", "inside")
		e.once(t)
		client.answer(status)
		for range 3 {
			e.clock.move(noticeLease)
			e.once(t)
		}
		// The one that names an address of ours is never told, and given up.
		kinds := e.kinds(t)
		if len(client.heard()) != 4 || len(slices.DeleteFunc(kinds, func(k string) bool { return k != "logout.undelivered" })) != 1 {
			t.Errorf("%d: told %d times, %v", status, len(client.heard()), kinds)
		}
	}
	for _, status := range []int{400, 404, 429, 301, 302, 307, 308} {
		client := startTold(t)
		client.answer(status)
		e := openTelling(t, "sqlite:"+filepath.Join(t.TempDir(), "a.db"), client)
		e.ended(t, "told")
		if e.once(t); len(client.heard()) != 3 {
			t.Errorf("%d counts as told", status)
		}
	}
}

// TestLogoutNoticeIsToldOnce: what arrived while the process was ending is not told
// again by the next one.
func TestLogoutNoticeIsToldOnce(t *testing.T) {
	client := startTold(t)
	e := openTelling(t, "sqlite:"+filepath.Join(t.TempDir(), "a.db"), client)
	e.ended(t, "told")
	ctx, stop := context.WithCancel(t.Context())
	post := e.post
	e.post = func(ctx context.Context, address string, form url.Values) (int, error) {
		defer stop() // after the answer
		return post(ctx, address, form)
	}
	e.claim(ctx)
	e.all.Wait()
	e.clock.move(noticeLease)
	e.once(t)
	if len(client.heard()) != 1 {
		t.Errorf("told %d times", len(client.heard()))
	}
}

// TestLogoutNoticesAreFollowed: a change wakes the worker.
func TestLogoutNoticesAreFollowed(t *testing.T) {
	client := startTold(t)
	e := openTelling(t, "sqlite:"+filepath.Join(t.TempDir(), "a.db"), client)
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { e.run(ctx) })
	e.ended(t, "told")
	e.noteChange(store.Change{Kind: "client.created"})
	e.noteChange(store.Change{Kind: "session.ended"})
	until(t, "the token of the logout", func() bool { return len(client.heard()) > 0 })
	stop()
	all.Wait()
}
