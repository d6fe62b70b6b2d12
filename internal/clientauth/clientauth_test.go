package clientauth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/wire"
	"github.com/grantway/grantway/oauth"
)

var start = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// memory keeps clients.
type memory map[string]*store.Client

func (m memory) Find(_ context.Context, id string) (*store.Client, error) {
	if c, ok := m[id]; ok {
		return c, nil
	}
	return nil, store.ErrNotFound
}

// A fixture has one good client, "client1" with the secret "right", and others
// that differ from it in one thing.
type fixture struct {
	*Authenticator
	clients memory
	now     time.Time
	fact    *activity.Fact
}

func fresh(t testing.TB) *fixture {
	t.Helper()
	checker, err := secret.NewChecker(rand.Reader, secret.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{clients: memory{}, now: start}
	f.Authenticator = &Authenticator{
		Clients: f.clients, Secrets: checker, Key: []byte("a key of this test"),
		Failures: limit.NewBudget(limit.RateConfig{Events: 30, Per: time.Minute, Now: func() time.Time { return f.now }}),
		Now:      func() time.Time { return f.now },
	}
	f.add(t, "client1", "right")
	return f
}

// add makes a client. Its verifier is that of a generated secret, whatever the
// text: one SHA-256.
func (f *fixture) add(t testing.TB, id string, secrets ...string) *store.Client {
	t.Helper()
	c := &store.Client{ID: id}
	for i, text := range secrets {
		sum := secret.HashOf(text)
		c.Secrets = append(c.Secrets, store.Secret{ID: fmt.Sprintf("%s-s%d", id, i), ClientID: id, Verifier: "sha256:" + base64.RawURLEncoding.EncodeToString(sum[:])})
	}
	if len(c.Secrets) > 0 {
		if _, err := secret.Parse(c.Secrets[0].Verifier); err != nil {
			t.Fatal(err)
		}
	}
	f.clients[id] = c
	return c
}

// ask authenticates a request with this body and, if it is not empty, this
// Authorization header.
func (f *fixture) ask(t testing.TB, body, header string, more ...string) (*store.Client, *store.Secret, error) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/oauth2/token", nil)
	r.RemoteAddr = "192.0.2.1:1234"
	for _, value := range append([]string{header}, more...) {
		if value != "" {
			r.Header.Add("Authorization", value)
		}
	}
	return f.from(t, r, body)
}

