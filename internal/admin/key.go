package admin

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/store"
)

// A SigningKey is what is shown of a key that signs tokens, or the feed.
type SigningKey struct {
	ID          string    `json:"id" doc:"Its kid, as tokens name it."`
	Purpose     string    `json:"purpose" doc:"What it signs: access-token, id: ID tokens, feed: the feed of revocations, or audit: checkpoints."`
	Algorithm   string    `json:"algorithm" doc:"The alg that it signs with."`
	State       string    `json:"state" doc:"standby: published, and the next to sign; active: it signs; retired: published until its last token has expired; gone: its private part is erased."`
	CreatedAt   time.Time `json:"created_at" doc:"Since when it is published."`
	ActivatedAt time.Time `json:"activated_at,omitzero" doc:"Since when it signs; absent: it never did."`
	RetiredAt   time.Time `json:"retired_at,omitzero" doc:"Since when it signs no more, because the next one does."`
	RemovedAt   time.Time `json:"removed_at,omitzero" doc:"Since when it is gone."`
	SignsFrom   time.Time `json:"signs_from,omitzero" doc:"Of a standby: when it has been published for so long that every verifier knows it."`
	GoesAt      time.Time `json:"goes_at,omitzero" doc:"Of a retired one: when it goes."`
	TokensUntil time.Time `json:"tokens_until,omitzero" doc:"When the last token that it signed so far expires, as the lifetimes of the APIs are now; absent where there is none."`
}

// KeyList is the keys of an environment.
type KeyList struct {
	Keys     []SigningKey `json:"keys" doc:"The oldest first; those that are gone, too."`
	Warnings []string     `json:"warnings" doc:"What you should know although it was done."`
}

// A KeyRotation says which keys to rotate.
type KeyRotation struct {
	Algorithm string `json:"algorithm,omitempty" doc:"Only the key of this alg. Absent: those of all."`
	Emergency bool   `json:"emergency,omitempty" doc:"Do not wait until every verifier knows the next key: those that do not ask for keys that they miss will refuse tokens for some minutes."`
}

func listKeys(c *call) (KeyList, error) {
	ring, err := c.ring()
	if err != nil {
		return KeyList{}, err
	}
	return c.keys(ring)
}

func rotateKeys(c *call, sent KeyRotation) (KeyList, error) {
	ring, err := c.ring()
	if err != nil {
		return KeyList{}, err
	}
	all, err := ring.List(c.Context())
	if err != nil {
		return KeyList{}, err
	}
	var chosen []jose.Algorithm
	for _, k := range all {
		if k.State() != store.KeyStandby || sent.Algorithm != "" && sent.Algorithm != k.Algorithm {
			continue
		}
		// Either all are rotated or none.
		if !sent.Emergency && c.api.Now().Before(k.Ready) {
			return KeyList{}, tooSoon(&keys.TooSoonError{KeyID: k.ID, At: k.Ready})
		}
		chosen = append(chosen, jose.Algorithm(k.Algorithm))
	}
	if len(chosen) == 0 {
		return KeyList{}, &Problem{Status: http.StatusUnprocessableEntity, Detail: "What was sent cannot be done as it is.", Errors: []Fault{{
			Field: "algorithm", Problem: "no key of this environment signs with it", Hint: "leave it away, or see GET " + c.below("keys"),
		}}}
	}
	var warnings []string
	for _, algorithm := range chosen {
		if warnings, err = warned(warnings, ring.Rotate(c.Context(), algorithm, sent.Emergency, c.by())); err != nil {
			return KeyList{}, keyProblem(err)
		}
	}
	return c.keys(ring, warnings...)
}

func removeKey(c *call) (KeyList, error) {
	ring, err := c.ring()
	if err != nil {
		return KeyList{}, err
	}
	warnings, err := warned(nil, ring.Remove(c.Context(), c.PathValue("key"), c.by()))
	if err != nil {
		return KeyList{}, keyProblem(err)
	}
	return c.keys(ring, warnings...)
}

