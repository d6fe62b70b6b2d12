// Package storetest is the contract of package store as a suite of tests. Every
// sentence in the comments of the role interfaces has a test here, and every
// database must pass them all.
//
// It knows nothing of SQL; what only one database can do wrong is tested beside
// package sqlstore. It is imported by tests only.
package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/grantway/grantway/internal/store"
)

// Roles are the roles that one open store offers.
type Roles struct {
	Clients     store.Clients
	Secrets     store.Secrets
	Keys        store.Keys
	Tokens      store.Tokens
	Revocations store.Revocations
	Changes     store.Changes
	Abouts      store.Abouts
	Activity    store.Activity

	Accounts   store.Accounts
	Factors    store.Factors
	Sessions   store.Sessions
	Devices    store.Devices
	Links      store.Links
	Identities store.Identities

	Requests      store.Requests
	Grants        store.Grants
	Consents      store.Consents
	APITokens     store.APITokens
	APITokenUses  store.APITokenUses
	LogoutNotices store.LogoutNotices

	Partners       store.Partners
	AccessRequests store.AccessRequests
	Unconfirmed    store.UnconfirmedRequests
	Notices        store.Notices
	Seals          store.Seals
	Replays        store.Replays
	ScopeUses      store.ScopeUses
	PartnerClients store.PartnerClients
	History        store.History
	Marks          store.Marks

	Close func() error
}

// An Opener opens one database, again or beside itself, like another node. The
// test closes what it opened; what it leaves open the Opener closes with the
// test.
type Opener func(t *testing.T) Roles

// Run tests a kind of store. database makes a new, empty database at each call.
func Run(t *testing.T, database func(t *testing.T) Opener) {
	for noun, cases := range map[string]map[string]func(*testing.T, *world){
		"clients": clientCases, "changes of clients": clientChangeCases, "secrets": secretCases, "keys": keyCases, "tokens": tokenCases,
		"revocations": revocationCases, "changes": changeCases, "abouts": aboutCases, "activity": activityCases, "all": allCases,
		"requests": requestCases, "grants": grantCases, "redemptions": redemptionCases, "races": redemptionRaces, "consents": consentCases,
		"API tokens": apiTokenCases, "accounts": accountCases, "ends of accounts": accountEndCases, "factors": factorCases,
		"sessions": sessionCases, "devices": deviceCases, "links": linkCases, "identities": identityCases,
		"partners": partnerCases, "requests for access": accessCases, "unconfirmed requests": unconfirmedCases, "notices": noticeCases, "seals": sealCases,
		"replays": replayCases, "uses of scopes": scopeUseCases, "clients of partners": partnerClientCases, "history": historyCases,
		"secrets that end": secretEndCases, "marks": markCases, "ends of clients": clientEndCases,
	} {
		for name, test := range cases {
			t.Run(noun+"/"+name, func(t *testing.T) {
				open := database(t)
				test(t, &world{Roles: open(t), open: open, database: database})
			})
		}
	}
}

// A world is what a test has: an open store, empty at first.
type world struct {
	Roles
	open     Opener
	database func(t *testing.T) Opener
}

// many is how many do the same thing at the same time.
const many = 100

// start is when the tests take place; at is a time after it.
var start = time.Date(2026, 3, 4, 5, 6, 7, 891_234_000, time.UTC)

func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

func by(seconds int) store.By {
	return store.By{Actor: "operator", Trace: "trace" + strconv.Itoa(seconds), At: at(seconds)}
}

// client is the fixture: a client with every field set and two secrets.
func client(id string) store.Client {
	return store.Client{
		ID: id, Name: "Ünïted \"Clients\"", Type: "machine", Partner: "pärtner",
		Grants:      []string{"client_credentials", "urn:x:y"},
		AuthMethods: []string{"client_secret_basic"},
		Allotted:    map[string][]string{"api": {"read", "write"}, "bare": {}},
		Secrets:     []store.Secret{secret(id, "a"), secret(id, "b")},
		GrantsEnd:   map[string]time.Time{"urn:x:y": at(5000)},
		SignIn: store.SignIn{
			Redirects: []string{"https://a.example/?a=b&c=d", "http://127.0.0.1/"}, LogoutRedirects: []string{"https://a.example/bye"},
			LogoutNotice: "https://a.example/notice", IDTokenAlg: "ES256", Owner: "Ünïted <Owners>", Homepage: "https://a.example",
			Verified: true, Legacy: true,
		},
		CreatedAt: at(-100),
		Declared:  true,
	}
}

