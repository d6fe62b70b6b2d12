package limit

import (
	"errors"
	"os"
	"sync"
	"time"
)

// A deadline is a connection's for reading or for writing. It is handed to the
// system only when somebody waits: a server sets half a dozen for each request,
// most are replaced before anybody does, and to hand one over costs two looks at
// the clock and a timer.
//
// What the system keeps is never later than what is wanted while somebody waits.
// It may be earlier: who is woken too soon goes on waiting.
type deadline struct {
	set func(time.Time) error // the system's

	mu      sync.Mutex
	wanted  time.Time // zero: none
	kept    time.Time // by the system; zero: none
	waiting int       // reads, or writes, under way
}

// want is SetReadDeadline or SetWriteDeadline.
func (d *deadline) want(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = t
	if d.waiting == 0 || !before(t, d.kept) {
		return nil
	}
	return d.keep(t)
}

// keep hands a deadline over.
func (d *deadline) keep(t time.Time) error {
	d.kept = t
	return d.set(t)
}

// begin comes before a read or a write, which end or again follows. An error is
// the outcome already: neither follows.
func (d *deadline) begin() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if before(d.wanted, d.kept) {
		if !time.Now().Before(d.wanted) {
			return os.ErrDeadlineExceeded
		}
		if err := d.keep(d.wanted); err != nil {
			return err
		}
	}
	d.waiting++
	return nil
}

// again reports whether a read or a write that ended with err was woken too soon
// and must be tried again.
func (d *deadline) again(err error) bool {
	late := err != nil && errors.Is(err, os.ErrDeadlineExceeded)
	d.mu.Lock()
	defer d.mu.Unlock()
	if late && (d.wanted.IsZero() || time.Now().Before(d.wanted)) && d.keep(d.wanted) == nil {
		return true
	}
	d.waiting--
	return false
}

// before reports whether a is the earlier deadline.
func before(a, b time.Time) bool {
	return !a.IsZero() && (b.IsZero() || a.Before(b))
}
