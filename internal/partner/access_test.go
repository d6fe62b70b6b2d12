package partner

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/store"
)

func TestAskIsJudged(t *testing.T) {
	h := openHouse(t)
	acme, ada := h.acme()
	brew, err := h.Create(t.Context(), NewPartner{ID: "brew", Name: "Brew"}, olive)
	if err != nil {
		t.Fatal(err)
	}
	asStranger := func(change func(*Asking)) Asking {
		a := stranger()
		change(&a)
		return a
	}
	for name, row := range map[string]struct {
		asking Asking
		fields string
	}{
		"fine":                  {stranger(), ""},
		"purpose of the limit":  {asStranger(func(a *Asking) { a.Purpose = strings.Repeat("é", MaxPurpose) }), ""},
		"purpose above":         {asStranger(func(a *Asking) { a.Purpose = strings.Repeat("é", MaxPurpose+1) }), "purpose"},
		"no purpose":            {asStranger(func(a *Asking) { a.Purpose = "\n" }), "purpose"},
		"purpose turns":         {asStranger(func(a *Asking) { a.Purpose = "fine\n" + strings.Repeat("a", 300) + "\u202e" }), "purpose"},
		"purpose with bell":     {asStranger(func(a *Asking) { a.Purpose = "a\a" }), "purpose"},
		"purpose not UTF-8":     {asStranger(func(a *Asking) { a.Purpose = "a\xff" }), "purpose"},
		"no organisation":       {asStranger(func(a *Asking) { a.Organised = "" }), "organisation"},
		"organisation too long": {asStranger(func(a *Asking) { a.Organised = strings.Repeat("a", MaxName+1) }), "organisation"},
		"no person":             {asStranger(func(a *Asking) { a.Person = "" }), "person"},
		"no address":            {asStranger(func(a *Asking) { a.Email = "" }), "email"},
		"address of 129":        {asStranger(func(a *Asking) { a.Email = "ada@" + strings.Repeat("a.", 62) + "a" }), "email"},
		"header in address":     {asStranger(func(a *Asking) { a.Email = "ada@acme.example\r\nBcc: all@acme.example" }), "email"},
		"a stranger's partner":  {asStranger(func(a *Asking) { a.PartnerID = acme.ID }), "partner"},
		"another's partner":     {asStranger(func(a *Asking) { a.PartnerID, a.AccountID = "other", ada }), "partner"},
		"without being in it":   {asStranger(func(a *Asking) { a.PartnerID, a.AccountID = brew.ID, ada }), "partner"},
		"environment":           {asStranger(func(a *Asking) { a.Environment = "moon" }), "environment"},
		"home":                  {asStranger(func(a *Asking) { a.Environment = catalogue.HomeName }), "environment"},
		"application":           {asStranger(func(a *Asking) { a.Application = "" }), "application"},
		"type":                  {asStranger(func(a *Asking) { a.Type = "robot" }), "type"},
		"an API":                {asStranger(func(a *Asking) { a.Type, a.Scopes = store.TypeResource, nil }), "type"},
		"scope":                 {asStranger(func(a *Asking) { a.Scopes = []string{"moves:read", "fly"} }), "scopes[1]"},
		"scope of home":         {asStranger(func(a *Asking) { a.Scopes = []string{"clients:write"} }), "scopes[0]"},
		"API":                   {asStranger(func(a *Asking) { a.APIs, a.Scopes = []string{"admin"}, nil }), "apis[0]"},
		"redirects of machine":  {asStranger(func(a *Asking) { a.Redirects = []string{"https://acme.example/back"} }), "redirect_uris"},
		"everything": {
			asStranger(func(a *Asking) { *a = Asking{Environment: "staging", Scopes: []string{"fly"}} }),
			"purpose person email organisation scopes[0] application",
		},
	} {
		r, err := h.Ask(t.Context(), row.asking, store.By{Actor: "stranger"})
		if row.fields == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else if err := h.Withdraw(t.Context(), r.ID, olive); err != nil {
				t.Error(err)
			}
		} else if about(err) != row.fields {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.production.Environment.Name = catalogue.HomeName // also if it came among the others
	home := stranger()
	home.Environment = catalogue.HomeName
	if _, err := h.Ask(t.Context(), home, olive); about(err) != "environment" {
		t.Error("somebody asks for scopes of home:", err)
	}
}

func TestOpenRequestsAreFew(t *testing.T) {
	h := openHouse(t)
	acme, ada := h.acme()
	member := stranger()
	member.PartnerID, member.AccountID = acme.ID, ada
	alone := stranger()
	alone.AccountID = ada
	for range MaxOpen {
		h.asked(member)
	}
	for name, a := range map[string]Asking{"the partner": member, "the account": alone} {
		if _, err := h.Ask(t.Context(), a, olive); !errors.Is(err, store.ErrSpent) {
			t.Errorf("%s asks once more: %v", name, err)
		}
	}
	for i := range MaxUnknown {
		a := stranger()
		a.Email = fmt.Sprintf("ada%d@acme.example", i)
		h.asked(a)
	}
	if _, err := h.Ask(t.Context(), stranger(), olive); !errors.Is(err, store.ErrSpent) {
		t.Error("one more stranger:", err)
	}
	open, _, err := h.Requests(t.Context(), store.AccessQuery{Limit: MaxUnknown + MaxOpen})
	if err != nil {
		t.Fatal(err)
	}
	one := slices.IndexFunc(open, func(r store.AccessRequest) bool { return r.AccountID == "" })
	if err := h.Refuse(t.Context(), open[one].ID, "Ask again in spring.", olive); err != nil {
		t.Fatal(err)
	}
	h.asked(stranger())
}

func TestRefused(t *testing.T) {
	h := openHouse(t)
	r := h.asked(stranger())
	for name, reason := range map[string]string{"none": " ", "turned": "no\u202e", "long": strings.Repeat("a", MaxPurpose+1)} {
		if err := h.Refuse(t.Context(), r.ID, reason, olive); about(err) != "reason" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for range 2 {
		if err := h.Refuse(t.Context(), r.ID, strings.Repeat("a", MaxPurpose), olive); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.Approve(t.Context(), r.ID, nil, "", olive); !errors.Is(err, store.ErrConflict) {
		t.Error("approved afterwards:", err)
	}
	if accounts, _ := h.Accounts.List(t.Context(), "", 10); len(accounts) != 0 {
		t.Error("there is an account")
	}
	if err := h.Refuse(t.Context(), "none", "No.", olive); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
}

// TestSameScopeAtTwoAPIs: where two APIs call a scope the same, each is asked for,
// approved and taken away by the name of its API before it.
func TestSameScopeAtTwoAPIs(t *testing.T) {
	h := openHouse(t)
	notes := h.staging.Environment.APIs[0]
	notes.Scopes = append(notes.Scopes, &catalogue.Scope{Name: "shared"})
	asking := stranger()
	asking.APIs, asking.Scopes = []string{"moves", "notes"}, []string{"moves shared", "notes shared", "notes read-notes"}
	r := h.asked(asking)
	want := map[string][]string{"moves": {"shared"}, "notes": {"shared", "https://scopes.example/notes.read"}}
	if diff := cmp.Diff(want, r.Wanted); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	if _, err := h.Approve(t.Context(), r.ID, []string{"notes shared", "notes notes.read"}, "", olive); about(err) != "scopes[1]" {
		t.Error("an ending behind an API is approved:", err)
	}
	if _, err := h.Approve(t.Context(), r.ID, []string{"notes shared", "notes.read"}, "", olive); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		edit Edit
		want map[string][]string
	}{
		{Edit{Add: []string{"moves shared"}}, map[string][]string{"moves": {"shared"}, "notes": {"shared", "https://scopes.example/notes.read"}}},
		{Edit{Remove: []string{"notes shared"}}, map[string][]string{"moves": {"shared"}, "notes": {"https://scopes.example/notes.read"}}},
	} {
		done, err := h.staging.Change(t.Context(), r.ClientID, Change{Scopes: step.edit}, olive)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, done.Client.Allotted); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", step.edit, diff)
		}
	}
	for _, text := range []string{"shared", "status shared", "moves notes:read", " shared", "moves "} {
		asking.Scopes = []string{text}
		if _, err := h.Ask(t.Context(), asking, olive); about(err) != "scopes[0]" {
			t.Errorf("%q: %v", text, err)
		}
	}
}
