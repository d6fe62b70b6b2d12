package revocation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/store"
)

// FeedType is the typ of a feed's messages. No token has it, and their keys are
// in no token's key set, so that neither can pass as the other (RFC 8725 §3.11).
const FeedType = "grantway-revocations+jwt"

// FeedHeader is the JOSE header of a feed's messages.
func FeedHeader(algorithm, kid string) []byte {
	return fmt.Appendf(nil, `{"kid":%q,"alg":%q,"typ":%q}`, kid, algorithm, FeedType)
}

// Beat is how often a feed says that it is alive, and up to which moment it
// knows everything.
const Beat = 5 * time.Second

const (
	maxMessage = 11 << 10 // bytes of claims; signed and encoded they stay below the 16 KiB that are read
	maxID      = 1 << 10  // bytes of an id: ours are far shorter
	maxShared  = 64       // messages of one state that are kept for the next reader
)

// A Feed tells verifiers elsewhere what is revoked in one environment, in signed
// messages. It reads the store by itself: what it says is complete, or it says
// nothing. How messages travel is package endpoint's.
//
// Readers are not buffered for: each asks for what it has not heard, whenever the
// feed moves, so that a slow one costs nothing and gets the rest in one piece.
//
// It is safe for concurrent use.
type Feed struct {
	issuer  string
	from    Source
	signers Signers
	now     func() time.Time
	wake    chan struct{} // a change is to be read

	closing sync.Once
	closed  chan struct{}

	reading sync.Mutex // readings of the store follow each other

	mu     sync.Mutex
	log    []store.Revocation // by Seq; without what is to be forgotten
	seq    int64              // the log is complete up to here
	asOf   time.Time          // at this moment; zero: nothing was read yet
	reread bool               // what is known is of another history
	denied []store.Revocation // and not yet in the log
	moved  chan struct{}      // closed, and replaced, when asOf or seq grow
	shared map[int64]Message  // of this state, by what they continue
}

// Signers lend the key that signs messages.
type Signers interface {
	Signer(jose.Algorithm) (*jose.Signer, error)
}

// A Message is a part of the feed, signed.
type Message struct {
	Text string // a compact JWS
	Seq  int64  // what the next message is to continue
	More bool   // it was too much for one message: ask for the next one at once
}

// A statement is what a message claims. Times are Unix seconds.
type statement struct {
	Issuer   string  `json:"iss"`
	IssuedAt int64   `json:"iat"`             // what is said was complete then
	Seq      int64   `json:"seq"`             // up to this change
	After    int64   `json:"after"`           // from this change on; 0: from the beginning
	More     bool    `json:"more,omitempty"`  // complete only with the message that continues it
	Ahead    bool    `json:"ahead,omitempty"` // the last entries are denials, which the store does not know yet
	Entries  []event `json:"entries"`
}

type event struct {
	Kind   string `json:"kind"`
	ID     string `json:"id"`
	Before int64  `json:"before"` // tokens issued up to here are ended
	Forget int64  `json:"forget"` // no token it is about lives longer; 0: never forget
}

// NewFeed returns a feed whose messages name the issuer, as tokens do. Run it.
func NewFeed(issuer string, from Source, signers Signers, now func() time.Time) *Feed {
	return &Feed{
		issuer: issuer, from: from, signers: signers, now: now,
		wake: make(chan struct{}, 1), closed: make(chan struct{}), moved: make(chan struct{}), shared: map[int64]Message{},
	}
}

// Changed says that there may be something to read. It never blocks.
func (f *Feed) Changed() {
	select {
	case f.wake <- struct{}{}:
	default: // the reading that is due will see it
	}
}

// Run reads the store after every change and with every beat, until the context
// ends; then the feed is closed. What fails is told to failed and tried again
// with the next beat; meanwhile the feed repeats what it said last, so that its
// readers stay, and does not claim to know more.
func (f *Feed) Run(ctx context.Context, failed func(error)) {
	defer f.Close()
	beat := time.NewTicker(Beat)
	defer beat.Stop()
	for {
		if err := f.Refresh(ctx); err != nil && ctx.Err() == nil {
			failed(err)
			f.repeat()
		}
		select {
		case <-f.wake:
		case <-beat.C:
		case <-ctx.Done():
			return
		}
	}
}

