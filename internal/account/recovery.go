package account

import (
	"context"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

const (
	recoveryCodes = 10
	recoveryBytes = 10 // 80 bits: a plain hash is enough, and five guesses are nothing
)

// RecoveryCodes are the slips of paper that stand in for a lost second factor.
type RecoveryCodes struct {
	Factors  store.Factors
	Strength *Strength
	Attempts *Attempts
	Random   io.Reader
	Now      func() time.Time
}

// Make makes ten codes in place of those that the person has, and returns them,
// which nothing else ever does. Only who has a second factor can have them.
// Error: ErrStepUp.
func (r *RecoveryCodes) Make(ctx context.Context, who Signed, by store.By) ([]string, error) {
	if err := r.Strength.sensitive(ctx, who, false); err != nil {
		return nil, err
	}
	means, err := r.Strength.Means(ctx, who.AccountID)
	if err != nil {
		return nil, err
	}
	if !means.second() {
		return nil, ErrStepUp
	}
	shown := make([]string, recoveryCodes)
	kept := make([]store.Factor, recoveryCodes)
	for i := range shown {
		random := make([]byte, recoveryBytes)
		if _, err := io.ReadFull(r.Random, random); err != nil {
			return nil, err
		}
		text := strings.ToLower(base32.StdEncoding.EncodeToString(random))
		if kept[i], err = newFactor(r.Random, r.Now(), who.AccountID, store.FactorRecovery, "", recoveryHash(who.AccountID, text)); err != nil {
			return nil, err
		}
		shown[i] = grouped(text, "-")
	}
	// Only where the kind is the password does it end anything.
	if err := r.Factors.Replace(ctx, who.AccountID, store.FactorRecovery, kept, who.SessionID, by.At, by); err != nil {
		return nil, err
	}
	return shown, nil
}

// Check checks a code, which is good once. Errors: ErrWrong, ErrTooMany.
func (r *RecoveryCodes) Check(ctx context.Context, accountID, code string, from netip.Addr) (Proof, error) {
	right, err := r.Attempts.reserve("code "+accountID, from, "")
	if err != nil {
		return Proof{}, err
	}
	factors, err := r.Factors.Of(ctx, accountID)
	if err != nil {
		right()
		return Proof{}, err
	}
	hash := recoveryHash(accountID, strings.NewReplacer("-", "", " ", "").Replace(strings.ToLower(strings.TrimSpace(code))))
	for _, f := range factors {
		if f.Kind != store.FactorRecovery || subtle.ConstantTimeCompare([]byte(f.Data), []byte(hash)) != 1 {
			continue
		}
		if err := r.Factors.Use(ctx, f.ID, 0, r.Now()); err != nil {
			if errors.Is(err, store.ErrSpent) {
				err = ErrWrong
			}
			return Proof{}, err
		}
		right()
		return Proof{Method: Recovery, At: r.Now()}, nil
	}
	return Proof{}, ErrWrong
}

func recoveryHash(accountID, code string) string {
	return secret.HashOf("recovery " + accountID + " " + code).Hex()
}