// purposes are those of the keys that sign.
var purposes = []string{keys.AccessToken, keys.ID, keys.Feed, keys.Audit}

// purpose is which keys the query asks for.
func (c *call) purpose() string {
	if named := c.sent.Get("purpose"); named != "" {
		return named
	}
	return keys.AccessToken
}

// ring is the keys of the environment that the path names.
func (c *call) ring() (*keys.Ring, error) {
	purpose := c.purpose()
	if !slices.Contains(purposes, purpose) {
		return nil, &Problem{Status: http.StatusBadRequest, Detail: "There are no keys for this purpose.", Errors: []Fault{{
			Field: "purpose", Problem: "is unknown", Hint: "known are " + strings.Join(purposes, ", "),
		}}}
	}
	if c.api.Keys != nil {
		if ring := c.api.Keys(c.clients.Environment.Name, purpose); ring != nil {
			return ring, nil
		}
	}
	return nil, &Problem{Status: http.StatusNotFound, Detail: "This environment has no signing keys of this purpose."}
}

func (c *call) keys(ring *keys.Ring, warnings ...string) (KeyList, error) {
	stored, err := ring.List(c.Context())
	if err != nil {
		return KeyList{}, err
	}
	list := KeyList{Keys: []SigningKey{}, Warnings: append([]string{}, warnings...)}
	for _, k := range stored {
		shown := SigningKey{
			ID: k.ID, Purpose: k.Purpose, Algorithm: k.Algorithm, State: k.State(),
			CreatedAt: k.CreatedAt, ActivatedAt: k.ActivatedAt, RetiredAt: k.RetiredAt, RemovedAt: k.RemovedAt, SignsFrom: k.Ready, GoesAt: k.Until,
		}
		var life time.Duration
		if k.Purpose == keys.AccessToken {
			life = lifetime(c.clients.Environment, k.Algorithm)
		}
		switch now := c.api.Now(); shown.State {
		case store.KeyActive:
			if life > 0 {
				shown.TokensUntil = now.Add(life)
			}
		case store.KeyRetired:
			if last := k.RetiredAt.Add(life); last.After(now) {
				shown.TokensUntil = last
			}
		}
		list.Keys = append(list.Keys, shown)
	}
	return list, nil
}

// lifetime is the longest that a token lives which is signed with the algorithm.
func lifetime(e *catalogue.Environment, algorithm string) time.Duration {
	var longest time.Duration
	for _, a := range e.APIs {
		if a.Token.Format == catalogue.JWT && string(a.Token.Algorithm) == algorithm {
			longest = max(longest, a.Token.Lifetime)
		}
	}
	return longest
}

// warned makes a warning of what was done and not yet read.
func warned(warnings []string, err error) ([]string, error) {
	if errors.Is(err, keys.ErrUnread) && !errors.Is(err, store.ErrConflict) {
		return append(warnings, keys.ErrUnread.Error()), nil
	}
	return warnings, err
}

func keyProblem(err error) error {
	if soon, ok := errors.AsType[*keys.TooSoonError](err); ok {
		return tooSoon(soon)
	}
	switch {
	case errors.Is(err, store.ErrConflict):
		return &Problem{Status: http.StatusConflict, Detail: "Another server changed the keys at the same time. List them before you try again."}
	case errors.Is(err, store.ErrNotFound):
		return &Problem{Status: http.StatusNotFound, Detail: "There is no such key in this environment."}
	case errors.Is(err, keys.ErrSealed):
		return &Problem{Status: http.StatusConflict, Detail: "The stored keys are under another sealing key than the one that this server has. Restart it with the present one."}
	}
	return err
}

func tooSoon(err *keys.TooSoonError) error {
	return &Problem{Status: http.StatusConflict, Detail: "Too soon: " + err.Error() + ". In an emergency, ask with \"emergency\": true (grantway keys rotate --emergency)."}
}
