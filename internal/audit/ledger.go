package audit

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/grantway/grantway/internal/disk"
	"github.com/grantway/grantway/internal/store"
)

// ErrAhead: a checkpoint that left covers more than the store has, or something
// else: its newest changes were taken out, it was replaced, or a backup was put back.
var ErrAhead = errors.New("a checkpoint that left does not fit the store")

// A Ledger is a file of checkpoints, one a line, to which lines are added and never
// changed. It belongs on another disk than the store, best where nobody can change
// what was written. It holds those of all environments. Each node has its own. It is
// safe for concurrent use.
type Ledger struct {
	path string
	mu   sync.Mutex
	last map[string]Checkpoint // by environment
	torn bool                  // the last line has no end
}

// OpenLedger reads how far the file is; there may be none yet.
func OpenLedger(path string) (*Ledger, error) {
	l := &Ledger{path: path, last: map[string]Checkpoint{}}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		// Whoever cannot write it is to know now, and not when it is missed.
		return l, disk.Create(path, nil)
	}
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // nothing was written
	l.torn, err = lines(file, func(text string, whole bool) error {
		if c, err := peek(text); err == nil && whole {
			l.last[c.Environment] = c
		}
		return nil
	})
	return l, err
}

// ReadLedger returns the lines of a ledger. One that a crash cut short is among
// them.
func ReadLedger(from io.Reader) ([]string, error) {
	var all []string
	_, err := lines(from, func(text string, _ bool) error {
		all = append(all, text)
		return nil
	})
	return all, err
}

// lines reads lines, and says of each whether it has an end.
func lines(from io.Reader, each func(text string, whole bool) error) (torn bool, err error) {
	in := bufio.NewReader(from)
	for {
		line, err := in.ReadString('\n')
		if text := strings.TrimSpace(line); text != "" {
			torn = err != nil
			if err := each(text, !torn); err != nil {
				return torn, err
			}
		}
		if errors.Is(err, io.EOF) {
			return torn, nil
		}
		if err != nil {
			return torn, err
		}
	}
}

// Follow adds the checkpoints of an environment that are not in the file yet, and
// returns how many they are. They are durable when it returns. ErrAhead says that
// the last one in the file is not one of the store's; from then on the file goes on
// with the store's newest, and both stand in it. Where the file is gone, another one
// is begun with all checkpoints that there are.
func (l *Ledger) Follow(ctx context.Context, environment string, seals store.Seals) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := os.Stat(l.path); errors.Is(err, fs.ErrNotExist) { // it was put aside: another one begins
		if err := disk.Create(l.path, nil); err != nil {
			return 0, err
		}
		l.last, l.torn = map[string]Checkpoint{}, false
	}
	at, ahead := int64(0), error(nil)
	if last, ok := l.last[environment]; ok {
		newest, err := seals.Last(ctx)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return 0, err
		}
		if last.Seq == newest.Through && last.Hash == newest.Hash {
			return 0, nil
		}
		same, err := seals.Since(ctx, last.From-1, 1)
		if err != nil {
			return 0, err
		}
		at = last.From
		if len(same) == 0 || same[0].Through != last.Seq || same[0].Hash != last.Hash {
			ahead = fmt.Errorf("%w: that of %s at change %d, made %s, is in %s", ErrAhead, environment, last.Seq, last.At, filepath.Base(l.path))
			at = newest.From - 1
			if newest.Through == 0 {
				return 0, ahead
			}
		}
	}
	added := 0
	for {
		some, err := seals.Since(ctx, at, page)
		if err == nil && len(some) > 0 {
			err = l.add(environment, some)
		}
		if err != nil || len(some) == 0 {
			return added, errors.Join(ahead, err)
		}
		added += len(some)
		at = some[len(some)-1].From
	}
}

// add is called under mu.
func (l *Ledger) add(environment string, some []store.Seal) error {
	var text bytes.Buffer
	if l.torn {
		text.WriteByte('\n')
	}
	for _, s := range some {
		text.WriteString(s.Checkpoint)
		text.WriteByte('\n')
	}
	file, err := os.OpenFile(l.path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = file.Write(text.Bytes())
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	l.torn = err != nil // part of it may stand there
	if err == nil {
		last := some[len(some)-1]
		l.last[environment] = Checkpoint{Environment: environment, From: last.From, Seq: last.Through, Hash: last.Hash, At: last.At}
	}
	return err
}
