package resource

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/disk"
	"github.com/grantway/grantway/internal/jose"
)

// maxSnapshot is how long a file is read, in bytes: all entries that can be
// remembered fit.
const maxSnapshot = 512 << 20

// A history is the messages that say what is known: a snapshot, and what
// continued it. They are kept signed, so that a file is worth what its
// signatures are.
type history struct {
	keySet  []byte   // under which messages are signed
	chain   []string // complete
	whole   int      // how many of the chain are its snapshot
	beat    bool     // the last of the chain says no more than that time has passed
	pending []string // a snapshot of which more is to come; nil: none
	more    bool     // of the last message
	saved   time.Time

	// ahead are the messages with denials, as long as those matter: a server that
	// the reader meets later may not know them.
	ahead []aheadMessage
}

// An aheadMessage tells what the server's store did not know.
type aheadMessage struct {
	text  string
	until int64 // Unix seconds
}

// maxAhead bounds the messages with denials. Each but the first tells something
// new, and a server has room for few.
const maxAhead = 256

// kept is the file.
type kept struct {
	Keys     json.RawMessage `json:"keys"`
	Messages []string        `json:"messages"`
	Ahead    []string        `json:"ahead,omitempty"` // learnt from, whatever they continue
}

// keep adds a message that was taken, and saves what is new.
func (f *Feed) keep(m *message) error {
	r := &f.reading
	h := &r.history
	h.more = m.More
	beat := m.After == m.Seq && !m.news // what it says is in other messages
	if m.Ahead && m.news {
		h.remember(m, f.config.Now())
	}
	switch {
	case m.After == 0:
		h.pending = []string{m.text}
	case h.pending != nil:
		h.pending = append(h.pending, m.text)
	case r.resync:
		return nil // it continues what is about to be replaced
	case h.beat:
		h.chain[len(h.chain)-1] = m.text
	default:
		h.chain = append(h.chain, m.text)
	}
	if m.More {
		h.beat = false
		return nil
	}
	if h.pending != nil {
		first := h.chain == nil
		beat = beat && !first && len(h.pending) == 1
		h.keySet, h.chain, h.whole, h.pending = r.keySet, h.pending, len(h.pending), nil
		h.beat, r.resync = false, false
		f.forget()
	} else {
		h.beat = beat
	}
	if len(h.chain) > h.whole+maxChain {
		r.resync = true
	}
	if beat && time.Since(h.saved) < f.config.MaxStale/10 {
		return nil
	}
	return f.save()
}

// save writes the file anew, so that there is always a whole one.
func (f *Feed) save() (err error) {
	h := &f.reading.history
	if f.config.Snapshot == "" || h.chain == nil {
		return nil
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("resource: keep the snapshot of the feed: %w", err)
		}
	}()
	file := kept{Keys: h.keySet, Messages: h.chain}
	for _, m := range h.ahead {
		file.Ahead = append(file.Ahead, m.text)
	}
	return f.write(&file)
}

// remember keeps a message with denials.
func (h *history) remember(m *message, now time.Time) {
	late := now.Add(-skew).Unix()
	h.ahead = slices.DeleteFunc(h.ahead, func(old aheadMessage) bool { return old.until < late })
	if len(h.ahead) == maxAhead {
		h.ahead = h.ahead[1:]
	}
	h.ahead = append(h.ahead, aheadMessage{m.text, m.until()})
}

func (f *Feed) write(kept *kept) error {
	data, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	if err := disk.Write(f.config.Snapshot, data); err != nil {
		return err
	}
	f.reading.history.saved = time.Now()
	return nil
}

// load takes the messages of the file, if there is one. The keys in it were
// fetched by TLS when it was written, and count until they are fetched again. A
// file of which anything is wrong counts as none.
func (f *Feed) load() (err error) {
	if f.config.Snapshot == "" {
		return nil
	}
	data, err := disk.ReadPrivate(f.config.Snapshot, maxSnapshot)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	defer func() {
		if err != nil {
			f.ended, f.heard, f.position, f.reading = map[subject]ending{}, time.Time{}, 0, reader{}
			err = fmt.Errorf("resource: the snapshot of the feed is of no use: %w", err)
		}
	}()
	if err != nil {
		return err
	}
	var file kept
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	keys, err := jose.ParseJWKSet(file.Keys)
	if err != nil {
		return err
	}
	for i, text := range file.Messages {
		m, err := f.verify(text, keys)
		if err == nil {
			err = f.take(m)
		}
		if err != nil {
			return err
		}
		if i == 0 && m.After != 0 || i == len(file.Messages)-1 && m.More {
			return errGap
		}
	}
	for _, text := range file.Ahead {
		m, err := f.verify(text, keys)
		if err != nil {
			continue // its key was removed since
		}
		f.mu.Lock()
		f.learn(m)
		f.mu.Unlock()
		f.reading.history.ahead = append(f.reading.history.ahead, aheadMessage{text, m.until()})
	}
	f.forget()
	return nil
}
