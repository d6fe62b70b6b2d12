//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package client

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"time"
)

// abandoned is the age of a lock whose process must have died: no request takes
// that long.
const abandoned = 2 * time.Minute

// tryLock makes the file, which only one can. Where a process died, the lock is
// free again after two minutes.
func tryLock(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		_ = file.Close()
		return func() { _ = os.Remove(path) }, nil
	}
	if !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrPermission) {
		return nil, err
	}
	if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > abandoned {
		_ = os.Remove(path)
	}
	return nil, errLocked
}

// private reports whether nobody else can read or write a file, where its mode says so.
func private(info fs.FileInfo) bool {
	return runtime.GOOS == "windows" || info.Mode().Perm()&0o077 == 0
}
