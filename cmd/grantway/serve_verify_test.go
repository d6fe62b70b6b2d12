package main

import (
	"encoding/json"
	"net/http"
	"testing"
)

// TestServeAnswersOtherProxies: /verify is on the listener that listen.verify
// names, and on no other.
func TestServeAnswersOtherProxies(t *testing.T) {
	t.Parallel()
	p := publish(t, serveSecrets, t.TempDir(), http.HandlerFunc(notes), "metrics: localhost:0", "metrics: localhost:0\n  verify: 127.0.0.1:0")
	var ready struct{ Verify string }
	if err := json.Unmarshal([]byte(p.logged(`"msg":"ready"`, 1)), &ready); err != nil || ready.Verify == "" {
		t.Fatal(ready, err)
	}
	token := p.nightly(t, "http")
	const question = "/verify/staging/notes/notes"
	if got := httpGet(t, http.DefaultClient, "http://"+ready.Verify+question, token); got.status != http.StatusOK || got.body != "" {
		t.Errorf("a good token: %d %s", got.status, got.body)
	}
	if got := httpGet(t, http.DefaultClient, "http://"+ready.Verify+question, ""); got.status != http.StatusUnauthorized {
		t.Errorf("no token: %d %s", got.status, got.body)
	}
	for _, elsewhere := range []string{"http://" + p.address, "http" + stagingAPI, p.metrics} {
		if got := httpGet(t, p.client, elsewhere+question, token); got.status < 400 {
			t.Errorf("%s answers proxies: %d", elsewhere, got.status)
		}
	}
	for _, path := range []string{"/metrics", "/notes", "/oauth2/token"} {
		if got := httpGet(t, http.DefaultClient, "http://"+ready.Verify+path, token); got.status != http.StatusNotFound {
			t.Errorf("%s for proxies: %d", path, got.status)
		}
	}
}
