package account

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// An authenticator is a passkey in software, made by hand from Web Authentication
// §6: whatever it says can be said wrongly.
type authenticator struct {
	key    *ecdsa.PrivateKey
	id     []byte
	user   []byte
	flags  byte
	count  uint32
	rpID   string
	origin string
	alg    int64 // COSE
}

const (
	flagUP, flagUV, flagBE, flagBS, flagAT = 1, 4, 8, 16, 64
)

func newAuthenticator(t *testing.T) *authenticator {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 16)
	rand.Read(id)
	return &authenticator{key: key, id: id, flags: flagUP | flagUV, count: 1, rpID: "id.example", origin: "https://id.example", alg: -7}
}

// Just enough CBOR (RFC 8949 §3) to write what an authenticator writes.
func cborHead(major byte, n uint64) []byte {
	switch {
	case n < 24:
		return []byte{major<<5 | byte(n)}
	case n < 256:
		return []byte{major<<5 | 24, byte(n)}
	default:
		return binary.BigEndian.AppendUint16([]byte{major<<5 | 25}, uint16(n))
	}
}

func cborInt(n int64) []byte {
	if n < 0 {
		return cborHead(1, uint64(-1-n))
	}
	return cborHead(0, uint64(n))
}
func cborBytes(b []byte) []byte { return append(cborHead(2, uint64(len(b))), b...) }
func cborText(s string) []byte  { return append(cborHead(3, uint64(len(s))), s...) }

func cborMap(pairs ...[]byte) []byte {
	out := cborHead(5, uint64(len(pairs)/2))
	for _, p := range pairs {
		out = append(out, p...)
	}
	return out
}

func (a *authenticator) data(flags byte) []byte {
	hash := sha256.Sum256([]byte(a.rpID))
	out := append(hash[:], flags)
	return binary.BigEndian.AppendUint32(out, a.count)
}

