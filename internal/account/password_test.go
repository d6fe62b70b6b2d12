package account

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// P01: whoever is named, a wrong password costs one slow hash and says one thing.
func TestPasswordCheckSaysNothingOfWhoIsThere(t *testing.T) {
	w := newWorld(t)
	w.person("jan")
	disabled := w.person("piet")
	if err := w.people.Disable(t.Context(), disabled.ID, w.by()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.people.Create(t.Context(), New{Name: "keyless"}, w.by()); err != nil {
		t.Fatal(err)
	}
	for name, typed := range map[string][2]string{
		"wrong": {"jan", "wrong-wrong-wrong"}, "unknown": {"klaas", good}, "disabled": {"piet", good}, "no password": {"keyless", good},
		"no possible name": {"a b\x00", good}, "unknown address": {"klaas@school.example", good},
	} {
		before := w.passwords.Checker.Hashings()
		a, _, err := w.passwords.Check(t.Context(), typed[0], typed[1], Source{Address: somewhere})
		if err != ErrWrong || a.ID != "" {
			t.Errorf("%s: %v, %+v", name, err, a)
		}
		if n := w.passwords.Checker.Hashings() - before; n != 1 {
			t.Errorf("%s: %d slow hashes", name, n)
		}
	}
	for _, typed := range []string{"jan", " JAN ", "jan@school.example", "JAN@SCHOOL.example"} {
		if a, p, err := w.passwords.Check(t.Context(), typed, good, Source{}); err != nil || a.Name != "jan" || p.Method != Password || !p.At.Equal(noon) {
			t.Errorf("%s: %v", typed, err)
		}
	}
	// Nothing to recognise a password by stays in memory: each time costs a hash.
	before := w.passwords.Checker.Hashings()
	w.passwords.Check(t.Context(), "jan", good, Source{})
	if n := w.passwords.Checker.Hashings() - before; n != 1 {
		t.Errorf("a second time costs %d slow hashes", n)
	}
	// Nobody's hash is as expensive as ours.
	v, err := w.passwords.Checker.FromChosen(t.Context(), secret.Of(good), strings.NewReader(strings.Repeat("s", 16)))
	if err != nil || !strings.HasPrefix(v.Encoded(), ours) || len(v.Encoded()) != len(nobody.Encoded()) {
		t.Error("ours is made otherwise", err)
	}
}

// P01, P02: whoever uses up the attempts of a name does not learn whose e-mail address
// is that account's, and has no more attempts by it.
func TestPasswordAttemptsTellNoNamesTogether(t *testing.T) {
	for _, name := range []string{"jan", "klaas"} {
		w := newWorld(t)
		w.person("jan")
		try := func(typed, password string, want error) {
			t.Helper()
			before := w.passwords.Checker.Hashings()
			_, _, err := w.passwords.Check(t.Context(), typed, password, Source{Address: somewhere})
			if !errors.Is(err, want) {
				t.Errorf("%s after five tries at %s: %v", typed, name, err)
			}
			hashed := w.passwords.Checker.Hashings() - before
			if wanted := map[bool]int64{true: 0, false: 1}[want == ErrTooMany]; int64(hashed) != wanted {
				t.Errorf("%s: %d slow hashes", typed, hashed)
			}
		}
		for range 5 {
			try(name, "wrong-wrong-wrong", ErrWrong)
		}
		try(name, good, ErrTooMany)
		for range 4 {
			try(name+"@school.example", "wrong-wrong-wrong", ErrWrong)
		}
		if try(name+"@school.example", good, ErrWrong); name != "jan" {
			continue
		}
		try("jan@school.example", good, ErrTooMany)
		w.wait(16 * time.Minute)
		try("jan@school.example", good, nil)
	}
}

func TestPasswordChosen(t *testing.T) {
	w := newWorld(t)
	a := store.Account{Key: "jan.jansen"}
	for _, row := range []struct {
		password string
		want     error
	}{
		{good, nil},
		{"", ErrShort},
		{"gulp-tracto", ErrShort},
		{"gulp-tractor", nil},
		{"gülp-träctö", ErrShort},       // 11 characters in 14 bytes
		{"gu\u0308lp-träctö", ErrShort}, // the same: the spelling is one
		{"gülp-träctör", nil},
		{"🚜gulp🐎-trac", ErrShort}, // 11
		{"🚜gulp🐎-tract", nil},
		{strings.Repeat("gulp-träctö-€", 60) + "four", nil}, // 784 characters in 1024 bytes
		{strings.Repeat("gulp-träctö-€", 60) + "fourx", ErrLong},
		{strings.Repeat("gulp-tractor-nine", 60) + "four", nil},
		{strings.Repeat("gulp-tractor-nine", 60) + "fourx", ErrLong},
		{"gulp\x00tractor-nine", ErrText},
		{"gulp-tractor\xff-nine", ErrText},
		{"password1234", ErrCommon},
		{"jan.jansen22", ErrIsName},
	} {
		if err := w.passwords.Judge(a, row.password); !errors.Is(err, row.want) && err != row.want {
			t.Errorf("%d bytes: %v, want %v", len(row.password), err, row.want)
		}
	}
}

// RFC 8265 §4.2: one password, typed on two keyboards.
func TestPasswordHasOneSpelling(t *testing.T) {
	w := newWorld(t)
	if _, err := w.people.Create(t.Context(), New{Name: "jan", Password: secret.Of("blauwe caf\u00e9 vijf")}, w.by()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.passwords.Check(t.Context(), "jan", "blauwe\u00a0cafe\u0301 vijf", Source{}); err != nil {
		t.Error(err)
	}
	if _, _, err := w.passwords.Check(t.Context(), "jan", "Blauwe caf\u00e9 vijf", Source{}); err != ErrWrong {
		t.Error(err)
	}
}

// P17: what is too long is not hashed.
func TestPasswordTooLongCostsNothing(t *testing.T) {
	w := newWorld(t)
	w.person("jan")
	before := w.passwords.Checker.Hashings()
	if _, _, err := w.passwords.Check(t.Context(), "jan", strings.Repeat("x", MostPassword+1), Source{}); err != ErrWrong {
		t.Error(err)
	}
	if n := w.passwords.Checker.Hashings() - before; n != 0 {
		t.Errorf("%d hashes", n)
	}
}

// P02: a hundred at once are checked no more often than five in turn.
func TestPasswordAttemptsAreReserved(t *testing.T) {
	w := newWorld(t)
	w.person("jan")
	before := w.passwords.Checker.Hashings()
	var refused atomic.Int64
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			_, _, err := w.passwords.Check(t.Context(), "jan", fmt.Sprint("wrong-wrong-", i), Source{Address: somewhere})
			if errors.Is(err, ErrTooMany) {
				refused.Add(1)
			} else if err != ErrWrong {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := w.passwords.Checker.Hashings() - before; n != 5 || refused.Load() != 95 {
		t.Errorf("%d checked, %d refused", n, refused.Load())
	}
	// Nor is the right one, until there is an attempt again.
	_, _, err := w.passwords.Check(t.Context(), "jan", good, Source{})
	many, ok := errors.AsType[*TooManyError](err)
	if !ok || many.After != time.Minute {
		t.Error(err)
	}
	w.wait(time.Minute)
	if _, _, err := w.passwords.Check(t.Context(), "jan", good, Source{}); err != nil {
		t.Error(err)
	}
}

// P04: guessing at somebody's account does not lock them out of their own browser.
func TestPasswordKnownDeviceIsNotLockedOut(t *testing.T) {
	w := newWorld(t)
	a := w.person("jan")
	handle, _, err := w.devices.Remember(t.Context(), a.ID, Verdict{Enough: true, ACR: ACRTwo}, "Firefox", w.by())
	if err != nil {
		t.Fatal(err)
	}
	for range 6 {
		w.passwords.Check(t.Context(), "jan", "wrong-wrong-wrong", Source{})
	}
	_, _, err = w.passwords.Check(t.Context(), "jan", good, Source{})
	w.is(err, ErrTooMany)
	if _, _, err := w.passwords.Check(t.Context(), "jan", good, Source{Device: handle.Reveal()}); err != nil {
		t.Error(err)
	}
	// It has five of its own, and is no way to others' accounts.
	for range 5 {
		_, _, err := w.passwords.Check(t.Context(), "jan", "wrong-wrong-wrong", Source{Device: handle.Reveal()})
		w.is(err, ErrWrong)
	}
	_, _, err = w.passwords.Check(t.Context(), "jan", good, Source{Device: handle.Reveal()})
	w.is(err, ErrTooMany)
	w.person("piet")
	for range 5 {
		w.passwords.Check(t.Context(), "piet", "wrong-wrong-wrong", Source{})
	}
	_, _, err = w.passwords.Check(t.Context(), "piet", good, Source{Device: handle.Reveal()})
	w.is(err, ErrTooMany)
}

// An imported hash is good, and becomes ours at the first good login.
func TestPasswordImportedIsUpgraded(t *testing.T) {
	w := newWorld(t)
	hash, err := bcrypt.GenerateFromPassword([]byte("kort"), 4)
	if err != nil {
		t.Fatal(err)
	}
	rows := ReadCSV(strings.NewReader("name,password_hash\njan," + string(hash) + "\n"))
	if err := w.people.Import(t.Context(), rows, false, w.by(), func(Outcome) {}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.passwords.Check(t.Context(), "jan", "lang", Source{}); err != ErrWrong || len(w.rehash) != 0 {
		t.Error(err, w.rehash)
	}
	a, _, err := w.passwords.Check(t.Context(), "jan", "kort", Source{})
	if err != nil {
		t.Fatal(err)
	}
	f, _ := w.store.Factors().Of(t.Context(), a.ID)
	v, err := secret.Parse(w.rehash[f[0].ID])
	if err != nil || !strings.HasPrefix(v.Encoded(), ours) {
		t.Fatal("not upgraded", err)
	}
	if ok, _ := w.passwords.Checker.Check(t.Context(), "x", v, "kort"); !ok {
		t.Error("upgraded to another password")
	}
}

func TestPasswordChange(t *testing.T) {
	w := newWorld(t)
	a := w.person("jan")
	who := w.signed(a, Password)
	const other = "tangerine-lathe-9"
	w.is(w.passwords.Change(t.Context(), Signed{AccountID: a.ID}, good, other, Source{}, w.by()), ErrStepUp)
	w.is(w.passwords.Change(t.Context(), who, "wrong-wrong-wrong", other, Source{}, w.by()), ErrWrong)
	w.is(w.passwords.Change(t.Context(), who, good, "password1234", Source{}, w.by()), ErrCommon)
	w.is(w.passwords.First(t.Context(), who, other, w.by()), store.ErrConflict)
	_, mine, err := w.sessions.Start(t.Context(), Start{AccountID: a.ID, Verdict: Verdict{Enough: true, At: w.now()}}, w.by())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.sessions.Start(t.Context(), Start{AccountID: a.ID, Verdict: Verdict{Enough: true, At: w.now()}}, w.by()); err != nil {
		t.Fatal(err)
	}
	who.SessionID = mine.ID
	if err := w.passwords.Change(t.Context(), who, good, other, Source{}, w.by()); err != nil {
		t.Fatal(err)
	}
	if all, _ := w.sessions.List(t.Context(), a.ID); len(all) != 1 || all[0].ID != mine.ID {
		t.Errorf("sessions left: %+v", all)
	}
	_, _, err = w.passwords.Check(t.Context(), "jan", good, Source{})
	w.is(err, ErrWrong)
	if _, _, err := w.passwords.Check(t.Context(), "jan", other, Source{}); err != nil {
		t.Error(err)
	}
	w.wait(fresh + time.Second)
	w.is(w.passwords.Change(t.Context(), who, other, good, Source{}, w.by()), ErrStepUp)
}

// E04, P01: a known and an unknown name take as long.
func BenchmarkPasswordCheck(b *testing.B) {
	b.Run("nobody", func(b *testing.B) {
		c, err := secret.NewChecker(strings.NewReader(strings.Repeat("k", 32)), secret.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			c.Check(b.Context(), "", nobody, "wrong-wrong-wrong")
		}
	})
	b.Run("somebody", func(b *testing.B) {
		c, err := secret.NewChecker(strings.NewReader(strings.Repeat("k", 32)), secret.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		v, err := secret.FromChosen(secret.Of(good), strings.NewReader(strings.Repeat("s", 16)))
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			c.Check(b.Context(), "", v, "wrong-wrong-wrong")
		}
	})
}
