package server

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/store"
)

// TestConsoleDoes takes each step on the pages of the console, and finds the change
// in the store, with who did it and under which trace.
func TestConsoleDoes(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "quickstart", home: true})
	b, anna := s.operator(t, "anna", home.Owner)
	for i, step := range []struct {
		page   string
		fields []string
		kind   string // of the change
		in     string // the environment whose store has it
		says   string // the page afterwards
	}{
		{"/client/new?environment=staging", []string{"name", "Cranes", "scopes", "notes notes:read"}, "client.created", "staging", "The client is created"},
		{"/client/secret?environment=staging&id=$C", []string{"expires_at", "2027-03-01"}, "secret.added", "staging", "The secret is made"},
		{"/client/revoke?environment=staging&id=$C&secret=$S", nil, "secret.revoked", "staging", "revoked"},
		{"/client/leaked?environment=staging&id=$C&secret=$S", nil, "secret.replaced", "staging", "The secret is replaced"},
		{"/client/change?environment=staging&id=$C", []string{"name", "Cranes", "partner", "$P"}, "client.changed", "staging", "The client is changed"},
		{"/client/change?environment=staging&id=$C", []string{"partner", "nobody"}, "", "staging", "Is no partner"},
		{"/client/change?environment=staging&id=$C", []string{"end-client_credentials", "2020-01-01"}, "", "staging", "Has passed"},
		{"/client/change?environment=staging&id=$C", []string{"end-client_credentials", "soon"}, "", "staging", "Is no day"},
		{"/client/change?environment=staging&id=$C", []string{"end-client_credentials", "2027-03-01"}, "client.changed", "staging", "until 2027-03-01"},
		{"/client/promote?environment=staging&id=$C", nil, "client.created", "production", "The client is in"},
		{"/client/promote?environment=staging&id=$C", []string{"scopes", "-"}, "", "staging", "Nothing was done"},
		{"/client/disable?environment=staging&id=$C", nil, "client.disabled", "staging", "Disabled"},
		{"/client/delete?environment=staging&id=$C", []string{"confirm", "$C"}, "client.deleted", "staging", "deleted"},
		{"/request/approve?id=$R", nil, "access.approved", "home", "The request is approved"},
		{"/request/refuse?id=$R", []string{"reason", "Ask your harbour master"}, "access.refused", "home", "refused"},
		{"/partner/new", []string{"name", "Quay"}, "partner.created", "home", "The partner is there"},
		{"/partner/change?id=$P", []string{"name", "Quay", "verified", "1"}, "partner.described", "home", "Verified"},
		{"/partner/invite?id=$P", []string{"email", "new@harbour.example", "role", "developer"}, "partner.member", "home", "new@harbour.example"},
		{"/partner/member?id=$P&member=$A", []string{"role", "developer"}, "", "home", "The last admin stays one"},
		{"/partner/disable?id=$P", nil, "partner.disabled", "home", "Disabled"},
		{"/partner/delete?id=$P", []string{"confirm", "Harbour Works"}, "partner.deleted", "home", "deleted"},
		{"/key/rotate?environment=staging&purpose=access-token", []string{"algorithm", "ES256", "emergency", "1"}, "key.rotated", "staging", "signs now"},
		{"/key/rotate?environment=staging&purpose=access-token", []string{"algorithm", "ES256"}, "", "staging", "Too soon"},
		{"/key/remove?environment=staging&purpose=access-token&id=$K", []string{"confirm", "$K"}, "key.removed", "staging", "is gone"},
		{"/account/disable?environment=home&id=$A", nil, "account.disabled", "home", "Disabled"},
		{"/account/reset?environment=home&id=$A", nil, "", "home", "/reset/password?link="},
		{"/api-token/approve?environment=staging&id=$T", nil, "api-token.approved", "staging", "good now"},
		{"/api-token/revoke?environment=staging&id=$T", nil, "api-token.revoked", "staging", "Revoked"},
		{"/operator/new", []string{"name", "auditor@home.example", "role", "auditor"}, "account.created", "home", "/reset/password?link="},
		{"/operator/roles?id=$A", []string{"role", "support"}, "account.described", "home", "/reset/password?link="},
		{"/client/delete?environment=staging&id=$C", []string{"confirm", "no"}, "", "staging", "Is not $C"},
		{"/client/new?environment=staging", []string{"name", "", "scopes", "notes nothing"}, "", "staging", "Nothing was done"},
		{"/client/secret?environment=staging&id=$C", []string{"expires_at", "2020-03-01"}, "", "staging", "Lies in the past"},
	} {
		t.Run(step.page+" "+step.says, func(t *testing.T) {
			ids := s.furnish(t, strconv.Itoa(i))
			store0 := s.environment(step.in).resources.store
			before, err := store0.Changes().Last(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			path, query, _ := strings.Cut(ids.Replace(step.page), "?")
			b.visit("/console" + path + "?" + query)
			var fields []string
			for _, f := range step.fields {
				fields = append(fields, ids.Replace(f))
			}
			b.submit(path, fields...)
			if !strings.Contains(b.body, ids.Replace(step.says)) {
				t.Fatalf("it does not say %q: %d\n%s", step.says, b.code, b.body)
			}
			if step.kind == "" {
				return
			}
			all, err := store0.History().Search(t.Context(), store.ChangeQuery{Kind: step.kind, Limit: 5})
			if err != nil || len(all) == 0 || all[0].Seq <= before || all[0].Actor != anna.ID || len(all[0].Trace) != 32 || !all[0].At.Equal(s.clock.Now()) {
				t.Errorf("the change: %+v, %v", all, err)
			}
		})
	}
}

