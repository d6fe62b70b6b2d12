package revocation

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/store"
)

// A bench is what denials work with, and a store that can be away.
type bench struct {
	DenialSettings
	shelf   *shelf
	key     jose.PublicKey
	private *jose.Signer
	now     time.Time

	mu      sync.Mutex
	away    bool
	written []store.By
	denied  []string // keys, in this process
	removed []string // keys, in the store
}

var errAway = fmt.Errorf("away: %w", store.ErrUnavailable)

// Ensure is store.Revocations'.
func (b *bench) Ensure(_ context.Context, r store.Revocation, by store.By) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away {
		return errAway
	}
	if slices.ContainsFunc(b.shelf.all, func(old store.Revocation) bool {
		return old.Kind == r.Kind && old.ID == r.ID && !old.IssuedBefore.Before(r.IssuedBefore) && !old.ForgetAt.Before(r.ForgetAt)
	}) {
		return nil
	}
	r.Seq = int64(len(b.shelf.all) + 1)
	b.shelf.all = append(b.shelf.all, r)
	b.written = append(b.written, by)
	return nil
}

// Signer is DenialKeys'.
func (b *bench) Signer() (*jose.Signer, error) { return b.private, nil }

// Public is DenialKeys'.
func (b *bench) Public() []jose.PublicKey { return []jose.PublicKey{b.key} }

// Deny is DenialKeys'.
func (b *bench) Deny(kid string) error {
	b.denied = append(b.denied, kid)
	return nil
}

// Remove is DenialKeys'.
func (b *bench) Remove(_ context.Context, kid string, _ store.By) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.away:
		return errAway
	case kid == "unknown":
		return store.ErrNotFound
	}
	b.removed = append(b.removed, kid)
	return nil
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{shelf: &shelf{}, now: noon, away: true}
	now := func() time.Time { return b.now }
	f, _ := feed(t, b.shelf, now)
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	if b.private, err = jose.NewSigner(jose.ES256, "k1", key, DenialHeader("ES256", "k1")); err != nil {
		t.Fatal(err)
	}
	b.key = b.private.Public()
	b.DenialSettings = DenialSettings{
		Issuer: "https://i.example", Path: filepath.Join(t.TempDir(), "denials.json"), Set: New(b.shelf, now), Feed: f,
		Keys: b, Store: b, Life: time.Hour, Now: now,
	}
	if err := f.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) open(t *testing.T) *Denials {
	t.Helper()
	d, err := OpenDenials(b.DenialSettings)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// say denies without waiting for a store that is away.
func say(t *testing.T, d *Denials, one Denial) Denied {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	one.Actor = "ops"
	done, err := d.Deny(ctx, one)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// TestDenialLives: it is in force at once, survives a restart, and goes into the
// store once, with its actor and time.
func TestDenialLives(t *testing.T) { synctest.Test(t, denialLives) }

func denialLives(t *testing.T) {
	b := newBench(t)
	d := b.open(t)
	token := Token{ID: "t", ClientID: "acme", IssuedAt: noon}
	done := say(t, d, Denial{Kind: store.RevokedClient, ID: "acme", Trace: "trace"})
	if done.Stored || !b.Set.Ended(token) {
		t.Errorf("%+v, ended: %v", done, b.Set.Ended(token))
	}
	if info, err := os.Stat(b.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v %v", info, err)
	}
	m, err := b.Feed.Message(t.Context(), 0)
	if err != nil || !strings.Contains(decoded(t, m.Text), `"ahead":true,"entries":[{"kind":"client","id":"acme","before":`) {
		t.Errorf("the feed: %s %v", decoded(t, m.Text), err)
	}

	// Another process, and the store is still away.
	again := newBench(t)
	again.Path = b.Path
	d = again.open(t)
	if !again.Set.Ended(token) || len(d.Pending()) != 1 {
		t.Error("forgotten by a restart")
	}
	again.now = noon.Add(time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	var failures []error
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx, func(err error) { failures = append(failures, err) }) })
	time.Sleep(350 * time.Millisecond)
	again.mu.Lock()
	again.away = false
	again.mu.Unlock()
	if !d.stored(t.Context(), &done.Denial) {
		t.Error("not stored")
	}
	cancel()
	running.Wait()
	if len(failures) != 1 || !errors.Is(failures[0], store.ErrUnavailable) {
		t.Errorf("told: %v", failures)
	}
	if len(again.written) != 1 || again.written[0] != (store.By{Actor: "ops", Trace: "trace", At: noon}) || len(again.shelf.all) != 1 {
		t.Errorf("written: %+v", again.written)
	}
	if _, err := os.Stat(b.Path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file stayed: %v", err)
	}
	if m, err := again.Feed.Message(t.Context(), 0); err != nil || strings.Contains(decoded(t, m.Text), "ahead") || !strings.Contains(decoded(t, m.Text), "acme") {
		t.Errorf("the feed afterwards: %s %v", decoded(t, m.Text), err)
	}
}

