package keys_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/store"
)

// A node is a ring on a store that it shares with others.
type node struct {
	*keys.Ring
	store store.Keys
	now   time.Time
}

// nodes are rings of ES256 on one store. Tokens live an hour.
func nodes(t *testing.T, n int) []*node {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.db")
	all := make([]*node, n)
	for i := range all {
		all[i] = &node{store: open(t, path).Keys(), now: start}
		s := settings(t, all[i].store)
		s.Lifetime = time.Hour
		s.Now = func() time.Time { return all[i].now }
		all[i].Ring = ring(t, s, jose.ES256)
	}
	return all
}

// holds checks the states of all stored keys, oldest first, and that of the keys
// that are not gone, and of no others, the ring publishes the active one first.
func (n *node) holds(t *testing.T, states ...string) []keys.Key {
	t.Helper()
	all, err := n.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got, published, want []string
	for _, k := range all {
		got = append(got, k.State())
		if k.State() != store.KeyGone {
			want = append(want, k.ID)
		}
		if k.State() == store.KeyActive && kid(t, n.Ring, jose.ES256) != k.ID {
			t.Errorf("%s is active, and %s signs", k.ID, kid(t, n.Ring, jose.ES256))
		}
		if len(k.Sealed) != 0 {
			t.Error("the list has a private part")
		}
	}
	slices.Sort(states)
	slices.Sort(got)
	if !slices.Equal(got, states) {
		t.Errorf("the keys are %v, want %v", got, states)
	}
	for _, k := range n.Public() {
		published = append(published, k.KeyID)
	}
	if len(published) > 0 && published[0] != kid(t, n.Ring, jose.ES256) {
		t.Error("the key that signs is not the first")
	}
	slices.Sort(published)
	slices.Sort(want)
	if !slices.Equal(published, want) {
		t.Errorf("published are %v, want %v", published, want)
	}
	return all
}

func (n *node) standby(t *testing.T) keys.Key {
	t.Helper()
	all, err := n.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all[slices.IndexFunc(all, func(k keys.Key) bool { return k.State() == store.KeyStandby })]
}

func (n *node) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestRotateOnlyWhatIsKnown is row N04: a key signs once it has been published for
// longer than a copy of the key set lives.
func TestRotateOnlyWhatIsKnown(t *testing.T) {
	n := nodes(t, 1)[0]
	first, standby := kid(t, n.Ring, jose.ES256), n.standby(t)
	if !standby.Ready.Equal(start.Add(time.Hour)) {
		t.Errorf("ready at %v", standby.Ready)
	}
	n.now = standby.Ready.Add(-time.Microsecond)
	err := n.Rotate(t.Context(), jose.ES256, false, by)
	soon, ok := errors.AsType[*keys.TooSoonError](err)
	if !ok || soon.KeyID != standby.ID || !soon.At.Equal(standby.Ready) || !strings.Contains(err.Error(), "2026-06-01T13:00:00Z") {
		t.Errorf("error %v", err)
	}
	n.holds(t, store.KeyActive, store.KeyStandby)

	n.now = standby.Ready
	n.must(t, n.Rotate(t.Context(), jose.ES256, false, by))
	n.holds(t, store.KeyRetired, store.KeyActive, store.KeyStandby)
	if second := kid(t, n.Ring, jose.ES256); second != standby.ID || second == first {
		t.Errorf("%s signs, and %s was announced", second, standby.ID)
	}
	// The new standby has not been announced; an emergency does not ask.
	if _, ok := errors.AsType[*keys.TooSoonError](n.Rotate(t.Context(), jose.ES256, false, by)); !ok {
		t.Error("an unannounced key may sign")
	}
	n.must(t, n.Rotate(t.Context(), jose.ES256, true, by))
	n.holds(t, store.KeyRetired, store.KeyRetired, store.KeyActive, store.KeyStandby)
	if err := n.Rotate(t.Context(), jose.RS256, true, by); !errors.Is(err, keys.ErrAlgorithm) {
		t.Errorf("error %v", err)
	}
}

