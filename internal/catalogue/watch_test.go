package catalogue

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// watching is a running Watch in a bubble of synctest: an hour of it takes no time.
type watching struct {
	t    *testing.T
	path string
	poke chan struct{}
	stop func()

	mu      sync.Mutex // that time goes on orders nothing in memory
	applied []string   // names of catalogues
	reports []error
	barred  error // nothing can be put in force
}

// said is what has happened so far.
func (w *watching) said() (applied string, reports []error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.applied, " "), slices.Clone(w.reports)
}

// hear notes what happens.
func (w *watching) hear(note func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	note()
}

func watch(t *testing.T) *watching { return watchIn(t, t.TempDir(), sample) }

// watchIn watches a file of that text in a folder.
func watchIn(t *testing.T, folder, text string) *watching {
	t.Helper()
	w := &watching{t: t, path: filepath.Join(folder, "grantway.yaml"), poke: make(chan struct{})}
	w.write(text)
	c, err := Load(w.path, sampleEnv)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		Watch(ctx, w.path, c, Options{Poke: w.poke, Env: sampleEnv},
			func(c *Catalogue) (err error) {
				w.hear(func() {
					if err = w.barred; err == nil {
						w.applied = append(w.applied, c.Name)
					}
				})
				return err
			},
			func(err error) { w.hear(func() { w.reports = append(w.reports, err) }) })
	}()
	w.stop = func() { cancel(); <-done }
	return w
}

func (w *watching) write(text string) {
	w.t.Helper()
	w.put(w.path, text)
}

// put replaces a file.
func (w *watching) put(path, text string) {
	w.t.Helper()
	beside := path + ".new"
	if err := os.WriteFile(beside, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Rename(beside, path); err != nil {
		w.t.Fatal(err)
	}
}

// after lets time pass and says what has happened so far.
func (w *watching) after(d time.Duration, applied string, reports int) {
	w.t.Helper()
	time.Sleep(d)
	synctest.Wait()
	if got, errs := w.said(); got != applied || len(errs) != reports {
		w.t.Fatalf("applied %q and reported %v; want %q and %d reports", got, errs, applied, reports)
	}
}

func renamed(name string) string { return strings.Replace(sample, "Sample", name, 1) }

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		defer w.stop()
		w.after(time.Minute, "", 0) // nothing has changed
		w.write(renamed("First!"))
		w.after(2*time.Second, "First!", 0)
		w.write(renamed("Second")) // as long as the one before
		w.after(2*time.Second, "First! Second", 0)

		w.write("name: [")
		w.after(time.Minute, "First! Second", 1) // once, and the last good one is kept
		w.write("name: {")
		w.after(time.Minute, "First! Second", 2)
		w.write(renamed("Third"))
		w.after(2*time.Second, "First! Second Third", 2)
	})
}

func TestWatchMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		defer w.stop()
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		w.after(time.Minute, "", 1) // once
		w.write(sample)
		w.after(time.Minute, "", 1) // back as it was
		w.write(renamed("Other"))
		w.after(2*time.Second, "Other", 1)
	})
}

func TestWatchPoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		defer w.stop()
		w.poke <- struct{}{}
		w.after(0, "", 0) // the content is in force already
		w.write(renamed("Poked"))
		w.poke <- struct{}{}
		w.after(0, "Poked", 0) // without waiting for the second
		w.write("name: [")
		w.poke <- struct{}{}
		w.after(0, "Poked", 1)
		w.poke <- struct{}{}
		w.after(0, "Poked", 2) // who asks is answered
		close(w.poke)
		w.write(renamed("Closed"))
		w.after(2*time.Second, "Poked Closed", 2)
	})
}

// TestWatchBarred: what could not be put in force while something else was down is,
// when that is back, without anybody touching the file.
func TestWatchBarred(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		defer w.stop()
		bar := func(text string) {
			w.hear(func() {
				if w.barred = nil; text != "" {
					w.barred = errors.New(text)
				}
			})
		}
		bar("the database is down")
		w.write(renamed("First"))
		w.after(10*time.Minute, "", 1) // once
		w.poke <- struct{}{}
		w.after(0, "", 2) // who asks is answered
		bar("it is another one")
		w.after(time.Minute, "", 3)
		bar("")
		w.after(time.Minute, "First", 3)
		w.after(time.Hour, "First", 3)
		w.poke <- struct{}{}
		w.after(0, "First", 3)

		bar("the database is down")
		w.write(renamed("Second"))
		w.after(time.Minute, "First", 4)
		w.write(sample) // another one, barred for the same reason
		w.after(time.Minute, "First", 5)
		bar("")
		w.poke <- struct{}{}
		w.after(0, "First Sample", 5) // without waiting

		bar("the database is down")
		w.write(renamed("Third"))
		w.after(2*time.Second, "First Sample", 6)
		w.write("name: [")
		bar("")
		w.after(time.Hour, "First Sample", 7) // what the file says now is bad, and is not tried again
	})
}

