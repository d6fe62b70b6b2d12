package resource

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"
)

// saying signs claims with entries of any kind.
func (w *teller) saying(t *testing.T, after, seq int64, ahead bool, entries ...map[string]any) string {
	t.Helper()
	for _, e := range entries {
		e["before"], e["forget"] = noon.Unix(), noon.Add(time.Hour).Unix()
	}
	claims, err := json.Marshal(map[string]any{"iss": w.URL, "iat": noon.Unix(), "after": after, "seq": seq, "ahead": ahead, "entries": entries})
	if err != nil {
		t.Fatal(err)
	}
	text, err := w.signer.Sign(t.Context(), claims)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestFeedKinds: what each kind ends. Accounts and clients may have one name.
func TestFeedKinds(t *testing.T) {
	w := newTeller(t)
	f := w.feed(t, "")
	if err := f.fetchKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := f.hear(t.Context(), w.saying(t, 0, 5, false,
		map[string]any{"kind": "secret", "id": "s1"}, map[string]any{"kind": "grant", "id": "g1"},
		map[string]any{"kind": "account", "id": "anna"}, map[string]any{"kind": "client", "id": "acme"})); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		id, client, subject string
		ended               bool
	}{
		{"r.s", "c", "c", false},
		{"r.s1", "c", "c", true},
		{"r.s1.g", "c", "a", true},
		{"r.s.g1", "c", "a", true},
		{"r..g1", "c", "a", true},
		{"r.g1", "c", "c", false},
		{"r.s.g", "c", "anna", true},
		{"r.s", "anna", "anna", false},
		{"r.s", "acme", "acme", true},
		{"r.s.g", "c", "acme", false},
	} {
		token := &Token{ID: row.id, Issuer: w.URL, ClientID: row.client, Subject: row.subject, IssuedAt: noon}
		if got := f.Ended(token); got != row.ended {
			t.Errorf("%+v: %v", row, got)
		}
	}
}

// TestFeedKeepsDenials: what the server's store does not know yet is kept over a
// snapshot of a server that has not heard of it, and over a restart; told again
// and again, it makes nothing longer.
func TestFeedKeepsDenials(t *testing.T) {
	w := newTeller(t)
	path := filepath.Join(t.TempDir(), "feed.json")
	f := w.feed(t, path)
	if err := f.fetchKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	hear := func(text string) {
		t.Helper()
		if err := f.hear(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	denied := func() map[string]any { return map[string]any{"kind": "client", "id": "acme"} }
	token := &Token{ID: "r.s", Issuer: w.URL, ClientID: "acme", IssuedAt: noon}
	hear(w.good(t, noon, 0, 5, "a"))
	for range 10 {
		hear(w.saying(t, 5, 5, true, denied()))
	}
	hear(w.good(t, noon, 5, 6, "b"))
	if h := &f.reading.history; !f.Ended(token) || len(h.chain) != 3 || len(h.ahead) != 1 {
		t.Errorf("%d messages, %d with denials", len(h.chain), len(h.ahead))
	}
	if again := w.feed(t, path); !again.Ended(token) || !again.Ended(w.token("b")) || again.Current() != nil {
		t.Errorf("after a restart: %+v", again.Status())
	}
	hear(w.good(t, noon, 0, 7, "a", "b"))
	if again := w.feed(t, path); !again.Ended(token) || again.Current() != nil {
		t.Errorf("after a snapshot without it, and a restart: %+v", again.Status())
	}
	// When the store has it, it comes as everything does.
	hear(w.saying(t, 7, 8, false, denied()))
	hear(w.good(t, noon, 8, 8))
	hear(w.good(t, noon, 8, 8))
	hear(w.good(t, noon, 8, 9, "c"))
	if again := w.feed(t, path); !again.Ended(token) || !again.Ended(w.token("c")) || again.Status().Problem != nil {
		t.Errorf("in the store: %+v", again.Status())
	}
}

// TestFeedFileAfterAWordInTwoParts: a beat makes place for what is next, and not
// for one part of it.
func TestFeedFileAfterAWordInTwoParts(t *testing.T) {
	w := newTeller(t)
	path := filepath.Join(t.TempDir(), "feed.json")
	f := w.feed(t, path)
	if err := f.fetchKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		w.good(t, noon, 0, 5, "a"), w.good(t, noon, 5, 5), w.sign(t, w.signer, w.URL, noon, 5, 6, true, "b"), w.good(t, noon, 6, 7, "c"),
		w.good(t, noon, 7, 9), w.good(t, noon, 9, 9), w.good(t, noon, 9, 9),
	} {
		if err := f.hear(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.save(); err != nil {
		t.Fatal(err)
	}
	if again := w.feed(t, path); !again.Ended(w.token("b")) || !again.Ended(w.token("c")) || again.Status().Problem != nil {
		t.Errorf("%+v", again.Status())
	}
}
