package admin

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/revocation"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/sqlstore"
)

var today = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// A fixture is the handler with two environments, each with a real store.
type fixture struct {
	http.Handler
	options      Options
	now          time.Time
	environments []*partner.Clients
	rings        map[string]*keys.Ring
	activity     map[string]store.Activity
	denials      map[string]*revocation.Denials
	people       map[string]*People
	apiTokens    map[string]*partner.APITokens
	partners     *partner.Partners
	remembered   map[string]*Remembered
	audited      map[string]*Audited
	mailed       []account.Message
	stored       []store.By                   // denials that were
	seen         atomic.Pointer[http.Request] // by Authorize
}

// Roles that the fixture knows, as bearer tokens.
const (
	nobody = ""
	reader = "reader"
	writer = "writer"
	second = "second" // may what the writer may
)

func open(t *testing.T) *fixture {
	t.Helper()
	return openAt(t, func(name string) string { return "sqlite:" + filepath.Join(t.TempDir(), name+".db") })
}

// openAt is open with stores of one's own.
func openAt(t *testing.T, dsn func(environment string) string) *fixture {
	t.Helper()
	f := &fixture{now: today, remembered: map[string]*Remembered{}, audited: map[string]*Audited{}, rings: map[string]*keys.Ring{}, activity: map[string]store.Activity{}, people: map[string]*People{}, apiTokens: map[string]*partner.APITokens{}}
	seal, err := keys.NewSeal(strings.Repeat("5e", 32))
	if err != nil {
		t.Fatal(err)
	}
	check, err := secret.NewChecker(rand.Reader, secret.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"staging", "production", "home"} {
		db, err := sqlstore.Open(t.Context(), dsn(name), sqlstore.Options{Keep: home.Owner})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		f.environments = append(f.environments, &partner.Clients{
			Environment: environment(name), Store: db.Clients(), Secrets: db.Secrets(), Check: check, Random: rand.Reader,
			Partners: db.PartnerClients(), ScopeUses: db.ScopeUses(), Now: func() time.Time { return f.now },
		})
		f.remembered[name] = &Remembered{History: db.History(), Replays: db.Replays()}
		f.activity[name] = db.Activity()
		f.people[name] = f.peopled(db, check)
		f.apiTokens[name] = &partner.APITokens{
			Environment: environment(name), Store: db.APITokens(), Random: rand.Reader, Now: func() time.Time { return f.now },
		}
		f.audited[name] = &Audited{Changes: db.Changes(), Seals: db.Seals(), Marks: db.Marks()}
		if name == "home" {
			f.house(db)
			continue
		}
		f.rings[name], err = keys.Open(t.Context(), keys.Settings{
			Environment: name, Purpose: keys.AccessToken, Keys: db.Keys(), Seal: seal, Header: dialect.RFC.Header,
			Now: func() time.Time { return f.now },
		}, []jose.Algorithm{jose.ES256}, store.By{Actor: "test"})
		if err != nil {
			t.Fatal(err)
		}
		f.audited[name].Keys = f.rings[name]
	}
	f.denials = map[string]*revocation.Denials{}
	for name := range f.rings {
		f.denials[name] = f.denying(t, name)
	}
	f.options = Options{
		Denials:      func(environment string) *revocation.Denials { return f.denials[environment] },
		People:       func(environment string) *People { return f.people[environment] },
		APITokens:    func(environment string) *partner.APITokens { return f.apiTokens[environment] },
		Environments: func() []*partner.Clients { return f.environments },
		Partners:     func() *partner.Partners { return f.partners },
		Audited:      func(environment string) *Audited { return f.audited[environment] },
		Remembered:   func(environment string) *Remembered { return f.remembered[environment] },
		Keys: func(environment, purpose string) *keys.Ring {
			if purpose != keys.AccessToken {
				return nil
			}
			return f.rings[environment]
		},
		Activity: func(environment string) store.Activity { return f.activity[environment] },
		Authorize: func(r *http.Request, permission string) (string, error) {
			f.seen.Store(r)
			token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			reads := []string{ReadClients, ReadKeys, ReadAccounts, ReadAPITokens, ReadPartners, ReadChanges, ReadOperators}
			all := append([]string{WriteClients, WriteKeys, WriteAccounts, WriteAPITokens, WritePartners, WriteOperators}, reads...)
			allowed := map[string][]string{
				reader: reads, writer: all, second: all,
				"clients": {ReadClients, WriteClients}, "keys": {ReadKeys, WriteKeys},
				"accounts": {ReadAccounts, WriteAccounts}, "api-tokens": {ReadAPITokens, WriteAPITokens},
				"partners": {ReadPartners, WritePartners}, "changes": {ReadChanges}, "operators": {ReadOperators, WriteOperators},
			}
			switch may, known := allowed[token]; {
			case !known:
				return "", ErrUnauthenticated
			case !slices.Contains(may, permission):
				return "", ErrForbidden
			}
			return token, nil
		},
		OnMachine: true, Now: func() time.Time { return f.now }, Random: rand.Reader,
	}
	f.restart(t)
	return f
}

