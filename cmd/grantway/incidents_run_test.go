package main

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/store/storetest/pgtest"
)

// incidents are the sections of docs/INCIDENTS.md by their titles, step by step.
var incidents map[string]incidentCase

func init() { // in a function, because one section does what another one says
	incidents = map[string]incidentCase{
		"A client's secret has leaked":               {prepareSecret, []func(*incident, step){secretStep1, secretStep2, secretStep3, secretStep4}},
		"A signing key is suspected":                 {prepareKey, []func(*incident, step){keyStep1, keyStep2, keyStep3, keyStep4, keyStep5, keyStep6}},
		"The sealing key is lost":                    {prepareLost, []func(*incident, step){stopServers, newSealingKey, lostStep3, startServers, listKeys}},
		"The sealing key has leaked":                 {prepareLeaked, []func(*incident, step){stopServers, newSealingKey, leakedStep3, startServers, leakedStep5, leakedStep6}},
		"The database is down":                       {prepareDatabase, []func(*incident, step){databaseStep1, databaseStep2, databaseStep3}},
		"Tokens must end while the database is down": {prepareDenial, []func(*incident, step){denialStep1, denialStep2, denialStep3, denialStep4}},
		"A key of the feed is suspected":             {prepareLeaked, []func(*incident, step){feedStep1, feedStep2, feedStep3}},
	}
}

// A client's secret has leaked: two nodes on one store.

func prepareSecret(i *incident) {
	i.publish(nil)
	other := filepath.Join(i.folder, "second")
	i.second = publish(i.t, i.env, filepath.Join(i.folder, "data"), http.HandlerFunc(notes), append(slices.Clone(i.pairs),
		"data: "+filepath.Join(i.folder, "data"), "data: "+other)...)
	i.client = i.create()
	i.words["CLIENT"] = i.client.id
	i.words["old"], i.words["old opaque"] = i.client.token(i.t, i.server), i.client.opaque(i.t, i.second)
	i.wants(http.StatusOK, i.second, map[string]string{"the old secret's token": i.words["old"], "its opaque token": i.words["old opaque"]})
}

func secretStep1(i *incident, s step) {
	i.says(s, "when each was last used")
	printed := i.run(s, 0)
	i.words["SECRET"] = i.first(`(?m)^(\w{12}) `, printed)
	if !strings.Contains(printed, "LAST USED") {
		i.t.Errorf("no time of last use:\n%s", printed)
	}
}

func secretStep2(i *incident, s step) {
	fresh := &partnerClient{i.client.id, i.first(`(?m)^client secret +(\S+)$`, i.run(s, 0))}
	i.words["new"] = fresh.token(i.t, i.server)
	i.words["old secret"], i.client = i.client.secret, fresh
}

func secretStep3(i *incident, s step) {
	i.says(s, "within a second at our own gateways, on every node")
	i.run(s, 0)
	i.refusedWithin(time.Now(), soon, map[string]string{"a token of the leaked secret": i.words["old"], "an opaque one": i.words["old opaque"]})
	leaked := &partnerClient{i.client.id, i.words["old secret"]}
	for _, at := range []*published{i.server, i.second} {
		if got := leaked.ask(i.t, at); got.status != http.StatusUnauthorized {
			i.t.Errorf("the leaked secret is answered %d", got.status)
		}
		i.wants(http.StatusOK, at, map[string]string{"the new secret's token": i.words["new"]})
	}
}

func secretStep4(i *incident, s step) {
	i.run(s, 0)
	began := time.Now()
	i.refusedWithin(began, soon, map[string]string{"a disabled client's token": i.words["new"]})
	if got := i.client.ask(i.t, i.second); got.status != http.StatusUnauthorized {
		i.t.Errorf("a disabled client is answered %d", got.status)
	}
	i.run(s, 1)
	i.refusedWithin(time.Now(), soon, map[string]string{"a token of before": i.words["new"]})
	// A token that is issued in the second of the revocation counts as one of before.
	time.Sleep(time.Until(began.Add(2 * time.Second)))
	i.wants(http.StatusOK, i.second, map[string]string{"a token of later": i.client.token(i.t, i.server)})
}

// A signing key is suspected.

func prepareKey(i *incident) {
	i.publish(nil)
	i.client = i.create()
	i.words["retired"] = i.client.token(i.t, i.server)
	if _, err := i.shell("grantway keys rotate -e staging --emergency"); err != nil {
		i.t.Fatal(err)
	}
	i.words["active"], i.words["opaque"] = i.client.token(i.t, i.server), i.client.opaque(i.t, i.server)
	i.wants(http.StatusOK, i.server, map[string]string{"a retired key's token": i.words["retired"], "the active one's": i.words["active"], "an opaque one": i.words["opaque"]})
}

