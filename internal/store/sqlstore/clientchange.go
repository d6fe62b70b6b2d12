package sqlstore

import (
	"context"
	"fmt"

	"github.com/grantway/grantway/internal/store"
)

// changeable are the columns of a client that Change looks at, in the order of
// its statements.
type changeable [7]string

func columnsOf(c *store.Client) changeable {
	return changeable{c.Name, text(c.Grants), text(c.AuthMethods), text(c.Allotted), grantEnds(c.GrantsEnd), signIn(&c.SignIn), c.Partner}
}

// Change implements store.Clients.
func (s clients) Change(ctx context.Context, id string, change store.ClientChange, by store.By) error {
	err := checkClient(&change.To)
	if err == nil {
		err = checkTimes(change.Forget)
	}
	if err != nil {
		return fmt.Errorf("change client: %w", err)
	}
	from, to := columnsOf(&change.From), columnsOf(&change.To)
	err = s.alter(ctx, id, by, func(ctx context.Context, t transaction, _ int64) (*fact, error) {
		var is changeable
		if _, err := one(ctx, t, readLocked, []any{id}, &is[0], &is[1], &is[2], &is[3], &is[4], &is[5], &is[6]); err != nil {
			return nil, err
		}
		switch {
		case is != from:
			return nil, store.ErrConflict
		case is == to:
			return nil, nil
		}
		if _, err := t.exec(ctx, changeClient, id, to[0], to[1], to[2], to[3], to[4], to[5], to[6]); err != nil {
			return nil, err
		}
		f := &fact{kind: "client.changed", id: id, detail: differing(&change.From, &change.To, from, to)}
		if change.EndGrants {
			if _, err := t.exec(ctx, endGrantsOf, id, micros(by.At)); err != nil {
				return nil, err
			}
		}
		if change.EndGrants || change.EndTokens {
			f.ends = endsClient(id, change.Forget, by)
		}
		return f, nil
	})
	if err != nil {
		return fmt.Errorf("change client: %w", err)
	}
	return nil
}

// differing is what a change changes, before and after, for whoever asks later who
// allowed what, and until when.
func differing(before, after *store.Client, from, to changeable) map[string]any {
	detail := map[string]any{}
	for i, value := range []struct {
		name    string
		was, is any
	}{
		{"name", before.Name, after.Name},
		{"grants", before.Grants, after.Grants},
		{"auth_methods", before.AuthMethods, after.AuthMethods},
		{"allotted", before.Allotted, after.Allotted},
		{"grants_end", before.GrantsEnd, after.GrantsEnd},
		{"sign_in", before.SignIn, after.SignIn},
		{"partner", before.Partner, after.Partner},
	} {
		if from[i] != to[i] {
			detail[value.name] = map[string]any{"from": value.was, "to": value.is}
		}
	}
	return detail
}
