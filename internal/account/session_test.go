package account

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// P08, P09: every sign-in has a handle of its own, and an ended one never comes
// back.
func TestSessionHandlesAreNew(t *testing.T) {
	w := newWorld(t)
	a, b := w.person("jan"), w.person("piet")
	one := Verdict{Enough: true, ACR: ACROne, Methods: []string{"pwd"}, At: w.now()}
	_, _, err := w.sessions.Start(t.Context(), Start{AccountID: a.ID, Verdict: Verdict{ACR: ACROne}}, w.by())
	w.is(err, errNotEnough)
	h1, s1, err := w.sessions.Start(t.Context(), Start{AccountID: a.ID, Verdict: one, Agent: "Firefox on Linux"}, w.by())
	if err != nil {
		t.Fatal(err)
	}
	// A step up: another handle, the same session to applications.
	w.wait(time.Minute)
	two := Verdict{Enough: true, ACR: ACRTwo, Methods: []string{"pwd", "otp", "mfa"}, At: w.now()}
	h2, s2, err := w.sessions.Start(t.Context(), Start{AccountID: a.ID, Verdict: two, Current: &s1}, w.by())
	if err != nil || s2.ID != s1.ID || h2.Equal(h1) {
		t.Fatal(err, s2.ID)
	}
	_, err = w.sessions.Find(t.Context(), h1.Reveal())
	w.is(err, store.ErrNotFound)
	found, err := w.sessions.Find(t.Context(), h2.Reveal())
	if err != nil || found.Hash != secret.HashOf(h2.Reveal()) || !found.AuthenticatedAt.Equal(two.At) {
		t.Fatal(found, err)
	}
	if v, _ := w.strength.Judge(t.Context(), SignedIn(found), false, Wish{Must: true}); !v.Enough || v.ACR != ACRTwo {
		t.Errorf("%+v", v)
	}
	// Somebody else in the same browser: another session.
	h3, s3, err := w.sessions.Start(t.Context(), Start{AccountID: b.ID, Verdict: one, Current: &s2}, w.by())
	if err != nil || s3.ID == s2.ID {
		t.Fatal(err)
	}
	_, err = w.sessions.Find(t.Context(), h2.Reveal())
	w.is(err, store.ErrNotFound)
	w.is(w.sessions.End(t.Context(), a.ID, s3.ID, w.by()), store.ErrNotFound) // another's
	if err := w.sessions.End(t.Context(), b.ID, s3.ID, w.by()); err != nil {
		t.Fatal(err)
	}
	for _, handle := range []string{h3.Reveal(), "", h3.Reveal() + "x", strings.ToLower(h3.Reveal())} {
		_, err = w.sessions.Find(t.Context(), handle)
		w.is(err, store.ErrNotFound)
	}
}

func TestSessionEndsInTime(t *testing.T) {
	w := newWorld(t)
	a := w.person("jan")
	h, s, err := w.sessions.Start(t.Context(), Start{AccountID: a.ID, Verdict: Verdict{Enough: true, At: w.now()}}, w.by())
	if err != nil {
		t.Fatal(err)
	}
	seen := func() time.Time {
		all, err := w.store.Sessions().List(t.Context(), a.ID, w.now())
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		return all[0].SeenAt
	}
	w.wait(seenEvery - time.Second)
	w.sessions.Find(t.Context(), h.Reveal())
	if !seen().Equal(noon) {
		t.Error("a use was written down within the minute")
	}
	w.wait(time.Second)
	w.sessions.Find(t.Context(), h.Reveal())
	if !seen().Equal(w.now()) {
		t.Error("a use was not written down")
	}
	for w.now().Add(29 * time.Minute).Before(s.EndsAt) {
		w.wait(29 * time.Minute)
		if _, err := w.sessions.Find(t.Context(), h.Reveal()); err != nil {
			t.Fatalf("%s after: %v", w.now().Sub(noon), err)
		}
	}
	w.wait(s.EndsAt.Sub(w.now()))
	_, err = w.sessions.Find(t.Context(), h.Reveal())
	w.is(err, store.ErrNotFound)

	h, _, _ = w.sessions.Start(t.Context(), Start{AccountID: a.ID, Verdict: Verdict{Enough: true, At: w.now()}}, w.by())
	w.wait(30 * time.Minute)
	if all, err := w.sessions.List(t.Context(), a.ID); len(all) != 0 || err != nil {
		t.Error("an idle session is listed", err)
	}
	_, err = w.sessions.Find(t.Context(), h.Reveal())
	w.is(err, store.ErrNotFound)
}

