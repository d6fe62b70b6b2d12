// Package audit makes it seen when somebody alters what the store says happened.
// The changes of an environment are sealed into a chain of hashes, afterwards and by
// one node at a time; each seal is signed, as a checkpoint; checkpoints and changes
// are passed on to where whoever alters the store cannot reach; and Verify compares.
//
// It neither writes changes nor decides what is one: package sqlstore does, in the
// transaction that a change records. What happens in traffic is package activity's
// and is not sealed. Package server runs the work, and package admin and the command
// line show it.
//
// Nothing prevents an administrator of the database from altering it. Whoever has
// no sealing key cannot make it fit; whoever has that too cannot make it fit the
// checkpoints that have left.
//
// A checkpoint is a compact JWS (RFC 7515).
package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// version is that of the encoding; it is in the first link of each chain and before
// each change.
const version = 1

// Run is how many changes a seal covers at most.
const Run = 1000

// An Entry is a change as it leaves: over the admin API, in exports and to webhooks.
// Detail is a text and no object, so that it stays what was hashed, to the byte.
type Entry struct {
	Seq    int64     `json:"seq" doc:"1, 2, 3, … in the order in which they happened."`
	At     time.Time `json:"at" doc:"When it happened."`
	Kind   string    `json:"kind" doc:"What happened: client.created, secret.revoked."`
	ID     string    `json:"id" doc:"Of what it happened to."`
	Client string    `json:"client,omitempty" doc:"The client that it concerns, where that is another id."`
	Actor  string    `json:"actor" doc:"Who did it."`
	Trace  string    `json:"trace,omitempty" doc:"The trace id of the request that did it."`
	Detail string    `json:"detail" doc:"A JSON object, as a text: exactly as it is sealed."`
}

// EntryOf is a change as it leaves.
func EntryOf(c store.Change) Entry {
	return Entry{Seq: c.Seq, At: c.At.UTC(), Kind: c.Kind, ID: c.ID, Client: c.Client, Actor: c.Actor, Trace: c.Trace, Detail: c.Detail}
}

// Change undoes EntryOf.
func (e *Entry) Change() store.Change {
	return store.Change{Seq: e.Seq, At: e.At, Kind: e.Kind, ID: e.ID, Client: e.Client, Actor: e.Actor, Trace: e.Trace, Detail: e.Detail}
}

// A Seal is a seal as it leaves.
type Seal struct {
	From       int64     `json:"from" doc:"The first change that it covers."`
	Through    int64     `json:"through" doc:"The last one."`
	Hash       []byte    `json:"hash" doc:"SHA-256 over the hash before and over the changes."`
	Checkpoint string    `json:"checkpoint" doc:"The same, signed: a compact JWS."`
	At         time.Time `json:"at" doc:"When they were sealed."`
}

// SealOf is a seal as it leaves.
func SealOf(s store.Seal) Seal {
	return Seal{From: s.From, Through: s.Through, Hash: s.Hash[:], Checkpoint: s.Checkpoint, At: s.At.UTC()}
}

// first is what the first seal of an environment's chain continues: a chain of
// another environment does not fit.
func first(environment string) [sha256.Size]byte {
	return sha256.Sum256(append([]byte("grantway changes\x00\x01"), environment...))
}

// A link is one run of changes on its way to its hash.
type link struct{ hash.Hash }

// after begins the link that continues a hash.
func after(before [sha256.Size]byte, from, through int64) link {
	l := link{sha256.New()}
	l.Write(before[:])
	l.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(from)), uint64(through)))
	return l
}

func (l link) add(c *store.Change) { l.Write(appendChange(nil, c)) }

func (l link) sum() [sha256.Size]byte { return [sha256.Size]byte(l.Sum(nil)) }

// appendChange appends the encoding of a change: the version, its number and its
// time in microseconds as eight bytes each, and each text after its length in four
// bytes. No two changes have one encoding, and none begins another.
func appendChange(dst []byte, c *store.Change) []byte {
	dst = append(dst, version)
	dst = binary.BigEndian.AppendUint64(dst, uint64(c.Seq))
	dst = binary.BigEndian.AppendUint64(dst, uint64(c.At.UnixMicro()))
	for _, text := range texts(c) {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(text)))
		dst = append(dst, text...)
	}
	return dst
}

// texts are the columns of a change that are texts, in the order of the encoding.
func texts(c *store.Change) [6]string {
	return [6]string{c.Kind, c.ID, c.Client, c.Actor, c.Trace, c.Detail}
}
