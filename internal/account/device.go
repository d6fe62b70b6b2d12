package account

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// Devices are the browsers in which people asked not to be asked for a second
// factor for a while. Every change of a person's factors forgets them.
type Devices struct {
	Store  store.Devices
	Life   time.Duration // zero: none is remembered
	Random io.Reader
	Now    func() time.Time
}

// Remember remembers a browser and returns the handle for its cookie, and until
// when. Only a sign-in in which two factors were proven may be remembered: any
// other returns ErrStepUp.
func (d *Devices) Remember(ctx context.Context, accountID string, v Verdict, agent string, by store.By) (secret.Secret, time.Time, error) {
	if !v.Enough || v.ACR != ACRTwo || d.Life <= 0 {
		return secret.Secret{}, time.Time{}, fmt.Errorf("remember a browser: %w", ErrStepUp)
	}
	handle, err := secret.NewOpaque(d.Random)
	if err != nil {
		return secret.Secret{}, time.Time{}, err
	}
	id, err := secret.NewID(d.Random, idLength)
	if err != nil {
		return secret.Secret{}, time.Time{}, err
	}
	now := d.Now()
	one := store.Device{Hash: handle.Hash(), ID: id, AccountID: accountID, Name: agent, CreatedAt: now, EndsAt: now.Add(d.Life)}
	if err := d.Store.Remember(ctx, one, by); err != nil {
		return secret.Secret{}, time.Time{}, err
	}
	return handle, one.EndsAt, nil
}

// Known returns the id of the account's device that a cookie's handle belongs to,
// and "" for any other handle.
func (d *Devices) Known(ctx context.Context, accountID, handle string) (string, error) {
	hash, ok := secret.ParseOpaque(handle)
	if !ok || accountID == "" || d.Life <= 0 {
		return "", nil
	}
	one, err := d.Store.Find(ctx, accountID, hash, d.Now())
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return one.ID, err
}

// List returns a person's devices, newest first.
func (d *Devices) List(ctx context.Context, accountID string) ([]store.Device, error) {
	return d.Store.List(ctx, accountID, d.Now())
}

// Forget forgets one device, or all with an empty id. One that the account does
// not have returns store.ErrNotFound.
func (d *Devices) Forget(ctx context.Context, accountID, id string, by store.By) error {
	return d.Store.Forget(ctx, accountID, id, by)
}

// AgentName says which browser a User-Agent header is of, as people call it
// ("Firefox on Linux"). Nothing of the header comes through: what is not known is
// "A browser".
func AgentName(userAgent string) string {
	find := func(table [][2]string) string {
		for _, row := range table {
			if strings.Contains(userAgent, row[0]) {
				return row[1]
			}
		}
		return ""
	}
	// Each says that it is most of those after it.
	browser := find([][2]string{
		{"Edg", "Edge"},
		{"OPR/", "Opera"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chromium/", "Chromium"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
	})
	system := find([][2]string{
		{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"CrOS", "ChromeOS"}, {"Mac OS X", "macOS"}, {"Linux", "Linux"},
	})
	if browser == "" {
		browser = "A browser"
	}
	if system == "" {
		return browser
	}
	return browser + " on " + system
}
