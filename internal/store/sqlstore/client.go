package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/store"
)

type clients struct{ *Store }

// A client and its secrets are read by one statement, so that they are of one
// moment, and in one round trip.
const clientColumns = `c.id, c.name, c.type, c.grants, c.auth_methods, c.allotted, c.grants_end, c.sign_in, c.partner, c.declared, c.created_at, c.disabled_at, c.disabled_by,
		COALESCE(s.id, ''), COALESCE(s.verifier, ''), COALESCE(s.hint, ''),
		COALESCE(s.created_at, 0), COALESCE(s.expires_at, 0), COALESCE(s.last_used_at, 0), COALESCE(s.last_used_from, '')`

var (
	insertClient = sentence(`INSERT INTO {}client
		(id, name, type, grants, auth_methods, allotted, grants_end, sign_in, partner, declared, created_at, disabled_at, disabled_by, deleted_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0) ON CONFLICT DO NOTHING`)
	findClient = sentence(`SELECT ` + clientColumns + `
		FROM {}client c LEFT JOIN {}secret s ON s.client_id = c.id AND s.revoked_at = 0
		WHERE c.id = $1 AND c.deleted_at = 0 ORDER BY s.created_at, s.id`)
	listClients = sentence(`SELECT ` + clientColumns + `
		FROM (SELECT * FROM {}client WHERE id > $1 AND deleted_at = 0 ORDER BY id LIMIT $2) c
		LEFT JOIN {}secret s ON s.client_id = c.id AND s.revoked_at = 0
		ORDER BY c.id, s.created_at, s.id`)
	listClientsOf = sentence(`SELECT ` + clientColumns + `
		FROM (SELECT * FROM {}client WHERE partner = $1 AND id > $2 AND deleted_at = 0 ORDER BY id LIMIT $3) c
		LEFT JOIN {}secret s ON s.client_id = c.id AND s.revoked_at = 0
		ORDER BY c.id, s.created_at, s.id`)

	// An UPDATE that changes nothing takes the lock on the client's row, which
	// SQLite does not need and for which the two databases share no other word.
	lockClient   = sentence(`UPDATE {}client SET id = id WHERE id = $1 AND deleted_at = 0 RETURNING disabled_at`)
	readLocked   = sentence(`SELECT name, grants, auth_methods, allotted, grants_end, sign_in, partner FROM {}client WHERE id = $1`)
	changeClient = sentence(`UPDATE {}client SET name = $2, grants = $3, auth_methods = $4, allotted = $5, grants_end = $6, sign_in = $7,
		partner = $8 WHERE id = $1`)
	setDisabled  = sentence(`UPDATE {}client SET disabled_at = $2, disabled_by = $3 WHERE id = $1`)
	endGrantsOf  = sentence(`UPDATE {}client SET ended_at = $2 WHERE id = $1`)
	forgetClient = sentence(`UPDATE {}client SET name = '', type = '', grants = '[]', auth_methods = '[]', allotted = 'null',
		grants_end = '', sign_in = '', partner = '', disabled_by = '', ended_at = $2, deleted_at = $2 WHERE id = $1 AND deleted_at = 0`)
	forgetSecrets = sentence(`UPDATE {}secret SET verifier = '', hint = '', last_used_from = '', revoked_at = $2
		WHERE client_id = $1 AND revoked_at = 0`)
)

// Create implements store.Clients.
func (s clients) Create(ctx context.Context, c store.Client, by store.By) error {
	if err := checkClient(&c); err != nil {
		return fmt.Errorf("create client: %w", err)
	}
	ids := make([]string, len(c.Secrets))
	rows := make([][]any, len(c.Secrets))
	for i, secret := range c.Secrets {
		secret.ClientID = c.ID
		ids[i], rows[i] = secret.ID, secretArgs(&secret)
	}
	err := s.change(ctx, by, func(ctx context.Context, t transaction) (*fact, error) {
		declared := int64(0)
		if c.Declared {
			declared = 1
		}
		err := fresh(t.exec(ctx, insertClient, c.ID, c.Name, c.Type, text(c.Grants), text(c.AuthMethods), text(c.Allotted),
			grantEnds(c.GrantsEnd), signIn(&c.SignIn), c.Partner, declared, micros(c.CreatedAt), micros(c.DisabledAt), c.DisabledBy))
		if err != nil {
			return nil, err
		}
		added, err := t.execEach(ctx, insertSecret, rows)
		for i := range added {
			err = fresh(added[i], err)
		}
		return &fact{kind: "client.created", id: c.ID, detail: map[string]any{
			"type": c.Type, "declared": c.Declared, "secrets": ids,
		}}, err
	})
	if err != nil {
		return fmt.Errorf("create client: %w", err)
	}
	return nil
}

