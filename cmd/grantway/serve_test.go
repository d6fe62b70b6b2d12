package main

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const nightlySecret = "a-secret-that-only-this-test-knows"

var serveSecrets = []string{
	"NIGHTLY_SECRET=" + nightlySecret,
	"SEALING_KEY=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
}

const (
	stagingToken = "://auth.staging.notes.test/oauth2/token"
	stagingAPI   = "://api.staging.notes.test"
)

// A published is a running `grantway serve` with an API of its own behind it.
type published struct {
	*process
	config, text string // the file, and what it said at the start
	folder       string
	client       *http.Client // finds every host at the server
	address      string
	metrics      string
}

// configure writes a configuration with more pairs of old and new text put in,
// and returns its path.
func configure(t *testing.T, folder, upstream string, change ...string) string {
	t.Helper()
	text := strings.NewReplacer("FOLDER", folder, "UPSTREAM", upstream).Replace(readFile(t, "testdata/serve/plain.yaml"))
	for i := 0; i < len(change); i += 2 {
		if strings.Count(text, change[i]) == 0 {
			t.Fatalf("the configuration holds no %q to change", change[i])
		}
		text = strings.ReplaceAll(text, change[i], change[i+1])
	}
	file := filepath.Join(t.TempDir(), "grantway.yaml")
	writeFile(t, file, text)
	return file
}

// publish starts a server and returns once it is ready.
func publish(t *testing.T, env []string, folder string, api http.Handler, change ...string) *published {
	t.Helper()
	upstream := httptest.NewServer(api)
	t.Cleanup(upstream.Close)
	p := &published{config: configure(t, folder, upstream.URL, change...), folder: folder}
	p.text = readFile(t, p.config)
	p.process = start(t, env, "serve", "--config", p.config)
	var ready struct{ Address, Metrics string }
	if err := json.Unmarshal([]byte(p.logged(`"msg":"ready"`, 1)), &ready); err != nil {
		t.Fatal(err)
	}
	p.address, p.metrics = ready.Address, "http://"+ready.Metrics
	p.client = clientOf(p.address, nil)
	t.Cleanup(p.client.CloseIdleConnections)
	return p
}

// notes is the API: it knows nothing of tokens, and says what it was told.
func notes(w http.ResponseWriter, r *http.Request) {
	_, _ = w.Write([]byte("notes for " + r.Header.Get("Grantway-Client")))
}

func (p *published) nightly(t *testing.T, scheme string) string {
	t.Helper()
	return askToken(t, p.client, scheme+stagingToken, "nightly", nightlySecret).token(t)
}

func TestServeOnLoopbackForAProxy(t *testing.T) {
	t.Parallel()
	p := publish(t, serveSecrets, t.TempDir(), http.HandlerFunc(notes))
	token := p.nightly(t, "http")
	if got := httpGet(t, p.client, "http"+stagingAPI+"/notes", token); got.status != http.StatusOK || got.body != "notes for nightly" {
		t.Errorf("a call: %d %s", got.status, got.body)
	}
	if got := httpGet(t, p.client, "http://api.notes.test/notes", token); got.status != http.StatusUnauthorized {
		t.Errorf("the same token in production: %d", got.status)
	}
	if got := httpGet(t, p.client, "http://"+p.address+"/oauth2/token", ""); got.status != http.StatusNotFound || !strings.Contains(got.body, "under this host name") {
		t.Errorf("a host that is nobody's: %d %s", got.status, got.body)
	}
	p.logged(`host \"`+p.address, 1)
	if got := httpGet(t, p.client, "http"+strings.TrimSuffix(stagingToken, "/oauth2/token")+"/nothing", ""); got.status != http.StatusNotFound || !strings.Contains(got.body, "at this path") {
		t.Errorf("a path that is nobody's: %d %s", got.status, got.body)
	}
	p.logged(`"msg":"environment","environment":"staging","issuer":"https://auth.staging.notes.test"`, 1)

	for _, path := range []string{"/metrics", "/healthz", "/readyz"} {
		if got := httpGet(t, http.DefaultClient, p.metrics+path, ""); got.status != http.StatusOK {
			t.Errorf("%s of the operations' listener: %d %s", path, got.status, got.body)
		}
		for _, host := range []string{p.address, "auth.staging.notes.test", "api.staging.notes.test"} {
			if got := httpGet(t, p.client, "http://"+host+path, token); got.status < 400 {
				t.Errorf("%s of the public listener at %s: %d", path, host, got.status)
			}
		}
	}
	if got := httpGet(t, http.DefaultClient, p.metrics+"/metrics", ""); !strings.Contains(got.body, "grantway_") {
		t.Errorf("metrics without ours:\n%.500s", got.body)
	}
	if status := p.stop(); status != 0 {
		t.Errorf("stopped with status %d\n%s", status, &p.log)
	}
	for _, secret := range []string{nightlySecret, token} {
		if strings.Contains(p.log.String(), secret) {
			t.Errorf("the log holds a secret or a token:\n%s", &p.log)
		}
	}
}

