package revocation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/store"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// A shelf is revocations as a store has them.
type shelf struct {
	all  []store.Revocation
	fail error
}

// Revoke is store.Revocations'.
func (s *shelf) Revoke(context.Context, store.Revocation, store.By) error { return nil }

// Since is store.Revocations'.
func (s *shelf) Since(_ context.Context, seq int64, now time.Time) (found []store.Revocation, _ error) {
	for _, r := range s.all {
		if r.Seq > seq && (r.ForgetAt.IsZero() || r.ForgetAt.After(now)) {
			found = append(found, r)
		}
	}
	return found, s.fail
}

func (s *shelf) add(n int, id string) {
	for range n {
		s.all = append(s.all, store.Revocation{
			Seq: int64(len(s.all) + 1), Kind: store.RevokedToken, ID: id + fmt.Sprint(len(s.all)+1),
			IssuedBefore: noon.Add(999 * time.Millisecond), ForgetAt: noon.Add(time.Hour + time.Millisecond),
		})
	}
}

// Signer is Signers'.
func (o one) Signer(jose.Algorithm) (*jose.Signer, error) { return o.signer, nil }

type one struct{ signer *jose.Signer }

func feed(t *testing.T, s *shelf, now func() time.Time) (*Feed, jose.PublicKey) {
	t.Helper()
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.ES256, "k1", key, FeedHeader("ES256", "k1"))
	if err != nil {
		t.Fatal(err)
	}
	return NewFeed("https://i.example", s, one{signer}, now), signer.Public()
}

func said(t *testing.T, f *Feed, key jose.PublicKey, after int64) (statement, Message) {
	t.Helper()
	m, err := f.Message(t.Context(), after)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jose.Parse(m.Text)
	if err != nil {
		t.Fatal(err)
	}
	body, err := parsed.Verify(key)
	if err != nil || parsed.Type() != FeedType {
		t.Fatal(parsed.Type(), err)
	}
	var got statement
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	return got, m
}

