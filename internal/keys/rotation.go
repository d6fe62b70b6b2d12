package keys

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/store"
)

// ErrAlgorithm: no key of the ring signs with the algorithm.
var ErrAlgorithm = errors.New("no signing key for")

// ErrUnread: what was asked for is stored, and this node could not read all keys
// again. It goes on trying; see Reload.
var ErrUnread = errors.New("it is stored, but this server could not yet read all keys again")

// A TooSoonError refuses a rotation: verifiers may have copies of the key set in
// which the standby is missing.
type TooSoonError struct {
	KeyID string    // of the standby
	At    time.Time // from then on it may sign
}

func (e *TooSoonError) Error() string {
	return fmt.Sprintf("the key %s may sign from %s on: until then some verifiers do not know it", e.KeyID, e.At.UTC().Format(time.RFC3339))
}

// A Key is what is known about a key, without its private part.
type Key struct {
	store.Key
	Ready time.Time // of a standby: from when on it may sign
	Until time.Time // of a retired key: when it goes
}

// List returns all keys as they are stored, those that are gone too, oldest
// first. It returns store.ErrUnavailable when the store does not answer.
func (r *Ring) List(ctx context.Context) ([]Key, error) {
	stored, err := r.list(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Key, len(stored))
	for i, k := range stored {
		k.Sealed = nil
		all[i] = Key{Key: k}
		switch k.State() {
		case store.KeyStandby:
			all[i].Ready = r.ready(&k)
		case store.KeyRetired:
			all[i].Until = r.until(&k)
		}
	}
	return all, nil
}

// ready is when a standby has been published for long enough to sign.
func (r *Ring) ready(standby *store.Key) time.Time { return standby.CreatedAt.Add(r.settings.Announce) }

// until is when no token of a retired key is good any more.
func (r *Ring) until(retired *store.Key) time.Time {
	return retired.RetiredAt.Add(r.settings.Lifetime + overlap)
}

// Rotate lets the standby of an algorithm sign, retires the key that signed so
// far, and publishes a new standby. A standby that has not been published for
// Settings.Announce is refused with a *TooSoonError, but in an emergency.
//
// Of several nodes that do it at the same time one succeeds, and the others
// return store.ErrConflict and know the keys of that one. Other errors:
// ErrAlgorithm, ErrSealed when the sealing key was exchanged since this process
// started, ErrUnread, store.ErrUnavailable.
func (r *Ring) Rotate(ctx context.Context, algorithm jose.Algorithm, emergency bool, by store.By) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	stored, err := r.list(ctx)
	if err != nil {
		return err
	}
	return r.rotate(ctx, stored, algorithm, emergency, by)
}

// rotate is called under changing.
func (r *Ring) rotate(ctx context.Context, stored []store.Key, algorithm jose.Algorithm, emergency bool, by store.By) error {
	by.At = r.settings.Now()
	active, standby := holder(stored, algorithm, store.KeyActive), holder(stored, algorithm, store.KeyStandby)
	if active == nil || standby == nil {
		return fmt.Errorf("%w %s", ErrAlgorithm, algorithm)
	}
	if at := r.ready(standby); !emergency && by.At.Before(at) {
		return &TooSoonError{standby.ID, at}
	}
	if err := r.sealed(stored); err != nil {
		return err
	}
	next, err := r.make(algorithm, by.At)
	if err != nil {
		return err
	}
	err = r.settings.Keys.Rotate(ctx, store.Rotation{
		Purpose: r.settings.Purpose, Algorithm: string(algorithm), From: active.ID, To: standby.ID, Standby: next,
	}, by)
	if err != nil && !errors.Is(err, store.ErrConflict) {
		return err
	}
	return errors.Join(err, r.reread(ctx))
}

// reread is Reload after a change.
func (r *Ring) reread(ctx context.Context) error {
	if err := r.Reload(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrUnread, err)
	}
	return nil
}

// Remove makes a key useless at once, because somebody else may have it: this
// ring neither signs with it nor publishes it when Remove returns, and its tokens
// are good no more. The standby signs in its place, announced or not; verifiers
// ask for keys that they do not know. A key that is gone already is no error.
// Errors: store.ErrNotFound, ErrUnread, store.ErrUnavailable.
func (r *Ring) Remove(ctx context.Context, kid string, by store.By) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	const tries = 5 // another node may change the keys meanwhile
	for try := 1; ; try++ {
		err := r.remove(ctx, kid, by)
		if err == nil {
			return r.reread(ctx)
		}
		if !errors.Is(err, store.ErrConflict) || try == tries {
			return err
		}
	}
}

func (r *Ring) remove(ctx context.Context, kid string, by store.By) error {
	stored, err := r.list(ctx)
	if err != nil {
		return err
	}
	by.At = r.settings.Now()
	removal := store.Removal{ID: kid, Forget: by.At.Add(r.settings.Lifetime + overlap)}
	for _, k := range stored {
		if k.ID != kid {
			continue
		}
		// A sealing key that was exchanged meanwhile must not seal a new key, and
		// is no reason to keep a bad one.
		if state := k.State(); (state == store.KeyActive || state == store.KeyStandby) && r.sealed(stored) == nil {
			if removal.Standby, err = r.make(jose.Algorithm(k.Algorithm), by.At); err != nil {
				return err
			}
		}
		return r.settings.Keys.Remove(ctx, removal, by)
	}
	return fmt.Errorf("remove key: %w", store.ErrNotFound)
}

// Maintain does what is due: it makes keys that are missing, rotates those that
// have signed for Settings.RotateEvery, and erases retired ones whose last token
// has expired. Call it now and then, on every node.
func (r *Ring) Maintain(ctx context.Context, by store.By) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	by.At = r.settings.Now()
	faults := r.ensure(ctx, by)
	stored, err := r.list(ctx)
	if err != nil {
		return errors.Join(faults, err)
	}
	for _, algorithm := range r.algorithms {
		active := holder(stored, algorithm, store.KeyActive)
		if active == nil || by.At.Before(active.ActivatedAt.Add(r.settings.RotateEvery)) {
			continue
		}
		err := r.rotate(ctx, stored, algorithm, false, by)
		if _, soon := errors.AsType[*TooSoonError](err); !soon && !errors.Is(err, store.ErrConflict) {
			faults = errors.Join(faults, err)
		}
	}
	for _, k := range stored {
		if k.State() == store.KeyRetired && !by.At.Before(r.until(&k)) {
			faults = errors.Join(faults, r.settings.Keys.Erase(ctx, k.ID, by))
		}
	}
	return errors.Join(faults, r.Reload(ctx))
}
