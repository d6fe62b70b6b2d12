package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/store/storetest/pgtest"
)

// Tokens must end while the database is down: two servers, each with a data
// folder and a gateway of its own, on one database.

func prepareDenial(i *incident) {
	i.database = pgtest.Start(i.t)
	i.publish(func(folder string) []string {
		return []string{"sqlite:" + folder + "/staging.db", i.database.Address() + "#staging", "sqlite:" + folder + "/production.db", i.database.Address() + "#production"}
	})
	data := filepath.Join(i.folder, "data")
	i.second = publish(i.t, i.env, data, http.HandlerFunc(notes), append(slices.Clone(i.pairs), "data: "+data, "data: "+filepath.Join(i.folder, "second"))...)
	i.client = i.create()
	i.words["CLIENT"], i.words["DENIAL"] = i.client.id, filepath.Join(i.folder, "denial")
	i.words["jwt"] = i.client.token(i.t, i.server)
	other := i.create()
	i.words["other"] = other.token(i.t, i.server)
	i.words["stolen"] = other.token(i.t, i.server)
	i.client.token(i.t, i.second) // so that it is known there, too
	i.wants(http.StatusOK, i.second, map[string]string{"a JWT": i.words["jwt"], "another client's": i.words["other"], "its other one": i.words["stolen"]})
	i.database.Kill()
}

// refusedBy is refusedWithin for one server.
func (i *incident) refusedBy(at *published, what, token string) {
	i.t.Helper()
	for began := time.Now(); call(i.t, at, "/notes", token) != http.StatusUnauthorized; time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > soon {
			i.t.Fatalf("%s passes %v after", what, soon)
		}
	}
}

func denialStep1(i *incident, s step) {
	i.says(s, "in the next hour, within a second")
	i.run(s, 0)
	i.refusedBy(i.server, "a denied client's token", i.words["jwt"])
	if got := i.client.ask(i.t, i.server, "scope", "notes:read"); got.status == http.StatusOK {
		i.refusedBy(i.server, "a token that it got later", got.token(i.t))
	}
	i.wants(http.StatusOK, i.server, map[string]string{"another client's": i.words["other"]})
	i.says(s, "`token --yes < FILE`")
	file := filepath.Join(i.folder, "token")
	writeFile(i.t, file, i.words["stolen"]+"\n")
	if _, err := i.shell("grantway deny token -e staging --yes < " + file); err != nil {
		i.t.Fatal(err)
	}
	i.refusedBy(i.server, "a token that was denied by itself", i.words["stolen"])
	i.wants(http.StatusOK, i.server, map[string]string{"the same client's other one": i.words["other"]})
}

func denialStep2(i *incident, s step) {
	i.wants(http.StatusOK, i.second, map[string]string{"a denied client's token where nobody said so": i.words["jwt"]})
	here, there := i.folder, filepath.Join(i.folder, "there")
	if err := os.Mkdir(there, 0o700); err != nil {
		i.t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(here, "bin"), filepath.Join(there, "bin")); err != nil {
		i.t.Fatal(err)
	}
	writeFile(i.t, filepath.Join(there, "grantway.yaml"), i.second.text)
	i.folder = there
	i.run(s, 0)
	i.refusedBy(i.second, "a denied client's token", i.words["jwt"])
	i.says(s, "Typed twice, it does no harm")
	i.run(s, 0)
	i.folder = here
	i.wants(http.StatusOK, i.second, map[string]string{"another client's": i.words["other"]})
}

func denialStep3(i *incident, s step) {
	if printed := i.run(s, 0); !strings.Contains(printed, i.client.id) {
		i.t.Errorf("the denial is not listed:\n%s", printed)
	}
	if err := i.database.Run(); err != nil {
		i.t.Fatal(err)
	}
	i.server.until("readiness", func() bool {
		return httpGet(i.t, http.DefaultClient, i.server.metrics+"/readyz", "").status == http.StatusOK
	})
	i.server.until("empty list", func() bool {
		printed, err := i.try(s, 0)
		return err == nil && !strings.Contains(printed, i.client.id)
	})
	for what, token := range map[string]string{"a denied client's token": i.words["jwt"], "a denied token": i.words["stolen"]} {
		i.refusedBy(i.server, what, token)
		i.refusedBy(i.second, what, token)
	}
}

func denialStep4(i *incident, s step) {
	i.run(s, 0)
	if got := i.client.ask(i.t, i.server); got.status != http.StatusUnauthorized {
		i.t.Errorf("a disabled client is answered %d", got.status)
	}
	i.wants(http.StatusOK, i.server, map[string]string{"another client's": i.words["other"]})
}

// A key of the feed is suspected.

func feedStep1(i *incident, s step) {
	i.keys(i.run(s, 0))
	if published := i.feedKeys(); !strings.Contains(published, i.words["ACTIVE"]) || !strings.Contains(published, i.words["STANDBY"]) {
		i.t.Errorf("the listed keys are not those of the feed: %s", published)
	}
}

// feedKeys is what the server publishes for readers of its feed.
func (i *incident) feedKeys() string {
	i.t.Helper()
	return httpGet(i.t, i.server.client, "http"+strings.TrimSuffix(stagingToken, "/oauth2/token")+"/.well-known/revocation-keys.json", "").body
}

func feedStep2(i *incident, s step) {
	i.says(s, "the standby signs the feed from now on")
	removed, standby := i.words["ACTIVE"], i.words["STANDBY"]
	i.keys(i.run(s, 0))
	if published := i.feedKeys(); i.words["ACTIVE"] != standby || strings.Contains(published, removed) || !strings.Contains(published, standby) {
		i.t.Errorf("%s was removed, %s signs, and published is %s", removed, i.words["ACTIVE"], published)
	}
	i.wants(http.StatusOK, i.server, map[string]string{"a JWT of before": i.words["jwt"], "an opaque token": i.words["opaque"]})
}

func feedStep3(i *incident, s step) { i.says(s, "in the order standby, active, retired") }
