package account

import (
	"context"
	"crypto/rand"
	"errors"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/sqlstore"
)

// A world is an environment's people in a real store, with a clock of the test's.
type world struct {
	*testing.T
	store    *sqlstore.Store
	strength *Strength
	attempts *Attempts
	seal     *keys.Seal

	people    *People
	passwords *Passwords
	codes     *OneTimeCodes
	recovery  *RecoveryCodes
	passkeys  *Passkeys
	factors   *Factors
	sessions  *Sessions
	devices   *Devices
	links     *Links

	mu     sync.Mutex
	clock  time.Time
	mails  []Message
	rehash map[string]string // factor -> new hash
}

const good = "gulp-tractor-nine" // a password that may be chosen

var somewhere = netip.MustParseAddr("192.0.2.1")

func newWorld(t *testing.T) *world {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "store.db"), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	checker, err := secret.NewChecker(rand.Reader, secret.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	seal, err := keys.NewSeal(strings.Repeat("a5", 32))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, store: s, clock: noon, seal: seal, rehash: map[string]string{}}
	w.attempts = NewAttempts(w.now)
	w.strength = &Strength{Factors: s.Factors(), Identities: s.Identities(), Now: w.now}
	w.devices = &Devices{Store: s.Devices(), Life: 30 * 24 * time.Hour, Random: rand.Reader, Now: w.now}
	w.passwords = &Passwords{
		Accounts: s.Accounts(), Factors: s.Factors(), Rehash: w, Strength: w.strength, Devices: w.devices, Checker: checker,
		Attempts: w.attempts, Forget: time.Hour, Random: rand.Reader, Now: w.now,
	}
	w.people = &People{Accounts: s.Accounts(), Strength: w.strength, Passwords: w.passwords, Forget: time.Hour, Random: rand.Reader, Now: w.now}
	w.codes = &OneTimeCodes{Factors: s.Factors(), Strength: w.strength, Attempts: w.attempts, Seal: seal, Issuer: "De Stip", Random: rand.Reader, Now: w.now}
	w.recovery = &RecoveryCodes{Factors: s.Factors(), Strength: w.strength, Attempts: w.attempts, Random: rand.Reader, Now: w.now}
	w.factors = &Factors{Store: s.Factors(), Identities: s.Identities(), Strength: w.strength}
	w.sessions = &Sessions{Store: s.Sessions(), Idle: 30 * time.Minute, Life: 12 * time.Hour, Forget: time.Hour, Random: rand.Reader, Now: w.now}
	w.links = &Links{
		Store: s.Links(), Accounts: s.Accounts(), Passwords: w.passwords, Mailer: w, Publisher: "De Stip", Random: rand.Reader, Now: w.now,
		Reset:  func(handle string) string { return "https://id.example/reset?link=" + handle },
		Verify: func(handle string) string { return "https://id.example/verify?link=" + handle },
	}
	w.passkeys = w.passkeysAt("https://id.example")
	return w
}

func (w *world) passkeysAt(issuer string) *Passkeys {
	w.Helper()
	at, err := url.Parse(issuer)
	if err != nil {
		w.Fatal(err)
	}
	p := &Passkeys{Accounts: w.store.Accounts(), Factors: w.store.Factors(), Strength: w.strength, Seal: w.seal, Random: rand.Reader, Now: w.now}
	if err := p.Prepare(at, "De Stip"); err != nil {
		w.Fatal(err)
	}
	return p
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clock
}

func (w *world) wait(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock = w.clock.Add(d)
}

// Send implements Mailer.
func (w *world) Send(_ context.Context, m Message) error {
	w.mails = append(w.mails, m)
	return nil
}

// Rehash implements Rehasher.
func (w *world) Rehash(_ context.Context, factorID, _, now string) error {
	w.rehash[factorID] = now
	return nil
}

func (w *world) by() store.By { return store.By{Actor: "test", At: w.now()} }

func (w *world) person(name string) store.Account {
	w.Helper()
	a, err := w.people.Create(w.Context(), New{
		Name: name, Password: secret.Of(good), Profile: store.Profile{Email: name + "@school.example", EmailVerified: true},
	}, w.by())
	if err != nil {
		w.Fatal(err)
	}
	return a
}

// signed is somebody who has just proven all of it.
func (w *world) signed(a store.Account, proven ...Method) Signed {
	who := Signed{AccountID: a.ID}
	for _, m := range proven {
		who.Proven = append(who.Proven, Proof{Method: m, At: w.now()})
	}
	return who
}

// app adds an authenticator app to an account and returns its secret.
func (w *world) app(who Signed) []byte {
	w.Helper()
	setup, err := w.codes.Begin(w.Context(), who, "jan")
	if err != nil {
		w.Fatal(err)
	}
	key := appKey(w.T, setup)
	if _, err := w.codes.Confirm(w.Context(), who, setup.State, totp(key, step(w.now())), "phone", somewhere, w.by()); err != nil {
		w.Fatal(err)
	}
	w.wait(codeStep)
	return key
}

// factor returns the factor of a kind that an account has.
func (w *world) factor(a store.Account, kind string) store.Factor {
	w.Helper()
	all, err := w.store.Factors().Of(w.Context(), a.ID)
	for _, f := range all {
		if f.Kind == kind {
			return f
		}
	}
	w.Fatalf("no %s: %+v, %v", kind, all, err)
	return store.Factor{}
}

func step(at time.Time) int64 { return at.Unix() / 30 }

// is fails the test unless err is the one that is wanted.
func (w *world) is(err, want error) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Errorf("got %v, want %v", err, want)
	}
}
