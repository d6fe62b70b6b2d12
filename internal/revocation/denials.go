package revocation

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/disk"
	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/store"
)

// Denials are what was denied in one environment and is not in its store yet.
// A denial is in force when Deny returns: in this process and at the readers of
// its feed. It lies in a file until the store has it, which Run sees to.
//
// It is safe for concurrent use. Make it with OpenDenials.
type Denials struct {
	with DenialSettings
	wake chan struct{}

	writing sync.Mutex // of the file, and steps of pending

	mu      sync.Mutex
	pending []Denial
	moved   chan struct{} // closed, and replaced, when some were stored
}

// DenialSettings are what Denials are made of.
type DenialSettings struct {
	Issuer string // as tokens name it: a denial of another one is not believed
	Path   string // of the file; its folder exists
	Set    *Set   // where denials are in force
	Feed   *Feed  // that hands them out
	Keys   DenialKeys
	Store  interface { // the part of store.Revocations that is written
		Ensure(context.Context, store.Revocation, store.By) error
	}
	Life time.Duration // the longest that a token lives, and clocks differ
	Now  func() time.Time
}

// DenialKeys are the keys of an environment, as far as denials have to do with
// them.
type DenialKeys interface {
	// Signer is the key of the feed, which signs denials under DenialHeader.
	Signer() (*jose.Signer, error)
	// Public are the keys by which denials of other nodes are believed.
	Public() []jose.PublicKey
	// Deny makes a key useless in this process, without the store.
	Deny(kid string) error
	// Remove makes a key useless for all, in the store. Doing it again is no
	// error; a key that the environment never had is store.ErrNotFound.
	Remove(ctx context.Context, kid string, by store.By) error
}

// A Denied is a denial that is in force.
type Denied struct {
	Denial
	Signed string // for other nodes
	Stored bool   // else it is written when the store answers
}

// OpenDenials reads what an earlier run denied and could not store, and puts it
// in force.
func OpenDenials(s DenialSettings) (*Denials, error) {
	d := &Denials{with: s, wake: make(chan struct{}, 1), moved: make(chan struct{})}
	text, err := disk.ReadPrivate(s.Path, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &d.pending)
	}
	if err != nil {
		return nil, fmt.Errorf("the denials that the store does not have yet, in %s, cannot be read; what is denied there would be accepted again without them: %w", s.Path, err)
	}
	for i := range d.pending {
		if err := d.force(&d.pending[i]); err != nil {
			return nil, err
		}
	}
	d.tell()
	d.poke()
	return d, nil
}

// force makes a denial count in this process.
func (d *Denials) force(one *Denial) error {
	d.with.Set.Deny(one.revocation())
	if one.Kind == store.RevokedKey {
		return d.with.Keys.Deny(one.ID)
	}
	return nil
}

// tell lets the feed say what is denied.
func (d *Denials) tell() {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]store.Revocation, len(d.pending))
	for i := range d.pending {
		all[i] = d.pending[i].revocation()
	}
	d.with.Feed.Deny(all)
}

func (d *Denials) poke() {
	select {
	case d.wake <- struct{}{}:
	default: // it has been said, and not been heard yet
	}
}

// patience is how long Deny waits for the store.
const patience = time.Second

// Deny puts a denial in force and in the file, signs it for other nodes, and
// gives the store a second to take it. A zero At and Before are now; an earlier
// Forget than a token may live is made later, but for one token, whose end is
// known to who asks. Errors: ErrKind, ErrID, ErrTimes and ErrTooMany, which deny
// nothing; ErrNotDurable and ErrUnsigned, which say what they are.
func (d *Denials) Deny(ctx context.Context, one Denial) (Denied, error) {
	now := d.with.Now()
	one.At = now
	if one.Before.IsZero() {
		one.Before = now
	}
	if one.Kind != store.RevokedToken || one.Forget.IsZero() {
		one.Forget = later(now, one.Before).Add(d.with.Life)
	}
	return d.put(ctx, one.whole(), now)
}

// Accept does what another node's Deny did. A denial that is known already, or
// is accepted again, changes nothing. Errors: ErrForged, ErrOver, and those of Deny.
func (d *Denials) Accept(ctx context.Context, text string) (Denied, error) {
	one, err := readDenial(text, d.with.Issuer, d.with.Keys.Public())
	if err != nil {
		return Denied{}, err
	}
	return d.put(ctx, one, d.with.Now())
}

