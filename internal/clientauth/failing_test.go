package clientauth

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// stored keeps known clients in memory, and asks for others elsewhere.
type stored struct {
	memory
	takes time.Duration
}

func (s stored) Find(ctx context.Context, id string) (*store.Client, error) {
	c, err := s.memory.Find(ctx, id)
	if err != nil {
		time.Sleep(s.takes)
	}
	return c, err
}

// TestFailuresTakeAsLong is row E04: whether an id has to be looked for in the store
// is not heard, and what goes well does not wait.
func TestFailuresTakeAsLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fresh(t)
		f.add(t, "keyless")
		f.Failing = 10 * time.Millisecond
		for _, row := range []struct {
			what, body, header string
			looking, takes     time.Duration
		}{
			{"the right secret", post("client1", "right"), "", 3 * time.Millisecond, 0},
			{"a wrong secret", post("client1", "wrong"), "", 3 * time.Millisecond, f.Failing},
			{"an unknown client", post("nobody", "wrong"), "", 3 * time.Millisecond, f.Failing},
			{"a client without a secret", post("keyless", "wrong"), "", 3 * time.Millisecond, f.Failing},
			{"a known client that says its id alone", "client_id=client1", "", 3 * time.Millisecond, f.Failing},
			{"an unknown client that says its id alone", "client_id=nobody", "", 3 * time.Millisecond, f.Failing},
			{"an unknown client, by Basic", "", basic("nobody", "wrong"), 3 * time.Millisecond, f.Failing},
			{"a secret in the place of the id", post("right", "client1"), "", 3 * time.Millisecond, f.Failing},
			{"a store that is slow", post("nobody", "wrong"), "", 8 * time.Millisecond, 2 * f.Failing},
		} {
			f.Clients = stored{f.clients, row.looking}
			began := time.Now()
			_, _, err := f.ask(t, row.body, row.header)
			if took := time.Since(began); took != row.takes || (err == nil) != (row.takes == 0) {
				t.Errorf("E04: %s: %v, %v", row.what, took, err)
			}
		}
	})
}

// TestSwappedIsNotInTheFact is row U04: a secret that stands in the id's place is in no
// log, also when it does not look like one, and when nothing is looked at any more.
func TestSwappedIsNotInTheFact(t *testing.T) {
	f := fresh(t)
	imported := strings.Repeat("s3cr3t", 8)
	f.add(t, "imported", imported)
	for try := range 32 {
		if _, _, err := f.ask(t, post(imported, "imported"), ""); err == nil || f.fact.Client != "" {
			t.Fatalf("try %d: %v, the log has %q", try, err, f.fact.Client)
		}
		if swapped := slices.Contains(f.fact.Notes, activity.NoteSwapped); swapped != (try < 30) {
			t.Errorf("try %d: the log says %q", try, f.fact.Notes)
		}
	}
	if _, _, err := f.ask(t, post("mistyped", "wrong"), ""); err == nil || f.fact.Client != "mistyped" || f.fact.Notes != nil {
		t.Errorf("an unknown id: %v, %q %q", err, f.fact.Client, f.fact.Notes)
	}
}

// asked keeps the ids that were looked for.
type asked struct {
	memory
	ids []string
}

func (a *asked) Find(ctx context.Context, id string) (*store.Client, error) {
	a.ids = append(a.ids, id)
	return a.memory.Find(ctx, id)
}

// TestSecretIsNotLookedForAsAnID: what looks like a secret of ours goes nowhere where
// ids are kept.
func TestSecretIsNotLookedForAsAnID(t *testing.T) {
	f := fresh(t)
	ours, err := secret.New("staging", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	clients := &asked{memory: f.clients}
	f.Clients = clients
	if _, _, err := f.ask(t, post("mistyped", ours.Reveal()), ""); err == nil || !slices.Equal(clients.ids, []string{"mistyped"}) {
		t.Errorf("%v, looked for %d ids", err, len(clients.ids))
	}
}
