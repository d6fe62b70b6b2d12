package storetest

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

func token(n int) store.Token {
	t := store.Token{
		ID: id("jti", n), ClientID: "c", Subject: "sub", Audience: []string{"https://api.example"},
		Scope: []string{"read", "write"}, IssuedAt: at(0), ExpiresAt: at(100),
	}
	binary.BigEndian.PutUint64(t.Hash[24:], uint64(n))
	return t
}

var tokenCases = map[string]func(*testing.T, *world){
	"save and find": func(t *testing.T, w *world) {
		must(t, w.Tokens.Save(t.Context(), token(1)))
		got, err := w.Tokens.Find(t.Context(), token(1).Hash, at(0))
		must(t, err)
		same(t, got, token(1))
		_, err = w.Tokens.Find(t.Context(), token(2).Hash, at(0))
		want(t, err, store.ErrNotFound)
		same(t, w.kinds(t), []string(nil))
	},
	"the least token": func(t *testing.T, w *world) {
		bare := store.Token{Hash: [32]byte{1}}
		must(t, w.Tokens.Save(t.Context(), bare))
		got, err := w.Tokens.Find(t.Context(), bare.Hash, at(1e9))
		must(t, err) // the zero time means never
		same(t, got, bare)
		n, err := w.Tokens.Purge(t.Context(), at(1e9), 10)
		must(t, err)
		same(t, n, 0)
	},
	"save a hash in use": func(t *testing.T, w *world) {
		must(t, w.Tokens.Save(t.Context(), token(1)))
		other := token(1)
		other.Subject = "somebody else"
		want(t, w.Tokens.Save(t.Context(), other), store.ErrConflict)
		got, err := w.Tokens.Find(t.Context(), token(1).Hash, at(0))
		must(t, err)
		same(t, got, token(1))
	},
	"save one hash at once": func(t *testing.T, w *world) {
		onlyOne(t, store.ErrConflict, func(int) error { return w.Tokens.Save(t.Context(), token(1)) })
	},
	"save many at once": func(t *testing.T, w *world) {
		n, failed := race(t, func(i int) error {
			err := w.Tokens.Save(t.Context(), token(i))
			if err == nil {
				_, err = w.Tokens.Find(t.Context(), token(i).Hash, at(0))
			}
			return err
		})
		if n != many {
			t.Fatalf("failed: %v", failed)
		}
		for i := range many {
			got, err := w.Tokens.Find(t.Context(), token(i).Hash, at(0))
			must(t, err)
			same(t, got, token(i))
		}
	},
	"expired": func(t *testing.T, w *world) {
		must(t, w.Tokens.Save(t.Context(), token(1)))
		_, err := w.Tokens.Find(t.Context(), token(1).Hash, at(100).Add(-time.Microsecond))
		must(t, err)
		_, err = w.Tokens.Find(t.Context(), token(1).Hash, at(100))
		want(t, err, store.ErrNotFound)
	},
	"purge": func(t *testing.T, w *world) {
		for i := range 10 {
			one := token(i)
			one.ExpiresAt = at(i)
			must(t, w.Tokens.Save(t.Context(), one))
		}
		for _, step := range []struct{ limit, want int }{{0, 0}, {3, 3}, {100, 3}, {100, 0}} {
			n, err := w.Tokens.Purge(t.Context(), at(6), step.limit)
			must(t, err)
			same(t, n, step.want)
		}
		for i := range 10 {
			_, err := w.Tokens.Find(t.Context(), token(i).Hash, at(-1))
			if i < 6 {
				want(t, err, store.ErrNotFound)
			} else {
				must(t, err)
			}
		}
	},
	"T10 text that a database cannot hold": func(t *testing.T, w *world) {
		for name, spoil := range map[string]func(*store.Token){
			"subject":  func(t *store.Token) { t.Subject = "a\x00" },
			"audience": func(t *store.Token) { t.Audience = []string{"a\xff"} },
			"scope":    func(t *store.Token) { t.Scope = []string{"a\x00"} },
			"expires":  func(t *store.Token) { t.ExpiresAt = time.Unix(1<<60, 0) },
		} {
			one := token(1)
			spoil(&one)
			refused(t, name, w.Tokens.Save(t.Context(), one))
		}
	},
	"a caller that has gone": func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if w.Tokens.Save(ctx, token(1)) != nil {
			_, err := w.Tokens.Find(t.Context(), token(1).Hash, at(0))
			want(t, err, store.ErrNotFound)
		}
	},
}
