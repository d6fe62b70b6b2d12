package server

import (
	"net/http"
	"testing"

	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/store"
)

// TestAccountLeadsOn: who chose a first password by a link was asked by no application
// that they could come back to. The account page that they are on leads them to the
// portal, and an operator to the console.
func TestAccountLeadsOn(t *testing.T) {
	t.Parallel()
	h := helps(t)
	made, err := h.Invite(t.Context(), h.partner.ID, "grace@acme.example", "Grace", store.MemberDeveloper, h.by())
	if err != nil {
		t.Fatal(err)
	}
	if made.AccountID == "" {
		t.Fatal("nobody was invited")
	}
	grace := h.visitor(t)
	grace.open(h.mailed(t, "home", "grace@acme.example", "/reset/password"))
	grace.submit("/reset/password", "password", goodPassword, "again", goodPassword)
	grace.is("/login", http.StatusOK).signIn("grace@acme.example", goodPassword)
	grace.is("/account", http.StatusOK)
	if grace.text("console") != "" {
		t.Error("a member is shown the way to the console")
	}
	if grace.follow("portal"); grace.at.Path != "/portal/applications" || grace.code != http.StatusOK {
		t.Errorf("at %s with %d:\n%s", grace.at, grace.code, grace.body)
	}

	h.resident(t, "home", "olga", home.Auditor)
	olga := h.visitor(t)
	olga.visit("/home/account").signIn("olga", goodPassword).is("/account", http.StatusOK)
	if olga.text("portal") == "" || olga.text("console") == "" {
		t.Errorf("an operator is shown no way on:\n%s", olga.body)
	}
	if olga.follow("console"); olga.at.Path != "/console/" || olga.code != http.StatusOK {
		t.Errorf("at %s with %d:\n%s", olga.at, olga.code, olga.body)
	}
}
