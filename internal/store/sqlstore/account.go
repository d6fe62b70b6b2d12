package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/store"
)

type accounts struct{ *Store }

// Accounts returns the people.
func (s *Store) Accounts() store.Accounts { return accounts{s} }

const accountColumns = `SELECT a.id, p.name, p.name_key, a.roles, p.profile, a.created_at, a.disabled_at
	FROM {}account a JOIN {}person p ON p.account_id = a.id `

var (
	insertAccount = sentence(`INSERT INTO {}account (id, roles, created_at, disabled_at, deleted_at)
		VALUES ($1, $2, $3, $4, 0) ON CONFLICT DO NOTHING`)
	insertPerson = sentence(`INSERT INTO {}person (account_id, name, name_key, email_key, profile)
		VALUES ($1, $2, $3, NULLIF($4, ''), $5) ON CONFLICT DO NOTHING`)
	findAccount = sentence(accountColumns + `WHERE a.id = $1`)

	findAccountBy = sentence(accountColumns + `WHERE p.name_key = $1 OR p.email_key = $2 ORDER BY CASE WHEN p.name_key = $1 THEN 0 ELSE 1 END`)
	listAccounts  = sentence(accountColumns + `WHERE a.id > $1 ORDER BY a.id LIMIT $2`)
	accountRoles  = sentence(`SELECT roles FROM {}account WHERE id = $1`)
	takePerson    = sentence(`DELETE FROM {}person WHERE account_id = $1 RETURNING name, name_key`)
	setRoles      = sentence(`UPDATE {}account SET roles = $2 WHERE id = $1`)
	disable       = sentence(`UPDATE {}account SET disabled_at = $2 WHERE id = $1`)
	forgetAccount = sentence(`UPDATE {}account SET roles = '[]', disabled_at = $2, deleted_at = $2 WHERE id = $1`)

	// All that is said of a person and goes with them, besides what endAll takes.
	// What a grant was asked with can hold a name or an address (login_hint); an
	// empty JSON object stays, with a space since {} is where a prefix goes.
	personal = []statement{
		sentence(`DELETE FROM {}person WHERE account_id = $1`),
		sentence(`DELETE FROM {}factor WHERE account_id = $1`),
		sentence(`DELETE FROM {}link WHERE account_id = $1`),
		sentence(`DELETE FROM {}identity WHERE account_id = $1`),
		sentence(`DELETE FROM {}consent WHERE account_id = $1`),
		sentence(`DELETE FROM {}member WHERE account_id = $1`),
		sentence(`UPDATE {}access SET person = '', email = '' WHERE account_id = $1`),
		sentence(`DELETE FROM {}notice WHERE id LIKE '%/' || $1`), // who is told stands last in an id
		sentence(`UPDATE {}grant_ SET asked = '{ }' WHERE account_id = $1`),
	}

	// Counted behind lockHead: two who go at the same time would each see the other.
	otherKeeps = sentence(`SELECT COUNT(*) FROM {}account WHERE id <> $1 AND disabled_at = 0 AND deleted_at = 0 AND roles LIKE $2`)

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
	return find(ctx, "find account", s.read, findAccount, id)
}

// FindBy implements store.Accounts. A name comes before an address: nobody can
// take over another one's by verifying an address that looks like it.
func (s accounts) FindBy(ctx context.Context, keyOrEmail string) (store.Account, error) {
	return find(ctx, "find account", s.read, findAccountBy, keyOrEmail, strings.ToLower(keyOrEmail))
}

// List implements store.Accounts.
func (s accounts) List(ctx context.Context, after string, limit int) ([]store.Account, error) {
	return page(ctx, "list accounts", s.read, listAccounts, after, limit)
}

// Describe implements store.Accounts.
func (s accounts) Describe(ctx context.Context, id string, profile store.Profile, roles []string, forget time.Time, by store.By) error {
	err := checkProfile(&profile)
	if err == nil {
		err = checkTexts([]any{roles})
	}
	if err == nil {
		err = s.alterAccount(ctx, id, by, func(ctx context.Context, t transaction, disabledAt int64) (*fact, error) {
			if !slices.Contains(roles, s.keep) {
				if err := s.spare(ctx, t, id, disabledAt); err != nil {
					return nil, err
				}
			}
			had, err := redescribe(ctx, t, id, &profile, roles)
			if err != nil {
				return nil, err
			}
			// Whoever reads the old mailbox must not set a password any more.
			if _, err := t.exec(ctx, spendElsewhere, id, store.LinkReset, micros(by.At), profile.Email); err != nil {
				return nil, err
			}
			changed := &fact{kind: "account.described", id: id, detail: map[string]any{"roles": roles}}
			if slices.ContainsFunc(had, func(role string) bool { return !slices.Contains(roles, role) }) {
				changed.ends = endsAccount(id, forget, by)
			}
			return changed, nil
		})
	}
	if err != nil {
		return fmt.Errorf("describe account: %w", err)
	}
	return nil
}