func (f *fixture) from(t testing.TB, r *http.Request, body string) (*store.Client, *store.Secret, error) {
	t.Helper()
	parsed, err := wire.ParseForm([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	f.fact = &activity.Fact{}
	return f.Authenticate(r.WithContext(activity.With(r.Context(), f.fact)), parsed)
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

func post(id, secret string) string {
	return url.Values{"client_id": {id}, "client_secret": {secret}}.Encode()
}

func TestAuthenticate(t *testing.T) {
	f := fresh(t)
	f.add(t, "two", "first", "second")
	f.add(t, "none")
	f.add(t, "odd id", "p%40ss+w:rd")
	f.add(t, "p%41", "right")
	f.add(t, "disabled", "right").DisabledAt = start
	f.add(t, "only basic", "right").AuthMethods = []string{oauth.AuthClientSecretBasic}
	f.add(t, "only post", "right").AuthMethods = []string{oauth.AuthClientSecretPost}
	f.add(t, "expired", "old", "right").Secrets[0].ExpiresAt = start
	f.add(t, "expiring", "right").Secrets[0].ExpiresAt = start.Add(time.Nanosecond)
	f.clients["damaged"] = &store.Client{ID: "damaged", Secrets: []store.Secret{{ID: "x", Verifier: "nonsense"}}}

	for _, row := range []struct {
		name, body, header string
		secret             string // that proved it; empty: refused
		reason             *refusal.Reason
		shown              *refusal.Reason
	}{
		{"Basic", "", basic("client1", "right"), "client1-s0", nil, nil},
		{"Basic, lower case", "", "basic" + basic("client1", "right")[5:], "client1-s0", nil, nil},
		{"in the body", post("client1", "right"), "", "client1-s0", nil, nil},
		{"Basic and the same id in the body", "client_id=client1", basic("client1", "right"), "client1-s0", nil, nil},
		{"Basic and an empty secret in the body", "client_secret=", basic("client1", "right"), "client1-s0", nil, nil},
		{"the second of two", "", basic("two", "second"), "two-s1", nil, nil},
		{"raw with % and + and :", "", basic("odd id", "p%40ss+w:rd"), "odd id-s0", nil, nil},
		{"form-encoded", "", basic(url.QueryEscape("odd id"), url.QueryEscape("p%40ss+w:rd")), "odd id-s0", nil, nil},
		{"form-encoded beside the plain id", "client_id=odd+id", basic(url.QueryEscape("odd id"), url.QueryEscape("p%40ss+w:rd")), "odd id-s0", nil, nil},
		{"an id that looks encoded", "", basic("p%41", "right"), "p%41-s0", nil, nil},
		{"an end that has not come", "", basic("expiring", "right"), "expiring-s0", nil, nil},
		{"a live secret beside an expired one", "", basic("expired", "right"), "expired-s1", nil, nil},
		{"E06 registered for Basic", "", basic("only basic", "right"), "only basic-s0", nil, nil},
		{"E06 registered for the body", post("only post", "right"), "", "only post-s0", nil, nil},

		{"nothing", "", "", "", refusal.ClientUnauthenticated, refusal.ClientUnauthenticated},
		{"a secret alone", "client_secret=right", "", "", refusal.ClientUnauthenticated, refusal.ClientUnauthenticated},
		{"E07 an id alone", "client_id=client1", "", "", refusal.SecretMissing, refusal.CredentialsWrong},
		{"E07 an unknown id alone", "client_id=nobody", "", "", refusal.SecretMissing, refusal.CredentialsWrong},
		{"E07 an empty secret", "client_id=client1&client_secret=", "", "", refusal.SecretMissing, refusal.CredentialsWrong},
		{"E07 an empty secret by Basic", "", basic("client1", ""), "", refusal.SecretWrong, refusal.CredentialsWrong},
		{"E04 unknown", "", basic("nobody", "right"), "", refusal.ClientUnknown, refusal.CredentialsWrong},
		{"E04 wrong", "", basic("client1", "wrong"), "", refusal.SecretWrong, refusal.CredentialsWrong},
		{"E04 no secrets", "", basic("none", "right"), "", refusal.SecretWrong, refusal.CredentialsWrong},
		{"no id by Basic", "", basic("", "right"), "", refusal.ClientUnknown, refusal.CredentialsWrong},
		{"a space more", "", basic("client1", "right "), "", refusal.SecretWrong, refusal.CredentialsWrong},
		{"case of the id", "", basic("Client1", "right"), "", refusal.ClientUnknown, refusal.CredentialsWrong},
		{"a secret of 5 KiB", "", basic("client1", strings.Repeat("x", 5000)), "", refusal.SecretWrong, refusal.CredentialsWrong},
		{"E22 disabled", "", basic("disabled", "right"), "", refusal.ClientDisabled, refusal.ClientDisabled},
		{"E22 disabled, and wrong", "", basic("disabled", "wrong"), "", refusal.SecretWrong, refusal.CredentialsWrong},
		{"E23 expired", "", basic("expired", "old"), "", refusal.SecretExpired, refusal.SecretExpired},
		{"E23 expired, and wrong", "", basic("expired", "wrong"), "", refusal.SecretWrong, refusal.CredentialsWrong},
		{"E06 Basic, registered for the body", "", basic("only post", "right"), "", refusal.MethodNotRegistered, refusal.MethodNotRegistered},
		{"E06 the body, registered for Basic", post("only basic", "right"), "", "", refusal.MethodNotRegistered, refusal.MethodNotRegistered},
		{"E06 the body, registered for Basic, and wrong", post("only basic", "wrong"), "", "", refusal.SecretWrong, refusal.CredentialsWrong},
		{"two methods", post("client1", "right"), basic("client1", "right"), "", refusal.TwoMethods, refusal.TwoMethods},
		{"two secrets", "client_secret=right", basic("client1", "right"), "", refusal.TwoMethods, refusal.TwoMethods},
		{"two ids", "client_id=two", basic("client1", "right"), "", refusal.TwoMethods, refusal.TwoMethods},
		{"Bearer", "", "Bearer abc", "", refusal.BasicMalformed, refusal.BasicMalformed},
		{"Bearer and a good secret", post("client1", "right"), "Bearer abc", "", refusal.BasicMalformed, refusal.BasicMalformed},
		{"no colon", "", "Basic " + base64.StdEncoding.EncodeToString([]byte("client1")), "", refusal.BasicMalformed, refusal.BasicMalformed},
		{"not base64", "", "Basic client1:right", "", refusal.BasicMalformed, refusal.BasicMalformed},
		{"nothing after Basic", "", "Basic ", "", refusal.BasicMalformed, refusal.BasicMalformed},
	} {
		t.Run(row.name, func(t *testing.T) {
			client, used, err := f.ask(t, row.body, row.header)
			if row.reason == nil {
				if err != nil || used.ID != row.secret || used.ClientID != client.ID || f.fact.Client != client.ID || f.fact.Secret != used.ID {
					t.Errorf("got %v, %v, fact %+v", used, err, f.fact)
				}
				return
			}
			if !errors.Is(err, row.reason) || client != nil || used != nil {
				t.Errorf("got %v, %v, %v; want %s", client, used, err, row.reason.ID)
			}
			if shown := refusal.Of(err).Public(); shown != row.shown {
				t.Errorf("shown as %s", shown.ID)
			}
		})
	}

	if _, _, err := f.ask(t, "", basic("client1", "right"), basic("client1", "right")); !errors.Is(err, refusal.TwoMethods) {
		t.Errorf("two headers: %v", err)
	}
	if _, _, err := f.ask(t, "", basic("damaged", "right")); err == nil || errors.Is(err, oauth.InvalidClient) || strings.Contains(err.Error(), "nonsense") {
		t.Errorf("a damaged verifier: %v", err)
	}
}

func TestMethodsAreServed(t *testing.T) {
	if diff := cmp.Diff([]string{"client_secret_basic", "client_secret_post"}, Names()); diff != "" {
		t.Error(diff)
	}
}

// failing cannot say whether there is such a client.
type failing struct{ err error }

func (f failing) Find(context.Context, string) (*store.Client, error) { return nil, f.err }

// TestNotTheClientsFault is row E27: nothing is spent when we cannot say.
func TestNotTheClientsFault(t *testing.T) {
	f := fresh(t)
	for range 40 {
		f.Clients = failing{fmt.Errorf("%w: gone", store.ErrUnavailable)}
		if _, _, err := f.ask(t, "", basic("client1", "right")); !errors.Is(err, store.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	f.Clients = f.clients
	if _, _, err := f.ask(t, "", basic("client1", "right")); err != nil {
		t.Errorf("failures of ours were counted: %v", err)
	}
}

// TestBusy: slow hashes that have no place are no failures of the client.
func TestBusy(t *testing.T) {
	f := fresh(t)
	slow, err := secret.FromChosen(secret.Of("chosen"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	f.clients["slow"] = &store.Client{ID: "slow", Secrets: []store.Secret{{ID: "s", ClientID: "slow", Verifier: slow.Encoded()}}}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 40 {
		r := httptest.NewRequest(http.MethodPost, "/", nil).WithContext(ended)
		r.RemoteAddr = "192.0.2.1:1234"
		if _, _, err := f.from(t, r, post("slow", "wrong")); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if _, used, err := f.ask(t, post("slow", "chosen"), ""); err != nil || used.ID != "s" {
		t.Error(err)
	}
}

func TestElsewhere(t *testing.T) {
	f := fresh(t)
	f.Elsewhere = func(_ context.Context, id string, s secret.Secret) string {
		if id == "client9" && s.Reveal() == "right" {
			return "production"
		}
		return ""
	}
	_, _, err := f.ask(t, "", basic("client9", "right"))
	if refusal.Of(err).Public() != refusal.CredentialsWrong || f.fact.Refusal != nil {
		t.Errorf("the answer says more than it may: %v", err)
	}
	f.fact.After(t.Context())
	if f.fact.Refusal.Reason != refusal.SecretOfAnotherEnvironment || !cmp.Equal(f.fact.Notes, []string{"other-environment:production"}) {
		t.Errorf("the log learns %+v", f.fact)
	}
}

// TestFactHoldsNoSecret: not even when it stands in the id's place.
func TestFactHoldsNoSecret(t *testing.T) {
	f := fresh(t)
	made, err := secret.New("staging", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, claimed := range map[string]string{made.Reveal(): "", strings.Repeat("x", 128): strings.Repeat("x", 128), strings.Repeat("x", 129): "", "nobody": "nobody"} {
		if _, _, err := f.ask(t, "", basic(name, "client0")); err == nil || f.fact.Client != claimed || strings.Contains(err.Error(), made.Reveal()) {
			t.Errorf("%q, %v", f.fact.Client, err)
		}
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	f := fresh(b)
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header.Set("Authorization", basic("client1", "right"))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := f.Authenticate(r, wire.Parameters{}); err != nil {
			b.Fatal(err)
		}
	}
}