// TestConsoleNarrows: what is not ticked is not allotted.
func TestConsoleNarrows(t *testing.T) {
	t.Parallel()
	s, ids := consoled(t)
	b, _ := s.operator(t, "anna", home.Operator)
	b.visit("/console"+ids.Replace("/request/approve?id=$R")).submit("/request/approve", "scopes", "notes notes:read", "reason", "Reading is enough")
	r, err := s.server.current.Load().partners.Request(t.Context(), ids.Replace("$R"))
	if err != nil || len(r.Allowed["notes"]) != 1 || r.Allowed["notes"][0] != "notes:read" || r.Reason != "Reading is enough" {
		t.Fatalf("%+v, %v\n%s", r, err, b.body)
	}
	made, err := s.environment("staging").partners.Find(t.Context(), r.ClientID)
	if err != nil || len(made.Secrets) != 0 || len(made.Allotted["notes"]) != 1 {
		t.Errorf("the client: %+v, %v", made, err)
	}
	b.visit("/console/request?id=" + r.ID)
	if !strings.Contains(b.body, "left out") || !strings.Contains(b.body, "Reading is enough") {
		t.Errorf("the page:\n%s", b.body)
	}
}

// TestConsoleWantsASecondOperator: who made an elevated API token cannot approve it.
func TestConsoleWantsASecondOperator(t *testing.T) {
	t.Parallel()
	s, _ := consoled(t)
	b, anna := s.operator(t, "anna", home.Operator)
	made := store.APIToken{
		ID: "ofAnna", Hash: [32]byte{1}, Name: "Crane", APIs: []string{"notes"}, Elevated: true, Scope: []string{"notes:read"}, Addresses: []string{"192.0.2.7/32"},
		CreatedAt: s.clock.Now(), CreatedBy: anna.ID, EndsAt: s.clock.Now().Add(24 * time.Hour),
	}
	if err := s.environment("staging").resources.store.APITokens().Create(t.Context(), made, s.by()); err != nil {
		t.Fatal(err)
	}
	if b.visit("/console/api-token/approve?environment=staging&id=ofAnna").submit("/api-token/approve"); b.code != http.StatusConflict {
		t.Errorf("her own: %d", b.code)
	}
	other, _ := s.operator(t, "otto", home.Operator)
	if other.visit("/console/api-token/approve?environment=staging&id=ofAnna").submit("/api-token/approve"); other.text("done") == "" {
		t.Errorf("another operator: %d\n%s", other.code, other.body)
	}
}
