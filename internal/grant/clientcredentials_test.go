package grant

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/wire"
	"github.com/grantway/grantway/oauth"
)

func scopes(names ...string) []*catalogue.Scope {
	var all []*catalogue.Scope
	for _, name := range names {
		name, aliases, _ := strings.Cut(name, "=")
		all = append(all, &catalogue.Scope{Name: name, Aliases: strings.Fields(aliases)})
	}
	return all
}

// apis: two that are signed alike, one that is not, one without scopes, and one
// that has a scope of the same name as the first.
func apis() []*catalogue.API {
	es := catalogue.Token{Format: catalogue.JWT, Algorithm: jose.ES256}
	return []*catalogue.API{
		{
			Name: "notes", Audience: "https://api.example/notes", Resource: "https://api.example/notes", Token: es,
			Scopes: scopes("notes:read=old-read older-read", "notes:write", "notes:admin", "shared"),
		},
		{Name: "files", Audience: "files", Resource: "https://api.example/files", Token: es, Scopes: scopes("files:read", "shared")},
		{
			Name: "vault", Audience: "https://vault.example/", Resource: "https://api.example/vault",
			Token: catalogue.Token{Format: catalogue.Opaque, Algorithm: jose.ES256}, Scopes: scopes("vault:open"),
		},
		{Name: "plain", Audience: "plain", Resource: "https://api.example/plain", Token: es},
		{Name: "secret", Audience: "https://api.example/secret", Resource: "https://api.example/secret", Token: es, Scopes: scopes("secret:read")},
	}
}

