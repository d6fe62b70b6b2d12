package keys

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

var sealing = bytes.Repeat([]byte{0xa5}, 32)

func TestNewSeal(t *testing.T) {
	text := hex.EncodeToString(sealing)
	first, err := NewSeal(text)
	if err != nil {
		t.Fatal(err)
	}
	closed := first.Close([]byte("text"), []byte("context"))
	for name, spelled := range map[string]string{
		"hexadecimal": text, "in capitals": strings.ToUpper(text), "base64": base64.StdEncoding.EncodeToString(sealing), "with a line end": " " + text + "\r\n",
	} {
		s, err := NewSeal(spelled)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if opened, err := s.Open(closed, []byte("context")); err != nil || string(opened) != "text" {
			t.Errorf("%s: another key, %v", name, err)
		}
	}
	for name, spelled := range map[string]string{
		"nothing": "", "31 bytes": text[2:], "33 bytes": text + "a5", "half a byte": text[1:], "31 bytes in base64": base64.StdEncoding.EncodeToString(sealing[1:]),
		"33 bytes in base64": base64.StdEncoding.EncodeToString(append(sealing[:32:32], 1)), "without padding": base64.RawStdEncoding.EncodeToString(sealing),
		"a passphrase": "correct horse battery staple",
	} {
		if s, err := NewSeal(spelled); err == nil || s != nil || spelled != "" && strings.Contains(err.Error(), spelled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSeal(t *testing.T) {
	s, _ := NewSeal(hex.EncodeToString(sealing))
	other, _ := NewSeal(hex.EncodeToString(bytes.Repeat([]byte{1}, 32)))
	closed := s.Close([]byte("text"), []byte("context"))
	if again := s.Close([]byte("text"), []byte("context")); bytes.Equal(closed, again) {
		t.Error("the same text is sealed to the same bytes")
	}
	altered := bytes.Clone(closed)
	altered[len(altered)-1] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"another key":     func() ([]byte, error) { return other.Open(closed, []byte("context")) },
		"another context": func() ([]byte, error) { return s.Open(closed, []byte("contex")) },
		"altered":         func() ([]byte, error) { return s.Open(altered, []byte("context")) },
		"cut off":         func() ([]byte, error) { return s.Open(closed[:10], []byte("context")) },
		"nothing":         func() ([]byte, error) { return s.Open(nil, []byte("context")) },
	} {
		if text, err := open(); !errors.Is(err, ErrSealed) || text != nil {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	// U04: nothing of the key is printed.
	for _, printed := range []string{fmt.Sprint(s), fmt.Sprintf("%+v", s)} {
		if strings.Contains(printed, "165") || strings.Contains(printed, "a5a5") {
			t.Errorf("printed: %s", printed)
		}
	}
}

func TestReadSeal(t *testing.T) {
	text := hex.EncodeToString(sealing)
	file := filepath.Join(t.TempDir(), "key")
	env := func(name string) (string, bool) {
		value, ok := map[string]string{"GOOD": text, "EMPTY": "", "BAD": "nonsense"}[name]
		return value, ok
	}
	write := func(mode os.FileMode) {
		if err := errors.Join(os.WriteFile(file, []byte(text+"\n"), 0o600), os.Chmod(file, mode)); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct {
		from string
		mode os.FileMode
		says string // in the error; empty: it is read
	}{
		{"env:GOOD", 0o600, ""},
		{"env:EMPTY", 0o600, "EMPTY"},
		{"env:MISSING", 0o600, "MISSING"},
		{"env:BAD", 0o600, "openssl rand"},
		{"file:" + file, 0o600, ""},
		{"file:" + file, 0o400, ""},
		{"file:" + file, 0o640, "chmod 600"},
		{"file:" + file, 0o604, "chmod 600"},
		{"file:" + file, 0o601, "chmod 600"},
		{"file:" + file + "x", 0o600, "no such file"},
		{"", 0o600, "file:PATH or env:NAME"},
		{text, 0o600, "file:PATH or env:NAME"},
	} {
		write(row.mode)
		s, err := ReadSeal(row.from, env)
		if (err == nil) != (row.says == "") || (s == nil) != (err != nil) {
			t.Errorf("%s, %o: %v", row.from, row.mode, err)
		}
		if err != nil && (!strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), text)) {
			t.Errorf("%s: %v", row.from, err)
		}
	}
}

// TestCreateSealFile: of many that start at once all read the same key, whole.
func TestCreateSealFile(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new")
	path := filepath.Join(folder, "sealing.key")
	texts := make([][]byte, 20)
	var wg sync.WaitGroup
	for i := range texts {
		wg.Go(func() {
			if err := CreateSealFile(path); err != nil {
				t.Error(err)
			}
			texts[i], _ = os.ReadFile(path)
		})
	}
	wg.Wait()
	for _, text := range texts {
		if len(text) != 65 || !bytes.Equal(text, texts[0]) {
			t.Fatalf("%q and %q", text, texts[0])
		}
	}
	if _, err := ReadSeal("file:"+path, nil); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := CreateSealFile(filepath.Join(path, "below")); err == nil {
		t.Error("a file is no folder")
	}
}

// TestSealOf: AES would take shorter keys, too.
func TestSealOf(t *testing.T) {
	for _, bytes := range []int{0, 16, 24, 31, 33} {
		if _, err := SealOf(make([]byte, bytes)); err == nil {
			t.Errorf("%d bytes are taken for a key", bytes)
		}
	}
	if _, err := SealOf(make([]byte, 32)); err != nil {
		t.Error(err)
	}
}