// decoded is what a message claims.
func decoded(t *testing.T, text string) string {
	t.Helper()
	body, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestDenialOfAKey: it is useless in this process, and removed when the store
// answers; one that is nobody's is ended all the same.
func TestDenialOfAKey(t *testing.T) {
	b := newBench(t)
	d := b.open(t)
	say(t, d, Denial{Kind: store.RevokedKey, ID: "kid"})
	say(t, d, Denial{Kind: store.RevokedKey, ID: "unknown"})
	if !b.Set.KeyEnded("kid") || !b.Set.Ended(Token{KeyID: "kid", IssuedAt: noon.Add(time.Hour)}) || b.Set.Ended(Token{IssuedAt: noon}) ||
		!slices.Equal(b.denied, []string{"kid", "unknown"}) {
		t.Errorf("denied %v", b.denied)
	}
	b.away = false
	if err := d.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(b.removed, []string{"kid"}) || len(b.shelf.all) != 1 || b.shelf.all[0].ID != "unknown" || len(d.Pending()) != 0 {
		t.Errorf("removed %v, stored %v", b.removed, b.shelf.all)
	}
}

// TestAcceptedDenials: one fixture that another node accepts; each row breaks one
// thing of it.
func TestAcceptedDenials(t *testing.T) {
	good := claims{
		Issuer: "https://i.example", IssuedAt: noon.Unix(), Kind: "client", ID: "acme", Before: noon.Unix(), Forget: noon.Add(time.Hour).Unix(), Actor: "ops",
	}
	b := newBench(t)
	stranger := newBench(t)
	feedSigner, err := b.private.Under(FeedHeader("ES256", "k1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name   string
		change func(*claims)
		signer *jose.Signer
		mangle func(string) string
		want   error
	}{
		{"as it was signed", nil, b.private, nil, nil},
		{"for an hour", func(c *claims) { c.Before += 3600 }, b.private, nil, nil},
		{"another environment's key", nil, stranger.private, nil, ErrForged},
		{"another environment", func(c *claims) { c.Issuer = "https://other.example" }, b.private, nil, ErrForged},
		{"a message of the feed", nil, feedSigner, nil, ErrForged},
		{"altered", nil, b.private, func(s string) string { return s[:len(s)-8] + "AAAAAAAA" }, ErrForged},
		{"no denial", nil, b.private, func(string) string { return "x" }, ErrForged},
		{"too long", nil, b.private, func(s string) string { return s + strings.Repeat("x", maxDenial) }, ErrForged},
		{"an unknown kind", func(c *claims) { c.Kind = "everything" }, b.private, nil, ErrKind},
		{"no id", func(c *claims) { c.ID = "" }, b.private, nil, ErrID},
		{"the longest id", func(c *claims) { c.ID = strings.Repeat("i", LongestID) }, b.private, nil, nil},
		{"a longer id", func(c *claims) { c.ID = strings.Repeat("i", LongestID+1) }, b.private, nil, ErrID},
		{"an id that cannot be stored", func(c *claims) { c.ID = "a\x00" }, b.private, nil, ErrID},
		{"nobody said it", func(c *claims) { c.Actor = "" }, b.private, nil, ErrTimes},
		{"a clock that is a minute ahead", func(c *claims) { c.IssuedAt += 60 }, b.private, nil, nil},
		{"of the future", func(c *claims) { c.IssuedAt += 61 }, b.private, nil, ErrTimes},
		{"for a day", func(c *claims) { c.Before += 86400; c.Forget += 86400 }, b.private, nil, nil},
		{"for longer", func(c *claims) { c.Before += 86401; c.Forget += 86401 }, b.private, nil, ErrTimes},
		{"forgotten before it ends", func(c *claims) { c.Before = c.Forget + 1 }, b.private, nil, ErrTimes},
		{"a second before it is forgotten", func(c *claims) { c.IssuedAt, c.Before, c.Forget = c.IssuedAt-3600, c.Before-3600, noon.Unix()+1 }, b.private, nil, nil},
		{"to be forgotten", func(c *claims) { c.IssuedAt, c.Before, c.Forget = c.IssuedAt-3600, c.Before-3600, noon.Unix() }, b.private, nil, ErrOver},
	} {
		node := newBench(t)
		node.key = b.key
		d := node.open(t)
		said := good
		if row.change != nil {
			row.change(&said)
		}
		body, err := json.Marshal(said)
		if err != nil {
			t.Fatal(err)
		}
		text, err := row.signer.Sign(t.Context(), body)
		if err != nil {
			t.Fatal(err)
		}
		if row.mangle != nil {
			text = row.mangle(text)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 2 { // a second time changes nothing
			if _, err := d.Accept(ctx, text); !errors.Is(err, row.want) {
				t.Errorf("%s: %v, want %v", row.name, err, row.want)
			}
		}
		pending := d.Pending()
		if row.want != nil {
			if len(pending) > 0 || node.Set.Ended(Token{ClientID: "acme", IssuedAt: noon.Add(-2 * time.Hour)}) {
				t.Errorf("%s: it is in force", row.name)
			}
			continue
		}
		// Exactly what was signed, and no more.
		if len(pending) != 1 || pending[0].Before.Unix() != said.Before || pending[0].Forget.Unix() != said.Forget || pending[0].Actor != "ops" {
			t.Errorf("%s: %+v", row.name, pending)
		}
		if after := (Token{ClientID: said.ID, IssuedAt: time.Unix(said.Before+1, 0)}); node.Set.Ended(after) {
			t.Errorf("%s: it was widened", row.name)
		}
	}
}

// TestManyDenials: as many as one message has room for, and not one more.
func TestManyDenials(t *testing.T) {
	b := newBench(t)
	d := b.open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n := 0
	for ; ; n++ {
		_, err := d.Deny(ctx, Denial{Kind: store.RevokedToken, ID: fmt.Sprintf("%022d.4mTq9ZbX01Lk", n), Actor: "ops"})
		if errors.Is(err, ErrTooMany) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if n > 1000 {
			t.Fatal("there is no end")
		}
	}
	if n < 90 {
		t.Errorf("only %d", n)
	}
	for _, log := range []int{0, 1, 100, 500} {
		b.shelf.all = nil
		b.shelf.add(log, "x")
		b.Feed.Reread()
		if err := b.Feed.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		heard, after, pages := 0, int64(0), 0
		for more := true; more; pages++ {
			if pages > 20 {
				t.Fatal("the messages have no end")
			}
			m, err := b.Feed.Message(t.Context(), after)
			if err != nil {
				t.Fatal(err)
			}
			heard += strings.Count(decoded(t, m.Text), `"kind"`)
			after, more = m.Seq, m.More
		}
		if heard != n+log {
			t.Errorf("with %d in the store: %d of %d heard", log, heard, n+log)
		}
	}
}

// TestDenialsFile: one that cannot be read is no reason to forget what is in it.
func TestDenialsFile(t *testing.T) {
	b := newBench(t)
	for _, row := range []struct {
		name, text string
		mode       fs.FileMode
	}{{"cut", `[{"kind":`, 0o600}, {"others can write it", `[]`, 0o620}} {
		if err := os.WriteFile(b.Path, []byte(row.text), row.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(b.Path, row.mode); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenDenials(b.DenialSettings); err == nil || !strings.Contains(err.Error(), b.Path) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

// TestDenialThatIsNotDurable: it is in force, and said not to last.
func TestDenialThatIsNotDurable(t *testing.T) {
	b := newBench(t)
	d := b.open(t)
	d.with.Path = filepath.Join(t.TempDir(), "nowhere", "denials.json")
	_, err := d.Deny(t.Context(), Denial{Kind: store.RevokedClient, ID: "acme", Actor: "ops"})
	if !errors.Is(err, ErrNotDurable) || !b.Set.Ended(Token{ClientID: "acme", IssuedAt: noon}) {
		t.Errorf("%v", err)
	}
}
