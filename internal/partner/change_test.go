package partner

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// withPeople is the fixture's environment with people who sign in.
func withPeople(t *testing.T) *fixture {
	t.Helper()
	f := open(t)
	f.Environment.Login = &catalogue.Login{}
	f.Environment.OpenID = &catalogue.API{Name: catalogue.OpenIDName, Scopes: []*catalogue.Scope{{Name: "openid"}, {Name: "profile"}, {Name: "offline_access"}}}
	return f
}

// web is a client that acts for people and that nothing is wrong with.
func web() New {
	return New{
		ID: "site", Name: "Site", Type: "web", Scopes: []string{"moves:read", "openid"},
		SignIn: store.SignIn{Redirects: []string{"https://site.example/back"}},
	}
}

func TestCreateForPeople(t *testing.T) {
	for kind, public := range map[string]bool{"web": false, "native": true, "browser": true} {
		n := web()
		n.Type = kind
		made, err := withPeople(t).Create(t.Context(), n, anna)
		if err != nil {
			t.Fatal(err)
		}
		c := made.Client
		if diff := cmp.Diff([]string{"authorization_code", "refresh_token"}, c.Grants); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(map[string][]string{"moves": {"moves:read"}, "openid": {"openid"}}, c.Allotted); diff != "" {
			t.Error(diff)
		}
		if made.Secret.IsEmpty() != public || (len(c.Secrets) == 0) != public || (made.SecretID == "") != public {
			t.Errorf("%s: the secret is %q %v", kind, made.SecretID, c.Secrets)
		}
	}
}

// A06, A07, A11, A12, O04: each row breaks one thing about a client for people.
func TestCreateForPeopleRefuses(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*New)
		field  string
	}{
		"nowhere to go back to":     {func(n *New) { n.SignIn.Redirects = nil }, "redirect_uris"},
		"A06 fragment":              {func(n *New) { n.SignIn.Redirects = []string{"https://site.example/#a"} }, "redirect_uris[0]"},
		"A07 wildcard":              {func(n *New) { n.SignIn.Redirects = append(n.SignIn.Redirects, "https://*.example/") }, "redirect_uris[1]"},
		"A11 javascript":            {func(n *New) { n.SignIn.Redirects = []string{"jAvascript:alert(1)"} }, "redirect_uris[0]"},
		"E21 id of a person":        {func(n *New) { n.ID = "0123456789abcdefABCDEF" }, "id"},
		"O09 owner too long":        {func(n *New) { n.SignIn.Owner = strings.Repeat("x", 129) }, "owner"},
		"O09 name that hides":       {func(n *New) { n.Name = "Ba\u200bnk" }, "name"},
		"homepage is http":          {func(n *New) { n.SignIn.Homepage = "http://localhost/" }, "homepage"},
		"notice on this machine":    {func(n *New) { n.SignIn.LogoutNotice = "http://localhost/" }, "backchannel_logout_uri"},
		"51 ways out":               {func(n *New) { n.SignIn.LogoutRedirects = make([]string, 51) }, "post_logout_redirect_uris"},
		"A11 in the homepage":       {func(n *New) { n.SignIn.Homepage = "javascript:alert(1)" }, "homepage"},
		"A12 http":                  {func(n *New) { n.SignIn.Redirects = []string{"http://site.example/"} }, "redirect_uris[0]"},
		"A12 scheme in the browser": {func(n *New) { n.SignIn.Redirects = []string{"org.example.app:/"} }, "redirect_uris[0]"},
		"A12 scheme without a dot":  {func(n *New) { n.Type, n.SignIn.Redirects = "native", []string{"app:/"} }, "redirect_uris[0]"},
		"twice":                     {func(n *New) { n.SignIn.Redirects = append(n.SignIn.Redirects, n.SignIn.Redirects[0]) }, "redirect_uris[1]"},
		"A21 51 of them":            {func(n *New) { n.SignIn.Redirects = uris(51) }, "redirect_uris"},
		"after logout":              {func(n *New) { n.SignIn.LogoutRedirects = []string{"ftp://x.example/"} }, "post_logout_redirect_uris[0]"},
		"notice":                    {func(n *New) { n.SignIn.LogoutNotice = "http://x.example/" }, "backchannel_logout_uri"},
		"signature":                 {func(n *New) { n.SignIn.IDTokenAlg = "none" }, "id_token_alg"},
		"owner turns direction":     {func(n *New) { n.SignIn.Owner = "Bank\u202e" }, "owner"},
		"legacy and public":         {func(n *New) { n.Type, n.SignIn.Legacy = "browser", true }, "legacy"},
		"a public one's secret":     {func(n *New) { n.Type, n.Secret.Text = "native", secret.Of("correct horse battery") }, "secret"},
		"a public one's end":        {func(n *New) { n.Type, n.Secret.ExpiresAt = "native", today.Add(time.Hour) }, "secret"},
		"a public one's method":     {func(n *New) { n.Type, n.AuthMethods = "native", []string{"client_secret_post"} }, "auth_methods"},
		"a public one by itself":    {func(n *New) { n.Type, n.Grants = "native", []string{"client_credentials"} }, "grants[0]"},
		"all is not OpenID's":       {func(n *New) { n.Type, n.Scopes = "machine", []string{"openid"} }, "scopes[0]"},
		"machine with a code":       {func(n *New) { n.Type, n.Grants = "machine", []string{"authorization_code"} }, "grants[0]"},
		"machine that goes back":    {func(n *New) { n.Type = "machine" }, "redirect_uris"},
	} {
		t.Run(name, func(t *testing.T) {
			n := web()
			if row.change(&n); n.Type == "machine" && row.field != "redirect_uris" {
				n.SignIn = store.SignIn{}
			}
			if n.Type == "machine" && row.field != "scopes[0]" {
				n.Scopes = []string{"moves:read"}
			}
			_, err := withPeople(t).Create(t.Context(), n, anna)
			if faults, _ := errors.AsType[Faults](err); len(faults) != 1 || faults[0].Field != row.field {
				t.Errorf("faults %v, %v; want one of %s", faults, err, row.field)
			}
		})
	}
	if _, err := open(t).Create(t.Context(), web(), anna); err == nil || !strings.Contains(err.Error(), "accounts: true") {
		t.Errorf("where nobody signs in: %v", err)
	}
}