// keys notes the ids that a list shows.
func (i *incident) keys(printed string) {
	i.t.Helper()
	for _, state := range []string{"ACTIVE", "STANDBY"} {
		i.words[state] = i.first(`(?m)^(\S{43}) +\S+ +`+strings.ToLower(state)+` `, printed)
	}
	i.words["RETIRED"] = ""
	if m := regexp.MustCompile(`(?m)^(\S{43}) +\S+ +retired `).FindStringSubmatch(printed); m != nil {
		i.words["RETIRED"] = m[1]
	}
}

func keyStep1(i *incident, s step) {
	i.keys(i.run(s, 0))
	if i.words["RETIRED"] == "" {
		i.t.Error("the retired key is not listed")
	}
}

func keyStep2(i *incident, s step) {
	i.says(s, "The standby signs from now on")
	removed, standby := i.words["ACTIVE"], i.words["STANDBY"]
	i.keys(i.run(s, 0))
	i.refusedWithin(time.Now(), soon, map[string]string{"a token of the removed key": i.words["active"]})
	if i.words["ACTIVE"] != standby {
		i.t.Errorf("%s signs, and %s was the standby", i.words["ACTIVE"], standby)
	}
	i.wants(http.StatusOK, i.server, map[string]string{"a retired key's token": i.words["retired"], "an opaque one": i.words["opaque"]})
	i.words["active"] = i.client.token(i.t, i.server)
	i.wants(http.StatusOK, i.server, map[string]string{"a token of the standby": i.words["active"]})
	i.words["removed"] = removed
}

func keyStep3(i *incident, s step) {
	i.says(s, "do *The sealing key has leaked* up to step 4")
	i.says(s, "in each environment")
	ran := i.ran
	i.follow("The sealing key has leaked", 4)
	i.ran = ran
	i.wants(http.StatusOK, i.server, map[string]string{"the tokens of before": i.words["active"]})
	for _, environment := range []string{"production", "staging"} {
		printed, err := i.shell("grantway keys list -e " + environment)
		if err != nil {
			i.t.Fatal(err)
		}
		i.keys(printed)
		i.words["ENV"] = environment
		i.words["removed"] += " " + i.words["STANDBY"] + " " + i.words["ACTIVE"] + " " + i.words["RETIRED"]
		i.run(s, 0)
	}
	i.refusedWithin(time.Now(), soon, map[string]string{"the active key's token": i.words["active"], "the retired one's": i.words["retired"]})
}

func keyStep4(i *incident, s step) {
	printed := i.run(s, 0)
	for state, n := range map[string]int{"gone": 4, "active": 1, "standby": 1, "retired": 0} {
		if got := len(regexp.MustCompile(`(?m)^\S{43} +\S+ +`+state+` `).FindAllString(printed, -1)); got != n {
			i.t.Errorf("%d keys are %s, want %d:\n%s", got, state, n, printed)
		}
	}
}

func keyStep5(i *incident, s step) {
	i.says(s, "Our gateways refuse tokens of the removed keys within a second")
	i.says(s, "older than five minutes")
	published := httpGet(i.t, i.server.client, "http://auth.staging.notes.test/.well-known/jwks.json", "")
	if published.header.Get("Cache-Control") != "public, max-age=300" {
		i.t.Errorf("the key set is kept for %q", published.header.Get("Cache-Control"))
	}
	for _, id := range strings.Fields(i.words["removed"]) {
		if strings.Contains(published.body, id) {
			i.t.Errorf("%s is still published", id)
		}
	}
	i.wants(http.StatusOK, i.server, map[string]string{"a new token": i.client.token(i.t, i.server), "an opaque one of before": i.words["opaque"]})
}

func keyStep6(i *incident, s step) { i.says(s, "begin again at step 1") }

// The sealing key is lost, or has leaked.

func prepareLeaked(i *incident) {
	i.publish(nil)
	i.client = i.create()
	i.words["jwt"], i.words["opaque"] = i.client.token(i.t, i.server), i.client.opaque(i.t, i.server)
}

func prepareLost(i *incident) { prepareLeaked(i) }

func stopServers(i *incident, s step) {
	i.says(s, "Stop every server")
	if status := i.server.stop(); status != 0 {
		i.t.Errorf("the server stopped with status %d", status)
	}
}

func newSealingKey(i *incident, s step) {
	i.words["NEW"] = filepath.Join(i.folder, "new.key")
	i.run(s, 0)
	if about, err := os.Stat(i.words["NEW"]); err != nil || about.Mode().Perm() != 0o600 {
		i.t.Errorf("the new sealing key: %v, %v", about, err)
	}
}

func lostStep3(i *incident, s step) {
	i.env[1] = "SEALING_KEY=" // it is lost
	i.run(s, 0)
}

func leakedStep3(i *incident, s step) {
	i.says(s, "interrupted, it is run again")
	i.run(s, 0)
	if printed := i.run(s, 0); !strings.Contains(printed, "nothing to do") {
		i.t.Errorf("once more, it says %s", printed)
	}
}

