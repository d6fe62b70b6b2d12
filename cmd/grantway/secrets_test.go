package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/server"
)

func TestExpiry(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"90d":                       now.AddDate(0, 0, 90),
		"12h":                       now.Add(12 * time.Hour),
		"1h30m":                     now.Add(90 * time.Minute),
		"2027-03-31":                time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC),
		"2027-03-31T18:00:00+02:00": time.Date(2027, 3, 31, 16, 0, 0, 0, time.UTC),
		"0d":                        {},
		"-1d":                       {},
		"99999d":                    {},
		"-1h":                       {},
		"90":                        {},
		"tomorrow":                  {},
		"":                          {},
	} {
		got, err := until("--expires", text, now)
		if (err != nil) != want.IsZero() || !got.Equal(want) {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
}

// A secret's id is whole, however long the rest is: it is what one revokes by.
func TestSecretsTable(t *testing.T) {
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	var out strings.Builder
	if err := writeSecrets(&out, []admin.ShownSecret{
		{ID: "abcdefghijkl", Hint: "wxyz", CreatedAt: at, ExpiresAt: at, LastUsedAt: at, LastUsedFrom: "2001:db8:1234::/48"},
		{ID: "mnopqrstuvwx", Hint: "wxyz", CreatedAt: at, Live: true},
	}); err != nil {
		t.Fatal(err)
	}
	want := `SECRET ID     HINT   CREATED     EXPIRES             LAST USED   FROM
abcdefghijkl  …wxyz  2026-11-22  expired 2026-11-22  2026-11-22  2001:db8:1234:…
mnopqrstuvwx  …wxyz  2026-11-22  never               never       -
`
	if out.String() != want {
		t.Errorf("wrote\n%s\nwant\n%s", &out, want)
	}
}

// A secret from a file or a pipe loses the end of its line, and nothing else.
func TestReadSecret(t *testing.T) {
	for text, want := range map[string]string{
		"secret": "secret", "secret\n": "secret", "secret\r\n": "secret", " secret \n": " secret ", "two\nlines\n": "two\nlines",
		"": "", "\n": "", strings.Repeat("x", 8<<10): strings.Repeat("x", 8<<10), strings.Repeat("x", 8<<10+1): "",
	} {
		path := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for from, read := range map[string]func() (string, error){
			"file": func() (string, error) { return readSecret(path, nil) },
			"pipe": func() (string, error) { return readSecret("-", strings.NewReader(text)) },
		} {
			got, err := read()
			if got != want || (err != nil) != (want == "") {
				t.Errorf("%d bytes from a %s: %d bytes, %v", len(text), from, len(got), err)
			}
		}
	}
}

// A token does not go where a server sends it.
func TestRedirectsAreNotFollowed(t *testing.T) {
	reached := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer elsewhere.Close()
	home := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer home.Close()
	to, err := remoteServer(home.URL, "a token")
	if err != nil {
		t.Fatal(err)
	}
	defer to.close()
	if _, err := to.environments(t.Context()); err == nil || reached {
		t.Errorf("followed: %v, %v", reached, err)
	}
}

// A socket that was left behind is no server, and no obstacle.
func TestSocketOfAServerThatIsGone(t *testing.T) {
	data := t.TempDir()
	if to, err := localServer(data); to != nil || err != nil {
		t.Errorf("without a socket: %v, %v", to, err)
	}
	l, err := server.AdminSocket(data)
	if err != nil {
		t.Fatal(err)
	}
	to, err := localServer(data)
	if to == nil || err != nil {
		t.Fatalf("with a listener: %v", err)
	}
	_ = to.close()
	path := server.SocketPath(data)
	if err := os.Rename(path, path+".kept"); err != nil { // closing would remove it
		t.Fatal(err)
	}
	_ = l.Close()
	if err := os.Rename(path+".kept", path); err != nil {
		t.Fatal(err)
	}
	if to, err := localServer(data); to != nil || err != nil {
		t.Errorf("left behind: %v, %v", to, err)
	}
}