func uris(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("https://site.example/%d", i))
	}
	return all
}

func TestFiftyRedirectsFit(t *testing.T) {
	n := web()
	n.SignIn.Redirects = uris(50)
	f := withPeople(t)
	if _, err := f.Create(t.Context(), n, anna); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Change(t.Context(), "site", Change{Redirects: Edit{Add: []string{"https://site.example/more"}}}, anna); err == nil {
		t.Error("a fifty-first was added")
	}
}

func TestChange(t *testing.T) {
	name, yes, until := "Other", true, today.Add(time.Hour)
	type result struct{ tokens, grants bool }
	for what, row := range map[string]struct {
		change Change
		want   func(*store.Client)
		ends   result
	}{
		"nothing":  {Change{}, func(*store.Client) {}, result{}},
		"name":     {Change{Name: &name}, func(c *store.Client) { c.Name = name }, result{}},
		"verified": {Change{Verified: &yes}, func(c *store.Client) { c.SignIn.Verified = true }, result{}},
		"redirects": {
			Change{Redirects: Edit{Add: []string{"https://new.example/"}, Remove: []string{"https://site.example/back"}}},
			func(c *store.Client) { c.SignIn.Redirects = []string{"https://new.example/"} },
			result{},
		},
		"allot": {
			Change{Scopes: Edit{Add: []string{"notes.read", "profile"}}},
			func(c *store.Client) {
				c.Allotted["notes"] = []string{"https://scopes.example/notes.read"}
				c.Allotted["openid"] = []string{"openid", "profile"}
			},
			result{},
		},
		"withdraw": {
			Change{Scopes: Edit{Remove: []string{"read"}}},
			func(c *store.Client) { delete(c.Allotted, "moves") },
			result{tokens: true, grants: true},
		},
		"an API without scopes": {
			Change{APIs: Edit{Add: []string{"status"}}}, func(c *store.Client) { c.Allotted["status"] = []string{} }, result{},
		},
		"an API goes": {
			Change{APIs: Edit{Remove: []string{"moves"}}}, func(c *store.Client) { delete(c.Allotted, "moves") }, result{tokens: true, grants: true},
		},
		"U44 a grant for a while": {
			Change{Grants: Edit{Add: []string{"client_credentials"}}, Until: until},
			func(c *store.Client) {
				c.Grants = append(c.Grants, "client_credentials")
				c.GrantsEnd = map[string]time.Time{"client_credentials": until}
			},
			result{},
		},
		"a grant goes": {
			Change{Grants: Edit{Remove: []string{"refresh_token"}}},
			func(c *store.Client) { c.Grants = []string{"authorization_code"} },
			result{tokens: true, grants: true},
		},
	} {
		t.Run(what, func(t *testing.T) {
			f := withPeople(t)
			made, err := f.Create(t.Context(), web(), anna)
			if err != nil {
				t.Fatal(err)
			}
			want := made.Client
			want.Allotted = maps.Clone(want.Allotted)
			row.want(&want)
			f.now = today.Add(time.Second)
			got, err := f.Change(t.Context(), "site", row.change, anna)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got.Client); diff != "" {
				t.Error(diff)
			}
			ended, err := f.db.Revocations().Since(t.Context(), 0, today)
			if err != nil {
				t.Fatal(err)
			}
			if (len(ended) == 1) != row.ends.tokens {
				t.Errorf("ended %v", ended)
			}
			if len(ended) == 1 && (ended[0].Kind != store.RevokedClient || !ended[0].IssuedBefore.Equal(f.now) || !ended[0].ForgetAt.After(f.now.Add(24*time.Hour))) {
				t.Errorf("ended %v", ended)
			}
			if row.ends.grants != slices.ContainsFunc(got.Warnings, func(w string) bool { return strings.Contains(w, "asked again") }) {
				t.Errorf("warnings %q", got.Warnings)
			}
		})
	}
}