func TestFeedMessages(t *testing.T) {
	now := noon
	s := &shelf{}
	f, key := feed(t, s, func() time.Time { return now })
	if _, err := f.Message(t.Context(), 0); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("before anything was read: %v", err)
	}
	refresh := func() {
		t.Helper()
		if err := f.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	refresh()
	entry := func(id string) event {
		return event{Kind: "token", ID: id, Before: noon.Unix(), Forget: noon.Add(time.Hour).Unix() + 1}
	}
	check := func(name string, after int64, want statement) {
		t.Helper()
		want.Issuer, want.IssuedAt = "https://i.example", now.Unix()
		got, m := said(t, f, key, after)
		if diff := cmp.Diff(want, got); diff != "" || m.Seq != want.Seq || m.More != want.More {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
	check("nothing is revoked", 0, statement{Entries: []event{}})
	s.add(2, "t")
	moved := f.Moved()
	refresh()
	select {
	case <-moved:
	default:
		t.Error("nobody was woken")
	}
	check("snapshot", 0, statement{Seq: 2, Entries: []event{entry("t1"), entry("t2")}})
	check("continued", 1, statement{Seq: 2, After: 1, Entries: []event{entry("t2")}})
	check("beat", 2, statement{Seq: 2, After: 2, Entries: []event{}})
	check("from another store", 3, statement{Seq: 2, Entries: []event{entry("t1"), entry("t2")}})
	check("below nothing", -1, statement{Seq: 2, Entries: []event{entry("t1"), entry("t2")}})

	now = noon.Add(time.Minute)
	s.fail = store.ErrUnavailable
	moved = f.Moved()
	if err := f.Refresh(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Error(err)
	}
	select {
	case <-moved:
		t.Error("it claims to be alive while it cannot read")
	default:
	}
	if got, _ := said(t, f, key, 2); got.IssuedAt != noon.Unix() {
		t.Errorf("it claims to be complete at %v", got.IssuedAt)
	}
	s.fail, now = nil, noon.Add(2*time.Hour)
	refresh()
	check("all forgotten", 0, statement{Seq: 2, Entries: []event{}})

	now = noon
	s.all = nil
	s.add(1, "new")
	f.Reread()
	refresh()
	check("the store was set back", 2, statement{Seq: 1, Entries: []event{entry("new1")}})
}

// TestFeedParts: what is too much for one message comes in several, which
// together are everything, and each can be read.
func TestFeedParts(t *testing.T) {
	s := &shelf{}
	f, key := feed(t, s, func() time.Time { return noon })
	s.add(1000, strings.Repeat("x", 100))
	if err := f.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	var after, parts int64
	for more := true; more; parts++ {
		got, m := said(t, f, key, after)
		if got.After != after || len(m.Text) > 16<<10 {
			t.Fatalf("it continues %d after %d, in %d bytes", got.After, after, len(m.Text))
		}
		for _, e := range got.Entries {
			if after++; e.ID != s.all[after-1].ID {
				t.Fatalf("%s is not the next", e.ID)
			}
		}
		if got.Seq != after {
			t.Fatalf("complete to %d with entry %d", got.Seq, after)
		}
		more = m.More
	}
	if after != 1000 || parts < 10 {
		t.Errorf("%d entries in %d parts", after, parts)
	}
}

// TestFeedSaysAllOrNothing: one that is too long, and a change with more than
// fits, silence the feed.
func TestFeedSaysAllOrNothing(t *testing.T) {
	for _, row := range []struct {
		name string
		all  []store.Revocation
		good bool
	}{
		{"an id at the limit", []store.Revocation{{Seq: 1, Kind: "token", ID: strings.Repeat("x", maxID)}}, true},
		{"an id beyond it", []store.Revocation{{Seq: 1, Kind: "token", ID: strings.Repeat("x", maxID+1)}}, false},
		{"one change of many", many(1, 12), false},
		{"one change of fewer", many(1, 9), true},
		{"it comes second", append([]store.Revocation{{Seq: 1, Kind: "token", ID: "x"}}, many(2, 9)...), true},
	} {
		s := &shelf{all: row.all}
		f, key := feed(t, s, func() time.Time { return noon })
		if err := f.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		m, err := f.Message(t.Context(), 0)
		if (err == nil) != row.good || !row.good && !errors.Is(err, errTooMuch) {
			t.Errorf("%s: %v", row.name, err)
		}
		if err == nil && !m.More {
			if got, _ := said(t, f, key, 0); len(got.Entries) != len(row.all) {
				t.Errorf("%s: %d entries", row.name, len(got.Entries))
			}
		}
	}
	// Two changes of which only one fits.
	s := &shelf{all: append(many(1, 6), many(2, 6)...)}
	f, key := feed(t, s, func() time.Time { return noon })
	if err := f.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, m := said(t, f, key, 0); got.Seq != 1 || len(got.Entries) != 6 || !m.More {
		t.Errorf("%d entries up to %d", len(got.Entries), got.Seq)
	}
	if got, m := said(t, f, key, 1); got.Seq != 2 || len(got.Entries) != 6 || m.More {
		t.Errorf("%d entries up to %d", len(got.Entries), got.Seq)
	}
}

// many is n long revocations of one change.
func many(seq int64, n int) (all []store.Revocation) {
	for i := range n {
		all = append(all, store.Revocation{Seq: seq, Kind: "token", ID: strings.Repeat("x", 1000) + fmt.Sprint(i)})
	}
	return all
}

func TestFeedRun(t *testing.T) { synctest.Test(t, feedRuns) }

func feedRuns(t *testing.T) {
	s := &shelf{}
	f, _ := feed(t, s, func() time.Time { return noon })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	moved := f.Moved()
	go func() { f.Run(ctx, func(err error) { t.Error(err) }); close(ended) }()
	for range 3 { // the first reading, and two changes
		select {
		case <-moved:
		case <-time.After(4 * time.Second): // before the beat
			t.Fatal("it did not read")
		}
		moved = f.Moved()
		f.Changed()
	}
	cancel()
	<-ended
	select {
	case <-f.Closed():
	default:
		t.Error("streams would stay")
	}
	f.Close() // again
}
