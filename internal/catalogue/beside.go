package catalogue

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A beside is a file that the catalogue's file names and whose content is a part
// of what is published: an OpenAPI document, a logo, an authority; or a folder of
// such files, the translations. Files with secrets are none: who uses those reads
// them again by itself.
type beside struct {
	path string
	sum  [sha256.Size]byte // of the content

	glanced string // what the last look saw without reading; empty: nothing was there, or nobody has looked yet
	looked  time.Time
	written time.Time // the latest time of writing that it saw
}

// besides notes that the catalogue depends on a file or folder. It is called before
// anybody reads it: a change in between is one more reload, and never a missed one.
func (d *decoder) besides(path string) {
	if path != "" {
		d.beside = append(d.beside, &beside{path: path, sum: content(path)})
	}
}

// joined adds to what is followed now what was followed before.
func joined(now, before []*beside) []*beside {
	for _, b := range before {
		if !slices.ContainsFunc(now, func(n *beside) bool { return n.path == b.path }) {
			now = append(now, b)
		}
	}
	return now
}

// changed looks, and reports whether the content is another than at the last look.
// Nothing is read where a glance is enough.
func (b *beside) changed(poked bool) bool {
	const coarse = 2 * time.Second // as watcher.same
	glanced, written := glance(b.path)
	if !poked && glanced == b.glanced && (glanced == "" || b.looked.Sub(b.written) > coarse) && !b.looked.IsZero() {
		return false
	}
	b.glanced, b.written, b.looked = glanced, written, time.Now()
	sum := content(b.path)
	if sum == b.sum {
		return false
	}
	b.sum = sum
	return true
}

// glance returns names, sizes and times of a file, or of the files of a folder.
func glance(path string) (seen string, written time.Time) {
	var text strings.Builder
	for _, file := range files(path) {
		info, err := os.Stat(file)
		if err != nil {
			continue
		}
		fmt.Fprintln(&text, file, info.Size(), info.ModTime().UnixNano())
		if info.ModTime().After(written) {
			written = info.ModTime()
		}
	}
	return text.String(), written
}

// content returns a sum of a file's content, or of all of a folder. What cannot be
// read has none: who needs it says so.
func content(path string) (sum [sha256.Size]byte) {
	hash := sha256.New()
	for _, file := range files(path) {
		f, err := os.Open(file)
		if err != nil {
			continue
		}
		fmt.Fprintln(hash, file)
		_, _ = io.Copy(hash, io.LimitReader(f, MaxOpenAPI+1)) // a part that is read is another content
		_ = f.Close()                                         // nothing was written
	}
	hash.Sum(sum[:0])
	return sum
}

// files returns a path, or the files that could be translations where it is a
// folder. Only what is a file is ever opened: a pipe would make everybody wait.
func files(path string) (all []string) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.Mode().IsRegular():
		all = append(all, path)
	case err == nil && info.IsDir():
		within, _ := fs.Glob(os.DirFS(path), "*.yaml")
		for _, name := range within {
			all = append(all, filepath.Join(path, name))
		}
	}
	return all
}