// TestMatrix says for each request what it authorizes.
func TestMatrix(t *testing.T) {
	everything := map[string][]string{
		"notes": {"notes:read", "notes:write", "shared"}, "files": {"files:read", "shared"}, "plain": {},
	}
	only := func(api string, names ...string) map[string][]string { return map[string][]string{api: names} }
	resources := func(n int) string {
		return strings.TrimPrefix(strings.Repeat("&resource=files", n), "&")
	}
	for _, row := range []struct {
		name     string
		sent     string // form parameters
		allotted map[string][]string
		needs    bool // the dialect needs an audience
		apis     string
		scope    string
		reason   *refusal.Reason
		says     string // in the refusal's text
	}{
		{"nothing is said", "", everything, false, "notes files plain", "notes:read notes:write shared files:read", nil, ""},
		{"an empty scope counts as none", "scope=", everything, false, "notes files plain", "notes:read notes:write shared files:read", nil, ""},
		{"spaces only", "scope=+++", only("files", "files:read"), false, "files", "files:read", nil, ""},
		{"an API without scopes", "", only("plain"), false, "plain", "", nil, ""},
		{"one scope", "scope=notes:read", everything, false, "notes", "notes:read", nil, ""},
		{"order as asked", "scope=notes:write+notes:read", everything, false, "notes", "notes:write notes:read", nil, ""},
		{"twice", "scope=notes:read+notes:read", everything, false, "notes", "notes:read", nil, ""},
		{"spaces in excess", "scope=+notes:read++notes:write+", everything, false, "notes", "notes:read notes:write", nil, ""},
		{"an alias", "scope=old-read", everything, false, "notes", "notes:read", nil, ""},
		{"an alias beside its name", "scope=old-read+notes:read+older-read", everything, false, "notes", "notes:read", nil, ""},
		{"scopes of two APIs", "scope=files:read+notes:read", everything, false, "files notes", "files:read notes:read", nil, ""},
		{"one name at two APIs", "scope=shared", everything, false, "notes files", "shared", nil, ""},
		{"one name, allotted at one", "scope=shared", map[string][]string{"notes": {"notes:read"}, "files": {"shared"}}, false, "files", "shared", nil, ""},
		{"allotted under a former name", "", only("notes", "old-read", "notes:read"), false, "notes", "notes:read", nil, ""},
		{"asked by the new name", "scope=notes:read", only("notes", "old-read"), false, "notes", "notes:read", nil, ""},
		{"a scope that the file no longer has", "", only("notes", "gone", "notes:read"), false, "notes", "notes:read", nil, ""},
		{"asked for what is gone", "scope=gone", only("notes", "gone", "notes:read"), false, "", "", refusal.ScopeUnknown, "may request: notes:read"},
		{"E20 not allotted", "scope=notes:admin", everything, false, "", "", refusal.ScopeNotAllotted, "scopes: notes:admin"},
		{"E20 several", "scope=notes:admin+notes:read+secret:read", everything, false, "", "", refusal.ScopeNotAllotted, "scopes: notes:admin secret:read"},
		{"E20 by an alias", "scope=older-read", only("notes", "notes:write"), false, "", "", refusal.ScopeNotAllotted, "scopes: notes:read"},
		{"E20 of an API that is not allotted", "scope=secret:read", only("files", "files:read"), false, "", "", refusal.ScopeNotAllotted, "scopes: secret:read"},
		{"unknown", "scope=notes:read+nothing", everything, false, "", "", refusal.ScopeUnknown, "may request: notes:read notes:write shared files:read"},
		{"case", "scope=Notes:read", everything, false, "", "", refusal.ScopeUnknown, ""},
		{"a scope of another API than the one named", "scope=files:read&audience=https://api.example/notes", everything, false, "", "", refusal.ScopeUnknown, "may request: notes:read notes:write shared"},
		{"a quote", "scope=a%22b", everything, false, "", "", refusal.ScopeMalformed, ""},
		{"a tab", "scope=a%09b", everything, false, "", "", refusal.ScopeMalformed, ""},
		{"64 names", "scope=" + many(64), everything, false, "", "", refusal.ScopeUnknown, ""},
		{"65 names", "scope=" + many(65), everything, false, "", "", refusal.ScopeMalformed, ""},

		{"audience", "audience=https://api.example/notes", everything, true, "notes", "notes:read notes:write shared", nil, ""},
		{"audience narrowed", "audience=files&scope=files:read", everything, true, "files", "files:read", nil, ""},
		{"audience as a resource", "resource=https://api.example/files", everything, false, "files", "files:read shared", nil, ""},
		{"a named API keeps its place without a scope", "resource=files&resource=https://api.example/notes&scope=files:read", everything, false, "files notes", "files:read", nil, ""},
		{"named twice", "resource=files&audience=files&resource=https://api.example/files", everything, false, "files", "files:read shared", nil, ""},
		{"a slash more", "audience=https://api.example/notes/", everything, true, "", "", refusal.AudienceUnknown, ""},
		{"a slash less", "audience=https://vault.example", only("vault", "vault:open"), true, "", "", refusal.AudienceUnknown, ""},
		{"with its slash", "audience=https://vault.example/", only("vault", "vault:open"), true, "vault", "vault:open", nil, ""},
		{"case of the audience", "audience=FILES", everything, true, "", "", refusal.AudienceUnknown, ""},
		{"an API's name is no audience", "audience=notes", everything, true, "", "", refusal.AudienceUnknown, ""},
		{"not allotted", "audience=https://api.example/secret", everything, true, "", "", refusal.AudienceNotAllotted, "access https://api.example/secret"},
		{"one of two not allotted", "resource=files&resource=https://api.example/secret", everything, false, "", "", refusal.AudienceNotAllotted, ""},
		{"its own id", "audience=client1", everything, false, "notes files plain", "notes:read notes:write shared files:read", nil, ""},
		{"its own id where one is needed", "audience=client1", everything, true, "", "", refusal.AudienceMissing, ""},
		{"none where one is needed", "scope=notes:read", everything, true, "", "", refusal.AudienceMissing, ""},
		{"empty where one is needed", "audience=", everything, true, "", "", refusal.AudienceMissing, ""},
		{"nothing is allotted", "", nil, false, "", "", refusal.AudienceNotAllotted, ""},
		{"only what the file no longer has", "", only("gone", "x"), false, "", "", refusal.AudienceNotAllotted, ""},
		{"8 resources", resources(8), everything, false, "files", "files:read shared", nil, ""},
		{"9 resources", resources(9), everything, false, "", "", refusal.AudienceUnknown, ""},
		{"8 and an audience", resources(8) + "&audience=files", everything, false, "", "", refusal.AudienceUnknown, ""},

		{"two formats", "", map[string][]string{"notes": {"notes:read"}, "vault": {"vault:open"}}, false, "", "", refusal.AudienceMixed, "https://api.example/notes https://vault.example/"},
		{"two formats, narrowed by scope", "scope=vault:open", map[string][]string{"notes": {"notes:read"}, "vault": {"vault:open"}}, false, "vault", "vault:open", nil, ""},
		{"two formats, narrowed by name", "audience=https://vault.example/", map[string][]string{"notes": {"notes:read"}, "vault": {"vault:open"}}, false, "vault", "vault:open", nil, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			g := &ClientCredentials{APIs: apis(), NeedsAudience: row.needs}
			got, err := g.Redeem(t.Context(), request(t, row.sent, row.allotted))
			if row.reason != nil {
				if !errors.Is(err, row.reason) || !strings.Contains(refusal.Of(err).Describe(), row.says) || got.APIs != nil {
					t.Errorf("got %+v, %v; want %s %q", got, err, row.reason.ID, row.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, api := range got.APIs {
				names = append(names, api.Name)
			}
			if strings.Join(names, " ") != row.apis || oauth.FormatScope(got.Scope) != row.scope || got.ClientID != "client1" || got.SecretID != "secret1" {
				t.Errorf("got %v %v %s %s", names, got.Scope, got.ClientID, got.SecretID)
			}
		})
	}
}

// many are n names of scopes that nobody has.
func many(n int) string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprint("s", i))
	}
	return strings.Join(names, "+")
}

