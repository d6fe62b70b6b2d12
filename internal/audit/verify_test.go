package audit_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/audit"
	"github.com/grantway/grantway/internal/store"
)

// TestFound alters the database in every way that there is, behind the store's back.
// The fixture is changes 1 to 14: 1-5, 6-6 and 7-12 sealed, 13 and 14 not yet.
func TestFound(t *testing.T) {
	const copyRow = `INSERT INTO {}change (seq, at, kind, id, client, actor, trace, detail) SELECT `
	rows := map[string]struct {
		alter []string
		want  []string
		left  []string // with the checkpoints that left
		exact []string // with an export that left, too
	}{
		"nothing":       {},
		"time":          {alter: []string{`UPDATE {}change SET at = at + 1 WHERE seq = 3`}, want: []string{"altered 1-5"}, exact: []string{"altered 1-5", "altered 3-3"}},
		"kind":          {alter: []string{`UPDATE {}change SET kind = 'client.created ' WHERE seq = 3`}, want: []string{"altered 1-5"}, exact: []string{"altered 1-5", "altered 3-3"}},
		"id":            {alter: []string{`UPDATE {}change SET id = 'x' WHERE seq = 6`}, want: []string{"altered 6-6"}, exact: []string{"altered 6-6", "altered 6-6"}},
		"client":        {alter: []string{`UPDATE {}change SET client = 'x' WHERE seq = 12`}, want: []string{"altered 7-12"}, exact: []string{"altered 7-12", "altered 12-12"}},
		"actor":         {alter: []string{`UPDATE {}change SET actor = 'x' WHERE seq = 7`}, want: []string{"altered 7-12"}, exact: []string{"altered 7-12", "altered 7-7"}},
		"trace":         {alter: []string{`UPDATE {}change SET trace = '' WHERE seq = 1`}, want: []string{"altered 1-5"}, exact: []string{"altered 1-5", "altered 1-1"}},
		"detail":        {alter: []string{`UPDATE {}change SET detail = detail || ' ' WHERE seq = 2`}, want: []string{"altered 1-5"}, exact: []string{"altered 1-5", "altered 2-2"}},
		"moved text":    {alter: []string{`UPDATE {}change SET actor = 'operatora', trace = 'bc' WHERE seq = 2`}, want: []string{"altered 1-5"}, exact: []string{"altered 1-5", "altered 2-2"}},
		"taken out":     {alter: []string{`DELETE FROM {}change WHERE seq IN (8, 9, 11)`}, want: []string{"missing 8-9", "missing 11-11"}, exact: []string{"missing 8-9", "missing 8-8", "missing 9-9", "missing 11-11", "missing 11-11"}},
		"a whole run":   {alter: []string{`DELETE FROM {}change WHERE seq = 6`}, want: []string{"missing 6-6"}, exact: []string{"missing 6-6", "missing 6-6"}},
		"the first one": {alter: []string{`DELETE FROM {}change WHERE seq = 1`}, want: []string{"missing 1-1"}, exact: []string{"missing 1-1", "missing 1-1"}},
		"put before":    {alter: []string{copyRow + `-3, at, kind, id, client, actor, trace, detail FROM {}change WHERE seq = 3`}, want: []string{"inserted -3--3"}},
		"put between": {
			alter: []string{
				`UPDATE {}change SET seq = -seq WHERE seq > 6`, `UPDATE {}change SET seq = 1 - seq WHERE seq < 0`,
				copyRow + `7, at, kind, id, client, actor, trace, detail FROM {}change WHERE seq = 3`,
			},
			want: []string{"altered 7-12"},
		},
		"reordered": {
			alter: []string{`UPDATE {}change SET seq = 100 WHERE seq = 2`, `UPDATE {}change SET seq = 2 WHERE seq = 4`, `UPDATE {}change SET seq = 4 WHERE seq = 100`},
			want:  []string{"altered 1-5"}, exact: []string{"altered 1-5", "altered 2-2", "altered 4-4"},
		},
		"the newest, not sealed": {alter: []string{`DELETE FROM {}change WHERE seq > 12`}, want: []string{"cut 13-14"}, exact: []string{"cut 13-13", "cut 13-14", "cut 14-14"}},
		"the newest":             {alter: []string{`DELETE FROM {}change WHERE seq > 10`}, want: []string{"missing 11-12", "cut 13-14"}},
		"the newest with seals": {
			alter: []string{`DELETE FROM {}change WHERE seq > 6`, `DELETE FROM {}seal WHERE from_seq > 6`, `UPDATE {}head SET seq = 6`},
			left:  []string{"cut 7-12"},
		},
		"all seals":           {alter: []string{`DELETE FROM {}seal`}, left: []string{"cut 1-12"}},
		"a seal":              {alter: []string{`DELETE FROM {}seal WHERE from_seq = 6`}, want: []string{"seal-missing 6-6"}, left: []string{"replaced 6-6", "seal-missing 6-6"}},
		"a seal's hash":       {alter: []string{`UPDATE {}seal SET hash = (SELECT hash FROM {}seal WHERE from_seq = 1) WHERE from_seq = 6`}, want: []string{"seal-altered 6-6"}, left: []string{"seal-altered 6-6", "replaced 6-6"}},
		"a seal's time":       {alter: []string{`UPDATE {}seal SET at = at + 1 WHERE from_seq = 6`}, want: []string{"seal-altered 6-6"}},
		"a seal's signature":  {alter: []string{`UPDATE {}seal SET checkpoint = checkpoint || 'A' WHERE from_seq = 6`}, want: []string{"unsigned 6-6"}},
		"a seal's checkpoint": {alter: []string{`UPDATE {}seal SET checkpoint = (SELECT checkpoint FROM {}seal WHERE from_seq = 1) WHERE from_seq = 6`}, want: []string{"seal-altered 6-6"}},
	}
	for database, dsn := range databases {
		for name, row := range rows {
			t.Run(database+"/"+name, func(t *testing.T) {
				h := newHouse(t, dsn(t))
				h.seal(5, 1, 6)
				h.happen(2)
				left, copied := h.checkpoints(), h.entries()
				if got := h.verify(left, copied); got != nil {
					t.Fatalf("what nobody altered is reported: %q", got)
				}
				h.alter(row.alter...)
				if diff := cmp.Diff(inOrder(row.want), h.verify(nil, nil)); diff != "" {
					t.Error(diff)
				}
				if row.left == nil {
					row.left = row.want
				}
				if diff := cmp.Diff(inOrder(row.left), h.verify(left, nil)); diff != "" {
					t.Error("with checkpoints:", diff)
				}
				if row.exact == nil {
					return
				}
				if diff := cmp.Diff(inOrder(row.exact), h.verify(left, copied)); diff != "" {
					t.Error("with an export:", diff)
				}
			})
		}
	}
}

