package catalogue

import (
	"context"
	"crypto/sha256"
	"io/fs"
	"os"
	"time"
)

// Options say how Watch follows a file.
type Options struct {
	Interval time.Duration                    // between two looks at the file; 0: one second
	Poke     <-chan struct{}                  // look now, and report what is wrong once more; may be nil
	Env      func(name string) (string, bool) // environment variables; nil: os.LookupEnv
}

// Watch follows the file that current was loaded from until ctx is done, and the
// files that it names: OpenAPI documents, logos, translations, outbound.ca. It
// calls apply for each new content that is good, and report for each that is
// not, once, so that the last good catalogue stays in force; report also gets
// the error when the file cannot be read. The two are called one at a time, from
// the goroutine of Watch.
//
// What apply could not put in force, such as while a database was down, is
// reported once for each reason, and applied again every 15 intervals until it
// is, or the file says something else.
//
// The file may be written in place or replaced. A half-written file is a bad
// one for a moment, so replacing (write beside, then rename) is the better way.
func Watch(ctx context.Context, path string, current *Catalogue, o Options, apply func(*Catalogue) error, report func(error)) {
	if o.Interval <= 0 {
		o.Interval = time.Second
	}
	if o.Env == nil {
		o.Env = os.LookupEnv
	}
	w := watcher{path: path, options: o, apply: apply, report: report, seen: current.sum, beside: current.beside}
	tick := time.NewTicker(o.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case _, open := <-o.Poke:
			if !open {
				o.Poke = nil
				continue
			}
			w.look(true)
		case <-tick.C:
			w.look(false)
		}
	}
}

type watcher struct {
	path    string
	options Options
	apply   func(*Catalogue) error
	report  func(error)

	info    fs.FileInfo       // of the last look; nil: there was none, or it failed
	looked  time.Time         // when that was
	missing bool              // at the last look, the file could not be read
	seen    [sha256.Size]byte // of the last content
	bad     bool              // the last content was bad, or is not in force
	waiting *Catalogue        // good, and could not be put in force; nil: there is none
	refused string            // why not
	again   time.Time         // when it is tried again
	beside  []*beside         // what it named; of a bad one, and what the last good one named
	another bool              // one of those is another one, and nobody has read it yet
}

func (w *watcher) look(poked bool) {
	for _, b := range w.beside {
		w.another = b.changed(poked) || w.another
	}
	info, err := os.Stat(w.path)
	if err == nil && !poked && !w.another && w.same(info) {
		w.retry()
		return
	}
	var data []byte
	if err == nil {
		data, err = read(w.path)
	}
	if err != nil {
		if poked || !w.missing {
			w.report(err)
		}
		w.info, w.missing = nil, true
		return
	}
	w.info, w.looked, w.missing = info, time.Now(), false
	sum := sha256.Sum256(data)
	if sum == w.seen && !w.another && !(poked && w.bad) {
		w.retry()
		return
	}
	w.seen, w.another, w.waiting, w.refused = sum, false, nil, ""
	c, named, err := build(w.path, data, w.options.Env)
	if w.bad = err != nil; w.bad {
		w.beside = joined(named, w.beside)
		w.report(err)
		return
	}
	w.beside = named
	w.force(c)
}

// retry applies again what could not be put in force: what stood in the way may go
// without anybody touching the file.
func (w *watcher) retry() {
	if w.waiting != nil && !time.Now().Before(w.again) {
		w.force(w.waiting)
	}
}

func (w *watcher) force(c *Catalogue) {
	err := w.apply(c)
	if w.bad = err != nil; !w.bad {
		w.waiting, w.refused = nil, ""
		return
	}
	const pause = 15 // intervals
	before := w.refused
	w.waiting, w.refused, w.again = c, err.Error(), time.Now().Add(pause*w.options.Interval)
	if w.refused != before {
		w.report(err)
	}
}

// same reports whether the file is as it was at the last look. A file that was
// written shortly before that look may have been written once more since with
// neither size nor time telling, where times are coarse.
func (w *watcher) same(info fs.FileInfo) bool {
	const coarse = 2 * time.Second
	return w.info != nil && os.SameFile(info, w.info) && info.Size() == w.info.Size() && info.ModTime().Equal(w.info.ModTime()) &&
		w.looked.Sub(info.ModTime()) > coarse
}
