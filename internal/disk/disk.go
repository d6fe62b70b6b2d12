// Package disk writes and reads the few files that programs of this module keep for
// themselves: a file appears as a whole, is there after a power failure, and nobody
// but its owner can read it (mode 0600).
//
// It knows nothing of what is in them, and locks nothing: that lies with whoever keeps
// the file. Databases are package sqlstore's. It imports the standard library only,
// since the public packages use it. The specification is POSIX.1-2017, fsync and
// rename.
package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// Write replaces a file, or makes it: whatever happens, the old text stands there or
// the new one. It is durable when Write returns nil.
func Write(path string, text []byte) error {
	return place(path, text, os.Rename)
}

// Create makes a file that does not exist yet. Where there is one already, it is left
// alone and the error is fs.ErrExist. One or the other is durable then.
func Create(path string, text []byte) error {
	return place(path, text, os.Link)
}

// place writes a file beside path, under a name that nobody knows beforehand, and
// gives it its name with put.
func place(path string, text []byte, put func(from, to string) error) error {
	folder := filepath.Dir(path)
	file, err := os.CreateTemp(folder, filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = put(file.Name(), path)
	}
	if removed := os.Remove(file.Name()); removed != nil && !errors.Is(removed, fs.ErrNotExist) { // renamed
		err = errors.Join(err, removed)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return errors.Join(err, syncFolder(folder))
}

// Remove removes a file, durably. That there is none is no error.
func Remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes the names in a folder durable, where the system can: Windows
// cannot, and some file systems of the network cannot.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	err = folder.Sync()
	if errors.Is(err, syscall.EINVAL) {
		err = nil
	}
	return errors.Join(err, folder.Close())
}

// ReadPrivate reads a file of at most so many bytes, 0 for any number, to which others
// than its owner have no access: else somebody else could have written it. Without a
// file the error is fs.ErrNotExist.
func ReadPrivate(path string, most int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode(); !mode.IsRegular() || mode.Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s has mode %v; others must have no access to it", path, mode)
	}
	if most == 0 {
		return io.ReadAll(file)
	}
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(text)) > most {
		return nil, fmt.Errorf("%s has more than %d bytes", path, most)
	}
	return text, err
}