func (f *fixture) restart(t *testing.T) {
	t.Helper()
	var err error
	if f.Handler, err = New(f.options); err != nil {
		t.Fatal(err)
	}
}

func environment(name string) *catalogue.Environment {
	issuer, _ := url.Parse("https://auth." + name + ".example")
	return &catalogue.Environment{
		Name: name, Title: name, Use: "development", Issuer: issuer, Base: issuer, Dialect: "rfc",
		APIs: []*catalogue.API{{
			Tokens: catalogue.APITokens{Header: "apiToken", For: "requestedAuth", Elevated: true},
			Name:   "moves", Title: "Moves", Audience: "https://api." + name + ".example/moves", Token: catalogue.Token{Lifetime: time.Hour, Algorithm: jose.ES256, Format: catalogue.JWT},
			Scopes: []*catalogue.Scope{{Name: "moves:read", Description: "Read moves"}, {Name: "moves:write", Description: "Write moves"}},
		}},
		Clients: []catalogue.Client{{
			ID: "nightly-sync", Name: "Nightly sync", Grants: []string{"client_credentials"},
			Allotted: map[string][]string{"moves": {"moves:read"}}, Verifier: "sha256:AAAA",
		}},
	}
}

const trace = "0123456789abcdef0123456789abcdef"

// ask sends a request as the role.
func (f *fixture) ask(role, method, path, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r = r.WithContext(activity.With(r.Context(), &activity.Fact{Trace: trace}))
	if role != nobody {
		r.Header.Set("Authorization", "Bearer "+role)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

// does asks as the writer and wants the status.
func (f *fixture) does(t *testing.T, status int, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	w := f.ask(writer, method, path, body)
	if w.Code != status {
		t.Fatalf("%s %s answers %d, want %d: %s", method, path, w.Code, status, w.Body)
	}
	return w
}

func decoded[T any](t *testing.T, w *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	d := json.NewDecoder(strings.NewReader(w.Body.String()))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	return v
}

const (
	clientsOfStaging = Prefix + "/environments/staging/clients"
	wanted           = `{"name":"Acme","scopes":["moves:read"]}`
)

func TestLifeOfAClient(t *testing.T) {
	f := open(t)
	w := f.does(t, 201, "POST", clientsOfStaging, `{"id":"acme/1","name":"Acme","scopes":["all"],"expires_at":"2027-01-01T00:00:00Z"}`)
	path := w.Header().Get("Location")
	if path != clientsOfStaging+"/acme%2F1" {
		t.Errorf("the client is at %s", path)
	}
	made := decoded[Changed](t, w)
	if _, ok := secret.Environment(made.Secret); !ok {
		t.Errorf("no secret was handed out: %+v", made)
	}
	shown := decoded[Client](t, f.does(t, 200, "GET", path, ""))
	if s := shown.Secrets[0]; s.ID != made.SecretID || s.Hint != made.Secret[len(made.Secret)-4:] || !s.Live || s.ExpiresAt.Year() != 2027 {
		t.Errorf("the secret is shown as %+v", s)
	}
	second := f.does(t, 201, "POST", path+"/secrets", `{}`)
	if got, want := second.Header().Get("Location"), path+"/secrets/"+decoded[Changed](t, second).SecretID; got != want {
		t.Errorf("the secret is at %s, want %s", got, want)
	}
	revoked := decoded[Changed](t, f.does(t, 200, "DELETE", path+"/secrets/"+made.SecretID, ""))
	if len(revoked.Client.Secrets) != 1 || len(revoked.Warnings) != 0 {
		t.Errorf("%+v", revoked)
	}
	f.does(t, 404, "DELETE", path+"/secrets/"+made.SecretID, "")
	last := decoded[Changed](t, f.does(t, 200, "DELETE", second.Header().Get("Location"), ""))
	if len(last.Warnings) != 1 {
		t.Errorf("the last secret went without a warning: %+v", last)
	}
	if c := decoded[Changed](t, f.does(t, 200, "POST", path+"/disable", "")).Client; !c.Disabled || c.DisabledAt.IsZero() {
		t.Errorf("disabled: %+v", c)
	}
	if c := decoded[Changed](t, f.does(t, 200, "POST", path+"/enable", "")).Client; c.Disabled {
		t.Errorf("enabled: %+v", c)
	}
	f.does(t, 200, "DELETE", path, "")
	f.does(t, 404, "GET", path, "")
	f.does(t, 409, "POST", clientsOfStaging, `{"id":"acme/1","scopes":["all"]}`) // O14
}

// O15: the secret stands in one answer.
func TestO15SecretIsShownOnce(t *testing.T) {
	f := open(t)
	w := f.does(t, 201, "POST", clientsOfStaging, wanted)
	made := decoded[Changed](t, w)
	if strings.Count(w.Body.String(), made.Secret) != 1 {
		t.Error("the secret does not stand in the answer once")
	}
	path := w.Header().Get("Location")
	for _, again := range []*httptest.ResponseRecorder{
		f.does(t, 200, "GET", path, ""), f.does(t, 200, "GET", path+"/secrets", ""), f.does(t, 200, "GET", clientsOfStaging, ""),
		f.does(t, 201, "POST", path+"/secrets", `{}`), f.does(t, 200, "POST", path+"/disable", ""), f.does(t, 200, "DELETE", path, ""),
	} {
		if body := again.Body.String(); strings.Contains(body, made.Secret) || strings.Contains(body, "sha256") {
			t.Errorf("the secret, or what it is checked with, is shown again: %s", body)
		}
	}
}

func TestImportedSecretIsNotRepeated(t *testing.T) {
	f := open(t)
	const text = "a secret from elsewhere, 36 bytes"
	for _, member := range []string{`"secret":"` + text + `"`, `"hash":"{noop}` + text + `"`} {
		w := f.does(t, 201, "POST", clientsOfStaging, `{"name":"Acme","scopes":["all"],`+member+`}`)
		if made := decoded[Changed](t, w); made.Secret != "" || strings.Contains(w.Body.String(), text) {
			t.Errorf("the answer repeats it: %s", w.Body)
		}
	}
	w := f.does(t, 422, "POST", clientsOfStaging, `{"name":"Acme","scopes":["all"],"hash":"`+text+`"}`)
	if strings.Contains(w.Body.String(), text) {
		t.Errorf("the refusal repeats it: %s", w.Body)
	}
}

func TestStoreThatDoesNotAnswer(t *testing.T) {
	f := open(t)
	f.environments[0].Store = down{f.environments[0].Store}
	w := f.does(t, 503, "GET", clientsOfStaging, "")
	if w.Header().Get("Retry-After") == "" {
		t.Error("does not say when to try again")
	}
}

type down struct{ store.Clients }

func (down) List(context.Context, string, int) ([]store.Client, error) {
	return nil, store.ErrUnavailable
}

func TestNewNeedsRandomness(t *testing.T) {
	f := open(t)
	f.options.Random = strings.NewReader("too short")
	if _, err := New(f.options); err == nil {
		t.Error("made without randomness")
	}
}