// TestRotateAtOnce: of many that rotate, one does; all know its keys.
func TestRotateAtOnce(t *testing.T) {
	all := nodes(t, 3)
	for _, n := range all {
		n.now = start.Add(2 * time.Hour)
	}
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, n := range all {
		wg.Go(func() { errs[i] = n.Rotate(context.Background(), jose.ES256, false, by) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		// One that came after it found a standby that nobody knows yet.
		_, soon := errors.AsType[*keys.TooSoonError](err)
		switch {
		case err == nil:
			won++
		case !soon && !errors.Is(err, store.ErrConflict):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d rotated", won)
	}
	for _, n := range all {
		n.must(t, n.Reload(t.Context()))
		n.holds(t, store.KeyRetired, store.KeyActive, store.KeyStandby)
	}
}

// TestRemove is row N05: nothing is left of a removed key, here at once and on
// another node once it reads.
func TestRemove(t *testing.T) {
	all := nodes(t, 2)
	n, other := all[0], all[1]
	first, standby := kid(t, n.Ring, jose.ES256), n.standby(t).ID
	n.must(t, n.Remove(t.Context(), first, by))
	n.holds(t, store.KeyGone, store.KeyActive, store.KeyStandby)
	if kid(t, n.Ring, jose.ES256) != standby {
		t.Error("another than the standby signs")
	}
	if kid(t, other.Ring, jose.ES256) != first {
		t.Error("the other node has read already: this test shows nothing")
	}
	n.must(t, other.Reload(t.Context()))
	other.holds(t, store.KeyGone, store.KeyActive, store.KeyStandby)

	// Again, as after an answer that was lost.
	n.must(t, n.Remove(t.Context(), first, by))
	n.holds(t, store.KeyGone, store.KeyActive, store.KeyStandby)
	n.must(t, n.Remove(t.Context(), n.standby(t).ID, by))
	n.holds(t, store.KeyGone, store.KeyGone, store.KeyActive, store.KeyStandby)
	n.must(t, n.Rotate(t.Context(), jose.ES256, true, by))
	n.must(t, n.Remove(t.Context(), standby, by)) // retired by now
	n.holds(t, store.KeyGone, store.KeyGone, store.KeyGone, store.KeyActive, store.KeyStandby)
	if err := n.Remove(t.Context(), "nothing", by); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("error %v", err)
	}
}

// TestRemoveAtOnce: nodes that remove the same keys do not get in each other's way.
func TestRemoveAtOnce(t *testing.T) {
	all := nodes(t, 3)
	bad := []string{kid(t, all[0].Ring, jose.ES256), all[0].standby(t).ID}
	var wg sync.WaitGroup
	for i, n := range all {
		wg.Go(func() {
			for j := range bad {
				if err := n.Remove(context.Background(), bad[(i+j)%2], by); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, n := range all {
		n.must(t, n.Reload(t.Context()))
		for _, k := range n.holds(t, store.KeyGone, store.KeyGone, store.KeyActive, store.KeyStandby) {
			if (k.State() == store.KeyGone) != slices.Contains(bad, k.ID) {
				t.Errorf("%s is %s", k.ID, k.State())
			}
		}
	}
}

// TestMaintain: a key signs for 90 days, and goes when its last token has.
func TestMaintain(t *testing.T) {
	n := nodes(t, 1)[0]
	due := start.Add(90 * 24 * time.Hour)
	n.now = due.Add(-time.Microsecond)
	n.must(t, n.Maintain(t.Context(), by))
	n.holds(t, store.KeyActive, store.KeyStandby)
	n.now = due
	n.must(t, n.Maintain(t.Context(), by))
	var old keys.Key
	for _, k := range n.holds(t, store.KeyRetired, store.KeyActive, store.KeyStandby) {
		if k.State() == store.KeyRetired {
			old = k
		}
	}
	// An hour of tokens, five minutes of a node that cannot hear, one of clocks.
	if !old.Until.Equal(due.Add(66 * time.Minute)) {
		t.Errorf("it goes at %v", old.Until)
	}
	n.now = old.Until.Add(-time.Microsecond)
	n.must(t, n.Maintain(t.Context(), by))
	n.holds(t, store.KeyRetired, store.KeyActive, store.KeyStandby)
	n.now = old.Until
	n.must(t, n.Maintain(t.Context(), by))
	n.holds(t, store.KeyGone, store.KeyActive, store.KeyStandby)
	stored, err := n.store.List(t.Context())
	n.must(t, err)
	for _, k := range stored {
		if (len(k.Sealed) == 0) != (k.ID == old.ID) || len(k.Public) == 0 {
			t.Errorf("%s, which is %s, has a private part of %d bytes", k.ID, k.State(), len(k.Sealed))
		}
	}
}

// TestMaintainWaitsForTheStandby: one that was just made is not rotated to because
// the active key is old.
func TestMaintainWaitsForTheStandby(t *testing.T) {
	n := nodes(t, 1)[0]
	n.now = start.Add(100 * 24 * time.Hour)
	n.must(t, n.Remove(t.Context(), n.standby(t).ID, by))
	n.must(t, n.Maintain(t.Context(), by))
	n.holds(t, store.KeyGone, store.KeyActive, store.KeyStandby)
	n.now = n.now.Add(time.Hour)
	n.must(t, n.Maintain(t.Context(), by))
	n.holds(t, store.KeyGone, store.KeyRetired, store.KeyActive, store.KeyStandby)
}

// TestKeysOfAnOlderVersion: a store with one active key gets a standby.
func TestKeysOfAnOlderVersion(t *testing.T) {
	n := nodes(t, 1)[0]
	first := kid(t, n.Ring, jose.ES256)
	n.must(t, n.store.Remove(t.Context(), store.Removal{ID: n.standby(t).ID}, by))
	again := settings(t, n.store)
	n.Ring = ring(t, again, jose.ES256)
	n.holds(t, store.KeyGone, store.KeyActive, store.KeyStandby)
	if kid(t, n.Ring, jose.ES256) != first {
		t.Error("another key signs")
	}
}

// TestReloadWithABrokenKey: one key that does not open is no reason to go on
// believing another one that was removed.
func TestReloadWithABrokenKey(t *testing.T) {
	all := nodes(t, 2)
	n := all[0]
	broken := settings(t, moved{n.store, func(k *store.Key) {
		if k.State() == store.KeyStandby && k.CreatedAt.After(start) && len(k.Sealed) > 0 {
			k.Sealed[20] ^= 1
		}
	}})
	other := &node{Ring: ring(t, broken, jose.ES256), store: n.store}
	bad := kid(t, n.Ring, jose.ES256)
	n.now = start.Add(time.Second)
	n.must(t, n.Remove(t.Context(), bad, by))
	if err := other.Reload(t.Context()); !errors.Is(err, keys.ErrSealed) {
		t.Errorf("error %v", err)
	}
	if kid(t, other.Ring, jose.ES256) == bad || len(other.Public()) != 1 {
		t.Error("the removed key is still used")
	}
	// It cannot tell with which key to seal, so it makes none; but it removes.
	if err := other.Rotate(t.Context(), jose.ES256, true, by); !errors.Is(err, keys.ErrSealed) {
		t.Errorf("error %v", err)
	}
	if err := other.Remove(t.Context(), n.standby(t).ID, by); err != nil {
		t.Error(err)
	}
	n.must(t, n.Reload(t.Context()))
	n.holds(t, store.KeyGone, store.KeyGone, store.KeyActive)
	n.must(t, n.Maintain(t.Context(), by))
	n.holds(t, store.KeyGone, store.KeyGone, store.KeyActive, store.KeyStandby)
}