// What was given by a grant that goes ends with it; what people allowed stays when
// only the client's own goes.
func TestU44GrantComesAndGoes(t *testing.T) {
	f := withPeople(t)
	if _, err := f.Create(t.Context(), web(), anna); err != nil {
		t.Fatal(err)
	}
	given, err := f.Change(t.Context(), "site", Change{Grants: Edit{Add: []string{"client_credentials"}}, Until: today.Add(time.Hour)}, anna)
	if err != nil || len(given.Warnings) != 1 || !strings.Contains(given.Warnings[0], "until 2026-11-22 10:00 UTC") {
		t.Errorf("%q, %v", given.Warnings, err)
	}
	changes, err := f.db.Changes().Since(t.Context(), 1, 10)
	if err != nil || len(changes) != 1 || changes[0].Actor != "anna" || !strings.Contains(changes[0].Detail, "2026-11-22T10:00:00Z") {
		t.Errorf("the record says %+v, %v", changes, err)
	}
	lasting, err := f.Change(t.Context(), "site", Change{Grants: Edit{Add: []string{"client_credentials"}}}, anna)
	if err != nil || len(lasting.Client.GrantsEnd) != 0 || len(lasting.Client.Grants) != 3 {
		t.Errorf("%+v, %v", lasting.Client, err)
	}
	name := "Other"
	if renamed, err := f.Change(t.Context(), "site", Change{Name: &name}, anna); err != nil || len(renamed.Warnings) != 0 {
		t.Errorf("what was known is said again: %q, %v", renamed.Warnings, err)
	}
	from, err := f.db.Clients().Find(t.Context(), "site")
	if err != nil {
		t.Fatal(err)
	}
	step, faults := f.changed(from, Change{Grants: Edit{Remove: []string{"client_credentials"}}}, today)
	if len(faults) > 0 || !step.EndTokens || step.EndGrants {
		t.Errorf("%+v, %v", step, faults)
	}
}