// TestForged replaces the whole chain with one that fits: by somebody without the
// keys, with keys of their own, and by somebody who has the keys too.
func TestForged(t *testing.T) {
	for database, dsn := range databases {
		t.Run(database, func(t *testing.T) {
			h := newHouse(t, dsn(t))
			h.seal(3, 4)
			left := h.checkpoints()
			h.alter(`DELETE FROM {}seal`, `UPDATE {}change SET actor = 'somebody else' WHERE seq = 2`)
			must(t, h.sealer(newSigner(t, "one")).All(t.Context()))
			if diff := cmp.Diff([]string{"unsigned 1-7"}, h.verify(nil, nil)); diff != "" {
				t.Error("with other keys:", diff)
			}
			h.alter(`DELETE FROM {}seal`)
			must(t, h.sealer(h.signer).All(t.Context()))
			if diff := cmp.Diff([]string(nil), h.verify(nil, nil)); diff != "" {
				t.Error("nothing but the checkpoints could tell, and yet:", diff)
			}
			if diff := cmp.Diff([]string{"replaced 1-3", "replaced 1-7"}, h.verify(left, nil)); diff != "" {
				t.Error("with checkpoints:", diff)
			}
		})
	}
}

// TestLeft: of what left, a torn line and other environments are passed over, and
// what nobody signed is reported.
func TestLeft(t *testing.T) {
	h := newHouse(t, databases["SQLite"](t))
	h.seal(3)
	good := h.checkpoints()[0]
	other := newHouse(t, databases["SQLite"](t))
	other.signer = newSigner(t, "two")
	other.seal(3)
	forged := other.checkpoints()[0]
	for name, row := range map[string]struct {
		left []string
		want []string
	}{
		"torn":     {[]string{good[:len(good)/3], good}, nil},
		"twice":    {[]string{good, good}, nil},
		"garbage":  {[]string{"", "a.b.c", "{}"}, nil},
		"unsigned": {[]string{forged}, []string{"unsigned 1-3"}},
	} {
		if diff := cmp.Diff(inOrder(row.want), h.verify(row.left, nil)); diff != "" {
			t.Error(name, diff)
		}
	}
}

