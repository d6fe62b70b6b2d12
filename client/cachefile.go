package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/grantway/grantway/internal/disk"
)

// Files is a Cache in a folder: one file for each token, which its owner alone
// can read (mode 0600), replaced as a whole, and locked while it is renewed. It
// is safe for concurrent use, also by several processes of one machine.
type Files struct{ folder string }

// NewFiles returns a cache in the folder, which is made, for its owner alone, when
// the first token is kept.
func NewFiles(folder string) *Files { return &Files{folder} }

const (
	lockPause = 20 * time.Millisecond // between looks at a lock that somebody else has
	maxKept   = 256 << 10             // bytes of a file that is read
)

// Update is Cache.Update. A file that is not our own, or that others can read or
// write, is not believed, and replaced.
func (c *Files) Update(ctx context.Context, key string, f func([]byte) ([]byte, error)) (err error) {
	if err := os.MkdirAll(c.folder, 0o700); err != nil {
		return fmt.Errorf("client: make the cache: %w", err)
	}
	path := filepath.Join(c.folder, key)
	unlock, err := c.lock(ctx, path+".lock")
	if err != nil {
		return fmt.Errorf("client: lock the cache: %w", err)
	}
	defer unlock()
	old, err := readOwn(path + ".json")
	if err != nil {
		return fmt.Errorf("client: read the cache: %w", err)
	}
	keep, err := f(old)
	if err != nil {
		return err
	}
	if keep == nil {
		err = os.Remove(path + ".json")
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	} else {
		err = disk.Write(path+".json", keep)
	}
	if err != nil {
		return fmt.Errorf("client: write the cache: %w", err)
	}
	return nil
}

// lock waits until the lock is ours.
func (c *Files) lock(ctx context.Context, path string) (unlock func(), err error) {
	for {
		unlock, err := tryLock(path)
		if err == nil || !errors.Is(err, errLocked) {
			return unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(lockPause):
		}
	}
}

var errLocked = errors.New("somebody else has the lock")

func readOwn(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxKept || !private(info) {
		return nil, nil
	}
	return os.ReadFile(path)
}
