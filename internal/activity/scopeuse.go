package activity

import (
	"context"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// scopeUses are which scopes clients used, and on which day last, until the store
// has it. Only Flush touches them.
type scopeUses struct {
	waiting map[use]int64 // the day, since 1970
	written map[use]int64
	today   int64 // the newest day of those that are written
}

// A use is of a scope of an API by a client.
type use struct{ client, api, scope string }

func newScopeUses() scopeUses {
	return scopeUses{waiting: map[use]int64{}, written: map[use]int64{}}
}

// add notes what the calls of a tally needed, unless it is known of that day.
func (u *scopeUses) add(k key, needed []string) {
	day := k.hour / 24
	for _, scope := range needed {
		one := use{k.client, k.api, scope}
		if known, ok := u.written[one]; ok && known >= day {
			continue
		}
		if known, ok := u.waiting[one]; ok {
			u.waiting[one] = max(known, day)
		} else if len(u.waiting) < waitingUses {
			u.waiting[one] = day
		}
	}
}

// write hands what waits to the store, some at a time, and forgets what it has.
func (u *scopeUses) write(ctx context.Context, to interface {
	Used(ctx context.Context, uses []store.ScopeUse) error
},
) error {
	for len(u.waiting) > 0 {
		batch := make([]store.ScopeUse, 0, min(len(u.waiting), batchRows))
		for one, day := range u.waiting {
			if len(batch) == batchRows {
				break
			}
			batch = append(batch, store.ScopeUse{ClientID: one.client, API: one.api, Scope: one.scope, Day: time.Unix(day*secondsOfDay, 0).UTC()})
		}
		if err := to.Used(ctx, batch); err != nil {
			return err
		}
		for _, b := range batch {
			one := use{b.ClientID, b.API, b.Scope}
			u.note(one, u.waiting[one])
			delete(u.waiting, one)
		}
	}
	return nil
}

const secondsOfDay = 24 * 60 * 60

// note remembers that the store has it, until another day begins.
func (u *scopeUses) note(one use, day int64) {
	if day > u.today {
		u.today = day
		clear(u.written)
	}
	if len(u.written) < notedUses {
		u.written[one] = day
	}
}
