package partner

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

func TestCreateAppliesDefaults(t *testing.T) {
	f := open(t)
	made := f.created(t)
	want := store.Client{
		ID: made.Client.ID, Name: "Acme nightly export", Type: "machine", Grants: []string{"client_credentials"},
		Allotted: map[string][]string{"moves": {"moves:read"}}, CreatedAt: today,
		Secrets: []store.Secret{{ID: made.SecretID, ClientID: made.Client.ID, Hint: made.Secret.Hint(), CreatedAt: today}},
	}
	if diff := cmp.Diff(want, made.Client); diff != "" {
		t.Error(diff)
	}
	if len(made.Client.ID) != 20 || strings.ContainsFunc(made.Client.ID, func(r rune) bool { return r == '-' || r == '_' }) {
		t.Errorf("the id is %q", made.Client.ID)
	}
	if tag, ok := secret.Environment(made.Secret.Reveal()); !ok || tag != "staging" {
		t.Error("the secret does not say that it is staging's")
	}
	if !f.accepts(t, made.Client.ID, made.SecretID, made.Secret.Reveal()) {
		t.Error("the secret that was handed out is not accepted")
	}
	if f.synced.Load() != 1 {
		t.Errorf("waited %d times for the change to be seen", f.synced.Load())
	}
}

// O15: a secret is shown once, and kept as a hash.
func TestO15SecretIsShownOnce(t *testing.T) {
	f := open(t)
	made := f.created(t)
	text := made.Secret.Reveal()
	found, err := f.Find(t.Context(), made.Client.ID)
	if err != nil {
		t.Fatal(err)
	}
	listed, _, err := f.List(t.Context(), "", 10)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := f.db.Clients().Find(t.Context(), made.Client.ID)
	if err != nil {
		t.Fatal(err)
	}
	changes, err := f.db.Changes().Since(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]any{"result": made, "found": found, "listed": listed, "stored": stored, "changes": changes} {
		if strings.Contains(fmt.Sprintf("%+v", v), text) {
			t.Errorf("%s shows the secret", name)
		}
	}
	for _, c := range append(listed, found, made.Client) {
		for _, s := range c.Secrets {
			if s.Verifier != "" {
				t.Error("a verifier leaves the package")
			}
		}
	}
	if !strings.HasPrefix(stored.Secrets[0].Verifier, "sha256:") {
		t.Error("a generated secret is not kept as its hash")
	}
}

func TestCreateRefuses(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*New)
		field  string
	}{
		"no name":              {func(n *New) { n.Name = " " }, "name"},
		"name of 129":          {func(n *New) { n.Name = strings.Repeat("é", 129) }, "name"},
		"name turns direction": {func(n *New) { n.Name = "Acme \u202emca" }, "name"},
		"zero-width name":      {func(n *New) { n.Name = "Ac\u200bme" }, "name"},
		"name of nothing seen": {func(n *New) { n.Name = "\u3164\u2800" }, "name"},
		"two lines":            {func(n *New) { n.Name = "Acme\nadmin" }, "name"},
		"no UTF-8":             {func(n *New) { n.Name = "Acme\xff" }, "name"},
		"type":                 {func(n *New) { n.Type = "robot" }, "type"},
		"id of 129":            {func(n *New) { n.ID = strings.Repeat("a", 129) }, "id"},
		"id with colon":        {func(n *New) { n.ID = "a:b" }, "id"},
		"id with plus":         {func(n *New) { n.ID = "a+b" }, "id"},
		"id with percent":      {func(n *New) { n.ID = "a%b" }, "id"},
		"id with space":        {func(n *New) { n.ID = "a b" }, "id"},
		"id not ASCII":         {func(n *New) { n.ID = "ä" }, "id"},
		"id of dots":           {func(n *New) { n.ID = ".." }, "id"},
		"id of the file":       {func(n *New) { n.ID = "nightly-sync" }, "id"},
		"grant":                {func(n *New) { n.Grants = []string{"password"} }, "grants[0]"},
		"grant twice":          {func(n *New) { n.Grants = []string{"client_credentials", "client_credentials"} }, "grants[1]"},
		"method":               {func(n *New) { n.AuthMethods = []string{"client_secret_post", "none"} }, "auth_methods[1]"},
		"API":                  {func(n *New) { n.APIs = []string{"minutes"} }, "apis[0]"},
		"API twice":            {func(n *New) { n.APIs = []string{"moves", "moves"} }, "apis[1]"},
		"no API at all":        {func(n *New) { n.Scopes = nil }, "scopes"},
		"API without scopes":   {func(n *New) { n.APIs, n.Scopes = []string{"moves"}, nil }, "scopes"},
		"scope":                {func(n *New) { n.Scopes = []string{"moves:read", "moves:write"} }, "scopes[1]"},
		"scope of another API": {func(n *New) { n.APIs = []string{"notes"} }, "scopes[0]"},
		"ambiguous ending":     {func(n *New) { n.Scopes = []string{"read"} }, "scopes[0]"},
		"ambiguous alias":      {func(n *New) { n.Scopes = []string{"read-notes"} }, "scopes[0]"},
		"half a word":          {func(n *New) { n.Scopes = []string{"ead"} }, "scopes[0]"},
		"expired":              {func(n *New) { n.Secret.ExpiresAt = today }, "expires_at"},
		"too far ahead":        {func(n *New) { n.Secret.ExpiresAt = today.Add(latestExpiry + 1) }, "expires_at"},
		"secret and hash": {func(n *New) {
			n.Secret.Text, n.Secret.Hash = secret.Of("correct horse battery"), secret.Of("sha256:00")
		}, "hash"},
		"hash without a name": {func(n *New) { n.Secret.Hash = secret.Of("d74ff0ee8da3b9806b18c877dbf29bbd") }, "hash"},
		"secret of two lines": {func(n *New) { n.Secret.Text = secret.Of("correct horse battery\n") }, "secret"},
		"secret of 1025":      {func(n *New) { n.Secret.Text = secret.Of(strings.Repeat("x", 1025)) }, "secret"},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t)
			n := wanted()
			row.change(&n)
			_, err := f.Create(t.Context(), n, anna)
			faults, ok := errors.AsType[Faults](err)
			if !ok {
				t.Fatalf("the error is %v", err)
			}
			if len(faults) != 1 || faults[0].Field != row.field {
				t.Errorf("faults %v, want one of %s", faults, row.field)
			}
			if stored, err := f.db.Clients().List(t.Context(), "", 10); err != nil || len(stored) != 0 {
				t.Errorf("stored %v, %v", stored, err)
			}
		})
	}
}

