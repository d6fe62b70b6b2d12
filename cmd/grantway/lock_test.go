package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLockFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new", "data")
	unlock, err := lockFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(folder)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder is open to others: %v, %v", info.Mode(), err)
	}
	_, err = lockFolder(folder)
	if _, held := errors.AsType[*heldError](err); !held {
		t.Fatalf("locked twice: %v", err)
	}
	if want := fmt.Sprintf("process %d", os.Getpid()); !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), folder) {
		t.Errorf("does not say who holds what: %v", err)
	}
	unlock()
	unlock, err = lockFolder(folder)
	if err != nil {
		t.Fatalf("not given back: %v", err)
	}
	unlock()
}
