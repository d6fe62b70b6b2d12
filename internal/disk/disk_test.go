package disk_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/disk"
)

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kept")
	for _, text := range []string{"a first text", "another", ""} {
		if err := disk.Write(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		holds(t, path, text)
	}
	if err := disk.Remove(path); err != nil {
		t.Error(err)
	}
	holds(t, path)
	if err := disk.Remove(path); err != nil {
		t.Error("of no file:", err)
	}
}

func TestWriteFails(t *testing.T) {
	folder := t.TempDir()
	if err := disk.Write(filepath.Join(folder, "nowhere", "kept"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Error("without the folder:", err)
	}
	path := filepath.Join(folder, "taken")
	if err := os.MkdirAll(filepath.Join(path, "by a folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := disk.Write(path, nil); err == nil {
		t.Error("a folder was replaced")
	}
	if left, _ := os.ReadDir(folder); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kept")
	if err := disk.Create(path, []byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := disk.Create(path, []byte("second")); !errors.Is(err, fs.ErrExist) {
		t.Error("a second time:", err)
	}
	holds(t, path, "first")
}

// holds says that the file has the text, or is not there, and nothing is beside it.
func holds(t *testing.T, path string, text ...string) {
	t.Helper()
	got, err := disk.ReadPrivate(path, 0)
	if len(text) == 0 && !errors.Is(err, fs.ErrNotExist) || len(text) == 1 && (err != nil || string(got) != text[0]) {
		t.Errorf("%q, %v", got, err)
	}
	if beside, err := os.ReadDir(filepath.Dir(path)); err != nil || len(beside) != len(text) {
		t.Errorf("the folder has %v, %v", beside, err)
	}
}

func TestReadPrivate(t *testing.T) {
	const most = 16
	for _, row := range []struct {
		name string
		size int
		mode os.FileMode
		want string // of the error
	}{
		{"as many as may be", most, 0o600, ""},
		{"one more", most + 1, 0o600, "more than 16 bytes"},
		{"empty", 0, 0o400, ""},
		{"for the group", 1, 0o640, "no access"},
		{"for all to write", 1, 0o602, "no access"},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "kept")
			text := strings.Repeat("x", row.size)
			err := os.WriteFile(path, []byte(text), 0o600)
			if err = errors.Join(err, os.Chmod(path, row.mode)); err != nil {
				t.Fatal(err)
			}
			got, err := disk.ReadPrivate(path, most)
			switch {
			case row.want != "":
				if err == nil || !strings.Contains(err.Error(), row.want) {
					t.Errorf("%q, %v", got, err)
				}
			case err != nil || string(got) != text:
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	if _, err := disk.ReadPrivate(t.TempDir(), most); err == nil {
		t.Error("a folder was read")
	}
}