// redescribe replaces what is said of a person and returns the roles they had. The
// row is written anew, for only an insertion can say that another account has the
// address, also one that is getting it at the same moment.
func redescribe(ctx context.Context, t transaction, id string, profile *store.Profile, roles []string) (had []string, err error) {
	var before, name, key string
	if err := known(one(ctx, t, accountRoles, []any{id}, &before)); err != nil {
		return nil, err
	}
	if err := list(before, &had); err != nil {
		return nil, err
	}
	if err := known(one(ctx, t, takePerson, []any{id}, &name, &key)); err != nil {
		return nil, err
	}
	if err := fresh(t.exec(ctx, insertPerson, id, name, key, emailKey(profile), text(profile))); err != nil {
		return nil, err
	}
	_, err = t.exec(ctx, setRoles, id, text(roles))
	return had, err
}

// SetDisabled implements store.Accounts.
func (s accounts) SetDisabled(ctx context.Context, id string, disabled bool, forget time.Time, by store.By) error {
	err := s.alterAccount(ctx, id, by, func(ctx context.Context, t transaction, disabledAt int64) (*fact, error) {
		switch {
		case disabled == (disabledAt != 0):
			return nil, nil
		case !disabled:
			_, err := t.exec(ctx, disable, id, int64(0))
			return &fact{kind: "account.enabled", id: id}, err
		}
		if err := s.spare(ctx, t, id, disabledAt); err != nil {
			return nil, err
		}
		if _, err := t.exec(ctx, disable, id, micros(by.At)); err != nil {
			return nil, err
		}
		return endAll(ctx, t, "account.disabled", id, "", forget, by)
	})
	if err != nil {
		return fmt.Errorf("disable account: %w", err)
	}
	return nil
}

// Delete implements store.Accounts.
func (s accounts) Delete(ctx context.Context, id string, forget time.Time, by store.By) error {
	err := s.alterAccount(ctx, id, by, func(ctx context.Context, t transaction, disabledAt int64) (*fact, error) {
		if err := s.spare(ctx, t, id, disabledAt); err != nil {
			return nil, err
		}
		if _, err := t.exec(ctx, forgetAccount, id, micros(by.At)); err != nil {
			return nil, err
		}
		deleted, err := endAll(ctx, t, "account.deleted", id, "", forget, by)
		for _, erase := range personal {
			if err == nil {
				_, err = t.exec(ctx, erase, id)
			}
		}
		return deleted, err
	})
	if err != nil {
		return fmt.Errorf("delete account: %w", err)
	}
	return nil
}

// spare returns store.ErrLast for the last account that has the role that is kept.
func (s accounts) spare(ctx context.Context, t transaction, id string, disabledAt int64) error {
	if s.keep == "" || disabledAt != 0 {
		return nil
	}
	var (
		before string
		had    []string
		others int64
	)
	if err := known(one(ctx, t, accountRoles, []any{id}, &before)); err != nil {
		return err
	}
	if err := list(before, &had); err != nil || !slices.Contains(had, s.keep) {
		return err
	}
	if _, err := t.exec(ctx, lockHead); err != nil {
		return err
	}
	if _, err := one(ctx, t, otherKeeps, []any{id, `%"` + s.keep + `"%`}, &others); err != nil {
		return err
	}
	if others == 0 {
		return store.ErrLast
	}
	return nil
}

// endAll ends everything that an account has open: sessions but the one with the
// ID keep, remembered devices, links, grants and tokens. The grants' revocations
// are written beside the account's: they also end a token that a redemption made
// in the moment before, whatever its clock said.
func endAll(ctx context.Context, t transaction, kind, id, keep string, forget time.Time, by store.By) (*fact, error) {
	if err := endSessions(ctx, t, id, keep, by); err != nil {
		return nil, err
	}
	if _, err := t.exec(ctx, forgetDevices, id, ""); err != nil {
		return nil, err
	}
	if _, err := t.exec(ctx, spendAll, id, micros(by.At)); err != nil {
		return nil, err
	}
	ended, err := endGrants(ctx, t, grantsOfAccount, id, "", forget, by)
	return &fact{kind: kind, id: id, ends: endsAccount(id, forget, by), grants: ended}, err
}

func endsAccount(id string, forget time.Time, by store.By) *store.Revocation {
	return &store.Revocation{Kind: store.RevokedAccount, ID: id, IssuedBefore: by.At, ForgetAt: forget}
}

// alterAccount changes one account while holding the lock on its row.
func (s *Store) alterAccount(ctx context.Context, id string, by store.By, step alteration) error {
	return s.alterRow(ctx, lockAccount, id, by, step)
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
