package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/grantway/grantway/internal/store"
)

type changes struct{ *Store }

var (
	nextSeq      = sentence(`UPDATE {}head SET seq = seq + 1 WHERE one = 1 RETURNING seq`)
	lastSeq      = sentence(`SELECT seq FROM {}head WHERE one = 1`)
	insertChange = sentence(`INSERT INTO {}change (seq, at, kind, id, client, actor, trace, detail)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`)
	changesSince = sentence(`SELECT seq, at, kind, id, client, actor, trace, detail
		FROM {}change WHERE seq > $1 ORDER BY seq LIMIT $2`)

	// What a change is about as a part of an account stands in its detail.
	changesAbout = sentence(`SELECT seq FROM {}change WHERE seq > $1 AND (id = $2 OR client = $2 OR replace(detail, $3, '') <> detail) LIMIT 1`)

	// substr and not LIKE: what is sought is no pattern. Two searches meet in one
	// so that each has an index of its own.
	searchChanges = sentence(`SELECT seq, at, kind, id, client, actor, trace, detail FROM {}change
		WHERE seq < $1 AND substr(kind, 1, length($2)) = $2 AND ($3 = '' OR actor = $3) ORDER BY seq DESC LIMIT $4`)
	searchAbout = sentence(`SELECT seq, at, kind, id, client, actor, trace, detail FROM {}change
		WHERE seq IN (SELECT seq FROM {}change WHERE id = $5 UNION SELECT seq FROM {}change WHERE client = $5)
			AND seq < $1 AND substr(kind, 1, length($2)) = $2 AND ($3 = '' OR actor = $3) ORDER BY seq DESC LIMIT $4`)
)

// Since implements store.Changes.
func (c changes) Since(ctx context.Context, seq int64, limit int) ([]store.Change, error) {
	all, err := c.read(ctx, changesSince, seq, int64(max(limit, 0)))
	if err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	return all, nil
}

// Search implements store.History.
func (c changes) Search(ctx context.Context, q store.ChangeQuery) ([]store.Change, error) {
	if !storable(q.About) || !storable(q.Kind) || !storable(q.Actor) {
		return nil, nil
	}
	before := q.Before
	if before <= 0 {
		before = math.MaxInt64
	}
	how, args := searchChanges, []any{before, q.Kind, q.Actor, int64(max(q.Limit, 0))}
	if q.About != "" {
		how, args = searchAbout, append(args, q.About)
	}
	all, err := c.read(ctx, how, args...)
	if err != nil {
		return nil, fmt.Errorf("search changes: %w", err)
	}
	return all, nil
}

func (c changes) read(ctx context.Context, q statement, args ...any) ([]store.Change, error) {
	return gather(ctx, c.db, func(scan scanFunc) (store.Change, error) {
		var (
			one store.Change
			at  int64
		)
		err := scan(&one.Seq, &at, &one.Kind, &one.ID, &one.Client, &one.Actor, &one.Trace, &one.Detail)
		one.At = instant(at)
		return one, err
	}, q, args...)
}

// Last implements store.Changes.
func (c changes) Last(ctx context.Context) (int64, error) { return c.feed.ask(ctx) }

// Wait implements store.Changes.
func (c changes) Wait(ctx context.Context, seq int64) error { return c.feed.wait(ctx, seq) }

// A fact is what a step changed: the change to be written, and the revocation
// that comes with it, if one does.
type fact struct {
	kind   string
	id     string
	client string
	detail map[string]any
	ends   *store.Revocation  // its Seq is filled in
	grants []store.Revocation // of grants that ended with it; as ends
}

// change runs a step that alters state and writes its change beside it. A step
// that returns no fact altered nothing.
//
// The number is taken last: on PostgreSQL the lock on the head lets one
// transaction through at a time, from there to its commit.
func (s *Store) change(ctx context.Context, by store.By, step func(context.Context, transaction) (*fact, error)) error {
	if by.Actor == "" || by.At.IsZero() {
		return errors.New("a change needs its actor and its time")
	}
	if err := checkTimes(by.At); err != nil {
		return err
	}
	var (
		seq  int64
		made *fact
	)
	err := s.db.write(ctx, func(ctx context.Context, t transaction) error {
		seq, made = 0, nil // it may be tried again
		f, err := step(ctx, t)
		if err != nil || f == nil {
			return err
		}
		if _, err := one(ctx, t, nextSeq, nil, &seq); err != nil {
			return err
		}
		if err := s.unmoved(ctx, t, by.Unless); err != nil {
			return err
		}
		made = f
		detail := "{}"
		if len(f.detail) > 0 {
			detail = text(f.detail)
		}
		_, err = t.exec(ctx, insertChange, seq, micros(by.At), f.kind, f.id, f.client, by.Actor, by.Trace, detail)
		if err == nil && f.ends != nil {
			err = insert(ctx, t, seq, f.ends)
		}
		for i := range f.grants {
			if err == nil {
				err = insert(ctx, t, seq, &f.grants[i])
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	if m := by.Unless; m != nil && made != nil && (made.id == m.About || made.client == m.About || made.detail["account"] == m.About) {
		m.Begun = true // as changesAbout finds it
	}
	s.feed.advance(seq)
	return nil
}

// unmoved returns store.ErrMoved where a thing has changed since somebody saw it. It
// is asked under the lock on the head, so that no change can come in between.
func (s *Store) unmoved(ctx context.Context, t transaction, m *store.Moved) error {
	if m == nil || m.Begun || m.Of != store.History(changes{s}) {
		return nil
	}
	if !storable(m.About) {
		return store.ErrNotFound
	}
	part := text(map[string]string{"account": m.About})
	moved, err := one(ctx, t, changesAbout, []any{m.After, m.About, part[1 : len(part)-1]}, new(int64))
	if err == nil && moved {
		err = store.ErrMoved
	}
	return err
}