func TestServeFollowsItsFile(t *testing.T) {
	t.Parallel()
	p := publish(t, serveSecrets, t.TempDir(), http.HandlerFunc(notes))
	token := p.nightly(t, "http")
	open := "http" + stagingAPI + "/health"
	if got := httpGet(t, p.client, open, ""); got.status != http.StatusForbidden {
		t.Fatalf("a path before its route: %d", got.status)
	}

	good := strings.Replace(p.text, "routes:\n", "routes:\n      - GET /health: public\n", 1)
	began := time.Now()
	writeFile(t, p.config, good)
	p.until("open route", func() bool { return httpGet(t, p.client, open, "").status == http.StatusOK })
	if took := time.Since(began); took > 20*time.Second { // a look each second, on a busy machine
		t.Errorf("a new route opens after %v", took)
	}

	const kept = "the last good one stays"
	bad := strings.Replace(good, "GET /health: public", "GET /health: publik", 1)
	writeFile(t, p.config, bad)
	if line := p.logged(kept, 1); !strings.Contains(line, "publik") || !strings.Contains(line, p.config) {
		t.Errorf("a bad file is reported so: %s", line)
	}
	p.signal(syscall.SIGHUP)
	p.logged(kept, 2) // whoever asks once more is told once more
	writeFile(t, p.config, strings.Replace(good, "address: 127.0.0.1:0", "address: 0.0.0.0:0", 1))
	if line := p.logged(kept, 3); !strings.Contains(line, "open to others in plain HTTP") {
		t.Errorf("an unsafe file is reported so: %s", line)
	}
	if got := httpGet(t, p.client, open, ""); got.status != http.StatusOK {
		t.Errorf("the last good file is not in force: %d", got.status)
	}
	if got := httpGet(t, p.client, "http"+stagingAPI+"/notes", token); got.status != http.StatusOK {
		t.Errorf("a token of before: %d %s", got.status, got.body)
	}

	writeFile(t, p.config, strings.Replace(good, "metrics: localhost:0", "metrics: localhost:1", 1))
	p.signal(syscall.SIGHUP)
	p.logged("a change of them needs a restart", 1)
}

// TestServeFollowsDocuments: the portal's reference is what the OpenAPI document
// says now, without a touch of the configuration.
func TestServeFollowsDocuments(t *testing.T) {
	t.Parallel()
	document := filepath.Join(t.TempDir(), "notes.json")
	describe := func(summary string) {
		writeFile(t, document, `{"openapi": "3.1.0", "info": {"title": "Notes", "version": "1"}, "paths": {
			"/notes": {"get": {"summary": "`+summary+`", "responses": {"200": {"description": "They"}}}}}}`)
	}
	describe("Lists all notes")
	p := publish(t, serveSecrets, t.TempDir(), http.HandlerFunc(notes),
		"    scopes:\n      notes:read:", "    openapi: "+document+"\n    scopes:\n      notes:read:",
		"apis:\n", "portal: {url: 'https://developers.notes.test'}\napis:\n")
	reference := func() string {
		return httpGet(t, p.client, "http://developers.notes.test/staging/reference-notes", "").body
	}
	if page := reference(); !strings.Contains(page, "Lists all notes") {
		t.Fatalf("the reference at the start: %s", page)
	}
	describe("Gathers what was noted")
	p.until("the new reference", func() bool { return strings.Contains(reference(), "Gathers what was noted") })
	writeFile(t, document, `{"openapi": "3.1.0", "paths": `)
	if line := p.logged("the last good one stays", 1); !strings.Contains(line, document) {
		t.Errorf("a bad document is reported so: %s", line)
	}
	if page := reference(); !strings.Contains(page, "Gathers what was noted") {
		t.Errorf("the last good document is not in force: %s", page)
	}
}

