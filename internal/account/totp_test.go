package account

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

func appKey(t *testing.T, s Setup) []byte {
	t.Helper()
	uri, err := url.Parse(s.URI)
	if err != nil {
		t.Fatal(err)
	}
	key, err := base32.StdEncoding.DecodeString(uri.Query().Get("secret"))
	if err != nil || len(key) != codeSecret || strings.ReplaceAll(s.Secret, " ", "") != uri.Query().Get("secret") {
		t.Fatalf("%v: %s", err, s.URI)
	}
	return key
}

// The vectors of RFC 6238, appendix B, of which the last six digits are ours.
func TestTOTPVectors(t *testing.T) {
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got := totp([]byte("12345678901234567890"), at/30); got != want {
			t.Errorf("%d: %s, want %s", at, got, want)
		}
	}
}

func TestTOTPSetup(t *testing.T) {
	w := newWorld(t)
	a := w.person("jan")
	who := w.signed(a, Password)
	_, err := w.codes.Begin(t.Context(), Signed{AccountID: a.ID}, "jan")
	w.is(err, ErrStepUp)
	s, err := w.codes.Begin(t.Context(), who, "jan")
	if err != nil {
		t.Fatal(err)
	}
	key := appKey(t, s)
	if !strings.HasPrefix(s.URI, "otpauth://totp/De%20Stip:jan?") || !strings.Contains(s.URI, "issuer=De%20Stip&") {
		t.Error(s.URI)
	}
	if bytes.Contains([]byte(s.State), key) {
		t.Error("the state is not sealed")
	}
	for d := xml.NewDecoder(bytes.NewReader(s.Code)); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("SVG: %v", err)
		}
	}
	confirm := func(who Signed, state, code string) error {
		_, err := w.codes.Confirm(t.Context(), who, state, code, "phone", somewhere, w.by())
		return err
	}
	right := totp(key, step(w.now()))
	w.is(confirm(Signed{AccountID: a.ID}, s.State, right), ErrStepUp)
	w.is(confirm(who, s.State, "000000"), ErrWrong)
	w.is(confirm(who, s.State[1:], right), ErrExpired)
	other := w.person("piet")
	w.is(confirm(w.signed(other, Password), s.State, right), ErrExpired)
	if err := confirm(who, s.State, right); err != nil {
		t.Fatal(err)
	}
	f := w.factor(a, store.FactorTOTP)
	for _, clear := range []string{base32.StdEncoding.EncodeToString(key), base64.RawURLEncoding.EncodeToString(key), string(key)} {
		if strings.Contains(f.Data, clear) || f.Name != "phone" {
			t.Errorf("%+v", f)
		}
	}
	w.wait(setupLife + time.Second)
	who = w.signed(a, Password, TOTP)
	w.is(confirm(who, s.State, totp(key, step(w.now()))), ErrExpired)
}

// P06: a code is good once, for a step to either side, and after five guesses none
// is looked at.
func TestTOTPCheck(t *testing.T) {
	w := newWorld(t)
	a := w.person("jan")
	key := w.app(w.signed(a, Password))
	check := func(code string) error {
		_, err := w.codes.Check(t.Context(), a.ID, code, somewhere)
		return err
	}
	w.wait(time.Hour)
	now := step(w.now())
	w.is(check(totp(key, now-2)), ErrWrong)
	w.is(check(totp(key, now+2)), ErrWrong)
	if err := check(totp(key, now-1)); err != nil {
		t.Error(err)
	}
	w.is(check(totp(key, now-1)), ErrWrong)
	code := totp(key, now+1)
	if err := check(" " + code[:3] + " " + code[3:]); err != nil {
		t.Error(err)
	}
	w.is(check(totp(key, now)), ErrWrong) // older than one that was used
	w.is(check("1"), ErrWrong)
	w.is(check(totp(key, now+2)), ErrTooMany)
	w.wait(time.Hour)

	right := totp(key, step(w.now()))
	var good atomic.Int64
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := check(right); err == nil {
				good.Add(1)
			} else if !errors.Is(err, ErrWrong) && !errors.Is(err, ErrTooMany) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if good.Load() != 1 {
		t.Errorf("one code was good %d times", good.Load())
	}
}

func TestRecoveryCodes(t *testing.T) {
	w := newWorld(t)
	a := w.person("jan")
	_, err := w.recovery.Make(t.Context(), w.signed(a, Password), w.by())
	w.is(err, ErrStepUp) // there is no second factor that they could stand in for
	w.app(w.signed(a, Password))
	_, err = w.recovery.Make(t.Context(), w.signed(a, Password), w.by())
	w.is(err, ErrStepUp)
	codes, err := w.recovery.Make(t.Context(), w.signed(a, Password, TOTP), w.by())
	if err != nil || len(codes) != 10 || len(codes[0]) != 19 {
		t.Fatal(codes, err)
	}
	check := func(code string) error {
		_, err := w.recovery.Check(t.Context(), a.ID, code, somewhere)
		return err
	}
	if err := check(" " + strings.ToUpper(strings.ReplaceAll(codes[3], "-", " "))); err != nil {
		t.Error(err)
	}
	w.is(check(codes[3]), ErrWrong)
	for _, code := range append(codes[:3:3], codes[4:]...) {
		if err := check(code); err != nil {
			t.Error(err)
		}
	}
	w.wait(time.Hour)
	again, err := w.recovery.Make(t.Context(), w.signed(a, Password, TOTP), w.by())
	if err != nil {
		t.Fatal(err)
	}
	newest, err := w.recovery.Make(t.Context(), w.signed(a, Password, TOTP), w.by())
	if err != nil {
		t.Fatal(err)
	}
	w.is(check(again[0]), ErrWrong)
	other := w.person("piet")
	_, err = w.recovery.Check(t.Context(), other.ID, newest[0], somewhere)
	w.is(err, ErrWrong)
	all, _ := w.store.Factors().Of(t.Context(), a.ID)
	for _, f := range all {
		if strings.Contains(f.Data, strings.ReplaceAll(newest[0], "-", "")) {
			t.Error("a code is stored")
		}
	}
}