func secret(client, id string) store.Secret {
	return store.Secret{
		ID: client + "0" + id, ClientID: client, Verifier: "verifier of " + id, Hint: "hint",
		CreatedAt: at(-100), ExpiresAt: at(1000), LastUsedAt: at(-50), LastUsedFrom: "192.0.2.0/24",
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("error %v, want %v", err, target)
	}
}

func same(t *testing.T, got, want any) {
	t.Helper()
	// An empty list and none are the same.
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("differs (-want +got):\n%s", diff)
	}
}

func (w *world) find(t *testing.T, id string) store.Client {
	t.Helper()
	c, err := w.Clients.Find(t.Context(), id)
	must(t, err)
	return c
}

// kinds returns the changes as "kind id".
func (w *world) kinds(t *testing.T) []string {
	t.Helper()
	all, err := w.Changes.Since(t.Context(), 0, 100_000)
	must(t, err)
	var kinds []string
	for i, c := range all {
		if c.Seq != int64(i+1) {
			t.Fatalf("change %d has the number %d", i+1, c.Seq)
		}
		kinds = append(kinds, c.Kind+" "+c.ID)
	}
	return kinds
}

// last checks everything about the newest change but its detail.
func (w *world) last(t *testing.T, want store.Change) {
	t.Helper()
	seq, err := w.Changes.Last(t.Context())
	must(t, err)
	all, err := w.Changes.Since(t.Context(), seq-1, 2)
	must(t, err)
	want.Seq = seq
	if len(all) != 1 {
		t.Fatalf("%d changes after %d, want 1", len(all), seq-1)
	}
	if all[0].Detail == "" || all[0].Detail[0] != '{' {
		t.Errorf("detail %q, want a JSON object", all[0].Detail)
	}
	all[0].Detail = want.Detail
	same(t, all[0], want)
}

// patiently tries again where the store could not say in time, which is no answer: a
// machine that does much else makes many callers wait for long.
func patiently(f func() error) error {
	err := f()
	for deadline := time.Now().Add(time.Minute); is(err, store.ErrUnavailable) && time.Now().Before(deadline); {
		err = f()
	}
	return err
}

// race runs f many times at once and counts what it returns.
func race(t *testing.T, f func(i int) error) (succeeded int, failed map[error]int) {
	t.Helper()
	var (
		wg    sync.WaitGroup
		ready = make(chan struct{})
		errs  = make([]error, many)
	)
	for i := range many {
		wg.Go(func() {
			<-ready
			errs[i] = patiently(func() error { return f(i) })
		})
	}
	close(ready)
	wg.Wait()
	failed = map[error]int{}
	for _, err := range errs {
		known := false
		for _, sentinel := range []error{store.ErrNotFound, store.ErrConflict, store.ErrSpent, store.ErrLast, store.ErrUnavailable} {
			if errors.Is(err, sentinel) {
				failed[sentinel]++
				known = true
			}
		}
		switch {
		case err == nil:
			succeeded++
		case !known:
			t.Errorf("unexpected error: %v", err)
		}
	}
	return succeeded, failed
}

// onlyOne checks that of many calls exactly one succeeds and the others return
// the error.
func onlyOne(t *testing.T, other error, f func(i int) error) {
	t.Helper()
	n, failed := race(t, f)
	if n != 1 || failed[other] != many-1 {
		t.Fatalf("%d succeeded, others: %v; want one, and %d times %q", n, failed, many-1, other)
	}
}

func id(prefix string, i int) string { return fmt.Sprintf("%s%03d", prefix, i) }
