package server

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/resource"
)

// askAgain is how long one request may wait for a store that was silent for too
// long.
const askAgain = time.Second

// heard returns what says whether tokens for some APIs can be judged: that what
// was revoked is known up to a moment that is not too long ago for any of them.
// A gateway apart has the same of its feed (row S16).
func (r *resources) heard(now func() time.Time, apis []*catalogue.API) func(context.Context) error {
	most := time.Duration(0)
	for _, api := range apis {
		if limit := cmp.Or(api.MaxStale, catalogue.DefaultMaxStale); most == 0 || limit < most {
			most = limit
		}
	}
	return func(ctx context.Context) error {
		if now().Sub(r.revoked.Heard()) <= most {
			return nil
		}
		// The machine may have slept, or its clock been set: one request asks the
		// store, and the others do not wait for it.
		if r.asking.TryLock() {
			inTime, cancel := context.WithTimeout(ctx, askAgain)
			_ = r.revoked.Refresh(inTime) // whoever follows the changes says why
			cancel()
			r.asking.Unlock()
		}
		if age := now().Sub(r.revoked.Heard()); age > most {
			return fmt.Errorf("%w: the store has not said for %v what is revoked", resource.ErrUnavailable, age.Round(time.Second))
		}
		return nil
	}
}
