package server

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/oauth"
)

// administer asks the admin API of a server on this machine.
func administer[A any](t *testing.T, s *Server, status int, method, path, body string) (answer A) {
	t.Helper()
	r := httptest.NewRequest(method, admin.Prefix+"/environments/staging"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	s.Admin().ServeHTTP(w, r)
	if w.Code != status {
		t.Fatalf("%s %s: %d, want %d: %s", method, path, w.Code, status, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// TestDenialWhileTheDatabaseIsDown: denied with the store gone, heard within a
// second by our gateway and one apart, known after a restart, and then stored.
func TestDenialWhileTheDatabaseIsDown(t *testing.T) {
	s := start(t, setup{example: "fitness"})
	l := s.listen(t, nil)
	until(t, "the first word", l.open)
	first, second := s.token(t, good), s.token(t, good)
	if _, err := l.api.Check(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if got := s.call(t, moves, first); got.code != 200 {
		t.Fatal(got)
	}
	until(t, "the stream", func() bool { return l.Status().Streaming })
	if err := s.environment("staging").resources.store.Close(); err != nil {
		t.Fatal(err)
	}

	ends := func(name, token, path, body string) admin.Denied {
		t.Helper()
		if _, err := l.api.Check(t.Context(), token); err != nil {
			t.Fatalf("%s: before: %v", name, err)
		}
		began := time.Now()
		said := make(chan admin.Denied, 1)
		go func() { said <- administer[admin.Denied](t, s.server, 200, "POST", path, body) }()
		until(t, name, func() bool {
			_, err := l.api.Check(t.Context(), token)
			return errors.Is(err, oauth.InvalidToken)
		})
		if took := time.Since(began); took >= promptly {
			t.Errorf("%s: a gateway apart heard it after %v", name, took)
		}
		if got := s.call(t, moves, token); got.code != 401 {
			t.Errorf("%s: our gateway: %s", name, got)
		}
		done := <-said
		if done.Denial.Stored || done.Signed == "" || done.Denial.Actor != "command line" {
			t.Errorf("%s: %+v", name, done)
		}
		return done
	}
	text, _ := json.Marshal(first)
	ends("a token", first, "/denials", `{"kind":"token","token":`+string(text)+`}`)
	if got := s.call(t, moves, second); got.code != 200 {
		t.Errorf("another token: %s", got)
	}
	client := ends("a client", second, "/denials", `{"kind":"client","id":"YOUR_CLIENT_ID"}`)
	s.clock.move(2 * time.Second) // the client's next tokens are good
	third := s.token(t, good)
	kid := kidOf(t, third)
	ends("a key", third, "/keys/"+kid+"/deny", "")
	fourth := s.token(t, good)
	if kidOf(t, fourth) == kid {
		t.Error("a denied key signs")
	}
	if got := s.call(t, moves, fourth); got.code != 200 {
		t.Errorf("the standby's token: %s", got)
	}

	// Another process, with the same data folder.
	o, err := options(setup{example: "fitness"}, "http://"+s.address, s.catalogue.Data, s.clock.Now, slog.New(slog.NewJSONHandler(&logbook{}, nil)))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.catalogue.Data, "denials-staging.json")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info, err)
	}
	again, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}()
	for name, token := range map[string]string{"token": first, "client": second, "key": third} {
		if _, _, err := again.tokenID(t.Context(), "staging", token); !errors.Is(err, errNoToken) {
			t.Errorf("after a restart the %s's is good: %v", name, err)
		}
	}
	if _, _, err := again.tokenID(t.Context(), "staging", fourth); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	until(t, "the store has them", func() bool { _, err := os.Stat(path); return errors.Is(err, fs.ErrNotExist) })
	counted := func() (kinds []string) {
		all, err := again.current.Load().resources("staging").store.Changes().Since(t.Context(), 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			if slices.Contains([]string{"token.revoked", "client.revoked", "key.removed"}, c.Kind) {
				kinds = append(kinds, c.Kind)
				if c.Actor != "command line" || c.At.After(begin.Add(3*time.Second)) || c.Trace == "" && c.Kind != "key.removed" {
					t.Errorf("the record: %+v", c)
				}
			}
		}
		slices.Sort(kinds)
		return kinds
	}
	if got := counted(); !slices.Equal(got, []string{"client.revoked", "key.removed", "token.revoked"}) {
		t.Errorf("stored: %v", got)
	}

	// A node that did not hear of it takes what was signed; again, it is nothing new.
	signed, _ := json.Marshal(admin.SignedDenial{Signed: client.Signed})
	if done := administer[admin.Denied](t, again, 200, "POST", "/denials/signed", string(signed)); !done.Denial.Stored {
		t.Errorf("replayed: %+v", done)
	}
	if got := counted(); len(got) != 3 {
		t.Errorf("stored after a replay: %v", got)
	}
}

// TestForeignDenials: what another environment, a token's key or nobody signed,
// and a message of the feed, deny nothing.
func TestForeignDenials(t *testing.T) {
	s := start(t, setup{example: "fitness"})
	token := s.token(t, good)
	message, err := s.environment("staging").resources.feed.Message(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", admin.Prefix+"/environments/production/denials", strings.NewReader(`{"kind":"client","id":"YOUR_CLIENT_ID"}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.server.Admin().ServeHTTP(w, r)
	var foreign admin.Denied
	if err := json.Unmarshal(w.Body.Bytes(), &foreign); err != nil || w.Code != 200 {
		t.Fatal(w.Code, w.Body, err)
	}
	for name, text := range map[string]string{"another environment's": foreign.Signed, "a token": token, "the feed's": message.Text, "none": "x"} {
		body, _ := json.Marshal(admin.SignedDenial{Signed: text})
		if p := administer[admin.Problem](t, s.server, 422, "POST", "/denials/signed", string(body)); !strings.Contains(p.Errors[0].Hint, "signed it") {
			t.Errorf("%s: %+v", name, p)
		}
	}
	// And a denial is neither a token nor a message.
	if got := s.call(t, moves, foreign.Signed); got.code != 401 {
		t.Errorf("a denial as a token: %s", got)
	}
	if got := s.call(t, moves, token); got.code != 200 {
		t.Errorf("the token: %s", got)
	}
}

// TestFeedKeysRotate: the keys of the feed go on, planned and in an emergency,
// while a verifier listens, which misses nothing and refuses nothing.
func TestFeedKeysRotate(t *testing.T) {
	s := start(t, setup{example: "fitness"})
	l := s.listen(t, nil)
	until(t, "the first word", l.open)
	list := func() (active string) {
		all := administer[admin.KeyList](t, s.server, 200, "GET", "/keys?purpose=feed", "")
		for _, k := range all.Keys {
			if k.Purpose != keys.Feed {
				t.Errorf("%+v", k)
			}
			if k.State == store.KeyActive {
				active = k.ID
			}
		}
		return active
	}
	heard := func(name string) {
		t.Helper()
		token := s.token(t, good)
		checked, err := l.api.Check(t.Context(), token)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := s.environment("staging").resources.store.Revocations().Revoke(t.Context(), store.Revocation{
			Kind: store.RevokedToken, ID: checked.ID, IssuedBefore: s.clock.Now(), ForgetAt: s.forget(),
		}, s.by()); err != nil {
			t.Fatal(err)
		}
		took := until(t, name, func() bool { _, err := l.api.Check(t.Context(), token); return errors.Is(err, oauth.InvalidToken) })
		if st := l.Status(); took > promptly || st.Refused > 0 || !l.open() {
			t.Errorf("%s: after %v, %+v", name, took, st)
		}
	}
	first := list()
	administer[admin.Problem](t, s.server, 409, "POST", "/keys/rotate?purpose=feed", `{}`) // not announced for long enough
	s.clock.move(time.Hour)
	administer[admin.KeyList](t, s.server, 200, "POST", "/keys/rotate?purpose=feed", `{}`)
	until(t, "a word of now", l.open)
	second := list()
	heard("rotated")
	administer[admin.KeyList](t, s.server, 200, "DELETE", "/keys/"+second+"?purpose=feed", "")
	third := list()
	if first == second || second == third {
		t.Errorf("the keys were %s, %s, %s", first, second, third)
	}
	until(t, "the removal", func() bool { return l.KeyEnded(second) })
	token := s.token(t, good)
	if _, err := l.api.Check(t.Context(), token); err != nil {
		t.Error(err)
	}
	administer[admin.Problem](t, s.server, 400, "GET", "/keys?purpose=x", "")
}

// TestFeedAge: a store that answers is heard of every second; one that does not
// grows older.
func TestFeedAge(t *testing.T) {
	s := start(t, setup{example: "fitness"})
	s.clock.move(time.Minute)
	until(t, "a poll", func() bool { return s.server.FeedAge()["staging"] == 0 })
	if err := s.environment("staging").resources.store.Close(); err != nil {
		t.Fatal(err)
	}
	s.clock.move(time.Minute)
	time.Sleep(1500 * time.Millisecond)
	if age := s.server.FeedAge()["staging"]; age != time.Minute {
		t.Errorf("it was heard %v ago", age)
	}
	if _, ok := s.server.FeedAge()["production"]; !ok {
		t.Error("production is missing")
	}
}

// TestDenialOfOtherKeys: a denied key signs nothing and is not published, whatever
// it is for: while the store is gone, after a restart, and once it is stored.
func TestDenialOfOtherKeys(t *testing.T) {
	s := start(t, setup{example: "people"})
	environment := s.catalogue.Environments[0].Name
	deny := func(kid string) {
		t.Helper()
		w := httptest.NewRecorder()
		s.server.Admin().ServeHTTP(w, httptest.NewRequest("POST", admin.Prefix+"/environments/"+environment+"/keys/"+kid+"/deny", nil))
		if w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	of := func(s *Server, purpose string) *keys.Ring { return s.rings(environment, purpose) }
	denied := map[string]string{}
	for _, purpose := range []string{keys.ID, keys.Audit, keys.Feed} {
		signer, err := of(s.server, purpose).Signer(jose.ES256)
		if err != nil {
			t.Fatal(err)
		}
		denied[purpose] = signer.KeyID()
	}
	if err := s.environment(environment).resources.store.Close(); err != nil {
		t.Fatal(err)
	}
	gone := func(when string, server *Server) {
		t.Helper()
		for purpose, kid := range denied {
			ring := of(server, purpose)
			if ring.Holds(kid) || strings.Contains(string(ring.JWKS()), kid) {
				t.Errorf("%s: the denied key of purpose %s is published", when, purpose)
			}
			if signer, err := ring.Signer(jose.ES256); err != nil || signer.KeyID() == kid {
				t.Errorf("%s: the denied key of purpose %s signs (%v)", when, purpose, err)
			}
		}
	}
	for _, kid := range denied {
		deny(kid)
	}
	gone("while the store is down", s.server)

	o, err := options(setup{example: "people"}, "http://"+s.address, s.catalogue.Data, s.clock.Now, slog.New(slog.NewJSONHandler(&logbook{}, nil)))
	if err != nil {
		t.Fatal(err)
	}
	again, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}()
	gone("after a restart", again)
	path := filepath.Join(s.catalogue.Data, "denials-"+environment+".json")
	until(t, "the store has them", func() bool { _, err := os.Stat(path); return errors.Is(err, fs.ErrNotExist) })
	gone("stored", again)
	stored, err := again.current.Load().resources(environment).store.Keys().List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range stored {
		if denied[k.Purpose] == k.ID && k.State() != store.KeyGone {
			t.Errorf("the store has the key of purpose %s as %s", k.Purpose, k.State())
		}
	}
}
