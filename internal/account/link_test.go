package account

import (
	"context"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

const another = "tangerine-lathe-9"

// handle is what the newest mail carries.
func (w *world) handle() string {
	w.Helper()
	if len(w.mails) == 0 {
		w.Fatal("no mail")
	}
	_, rest, _ := strings.Cut(w.mails[len(w.mails)-1].Text, "?link=")
	handle, _, _ := strings.Cut(rest, "\n")
	return handle
}

func TestReset(t *testing.T) {
	w := newWorld(t)
	a := w.person("jan")
	w.app(w.signed(a, Password))
	session, _, err := w.sessions.Start(t.Context(), Start{AccountID: a.ID, Verdict: Verdict{Enough: true, At: w.now()}}, w.by())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.links.SendReset(t.Context(), "jan@school.example", "nl-BE", somewhere); err != nil {
		t.Fatal(err)
	}
	m, h := w.mails[0], w.handle()
	if m.To != "jan@school.example" || m.Language != "nl" || m.Subject != "De Stip: kies een nieuw wachtwoord" || strings.Contains(m.Text, a.Name) {
		t.Errorf("%+v", m)
	}
	for range 2 { // opening spends nothing
		if who, err := w.links.OpenReset(t.Context(), h); err != nil || who.ID != a.ID {
			t.Fatal(err)
		}
	}
	_, err = w.links.OpenVerify(t.Context(), h)
	w.is(err, ErrExpired) // for another purpose
	_, err = w.links.FinishReset(t.Context(), h, "password1234", w.by())
	w.is(err, ErrCommon)
	if _, err := w.links.FinishReset(t.Context(), h, another, w.by()); err != nil {
		t.Fatal(err)
	}
	_, err = w.links.FinishReset(t.Context(), h, good, w.by())
	w.is(err, ErrExpired)
	_, err = w.sessions.Find(t.Context(), session.Reveal())
	w.is(err, store.ErrNotFound)
	_, p, err := w.passwords.Check(t.Context(), "jan", another, Source{})
	if err != nil {
		t.Fatal(err)
	}
	// A link is no second factor.
	if v, _ := w.strength.Judge(t.Context(), Signed{AccountID: a.ID, Proven: []Proof{p}}, false, Wish{}); v.Enough {
		t.Error("signed in past the second factor")
	}
}

func TestResetLinksEnd(t *testing.T) {
	w := newWorld(t)
	a := w.person("jan")
	send := func() string {
		if err := w.links.SendReset(t.Context(), "jan", "en", somewhere); err != nil {
			t.Fatal(err)
		}
		return w.handle()
	}
	finish := func(handle string) error {
		_, err := w.links.FinishReset(t.Context(), handle, another, w.by())
		return err
	}
	h := send()
	w.wait(ResetLife)
	w.is(finish(h), ErrExpired)
	one, two := send(), send()
	w.is(finish(two[:46]+"-"), ErrExpired)
	if err := finish(one); err != nil {
		t.Error(err)
	}
	w.is(finish(two), ErrExpired) // with the password all links end

	w.wait(time.Hour)
	h = send()
	if err := w.people.Describe(t.Context(), a.ID, store.Profile{Email: "other@school.example", EmailVerified: true}, nil, w.by()); err != nil {
		t.Fatal(err)
	}
	w.is(finish(h), ErrExpired) // sent to an address that is no longer theirs
	h = send()
	if err := w.people.Disable(t.Context(), a.ID, w.by()); err != nil {
		t.Fatal(err)
	}
	w.is(finish(h), ErrExpired)
}

// P01: what is answered does not say who is there; three in an hour go out.
func TestResetSaysNothing(t *testing.T) {
	w := newWorld(t)
	a := w.person("jan")
	if _, err := w.people.Create(t.Context(), New{Name: "unverified", Profile: store.Profile{Email: "u@school.example"}}, w.by()); err != nil {
		t.Fatal(err)
	}
	disabled := w.person("piet")
	if err := w.people.Disable(t.Context(), disabled.ID, w.by()); err != nil {
		t.Fatal(err)
	}
	for _, typed := range []string{"klaas", "klaas@school.example", "a b", "", "unverified", "u@school.example", "piet"} {
		if err := w.links.SendReset(t.Context(), typed, "en", somewhere); err != nil || len(w.mails) != 0 {
			t.Errorf("%q: %v, %d mails", typed, err, len(w.mails))
		}
	}
	for i := range 5 {
		if err := w.links.SendReset(t.Context(), "jan", "en", somewhere); err != nil || len(w.mails) != min(i+1, 3) {
			t.Errorf("%d: %v, %d mails", i, err, len(w.mails))
		}
	}
	for _, typed := range []string{"jan", "klaas"} {
		for range 6 {
			w.links.SendReset(t.Context(), typed, "en", somewhere)
		}
		w.is(w.links.SendReset(t.Context(), typed, "en", somewhere), ErrTooMany)
	}
	_, err := w.links.MakeReset(t.Context(), a.ID)
	w.is(err, ErrTooMany)
	w.wait(time.Hour + time.Second)
	link, err := w.links.MakeReset(t.Context(), a.ID)
	if err != nil || !strings.HasPrefix(link.Reveal(), "https://id.example/reset?link=") {
		t.Error(err)
	}
	_, err = w.links.MakeReset(t.Context(), "nobody")
	w.is(err, store.ErrNotFound)
}

// P01: what takes longer for who is there happens beside the answer.
func TestResetIsSentBeside(t *testing.T) {
	w := newWorld(t)
	w.person("jan")
	var later []func(context.Context) error
	w.links.Beside = func(work func(context.Context) error) error { later = append(later, work); return nil }
	for _, typed := range []string{"jan", "klaas", "a b"} {
		if err := w.links.SendReset(t.Context(), typed, "en", somewhere); err != nil {
			t.Fatal(err)
		}
	}
	if len(later) != 3 || len(w.mails) != 0 {
		t.Fatalf("%d later, %d mails before", len(later), len(w.mails))
	}
	for _, work := range later {
		if err := work(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if len(w.mails) != 1 {
		t.Errorf("%d mails", len(w.mails))
	}
}

// P14: only the link that was sent there makes an address verified.
func TestVerify(t *testing.T) {
	w := newWorld(t)
	a, err := w.people.Create(t.Context(), New{Name: "jan", Roles: []string{"teacher"}, Profile: store.Profile{Email: "j@school.example"}}, w.by())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.links.SendVerify(t.Context(), a.ID, "fr"); err != nil || w.mails[0].Language != "en" || w.mails[0].To != "j@school.example" {
		t.Fatal(err)
	}
	h := w.handle()
	if who, err := w.links.OpenVerify(t.Context(), h); err != nil || who.Profile.EmailVerified {
		t.Fatal(err)
	}
	if who, err := w.links.FinishVerify(t.Context(), h, w.by()); err != nil || !who.Profile.EmailVerified {
		t.Fatal(err)
	}
	_, err = w.links.FinishVerify(t.Context(), h, w.by())
	w.is(err, ErrExpired)
	stored, _ := w.store.Accounts().Find(t.Context(), a.ID)
	if !stored.Profile.EmailVerified || len(stored.Roles) != 1 {
		t.Errorf("%+v", stored)
	}
	// Claiming it does nothing.
	b := w.person("piet")
	if err := w.people.DescribeOwn(t.Context(), w.signed(b, Password), store.Profile{Email: "j@school.example", EmailVerified: true}, w.by()); err != nil {
		t.Fatal(err)
	}
	if stored, _ := w.store.Accounts().Find(t.Context(), b.ID); stored.Profile.EmailVerified {
		t.Error("verified by claiming")
	}
	if err := w.links.SendVerify(t.Context(), b.ID, "en"); err != nil {
		t.Fatal(err)
	}
	_, err = w.links.FinishVerify(t.Context(), w.handle(), w.by())
	w.is(err, ErrTaken)
	_, err = w.links.FinishVerify(t.Context(), w.handle(), w.by()) // spends nothing
	w.is(err, ErrTaken)
	if err := w.people.DescribeOwn(t.Context(), w.signed(b, Password), store.Profile{Email: "new@school.example"}, w.by()); err != nil {
		t.Fatal(err)
	}
	_, err = w.links.FinishVerify(t.Context(), w.handle(), w.by())
	w.is(err, ErrExpired) // sent to an address that is no longer theirs
	if err := w.links.SendVerify(t.Context(), b.ID, "en"); err != nil {
		t.Fatal(err)
	}
	w.wait(verifyLife)
	_, err = w.links.OpenVerify(t.Context(), w.handle())
	w.is(err, ErrExpired)
}

// P12: whatever is posted in whatever order, a password changes only by a handle
// that was sent to its own account for that purpose and was not used.
func TestResetStepsCannotBeSkipped(t *testing.T) {
	w := newWorld(t)
	a, b := w.person("jan"), w.person("piet")
	people := []store.Account{a, b}
	passwords := map[string]string{a.ID: good, b.ID: good}
	type sent struct{ account, purpose string }
	rapid.Check(t, func(r *rapid.T) {
		w.wait(2 * time.Hour)
		live := map[string]sent{}
		var handles []string
		for range rapid.IntRange(1, 6).Draw(r, "steps") {
			who := rapid.SampledFrom(people).Draw(r, "who")
			switch rapid.IntRange(0, 4).Draw(r, "step") {
			case 0, 1:
				before := len(w.mails)
				purpose := rapid.SampledFrom([]string{store.LinkReset, store.LinkVerify}).Draw(r, "purpose")
				if purpose == store.LinkReset {
					w.links.SendReset(t.Context(), who.Name, "en", somewhere)
				} else {
					w.links.SendVerify(t.Context(), who.ID, "en")
				}
				if len(w.mails) > before {
					live[w.handle()] = sent{who.ID, purpose}
					handles = append(handles, w.handle())
				}
			default:
				handle := "made up"
				if len(handles) > 0 && rapid.Bool().Draw(r, "real") {
					handle = rapid.SampledFrom(handles).Draw(r, "handle")
				}
				link, is := live[handle]
				if rapid.Bool().Draw(r, "verify") {
					_, err := w.links.FinishVerify(t.Context(), handle, w.by())
					if (err == nil) != (is && link.purpose == store.LinkVerify) {
						r.Fatalf("verify with %+v: %v", link, err)
					}
					if err != nil {
						continue
					}
				} else {
					chosen := good + rapid.StringMatching("-[a-z]{8}").Draw(r, "chosen")
					who, err := w.links.FinishReset(t.Context(), handle, chosen, w.by())
					if (err == nil) != (is && link.purpose == store.LinkReset) || err == nil && who.ID != link.account {
						r.Fatalf("reset with %+v: %v", link, err)
					}
					if err != nil {
						continue
					}
					passwords[who.ID] = chosen
					link.purpose = "" // with the password all links end
				}
				for h, l := range live {
					if l.account == link.account && (link.purpose == "" || l.purpose == link.purpose) {
						delete(live, h)
					}
				}
			}
		}
		for _, one := range people {
			f := w.factor(one, store.FactorPassword)
			v, err := secret.Parse(f.Data)
			if err != nil {
				r.Fatal(err)
			}
			if ok, err := w.passwords.Checker.Check(t.Context(), f.ID, v, passwords[one.ID]); !ok || err != nil {
				r.Fatal("a password changed on its own")
			}
		}
	})
}

// R06: nothing that a person or a request says is in a message, and it is plain.
func TestMessages(t *testing.T) {
	for _, of := range []map[string]texts{resetTexts, verifyTexts} {
		for _, tag := range []string{"en", "nl", "nl-NL", "", "../../x", "NL"} {
			m := message(of, "jan@school.example", tag, "De\r\nStip", "https://id.example/x")
			if strings.ContainsAny(m.Subject, "\r\n%") || !strings.HasPrefix(m.Subject, "De Stip: ") || strings.ContainsAny(m.Text, "\r%<>") ||
				strings.Count(m.Text, "https://") != 1 || m.Language != "en" && m.Language != "nl" {
				t.Errorf("%s: %+v", tag, m)
			}
		}
	}
}