func (a *authenticator) client(kind, challenge string) []byte {
	text, _ := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": a.origin, "crossOrigin": false})
	return text
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func challengeOf(t *testing.T, options []byte) string {
	t.Helper()
	var o struct{ Challenge string }
	if err := json.Unmarshal(options, &o); err != nil || len(o.Challenge) != 43 {
		t.Fatalf("%v: %s", err, options)
	}
	return o.Challenge
}

// create answers navigator.credentials.create.
func (a *authenticator) create(t *testing.T, options []byte) []byte {
	t.Helper()
	var o struct{ User struct{ ID string } }
	if err := json.Unmarshal(options, &o); err != nil {
		t.Fatal(err)
	}
	a.user, _ = base64.RawURLEncoding.DecodeString(o.User.ID)
	point, err := a.key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	cose := cborMap(cborInt(1), cborInt(2), cborInt(3), cborInt(a.alg), cborInt(-1), cborInt(1), cborInt(-2), cborBytes(point[1:33]), cborInt(-3), cborBytes(point[33:]))
	data := append(a.data(a.flags|flagAT), make([]byte, 16)...)
	data = binary.BigEndian.AppendUint16(data, uint16(len(a.id)))
	data = append(append(data, a.id...), cose...)
	object := cborMap(cborText("fmt"), cborText("none"), cborText("attStmt"), cborMap(), cborText("authData"), cborBytes(data))
	return a.answer(map[string]any{
		"clientDataJSON": b64(a.client("webauthn.create", challengeOf(t, options))), "attestationObject": b64(object), "transports": []string{"internal"},
	})
}

// get answers navigator.credentials.get.
func (a *authenticator) get(t *testing.T, options []byte) []byte {
	t.Helper()
	data, client := a.data(a.flags), a.client("webauthn.get", challengeOf(t, options))
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(data[:len(data):len(data)], hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return a.answer(map[string]any{
		"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature), "userHandle": b64(a.user),
	})
}

func (a *authenticator) answer(response map[string]any) []byte {
	text, _ := json.Marshal(map[string]any{
		"id": b64(a.id), "rawId": b64(a.id), "type": "public-key", "authenticatorAttachment": "platform", "response": response, "clientExtensionResults": map[string]any{},
	})
	return text
}

// passkey registers an authenticator for an account.
func (w *world) passkey(who Signed, a *authenticator) (Proof, error) {
	w.Helper()
	options, state, err := w.passkeys.BeginRegister(w.Context(), who, "s")
	if err != nil {
		return Proof{}, err
	}
	return w.passkeys.Register(w.Context(), who, "s", state, a.create(w.T, options), "key", w.by())
}

func (w *world) signIn(a *authenticator) (store.Account, Proof, error) {
	w.Helper()
	options, state, err := w.passkeys.BeginSignIn("b", false)
	if err != nil {
		w.Fatal(err)
	}
	a.count++
	return w.passkeys.SignIn(w.Context(), "b", state, a.get(w.T, options))
}

func TestPasskey(t *testing.T) {
	w := newWorld(t)
	a := w.person("jan")
	key := newAuthenticator(t)
	_, _, err := w.passkeys.BeginRegister(t.Context(), Signed{AccountID: a.ID}, "s")
	w.is(err, ErrStepUp)
	p, err := w.passkey(w.signed(a, Password), key)
	if err != nil || !p.Verified || !p.Hardware || p.Method != Passkey {
		t.Fatal(p, err)
	}
	who, p, err := w.signIn(key)
	if err != nil || who.ID != a.ID || !p.Verified || !p.Hardware {
		t.Fatal(who, p, err)
	}
	f := w.factor(a, store.FactorPasskey)
	c := parseCredential(f)
	if f.Counter != 2 || c.Flags != flagUP|flagUV|flagAT || len(c.AAGUID) != 16 || len(c.Transports) != 1 || c.Transports[0] != "internal" {
		t.Errorf("%+v, %+v", f, c)
	}
	if string(key.user) != a.ID {
		t.Errorf("the user handle is %q", key.user)
	}
	// As a second factor, told which.
	options, state, err := w.passkeys.BeginSecond(t.Context(), w.signed(a, Password), "b")
	if err != nil || !strings.Contains(string(options), b64(key.id)) {
		t.Fatal(err, string(options))
	}
	key.count++
	if who, _, err := w.passkeys.SignIn(t.Context(), "b", state, key.get(t, options)); err != nil || who.ID != a.ID {
		t.Error(err)
	}
	_, _, err = w.passkeys.BeginSecond(t.Context(), Signed{AccountID: a.ID}, "b")
	w.is(err, ErrStepUp) // would say what somebody has
	// One that somebody has is nobody else's.
	other := w.person("piet")
	_, err = w.passkey(w.signed(other, Password), key)
	w.is(err, store.ErrConflict)
	key.user = []byte(a.ID)
	if err := w.people.Disable(t.Context(), a.ID, w.by()); err != nil {
		t.Fatal(err)
	}
	_, _, err = w.signIn(key)
	w.is(err, ErrWrong)
}

// P01: what a sign-in begins with is the same for everybody but the challenge.
func TestPasskeyOptionsSayNothing(t *testing.T) {
	w := newWorld(t)
	one, _, _ := w.passkeys.BeginSignIn("b", true)
	a := w.person("jan")
	if _, err := w.passkey(w.signed(a, Password), newAuthenticator(t)); err != nil {
		t.Fatal(err)
	}
	two, _, err := w.passkeys.BeginSignIn("b", true)
	if err != nil || challengeOf(t, one) == challengeOf(t, two) ||
		strings.Replace(string(one), challengeOf(t, one), "", 1) != strings.Replace(string(two), challengeOf(t, two), "", 1) {
		t.Errorf("%v\n%s\n%s", err, one, two)
	}
	if !strings.Contains(string(one), `"userVerification":"required"`) || strings.Contains(string(one), "allowCredentials") {
		t.Errorf("%s", one)
	}
}

// P16: each thing that an authenticator or browser says is checked.
func TestPasskeySignInRefuses(t *testing.T) {
	for _, row := range []struct {
		name  string
		spoil func(*authenticator)
		alter func(map[string]any)
	}{
		{name: "origin", spoil: func(a *authenticator) { a.origin = "https://id.example.evil" }},
		{name: "origin by http", spoil: func(a *authenticator) { a.origin = "http://id.example" }},
		{name: "another port", spoil: func(a *authenticator) { a.origin = "https://id.example:8443" }},
		{name: "rpIdHash", spoil: func(a *authenticator) { a.rpID = "example" }},
		{name: "nobody present", spoil: func(a *authenticator) { a.flags &^= flagUP }},
		{name: "backup eligible now", spoil: func(a *authenticator) { a.flags |= flagBE }},
		{name: "counter the same", spoil: func(a *authenticator) { a.count = 1 }},
		{name: "counter back to zero", spoil: func(a *authenticator) { a.count = 0 }},
		{name: "another key", spoil: func(a *authenticator) { a.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }},
		{name: "another user", spoil: func(a *authenticator) { a.user = []byte("somebody") }},
		{name: "no user", spoil: func(a *authenticator) { a.user = nil }},
		{name: "registration as a sign-in", alter: func(r map[string]any) {
			text, _ := base64.RawURLEncoding.DecodeString(r["clientDataJSON"].(string))
			r["clientDataJSON"] = b64([]byte(strings.Replace(string(text), "webauthn.get", "webauthn.create", 1)))
		}},
		{name: "signature", alter: func(r map[string]any) { r["signature"] = b64([]byte("none")) }},
		{name: "no authenticator data", alter: func(r map[string]any) { delete(r, "authenticatorData") }},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			key := newAuthenticator(t)
			if _, err := w.passkey(w.signed(w.person("jan"), Password), key); err != nil {
				t.Fatal(err)
			}
			options, state, err := w.passkeys.BeginSignIn("b", false)
			if err != nil {
				t.Fatal(err)
			}
			key.count = 5
			if row.spoil != nil {
				row.spoil(key)
			}
			answer := key.get(t, options)
			if row.alter != nil {
				var whole map[string]any
				if err := json.Unmarshal(answer, &whole); err != nil {
					t.Fatal(err)
				}
				row.alter(whole["response"].(map[string]any))
				answer, _ = json.Marshal(whole)
			}
			_, _, err = w.passkeys.SignIn(t.Context(), "b", state, answer)
			w.is(err, ErrPasskey)
		})
	}
}

