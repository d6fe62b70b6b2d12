package account

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

func TestPersonCreate(t *testing.T) {
	w := newWorld(t)
	create := func(n New) (store.Account, error) { return w.people.Create(t.Context(), n, w.by()) }
	a, err := create(New{Name: "Jan", Roles: []string{"teacher"}, Profile: store.Profile{Email: "jan@School.example", EmailVerified: true}})
	if err != nil || len(a.ID) != idLength || a.Key != "jan" || a.Profile.Email != "jan@school.example" {
		t.Fatalf("%+v, %v", a, err)
	}
	for name, row := range map[string]struct {
		n    New
		want error
	}{
		"P20: the same name":                  {New{Name: "ＪＡＮ"}, ErrTaken},
		"the same address":                    {New{Name: "x", Profile: store.Profile{Email: "JAN@school.example", EmailVerified: true}}, ErrTaken},
		"another's address as a name":         {New{Name: "jan@school.example"}, ErrTaken},
		"another's name as an address":        {New{Name: "x", Profile: store.Profile{Email: "jan", EmailVerified: true}}, ErrEmail},
		"no name":                             {New{}, ErrName},
		"P19: two @":                          {New{Name: "x", Profile: store.Profile{Email: "a@b@c.example"}}, ErrEmail},
		"control characters":                  {New{Name: "x", Profile: store.Profile{FullName: "a\nb"}}, ErrProfile},
		"too long":                            {New{Name: "x", Profile: store.Profile{GivenName: strings.Repeat("x", 513)}}, ErrProfile},
		"a role with a space":                 {New{Name: "x", Roles: []string{"a b"}}, ErrProfile},
		"a role twice":                        {New{Name: "x", Roles: []string{"a", "a"}}, ErrProfile},
		"51 roles":                            {New{Name: "x", Roles: make([]string, 51)}, ErrProfile},
		"a common password":                   {New{Name: "x", Password: secret.Of("password1234")}, ErrCommon},
		"an unverified address may be shared": {New{Name: "z", Profile: store.Profile{Email: "jan@school.example"}}, nil},
		"512 bytes":                           {New{Name: "y", Profile: store.Profile{GivenName: strings.Repeat("x", 512), Address: "a\nb"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w.T = t
			_, err := create(row.n)
			w.is(err, row.want)
		})
	}
}

// An account for somebody who comes from a provider; of two at once one is made.
func TestPersonCreateWithIdentity(t *testing.T) {
	w := newWorld(t)
	create := func(name string) (store.Account, error) {
		return w.people.Create(t.Context(), New{Name: name, Identity: &store.Identity{Issuer: "https://idp.example", Subject: "1"}}, w.by())
	}
	a, err := create("jan")
	if err != nil {
		t.Fatal(err)
	}
	if i, err := w.store.Identities().Find(t.Context(), "https://idp.example", "1"); err != nil || i.AccountID != a.ID {
		t.Error(i, err)
	}
	_, err = create("piet")
	w.is(err, store.ErrConflict)
	_, err = w.store.Accounts().FindBy(t.Context(), "piet")
	w.is(err, store.ErrNotFound)
}

func TestPersonDescribeAndDelete(t *testing.T) {
	w := newWorld(t)
	a, b := w.person("jan"), w.person("piet")
	w.is(w.people.Describe(t.Context(), b.ID, store.Profile{Email: "jan@school.example", EmailVerified: true}, nil, w.by()), ErrTaken)
	w.is(w.people.Describe(t.Context(), "nobody", store.Profile{}, nil, w.by()), store.ErrNotFound)
	own := a.Profile
	own.GivenName, own.PhoneVerified, own.Phone = "Jan", true, "1"
	if err := w.people.DescribeOwn(t.Context(), Signed{AccountID: a.ID}, own, w.by()); err != nil {
		t.Fatal(err) // the address stays: no sign-in needed
	}
	stored, _ := w.store.Accounts().Find(t.Context(), a.ID)
	if !stored.Profile.EmailVerified || stored.Profile.PhoneVerified || stored.Profile.GivenName != "Jan" {
		t.Errorf("%+v", stored.Profile)
	}
	own.Email = "else@school.example"
	w.is(w.people.DescribeOwn(t.Context(), Signed{AccountID: a.ID}, own, w.by()), ErrStepUp)
	w.is(w.people.DeleteOwn(t.Context(), Signed{AccountID: a.ID}, w.by()), ErrStepUp)
	if err := w.people.DeleteOwn(t.Context(), w.signed(a, Password), w.by()); err != nil {
		t.Fatal(err)
	}
	_, _, err := w.passwords.Check(t.Context(), "jan", good, Source{})
	w.is(err, ErrWrong)
	if again := w.person("jan"); again.ID == a.ID {
		t.Error("an id came back")
	}
}

func TestExport(t *testing.T) {
	w := newWorld(t)
	a := w.person("jan")
	key := w.app(w.signed(a, Password))
	if _, err := w.passkey(w.signed(a, Password, TOTP), newAuthenticator(t)); err != nil {
		t.Fatal(err)
	}
	codes, err := w.recovery.Make(t.Context(), w.signed(a, Password, TOTP), w.by())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.factors.Link(t.Context(), w.signed(a, Password, TOTP), store.Identity{Issuer: "https://idp.example", Subject: "s-1"}, w.by()); err != nil {
		t.Fatal(err)
	}
	v := Verdict{Enough: true, ACR: ACRTwo, Methods: []string{"pwd"}, At: w.now()}
	handle, _, err := w.sessions.Start(t.Context(), Start{AccountID: a.ID, Verdict: v, Agent: "Firefox on Linux"}, w.by())
	if err != nil {
		t.Fatal(err)
	}
	device, _, err := w.devices.Remember(t.Context(), a.ID, v, "Chrome on Android", w.by())
	if err != nil {
		t.Fatal(err)
	}
	r := &Record{
		Accounts: w.store.Accounts(), Factors: w.store.Factors(), Identities: w.store.Identities(), Sessions: w.store.Sessions(),
		Devices: w.store.Devices(), Consents: w.store.Consents(), Grants: w.store.Grants(), Now: w.now,
		Partners: w.store.Partners(), Access: w.store.AccessRequests(),
	}
	other := w.person("piet")
	members := []store.Member{{AccountID: a.ID, Role: store.MemberAdmin, Since: w.now()}, {AccountID: other.ID, Role: store.MemberAdmin, Since: w.now()}}
	if err := w.store.Partners().Create(t.Context(), store.Partner{ID: "p", Name: "Acme Ltd", Members: members}, w.by()); err != nil {
		t.Fatal(err)
	}
	for id, asks := range map[string]string{"mine": a.ID, "theirs": other.ID} {
		asked := store.AccessRequest{ID: id, AccountID: asks, Person: "Jan of " + id, Purpose: "To sync.", AskedAt: w.now()}
		if err := w.store.AccessRequests().Ask(t.Context(), asked, store.AccessLimits{}, w.by()); err != nil {
			t.Fatal(err)
		}
	}
	text, err := r.Export(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"factors": 13, "identities": 1, "sessions": 1, "devices": 1, "consents": 0, "grants": 0, "roles": 0, "memberships": 1, "access_requests": 1} {
		if got, ok := all[name].([]any); !ok || len(got) != want {
			t.Errorf("%s: %v", name, all[name])
		}
	}
	for _, secret := range []string{
		handle.Reveal(), device.Reveal(), handle.Hash().Hex(), string(key), codes[0], "argon2", w.factor(a, store.FactorPassword).Data,
		w.factor(a, store.FactorTOTP).Data, w.factor(a, store.FactorRecovery).Data, "hash", "Data",
		other.ID, "Jan of theirs",
	} {
		if strings.Contains(string(text), secret) {
			t.Errorf("%q is in the export", secret)
		}
	}
	if !strings.Contains(string(text), "jan@school.example") || !strings.Contains(string(text), "Acme Ltd") || !strings.Contains(string(text), "Jan of mine") || !strings.Contains(string(text), a.CreatedAt.Format(time.RFC3339)) {
		t.Errorf("%s", text)
	}
	_, err = r.Export(t.Context(), "nobody")
	w.is(err, store.ErrNotFound)
}