func TestChangeRefuses(t *testing.T) {
	bad, empty := "ftp://x.example", ""
	for name, row := range map[string]struct {
		change Change
		field  string
	}{
		"name":                  {Change{Name: &empty}, "name"},
		"homepage":              {Change{Homepage: &bad}, "homepage"},
		"redirect":              {Change{Redirects: Edit{Add: []string{bad}}}, "redirect_uris[1]"},
		"redirect that is not":  {Change{Redirects: Edit{Remove: []string{"https://site.example/"}}}, "redirect_uris.remove[0]"},
		"the last redirect":     {Change{Redirects: Edit{Remove: []string{"https://site.example/back"}}}, "redirect_uris"},
		"to and fro":            {Change{Redirects: Edit{Add: []string{"https://site.example/back"}, Remove: []string{"https://site.example/back"}}}, "redirect_uris.add[0]"},
		"scope":                 {Change{Scopes: Edit{Add: []string{"fly"}}}, "scopes.add[0]"},
		"scope that is not":     {Change{Scopes: Edit{Remove: []string{"moves:admin"}}}, "scopes.remove[0]"},
		"all scopes":            {Change{Scopes: Edit{Remove: []string{"moves:read", "openid"}}}, "scopes"},
		"API":                   {Change{APIs: Edit{Add: []string{"x"}}}, "apis.add[0]"},
		"API without its scope": {Change{APIs: Edit{Add: []string{"notes"}}}, "scopes.add"},
		"API that is not":       {Change{APIs: Edit{Remove: []string{"notes"}}}, "apis.remove[0]"},
		"grant":                 {Change{Grants: Edit{Add: []string{"password"}}}, "grants[2]"},
		"both grants":           {Change{Grants: Edit{Remove: []string{"authorization_code", "refresh_token"}}}, "grants"},
		"end of nothing":        {Change{Until: today.Add(time.Hour)}, "until"},
		"end of what goes":      {Change{Grants: Edit{Remove: []string{"refresh_token"}}, Until: today.Add(time.Hour)}, "until"},
		"end that has passed":   {Change{Grants: Edit{Add: []string{"client_credentials"}}, Until: today}, "until"},
		"end far ahead":         {Change{Grants: Edit{Add: []string{"client_credentials"}}, Until: today.Add(latestExpiry + time.Hour)}, "until"},
		"all anew, of nothing":  {Change{Allotted: map[string][]string{}}, "scopes"},
		"an API that is none":   {Change{Allotted: map[string][]string{"x": {}}}, "apis"},
		"a scope that is none":  {Change{Allotted: map[string][]string{"moves": {"fly"}}}, "scopes"},
		"an API of no scope":    {Change{Allotted: map[string][]string{"moves": {}}}, "scopes"},
		"end of another grant":  {Change{Ends: map[string]time.Time{"client_credentials": today.Add(time.Hour)}}, "ends.client_credentials"},
		"end that passed":       {Change{Ends: map[string]time.Time{"refresh_token": today}}, "ends.refresh_token"},
		"end too far ahead":     {Change{Ends: map[string]time.Time{"refresh_token": today.Add(latestExpiry + 1000)}}, "ends.refresh_token"},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPeople(t)
			if _, err := f.Create(t.Context(), web(), anna); err != nil {
				t.Fatal(err)
			}
			_, err := f.Change(t.Context(), "site", row.change, anna)
			if faults, _ := errors.AsType[Faults](err); len(faults) != 1 || faults[0].Field != row.field {
				t.Errorf("faults %v, %v; want one of %s", faults, err, row.field)
			}
			if last, err := f.db.Changes().Last(t.Context()); err != nil || last != 1 {
				t.Errorf("%d changes, %v", last, err)
			}
		})
	}
	if _, err := withPeople(t).Change(t.Context(), "nightly-sync", Change{}, anna); !errors.Is(err, ErrDeclared) {
		t.Errorf("a declared one: %v", err)
	}
	if _, err := withPeople(t).Change(t.Context(), "nobody", Change{}, anna); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an unknown one: %v", err)
	}
}