func request(t interface{ Fatal(...any) }, sent string, allotted map[string][]string) Request {
	body, err := wire.ParseForm([]byte(sent))
	if err != nil {
		t.Fatal(err)
	}
	return Request{Client: &store.Client{ID: "client1", Allotted: allotted}, Secret: &store.Secret{ID: "secret1"}, Body: body}
}

func TestType(t *testing.T) {
	if got := (&ClientCredentials{}).Type(); got != "client_credentials" {
		t.Error(got)
	}
}

// TestNeverMoreThanAllotted: whatever is asked, a token gets scopes and APIs of
// the allotment only, each once, and what is not given in full is refused.
func TestNeverMoreThanAllotted(t *testing.T) {
	every := []string{"notes:read", "old-read", "notes:write", "notes:admin", "shared", "files:read", "vault:open", "secret:read", "gone"}
	targets := []string{"https://api.example/notes", "files", "https://vault.example/", "plain", "https://api.example/secret", "client1", "nobody", ""}
	rapid.Check(t, func(t *rapid.T) {
		all := apis()
		allotted := map[string][]string{}
		for _, api := range all {
			if rapid.Bool().Draw(t, api.Name) {
				allotted[api.Name] = rapid.SliceOfDistinct(rapid.SampledFrom(every), rapid.ID).Draw(t, "allotted")
			}
		}
		asked := rapid.SliceOfN(rapid.SampledFrom(every), 0, 4).Draw(t, "asked")
		form := url.Values{"scope": {strings.Join(asked, " ")}, "audience": {rapid.SampledFrom(targets).Draw(t, "audience")}}
		for _, r := range rapid.SliceOfN(rapid.SampledFrom(targets), 0, 2).Draw(t, "resource") {
			form.Add("resource", r)
		}
		g := &ClientCredentials{APIs: all, NeedsAudience: rapid.Bool().Draw(t, "needs")}
		req := request(t, form.Encode(), allotted)
		before := fmt.Sprint(allotted)
		got, err := g.Redeem(t.Context(), req)
		if fmt.Sprint(allotted) != before {
			t.Fatal("the client was changed")
		}
		if err != nil {
			if _, ok := errors.AsType[*refusal.Refusal](err); !ok && !errors.As(err, new(*refusal.Reason)) {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		if len(got.APIs) == 0 {
			t.Fatal("a token for nothing")
		}
		for i, api := range got.APIs {
			if _, ok := allotted[api.Name]; !ok || slices.Contains(got.APIs[:i], api) {
				t.Fatalf("for %s", api.Name)
			}
		}
		for i, scope := range got.Scope {
			if slices.Contains(got.Scope[:i], scope) {
				t.Fatalf("%s twice", scope)
			}
			if !slices.ContainsFunc(got.APIs, func(api *catalogue.API) bool { return slices.Contains(current(api, allotted[api.Name]), scope) }) {
				t.Fatalf("%s is not allotted", scope)
			}
		}
		for _, name := range asked {
			if !slices.Contains(got.Scope, canonical(name, got.APIs)) {
				t.Fatalf("%s was dropped", name)
			}
		}
	})
}

func TestUnion(t *testing.T) {
	if diff := cmp.Diff([]string{"a", "b", "c"}, union([][]string{{"a", "b"}, nil, {"b", "c", "a"}})); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkRedeem(b *testing.B) {
	g := &ClientCredentials{APIs: apis()}
	allotted := map[string][]string{"notes": {"notes:read", "notes:write"}}
	for name, sent := range map[string]string{"all": "", "one": "scope=notes:read"} {
		req := request(b, sent, allotted)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := g.Redeem(b.Context(), req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
