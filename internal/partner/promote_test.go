package partner

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/store"
)

func TestPromote(t *testing.T) {
	h := openHouse(t)
	acme, _ := h.acme()
	h.owned(h.staging, acme.ID, "export")
	more := Change{Scopes: Edit{Add: []string{"moves:admin"}}, APIs: Edit{Add: []string{"moves", "status"}}}
	if _, err := h.staging.Change(t.Context(), "export", more, olive); err != nil {
		t.Fatal(err)
	}
	promote := func(scopes []string) (Result, error) {
		return Promote(t.Context(), h.staging.Clients, h.production.Clients, "export", scopes, olive)
	}
	for range 2 { // it can be repeated
		made, err := promote([]string{"moves:read"})
		if err != nil {
			t.Fatal(err)
		}
		want := map[string][]string{"moves": {"moves:read"}}
		if diff := cmp.Diff(want, made.Client.Allotted); diff != "" || len(made.Client.Secrets) != 0 || made.Client.Partner != acme.ID || !made.Secret.IsEmpty() {
			t.Error(diff, made)
		}
	}
	before, err := h.production.db.Changes().Last(t.Context())
	if err != nil || before != 1 {
		t.Error("promoting twice changes something twice:", before, err)
	}
	secret, err := h.production.AddSecret(t.Context(), "export", NewSecret{}, olive)
	if err != nil {
		t.Fatal(err)
	}
	made, err := promote(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"moves": {"moves:read", "moves:admin"}, "status": {}}
	if diff := cmp.Diff(want, made.Client.Allotted); diff != "" || len(made.Client.Secrets) != 1 {
		t.Error(diff)
	}
	if !h.production.accepts(t, "export", secret.SecretID, secret.Secret.Reveal()) {
		t.Error("promoting took the secret away")
	}
	if _, err := promote([]string{"moves:read"}); err != nil {
		t.Fatal(err)
	}
	if now, err := h.production.Find(t.Context(), "export"); err != nil || len(now.Allotted["moves"]) != 2 {
		t.Error("promoting took a scope away:", now.Allotted, err)
	}
}

func TestPromoteRefuses(t *testing.T) {
	for name, row := range map[string]struct {
		prepare func(*house)
		scopes  []string
		fields  string
		err     error
	}{
		"widened":       {scopes: []string{"moves:admin"}, fields: "scopes[0]"},
		"home's scope":  {scopes: []string{"clients:write"}, fields: "scopes[0]"},
		"to home":       {prepare: func(h *house) { h.production.Environment.Name = catalogue.HomeName }, fields: "to"},
		"from home":     {prepare: func(h *house) { h.staging.Environment.Name = catalogue.HomeName }, fields: "to"},
		"to itself":     {prepare: func(h *house) { h.production.Environment = h.staging.Environment }, fields: "to"},
		"scope unknown": {prepare: func(h *house) { h.production.Environment.API("moves").Scopes = nil }, fields: "scopes"},
		"API unknown": {
			prepare: func(h *house) { h.production.Environment.APIs = h.production.Environment.APIs[:1] }, fields: "apis",
		},
		"disabled":  {prepare: func(h *house) { _, _ = h.staging.Disable(h.t.Context(), "export", olive) }, fields: "client"},
		"another's": {prepare: func(h *house) { h.owned(h.production, "", "export") }, fields: "client"},
		"deleted": {prepare: func(h *house) {
			h.owned(h.production, "", "export")
			_, _ = h.production.Clients.Delete(h.t.Context(), "export", olive)
		}, err: store.ErrConflict},
		"of the file": {prepare: func(h *house) {
			h.production.Environment.Clients = []catalogue.Client{{ID: "export"}}
		}, err: ErrDeclared},
		"unknown": {prepare: func(h *house) { _, _ = h.staging.Clients.Delete(h.t.Context(), "export", olive) }, err: store.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			h := openHouse(t)
			acme, _ := h.acme()
			h.owned(h.staging, acme.ID, "export")
			if row.prepare != nil {
				row.prepare(h)
			}
			_, err := Promote(t.Context(), h.staging.Clients, h.production.Clients, "export", row.scopes, olive)
			if row.err != nil && !errors.Is(err, row.err) || row.err == nil && about(err) != row.fields {
				t.Error(err)
			}
		})
	}
}

