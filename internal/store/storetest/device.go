package storetest

import (
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// device is a browser of the account "p", remembered until at(1000).
func device(n int) store.Device {
	return store.Device{
		Hash: [32]byte{5, byte(n)}, ID: id("d", n), AccountID: "p", Name: "Ünïted on <Linux>", CreatedAt: at(-100 + n), EndsAt: at(1000),
	}
}

var deviceCases = map[string]func(*testing.T, *world){
	"remember, find and list": func(t *testing.T, w *world) {
		w.person(t, "p")
		w.person(t, "q")
		for i := range 3 {
			must(t, w.Devices.Remember(t.Context(), device(i), by(i)))
			w.last(t, store.Change{At: at(i), Kind: "device.remembered", ID: device(i).ID, Actor: "operator", Trace: by(i).Trace})
		}
		got, err := w.Devices.Find(t.Context(), "p", device(1).Hash, at(1000).Add(-time.Microsecond))
		must(t, err)
		same(t, got, device(1))
		for _, row := range []struct {
			account string
			hash    byte
			now     int
		}{{"q", 1, 0}, {"p", 9, 0}, {"p", 1, 1000}, {"", 1, 0}, {"a\x00", 1, 0}} {
			_, err := w.Devices.Find(t.Context(), row.account, [32]byte{5, row.hash}, at(row.now))
			want(t, err, store.ErrNotFound)
		}
		w.devices(t, "p", at(999), device(2), device(1), device(0))
		w.devices(t, "p", at(1000))
		w.devices(t, "q", at(0))
		w.devices(t, "a\x00", at(0))
	},
	"remember, each thing that is wrong": func(t *testing.T, w *world) {
		w.person(t, "p")
		must(t, w.Devices.Remember(t.Context(), device(1), by(0)))
		before := w.newSeq(t)
		for name, row := range map[string]struct {
			spoil func(*store.Device)
			want  error
		}{
			"unknown account": {func(d *store.Device) { d.AccountID = "x" }, store.ErrNotFound},
			"hash in use":     {func(d *store.Device) { d.Hash = device(1).Hash }, store.ErrConflict},
			"id in use":       {func(d *store.Device) { d.ID = device(1).ID }, store.ErrConflict},
			"text":            {func(d *store.Device) { d.Name = "\xff" }, nil},
			"time":            {func(d *store.Device) { d.EndsAt = time.Unix(1<<60, 0) }, nil},
		} {
			d := device(2)
			row.spoil(&d)
			err := w.Devices.Remember(t.Context(), d, by(1))
			if row.want == nil {
				refused(t, name, err)
			} else if !is(err, row.want) {
				t.Errorf("%s: %v, want %v", name, err, row.want)
			}
		}
		w.devices(t, "p", at(0), device(1))
		same(t, w.newSeq(t), before)
	},
	"remember forgets those past their end": func(t *testing.T, w *world) {
		w.person(t, "p")
		w.person(t, "q")
		past, others := device(1), device(2)
		past.EndsAt, others.EndsAt, others.AccountID = at(10), at(10), "q"
		must(t, w.Devices.Remember(t.Context(), past, by(0)))
		must(t, w.Devices.Remember(t.Context(), others, by(0)))
		must(t, w.Devices.Remember(t.Context(), device(3), by(9)))
		w.devices(t, "p", at(0), device(3), past)
		must(t, w.Devices.Remember(t.Context(), device(4), by(10)))
		w.devices(t, "p", at(0), device(4), device(3))
		w.devices(t, "q", at(0), others)
	},
	"forget": func(t *testing.T, w *world) {
		w.person(t, "p")
		w.person(t, "q")
		others := device(9)
		others.AccountID = "q"
		must(t, w.Devices.Remember(t.Context(), others, by(0)))
		for i := range 4 {
			must(t, w.Devices.Remember(t.Context(), device(i), by(0)))
		}
		for _, wrong := range [][2]string{{"q", "d001"}, {"p", "x"}, {"x", "d001"}, {"x", ""}, {"p", "a\x00"}, {"a\x00", ""}} {
			want(t, w.Devices.Forget(t.Context(), wrong[0], wrong[1], by(1)), store.ErrNotFound)
		}
		must(t, w.Devices.Forget(t.Context(), "p", "d001", by(2)))
		w.last(t, store.Change{At: at(2), Kind: "device.forgotten", ID: "d001", Actor: "operator", Trace: "trace2"})
		w.devices(t, "p", at(0), device(3), device(2), device(0))
		must(t, w.Devices.Forget(t.Context(), "p", "", by(3)))
		w.last(t, store.Change{At: at(3), Kind: "device.forgotten", Actor: "operator", Trace: "trace3"})
		w.devices(t, "p", at(0))
		before := w.newSeq(t)
		must(t, w.Devices.Forget(t.Context(), "p", "", by(4)))
		same(t, w.newSeq(t), before)
		w.devices(t, "q", at(0), others)
	},
	"purge": func(t *testing.T, w *world) {
		w.person(t, "p")
		for i := range 4 {
			d := device(i)
			d.EndsAt = at(10 * (i + 1))
			must(t, w.Devices.Remember(t.Context(), d, by(0)))
		}
		before := w.newSeq(t)
		for _, step := range []struct{ now, limit, forgotten int }{{9, 10, 0}, {10, 10, 1}, {10, 10, 0}, {30, 1, 1}, {30, 0, 0}, {30, 10, 1}, {39, 10, 0}} {
			n, err := w.Devices.Purge(t.Context(), at(step.now), step.limit)
			must(t, err)
			same(t, n, step.forgotten)
		}
		same(t, w.newSeq(t), before) // it is no fact about anybody
		left := device(3)
		left.EndsAt = at(40)
		w.devices(t, "p", at(0), left)
	},
}

func (w *world) devices(t *testing.T, account string, now time.Time, wanted ...store.Device) {
	t.Helper()
	got, err := w.Devices.List(t.Context(), account, now)
	must(t, err)
	same(t, got, wanted)
}