func (d *Denials) put(ctx context.Context, one Denial, now time.Time) (Denied, error) {
	if err := one.check(now); err != nil {
		return Denied{}, err
	}
	if err := d.add(one); err != nil {
		return Denied{}, err
	}
	said := Denied{Denial: one}
	signer, err := d.with.Keys.Signer() // now, lest it be the key that was denied
	if err == nil {
		said.Signed, err = one.sign(ctx, d.with.Issuer, signer)
	}
	if err != nil {
		return Denied{}, fmt.Errorf("%w: %w", ErrUnsigned, err)
	}
	inTime, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	said.Stored = d.stored(inTime, &one)
	return said, nil
}

// add puts a denial in force, first of all, and in the file.
func (d *Denials) add(one Denial) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	d.mu.Lock()
	next := slices.Clone(d.pending)
	if i := slices.IndexFunc(next, one.same); i < 0 {
		next = append(next, one)
	} else {
		next[i].Before, next[i].Forget = later(next[i].Before, one.Before), later(next[i].Forget, one.Forget)
	}
	all := make([]store.Revocation, len(next))
	for i := range next {
		all[i] = next[i].revocation()
	}
	if !d.with.Feed.Room(all) {
		d.mu.Unlock()
		return ErrTooMany
	}
	d.pending = next
	d.mu.Unlock()
	err := d.force(&one)
	d.tell()
	defer d.poke()
	if err := d.write(next); err != nil {
		return fmt.Errorf("%w: %w", ErrNotDurable, err)
	}
	return err
}

// same says whether two denials are about the same.
func (d Denial) same(other Denial) bool { return d.Kind == other.Kind && d.ID == other.ID }

// stored waits until a denial waits for the store no more.
func (d *Denials) stored(ctx context.Context, one *Denial) bool {
	for {
		d.mu.Lock()
		waits, moved := slices.ContainsFunc(d.pending, one.same), d.moved
		d.mu.Unlock()
		if !waits {
			return true
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return false
		}
	}
}

// Pending are the denials that the store does not have yet, the oldest first.
func (d *Denials) Pending() []Denial {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.pending)
}

// Run writes denials into the store as soon as it answers, until the context
// ends. Why it does not is told to failed, once for each reason.
func (d *Denials) Run(ctx context.Context, failed func(error)) {
	const soon, late = 100 * time.Millisecond, time.Second
	pause, told := soon, ""
	for {
		err := d.flush(ctx)
		if ctx.Err() != nil {
			return
		}
		var again <-chan time.Time
		if err == nil {
			pause, told = soon, ""
		} else {
			if said := err.Error(); said != told {
				told = said
				failed(err)
			}
			again = time.After(pause)
			pause = min(2*pause, late)
		}
		select {
		case <-d.wake:
		case <-again:
		case <-ctx.Done():
			return
		}
	}
}

// flush writes what is pending. One that cannot be written holds up no other.
func (d *Denials) flush(ctx context.Context) error {
	pending := d.Pending()
	if len(pending) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var done []Denial
	var faults error
	for _, one := range pending {
		if err := d.store(ctx, &one); err != nil {
			faults = errors.Join(faults, fmt.Errorf("write the denial of %s %s: %w", one.Kind, one.ID, err))
			continue
		}
		done = append(done, one)
	}
	if len(done) == 0 {
		return faults
	}
	// What the store has must be in the feed's log before it leaves the denials.
	if err := cmp.Or(d.with.Set.Refresh(ctx), d.with.Feed.Refresh(ctx)); err != nil {
		return errors.Join(faults, err)
	}
	return errors.Join(faults, d.remove(done))
}

func (d *Denials) store(ctx context.Context, one *Denial) error {
	by := store.By{Actor: one.Actor, Trace: one.Trace, At: one.At}
	if one.Kind == store.RevokedKey {
		// An unknown key's tokens are refused all the same, lest it come back with
		// a backup.
		if err := d.with.Keys.Remove(ctx, one.ID, by); !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return d.with.Store.Ensure(ctx, one.revocation(), by)
}

// remove takes out what was stored, unless it was widened meanwhile.
func (d *Denials) remove(done []Denial) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	d.mu.Lock()
	next := slices.DeleteFunc(slices.Clone(d.pending), func(one Denial) bool { return slices.Contains(done, one) })
	d.pending = next
	close(d.moved)
	d.moved = make(chan struct{})
	d.mu.Unlock()
	d.tell()
	if err := d.write(next); err != nil {
		return fmt.Errorf("%s still has what is stored: %w", d.with.Path, err)
	}
	return nil
}

// write replaces the file, durably. It is called under writing.
func (d *Denials) write(all []Denial) error {
	if len(all) == 0 {
		return disk.Remove(d.with.Path)
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return disk.Write(d.with.Path, text)
}
