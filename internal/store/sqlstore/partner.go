package sqlstore

import (
	"context"
	"fmt"

	"github.com/grantway/grantway/internal/store"
)

type partners struct{ *Store }

// Partners returns the organisations that own clients.
func (s *Store) Partners() store.Partners { return partners{s} }

// A partner and its members are read by one statement, so that they are of one
// moment.
const partnerColumns = `SELECT p.id, p.name, p.email, p.homepage, p.verified, p.created_at, p.disabled_at,
		COALESCE(m.account_id, ''), COALESCE(m.role, ''), COALESCE(m.since, 0) FROM `

var (
	insertPartner = sentence(`INSERT INTO {}partner (id, name, email, homepage, verified, created_at, disabled_at, deleted_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0) ON CONFLICT DO NOTHING`)
	findPartner = sentence(partnerColumns + `{}partner p LEFT JOIN {}member m ON m.partner_id = p.id
		WHERE p.id = $1 AND p.deleted_at = 0 ORDER BY m.since, m.account_id`)
	listPartners = sentence(partnerColumns + `(SELECT * FROM {}partner WHERE id > $1 AND deleted_at = 0
			AND ($2 = '' OR id IN (SELECT partner_id FROM {}member WHERE account_id = $2)) ORDER BY id LIMIT $3) p
		LEFT JOIN {}member m ON m.partner_id = p.id ORDER BY p.id, m.since, m.account_id`)

	// It takes the lock on the row, as lockClient does.
	lockPartner     = sentence(`UPDATE {}partner SET id = id WHERE id = $1 AND deleted_at = 0 RETURNING disabled_at`)
	describePartner = sentence(`UPDATE {}partner SET name = $2, email = $3, homepage = $4, verified = $5 WHERE id = $1`)
	disablePartner  = sentence(`UPDATE {}partner SET disabled_at = $2 WHERE id = $1`)
	forgetPartner   = sentence(`UPDATE {}partner SET name = '', email = '', homepage = '', verified = 0, deleted_at = $2 WHERE id = $1`)
	forgetMembers   = sentence(`DELETE FROM {}member WHERE partner_id = $1`)
	forgetAccess    = sentence(`DELETE FROM {}access WHERE partner_id = $1`)
	insertMember    = sentence(`INSERT INTO {}member AS m (partner_id, account_id, role, since) VALUES ($1, $2, $3, $4)
		ON CONFLICT (partner_id, account_id) DO UPDATE SET role = excluded.role WHERE m.role <> excluded.role`)
	forgetMember = sentence(`DELETE FROM {}member WHERE partner_id = $1 AND account_id = $2`)
	otherAdmins  = sentence(`SELECT COUNT(*) FROM {}member WHERE partner_id = $1 AND account_id <> $2 AND role = 'admin'`)
	memberRole   = sentence(`SELECT role FROM {}member WHERE partner_id = $1 AND account_id = $2`)
)

// Create implements store.Partners.
func (s partners) Create(ctx context.Context, p store.Partner, by store.By) error {
	err := checkTimes(p.CreatedAt, p.DisabledAt)
	rows := make([][]any, len(p.Members))
	for i, m := range p.Members {
		rows[i] = []any{p.ID, m.AccountID, m.Role, micros(m.Since)}
		if err == nil {
			err = checkTimes(m.Since)
		}
	}
	if err == nil {
		err = s.change(ctx, by, func(ctx context.Context, t transaction) (*fact, error) {
			for _, m := range p.Members {
				if err := lock(ctx, t, lockAccount, m.AccountID); err != nil {
					return nil, err
				}
			}
			err := fresh(t.exec(ctx, insertPartner, p.ID, p.Name, p.Email, p.Homepage, flag(p.Verified), micros(p.CreatedAt), micros(p.DisabledAt)))
			if err == nil {
				_, err = t.execEach(ctx, insertMember, rows)
			}
			return &fact{kind: "partner.created", id: p.ID, detail: map[string]any{"members": len(p.Members)}}, err
		})
	}
	if err != nil {
		return fmt.Errorf("create partner: %w", err)
	}
	return nil
}

// lock takes the lock on the row of an id, or returns ErrNotFound.
func lock(ctx context.Context, t transaction, how statement, id string) error {
	if !storable(id) {
		return store.ErrNotFound
	}
	var disabledAt int64
	return known(one(ctx, t, how, []any{id}, &disabledAt))
}

// Find implements store.Partners.
func (s partners) Find(ctx context.Context, id string) (store.Partner, error) {
	return find(ctx, "find partner", s.read, findPartner, id)
}