// TestChangeToAllThatIsSaid: what is said whole takes the place of what was, and
// what it no longer says has ended.
func TestChangeToAllThatIsSaid(t *testing.T) {
	f := withPeople(t)
	made, err := f.Create(t.Context(), web(), anna)
	if err != nil {
		t.Fatal(err)
	}
	whose, end := "harbour", today.Add(latestExpiry)
	change := Change{Partner: &whose, Allotted: map[string][]string{"moves": made.Client.Allotted["moves"]}, Ends: map[string]time.Time{"refresh_token": end}}
	step, faults := f.changed(made.Client, change, today)
	if len(faults) > 0 || !step.EndGrants || step.To.Partner != whose {
		t.Fatalf("%+v, %v", step, faults)
	}
	if diff := cmp.Diff(change.Allotted, step.To.Allotted) + cmp.Diff(change.Ends, step.To.GrantsEnd); diff != "" {
		t.Error(diff)
	}
	twice := map[string][]string{"moves": {"moves:admin", "moves:admin", "moves:read"}, "openid": {"openid"}}
	if step, faults = f.changed(made.Client, Change{Allotted: twice}, today); len(faults) > 0 || step.EndGrants || len(step.To.Allotted["moves"]) != 2 {
		t.Errorf("what is said twice: %+v, %v", step.To.Allotted, faults)
	}
	resource := store.Client{ID: "r", Name: "R", Type: store.TypeResource, Allotted: map[string][]string{"moves": {}}}
	for _, allotted := range []map[string][]string{{"moves": {}}, {"moves": {"moves:read"}}} {
		if _, faults = f.changed(resource, Change{Allotted: allotted}, today); (len(faults) > 0) != (len(allotted["moves"]) > 0) {
			t.Errorf("a resource with %v: %v", allotted, faults)
		}
	}
	old := step.To
	old.Allotted = map[string][]string{"moves": {"gone"}, "past": {"gone"}} // of an earlier file
	if step, faults = f.changed(old, Change{Allotted: old.Allotted, Ends: step.To.GrantsEnd}, end.Add(time.Hour)); len(faults) > 0 || step.EndGrants {
		t.Errorf("what stays as it was: %+v, %v", step, faults)
	}
}

// What two change at the same time is both there afterwards.
func TestChangesAtOnceAreAllThere(t *testing.T) {
	f := withPeople(t)
	if _, err := f.Create(t.Context(), web(), anna); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			if _, err := f.Change(t.Context(), "site", Change{Redirects: Edit{Add: uris(4)[i : i+1]}}, anna); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	c, err := f.Find(t.Context(), "site")
	if err != nil || len(c.SignIn.Redirects) != 5 {
		t.Errorf("%v, %v", c.SignIn.Redirects, err)
	}
}

func TestPublicClientGetsNoSecret(t *testing.T) {
	f := withPeople(t)
	n := web()
	n.Type = "native"
	if _, err := f.Create(t.Context(), n, anna); err != nil {
		t.Fatal(err)
	}
	if _, err := f.AddSecret(t.Context(), "site", NewSecret{}, anna); err == nil || !strings.Contains(err.Error(), "keeps no secret") {
		t.Errorf("added: %v", err)
	}
}

// A scope that no API has any more can still be taken away.
func TestWithdrawWhatTheCatalogueForgot(t *testing.T) {
	f := withPeople(t)
	if _, err := f.Create(t.Context(), web(), anna); err != nil {
		t.Fatal(err)
	}
	f.Environment.APIs[1].Scopes = nil
	got, err := f.Change(t.Context(), "site", Change{Scopes: Edit{Remove: []string{"moves:read"}}}, anna)
	if err != nil || got.Client.Allotted["moves"] != nil {
		t.Errorf("%v, %v", got.Client.Allotted, err)
	}
}
