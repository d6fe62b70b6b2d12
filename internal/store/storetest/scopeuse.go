package storetest

import (
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

var scopeUseCases = map[string]func(*testing.T, *world){
	"used": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		must(t, w.Clients.Create(t.Context(), client("d"), by(0)))
		day := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
		use := func(client, scope string, days int) store.ScopeUse {
			return store.ScopeUse{ClientID: client, API: "api", Scope: scope, Day: day.AddDate(0, 0, days)}
		}
		must(t, w.ScopeUses.Used(t.Context(), nil))
		late := use("c", "write", 0)
		late.Day = late.Day.Add(23 * time.Hour) // of a day, only the day is kept
		must(t, w.ScopeUses.Used(t.Context(), []store.ScopeUse{late, use("c", "read", 1), use("d", "read", 5), use("x", "read", 5), use("c", "a\x00", 5)}))
		must(t, w.ScopeUses.Used(t.Context(), []store.ScopeUse{use("c", "read", 0), use("c", "write", 2)}))
		for client, uses := range map[string][]store.ScopeUse{
			"c": {use("c", "read", 1), use("c", "write", 2)}, "d": {use("d", "read", 5)}, "x": nil, "a\x00": nil,
		} {
			all, err := w.ScopeUses.Of(t.Context(), client)
			must(t, err)
			same(t, all, uses)
		}
		same(t, w.kinds(t), []string{"client.created c", "client.created d"})
		must(t, w.Clients.Delete(t.Context(), "c", at(100), by(1)))
		all, err := w.ScopeUses.Of(t.Context(), "c")
		must(t, err)
		same(t, len(all), 0)
	},
	"used at once": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		n, failed := race(t, func(i int) error {
			return w.ScopeUses.Used(t.Context(), []store.ScopeUse{
				{ClientID: "c", API: "api", Scope: id("s", i%3), Day: at(i * 100_000)}, {ClientID: "c", API: "api", Scope: id("s", (i+1)%3), Day: at(i * 100_000)},
			})
		})
		if n != many {
			t.Fatalf("others: %v", failed)
		}
	},
}