func checkClient(c *store.Client) error {
	if err := checkTexts([]any{c.Grants, c.AuthMethods, c.Allotted}); err != nil {
		return err
	}
	in := &c.SignIn
	names := slices.Concat(in.Redirects, in.LogoutRedirects, slices.Collect(maps.Keys(c.GrantsEnd)),
		[]string{in.LogoutNotice, in.IDTokenAlg, in.Owner, in.Homepage})
	if err := checkTexts([]any{names}); err != nil {
		return err
	}
	times := slices.Collect(maps.Values(c.GrantsEnd))
	times = append(times, c.CreatedAt, c.DisabledAt)
	for _, s := range c.Secrets {
		times = append(times, s.CreatedAt, s.ExpiresAt, s.LastUsedAt)
	}
	return checkTimes(times...)
}

// Find implements store.Clients.
func (s clients) Find(ctx context.Context, id string) (store.Client, error) {
	return find(ctx, "find client", s.read, findClient, id)
}

// List implements store.Clients.
func (s clients) List(ctx context.Context, after string, limit int) ([]store.Client, error) {
	return page(ctx, "list clients", s.read, listClients, after, limit)
}

// ListOf implements store.PartnerClients.
func (s clients) ListOf(ctx context.Context, partnerID, after string, limit int) ([]store.Client, error) {
	if partnerID == "" || !storable(partnerID) {
		return nil, nil
	}
	all, err := s.read(ctx, listClientsOf, partnerID, after, int64(max(limit, 0)))
	if err != nil {
		return nil, fmt.Errorf("list clients of partner: %w", err)
	}
	return all, nil
}

// read gathers the rows of clientColumns: one for each secret, or one for a
// client without secrets.
func (s clients) read(ctx context.Context, q statement, args ...any) ([]store.Client, error) {
	var all []store.Client
	err := s.db.read(ctx, q, func(scan scanFunc) error {
		var (
			c                               store.Client
			one                             store.Secret
			grants, methods, allotted       string
			ends, signIn                    string
			declared                        int64
			created, disabled               int64
			secretCreated, expires, lastUse int64
		)
		err := scan(&c.ID, &c.Name, &c.Type, &grants, &methods, &allotted, &ends, &signIn, &c.Partner, &declared, &created, &disabled, &c.DisabledBy,
			&one.ID, &one.Verifier, &one.Hint, &secretCreated, &expires, &lastUse, &one.LastUsedFrom)
		if err != nil {
			return err
		}
		if len(all) == 0 || all[len(all)-1].ID != c.ID {
			err := errors.Join(list(grants, &c.Grants), list(methods, &c.AuthMethods), list(allotted, &c.Allotted),
				readGrantEnds(ends, &c.GrantsEnd), readSignIn(signIn, &c.SignIn))
			if err != nil {
				return err
			}
			c.Declared = declared != 0
			c.CreatedAt, c.DisabledAt = instant(created), instant(disabled)
			all = append(all, c)
		}
		if one.ID != "" {
			one.ClientID = c.ID
			one.CreatedAt, one.ExpiresAt, one.LastUsedAt = instant(secretCreated), instant(expires), instant(lastUse)
			last := &all[len(all)-1]
			last.Secrets = append(last.Secrets, one)
		}
		return nil
	}, args...)
	return all, err
}

// alter changes one client while holding the lock on its row.
func (s *Store) alter(ctx context.Context, id string, by store.By, step alteration) error {
	return s.alterRow(ctx, lockClient, id, by, step)
}

func endsClient(id string, forget time.Time, by store.By) *store.Revocation {
	return &store.Revocation{Kind: store.RevokedClient, ID: id, IssuedBefore: by.At, ForgetAt: forget}
}

// Clients that act for nobody have neither ends of grants nor a sign-in, and a
// client's row is read often: then the column is empty.

func grantEnds(ends map[string]time.Time) string {
	if len(ends) == 0 {
		return ""
	}
	column := make(map[string]int64, len(ends))
	for grant, end := range ends {
		column[grant] = micros(end)
	}
	return text(column)
}

func readGrantEnds(column string, into *map[string]time.Time) error {
	if column == "" {
		return nil
	}
	var ends map[string]int64
	if err := list(column, &ends); err != nil {
		return err
	}
	*into = make(map[string]time.Time, len(ends))
	for grant, end := range ends {
		(*into)[grant] = instant(end)
	}
	return nil
}

func signIn(s *store.SignIn) string {
	if column := text(s); column != "{}" {
		return column
	}
	return ""
}

func readSignIn(column string, into *store.SignIn) error {
	if column == "" {
		return nil
	}
	return list(column, into)
}
