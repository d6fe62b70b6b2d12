package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grantway/grantway/internal/store"
)

type accessRequests struct{ *Store }

// AccessRequests returns what partners ask the publisher for.
func (s *Store) AccessRequests() store.AccessRequests { return accessRequests{s} }

const readAccess = `SELECT id, partner_id, account_id, organised, person, email, environment, client_id, application, type,
		redirects, wanted, purpose, asked_at, decision, allowed, reason, decided_by, decided_at, done_at FROM {}access `

var (
	insertAccess = sentence(`INSERT INTO {}access (id, partner_id, account_id, stranger, organised, person, email, environment,
			client_id, application, type, redirects, wanted, purpose, asked_at, decision, allowed, reason, decided_by, decided_at, done_at, network)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, '', 'null', '', '', 0, 0, $16) ON CONFLICT DO NOTHING`)
	findAccess = sentence(readAccess + `WHERE id = $1`)
	listAccess = sentence(readAccess + `WHERE ($1 = '' OR partner_id = $1) AND ($2 = '' OR account_id = $2)
			AND ($3 = 0 OR decision = '' OR (decision = 'approved' AND done_at = 0))
			AND ($4 = '' OR (asked_at, id) < (SELECT asked_at, id FROM {}access WHERE id = $4))
		ORDER BY asked_at DESC, id DESC LIMIT $5`)
	lockAccess   = sentence(`UPDATE {}access SET id = id WHERE id = $1 RETURNING decision, allowed, reason, client_id, done_at`)
	decideAccess = sentence(`UPDATE {}access SET decision = $2, allowed = $3, reason = $4, decided_by = $5, decided_at = $6, network = '',
			partner_id = CASE WHEN $7 = '' THEN partner_id ELSE $7 END, account_id = CASE WHEN $8 = '' THEN account_id ELSE $8 END
		WHERE id = $1`)
	doneAccess = sentence(`UPDATE {}access SET done_at = $2 WHERE id = $1`)

	forgetAsking = sentence(`UPDATE {}access SET organised = '', person = '', email = '', purpose = '' WHERE id IN (
		SELECT id FROM {}access WHERE decision <> '' AND decided_at < $1 AND (decision <> 'approved' OR done_at <> 0)
			AND organised || person || email || purpose <> '' ORDER BY decided_at LIMIT $2)`)

	// The row of home's own head is the lock: of two strangers who ask at the same
	// time, the second counts the first.
	lockHead      = sentence(`UPDATE {}head SET one = one WHERE one = 1`)
	openStrangers = sentence(`SELECT COUNT(*), COALESCE(SUM(CASE WHEN network = $1 THEN 1 ELSE 0 END), 0)
		FROM {}access WHERE stranger = 1 AND decision = ''`)
)

// Ask implements store.AccessRequests.
func (s accessRequests) Ask(ctx context.Context, r store.AccessRequest, limits store.AccessLimits, by store.By) error {
	err := errors.Join(checkTimes(r.AskedAt), checkTexts([]any{r.Redirects, r.Wanted, limits.Network}))
	if err == nil {
		err = s.change(ctx, by, func(ctx context.Context, t transaction) (*fact, error) {
			return askFor(ctx, t, &r, limits)
		})
	}
	if err != nil {
		return fmt.Errorf("ask for access: %w", err)
	}
	return nil
}

// askFor stores an open request, within the limits.
func askFor(ctx context.Context, t transaction, r *store.AccessRequest, limits store.AccessLimits) (*fact, error) {
	stranger := r.AccountID == ""
	if stranger {
		var open, ofNetwork int64
		if _, err := t.exec(ctx, lockHead); err != nil {
			return nil, err
		}
		if _, err := one(ctx, t, openStrangers, []any{limits.Network}, &open, &ofNetwork); err != nil {
			return nil, err
		}
		if limits.Open > 0 && open >= int64(limits.Open) || limits.Network != "" && limits.OfNetwork > 0 && ofNetwork >= int64(limits.OfNetwork) {
			return nil, store.ErrSpent
		}
	}
	err := fresh(t.exec(ctx, insertAccess, r.ID, r.PartnerID, r.AccountID, flag(stranger), r.Organised, r.Person, r.Email,
		r.Environment, r.ClientID, r.Application, r.Type, text(r.Redirects), text(r.Wanted), r.Purpose, micros(r.AskedAt), limits.Network))
	return &fact{kind: "access.asked", id: r.ID, client: r.ClientID, detail: map[string]any{
		"environment": r.Environment, "partner": r.PartnerID, "stranger": stranger,
	}}, err
}

