package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDevOfOnesOwnFile: what will be served runs here before, beside its own data
// and without telling anybody, and follows the file.
func TestDevOfOnesOwnFile(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(http.HandlerFunc(notes))
	t.Cleanup(upstream.Close)
	served := t.TempDir()
	file := configure(t, served, upstream.URL, "    store: sqlite:"+served+"/staging.db\n", `    accounts: true
    login:
      mail: {server: "mail.notes.test:465", tls: tls, from: notes@notes.test}
`)
	p := startDev(t, []string{"NIGHTLY_SECRET=" + nightlySecret}, "--data", t.TempDir(), "--config", file)
	call := func() reply {
		token := askToken(t, http.DefaultClient, p.env["GRANTWAY_AUTH_URL"]+"/oauth2/token", "YOUR_CLIENT_ID", "YOUR_CLIENT_SECRET").token(t)
		return httpGet(t, http.DefaultClient, p.env["GRANTWAY_API_URL"]+"/notes", token)
	}
	if got := call(); got.status != http.StatusOK || got.body != "notes for YOUR_CLIENT_ID" {
		t.Errorf("a call: %d %s", got.status, got.body)
	}
	if got := askToken(t, http.DefaultClient, p.env["GRANTWAY_AUTH_URL"]+"/oauth2/token", "nightly", nightlySecret); got.status != http.StatusOK {
		t.Errorf("the file's own client: %d %s", got.status, got.body)
	}
	if got := httpGet(t, http.DefaultClient, p.env["GRANTWAY_AUTH_URL"]+"/mails", ""); got.status != http.StatusOK {
		t.Errorf("the mails are not on a page, but sent: %d %s", got.status, got.body)
	}
	p.until("end of the introduction", func() bool { return strings.Contains(p.out.String(), "The same on a page: ") })
	if pasted := pasteable(p.out.String()); !strings.Contains(bash(t, pasted, nil), "notes for YOUR_CLIENT_ID") {
		t.Errorf("what it prints does not call the API:\n%s", pasted)
	}
	if left, err := os.ReadDir(served); err != nil || len(left) != 0 {
		t.Errorf("the data of the server that it will be is touched: %v, %v", left, err)
	}

	writeFile(t, file, strings.Replace(readFile(t, file), "routes:\n", "routes:\n      - GET /health: public\n", 1))
	p.until("the new route", func() bool {
		return httpGet(t, http.DefaultClient, p.env["GRANTWAY_API_URL"]+"/health", "").status == http.StatusOK
	})
	if got := call(); got.status != http.StatusOK {
		t.Errorf("a call after the change: %d %s", got.status, got.body)
	}
}

func TestDevOfAFileThatIsNotGood(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, row := range []struct {
		arguments []string
		status    int
		says      string
	}{
		{[]string{"--config", filepath.Join(folder, "nowhere.yaml")}, exitRefused, "'grantway config example' prints one"},
		{[]string{"--config", configure(t, folder, "ftp://notes.internal")}, exitRefused, "upstream"},
		{[]string{"--config", "x.yaml", "--example", "timeback"}, exitUsage, "name one of them"},
	} {
		status, _, said := finish(t, []string{"NIGHTLY_SECRET=" + nightlySecret}, append([]string{"dev", "--listen", "127.0.0.1:0", "--data", folder}, row.arguments...)...)
		if status != row.status || !strings.Contains(said, row.says) {
			t.Errorf("%q: status %d, says %s", row.arguments, status, said)
		}
	}
}