// List implements store.Partners.
func (s partners) List(ctx context.Context, q store.PartnerQuery) ([]store.Partner, error) {
	all, err := s.read(ctx, listPartners, q.After, q.Member, int64(max(q.Limit, 0)))
	if err != nil {
		return nil, fmt.Errorf("list partners: %w", err)
	}
	return all, nil
}

// read gathers the rows of partnerColumns: one for each member, or one for a
// partner without any.
func (s partners) read(ctx context.Context, q statement, args ...any) ([]store.Partner, error) {
	var all []store.Partner
	err := s.db.read(ctx, q, func(scan scanFunc) error {
		var (
			p                                  store.Partner
			m                                  store.Member
			verified, created, disabled, since int64
		)
		err := scan(&p.ID, &p.Name, &p.Email, &p.Homepage, &verified, &created, &disabled, &m.AccountID, &m.Role, &since)
		if err != nil {
			return err
		}
		if len(all) == 0 || all[len(all)-1].ID != p.ID {
			p.Verified, p.CreatedAt, p.DisabledAt = verified != 0, instant(created), instant(disabled)
			all = append(all, p)
		}
		if m.AccountID != "" {
			m.Since = instant(since)
			last := &all[len(all)-1]
			last.Members = append(last.Members, m)
		}
		return nil
	}, args...)
	return all, err
}

// Describe implements store.Partners.
func (s partners) Describe(ctx context.Context, p store.Partner, by store.By) error {
	err := s.alterPartner(ctx, p.ID, by, func(ctx context.Context, t transaction, _ int64) (*fact, error) {
		_, err := t.exec(ctx, describePartner, p.ID, p.Name, p.Email, p.Homepage, flag(p.Verified))
		return &fact{kind: "partner.described", id: p.ID, detail: map[string]any{"verified": p.Verified}}, err
	})
	if err != nil {
		return fmt.Errorf("describe partner: %w", err)
	}
	return nil
}

// SetDisabled implements store.Partners.
func (s partners) SetDisabled(ctx context.Context, id string, disabled bool, by store.By) error {
	err := s.alterPartner(ctx, id, by, func(ctx context.Context, t transaction, disabledAt int64) (*fact, error) {
		if disabled == (disabledAt != 0) {
			return nil, nil
		}
		kind, at := "partner.enabled", int64(0)
		if disabled {
			kind, at = "partner.disabled", micros(by.At)
		}
		_, err := t.exec(ctx, disablePartner, id, at)
		return &fact{kind: kind, id: id}, err
	})
	if err != nil {
		return fmt.Errorf("disable or enable partner: %w", err)
	}
	return nil
}

// Delete implements store.Partners.
func (s partners) Delete(ctx context.Context, id string, by store.By) error {
	err := s.alterPartner(ctx, id, by, func(ctx context.Context, t transaction, _ int64) (*fact, error) {
		_, err := t.exec(ctx, forgetPartner, id, micros(by.At))
		for _, q := range []statement{forgetMembers, forgetAccess} {
			if err == nil {
				_, err = t.exec(ctx, q, id)
			}
		}
		return &fact{kind: "partner.deleted", id: id}, err
	})
	if err != nil {
		return fmt.Errorf("delete partner: %w", err)
	}
	return nil
}

// SetMember implements store.Partners.
func (s partners) SetMember(ctx context.Context, id, accountID, role string, by store.By) error {
	err := s.alterPartner(ctx, id, by, func(ctx context.Context, t transaction, _ int64) (*fact, error) {
		if err := lock(ctx, t, lockAccount, accountID); err != nil {
			return nil, err
		}
		var before string
		if _, err := one(ctx, t, memberRole, []any{id, accountID}, &before); err != nil || before == role {
			return nil, err
		}
		if before == store.MemberAdmin { // the lock on the partner keeps two from going at the same time
			var others int64
			if _, err := one(ctx, t, otherAdmins, []any{id, accountID}, &others); err != nil {
				return nil, err
			}
			if others == 0 {
				return nil, store.ErrConflict
			}
		}
		how, args := insertMember, []any{id, accountID, role, micros(by.At)}
		if role == "" {
			how, args = forgetMember, args[:2]
		}
		_, err := t.exec(ctx, how, args...)
		return &fact{kind: "partner.member", id: id, detail: map[string]any{"account": accountID, "role": role}}, err
	})
	if err != nil {
		return fmt.Errorf("change member: %w", err)
	}
	return nil
}

// alterPartner changes one partner while holding the lock on its row.
func (s *Store) alterPartner(ctx context.Context, id string, by store.By, step alteration) error {
	return s.alterRow(ctx, lockPartner, id, by, step)
}
