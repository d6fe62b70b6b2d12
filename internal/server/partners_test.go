package server

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// An applicant is a client of a partner in staging, with a secret.
type applicant struct {
	*site
	*partner.Partners
	t       *testing.T
	staging *environment
	client  string
	secret  partner.Result
}

// approved goes from a stranger's request to a generated secret.
func approved(t *testing.T) *applicant {
	t.Helper()
	s := start(t, setup{example: "quickstart", home: true})
	a := &applicant{site: s, Partners: s.server.current.Load().partners, t: t, staging: s.environment("staging")}
	r, err := a.Ask(t.Context(), partner.Asking{
		Organised: "Acme", Person: "Ada", Email: "ada@acme.example", Environment: "staging", Application: "Nightly export",
		Purpose: "We copy notes.", Scopes: []string{partner.AllScopes},
	}, s.by())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Approve(t.Context(), r.ID, nil, "", s.by()); err != nil {
		t.Fatal(err)
	}
	a.client = r.ClientID
	if a.secret, err = a.staging.partners.AddSecret(t.Context(), a.client, partner.NewSecret{}, s.by()); err != nil {
		t.Fatal(err)
	}
	return a
}

// asks asks for a token with a secret.
func (a *applicant) asks(with secret.Secret, scope ...string) answer {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {a.client}, "client_secret": {with.Reveal()}, "scope": scope}.Encode()
	return a.send(a.t, a.request("POST "+a.staging.Issuer.Path+a.staging.dialect.TokenPaths[0]+" HTTP/1.1", form, formType))
}

// fetches returns a token that is good.
func (a *applicant) fetches(with secret.Secret) string {
	a.t.Helper()
	got := a.asks(with)
	if got.code != http.StatusOK {
		a.t.Fatalf("no token: %s", got)
	}
	token := got.member("access_token")
	if call := a.calls(token); call != http.StatusOK {
		a.t.Fatalf("a fresh token is answered with %d", call)
	}
	return token
}

func (a *applicant) calls(token string) int {
	return a.call(a.t, a.staging.Base.Path+"/notes", token).code
}

// dies waits until a token is refused.
func (a *applicant) dies(token string) {
	a.t.Helper()
	if !soon(func() bool { return a.calls(token) == http.StatusUnauthorized }, promptly) {
		a.t.Fatal("the token stays alive")
	}
}

// toldOf fails unless the partner was told of something about the client.
func (a *applicant) toldOf(kind, rest string) {
	a.t.Helper()
	same := store.Notice{ID: kind + "/staging/" + a.client + "/" + rest + "/partner", Kind: kind, To: "ada@acme.example", QueuedAt: a.clock.Now(), DueAt: a.clock.Now()}
	queue := a.server.current.Load().home().resources.store.Notices()
	if n, err := queue.Queue(a.t.Context(), []store.Notice{same}); err != nil || n != 0 { // each is queued once
		a.t.Errorf("nobody was told of %s: %d %v", same.ID, n, err)
	}
}

// TestFromRequestToFirstCall: whoever was approved generates a secret and calls;
// what leaked is dead within a second, and what came in its place works.
func TestFromRequestToFirstCall(t *testing.T) {
	t.Parallel()
	a := approved(t)
	other, err := a.staging.partners.AddSecret(t.Context(), a.client, partner.NewSecret{}, a.by())
	if err != nil {
		t.Fatal(err)
	}
	dead, alive := a.fetches(a.secret.Secret), a.fetches(other.Secret)
	a.clock.move(time.Second) // what was issued in the second of the revocation ends, too
	after, err := a.staging.partners.Leaked(t.Context(), a.client, a.secret.SecretID, a.by())
	if err != nil {
		t.Fatal(err)
	}
	a.toldOf(partner.NoticeLeaked, a.secret.SecretID)
	a.dies(dead)
	if got := a.asks(a.secret.Secret); got.code != http.StatusUnauthorized && got.code != http.StatusBadRequest {
		t.Errorf("the leaked secret: %s", got)
	}
	if got := a.calls(alive); got != http.StatusOK {
		t.Errorf("the token of the other secret: %d", got)
	}
	a.fetches(after.Secret)
	for _, text := range []string{a.secret.Secret.Reveal(), after.Secret.Reveal(), other.Secret.Reveal()} {
		if strings.Contains(a.log.all(), text) {
			t.Error("a secret is in the log")
		}
	}
}

// TestDisabledPartnerIsOut: with a partner its clients and their tokens end within
// a second, also when a crash came between, and its clients come back with it.
func TestDisabledPartnerIsOut(t *testing.T) {
	t.Parallel()
	a := approved(t)
	client, err := a.staging.partners.Find(t.Context(), a.client)
	if err != nil {
		t.Fatal(err)
	}
	token := a.fetches(a.secret.Secret)
	a.clock.move(time.Second)
	if _, err := a.SetDisabled(t.Context(), client.Partner, true, a.by()); err != nil {
		t.Fatal(err)
	}
	a.dies(token)
	if got := a.asks(a.secret.Secret); got.code == http.StatusOK {
		t.Error("it gets tokens")
	}
	a.clock.move(time.Second)
	if _, err := a.SetDisabled(t.Context(), client.Partner, false, a.by()); err != nil {
		t.Fatal(err)
	}
	if got := a.calls(token); got == http.StatusOK {
		t.Error("a token came back")
	}
	token = a.fetches(a.secret.Secret)
	a.clock.move(time.Second)
	if err := a.Store.SetDisabled(t.Context(), client.Partner, true, a.by()); err != nil { // and then the power went
		t.Fatal(err)
	}
	if err := a.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.dies(token)
}

// TestNobodyIsToldOfASecret: the notices of a whole life hold none, and no link.
func TestNobodyIsToldOfASecret(t *testing.T) {
	t.Parallel()
	a := approved(t)
	link, err := a.Invite(t.Context(), must(a.List(t.Context(), store.PartnerQuery{Limit: 1}))[0].ID, "bob@acme.example", "Bob", store.MemberDeveloper, a.by())
	if err != nil {
		t.Fatal(err)
	}
	if !link.Link.IsEmpty() {
		t.Error("the link is handed out, though there is mail")
	}
	handle := ""
	for _, mail := range a.environment("home").signIn.journey.Mails() {
		if _, after, found := strings.Cut(mail.Link, "link="); found {
			handle = after
			disclosed(handle)
		}
	}
	if handle == "" {
		t.Fatal("no mail has a link")
	}
	home := a.environment("home").resources.store
	waiting, err := home.Notices().Claim(t.Context(), a.clock.Now().Add(1000*time.Hour), a.clock.Now().Add(2000*time.Hour), 100)
	if err != nil {
		t.Fatal(err)
	}
	all := a.log.all()
	for _, n := range waiting {
		all += n.ID + n.To + n.Detail
	}
	changes, err := home.Changes().Since(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		all += c.Detail
	}
	if strings.Contains(all, handle) || strings.Contains(all, a.secret.Secret.Reveal()) {
		t.Error("a link or a secret is kept")
	}
}

func must[T any](v T, _ bool, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
