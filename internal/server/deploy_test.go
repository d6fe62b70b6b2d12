package server

import (
	"bytes"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/installed"
	"github.com/grantway/grantway/internal/partner"
)

// A fronted site is one behind a real proxy with a configuration of deploy/.
type fronted struct {
	*site        // its address is the proxy's
	api   string // address of what is behind
	ask   string // address of the verify listener
	dir   string
}

// A proxy is a program and how it is run on a file of deploy/.
type proxy struct {
	name, program, pack, file string
	listen                    string                                   // what the file says in place of an address to listen on
	run                       func(config string, f *fronted) []string // the arguments
	deploy                    []string                                 // lines without which a test runs
}

var proxies = []proxy{
	{
		name: "nginx", program: "nginx", pack: "nginx-light", file: "nginx/grantway.conf", listen: "listen 443 ssl;",
		deploy: []string{"    ssl_certificate     /etc/nginx/tls/api.crt;\n", "    ssl_certificate_key /etc/nginx/tls/api.key;\n"},
		run: func(config string, f *fronted) []string {
			main := fmt.Sprintf("daemon off; master_process off; pid %[1]s/pid; error_log stderr; events {}\n"+
				"http { access_log off; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s; include %[2]s; }", f.dir, config)
			path := filepath.Join(f.dir, "nginx.conf")
			if err := os.WriteFile(path, []byte(main), 0o600); err != nil {
				panic(err)
			}
			return []string{"-p", f.dir, "-c", path, "-e", "stderr"}
		},
	},
	{
		name: "Caddy", program: "caddy", pack: "caddy", file: "caddy/Caddyfile", listen: "api.staging.fitness.example {",
		run: func(config string, _ *fronted) []string {
			return []string{"run", "--adapter", "caddyfile", "--config", config}
		},
	},
}

// front runs a proxy in front of an API, with our verify listener beside it.
func front(t *testing.T, p proxy, behind *upstream) *fronted {
	t.Helper()
	program, err := exec.LookPath(p.program)
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/" + p.program); err != nil {
			t.Fatalf("%s is not installed: apt-get install %s", p.program, p.pack)
		}
	}
	api := httptest.NewServer(behind)
	t.Cleanup(api.Close)
	s := start(t, setup{example: "fitness", change: func(c *catalogue.Catalogue) {
		openPath("/open")(c)
		api := c.Environments[0].APIs[0]
		api.Rate = catalogue.Rate{Requests: 40, Per: time.Hour}
		api.Tokens = catalogue.APITokens{Header: "apiToken", For: "requestedAuth", Elevated: true}
	}})
	f := &fronted{site: new(*s), api: api.Listener.Addr().String(), ask: s.verifying(t), dir: t.TempDir()}
	f.address = installed.FreeAddress(t)

	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", p.file))
	if err != nil {
		t.Fatal(err)
	}
	config := string(text)
	listen := "listen " + f.address + ";"
	if p.name == "Caddy" {
		listen = "http://" + f.address + " {"
	}
	changes := [][2]string{{p.listen, listen}, {"127.0.0.1:9465", f.ask}, {"127.0.0.1:9000", f.api}}
	for _, line := range p.deploy {
		changes = append(changes, [2]string{line, ""})
	}
	for _, change := range changes {
		if strings.Count(config, change[0]) != 1 {
			t.Fatalf("%s: %q does not stand there once", p.file, change[0])
		}
		config = strings.Replace(config, change[0], change[1], 1)
	}
	if p.name == "Caddy" {
		config = "{\n\tadmin off\n\tauto_https off\n}\n" + config
	}
	path := filepath.Join(f.dir, "config")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	f.launch(t, program, p.run(path, f))
	return f
}

// launch starts the proxy and waits until it answers.
func (f *fronted) launch(t *testing.T, program string, arguments []string) {
	t.Helper()
	var said bytes.Buffer
	run := exec.Command(program, arguments...)
	run.Stdout, run.Stderr = &said, &said
	run.Env = append(os.Environ(), "HOME="+f.dir, "XDG_DATA_HOME="+f.dir, "XDG_CONFIG_HOME="+f.dir)
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = run.Wait() // it is ended by a signal
	}()
	t.Cleanup(func() {
		_ = run.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = run.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", program, said.String())
		}
	})
	for range 2400 { // a minute
		if c, err := net.Dial("tcp", f.address); err == nil {
			c.Close()
			return
		}
		select {
		case <-ended:
			t.Fatalf("%s ended", program)
		case <-time.After(25 * time.Millisecond):
		}
	}
	t.Fatalf("%s does not answer", program)
}

// TestDeploy runs the configurations of deploy/ that we have programs for: what
// the guard would refuse does not get past them, and the API learns who is
// calling from Grantway only.
func TestDeploy(t *testing.T) {
	t.Parallel()
	for _, p := range proxies {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			behind := &upstream{}
			f := front(t, p, behind)
			direct := *f.site
			direct.address = strings.TrimPrefix(f.environment("staging").Issuer.Host, "http://")
			token := direct.token(t, good)
			f.passes(t, behind, token)
			f.keeps(t, behind)
			f.refuses(t, behind, token)
			f.slows(t, token)
		})
	}
}