// TestServeFinishesWhatIsUnderWay: a restart loses no call.
func TestServeFinishesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	began, finish := make(chan struct{}), make(chan struct{})
	p := publish(t, serveSecrets, t.TempDir(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(began)
		<-finish
		notes(w, r)
	}))
	token := p.nightly(t, "http")
	var got reply
	answered := make(chan struct{})
	go func() {
		defer close(answered) // also when the call fails, which ends this goroutine
		got = httpGet(t, p.client, "http"+stagingAPI+"/notes", token)
	}()
	<-began
	p.signal(syscall.SIGTERM)
	p.until("closed listener", func() bool {
		connection, err := net.Dial("tcp", p.address)
		if err == nil {
			connection.Close()
		}
		return err != nil
	})
	close(finish)
	<-answered
	if got.status != http.StatusOK || got.body != "notes for nightly" {
		t.Errorf("a call that was under way: %d %s", got.status, got.body)
	}
	if status := p.wait(); status != 0 {
		t.Errorf("status %d\n%s", status, &p.log)
	}
}

func TestServeRefusesWhatIsUnsafe(t *testing.T) {
	t.Parallel()
	sealed := t.TempDir() // stores whose keys are sealed with the usual key
	publish(t, serveSecrets, sealed, http.HandlerFunc(notes)).stop()
	keyFile := filepath.Join(t.TempDir(), "sealing.key")
	writeFile(t, keyFile, strings.TrimPrefix(serveSecrets[1], "SEALING_KEY="))
	if err := os.Chmod(keyFile, 0o644); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()

	for _, row := range []struct {
		name   string
		folder string // of the data; empty: a new one
		change []string
		env    []string
		says   []string
	}{
		{
			name: "an issuer in plain HTTP", change: []string{"https://auth.notes.test", "http://auth.notes.test"},
			says: []string{"environments.production.issuer: is http", "write https"},
		},
		{
			name: "two environments on one host", change: []string{"https://auth.notes.test", "https://auth.staging.notes.test"},
			says: []string{"environments.production.issuer", "hosts of its own"},
		},
		{
			name: "a public listener in plain HTTP", change: []string{"address: 127.0.0.1:0", "address: 0.0.0.0:0"},
			says: []string{"listen.address", "plain HTTP", "listen.tls"},
		},
		{
			name: "the demonstration API", change: []string{"upstream: http://127.0.0.1:1", "upstream: demo"},
			says: []string{"apis.notes.upstream", "write the URL of your API"},
		},
		{
			name: "no sealing key", change: []string{"sealing_key: env:SEALING_KEY", ""},
			says: []string{"sealing_key", "openssl rand -hex 32"},
		},
		{name: "a sealing key that is not set", env: []string{"SEALING_KEY="}, says: []string{"SEALING_KEY", "is not set"}},
		{name: "half a sealing key", env: []string{"SEALING_KEY=0011223344556677"}, says: []string{"32 random bytes", "openssl rand -hex 32"}},
		{
			name: "another sealing key", folder: sealed, env: []string{"SEALING_KEY=" + strings.Repeat("ff", 32)},
			says: []string{"environment staging", "does not open with this sealing key"},
		},
		{
			name: "a sealing key for all to read", change: []string{"env:SEALING_KEY", "file:" + keyFile},
			says: []string{"can be read by others", "chmod 600 " + keyFile},
		},
		{name: "a client's secret that is not set", env: []string{"NIGHTLY_SECRET="}, says: []string{"clients.nightly.secret", "NIGHTLY_SECRET"}},
		{
			name: "the store of another environment", folder: sealed, change: []string{"/staging.db", "/other.db", "/production.db", "/staging.db"},
			says: []string{"environment production", `belongs to environment "staging"`, "a store of its own"},
		},
		{
			name: "no certificate", change: []string{"address: 127.0.0.1:0", "address: 127.0.0.1:0\n  tls: {certificate: /nowhere.crt, key: /nowhere.key}"},
			says: []string{"listen.tls", "/nowhere.crt"},
		},
		{
			name: "an address that is taken", change: []string{"address: 127.0.0.1:0", "address: " + taken.Addr().String()},
			says: []string{"listen.address", "address already in use", "Another program answers there already"},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			folder := row.folder
			if folder == "" {
				folder = t.TempDir()
			}
			config := configure(t, folder, "http://127.0.0.1:1", row.change...)
			status, out, said := finish(t, append(append([]string{}, serveSecrets...), row.env...), "serve", "--config", config)
			if status != exitRefused || out != "" {
				t.Errorf("status %d, prints %q", status, out)
			}
			for _, text := range row.says {
				if !strings.Contains(said, text) {
					t.Errorf("it does not say %q:\n%s", text, said)
				}
			}
			if strings.Contains(said, nightlySecret) || strings.Contains(said, "0011223344556677") || strings.Contains(said, "ffffffff") {
				t.Errorf("it prints a secret:\n%s", said)
			}
		})
	}
}
