package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/grantway/grantway/internal/store"
)

// Factors lists and removes what people prove who they are with. Adding is with
// each kind: [Passwords.First], [OneTimeCodes.Confirm], [Passkeys.Register],
// [RecoveryCodes.Make].
type Factors struct {
	Store      store.Factors
	Identities store.Identities
	Strength   *Strength
}

// A Factor is what may be said of a factor: nothing that anything can be proven
// with.
type Factor struct {
	ID         string    `json:"id"`
	Method     Method    `json:"method"`
	Name       string    `json:"name,omitempty"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
	Synced     bool      `json:"synced,omitempty"` // a passkey that its maker copies to the person's other devices
}

// List returns a person's factors, oldest first.
func (f *Factors) List(ctx context.Context, accountID string) ([]Factor, error) {
	all, err := f.Store.Of(ctx, accountID)
	if err != nil {
		return nil, err
	}
	return shown(all), nil
}

// Remove removes one factor of somebody who is signed in. Errors: ErrStepUp (row
// P15); ErrLastFactor where the person could not sign in any more;
// ErrSecondRequired where the environment asks for two and this is the second, also
// where others are removed at the same moment; store.ErrNotFound.
func (f *Factors) Remove(ctx context.Context, who Signed, factorID string, by store.By) error {
	if err := f.Strength.sensitive(ctx, who, false); err != nil {
		return err
	}
	return again(func() error {
		all, identities, err := f.of(ctx, who.AccountID)
		if err != nil {
			return err
		}
		left := slices.DeleteFunc(slices.Clone(all), func(one store.Factor) bool { return one.ID == factorID })
		if len(left) == len(all) {
			return fmt.Errorf("remove factor: %w", store.ErrNotFound)
		}
		if err := f.suffices(MeansOf(left, identities)); err != nil {
			return err
		}
		return f.Store.Remove(ctx, who.AccountID, factorID, remainder(left, identities), by)
	})
}

// Unlink removes an upstream identity. Errors are those of Remove.
func (f *Factors) Unlink(ctx context.Context, who Signed, i store.Identity, by store.By) error {
	if err := f.Strength.sensitive(ctx, who, false); err != nil {
		return err
	}
	i.AccountID = who.AccountID
	return again(func() error {
		all, identities, err := f.of(ctx, who.AccountID)
		if err != nil {
			return err
		}
		left := slices.DeleteFunc(identities, func(one store.Identity) bool { return one == i })
		if err := f.suffices(MeansOf(all, left)); err != nil {
			return err
		}
		return f.Identities.Unlink(ctx, i, remainder(all, left), by)
	})
}

// Link adds an upstream identity to the account of somebody who is signed in,
// after signing in at the provider; one that has an account returns
// store.ErrConflict. An address that both sides know is no reason to link (row
// P18), so nothing else links.
func (f *Factors) Link(ctx context.Context, who Signed, i store.Identity, by store.By) error {
	if err := f.Strength.sensitive(ctx, who, true); err != nil {
		return err
	}
	i.AccountID = who.AccountID
	return f.Identities.Link(ctx, i, by)
}

// Strip removes every second factor of somebody who has lost them, by an operator
// who has made sure who asks. A password stays; where there is none, so does the
// passkey, and it returns ErrLastFactor.
func (f *Factors) Strip(ctx context.Context, accountID string, by store.By) error {
	return again(func() error {
		all, identities, err := f.of(ctx, accountID)
		if err != nil {
			return err
		}
		m := MeansOf(all, identities)
		if !m.Password && !m.Provider && m.Passkey {
			return ErrLastFactor
		}
		passwords := slices.DeleteFunc(slices.Clone(all), func(one store.Factor) bool { return one.Kind != store.FactorPassword })
		for _, one := range all {
			if one.Kind == store.FactorPassword {
				continue
			}
			err := f.Store.Remove(ctx, accountID, one.ID, remainder(passwords, identities), by)
			if err != nil && !errors.Is(err, store.ErrNotFound) { // they may have removed it meanwhile
				return err
			}
		}
		return nil
	})
}

// clear removes all that somebody signs in with.
func (f *Factors) clear(ctx context.Context, accountID string, by store.By) error {
	all, identities, err := f.of(ctx, accountID)
	if err != nil {
		return err
	}
	for _, one := range all {
		if err := f.Store.Remove(ctx, accountID, one.ID, store.Remainder{}, by); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	for _, one := range identities {
		if err := f.Identities.Unlink(ctx, one, store.Remainder{}, by); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return nil
}

// again carries out a removal that was judged by what the store said before it;
// when the person removed something else meanwhile, it is judged anew.
func again(removal func() error) error {
	for range 8 {
		if err := removal(); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("remove factor: %w", store.ErrUnavailable)
}

// remainder names what a removal was found harmless by. Recovery codes are not
// among it: they count for nothing that has to remain, and using one is no reason
// to judge anew.
func remainder(factors []store.Factor, identities []store.Identity) store.Remainder {
	stays := store.Remainder{Identities: identities}
	for _, one := range factors {
		if one.Kind != store.FactorRecovery {
			stays.Factors = append(stays.Factors, one.ID)
		}
	}
	return stays
}

func (f *Factors) of(ctx context.Context, accountID string) ([]store.Factor, []store.Identity, error) {
	return held(ctx, f.Store, f.Identities, accountID)
}

// suffices says whether a person may be left with these means.
func (f *Factors) suffices(m Means) error {
	switch {
	case !m.first():
		return ErrLastFactor
	case f.Strength.Required && !m.second():
		return ErrSecondRequired
	}
	return nil
}

// shown leaves out of factors what anything could be proven with.
func shown(all []store.Factor) []Factor {
	methods := map[string]Method{
		store.FactorPassword: Password, store.FactorTOTP: TOTP, store.FactorPasskey: Passkey, store.FactorRecovery: Recovery,
	}
	out := make([]Factor, len(all))
	for i, f := range all {
		out[i] = Factor{ID: f.ID, Method: methods[f.Kind], Name: f.Name, CreatedAt: f.CreatedAt, LastUsedAt: f.LastUsedAt, Synced: isSynced(f)}
	}
	return out
}

// short returns what a person calls a factor, of at most 64 characters.
func short(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError {
			return -1
		}
		return r
	}, strings.TrimSpace(name))
	if runes := []rune(clean); len(runes) > 64 {
		return string(runes[:64])
	}
	return clean
}