// Find implements store.AccessRequests.
func (s accessRequests) Find(ctx context.Context, id string) (store.AccessRequest, error) {
	return find(ctx, "find request for access", s.read, findAccess, id)
}

// List implements store.AccessRequests.
func (s accessRequests) List(ctx context.Context, q store.AccessQuery) ([]store.AccessRequest, error) {
	all, err := s.read(ctx, listAccess, q.PartnerID, q.AccountID, flag(q.Open), q.Before, int64(max(q.Limit, 0)))
	if err != nil {
		return nil, fmt.Errorf("list requests for access: %w", err)
	}
	return all, nil
}

func (s accessRequests) read(ctx context.Context, q statement, args ...any) ([]store.AccessRequest, error) {
	return gather(ctx, s.db, func(scan scanFunc) (store.AccessRequest, error) {
		var (
			r                          store.AccessRequest
			redirects, wanted, allowed string
			asked, decided, done       int64
		)
		err := scan(&r.ID, &r.PartnerID, &r.AccountID, &r.Organised, &r.Person, &r.Email, &r.Environment, &r.ClientID, &r.Application, &r.Type,
			&redirects, &wanted, &r.Purpose, &asked, &r.Decision, &allowed, &r.Reason, &r.DecidedBy, &decided, &done)
		if err != nil {
			return r, err
		}
		r.AskedAt, r.DecidedAt, r.DoneAt = instant(asked), instant(decided), instant(done)
		return r, errors.Join(list(redirects, &r.Redirects), list(wanted, &r.Wanted), list(allowed, &r.Allowed))
	}, q, args...)
}

// Decide implements store.AccessRequests.
func (s accessRequests) Decide(ctx context.Context, id string, d store.Decision, by store.By) error {
	err := checkTexts([]any{d.Allowed})
	if err == nil {
		allowed := text(d.Allowed)
		err = s.alterAccess(ctx, id, by, func(ctx context.Context, t transaction, is *decided) (*fact, error) {
			if is.decision != "" {
				if is.decision != d.Decision || is.allowed != allowed || is.reason != d.Reason {
					return nil, store.ErrConflict
				}
				return nil, nil
			}
			_, err := t.exec(ctx, decideAccess, id, d.Decision, allowed, d.Reason, by.Actor, micros(by.At), d.PartnerID, d.AccountID)
			return &fact{kind: "access." + d.Decision, id: id, client: is.client, detail: map[string]any{
				"allowed": d.Allowed, "reason": d.Reason,
			}}, err
		})
	}
	if err != nil {
		return fmt.Errorf("decide request for access: %w", err)
	}
	return nil
}

// Done implements store.AccessRequests.
func (s accessRequests) Done(ctx context.Context, id string, by store.By) error {
	err := s.alterAccess(ctx, id, by, func(ctx context.Context, t transaction, is *decided) (*fact, error) {
		switch {
		case is.decision != store.DecisionApproved:
			return nil, store.ErrConflict
		case is.doneAt != 0:
			return nil, nil
		}
		_, err := t.exec(ctx, doneAccess, id, micros(by.At))
		return &fact{kind: "access.done", id: id, client: is.client}, err
	})
	if err != nil {
		return fmt.Errorf("record that access was given: %w", err)
	}
	return nil
}

// Forget implements store.AccessRequests.
func (s accessRequests) Forget(ctx context.Context, before time.Time, limit int) (int, error) {
	return s.purge(ctx, "forget who asked for access", forgetAsking, before, limit)
}

// decided is what has become of a request so far.
type decided struct {
	decision, allowed, reason, client string
	doneAt                            int64
}

// alterAccess changes one request while holding the lock on its row.
func (s accessRequests) alterAccess(ctx context.Context, id string, by store.By,
	step func(context.Context, transaction, *decided) (*fact, error),
) error {
	if !storable(id) {
		return store.ErrNotFound
	}
	return s.change(ctx, by, func(ctx context.Context, t transaction) (*fact, error) {
		var is decided
		if err := known(one(ctx, t, lockAccess, []any{id}, &is.decision, &is.allowed, &is.reason, &is.client, &is.doneAt)); err != nil {
			return nil, err
		}
		return step(ctx, t, &is)
	})
}