func TestCreateReportsEveryFaultAtOnce(t *testing.T) {
	f := open(t)
	_, err := f.Create(t.Context(), New{
		ID: "a b", Type: "robot", Scopes: []string{"x", "y"}, Secret: NewSecret{Hash: secret.Of("x"), ExpiresAt: today.Add(-1)},
	}, anna)
	faults, _ := errors.AsType[Faults](err)
	var fields []string
	for _, fault := range faults {
		fields = append(fields, fault.Field)
	}
	slices.Sort(fields)
	if diff := cmp.Diff([]string{"expires_at", "hash", "id", "scopes[0]", "scopes[1]", "type"}, fields); diff != "" {
		t.Error(diff)
	}
}

func TestCreateAllots(t *testing.T) {
	notes := []string{"https://scopes.example/notes.read", "https://scopes.example/notes.write", "https://scopes.example/admin"}
	moves := []string{"moves:read", "moves:admin", "shared"}
	for name, row := range map[string]struct {
		apis, scopes []string
		want         map[string][]string
	}{
		"all":             {nil, []string{"all"}, map[string][]string{"notes": notes, "moves": moves}},
		"all of one":      {[]string{"moves"}, []string{"all"}, map[string][]string{"moves": moves}},
		"ending":          {nil, []string{"notes.read"}, map[string][]string{"notes": notes[:1]}},
		"ending of one":   {[]string{"moves"}, []string{"admin"}, map[string][]string{"moves": {"moves:admin"}}},
		"alias":           {[]string{"notes"}, []string{"read-notes"}, map[string][]string{"notes": notes[:1]}},
		"in two APIs":     {nil, []string{"moves:read", "notes.write"}, map[string][]string{"moves": {"moves:read"}, "notes": notes[1:2]}},
		"without scopes":  {[]string{"status"}, nil, map[string][]string{"status": {}}},
		"twice the same":  {[]string{"notes"}, []string{"read-notes", "notes.read"}, map[string][]string{"notes": notes[:1]}},
		"one beside none": {[]string{"status", "moves"}, []string{"shared"}, map[string][]string{"status": {}, "moves": {"shared"}}},
	} {
		t.Run(name, func(t *testing.T) {
			n := wanted()
			n.APIs, n.Scopes = row.apis, row.scopes
			made, err := open(t).Create(t.Context(), n, anna)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, made.Client.Allotted); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCreateKeepsAnImportedID(t *testing.T) {
	f := open(t)
	n := New{ID: strings.Repeat("~", 128), Scopes: []string{"moves:read"}}
	made, err := f.Create(t.Context(), n, anna)
	if err != nil {
		t.Fatal(err)
	}
	if made.Client.ID != n.ID || made.Client.Name != n.ID {
		t.Errorf("the client is %q, called %q", made.Client.ID, made.Client.Name)
	}
	if _, err := f.Create(t.Context(), n, anna); !errors.Is(err, store.ErrConflict) {
		t.Errorf("the same id a second time: %v", err)
	}
}

// O14: an id is never used a second time, also after a deletion.
func TestO14NoIDIsReused(t *testing.T) {
	f := open(t)
	n := wanted()
	n.ID = "acme"
	if _, err := f.Create(t.Context(), n, anna); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Delete(t.Context(), "acme", anna); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Create(t.Context(), n, anna); !errors.Is(err, store.ErrConflict) {
		t.Errorf("registered again: %v", err)
	}
	if _, err := f.Find(t.Context(), "acme"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("found: %v", err)
	}
}

func TestDeclaredClientsAreReadOnly(t *testing.T) {
	f := open(t)
	ctx, id := t.Context(), "nightly-sync"
	if found, err := f.Find(ctx, id); err != nil || !found.Declared || len(found.Secrets) != 1 || found.Secrets[0].Verifier != "" {
		t.Errorf("found %+v, %v", found, err)
	}
	for name, step := range map[string]func() (Result, error){
		"disable": func() (Result, error) { return f.Disable(ctx, id, anna) },
		"enable":  func() (Result, error) { return f.Enable(ctx, id, anna) },
		"delete":  func() (Result, error) { return f.Delete(ctx, id, anna) },
		"add":     func() (Result, error) { return f.AddSecret(ctx, id, NewSecret{}, anna) },
		"revoke":  func() (Result, error) { return f.RevokeSecret(ctx, id, DeclaredSecret, anna) },
	} {
		if _, err := step(); !errors.Is(err, ErrDeclared) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if last, err := f.db.Changes().Last(ctx); err != nil || last != 0 {
		t.Errorf("%d changes, %v", last, err)
	}
}

func TestListMergesFileAndStore(t *testing.T) {
	f := open(t)
	var want []string
	for i := range 7 {
		n := wanted()
		n.ID = fmt.Sprintf("m%d", i)
		if _, err := f.Create(t.Context(), n, anna); err != nil {
			t.Fatal(err)
		}
		want = append(want, n.ID)
	}
	// Declared later than registered: the file wins, and the client is listed once.
	f.Environment.Clients = append(f.Environment.Clients, catalogue.Client{ID: "m3"}, catalogue.Client{ID: "zzz"}, catalogue.Client{ID: "A"})
	want = append(want, "nightly-sync", "zzz", "A")
	slices.Sort(want)
	for limit := 1; limit <= len(want)+1; limit++ {
		var got []string
		after, more := "", true
		for more {
			var page []store.Client
			var err error
			if page, more, err = f.List(t.Context(), after, limit); err != nil {
				t.Fatal(err)
			}
			if len(page) > limit || more && len(page) != limit {
				t.Fatalf("a page of %d where %d fit", len(page), limit)
			}
			for _, c := range page {
				got, after = append(got, c.ID), c.ID
				if c.ID == "m3" && !c.Declared {
					t.Error("the stored m3 comes before the declared one")
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("limit %d: %s", limit, diff)
		}
	}
}

func TestDisableEndsTokensForAsLongAsTheyCouldLive(t *testing.T) {
	f := open(t)
	id := f.created(t).Client.ID
	f.now = today.Add(time.Minute)
	disabled, err := f.Disable(t.Context(), id, anna)
	if err != nil || !disabled.Client.Disabled() {
		t.Fatalf("%+v, %v", disabled.Client, err)
	}
	ended, err := f.db.Revocations().Since(t.Context(), 0, f.now)
	if err != nil || len(ended) != 1 {
		t.Fatalf("%v, %v", ended, err)
	}
	if got, want := ended[0].ForgetAt, f.now.Add(24*time.Hour+time.Minute); !got.Equal(want) {
		t.Errorf("forgotten at %v, want %v", got, want)
	}
	f.Environment.APIs[1].Token.Lifetime = 48 * time.Hour // which `grantway dev` allows
	if got, want := f.forget(f.now), f.now.Add(48*time.Hour+time.Minute); !got.Equal(want) {
		t.Errorf("forgotten at %v, want %v", got, want)
	}
	enabled, err := f.Enable(t.Context(), id, anna)
	if err != nil || enabled.Client.Disabled() {
		t.Errorf("%+v, %v", enabled.Client, err)
	}
}
