package keys

import (
	"context"
	"errors"
	"fmt"

	"github.com/grantway/grantway/internal/store"
)

// A Rekeying puts the keys of an environment under another sealing key. No server
// may run meanwhile: one that does would seal new keys with the old one.
type Rekeying struct {
	Environment string
	Keys        store.Keys
	Old         *Seal // nil: it is lost, and every key that does not open with New is removed
	New         *Seal
}

// Do seals all keys with the new sealing key, in one step, and says how many it
// sealed and how many it removed. Those that open with the new one already stay
// as they are, so it can be done again after an interruption. Where the old one is
// known and a key opens with neither, nothing happens and Do returns ErrSealed.
func (r *Rekeying) Do(ctx context.Context, by store.By) (sealed, removed int, err error) {
	stored, err := r.Keys.List(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("read the signing keys: %w", err)
	}
	under := map[string][]byte{}
	for _, k := range stored {
		if k.State() == store.KeyGone {
			continue
		}
		context := bound(r.Environment, k.Purpose, k.ID)
		if _, err := r.New.Open(k.Sealed, context); err == nil {
			under[k.ID] = k.Sealed
			continue
		}
		if r.Old == nil {
			if err := r.Keys.Remove(ctx, store.Removal{ID: k.ID, Forget: by.At.Add(longestLife + overlap)}, by); err != nil {
				return 0, removed, err
			}
			removed++
			continue
		}
		private, err := r.Old.Open(k.Sealed, context)
		if err != nil {
			return 0, 0, fmt.Errorf("signing key %s of %s opens with neither sealing key: %w", k.ID, r.Environment, err)
		}
		under[k.ID] = r.New.Close(private, context)
		sealed++
	}
	if sealed == 0 {
		return 0, removed, nil
	}
	if err := r.Keys.Reseal(ctx, under, by); err != nil {
		if errors.Is(err, store.ErrConflict) {
			err = fmt.Errorf("the keys of %s changed meanwhile: stop every server and try again: %w", r.Environment, err)
		}
		return 0, removed, err
	}
	return sealed, removed, nil
}
