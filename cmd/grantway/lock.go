package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// lockFolder makes a data folder its own and returns what gives it back. The lock
// is the operating system's on an open file, so it ends with the process, however
// that ends. The file stays, and says who had it last.
func lockFolder(folder string) (unlock func(), err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("the data folder: %w", err)
	}
	path := filepath.Join(folder, "grantway.lock")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		held := readPID(file)
		_ = file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, &heldError{folder: folder, pid: held}
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	// Who holds it is for people only, so a failure to write it is no failure.
	if err := file.Truncate(0); err == nil {
		_, _ = file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return func() { _ = file.Close() }, nil
}

// readPID returns the process that holds the lock, 0 where the file does not say.
func readPID(file io.Reader) int {
	text, err := io.ReadAll(io.LimitReader(file, 32))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}

// heldError says that another process has the data folder.
type heldError struct {
	folder string
	pid    int // 0: unknown
}

func (e *heldError) Error() string {
	if e.pid == 0 {
		return "another grantway uses the data folder " + e.folder
	}
	return fmt.Sprintf("another grantway (process %d) uses the data folder %s", e.pid, e.folder)
}