// What is exported holds no secret, and makes the same of another environment.
func TestExportAndImport(t *testing.T) {
	h := openHouse(t)
	h.owned(h.staging, "acme", "export")
	h.owned(h.staging, "", "plain")
	if _, err := h.staging.Disable(t.Context(), "plain", olive); err != nil {
		t.Fatal(err)
	}
	exported := h.exported(h.staging)
	if len(exported) != 2 {
		t.Fatal("the client of the file is exported, too:", exported)
	}
	stored, err := h.staging.db.Clients().Find(t.Context(), "export")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(exported)
	if err != nil || strings.Contains(string(text), strings.TrimPrefix(stored.Secrets[0].Verifier, "sha256:")) || strings.Contains(string(text), "secret") {
		t.Error("a secret is exported:", string(text), err)
	}
	for _, want := range []struct {
		what string
		dry  bool
	}{{ImportCreated, true}, {ImportCreated, false}, {ImportSame, false}, {ImportSame, true}} {
		for _, e := range exported {
			if what, err := h.production.Import(t.Context(), e, want.dry, olive); what != want.what || err != nil {
				t.Errorf("%s, dry %t: %s %v", e.ID, want.dry, what, err)
			}
		}
	}
	if diff := Differ(exported, h.exported(h.production)); len(diff) != 0 {
		t.Error(diff)
	}
	made, err := h.production.Find(t.Context(), "export")
	if err != nil || len(made.Secrets) != 0 {
		t.Error("it has a secret:", made, err)
	}
	if _, err := h.staging.Change(t.Context(), "export", Change{Scopes: Edit{Add: []string{"moves:admin"}, Remove: []string{"moves:read"}}}, olive); err != nil {
		t.Fatal(err)
	}
	if _, err := h.staging.Enable(t.Context(), "plain", olive); err != nil {
		t.Fatal(err)
	}
	exported = h.exported(h.staging)
	want := []Difference{
		{Client: "export", Member: "allotted.moves", A: "moves:admin", B: "moves:read"},
		{Client: "plain", Member: "disabled", A: "false", B: "true"},
	}
	if diff := cmp.Diff(want, Differ(exported, h.exported(h.production))); diff != "" {
		t.Error(diff)
	}
	for _, e := range exported {
		if what, err := h.production.Import(t.Context(), e, false, olive); what != ImportChanged || err != nil {
			t.Error(e.ID, what, err)
		}
	}
	if diff := Differ(exported, h.exported(h.production)); len(diff) != 0 {
		t.Error(diff)
	}
}

func (h *house) exported(f *fixture) []Exported {
	h.t.Helper()
	var all []Exported
	for e, err := range Export(h.t.Context(), f.Clients) {
		if err != nil {
			h.t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func TestImportRefuses(t *testing.T) {
	h := openHouse(t)
	if _, err := h.production.Create(t.Context(), New{ID: "resource", Type: store.TypeResource, APIs: []string{"moves"}}, olive); err != nil {
		t.Fatal(err)
	}
	good := Exported{ID: "export", Name: "Export", Type: "machine", Allotted: map[string][]string{"moves": {"moves:read"}}}
	for name, row := range map[string]struct {
		change func(*Exported)
		fields string
	}{
		"fine":           {func(*Exported) {}, "no faults"},
		"id":             {func(e *Exported) { e.ID = "a b" }, "id"},
		"name":           {func(e *Exported) { e.Name = "a\u202e" }, "name"},
		"type":           {func(e *Exported) { e.ID, e.Type = "other", "robot" }, "type"},
		"nothing":        {func(e *Exported) { e.Allotted = nil }, "scopes"},
		"API":            {func(e *Exported) { e.Allotted = map[string][]string{"fly": {}} }, "apis"},
		"home's API":     {func(e *Exported) { e.Allotted = map[string][]string{catalogue.AdminAPI: {"clients:write"}} }, "apis"},
		"scope":          {func(e *Exported) { e.Allotted = map[string][]string{"moves": {"fly"}} }, "scopes"},
		"alias":          {func(e *Exported) { e.Allotted = map[string][]string{"moves": {"read-notes"}} }, "scopes"},
		"no scope":       {func(e *Exported) { e.Allotted = map[string][]string{"moves": {}} }, "scopes"},
		"another's type": {func(e *Exported) { e.ID = "resource" }, "type"},
	} {
		e := good
		row.change(&e)
		if _, err := h.production.Import(t.Context(), e, false, olive); about(err) != row.fields {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.production.Environment.Name = catalogue.HomeName
	if _, err := h.production.Import(t.Context(), good, false, olive); about(err) != "environment" {
		t.Error("imported into home:", err)
	}
	good.ID = "nightly-sync"
	if _, err := h.staging.Import(t.Context(), good, false, olive); !errors.Is(err, ErrDeclared) {
		t.Error(err)
	}
}

func TestDifferNamesClients(t *testing.T) {
	a := []Exported{{ID: "one", Name: "One"}, {ID: "both", Name: "Both", Grants: []string{"x", "y"}}}
	b := []Exported{{ID: "two", Name: "Two"}, {ID: "both", Name: "Both", Grants: []string{"y", "x"}}}
	want := []Difference{{Client: "one", A: "One"}, {Client: "two", B: "Two"}}
	if diff := cmp.Diff(want, Differ(a, b)); diff != "" {
		t.Error(diff)
	}
}
