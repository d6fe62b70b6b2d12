package partner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// Limits of a client's secrets. Every live one is a way in, and every one that is
// not generated costs a slow hash for each wrong attempt.
const (
	MaxLive = 10 // that have not expired
	MaxKept = 20 // live or expired; revoked ones are gone
)

// secretID is the length of a secret's id. It stands in every token's jti.
const secretID = 12

// shortest is the length of an imported secret, in bytes, below which it is worth
// a warning.
const shortest = 20

// latestExpiry is how far ahead an end may lie; what is to last longer has none.
const latestExpiry = 10 * 366 * 24 * time.Hour

// NewSecret is a secret to add. The zero value is a generated one that does not
// expire.
type NewSecret struct {
	Text      secret.Secret // one that the partner has already; empty: none
	Hash      secret.Secret // the hash of one, in a form that secret.Import reads; empty: none
	ExpiresAt time.Time     // zero: it does not expire
}

// AddSecret gives the client another secret beside those that it has, so that a
// rotation overlaps.
func (c *Clients) AddSecret(ctx context.Context, clientID string, n NewSecret, by store.By) (Result, error) {
	client, err := c.own(ctx, clientID)
	switch {
	case err != nil:
		return Result{}, err // before anything is hashed
	case client.Public():
		return Result{}, Faults{{Field: "secret", Problem: "a " + client.Type + " client keeps no secret", Hint: "register a web client for a server of its own"}}
	}
	by = c.stamp(by)
	made, err := c.make(ctx, n, by.At)
	if err != nil {
		return Result{}, err
	}
	if len(made.faults) > 0 {
		return Result{}, made.faults
	}
	made.stored.ClientID = clientID
	client, err = c.add(ctx, made.stored, by)
	if err != nil {
		return Result{}, err
	}
	result := Result{Client: shown(client), SecretID: made.stored.ID, Secret: made.text, Warnings: made.warnings}
	c.settle(ctx, &result)
	return result, nil
}

// add stores a secret unless the client has too many. Two nodes that add one at
// the same moment can exceed the limit by one, which harms nothing.
func (c *Clients) add(ctx context.Context, one store.Secret, by store.By) (store.Client, error) {
	c.adding.Lock()
	defer c.adding.Unlock()
	client, err := c.Store.Find(ctx, one.ClientID)
	if err != nil {
		return store.Client{}, err
	}
	switch {
	case one.Live(by.At) && live(&client, by.At) >= MaxLive:
		return store.Client{}, Faults{{Field: "secret", Problem: fmt.Sprintf("the client has %d live secrets already", MaxLive), Hint: "revoke one that is not in use any more"}}
	case len(client.Secrets) >= MaxKept:
		return store.Client{}, Faults{{Field: "secret", Problem: fmt.Sprintf("the client has %d secrets already, live and expired", MaxKept), Hint: "revoke those that have expired"}}
	}
	if err := c.Secrets.Add(ctx, one, by); err != nil {
		return store.Client{}, err
	}
	client.Secrets = append(client.Secrets, one)
	return client, nil
}

// RevokeSecret takes a secret away and ends the tokens that it obtained. The last
// live one may go too; then the Result warns.
func (c *Clients) RevokeSecret(ctx context.Context, clientID, secretID string, by store.By) (Result, error) {
	by = c.stamp(by)
	result, err := c.change(ctx, clientID, func() error {
		return c.Secrets.Revoke(ctx, clientID, secretID, c.forget(by.At), by)
	})
	if err != nil {
		return Result{}, err
	}
	result.SecretID = secretID
	if live(&result.Client, by.At) == 0 {
		result.Warnings = append(result.Warnings, "the client has no live secret left: it gets no tokens until one is added")
	}
	return result, nil
}

