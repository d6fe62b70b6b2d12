package resource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/oauth"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// A teller says what a test wants, signed or not.
type teller struct {
	*httptest.Server
	signer *jose.Signer

	mu    sync.Mutex
	says  []string // one stream's messages
	asked []string // Last-Event-ID
	now   time.Time
}

func signer(t *testing.T, kid, typ string) *jose.Signer {
	t.Helper()
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	s, err := jose.NewSigner(jose.ES256, kid, key, fmt.Appendf(nil, `{"kid":%q,"alg":"ES256","typ":%q}`, kid, typ))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newTeller(t *testing.T) *teller {
	t.Helper()
	w := &teller{signer: signer(t, "k", feedType), now: noon}
	w.Server = httptest.NewServer(http.HandlerFunc(w.tell))
	t.Cleanup(w.Close)
	return w
}

func (w *teller) tell(a http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	says := w.says
	set, _ := jose.MarshalJWKSet([]jose.PublicKey{w.signer.Public()})
	if r.URL.Path == "/revocations" {
		w.asked = append(w.asked, r.Header.Get("Last-Event-ID"))
	}
	w.mu.Unlock()
	if r.URL.Path != "/revocations" {
		a.Write(set)
		return
	}
	a.Header().Set("Content-Type", "text/event-stream")
	for _, text := range says {
		fmt.Fprintf(a, "data: %s\n\n", text)
	}
	http.NewResponseController(a).Flush()
	<-r.Context().Done()
}

func (w *teller) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *teller) feed(t *testing.T, snapshot string) *Feed {
	t.Helper()
	f, err := NewFeed(FeedConfig{
		Issuer: w.URL, ClientID: "c", ClientSecret: "s", Snapshot: snapshot, Now: w.Now, HTTPClient: &http.Client{Transport: &http.Transport{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// sign signs claims; entries are ids of tokens.
func (w *teller) sign(t *testing.T, s *jose.Signer, issuer string, at time.Time, after, seq int64, more bool, entries ...string) string {
	t.Helper()
	all := []map[string]any{}
	for _, id := range entries {
		all = append(all, map[string]any{"kind": "token", "id": id, "before": noon.Unix(), "forget": noon.Add(time.Hour).Unix()})
	}
	claims, err := json.Marshal(map[string]any{"iss": issuer, "iat": at.Unix(), "after": after, "seq": seq, "more": more, "entries": all})
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.Sign(t.Context(), claims)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (w *teller) good(t *testing.T, at time.Time, after, seq int64, entries ...string) string {
	t.Helper()
	return w.sign(t, w.signer, w.URL, at, after, seq, false, entries...)
}

func (w *teller) token(id string) *Token {
	return &Token{ID: id, Issuer: w.URL, ClientID: "p", IssuedAt: noon}
}

// TestFeedMessagesThatAreNotBelieved: each is refused and counted, and what was
// known stays known.
func TestFeedMessagesThatAreNotBelieved(t *testing.T) {
	w := newTeller(t)
	other := signer(t, "k", feedType)
	for _, row := range []struct {
		name string
		text string
		want error
	}{
		{"another key", w.sign(t, other, w.URL, noon, 5, 6, false, "x"), errForged},
		{"an unknown kid", w.sign(t, signer(t, "k2", feedType), w.URL, noon, 5, 6, false, "x"), errFeedKey},
		{"another issuer", w.sign(t, w.signer, "https://other.example", noon, 5, 6, false, "x"), errForged},
		{"no time", w.sign(t, w.signer, w.URL, time.Unix(0, 0), 5, 6, false, "x"), errOld},
		{"replayed, of the same second", w.good(t, noon, 3, 4, "x"), errOld},
		{"replayed", w.good(t, noon.Add(-skew-time.Second), 0, 9, "x"), errOld},
		{"one is missing", w.good(t, noon, 6, 7, "x"), errGap},
		{"backwards", w.good(t, noon, 5, 4, "x"), errForged},
		{"below nothing", w.good(t, noon, -1, 6, "x"), errForged},
		{"no message", "x", errForged},
		{"too long", strings.Repeat("x", 16<<10+1), errForged},
	} {
		f := w.feed(t, "")
		if err := f.fetchKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := f.hear(t.Context(), w.good(t, noon, 0, 5, "ended")); err != nil {
			t.Fatal(err)
		}
		err := f.hear(t.Context(), row.text)
		s := f.Status()
		if !errors.Is(err, row.want) || s.Refused != 1 || s.Entries != 1 || f.position != 5 || s.Problem == nil {
			t.Errorf("%s: %v, %+v", row.name, err, s)
		}
		if f.Check(w.token("x")) != nil || !errors.Is(f.Check(w.token("ended")), oauth.InvalidToken) {
			t.Errorf("%s: it was believed", row.name)
		}
	}
	// A token's typ, under the feed's own key.
	f := w.feed(t, "")
	w.mu.Lock()
	w.signer = signer(t, "k", "at+jwt")
	w.mu.Unlock()
	if err := f.fetchKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := f.hear(t.Context(), w.good(t, noon, 0, 5)); !errors.Is(err, errForged) || f.Current() == nil {
		t.Errorf("a token as a message: %v", err)
	}
}

// TestFeedTime: what counts is the server's time, and a clock that is ahead wins
// nothing.
func TestFeedTime(t *testing.T) {
	for _, row := range []struct {
		name   string
		at     time.Time
		more   bool
		closed time.Duration // from now; 0: at once
	}{
		{"now", noon, false, 5 * time.Minute},
		{"an old word", noon.Add(-2 * time.Minute), false, 3 * time.Minute},
		{"too old a word", noon.Add(-5*time.Minute - time.Second), false, 0},
		{"a clock that is ahead", noon.Add(time.Hour), false, 5 * time.Minute},
		{"half a snapshot", noon, true, 0},
	} {
		w := newTeller(t)
		f := w.feed(t, "")
		if err := f.fetchKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := f.hear(t.Context(), w.sign(t, w.signer, w.URL, row.at, 0, 1, row.more, "ended")); err != nil {
			t.Fatal(err)
		}
		if row.closed == 0 {
			if !errors.Is(f.Current(), ErrFeedClosed) || !f.Ended(w.token("x")) || !errors.Is(f.Check(w.token("x")), oauth.TemporarilyUnavailable) {
				t.Errorf("%s: open", row.name)
			}
			continue
		}
		w.now = noon.Add(row.closed)
		if f.Current() != nil || f.Ended(w.token("x")) {
			t.Errorf("%s: closed after %v", row.name, row.closed)
		}
		w.now = w.now.Add(time.Nanosecond)
		if f.Current() == nil || !f.Ended(w.token("x")) {
			t.Errorf("%s: open after %v", row.name, row.closed)
		}
	}
}

// TestFeedResumes: after a gap everything is asked for anew, after a cut what
// was missed.
func TestFeedResumes(t *testing.T) {
	ignored := goleak.IgnoreCurrent()
	t.Run("all", func(t *testing.T) {
		w := newTeller(t)
		w.says = []string{w.good(t, noon, 0, 5, "a"), w.good(t, noon, 6, 7, "b")}
		f := w.feed(t, "")
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { f.Run(ctx); close(ended) }()
		w.asks(t, 2)
		w.mu.Lock()
		w.says = []string{w.sign(t, w.signer, w.URL, noon, 0, 3, true, "a"), w.sign(t, w.signer, w.URL, noon, 3, 8, false, "b")}
		w.mu.Unlock()
		for range 10_000 {
			if f.Ended(w.token("b")) && f.Current() == nil && f.Status().Streaming {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		if s := f.Status(); !f.Ended(w.token("b")) || !s.Streaming || s.Problem != nil || f.Ended(w.token("x")) {
			t.Errorf("after the gap: %+v", s)
		}
		asked := w.asks(t, 0)
		w.mu.Lock()
		w.says = nil
		w.mu.Unlock()
		w.CloseClientConnections()
		again := w.asks(t, len(asked)+1)
		if asked[0] != "" || asked[1] != "" || again[len(asked)] != "8" {
			t.Errorf("it asked to go on at %q", again)
		}
		cancel()
		<-ended
		f.client.CloseIdleConnections()
		w.Close()
	})
	for deadline := time.Now().Add(20 * time.Second); goleak.Find(ignored) != nil && time.Now().Before(deadline); {
	}
	goleak.VerifyNone(t, ignored)
}

// asks waits until the teller was asked so often.
func (w *teller) asks(t *testing.T, n int) []string {
	t.Helper()
	for range 10_000 {
		w.mu.Lock()
		asked := append([]string(nil), w.asked...)
		w.mu.Unlock()
		if len(asked) >= n {
			return asked
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("it does not ask")
	return nil
}

// TestFeedFile: each row breaks one thing of a file that is good.
func TestFeedFile(t *testing.T) {
	w := newTeller(t)
	folder := t.TempDir()
	path := filepath.Join(folder, "kept")
	f := w.feed(t, path)
	if err := f.fetchKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		w.sign(t, w.signer, w.URL, noon, 0, 3, true, "a"), w.good(t, noon, 3, 5, "b"), w.good(t, noon, 5, 5), w.good(t, noon, 5, 5), w.good(t, noon, 5, 6, "c"),
	} {
		if err := f.hear(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info, err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
		t.Errorf("%d files: %v", len(entries), err)
	}
	var file kept
	if err := json.Unmarshal(good, &file); err != nil || len(file.Messages) != 3 { // the two words in between say nothing more
		t.Fatal(len(file.Messages), err)
	}
	write := func(k kept) []byte { b, _ := json.Marshal(k); return b }
	foreign, err := jose.MarshalJWKSet([]jose.PublicKey{signer(t, "k", feedType).Public()})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		data []byte
		mode os.FileMode
		now  time.Time
		good bool
	}{
		{"as it was written", good, 0o600, noon, true},
		{"at MaxStale", good, 0o600, noon.Add(5 * time.Minute), true},
		{"older", good, 0o600, noon.Add(5*time.Minute + 1), false},
		{"others may read it", good, 0o640, noon, false},
		{"cut", good[:len(good)-1], 0o600, noon, false},
		{"other keys", write(kept{Keys: foreign, Messages: file.Messages}), 0o600, noon, false},
		{"no beginning", write(kept{Keys: file.Keys, Messages: file.Messages[1:]}), 0o600, noon, false},
		{"no middle", write(kept{Keys: file.Keys, Messages: []string{file.Messages[0], file.Messages[2]}}), 0o600, noon, false},
		{"half a snapshot", write(kept{Keys: file.Keys, Messages: file.Messages[:1]}), 0o600, noon, false},
		{"nothing", write(kept{Keys: file.Keys}), 0o600, noon, false},
	} {
		if err := os.WriteFile(path, row.data, row.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, row.mode); err != nil {
			t.Fatal(err)
		}
		w.now = row.now
		again := w.feed(t, path)
		if (again.Current() == nil) != row.good {
			t.Errorf("%s: %v, %v", row.name, again.Current(), again.Status().Problem)
		}
		if row.good && (!again.Ended(w.token("a")) || !again.Ended(w.token("b")) || !again.Ended(w.token("c")) || again.Ended(w.token("x"))) {
			t.Errorf("%s: it knows something else", row.name)
		}
	}
}

// TestFeedRemovedKey: a key of the feed that was removed signs nothing more.
func TestFeedRemovedKey(t *testing.T) {
	w := newTeller(t)
	f := w.feed(t, "")
	if err := f.fetchKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.ended[subject{"key", "k"}] = ending{}
	if err := f.hear(t.Context(), w.good(t, noon, 0, 1)); !errors.Is(err, errForged) || !f.KeyEnded("k") || f.KeyEnded("j") {
		t.Error(err)
	}
}

// TestFeedForgets: what no token can be about is dropped, not earlier.
func TestFeedForgets(t *testing.T) {
	w := newTeller(t)
	f := w.feed(t, "")
	if err := f.fetchKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := f.hear(t.Context(), w.good(t, noon, 0, 1, "a")); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		now  time.Time
		want int
	}{{noon.Add(time.Hour + skew), 1}, {noon.Add(time.Hour + skew + time.Second), 0}} {
		w.now = row.now
		if f.forget(); f.Status().Entries != row.want {
			t.Errorf("at %v: %d entries", row.now, f.Status().Entries)
		}
	}
}

func TestNewFeed(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*FeedConfig)
		good   bool
	}{
		{"good", func(*FeedConfig) {}, true},
		{"no issuer", func(c *FeedConfig) { c.Issuer = "" }, false},
		{"no client", func(c *FeedConfig) { c.ClientID = "" }, false},
		{"no secret", func(c *FeedConfig) { c.ClientSecret = "" }, false},
		{"15 s", func(c *FeedConfig) { c.MaxStale = 15 * time.Second }, true},
		{"less", func(c *FeedConfig) { c.MaxStale = 15*time.Second - 1 }, false},
		{"an hour", func(c *FeedConfig) { c.MaxStale = time.Hour }, true},
		{"more", func(c *FeedConfig) { c.MaxStale = time.Hour + 1 }, false},
		{"no TLS", func(c *FeedConfig) { c.URL = "http://auth.example/revocations" }, false},
		{"keys without TLS", func(c *FeedConfig) { c.KeysURL = "http://auth.example/keys" }, false},
		{"this machine", func(c *FeedConfig) { c.Issuer = "http://127.0.0.1:8080" }, true},
		{"a timeout", func(c *FeedConfig) { c.HTTPClient = &http.Client{Timeout: 1} }, false},
	} {
		c := FeedConfig{Issuer: "https://auth.example", ClientID: "c", ClientSecret: "s"}
		row.change(&c)
		f, err := NewFeed(c)
		if (err == nil) != row.good {
			t.Errorf("%s: %v", row.name, err)
		}
		if err == nil {
			if f.Current() == nil {
				t.Errorf("%s: open at once", row.name)
			}
			if _, err := New(Config{Issuer: "https://other.example", Audience: []string{"a"}, Feed: f}); err == nil {
				t.Errorf("%s: a checker of another issuer", row.name)
			}
		}
	}
}