// P16: user verification, where it is demanded and where it counts.
func TestPasskeyUserVerification(t *testing.T) {
	w := newWorld(t)
	a := w.person("jan")
	plain, better := newAuthenticator(t), newAuthenticator(t)
	plain.flags = flagUP
	if p, err := w.passkey(w.signed(a, Password), plain); err != nil || p.Verified {
		t.Fatal(p, err)
	}
	if m, _ := w.strength.Means(t.Context(), a.ID); m.Alone {
		t.Error("a key that checks nobody stands alone")
	}
	if _, err := w.passkey(w.signed(a, Password, Passkey), better); err != nil {
		t.Fatal(err)
	}
	if m, _ := w.strength.Means(t.Context(), a.ID); !m.Alone {
		t.Error("a key that checks who holds it does not stand alone")
	}
	// It did not check at its registration, so that it says so now is worth nothing.
	plain.flags |= flagUV
	if _, p, err := w.signIn(plain); err != nil || p.Verified {
		t.Error(p, err)
	}
	better.flags = flagUP
	if _, p, err := w.signIn(better); err != nil || p.Verified {
		t.Error(p, err)
	}
	options, state, err := w.passkeys.BeginSignIn("b", true)
	if err != nil {
		t.Fatal(err)
	}
	better.count++
	_, _, err = w.passkeys.SignIn(t.Context(), "b", state, better.get(t, options))
	w.is(err, ErrPasskey)
}

// P16: a challenge is good once, for one purpose, in one place and for five minutes.
func TestPasskeyChallenge(t *testing.T) {
	w := newWorld(t)
	a := w.person("jan")
	key := newAuthenticator(t)
	key.count = 0 // a synced passkey counts nothing: the challenge alone stops a replay
	if _, err := w.passkey(w.signed(a, Password), key); err != nil {
		t.Fatal(err)
	}
	begin := func() ([]byte, []byte) {
		options, state, err := w.passkeys.BeginSignIn("b", false)
		if err != nil {
			t.Fatal(err)
		}
		return options, state
	}
	finish := func(binding string, state, answer []byte) error {
		_, _, err := w.passkeys.SignIn(t.Context(), binding, state, answer)
		return err
	}
	options, state := begin()
	answer := key.get(t, options)
	w.is(finish("other", state, answer), ErrExpired)
	if err := finish("b", state, answer); err != nil {
		t.Fatal(err)
	}
	w.is(finish("b", state, answer), ErrExpired)
	_, another := begin()
	w.is(finish("b", another, answer), ErrPasskey) // another's challenge
	options, state = begin()
	w.wait(ceremony - time.Second)
	if err := finish("b", state, key.get(t, options)); err != nil {
		t.Error(err)
	}
	options, state = begin()
	w.wait(ceremony)
	w.is(finish("b", state, key.get(t, options)), ErrExpired)
	_, state, err := w.passkeys.BeginRegister(t.Context(), w.signed(a, Password, Passkey), "b")
	if !errors.Is(err, nil) {
		t.Fatal(err)
	}
	w.is(finish("b", state, key.get(t, options)), ErrExpired)
	w.is(finish("b", []byte("{}"), answer), ErrExpired)
	options, state = begin()
	_, _, err = w.passkeysAt("https://other.example").SignIn(t.Context(), "b", state, key.get(t, options))
	w.is(err, ErrPasskey)
}

func TestPasskeyRegistrationRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*authenticator){
		"origin":    func(a *authenticator) { a.origin = "https://evil.example" },
		"rpIdHash":  func(a *authenticator) { a.rpID = "evil.example" },
		"presence":  func(a *authenticator) { a.flags &^= flagUP },
		"algorithm": func(a *authenticator) { a.alg = -8 },
		"ES384":     func(a *authenticator) { a.alg = -35 },
		"backed up": func(a *authenticator) { a.flags |= flagBS },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			key := newAuthenticator(t)
			spoil(key)
			_, err := w.passkey(w.signed(w.person("jan"), Password), key)
			w.is(err, ErrPasskey)
		})
	}
}

func TestPasskeysNeedAName(t *testing.T) {
	for _, issuer := range []string{"https://192.0.2.1", "http://[::1]:8080"} {
		at, _ := url.Parse(issuer)
		if err := (&Passkeys{Now: time.Now}).Prepare(at, "x"); err == nil {
			t.Errorf("%s has passkeys", issuer)
		}
	}
	at, _ := url.Parse("http://localhost:8080/env")
	if err := (&Passkeys{Now: time.Now}).Prepare(at, "x"); err != nil {
		t.Error(err)
	}
}
