package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/grantway/grantway/internal/store"
)

type devices struct{ *Store }

// Devices returns the browsers that people had remembered.
func (s *Store) Devices() store.Devices { return devices{s} }

const readDevice = `SELECT hash, id, account_id, name, created_at, ends_at FROM {}device `

var (
	insertDevice = sentence(`INSERT INTO {}device (hash, id, account_id, name, created_at, ends_at)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`)
	findDevice    = sentence(readDevice + `WHERE hash = $1 AND account_id = $2 AND ends_at > $3`)
	listDevices   = sentence(readDevice + `WHERE account_id = $1 AND ends_at > $2 ORDER BY created_at DESC, id`)
	forgetEnded   = sentence(`DELETE FROM {}device WHERE account_id = $1 AND ends_at <= $2`)
	forgetDevices = sentence(`DELETE FROM {}device WHERE account_id = $1 AND ($2 = '' OR id = $2)`)
	purgeDevices  = sentence(`DELETE FROM {}device WHERE hash IN (
		SELECT hash FROM {}device WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2)`)
)

// Remember implements store.Devices.
func (s devices) Remember(ctx context.Context, d store.Device, by store.By) error {
	err := checkTimes(d.CreatedAt, d.EndsAt)
	if err == nil {
		err = s.alterAccount(ctx, d.AccountID, by, func(ctx context.Context, t transaction, _ int64) (*fact, error) {
			if _, err := t.exec(ctx, forgetEnded, d.AccountID, micros(by.At)); err != nil {
				return nil, err
			}
			err := fresh(t.exec(ctx, insertDevice, d.Hash[:], d.ID, d.AccountID, d.Name, micros(d.CreatedAt), micros(d.EndsAt)))
			return &fact{kind: "device.remembered", id: d.ID, detail: map[string]any{"account": d.AccountID}}, err
		})
	}
	if err != nil {
		return fmt.Errorf("remember device: %w", err)
	}
	return nil
}

// Find implements store.Devices.
func (s devices) Find(ctx context.Context, accountID string, hash [32]byte, now time.Time) (store.Device, error) {
	return find(ctx, "find device", s.read, findDevice, hash[:], accountID, micros(now))
}

// List implements store.Devices.
func (s devices) List(ctx context.Context, accountID string, now time.Time) ([]store.Device, error) {
	return listOf(ctx, "list devices", s.read, listDevices, accountID, micros(now))
}

func (s devices) read(ctx context.Context, q statement, args ...any) ([]store.Device, error) {
	return gather(ctx, s.db, func(scan scanFunc) (store.Device, error) {
		var (
			d             store.Device
			hash          []byte
			created, ends int64
		)
		err := scan(&hash, &d.ID, &d.AccountID, &d.Name, &created, &ends)
		copy(d.Hash[:], hash)
		d.CreatedAt, d.EndsAt = instant(created), instant(ends)
		return d, err
	}, q, args...)
}

// Forget implements store.Devices.
func (s devices) Forget(ctx context.Context, accountID, id string, by store.By) error {
	err := error(store.ErrNotFound)
	if storable(id) {
		err = s.alterAccount(ctx, accountID, by, func(ctx context.Context, t transaction, _ int64) (*fact, error) {
			n, err := t.exec(ctx, forgetDevices, accountID, id)
			if err == nil && n == 0 && id != "" {
				err = store.ErrNotFound
			}
			if err != nil || n == 0 {
				return nil, err
			}
			return &fact{kind: "device.forgotten", id: id, detail: map[string]any{"account": accountID}}, nil
		})
	}
	if err != nil {
		return fmt.Errorf("forget device: %w", err)
	}
	return nil
}

// Purge implements store.Devices.
func (s devices) Purge(ctx context.Context, now time.Time, limit int) (int, error) {
	return s.purge(ctx, "purge devices", purgeDevices, now, limit)
}