// TestWatchBeside: what the file names is followed as the file is.
func TestWatchBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		document, logo, texts, authority := filepath.Join(folder, "notes.yaml"), filepath.Join(folder, "logo.png"), filepath.Join(folder, "texts"), filepath.Join(folder, "ca.pem")
		if err := os.Mkdir(texts, 0o700); err != nil {
			t.Fatal(err)
		}
		described := func(title string) string { return strings.Replace(notesAPI, "title: ", "title: "+title+" ", 1) }
		if err := os.WriteFile(document, []byte(described("A")), 0o600); err != nil {
			t.Fatal(err)
		}
		w := watchIn(t, folder, strings.NewReplacer(
			"    title: Notes\n", "    title: Notes\n    openapi: notes.yaml\n",
			"    title: Playground\n", "    title: Playground\n    accounts: true\n    login: {theme: {logo: "+logo+"}, translations: "+texts+"}\n",
			"ca: /etc/grantway/ca.pem", "ca: "+authority,
		).Replace(sample))
		defer w.stop()
		w.after(time.Minute, "", 0)
		w.put(document, described("B")) // as long as the one before
		w.after(2*time.Second, "Sample", 0)

		w.put(document, "openapi: 1")
		w.after(time.Minute, "Sample", 1) // once, and the last good one is kept
		if _, reports := w.said(); !strings.Contains(reports[0].Error(), document) {
			t.Errorf("a bad document is reported so: %v", reports[0])
		}
		w.poke <- struct{}{}
		w.after(0, "Sample", 2) // who asks is answered
		if err := os.Remove(document); err != nil {
			t.Fatal(err)
		}
		w.after(time.Minute, "Sample", 3)
		w.put(document, described("C"))
		w.after(2*time.Second, "Sample Sample", 3)

		w.put(logo, "<svg>")
		w.after(2*time.Second, "Sample Sample Sample", 3)
		w.put(filepath.Join(texts, "fr.yaml"), "a: b")
		w.after(2*time.Second, "Sample Sample Sample Sample", 3)
		w.put(filepath.Join(texts, "fr.yaml"), "a: c")
		w.put(filepath.Join(texts, "README.md"), "no texts")
		w.after(2*time.Second, strings.Repeat("Sample ", 4)+"Sample", 3)
		w.put(authority, "-----")
		w.after(time.Minute, strings.Repeat("Sample ", 5)+"Sample", 3)

		// A change while the file itself is away is not forgotten.
		if err := os.Rename(w.path, w.path+".away"); err != nil {
			t.Fatal(err)
		}
		w.put(document, described("D"))
		w.after(time.Minute, strings.Repeat("Sample ", 5)+"Sample", 4)
		if err := os.Rename(w.path+".away", w.path); err != nil {
			t.Fatal(err)
		}
		w.after(time.Minute, strings.Repeat("Sample ", 6)+"Sample", 4)
	})
}

// In real time: a file that is left alone is not read again, and a change is.
func TestWatchLooksFirst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "grantway.yaml")
	if err := os.WriteFile(path, []byte(sample), 0o600); err != nil {
		t.Fatal(err)
	}
	w := watcher{path: path, options: Options{Env: sampleEnv}, apply: func(*Catalogue) error { return nil }, report: func(err error) { t.Error(err) }}
	w.look(false)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if w.same(info) {
		t.Error("a file that was just written is taken for unchanged")
	}
	w.looked = info.ModTime().Add(time.Minute)
	if !w.same(info) {
		t.Error("a file that was left alone is read again")
	}
	if err := os.WriteFile(path, []byte(sample+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if info, err = os.Stat(path); err != nil || w.same(info) {
		t.Errorf("a change is not seen: %v", err)
	}
}
