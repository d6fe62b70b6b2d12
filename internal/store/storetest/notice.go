package storetest

import (
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// notice is the fixture: a notice with every field set, due after n seconds.
func notice(n int) store.Notice {
	return store.Notice{
		ID: id("secret.ending/", n), Kind: "secret.ending", To: "zoe@example.org", Detail: `{"client":"c"}`, QueuedAt: at(0), DueAt: at(n),
	}
}

func (w *world) claim(t *testing.T, now, until, limit int, want ...store.Notice) {
	t.Helper()
	all, err := w.Notices.Claim(t.Context(), at(now), at(until), limit)
	must(t, err)
	same(t, all, want)
}

// tried is a notice that was claimed so often, and until when it was the last time.
func tried(n, tries, until int) store.Notice {
	one := notice(n)
	one.Tries, one.DueAt = tries, at(until)
	return one
}

var noticeCases = map[string]func(*testing.T, *world){
	"each is queued once": func(t *testing.T, w *world) {
		for _, row := range []struct {
			queue []store.Notice
			want  int
		}{{nil, 0}, {[]store.Notice{notice(1), notice(2)}, 2}, {[]store.Notice{notice(2), notice(3), notice(3)}, 1}} {
			n, err := w.Notices.Queue(t.Context(), row.queue)
			must(t, err)
			same(t, n, row.want)
		}
		same(t, w.kinds(t), []string(nil))
		must(t, w.Notices.Sent(t.Context(), []string{notice(1).ID, "x", "a\x00"}, at(5)))
		n, err := w.Notices.Queue(t.Context(), []store.Notice{notice(1)}) // it was sent
		must(t, err)
		same(t, n, 0)
	},
	"claim": func(t *testing.T, w *world) {
		_, err := w.Notices.Queue(t.Context(), []store.Notice{notice(1), notice(2), notice(30)})
		must(t, err)
		w.claim(t, 0, 100, 9)
		w.claim(t, 1, 10, 9, tried(1, 1, 10))
		w.claim(t, 9, 20, 9, tried(2, 1, 20))
		w.claim(t, 10, 20, 0)
		w.claim(t, 10, 25, 9, tried(1, 2, 25))
		must(t, w.Notices.Sent(t.Context(), []string{notice(1).ID}, at(11)))
		w.claim(t, 29, 50, 9, tried(2, 2, 50))
		w.claim(t, 30, 60, 9, tried(30, 1, 60))
	},
	"claim at once": func(t *testing.T, w *world) {
		_, err := w.Notices.Queue(t.Context(), []store.Notice{notice(1)})
		must(t, err)
		onlyOne(t, store.ErrNotFound, func(int) error {
			all, err := w.Notices.Claim(t.Context(), at(1), at(100), 9)
			if err == nil && len(all) == 0 {
				err = store.ErrNotFound
			}
			return err
		})
	},
	"give up": func(t *testing.T, w *world) {
		_, err := w.Notices.Queue(t.Context(), []store.Notice{notice(1), notice(2)})
		must(t, err)
		must(t, w.Notices.GiveUp(t.Context(), notice(1).ID, by(5)))
		w.last(t, store.Change{At: at(5), Kind: "notice.undelivered", ID: notice(1).ID, Actor: "operator", Trace: "trace5"})
		w.claim(t, 9, 10, 9, tried(2, 1, 10))
		must(t, w.Notices.Sent(t.Context(), []string{notice(2).ID}, at(9)))
		for _, none := range []string{notice(1).ID, notice(2).ID, "x", "a\x00"} {
			want(t, w.Notices.GiveUp(t.Context(), none, by(6)), store.ErrNotFound)
		}
	},
	"purge": func(t *testing.T, w *world) {
		_, err := w.Notices.Queue(t.Context(), []store.Notice{notice(1), notice(2), notice(3), notice(4)})
		must(t, err)
		must(t, w.Notices.Sent(t.Context(), []string{notice(1).ID, notice(2).ID}, at(10)))
		must(t, w.Notices.GiveUp(t.Context(), notice(3).ID, by(20)))
		for _, row := range []struct{ before, limit, want int }{{10, 9, 0}, {11, 1, 1}, {20, 9, 1}, {21, 9, 1}, {10_000, 9, 0}} {
			n, err := w.Notices.Purge(t.Context(), at(row.before), row.limit)
			must(t, err)
			same(t, n, row.want)
		}
		w.claim(t, 30, 40, 9, tried(4, 1, 40)) // one that waits is never purged
	},
	"times that cannot be": func(t *testing.T, w *world) {
		late := notice(1)
		late.DueAt = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)
		_, err := w.Notices.Queue(t.Context(), []store.Notice{late})
		refused(t, "a time after 9999", err)
	},
}