// TestSealWhen: a change waits for a minute, and a whole run does not.
func TestSealWhen(t *testing.T) {
	h := newHouse(t, databases["SQLite"](t))
	h.happen(2)
	sealer := h.sealer(h.signer)
	began := h.now.Add(-time.Second)
	for _, row := range []struct {
		after time.Duration
		want  int
	}{{time.Minute - time.Microsecond, 0}, {time.Minute, 2}, {time.Hour, 0}} {
		h.now = began.Add(row.after)
		if n, err := sealer.Seal(t.Context()); n != row.want || err != nil {
			t.Errorf("after %v: %d, %v", row.after, n, err)
		}
	}
	for _, row := range []struct{ more, want int }{{audit.Run - 1, 0}, {1, audit.Run}} {
		h.happen(row.more)
		h.now = h.now.Add(-24 * time.Hour) // all are young
		if n, err := sealer.Seal(t.Context()); n != row.want || err != nil {
			t.Errorf("%d more: %d, %v", row.more, n, err)
		}
		h.now = h.now.Add(24 * time.Hour)
	}
	if got := h.verify(h.checkpoints(), nil); got != nil {
		t.Error(got)
	}
}

// TestGap: what was taken out before it was sealed is missed too.
func TestGap(t *testing.T) {
	h := newHouse(t, databases["SQLite"](t))
	h.seal(2)
	h.happen(4)
	h.alter(`DELETE FROM {}change WHERE seq = 4`)
	h.seal(1)
	if diff := cmp.Diff([]string{"missing 4-4"}, h.verify(nil, nil)); diff != "" {
		t.Error(diff)
	}
}

// TestSealAtOnce: several nodes seal while changes are made.
func TestSealAtOnce(t *testing.T) {
	for database, dsn := range databases {
		t.Run(database, func(t *testing.T) {
			h := newHouse(t, dsn(t))
			other := newHouse(t, h.dsn)
			other.signer = h.signer
			h.now = h.now.Add(time.Hour)
			done := make(chan error, 2)
			for _, node := range []*house{h, other} {
				sealer := node.sealer(h.signer)
				sealer.Now = func() time.Time { return time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC) }
				go func() {
					for range 40 {
						if _, err := sealer.Seal(t.Context()); err != nil {
							done <- err
							return
						}
					}
					done <- nil
				}()
			}
			for range 60 {
				must(t, h.store.Clients().Create(t.Context(), store.Client{ID: rand.Text()}, store.By{Actor: "a", At: h.now}))
			}
			must(t, <-done)
			must(t, <-done)
			must(t, h.sealer(h.signer).All(t.Context()))
			if got := h.verify(h.checkpoints(), h.entries()); got != nil {
				t.Error(got)
			}
		})
	}
}
