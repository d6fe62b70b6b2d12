package server

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/oauth"
	"github.com/grantway/grantway/resource"
)

// A listener is a verifier elsewhere: it has the keys of the tokens, and hears of
// revocations by the feed alone.
type listener struct {
	*resource.Feed
	api  *resource.Checker
	stop func()
}

// listen starts a verifier for staging. change may alter its configuration.
func (s *site) listen(t testing.TB, change func(*resource.FeedConfig)) *listener {
	t.Helper()
	e := s.environment("staging")
	transport := &http.Transport{}
	c := resource.FeedConfig{
		Issuer: e.issuer(), URL: e.Issuer.String() + "/revocations", KeysURL: e.Issuer.String() + "/.well-known/revocation-keys.json",
		ClientID: "verifier", ClientSecret: "a secret for the verifier", HTTPClient: &http.Client{Transport: transport}, Now: s.clock.Now,
	}
	if _, err := e.Find(t.Context(), "verifier"); err != nil {
		s.register(t, "staging", registration{id: c.ClientID, secret: c.ClientSecret, resource: true})
	}
	if change != nil {
		change(&c)
	}
	feed, err := resource.NewFeed(c)
	if err != nil {
		t.Fatal(err)
	}
	checker, err := resource.New(resource.Config{
		Issuer: e.issuer(), Audience: []string{e.APIs[0].Audience}, Shape: shapes[e.dialect], Scopes: []string{e.APIs[0].Scopes[0].Name}, Now: s.clock.Now, Feed: feed,
		Key: func(_ context.Context, id string) (crypto.PublicKey, string, error) {
			all := e.resources.ring.Public()
			i := slices.IndexFunc(all, func(k jose.PublicKey) bool { return k.KeyID == id })
			if i < 0 {
				return nil, "", errors.New("unknown")
			}
			return all[i].Key, string(all[i].Algorithm), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		feed.Run(ctx)
	}()
	l := &listener{feed, checker, func() {
		cancel()
		<-ended
		transport.CloseIdleConnections()
	}}
	t.Cleanup(l.stop)
	return l
}

// promptly is how long may take here what takes less than a second on a machine that has
// nothing else to do. Where a test measures many times, half of them are under a second.
const promptly = 10 * time.Second

// until waits for something, for half a minute at most, and says how long it took.
func until(t testing.TB, what string, is func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !is() {
		if time.Since(began) > 30*time.Second {
			t.Fatalf("it never came: %s", what)
		}
		time.Sleep(200 * time.Microsecond)
	}
	return time.Since(began)
}

func (l *listener) open() bool { return l.Current() == nil }

// TestFeedLatency is rows S16 and M05: from the revocation to the last accepted
// check at a verifier elsewhere, a hundred times, under a second, but for what the
// machine does meanwhile.
func TestFeedLatency(t *testing.T) {
	s := start(t, setup{example: "fitness"})
	l := s.listen(t, nil)
	until(t, "the first word", l.open)
	var all []time.Duration
	for range 100 {
		token := s.token(t, good)
		checked, err := l.api.Check(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := s.environment("staging").resources.store.Revocations().Revoke(t.Context(), store.Revocation{
			Kind: store.RevokedToken, ID: checked.ID, IssuedBefore: s.clock.Now(), ForgetAt: s.forget(),
		}, s.by()); err != nil {
			t.Fatal(err)
		}
		until(t, "the refusal", func() bool {
			_, err := l.api.Check(t.Context(), token)
			return errors.Is(err, oauth.InvalidToken)
		})
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	t.Logf("from the revocation to the last accepted check: median %v, maximum %v", all[50], all[99])
	if all[50] >= time.Second || all[99] >= promptly {
		t.Errorf("it took %v by the median, up to %v", all[50], all[99])
	}
}

// TestFeedKinds: a client, a secret and a key end their tokens elsewhere too.
func TestFeedKinds(t *testing.T) {
	s := start(t, setup{example: "fitness"})
	l := s.listen(t, nil)
	until(t, "the first word", l.open)
	for _, row := range []struct {
		name string
		end  func(token *resource.Token, kid string) store.Revocation
	}{
		{"secret", func(t *resource.Token, _ string) store.Revocation {
			_, id, _ := strings.Cut(t.ID, ".")
			return store.Revocation{Kind: store.RevokedSecret, ID: id}
		}},
		{"client", func(t *resource.Token, _ string) store.Revocation {
			return store.Revocation{Kind: store.RevokedClient, ID: t.ClientID}
		}},
		{"key", func(_ *resource.Token, kid string) store.Revocation {
			return store.Revocation{Kind: store.RevokedKey, ID: kid}
		}},
	} {
		s.clock.move(time.Minute)
		until(t, "a word of now", l.open)
		token := s.token(t, good)
		checked, err := l.api.Check(t.Context(), token)
		if err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		parsed, err := jose.Parse(token)
		if err != nil {
			t.Fatal(err)
		}
		r := row.end(checked, parsed.KeyID())
		r.IssuedBefore, r.ForgetAt = s.clock.Now(), s.forget()
		if err := s.environment("staging").resources.store.Revocations().Revoke(t.Context(), r, s.by()); err != nil {
			t.Fatal(err)
		}
		until(t, row.name, func() bool {
			_, err := l.api.Check(t.Context(), token)
			return errors.Is(err, oauth.InvalidToken)
		})
	}
}

// TestFeedCutOff is row S16: cut off, a verifier goes on until MaxStale, and is
// closed then; one that starts meanwhile lives on the file.
func TestFeedCutOff(t *testing.T) {
	s := start(t, setup{example: "fitness"})
	path := filepath.Join(t.TempDir(), "revocations.json")
	file := func(c *resource.FeedConfig) { c.Snapshot = path }
	l := s.listen(t, file)
	token, other := s.token(t, good), s.token(t, good)
	if _, err := l.api.Check(t.Context(), token); l.Current() != nil && !errors.Is(err, oauth.TemporarilyUnavailable) {
		t.Errorf("a token was accepted before the first word: %v", err)
	}
	until(t, "the first word", l.open)
	checked, err := l.api.Check(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.environment("staging").resources.store.Revocations().Revoke(t.Context(), store.Revocation{
		Kind: store.RevokedToken, ID: checked.ID, IssuedBefore: s.clock.Now(), ForgetAt: s.forget(),
	}, s.by()); err != nil {
		t.Fatal(err)
	}
	until(t, "the refusal", func() bool { _, err := l.api.Check(t.Context(), token); return err != nil })
	s.clock.move(2 * time.Minute) // it hears of that at the next beat, or not
	l.stop()
	heard := l.Status().Heard

	down := func(c *resource.FeedConfig) {
		c.Snapshot = path
		c.URL = "http://127.0.0.1:1/revocations"
		c.KeysURL = "http://127.0.0.1:1/keys"
	}
	again := s.listen(t, down)
	if got := again.Status().Heard; got != heard {
		t.Errorf("the file is as of %v, want %v", got, heard)
	}
	for _, v := range []*listener{l, again} {
		if _, err := v.api.Check(t.Context(), token); !errors.Is(err, oauth.InvalidToken) {
			t.Errorf("the ended token: %v", err)
		}
		if _, err := v.api.Check(t.Context(), other); err != nil {
			t.Errorf("another token: %v", err)
		}
	}
	s.clock.move(heard.Add(5 * time.Minute).Sub(s.clock.Now()))
	for _, v := range []*listener{l, again} {
		if _, err := v.api.Check(t.Context(), other); err != nil {
			t.Errorf("at MaxStale: %v", err)
		}
	}
	s.clock.move(time.Second)
	for _, v := range []*listener{l, again, s.listen(t, down)} {
		if _, err := v.api.Check(t.Context(), other); !errors.Is(err, oauth.TemporarilyUnavailable) {
			t.Errorf("a second later: %v", err)
		}
	}
	if back := s.listen(t, file); until(t, "a word", back.open) > 0 {
		if _, err := back.api.Check(t.Context(), other); err != nil {
			t.Errorf("the server is back: %v", err)
		}
	}
}

// TestFeedThroughAProxyThatCuts: where streams are cut or collected, it polls.
func TestFeedThroughAProxyThatCuts(t *testing.T) {
	s := start(t, setup{example: "fitness"})
	var polls atomic.Int64
	inner := s.server.Handler()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") == "text/event-stream" {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		polls.Add(1)
		inner.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	l := s.listen(t, func(c *resource.FeedConfig) {
		c.URL = strings.Replace(c.URL, "http://"+s.address, proxy.URL, 1)
	})
	until(t, "the first word", l.open)
	token := s.token(t, good)
	checked, err := l.api.Check(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.environment("staging").resources.store.Revocations().Revoke(t.Context(), store.Revocation{
		Kind: store.RevokedToken, ID: checked.ID, IssuedBefore: s.clock.Now(), ForgetAt: s.forget(),
	}, s.by()); err != nil {
		t.Fatal(err)
	}
	took := until(t, "the refusal", func() bool { _, err := l.api.Check(t.Context(), token); return err != nil })
	if took > promptly || polls.Load() < 2 || l.Status().Streaming {
		t.Errorf("it took %v, %d polls, %+v", took, polls.Load(), l.Status())
	}
}

// TestFeedIsForAPIs: each row breaks one thing of a question that is answered.
func TestFeedIsForAPIs(t *testing.T) {
	s := start(t, setup{example: "fitness"})
	s.register(t, "staging", registration{id: "verifier", secret: "a secret for the verifier", resource: true})
	s.register(t, "staging", registration{id: "partner", secret: "a secret for the partner"})
	at := s.environment("staging").Issuer.String() + "/revocations"
	ask := func(method, url, id, secret string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if id != "" {
			r.SetBasicAuth(id, secret)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { response.Body.Close() })
		return response
	}
	for _, row := range []struct {
		method, url, id, secret string
		status                  int
	}{
		{"GET", at, "verifier", "a secret for the verifier", 200},
		{"GET", at + "?after=7", "verifier", "a secret for the verifier", 200},
		{"GET", at + "?after=x", "verifier", "a secret for the verifier", 200},
		{"GET", at, "verifier", "another", 401},
		{"GET", at, "", "", 401},
		{"GET", at, "partner", "a secret for the partner", 403},
		{"GET", at + "?client_secret=x", "verifier", "a secret for the verifier", 400},
		{"POST", at, "verifier", "a secret for the verifier", 405},
	} {
		if got := ask(row.method, row.url, row.id, row.secret); got.StatusCode != row.status {
			t.Errorf("%s %s as %q: %s, want %d", row.method, row.url, row.id, got.Status, row.status)
		}
	}
}

// TestFeedKeysAreNoTokenKeys is row G25.
func TestFeedKeysAreNoTokenKeys(t *testing.T) {
	s := start(t, setup{example: "fitness"})
	kids := func(path string) (all []string) {
		response, err := http.Get(s.environment("staging").Issuer.String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var set struct {
			Keys []struct{ Kid string }
		}
		if err := json.NewDecoder(response.Body).Decode(&set); err != nil || len(set.Keys) == 0 {
			t.Fatal(err, path)
		}
		for _, k := range set.Keys {
			all = append(all, k.Kid)
		}
		return all
	}
	tokens := kids("/.well-known/jwks.json")
	for _, kid := range kids("/.well-known/revocation-keys.json") {
		if slices.Contains(tokens, kid) {
			t.Errorf("%s serves two purposes", kid)
		}
	}
	m, err := s.environment("staging").resources.feed.Message(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	answer := s.send(t, s.request("GET /staging/v1/user HTTP/1.1", "", "Authorization: Bearer "+m.Text))
	if answer.code == 200 {
		t.Error("a message of the feed passes as a token")
	}
}
