package sqlstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/grantway/grantway/internal/store"
)

type accounts struct {
	*Store
	store.Accounts // to go once every method is written
}

// Accounts returns the people.
func (s *Store) Accounts() store.Accounts { return accounts{Store: s} }

const accountColumns = `SELECT a.id, p.name, p.name_key, a.roles, p.profile, a.created_at, a.disabled_at
	FROM {}account a JOIN {}person p ON p.account_id = a.id `

var (
	insertAccount = sentence(`INSERT INTO {}account (id, roles, created_at, disabled_at, deleted_at)
		VALUES ($1, $2, $3, $4, 0) ON CONFLICT DO NOTHING`)
	insertPerson = sentence(`INSERT INTO {}person (account_id, name, name_key, email_key, profile)
		VALUES ($1, $2, $3, NULLIF($4, ''), $5) ON CONFLICT DO NOTHING`)
	insertFactor = sentence(`INSERT INTO {}factor (id, account_id, kind, name, handle, data, counter, created_at, last_used_at)
		VALUES ($1, $2, $3, $4, NULLIF($5, ''), $6, $7, $8, $9) ON CONFLICT DO NOTHING`)
	findAccount = sentence(accountColumns + `WHERE a.id = $1`)

	// See lockClient.
	lockAccount = sentence(`UPDATE {}account SET id = id WHERE id = $1 AND deleted_at = 0 RETURNING disabled_at`)
)

// Create implements store.Accounts.
func (s accounts) Create(ctx context.Context, a store.Account, factors []store.Factor, by store.By) error {
	err := checkAccount(&a)
	rows := make([][]any, len(factors))
	for i, f := range factors {
		f.AccountID = a.ID
		rows[i] = factorArgs(&f)
		if err == nil {
			err = checkTimes(f.CreatedAt, f.LastUsedAt)
		}
	}
	if err == nil {
		err = s.change(ctx, by, func(ctx context.Context, t transaction) (*fact, error) {
			err := fresh(t.exec(ctx, insertAccount, a.ID, text(a.Roles), micros(a.CreatedAt), micros(a.DisabledAt)))
			if err != nil {
				return nil, err
			}
			err = fresh(t.exec(ctx, insertPerson, a.ID, a.Name, a.Key, emailKey(&a.Profile), text(a.Profile)))
			if err != nil {
				return nil, err
			}
			added, err := t.execEach(ctx, insertFactor, rows)
			for i := range added {
				err = fresh(added[i], err)
			}
			return &fact{kind: "account.created", id: a.ID}, err
		})
	}
	if err != nil {
		return fmt.Errorf("create account: %w", err)
	}
	return nil
}

// Find implements store.Accounts.
func (s accounts) Find(ctx context.Context, id string) (store.Account, error) {
	found, err := s.read(ctx, findAccount, id)
	if err == nil && len(found) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Account{}, fmt.Errorf("find account: %w", err)
	}
	return found[0], nil
}

func (s accounts) read(ctx context.Context, q statement, args ...any) ([]store.Account, error) {
	var all []store.Account
	err := s.db.read(ctx, q, func(scan scanFunc) error {
		var (
			a                 store.Account
			roles, profile    string
			created, disabled int64
		)
		if err := scan(&a.ID, &a.Name, &a.Key, &roles, &profile, &created, &disabled); err != nil {
			return err
		}
		a.CreatedAt, a.DisabledAt = instant(created), instant(disabled)
		all = append(all, a)
		last := &all[len(all)-1]
		if err := list(roles, &last.Roles); err != nil {
			return err
		}
		return list(profile, &last.Profile)
	}, args...)
	return all, err
}

func factorArgs(f *store.Factor) []any {
	return []any{f.ID, f.AccountID, f.Kind, f.Name, f.Handle, f.Data, f.Counter, micros(f.CreatedAt), micros(f.LastUsedAt)}
}

// emailKey is the one spelling of a verified address, and empty without one.
func emailKey(p *store.Profile) string {
	if !p.EmailVerified {
		return ""
	}
	return strings.ToLower(p.Email)
}

func checkAccount(a *store.Account) error {
	if err := checkTexts([]any{a.Roles}); err != nil {
		return err
	}
	if err := checkProfile(&a.Profile); err != nil {
		return err
	}
	return checkTimes(a.CreatedAt, a.DisabledAt)
}

// checkProfile looks at the texts of a profile before they become JSON.
func checkProfile(p *store.Profile) error {
	return checkTexts([]any{[]string{
		p.FullName, p.GivenName, p.FamilyName, p.Email, p.Phone, p.Address, p.Locale, p.Zone,
	}})
}
