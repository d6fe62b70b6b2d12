package activity_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/sqlstore"
)

// A diary is what a recorder tells of scopes.
type diary struct {
	told []store.ScopeUse
	down error
}

func (d *diary) Used(_ context.Context, uses []store.ScopeUse) error {
	if d.down != nil {
		return d.down
	}
	d.told = append(d.told, uses...)
	return nil
}

// read is what was told since the last reading.
func (d *diary) read() (lines []string) {
	for _, u := range d.told {
		lines = append(lines, fmt.Sprint(u.ClientID, " ", u.API, " ", u.Scope, " ", u.Day.Format(time.DateOnly)))
	}
	d.told = nil
	slices.Sort(lines)
	return lines
}

func diarist(t testing.TB) (*fixture, *diary) {
	t.Helper()
	f, d := open(t), &diary{}
	f.Recorder = activity.NewRecorder(activity.Settings{
		Activity: f.store.Activity(), Secrets: f.store.Secrets(), ScopeUses: d, Now: f.Now,
		Known: func(context.Context, string) (bool, error) { return true, nil },
	})
	return f, d
}

func call(f *fixture, needed ...string) *activity.Fact {
	return &activity.Fact{Trace: trace(1), Event: activity.CallPassed, Client: "partner", Secret: "s", API: "api", Needed: needed, Started: f.Now()}
}

// TestScopeUse: a scope that calls need is told of once a day.
func TestScopeUse(t *testing.T) {
	f, d := diarist(t)
	want := func(what string, lines ...string) {
		t.Helper()
		f.flush(t)
		same(t, d.read(), lines)
	}
	for range 3 {
		f.Record(call(f, "read", "write"))
		f.Record(call(f, "read"))
	}
	want("each once", "partner api read 2026-11-22", "partner api write 2026-11-22")
	f.Record(call(f, "read", "admin"))
	want("what is new", "partner api admin 2026-11-22")
	stranger := call(f, "read")
	stranger.Client = ""
	f.Record(stranger)
	f.Record(call(f))
	want("nobody, and nothing")

	f.at.Add(15 * 3600) // past midnight
	d.down = errors.New("down")
	f.Record(call(f, "read"))
	if err := f.Flush(t.Context()); !errors.Is(err, d.down) {
		t.Error(err)
	}
	d.down = nil
	want("another day, when the store is back", "partner api read 2026-11-23")
	f.Record(call(f, "read"))
	want("and once")
}

// TestScopeUseIsStored: with the real store, for a client that there is.
func TestScopeUseIsStored(t *testing.T) {
	f := open(t)
	f.Recorder = activity.NewRecorder(activity.Settings{
		Activity: f.store.Activity(), Secrets: f.store.Secrets(), ScopeUses: f.store.ScopeUses(), Now: f.Now,
	})
	register(t, f.store, "partner")
	f.Record(call(f, "read"))
	f.flush(t)
	uses, err := f.store.ScopeUses().Of(t.Context(), "partner")
	if err != nil {
		t.Fatal(err)
	}
	same(t, uses, []store.ScopeUse{{ClientID: "partner", API: "api", Scope: "read", Day: hour.Truncate(24 * time.Hour)}})
}

func register(t *testing.T, s *sqlstore.Store, id string) {
	t.Helper()
	if err := s.Clients().Create(t.Context(), store.Client{ID: id, Name: id, Type: store.TypeMachine, CreatedAt: now}, store.By{Actor: "test", At: now}); err != nil {
		t.Fatal(err)
	}
}

// TestScopeUseIsBounded: however many scopes there were, no more are remembered of
// one client between two flushes than a tally holds.
func TestScopeUseIsBounded(t *testing.T) {
	f, d := diarist(t)
	for i := range 65 {
		f.Record(call(f, fmt.Sprint("scope", i)))
	}
	f.flush(t)
	if n := len(d.read()); n != 64 {
		t.Errorf("%d scopes, want 64", n)
	}
}
