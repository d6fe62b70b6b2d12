package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/grantway/grantway/internal/installed"
)

const gatewaySecret = "a-secret-that-only-this-gateway-knows"

// TestGatewayApart: a server and a gateway are two processes with one file. The
// gateway has neither the sealing key nor the clients' secrets, and opens no store.
func TestGatewayApart(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(http.HandlerFunc(notes))
	t.Cleanup(upstream.Close)
	issuer, api, folder := installed.FreeAddress(t), installed.FreeAddress(t), t.TempDir()
	file := configure(t, folder, upstream.URL,
		"issuer: https://auth.staging.notes.test", "issuer: http://"+issuer,
		"api: https://api.staging.notes.test", "api: http://"+api,
		"  production:\n    issuer: https://auth.notes.test\n    api: https://api.notes.test\n    store: sqlite:"+folder+"/production.db\n", "",
		"clients:\n", "clients:\n  gateway:\n    environments: staging\n    type: resource\n    secret: ${GATEWAY_SECRET}\n    apis: notes\n",
		"address: 127.0.0.1:0", "address: "+issuer, "metrics: localhost:0", "metrics: localhost:0\n  verify: 127.0.0.1:0")
	server := start(t, append([]string{"GATEWAY_SECRET=" + gatewaySecret}, serveSecrets...), "serve", "--config", file)
	server.logged(`"msg":"ready"`, 1)
	elsewhere := filepath.Join(t.TempDir(), "grantway.yaml")
	text := strings.ReplaceAll(readFile(t, file), folder, filepath.Join(filepath.Dir(elsewhere), "data"))
	writeFile(t, elsewhere, text)
	env := []string{"GRANTWAY_FEED_CLIENT_ID_STAGING=gateway", "GRANTWAY_FEED_CLIENT_SECRET_STAGING=" + gatewaySecret}
	gateway := start(t, env, "gateway", "--config", elsewhere, "--listen", api, "--environment", "staging")
	var ready struct{ Address, Metrics, Verify string }
	if err := json.Unmarshal([]byte(gateway.logged(`"msg":"ready"`, 1)), &ready); err != nil || ready.Address != api {
		t.Fatal(ready, err)
	}
	gateway.logged("revocations are known; calls pass", 1)
	c := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(c.CloseIdleConnections)
	for _, path := range []string{"/metrics", "/healthz", "/readyz"} {
		gateway.until(path, func() bool { return httpGet(t, c, "http://"+ready.Metrics+path, "").status == http.StatusOK })
	}
	token := askToken(t, c, "http://"+issuer+"/oauth2/token", "nightly", nightlySecret).token(t)
	if got := httpGet(t, c, "http://"+api+"/notes", token); got.status != http.StatusOK || got.body != "notes for nightly" {
		t.Errorf("a call: %d %s", got.status, got.body)
	}
	if got := httpGet(t, c, "http://"+api+"/notes", ""); got.status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", got.status)
	}
	for path, want := range map[string]int{
		"/verify/staging/notes/notes": http.StatusOK, "/verify/notes/notes": http.StatusOK, "/verify/notes/elsewhere": http.StatusForbidden,
		"/verify/production/notes/notes": http.StatusNotFound, "/verify/staging/other/notes": http.StatusNotFound, "/notes": http.StatusNotFound,
	} {
		if got := httpGet(t, c, "http://"+ready.Verify+path, token); got.status != want {
			t.Errorf("another proxy asks %s: %d %s", path, got.status, got.body)
		}
	}
	if got := httpGet(t, c, "http://"+ready.Verify+"/verify/staging/notes/notes", ""); got.status != http.StatusUnauthorized {
		t.Errorf("another proxy asks without a token: %d", got.status)
	}
	writeFile(t, elsewhere, strings.Replace(text, "routes:\n", "routes:\n      - GET /health: public\n", 1))
	gateway.signal(syscall.SIGHUP)
	gateway.until("open route", func() bool { return httpGet(t, c, "http://"+api+"/health", "").status == http.StatusOK })

	if status := server.stop(); status != 0 {
		t.Errorf("the server stopped with status %d", status)
	}
	if got := httpGet(t, c, "http://"+api+"/notes", token); got.status != http.StatusOK {
		t.Errorf("a call while the server is down: %d %s", got.status, got.body)
	}
	if status := gateway.stop(); status != 0 {
		t.Errorf("the gateway stopped with status %d\n%s", status, &gateway.log)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(elsewhere), "data", "*.db")); len(left) > 0 {
		t.Errorf("the gateway made %v", left)
	}
	again := start(t, env, "gateway", "--config", elsewhere, "--listen", api)
	again.logged(`"msg":"ready"`, 1)
	again.until("keys that were kept", func() bool { return httpGet(t, c, "http://"+api+"/notes", token).status == http.StatusOK })
	for _, p := range []*process{gateway, again} {
		for _, secret := range []string{gatewaySecret, token} {
			if strings.Contains(p.log.String(), secret) {
				t.Errorf("the log holds a secret or a token:\n%s", &p.log)
			}
		}
	}
}

// TestGatewayThatCannotStart: each row lacks one thing, and is told which.
func TestGatewayThatCannotStart(t *testing.T) {
	t.Parallel()
	file := configure(t, t.TempDir(), "http://127.0.0.1:1")
	id, key := "GRANTWAY_FEED_CLIENT_ID=gateway", "GRANTWAY_FEED_CLIENT_SECRET="+gatewaySecret
	for _, row := range []struct {
		env    []string
		more   []string
		status int
		said   string
	}{
		{[]string{id}, nil, exitRefused, "GRANTWAY_FEED_CLIENT_SECRET is not set"},
		{[]string{id, key, "GRANTWAY_FEED_CLIENT_ID_STAGING=x"}, nil, exitRefused, "GRANTWAY_FEED_CLIENT_SECRET_STAGING is not set"},
		{[]string{id, key}, []string{"--environment", "stagin"}, exitRefused, `no environment "stagin"`},
		{[]string{id, key}, []string{"--max-stale", "14s"}, exitUsage, "15s to 1h"},
		{[]string{id, key}, []string{"--max-stale", "61m"}, exitUsage, "15s to 1h"},
		{[]string{id, key}, []string{"--listen", "8080"}, exitUsage, "HOST:PORT"},
	} {
		status, _, said := finish(t, row.env, append([]string{"gateway", "--config", file}, row.more...)...)
		if status != row.status || !strings.Contains(said, row.said) {
			t.Errorf("%v %v: status %d\n%s", row.env, row.more, status, said)
		}
	}
}