// Refresh reads what was revoked since the last call and lets the readers know.
// It returns store.ErrUnavailable, and then knows what it knew.
func (f *Feed) Refresh(ctx context.Context) error {
	f.reading.Lock()
	defer f.reading.Unlock()
	f.mu.Lock()
	if f.reread {
		f.log, f.seq, f.asOf, f.reread = nil, 0, time.Time{}, false
	}
	seq := f.seq
	f.mu.Unlock()
	now := f.now() // before the reading: what is revoked during it may be missing
	news, err := f.from.Since(ctx, seq, now)
	if err != nil {
		return fmt.Errorf("read the revocations for the feed: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	kept := f.log[:0]
	for _, r := range f.log {
		if r.ForgetAt.IsZero() || r.ForgetAt.After(now) {
			kept = append(kept, r)
		}
	}
	clear(f.log[len(kept):])
	f.log = append(kept, news...)
	if n := len(news); n > 0 {
		f.seq = news[n-1].Seq
	}
	f.asOf = now
	clear(f.shared)
	f.move()
	return nil
}

// repeat lets the readers ask again.
func (f *Feed) repeat() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.move()
}

// move is called under mu.
func (f *Feed) move() {
	close(f.moved)
	f.moved = make(chan struct{})
}

// Deny says what ends tokens though the store does not know it yet, in place of
// what the last call said; readers are told at once. There must not be more than
// Room has for.
func (f *Feed) Deny(all []store.Revocation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.denied = slices.Clone(all)
	clear(f.shared)
	f.move()
}

// Room reports whether one message has room for all denials, and that is how
// many there can be.
func (f *Feed) Room(all []store.Revocation) bool {
	room := f.room()
	for i := range all {
		_, size, err := eventOf(&all[i])
		if room -= size; err != nil || room < 0 {
			return false
		}
	}
	return true
}

// room is what a message has for entries, in bytes.
func (f *Feed) room() int { return maxMessage - len(f.issuer) - 200 }

// Reread makes the next Refresh read everything anew: the store was set back, and
// counts its changes from a lower number on.
func (f *Feed) Reread() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reread = true
}

// Moved returns a channel that is closed when there is something new to say.
// Take it before the message, or something is missed.
func (f *Feed) Moved() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.moved
}

// Close ends the feed: Closed is closed. What it knows can still be asked for.
func (f *Feed) Close() { f.closing.Do(func() { close(f.closed) }) }

// Closed returns a channel that is closed when streams should end.
func (f *Feed) Closed() <-chan struct{} { return f.closed }

// errUnread: the feed does not know what is revoked yet.
var errUnread = fmt.Errorf("the revocations have not been read yet: %w", store.ErrUnavailable)

// Message returns what was revoked after a change, up to what is known now. It is
// everything (a snapshot) when after is 0 or lies beyond what is known: whoever
// says so heard it from another store, or from a node that is ahead.
func (f *Feed) Message(ctx context.Context, after int64) (Message, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.asOf.IsZero() {
		return Message{}, errUnread
	}
	if after < 0 || after > f.seq {
		after = 0
	}
	if m, ok := f.shared[after]; ok {
		return m, nil
	}
	said, err := f.say(after)
	if err != nil {
		return Message{}, err
	}
	claims, err := json.Marshal(said)
	if err != nil {
		return Message{}, err
	}
	signer, err := f.signers.Signer(jose.ES256)
	if err != nil {
		return Message{}, err
	}
	text, err := signer.Sign(ctx, claims)
	if err != nil {
		return Message{}, err
	}
	m := Message{Text: text, Seq: said.Seq, More: said.More}
	if len(f.shared) < maxShared {
		f.shared[after] = m
	}
	return m, nil
}

// errTooMuch: a revocation does not fit into a message. The feed then says
// nothing: readers that hear of most revocations believe they hear of all.
var errTooMuch = errors.New("a revocation is too long for the feed")

// say collects what one message has room for.
func (f *Feed) say(after int64) (statement, error) {
	said := statement{Issuer: f.issuer, IssuedAt: f.asOf.Unix(), Seq: f.seq, After: after, Entries: []event{}}
	room := f.room()
	whole, wholeSeq, seq := 0, after, after // a message ends between two changes, never within one
	for _, r := range f.log {
		if r.Seq <= after {
			continue
		}
		if r.Seq != seq {
			whole, wholeSeq, seq = len(said.Entries), seq, r.Seq
		}
		e, size, err := eventOf(&r)
		if err != nil {
			return statement{}, fmt.Errorf("%w: change %d", err, r.Seq)
		}
		if room -= size; room >= 0 {
			said.Entries = append(said.Entries, e)
			continue
		}
		if whole == 0 {
			return statement{}, fmt.Errorf("%w: change %d", errTooMuch, r.Seq)
		}
		said.Entries, said.Seq, said.More = said.Entries[:whole], wholeSeq, true
		return said, nil
	}
	return f.sayDenied(said, room)
}

// sayDenied adds the denials where there is room, or leaves them all to the next
// message.
func (f *Feed) sayDenied(said statement, room int) (statement, error) {
	whole := len(said.Entries)
	for i := range f.denied {
		e, size, err := eventOf(&f.denied[i])
		if err != nil {
			return statement{}, err
		}
		if room -= size; room < 0 {
			if whole == 0 {
				return statement{}, errTooMuch // Room was not asked
			}
			said.Entries, said.More, said.Ahead = said.Entries[:whole], true, false
			return said, nil
		}
		said.Entries, said.Ahead = append(said.Entries, e), true
	}
	return said, nil
}

// eventOf is a revocation as messages have it, and how many bytes it takes.
func eventOf(r *store.Revocation) (event, int, error) {
	if len(r.ID) > maxID {
		return event{}, 0, errTooMuch
	}
	e := event{Kind: r.Kind, ID: r.ID, Before: r.IssuedBefore.Unix(), Forget: ceil(r.ForgetAt)}
	text, err := json.Marshal(e)
	return e, len(text) + 1, err
}

// ceil is a time in whole seconds, not before it; 0 for the zero time.
func ceil(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Add(time.Second - 1).Unix()
}