// P22: who is disabled is out at once.
func TestSessionOfTheDisabled(t *testing.T) {
	w := newWorld(t)
	a := w.person("jan")
	start := Start{AccountID: a.ID, Verdict: Verdict{Enough: true, At: w.now()}}
	h, _, err := w.sessions.Start(t.Context(), start, w.by())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.people.Disable(t.Context(), a.ID, w.by()); err != nil {
		t.Fatal(err)
	}
	_, err = w.sessions.Find(t.Context(), h.Reveal())
	w.is(err, store.ErrNotFound)
	_, _, err = w.sessions.Start(t.Context(), start, w.by())
	w.is(err, store.ErrNotFound)
	if err := w.people.Enable(t.Context(), a.ID, w.by()); err != nil {
		t.Fatal(err)
	}
	if h, _, err = w.sessions.Start(t.Context(), start, w.by()); err != nil {
		t.Fatal(err)
	}
	if err := w.sessions.EndOthers(t.Context(), a.ID, "", w.by()); err != nil {
		t.Fatal(err)
	}
	_, err = w.sessions.Find(t.Context(), h.Reveal()) // P24
	w.is(err, store.ErrNotFound)
}

func TestDevices(t *testing.T) {
	w := newWorld(t)
	a, b := w.person("jan"), w.person("piet")
	_, _, err := w.devices.Remember(t.Context(), a.ID, Verdict{Enough: true, ACR: ACROne}, "Firefox", w.by())
	w.is(err, ErrStepUp)
	two := Verdict{Enough: true, ACR: ACRTwo}
	h, until, err := w.devices.Remember(t.Context(), a.ID, two, "Firefox", w.by())
	if err != nil || !until.Equal(noon.Add(30*24*time.Hour)) {
		t.Fatal(err, until)
	}
	known := func(id, handle string) bool {
		device, err := w.devices.Known(t.Context(), id, handle)
		if err != nil {
			t.Fatal(err)
		}
		return device != ""
	}
	if !known(a.ID, h.Reveal()) || known(b.ID, h.Reveal()) || known(a.ID, "x") || known("", h.Reveal()) {
		t.Error("known wrongly")
	}
	// Every change of the factors forgets them.
	w.app(w.signed(a, Password))
	if known(a.ID, h.Reveal()) {
		t.Error("known after a change of factors")
	}
	h, _, err = w.devices.Remember(t.Context(), a.ID, two, "Firefox", w.by())
	if err != nil {
		t.Fatal(err)
	}
	w.wait(30 * 24 * time.Hour)
	if known(a.ID, h.Reveal()) {
		t.Error("known for more than thirty days")
	}
	w.devices.Life = 0
	if _, _, err := w.devices.Remember(t.Context(), a.ID, two, "Firefox", w.by()); !errors.Is(err, ErrStepUp) {
		t.Error("remembered where none is to be", err)
	}
}

func TestAgentName(t *testing.T) {
	for header, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                                  "Firefox on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0":           "Edge on Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1": "Safari on iPhone",
		"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36":                   "Chrome on Android",
		"<script>": "A browser",
		"":         "A browser",
	} {
		if got := AgentName(header); got != want {
			t.Errorf("%s: %s", header, got)
		}
	}
}
