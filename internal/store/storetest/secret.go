package storetest

import (
	"sync"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

var secretCases = map[string]func(*testing.T, *world){
	"add": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		added := secret("c", "c")
		added.ExpiresAt, added.LastUsedAt, added.LastUsedFrom = time.Time{}, time.Time{}, ""
		must(t, w.Secrets.Add(t.Context(), added, by(1)))
		c := client("c")
		c.Secrets = append(c.Secrets, added)
		same(t, w.find(t, "c"), c)
		w.last(t, store.Change{At: at(1), Kind: "secret.added", ID: "c0c", Client: "c", Actor: "operator", Trace: "trace1"})
	},
	"add to an unknown client": func(t *testing.T, w *world) {
		want(t, w.Secrets.Add(t.Context(), secret("c", "a"), by(1)), store.ErrNotFound)
		same(t, w.kinds(t), []string(nil))
	},
	"add an id in use": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		must(t, w.Clients.Create(t.Context(), store.Client{ID: "d"}, by(1)))
		must(t, w.Secrets.Revoke(t.Context(), "c", "c0b", at(100), by(2)))
		want(t, w.Secrets.Add(t.Context(), secret("c", "a"), by(3)), store.ErrConflict)
		want(t, w.Secrets.Add(t.Context(), secret("c", "b"), by(3)), store.ErrConflict)
		elsewhere := secret("c", "a")
		elsewhere.ClientID = "d"
		want(t, w.Secrets.Add(t.Context(), elsewhere, by(3)), store.ErrConflict)
		same(t, w.kinds(t), []string{"client.created c", "client.created d", "secret.revoked c0b"})
	},
	"add one id at once": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), store.Client{ID: "c"}, by(0)))
		onlyOne(t, store.ErrConflict, func(i int) error { return w.Secrets.Add(t.Context(), secret("c", "a"), by(i)) })
		same(t, w.kinds(t), []string{"client.created c", "secret.added c0a"})
	},
	"revoke": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		must(t, w.Secrets.Revoke(t.Context(), "c", "c0a", at(100), by(1)))
		c := client("c")
		c.Secrets = c.Secrets[1:]
		same(t, w.find(t, "c"), c)
		w.last(t, store.Change{At: at(1), Kind: "secret.revoked", ID: "c0a", Client: "c", Actor: "operator", Trace: "trace1"})
		w.ended(t, store.Revocation{Seq: 2, Kind: store.RevokedSecret, ID: "c0a", IssuedBefore: at(100), ForgetAt: at(100)})
	},
	"revoke what the client does not have": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		must(t, w.Clients.Create(t.Context(), client("d"), by(1)))
		must(t, w.Secrets.Revoke(t.Context(), "c", "c0a", at(100), by(2)))
		for _, pair := range [][2]string{{"c", "c0a"}, {"c", "d0a"}, {"d", "c0b"}, {"c", "x"}, {"x", "c0b"}, {"c", "c0b\x00"}} {
			want(t, w.Secrets.Revoke(t.Context(), pair[0], pair[1], at(100), by(3)), store.ErrNotFound)
		}
		same(t, w.find(t, "d"), client("d"))
		same(t, w.kinds(t), []string{"client.created c", "client.created d", "secret.revoked c0a"})
	},
	"revoke at once": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		onlyOne(t, store.ErrNotFound, func(i int) error {
			return w.Secrets.Revoke(t.Context(), "c", "c0a", at(100), by(i))
		})
		same(t, w.kinds(t), []string{"client.created c", "secret.revoked c0a"})
	},
	"nobody finds it after it was revoked": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		other := w.open(t)
		var wg sync.WaitGroup
		revoked := make(chan struct{})
		for i := range 20 {
			clients := w.Clients
			if i%2 == 0 {
				clients = other.Clients
			}
			wg.Go(func() {
				for done := false; !done; {
					select {
					case <-revoked:
						done = true
					default:
					}
					c, err := clients.Find(t.Context(), "c")
					if err != nil {
						t.Error(err)
						return
					}
					if done && len(c.Secrets) != 1 {
						t.Error("the secret was found after its revocation had returned")
					}
				}
			})
		}
		time.Sleep(20 * time.Millisecond)
		err := w.Secrets.Revoke(t.Context(), "c", "c0a", at(100), by(1))
		close(revoked)
		wg.Wait()
		must(t, err)
	},
	"add while the client is deleted": func(t *testing.T, w *world) {
		for round := range 10 {
			name := id("c", round)
			must(t, w.Clients.Create(t.Context(), store.Client{ID: name}, by(0)))
			var wg sync.WaitGroup
			var added []string
			var mu sync.Mutex
			for i := range 10 {
				wg.Go(func() {
					if i == 5 {
						err := w.Clients.Delete(t.Context(), name, at(100), by(1))
						for is(err, store.ErrUnavailable) {
							err = w.Clients.Delete(t.Context(), name, at(100), by(1))
						}
						if err != nil {
							t.Error(err)
						}
						return
					}
					one := secret(name, id("", i))
					switch err := w.Secrets.Add(t.Context(), one, by(1)); {
					case err == nil:
						mu.Lock()
						added = append(added, one.ID)
						mu.Unlock()
					case !is(err, store.ErrNotFound) && !is(err, store.ErrUnavailable): // waiting for the client's lock took too long
						t.Error(err)
					}
				})
			}
			wg.Wait()
			// A secret that outlived its client could still be revoked.
			for _, one := range added {
				want(t, w.Secrets.Revoke(t.Context(), name, one, at(100), by(2)), store.ErrNotFound)
			}
		}
	},
	"used": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		must(t, w.Clients.Create(t.Context(), client("d"), by(1)))
		must(t, w.Secrets.Revoke(t.Context(), "d", "d0b", at(100), by(2)))
		use := func(seconds int) store.SecretUse { return store.SecretUse{At: at(seconds), From: "2001:db8:1::/48"} }
		must(t, w.Secrets.Used(t.Context(), map[string]store.SecretUse{
			"c0a": use(10), "c0b": use(-51), "d0a": use(-50), "d0b": use(10), "gone": use(10), "bad\x00": use(10),
		}))
		c := client("c")
		c.Secrets[0].LastUsedAt, c.Secrets[0].LastUsedFrom = at(10), "2001:db8:1::/48"
		same(t, w.find(t, "c"), c)
		must(t, w.Secrets.Used(t.Context(), map[string]store.SecretUse{"c0a": {At: at(9), From: "198.51.100.0/24"}}))
		same(t, w.find(t, "c"), c)
		d := client("d")
		d.Secrets = d.Secrets[:1]
		same(t, w.find(t, "d"), d)
		must(t, w.Secrets.Used(t.Context(), nil))
		// Of a later use that nothing is known of, nothing is claimed.
		must(t, w.Secrets.Used(t.Context(), map[string]store.SecretUse{"c0a": {At: at(11)}}))
		c.Secrets[0].LastUsedAt, c.Secrets[0].LastUsedFrom = at(11), ""
		same(t, w.find(t, "c"), c)
		same(t, w.kinds(t), []string{"client.created c", "client.created d", "secret.revoked d0b"})
	},
	"used, many at once": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		if n, failed := race(t, func(i int) error {
			use := func(seconds int) store.SecretUse { return store.SecretUse{At: at(seconds), From: id("net", seconds)} }
			return w.Secrets.Used(t.Context(), map[string]store.SecretUse{"c0a": use(i), "c0b": use(many - i)})
		}); n != many {
			t.Errorf("failed: %v", failed)
		}
		c := w.find(t, "c")
		if c.Secrets[0].LastUsedAt != at(many-1) || c.Secrets[1].LastUsedAt != at(many) ||
			c.Secrets[0].LastUsedFrom != id("net", many-1) || c.Secrets[1].LastUsedFrom != id("net", many) {
			t.Errorf("last used %+v, want the latest", c.Secrets)
		}
	},
}
