package server

import (
	"testing"
	"time"

	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/store"
)

// TestPurge: of what people leave behind, everything goes in its time, and nothing
// before it. The server does once a minute what is done here.
func TestPurge(t *testing.T) {
	site := start(t, setup{example: "mytimetable"})
	env := site.environment("demo")
	db, by, life := env.resources.store, site.by(), env.Login
	site.person(t, env.Name, "leaver")
	now := site.clock.Now()
	clients, err := db.Clients().List(t.Context(), "", 1)
	if err != nil || len(clients) == 0 {
		t.Fatal(clients, err)
	}
	client := clients[0].ID
	hash := func(n byte) [32]byte { return [32]byte{7, n} }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	request := func(n byte) store.Request {
		return store.Request{Hash: hash(n), Browser: hash(0), ClientID: client, Asked: []byte("{}"), CreatedAt: now, EndsAt: now.Add(15 * time.Minute)}
	}
	must(db.Requests().Save(t.Context(), request(1)))
	must(db.Requests().Save(t.Context(), request(2)))
	must(db.Links().Issue(t.Context(), store.Link{
		Hash: hash(3), Purpose: store.LinkReset, AccountID: "leaver", Email: "leaver@example.com", CreatedAt: now, EndsAt: now.Add(30 * time.Minute),
	}, now.Add(-time.Hour), 3))
	must(db.Devices().Remember(t.Context(), store.Device{Hash: hash(4), ID: "device", AccountID: "leaver", CreatedAt: now, EndsAt: now.Add(life.Remember)}, by))
	must(db.Grants().Start(t.Context(), hash(2), store.Grant{
		ID: "grant", ClientID: client, AccountID: "leaver", SessionID: "session-leaver", Asked: []byte("{}"), CreatedAt: now,
		Code: store.GrantCode{Hash: hash(5), EndsAt: now.Add(time.Minute)}, AuthenticatedAt: now, EndsAt: now.Add(time.Hour),
	}, nil, by))

	replay := store.Replay{Key: hash(6), At: now}
	_, err = db.Replays().Begin(t.Context(), replay)
	must(err)

	// Asked as of the beginning, a store returns what it has, over or not.
	left := func() (n int) {
		t.Helper()
		if _, err := db.Requests().Find(t.Context(), hash(1), now); err == nil {
			n++
		}
		if _, err := db.Links().Find(t.Context(), hash(3), store.LinkReset, now); err == nil {
			n++
		}
		if _, err := db.Devices().Find(t.Context(), "leaver", hash(4), now); err == nil {
			n++
		}
		if _, err := db.Grants().Find(t.Context(), "grant"); err == nil {
			n++
		}
		if db.Replays().Finish(t.Context(), replay.Key, 200, nil) == nil {
			n++
		}
		if sessions, err := db.Sessions().List(t.Context(), "leaver", now); err == nil {
			n += len(sessions)
		}
		return n
	}
	for _, step := range []struct {
		at   time.Duration
		left int
	}{
		{0, 6},
		{time.Minute, 6},
		{time.Minute + time.Second, 5}, // the grant, with its code
		{15*time.Minute - time.Second, 5},
		{15 * time.Minute, 4}, // the request
		{life.Idle - time.Second, 4},
		{life.Idle, 3}, // the session
		{admin.KeepReplays, 3},
		{admin.KeepReplays + time.Second, 2}, // the answer under a key
		{keepLinks + 30*time.Minute - time.Second, 2},
		{keepLinks + 30*time.Minute, 1}, // the link
		{life.Remember - time.Second, 1},
		{life.Remember, 0}, // the device
	} {
		site.clock.move(now.Add(step.at).Sub(site.clock.Now()))
		must(env.resources.purge(t.Context(), env.idle()))
		if got := left(); got != step.left {
			t.Errorf("after %v, %d are left, not %d", step.at, got, step.left)
		}
	}
}