const guarded = "GET /staging/api/moves HTTP/1.1"

// forgedIdentity is what no caller may be believed; each spelling that an API
// could read as one of ours.
var forgedIdentity = []string{
	"Grantway-Client: forged", "grantway-client: forged", "GRANTWAY-CLIENT: forged", "Grantway_Client: forged", "GRANTWAY_CLIENT: forged",
	"Grantway-Subject: forged", "Grantway-Scope: forged", "Grantway-Environment: forged", "Grantway-Trace: forged", "Grantway_Scope: forged",
	"X-Original-Method: DELETE", "X-Original-URI: /staging/api/open", "X-Forwarded-Method: DELETE", "X-Forwarded-Uri: /staging/api/open",
	"X-Forwarded-For: 203.0.113.7", "X-Forwarded-Host: forged.example", "Forwarded: for=203.0.113.7", "X-HTTP-Method-Override: DELETE",
	"Cookie: forged=1", "X-Real-IP: 203.0.113.7", "X-Rewrite-URL: /forged",
}

func (f *fronted) passes(t *testing.T, behind *upstream, token string) {
	t.Helper()
	for _, row := range []struct {
		line    string
		headers []string
		client  string
	}{
		{guarded, []string{"Authorization: Bearer " + token}, "YOUR_CLIENT_ID"},
		{guarded, append([]string{"Authorization: Bearer " + token}, forgedIdentity...), "YOUR_CLIENT_ID"},
		{"GET /staging/api/moves?from=2026-01-01&x=/../open HTTP/1.1", []string{"Authorization: Bearer " + token}, "YOUR_CLIENT_ID"},
		{"GET /staging/api/moves/ HTTP/1.1", []string{"Authorization: Bearer " + token}, "YOUR_CLIENT_ID"},
		{"GET /staging/api/moves/a%20%C3%A9 HTTP/1.1", []string{"Authorization: Bearer " + token}, "YOUR_CLIENT_ID"},
		{"GET /staging/api/moves/a%2Bb%3F HTTP/1.1", []string{"Authorization: Bearer " + token}, "YOUR_CLIENT_ID"}, // respelled, it would be another path
		{"HEAD /staging/api/moves HTTP/1.1", []string{"Authorization: Bearer " + token}, "YOUR_CLIENT_ID"},
		{"GET /staging/api/open HTTP/1.1", forgedIdentity, ""},
		{"POST /staging/api/open HTTP/1.1", append([]string{"Content-Length: 4"}, forgedIdentity...), ""},
	} {
		body := ""
		if strings.HasPrefix(row.line, "POST") {
			body = "body"
		}
		got := f.send(t, f.request(row.line, body, row.headers...))
		seen := behind.take()
		if got.code != 200 || len(seen) != 1 {
			t.Errorf("%s: %s; %d requests reached the API\n%s", row.line, got, len(seen), f.log.all())
			continue
		}
		h, target := seen[0].Header, strings.Fields(row.line)[1]
		if seen[0].RequestURI != target || int(seen[0].ContentLength) != len(body) {
			t.Errorf("%s: the API saw %s with %d bytes", row.line, seen[0].RequestURI, seen[0].ContentLength)
		}
		if all := fmt.Sprint(h); strings.Contains(all, "forged") || strings.Contains(all, "203.0.113.7") || strings.Contains(all, "DELETE") {
			t.Errorf("S04, S06: %s: the API saw %v", row.line, h)
		}
		if h.Get("Grantway-Client") != row.client || h.Get("Grantway-Environment") != "staging" || h.Get("Grantway-Trace") == "" || h.Get("X-Forwarded-For") != "127.0.0.1" {
			t.Errorf("%s: the API saw %v", row.line, h)
		}
		if row.client != "" && (h.Get("Grantway-Scope") != "read:moves" || h.Get("Grantway-Subject") != row.client) {
			t.Errorf("%s: the API saw %v", row.line, h)
		}
		if h.Get("Authorization") != "" || h.Get("Cookie") != "" {
			t.Errorf("S18: %s: the API saw credentials", row.line)
		}
	}
}

