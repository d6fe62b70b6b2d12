package audit

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/grantway/grantway/internal/store"
)

func anyChange(t *rapid.T, label string) store.Change {
	text := rapid.StringOfN(rapid.RuneFrom([]rune("ab\x00\x01é{}\"")), 0, 6, -1)
	return store.Change{
		Seq: rapid.Int64().Draw(t, label+" seq"), At: time.UnixMicro(rapid.Int64Range(-1<<50, 1<<52).Draw(t, label+" at")).UTC(),
		Kind: text.Draw(t, label+" kind"), ID: text.Draw(t, label+" id"), Client: text.Draw(t, label+" client"),
		Actor: text.Draw(t, label+" actor"), Trace: text.Draw(t, label+" trace"), Detail: text.Draw(t, label+" detail"),
	}
}

// decode undoes appendChange and returns what follows.
func decode(t *rapid.T, from []byte) (store.Change, []byte) {
	if from[0] != 1 {
		t.Fatal("another version")
	}
	c := store.Change{
		Seq: int64(binary.BigEndian.Uint64(from[1:])), At: time.UnixMicro(int64(binary.BigEndian.Uint64(from[9:]))).UTC(),
	}
	from = from[17:]
	for _, into := range []*string{&c.Kind, &c.ID, &c.Client, &c.Actor, &c.Trace, &c.Detail} {
		n := binary.BigEndian.Uint32(from)
		*into = string(from[4 : 4+n])
		from = from[4+n:]
	}
	return c, from
}

// TestEncodingIsUnambiguous: what can be read back, one after the other, cannot be
// read in two ways.
func TestEncodingIsUnambiguous(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyChange(t, "a"), anyChange(t, "b")
		both := appendChange(appendChange(nil, &a), &b)
		gotA, rest := decode(t, both)
		gotB, rest := decode(t, rest)
		if diff := cmp.Diff([]store.Change{a, b}, []store.Change{gotA, gotB}); diff != "" || len(rest) > 0 {
			t.Fatal(diff, rest)
		}
		if same := bytes.Equal(appendChange(nil, &a), appendChange(nil, &b)); same != cmp.Equal(a, b) {
			t.Fatal("two changes have one encoding")
		}
	})
}

// TestEncodingStays: chains that were made before must verify for ever.
func TestEncodingStays(t *testing.T) {
	c := store.Change{Seq: 7, At: time.UnixMicro(1_800_000_000_000_001), Kind: "client.created", ID: "c1", Actor: "owner", Trace: "t", Detail: `{"a":1}`}
	got := hashOf(first("staging"), 7, 7, []store.Change{c})
	const want = "0d100f96c9db1c8d9ab8ab82be46c105d53753e41bcd82c5c40bf53a0a3dad2d"
	if text := hex.EncodeToString(got[:]); text != want {
		t.Errorf("the hash is %s", text)
	}
}