func startServers(i *incident, s step) {
	i.says(s, "`sealing_key: file:NEW`")
	i.env[1] = "SEALING_KEY=" // the old one is not needed
	i.publish(func(string) []string {
		return []string{"sealing_key: env:SEALING_KEY", "sealing_key: file:" + i.words["NEW"]}
	})
}

func listKeys(i *incident, s step) {
	i.keys(i.run(s, 0))
	i.wants(http.StatusUnauthorized, i.server, map[string]string{"a JWT of before": i.words["jwt"]})
	i.wants(http.StatusOK, i.server, map[string]string{
		"an opaque token of before": i.words["opaque"],
		"the same client's JWT":     i.client.token(i.t, i.server), "the same client's opaque token": i.client.opaque(i.t, i.server),
	})
}

func leakedStep5(i *incident, s step) {
	i.says(s, "step 3 of *A signing key is suspected*")
	i.wants(http.StatusOK, i.server, map[string]string{"a JWT of before": i.words["jwt"], "an opaque token of before": i.words["opaque"]})
}

func leakedStep6(i *incident, s step) { i.says(s, "Destroy the old key") }

// The database is down. It is a real one, which goes away as in a crash.

func prepareDatabase(i *incident) {
	i.database = pgtest.Start(i.t)
	i.publish(func(folder string) []string {
		return []string{"sqlite:" + folder + "/staging.db", i.database.Address() + "#staging", "sqlite:" + folder + "/production.db", i.database.Address() + "#production"}
	})
	i.client = i.create()
	i.words["jwt"], i.words["opaque"] = i.client.token(i.t, i.server), i.client.opaque(i.t, i.server)
	i.wants(http.StatusOK, i.server, map[string]string{"a JWT": i.words["jwt"], "an opaque token": i.words["opaque"]})
	i.database.Kill()
}

func databaseStep1(i *incident, s step) {
	i.says(s, "Clients that the server knows go on getting JWTs, and calls with JWTs go on passing")
	i.says(s, "Opaque tokens, unknown clients and every change are answered with 503 and `Retry-After`")
	for range 20 {
		i.wants(http.StatusOK, i.server, map[string]string{"a JWT of before": i.words["jwt"], "one of now": i.client.token(i.t, i.server)})
	}
	stranger := &partnerClient{"somebody", "else"}
	for what, got := range map[string]reply{
		"an opaque token":          httpGet(i.t, i.server.client, "http"+stagingAPI+"/ledger", i.words["opaque"]),
		"asking for an opaque one": i.client.ask(i.t, i.server, "scope", "ledger:read"),
		"an unknown client":        stranger.ask(i.t, i.server),
		"ending a token":           i.revoke(i.words["jwt"]),
	} {
		if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
			i.t.Errorf("%s: %d, Retry-After %q: %s", what, got.status, got.header.Get("Retry-After"), got.body)
		}
	}
	if printed, err := i.shell("grantway clients disable --yes -e staging " + i.client.id); err == nil {
		i.t.Errorf("a change is made: %s", printed)
	}
}

// revoke ends a token as its client does.
func (i *incident) revoke(token string) reply {
	i.t.Helper()
	form := url.Values{"token": {token}, "client_id": {i.client.id}, "client_secret": {i.client.secret}}
	r, err := http.NewRequest(http.MethodPost, "http"+strings.Replace(stagingToken, "/token", "/revoke", 1), strings.NewReader(form.Encode()))
	if err != nil {
		i.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return httpSend(i.t, i.server.client, r)
}

func databaseStep2(i *incident, s step) {
	i.says(s, "(the address of `listen.metrics`) says which store does not answer")
	if printed := i.run(s, 0); !strings.Contains(printed, "the store of staging does not answer") && !strings.Contains(printed, "the store of production does not answer") {
		i.t.Errorf("it says %q", printed)
	}
}

func databaseStep3(i *incident, s step) {
	i.says(s, "The server notices by itself")
	if err := i.database.Run(); err != nil {
		i.t.Fatal(err)
	}
	began := time.Now()
	i.server.until("recovery", func() bool { return call(i.t, i.server, "/ledger", i.words["opaque"]) == http.StatusOK })
	i.server.until("readiness", func() bool {
		return httpGet(i.t, http.DefaultClient, i.server.metrics+"/readyz", "").status == http.StatusOK
	})
	if took := time.Since(began); took > 30*time.Second {
		i.t.Errorf("the server noticed after %v", took)
	}
	i.wants(http.StatusOK, i.server, map[string]string{"a JWT of before": i.words["jwt"], "a new opaque token": i.client.opaque(i.t, i.server)})
	if got := i.revoke(i.words["jwt"]); got.status != http.StatusOK {
		i.t.Errorf("ending a token: %d %s", got.status, got.body)
	}
	i.refusedWithin(time.Now(), soon, map[string]string{"the token that was ended": i.words["jwt"]})
}