// keeps sends the credentials of a server: who is calling is said, and what proved
// it stays in front of the API.
func (f *fronted) keeps(t *testing.T, behind *upstream) {
	t.Helper()
	f.person(t, "staging", "ann")
	id, text := f.apiToken(t, "staging", partner.NewAPIToken{
		Name: "Portal", Elevated: true, Scopes: []string{"read:moves"}, Addresses: []string{"127.0.0.1"}, EndsAt: f.clock.Now().Add(time.Hour),
	})
	for _, headers := range [][]string{{"apiToken: " + text, "requestedAuth: ann"}, {"APITOKEN: " + text, "RequestedAuth: ann"}} {
		got := f.send(t, f.request(guarded, "", headers...))
		seen := behind.take()
		if got.code != 200 || len(seen) != 1 {
			t.Errorf("%s; %d requests reached the API\n%s", got, len(seen), f.log.all())
			continue
		}
		h := seen[0].Header
		if h.Get("Grantway-Api-Token") != id || h.Get("Grantway-Account") != "ann" {
			t.Errorf("the API saw %v", h)
		}
		if h.Get("Apitoken") != "" || h.Get("Requestedauth") != "" || strings.Contains(fmt.Sprint(h), text) {
			t.Error("S18: the API saw credentials")
		}
	}
	for name, value := range map[string]string{"apiToken": "wrong", "requestedAuth": "ann"} {
		got := f.send(t, f.request(guarded, "", name+": "+value))
		if got.code != 401 && got.code != 403 || len(behind.take()) != 0 {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func (f *fronted) refuses(t *testing.T, behind *upstream, token string) {
	t.Helper()
	bearer := "Authorization: Bearer " + token
	for _, row := range []struct {
		line      string
		headers   []string
		status    int    // 0: any refusal
		challenge string // part of it
	}{
		{guarded, nil, 401, `Bearer realm="fitness", resource_metadata=`},
		{guarded, forgedIdentity, 401, `Bearer realm="fitness"`},
		{guarded, []string{"Authorization: Bearer x"}, 401, `error="invalid_token"`},
		{"GET /staging/api/accounts HTTP/1.1", []string{bearer}, 403, `scope="read:accounts"`},
		{"GET /staging/api/accounts HTTP/1.1", append([]string{bearer}, forgedIdentity...), 403, ""},
		{"DELETE /staging/api/moves HTTP/1.1", []string{bearer}, 405, ""},
		{"POST /staging/api/moves HTTP/1.1", append([]string{bearer, "X-HTTP-Method-Override: GET"}, forgedIdentity...), 405, ""},
		{"GET /staging/api/moves?access_token=" + token + " HTTP/1.1", nil, 400, ""},
		{guarded, []string{bearer, bearer}, 0, ""},
		{"GET /production/api/moves HTTP/1.1", []string{bearer}, 403, ""},
		{"GET /admin HTTP/1.1", []string{bearer}, 403, ""},
		{"GET /staging/api/open/../accounts HTTP/1.1", nil, 0, ""},
		{"GET /staging/api/open/%2e%2e/accounts HTTP/1.1", nil, 0, ""},
		{"GET /staging/api/open%2f..%2faccounts HTTP/1.1", nil, 0, ""},
		{"GET /staging/api/open/..%2faccounts HTTP/1.1", nil, 0, ""},
		{"GET /staging/api/open;/accounts HTTP/1.1", nil, 0, ""},
		{"GET /staging/api/open;x HTTP/1.1", nil, 0, ""},
		{"GET /staging/api//open HTTP/1.1", nil, 0, ""},
		{"GET //staging/api/open HTTP/1.1", nil, 0, ""},
		{"GET /staging/api/%6fpen HTTP/1.1", nil, 0, ""},
		{"GET /staging/api/open%00 HTTP/1.1", nil, 0, ""},
		{"GET /staging/api/open%252f HTTP/1.1", nil, 0, ""},
		{"GET /staging/api/open\\accounts HTTP/1.1", nil, 0, ""},
		{"GET /staging/api/accounts?/../open HTTP/1.1", nil, 401, ""},
		{"GET /grantway HTTP/1.1", []string{bearer}, 0, ""},
	} {
		got := f.send(t, f.request(row.line, "", row.headers...))
		if reached := behind.take(); len(reached) != 0 {
			t.Errorf("%s reached the API as %s", clip(row.line, 100), reached[0].RequestURI)
		}
		if row.status != 0 && got.code != row.status || got.code < 400 || got.code >= 500 || got.header.Get("Location") != "" {
			t.Errorf("%s: %s, want %d", clip(row.line, 100), got, row.status)
		}
		if !strings.Contains(got.header.Get("Www-Authenticate"), row.challenge) {
			t.Errorf("%s: challenge %q, want %s", row.line, got.header.Get("Www-Authenticate"), row.challenge)
		}
	}
}

// slows sends until the rate is spent: the caller learns when to come again.
func (f *fronted) slows(t *testing.T, token string) {
	t.Helper()
	for range 41 {
		got := f.send(t, f.request(guarded, "", "Authorization: Bearer "+token))
		if got.code == 200 {
			continue
		}
		wait, err := strconv.Atoi(got.header.Get("Retry-After"))
		if got.code != 429 || err != nil || wait != 90 || got.header.Get("Ratelimit-Policy") != `"fitness";q=40;w=3600` {
			t.Errorf("%s", got)
		}
		return
	}
	t.Error("more requests passed than the rate allows")
}
