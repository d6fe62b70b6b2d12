package catalogue

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/secret"
)

// profiles is a good file with every key. The rows break one thing of it.
const profiles = `default: sync
profiles:
  sync:
    issuer: https://auth.example/staging
    token_url: https://auth.example/token
    client_id: acme
    secret: ${ACME_SECRET}
    auth: body
    grant: client_credentials
    scopes: [notes:read, notes:write]
    audience: https://api.example
    resources: https://api.example/notes
    params: {organization: org_1}
    apis: [https://API.example:443/, "http://127.0.0.1:8080"]
  me:
    issuer: https://auth.example
    authorization_url: https://login.example/authorize
    client_id: "12345"
    sign_in_params: {prompt: login}
    redirect_uri: http://localhost:8400/back
`

func loadProfiles(t *testing.T, text string) (*Profiles, string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "profiles.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := LoadProfiles(path)
	return p, filepath.Dir(path), err
}

func TestProfiles(t *testing.T) {
	all, _, err := loadProfiles(t, profiles)
	if err != nil {
		t.Fatal(err)
	}
	env := func(name string) (string, bool) { return "of " + name, true }
	for name, want := range map[string]Profile{
		"": {
			Name: "sync", Issuer: "https://auth.example/staging", TokenURL: "https://auth.example/token", ClientID: "acme",
			Variable: "ACME_SECRET", Secret: secret.Of("of ACME_SECRET"), Auth: "body", Scopes: []string{"notes:read", "notes:write"},
			Audience: "https://api.example", Resources: []string{"https://api.example/notes"},
			Params: url.Values{"organization": {"org_1"}}, SignInParams: url.Values{}, RedirectURI: "http://127.0.0.1/callback",
			APIs: []string{"https://api.example", "http://127.0.0.1:8080"},
		},
		"me": {
			Name: "me", Issuer: "https://auth.example", AuthorizationURL: "https://login.example/authorize", ClientID: "12345", People: true,
			Params: url.Values{}, SignInParams: url.Values{"prompt": {"login"}}, RedirectURI: "http://localhost:8400/back",
		},
	} {
		got, err := all.Choose(name, env)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, *got, cmp.Comparer(func(a, b secret.Secret) bool { return a.Equal(b) })); diff != "" {
			t.Errorf("%q (-want +got):\n%s", name, diff)
		}
	}
	if _, err := all.Choose("sync", func(string) (string, bool) { return "", true }); err == nil ||
		!strings.Contains(err.Error(), "profiles.yaml:7:13: profiles.sync.secret: the environment variable ACME_SECRET is not set") {
		t.Errorf("a variable that is empty: %v", err)
	}
	if _, err := all.Choose("me", func(string) (string, bool) { t.Error("asked for a variable of another"); return "", false }); err != nil {
		t.Error(err)
	}
	if _, err := all.Choose("you", env); err == nil || !strings.Contains(err.Error(), `no profile "you"; it has sync, me`) {
		t.Errorf("another: %v", err)
	}
	one, folder, err := loadProfiles(t, "profiles: {only: {token_url: 'https://auth.example/token', client_id: x, secret_file: x.secret}}")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := one.Choose("", env); err != nil || got.SecretFile != filepath.Join(folder, "x.secret") || got.People {
		t.Errorf("the only one: %+v, %v", got, err)
	}
	two, _, err := loadProfiles(t, strings.TrimPrefix(profiles, "default: sync\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := two.Choose("", env); err == nil || !strings.Contains(err.Error(), "choose sync, me") {
		t.Errorf("none of two: %v", err)
	}
	if _, err := LoadProfiles("nowhere.yaml"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestProfileFaults(t *testing.T) {
	for _, row := range []struct{ old, with, says string }{
		{"default: sync", "default: synch", `:1:10: default: "synch" is not a profile`},
		{"sync:\n", "Sync:\n", `profiles.Sync: "Sync" is not a name`},
		{"client_id: acme", "", "profiles.sync.client_id: is missing"},
		{"issuer: https://auth.example/staging", "issuer: http://auth.example/staging", "profiles.sync.issuer: \"http://auth.example/staging\" is http"},
		{"issuer: https://auth.example/staging", "issuer: https://me:hunter@auth.example", "profiles.sync.issuer: holds a user name"},
		{"secret: ${ACME_SECRET}", "secret: hunter2", ":7:13: profiles.sync.secret: a secret does not stand in the file"},
		{"secret: ${ACME_SECRET}", "secret: x${ACME_SECRET}", "profiles.sync.secret: a secret does not stand in the file"},
		{"secret: ${ACME_SECRET}", "secret: ${ACME_SECRET}\n    secret_file: x", "profiles.sync.secret_file: the profile has a secret already"},
		{"secret: ${ACME_SECRET}", "", "profiles.sync: a client that asks for itself needs a secret"},
		{"auth: body", "auth: post", `profiles.sync.auth: "post" is not known here`},
		{"grant: client_credentials", "grant: password", `profiles.sync.grant: "password" is not known here`},
		{"audience: https://api.example", "audience: ${X}", "profiles.sync.audience: environment variables are not read here"},
		{"https://API.example:443/", "https://api.example/v1", `profiles.sync.apis[0]: "https://api.example/v1" is more than an origin`},
		{"https://API.example:443/", "http://api.example", "profiles.sync.apis[0]: "},
		{"https://API.example:443/", "https://api.example?", "is more than an origin"},
		{"    issuer: https://auth.example\n", "", "profiles.me: nobody is named to ask for tokens"},
		{"issuer: https://auth.example\n    authorization_url: https://login.example/authorize", "token_url: https://auth.example/t", "profiles.me: nobody is named where people sign in"},
		{"sign_in_params", "auth: basic\n    sign_in_params", `profiles.me.auth: "basic" needs a secret`},
		{"http://localhost:8400/back", "https://app.example/back", `profiles.me.redirect_uri: "https://app.example/back" is not on this machine`},
		{"http://localhost:8400/back", "http://127.0.0.2/back", "is not on this machine"},
		{"http://localhost:8400/back", "org.example.app:/back", "is not on this machine"},
		{"http://localhost:8400/back", "http://127.0.0.1/#x", "has a fragment"},
		{"redirect_uri", "redirect_url", "did you mean redirect_uri?"},
	} {
		broken := strings.Replace(profiles, row.old, row.with, 1)
		if broken == profiles {
			t.Fatalf("%q is not in the fixture", row.old)
		}
		_, _, err := loadProfiles(t, broken)
		if _, ok := errors.AsType[Faults](err); !ok || !strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%q: %v\nwant %q", row.with, err, row.says)
		}
	}
	if _, _, err := loadProfiles(t, ""); err == nil || !strings.Contains(err.Error(), "the file is empty") {
		t.Errorf("an empty file: %v", err)
	}
}

func TestCheckProfile(t *testing.T) {
	good := ProfileEntry{Issuer: "https://auth.example", ClientID: "c", Secret: "S"}
	env := func(name string) (string, bool) { return map[string]string{"S": "s3cret"}[name], name == "S" }
	if p, err := CheckProfile(good, env); err != nil || p.Secret.Reveal() != "s3cret" || p.People {
		t.Fatalf("%+v, %v", p, err)
	}
	for _, row := range []struct {
		alter func(*ProfileEntry)
		path  string
	}{
		{func(e *ProfileEntry) { e.ClientID = "" }, "client_id"},
		{func(e *ProfileEntry) { e.Issuer = "ftp://x" }, "issuer"},
		{func(e *ProfileEntry) { e.Auth = "post" }, "auth"},
		{func(e *ProfileEntry) { e.Secret = "T" }, "secret"},
		{func(e *ProfileEntry) { e.APIs = List{"x"} }, "apis[0]"},
	} {
		broken := good
		row.alter(&broken)
		_, err := CheckProfile(broken, env)
		if faults, ok := errors.AsType[Faults](err); !ok || len(faults) != 1 || faults[0].Path != row.path {
			t.Errorf("%s: %v", row.path, err)
		}
	}
}

func TestAPIOrigin(t *testing.T) {
	for text, want := range map[string]string{
		"https://API.example/x?y": "https://api.example", "https://api.example:443": "https://api.example", "http://api.example:443": "http://api.example:443",
		"http://a.example:80/": "http://a.example", "https://[::1]:8443/": "https://[::1]:8443", "HTTP://[::1]/": "http://[::1]",
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := APIOrigin(u); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// TestProfileKeysAreExplained: people find every key in the guide.
func TestProfileKeysAreExplained(t *testing.T) {
	guide, err := os.ReadFile("../../docs/CLIENT.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range slices.Concat(fieldsOf(reflect.TypeFor[ProfilesFile]()), fieldsOf(reflect.TypeFor[ProfileEntry]())) {
		if !strings.Contains(string(guide), "`"+f.key+"`") {
			t.Errorf("docs/CLIENT.md does not explain `%s`", f.key)
		}
	}
}
