package clientauth

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

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
			{"a store that is slow", post("nobody", "wrong"), "", 13 * time.Millisecond, 2 * f.Failing},
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
