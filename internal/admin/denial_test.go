package admin

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/revocation"
	"github.com/grantway/grantway/internal/store"
)

// Since is revocation.Source's: nothing was ever revoked.
func (f *fixture) Since(context.Context, int64, time.Time) ([]store.Revocation, error) {
	return nil, nil
}

// Ensure is the store's of denials.
func (f *fixture) Ensure(_ context.Context, _ store.Revocation, by store.By) error {
	f.stored = append(f.stored, by)
	return nil
}

// ringKeys are a ring's keys as denials need them: here one signs everything.
type ringKeys struct{ *keys.Ring }

// Signer is revocation.DenialKeys'.
func (k ringKeys) Signer() (*jose.Signer, error) {
	return k.SignerAs(jose.ES256, revocation.DenialHeader)
}

// Deny is revocation.DenialKeys'. The walk over the routes goes on with the keys.
func (k ringKeys) Deny(string) error { return nil }

func (f *fixture) denying(t *testing.T, name string) *revocation.Denials {
	t.Helper()
	now := func() time.Time { return f.now }
	feed := revocation.NewFeed("https://"+name+".example", f, f.rings[name], now)
	d, err := revocation.OpenDenials(revocation.DenialSettings{
		Issuer: "https://" + name + ".example", Path: filepath.Join(t.TempDir(), "denials.json"), Set: revocation.New(f, now), Feed: feed,
		Keys: ringKeys{f.rings[name]}, Store: f, Life: time.Hour, Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.Run(ctx, func(error) {})
	}()
	t.Cleanup(func() { stop(); <-ended })
	return d
}

const denialsOfStaging = Prefix + "/environments/staging/denials"

// TestDenials: each row is refused for one reason, and says what to do.
func TestDenials(t *testing.T) {
	f := open(t)
	f.options.TokenID = func(_ context.Context, environment, token string) (string, time.Time, error) {
		switch token {
		case "good":
			return "jti of " + environment, f.now.Add(time.Hour), nil
		case "opaque":
			return "", time.Time{}, fmt.Errorf("away: %w", store.ErrUnavailable)
		}
		return "", time.Time{}, errors.New("no token")
	}
	f.restart(t)
	foreign := decoded[Denied](t, f.does(t, 200, "POST", Prefix+"/environments/production/denials", `{"kind":"client","id":"acme"}`)).Signed
	for _, row := range []struct {
		path, body string
		status     int
		says       string
	}{
		{"", `{"kind":"client","id":"acme"}`, 200, `"stored":true`},
		{"", `{"kind":"client","id":"acme","for":86400}`, 200, `"kind":"client"`},
		{"", `{"kind":"client","id":"acme","for":86401}`, 422, "deny again when it is over"},
		{"", `{"kind":"client","id":"acme","for":-1}`, 422, "is not between"},
		{"", `{"kind":"client"}`, 422, "is missing"},
		{"", `{"kind":"client","id":""}`, 422, "1 to 255 bytes"},
		{"", `{"kind":"all","id":"x"}`, 422, "token, grant, secret"},
		{"", `{"kind":"key","id":"x"}`, 422, "keys/{key}/deny"},
		{"", `{"kind":"token","token":"good"}`, 200, "jti of staging"},
		{"", `{"kind":"token","token":"bad"}`, 422, "look at its iss"},
		{"", `{"kind":"token","token":"opaque"}`, 503, "Deny its client or its secret"},
		{"", `{"kind":"token","token":"good","id":"x"}`, 422, "send one of them"},
		{"", `{"kind":"client","token":"good"}`, 422, "with kind token"},
		{"/signed", `{"signed":"` + foreign + `"}`, 422, "that signed it"},
		{"/signed", `{"signed":"x"}`, 422, "that signed it"},
	} {
		w := f.ask(writer, "POST", denialsOfStaging+row.path, row.body)
		if w.Code != row.status || !strings.Contains(w.Body.String(), row.says) {
			t.Errorf("%s: %d, want %d with %q: %s", row.body, w.Code, row.status, row.says, w.Body)
		}
		if strings.Contains(w.Body.String(), `"good"`) || strings.Contains(w.Body.String(), `"opaque"`) {
			t.Errorf("%s: the token is in the answer: %s", row.body, w.Body)
		}
	}
	if !slices.ContainsFunc(f.stored, func(by store.By) bool { return by.Actor == writer && by.Trace != "" }) {
		t.Errorf("stored: %+v", f.stored)
	}
	if list := decoded[DenialList](t, f.does(t, 200, "GET", denialsOfStaging, "")); len(list.Denials) != 0 {
		t.Errorf("waiting: %+v", list)
	}
}
