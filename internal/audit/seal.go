package audit

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/store"
)

// Every is how long a change waits at most until it is sealed, when all goes well.
const Every = time.Minute

// A Sealer seals the changes of one environment. Several nodes may have one: of two
// that seal the same changes, one wins, and the other finds it done. It is safe for
// concurrent use.
type Sealer struct {
	Environment string
	Issuer      string
	Changes     store.Changes
	Seals       store.Seals
	Signer      func() (*jose.Signer, error) // whose header is Header's
	Now         func() time.Time
}

// Seal seals what has waited for Every, or makes a whole Run, and returns how many
// changes that were. Nothing is lost when it is cut off: what is not sealed is
// sealed the next time, by whichever node.
func (s *Sealer) Seal(ctx context.Context) (int, error) {
	sealed := 0
	for {
		n, err := s.one(ctx, s.Now().Add(-Every))
		if errors.Is(err, store.ErrConflict) {
			return sealed, nil // another node does it
		}
		if n == 0 || err != nil {
			return sealed, err
		}
		sealed += n
	}
}

// All seals everything that there is, however young.
func (s *Sealer) All(ctx context.Context) error {
	for {
		n, err := s.one(ctx, s.Now().Add(Every))
		if n == 0 && err == nil {
			return nil
		}
		if err != nil && !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

// one seals the next run, if it is long enough or begins before the given time.
func (s *Sealer) one(ctx context.Context, before time.Time) (int, error) {
	last, err := s.Seals.Last(ctx)
	if errors.Is(err, store.ErrNotFound) {
		last, err = store.Seal{Hash: first(s.Environment)}, nil
	}
	if err != nil {
		return 0, err
	}
	run, err := s.Changes.Since(ctx, last.Through, Run)
	if err != nil || len(run) == 0 || len(run) < Run && run[0].At.After(before) {
		return 0, err
	}
	next := Checkpoint{
		Issuer: s.Issuer, Environment: s.Environment, From: last.Through + 1, Seq: run[len(run)-1].Seq,
		// What the store keeps is no finer.
		At: s.Now().UTC().Truncate(time.Microsecond),
	}
	// Where a change was taken out before it was sealed, the gap is sealed with the
	// rest, and remains one: Verify finds it.
	next.Hash = hashOf(last.Hash, next.From, next.Seq, run)
	signer, err := s.Signer()
	if err != nil {
		return 0, err
	}
	text, err := next.sign(ctx, signer)
	if err != nil {
		return 0, fmt.Errorf("sign a checkpoint: %w", err)
	}
	err = s.Seals.Append(ctx, store.Seal{From: next.From, Through: next.Seq, Hash: next.Hash, Checkpoint: text, At: next.At})
	if err != nil {
		return 0, err
	}
	return len(run), nil
}

func hashOf(before [sha256.Size]byte, from, through int64, run []store.Change) [sha256.Size]byte {
	l := after(before, from, through)
	for i := range run {
		l.add(&run[i])
	}
	return l.sum()
}
