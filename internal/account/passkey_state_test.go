package account

import (
	"bytes"
	"strings"
	"testing"
)

// TestPasskeyStateFitsACookie: however many passkeys somebody has, and however long
// their ids are, and still no other person's counts.
func TestPasskeyStateFitsACookie(t *testing.T) {
	w := newWorld(t)
	a, long := w.person("jan"), newAuthenticator(t)
	long.id = bytes.Repeat([]byte{7}, 1000)
	if _, err := w.passkey(w.signed(a, Password), long); err != nil {
		t.Fatal(err)
	}
	options, state, err := w.passkeys.BeginSecond(t.Context(), w.signed(a, Password), "b")
	if err != nil || len(state) > 600 || !strings.Contains(string(options), b64(long.id)) {
		t.Errorf("a state of %d bytes, %v", len(state), err)
	}
	stranger := newAuthenticator(t)
	if _, err := w.passkey(w.signed(w.person("piet"), Password), stranger); err != nil {
		t.Fatal(err)
	}
	_, _, err = w.passkeys.SignIn(t.Context(), "b", state, stranger.get(t, options))
	w.is(err, ErrPasskey)
}