// Leaked takes a secret away that others may know and generates another one in its
// place, in one step: the tokens that it obtained end, and there is no moment
// without a secret. The new one ends when the old one would have. Result.Replaced is
// the id under which activity says what the old one did. Whose client it is is told.
func (c *Clients) Leaked(ctx context.Context, clientID, secretID string, by store.By) (Result, error) {
	client, err := c.own(ctx, clientID)
	if err != nil {
		return Result{}, err
	}
	old := slices.IndexFunc(client.Secrets, func(s store.Secret) bool { return s.ID == secretID })
	if old < 0 {
		return Result{}, store.ErrNotFound
	}
	by = c.stamp(by)
	var like NewSecret
	if end := client.Secrets[old].ExpiresAt; end.After(by.At) {
		like.ExpiresAt = end
	}
	made, err := c.make(ctx, like, by.At)
	if err != nil {
		return Result{}, err
	}
	made.stored.ClientID = clientID
	result, err := c.change(ctx, clientID, func() error {
		return c.Secrets.Replace(ctx, secretID, made.stored, c.forget(by.At), by)
	})
	if err != nil {
		return Result{}, err
	}
	result.SecretID, result.Secret, result.Replaced = made.stored.ID, made.text, secretID
	c.told(ctx, NoticeLeaked, secretID, &result)
	return result, nil
}

func live(client *store.Client, now time.Time) int {
	n := 0
	for _, s := range client.Secrets {
		if s.Live(now) {
			n++
		}
	}
	return n
}

// made is a secret on its way into the store.
type made struct {
	stored   store.Secret
	text     secret.Secret // of a generated one
	faults   Faults
	warnings []string
}

// make generates a secret, or prepares one that exists.
func (c *Clients) make(ctx context.Context, n NewSecret, now time.Time) (made, error) {
	id, err := secret.NewID(c.Random, secretID)
	if err != nil {
		return made{}, err
	}
	m := made{stored: store.Secret{ID: id, CreatedAt: now}}
	if !n.ExpiresAt.IsZero() {
		m.expire(n.ExpiresAt, now)
	}
	var verifier secret.Verifier
	switch {
	case !n.Text.IsEmpty() && !n.Hash.IsEmpty():
		m.faults.add("hash", "the secret is given already", "give secret or hash")
		return m, nil
	case !n.Hash.IsEmpty():
		verifier, err = c.Check.Import(ctx, n.Hash.Reveal(), c.Random)
		err = m.understood("hash", err)
	case !n.Text.IsEmpty():
		if !m.sensible(n.Text.Reveal()) {
			return m, nil
		}
		verifier, err = c.Check.FromChosen(ctx, n.Text, c.Random)
		err = m.understood("secret", err)
	default:
		if m.text, err = secret.New(c.Environment.Name, c.Random); err != nil {
			return made{}, err
		}
		m.stored.Hint = m.text.Hint()
		verifier, err = secret.FromGenerated(m.text)
	}
	if err != nil {
		return made{}, err
	}
	m.stored.Verifier = verifier.Encoded()
	return m, nil
}

func (m *made) expire(at, now time.Time) {
	m.stored.ExpiresAt = at.UTC().Truncate(time.Microsecond)
	switch {
	case !m.stored.ExpiresAt.After(now):
		m.faults.add("expires_at", "lies in the past", "")
	case at.Sub(now) > latestExpiry:
		m.faults.add("expires_at", "lies more than ten years ahead", "leave it away for a secret that does not expire")
	}
}

// understood turns what is wrong with an imported secret into a fault. No error
// of package secret quotes it.
func (m *made) understood(field string, err error) error {
	if errors.Is(err, secret.ErrForm) || errors.Is(err, secret.ErrLimit) {
		m.faults.add(field, err.Error(), "")
		return nil
	}
	return err
}

// sensible refuses an imported secret that was damaged on its way here: no
// program sends a line break, and what is not UTF-8 is refused when it arrives.
func (m *made) sensible(text string) bool {
	if !utf8.ValidString(text) {
		m.faults.add("secret", "is not UTF-8", "")
		return false
	}
	for i, r := range text {
		if unicode.IsControl(r) {
			m.faults.add("secret", "holds a control character at byte "+strconv.Itoa(i), "a line break that was copied along, perhaps")
			return false
		}
	}
	if len(text) < shortest {
		m.warnings = append(m.warnings, fmt.Sprintf("the secret has fewer than %d characters and may be guessed: replace it by a generated one soon", shortest))
	}
	return true
}
