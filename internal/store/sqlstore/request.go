package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/grantway/grantway/internal/store"
)

type requests struct{ *Store }

// Requests returns the authorization requests that wait for a person.
func (s *Store) Requests() store.Requests { return requests{s} }

var (
	insertRequest = sentence(`INSERT INTO {}request (hash, browser, client_id, asked, created_at, ends_at)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`)
	findRequest = sentence(`SELECT browser, client_id, asked, created_at, ends_at
		FROM {}request WHERE hash = $1 AND ends_at > $2`)
	dropRequest   = sentence(`DELETE FROM {}request WHERE hash = $1`)
	spendRequest  = sentence(`DELETE FROM {}request WHERE hash = $1 AND ends_at > $2 AND client_id = $3`)
	purgeRequests = sentence(`DELETE FROM {}request WHERE hash IN (
		SELECT hash FROM {}request WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2)`)
)

// Save implements store.Requests.
func (s requests) Save(ctx context.Context, r store.Request) error {
	err := checkTimes(r.CreatedAt, r.EndsAt)
	if err == nil {
		asked := append([]byte{}, r.Asked...) // none is not NULL
		err = s.db.write(ctx, func(ctx context.Context, t transaction) error {
			return fresh(t.exec(ctx, insertRequest, r.Hash[:], r.Browser[:], r.ClientID, asked, micros(r.CreatedAt), micros(r.EndsAt)))
		})
	}
	if err != nil {
		return fmt.Errorf("save request: %w", err)
	}
	return nil
}

// Find implements store.Requests.
func (s requests) Find(ctx context.Context, hash [32]byte, now time.Time) (store.Request, error) {
	r := store.Request{Hash: hash}
	is := false
	err := s.db.read(ctx, findRequest, func(scan scanFunc) error {
		var (
			browser       []byte
			created, ends int64
		)
		err := scan(&browser, &r.ClientID, &r.Asked, &created, &ends)
		is = true
		copy(r.Browser[:], browser)
		r.CreatedAt, r.EndsAt = instant(created), instant(ends)
		return err
	}, hash[:], micros(now))
	if err := known(is, err); err != nil {
		return store.Request{}, fmt.Errorf("find request: %w", err)
	}
	return r, nil
}

// Drop implements store.Requests.
func (s requests) Drop(ctx context.Context, hash [32]byte) error {
	err := s.db.write(ctx, func(ctx context.Context, t transaction) error {
		n, err := t.exec(ctx, dropRequest, hash[:])
		if err == nil && n == 0 {
			err = store.ErrSpent
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("drop request: %w", err)
	}
	return nil
}

// Purge implements store.Requests.
func (s requests) Purge(ctx context.Context, now time.Time, limit int) (int, error) {
	return s.purge(ctx, "purge requests", purgeRequests, now, limit)
}
