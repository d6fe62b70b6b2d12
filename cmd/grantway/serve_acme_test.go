package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// TestServeGetsItsCertificatesByACME runs Let's Encrypt's own test directory,
// which proves by TLS-ALPN-01 (RFC 8737) that the server answers for the names.
func TestServeGetsItsCertificatesByACME(t *testing.T) {
	t.Parallel()
	directory := startPebble(t)
	folder := t.TempDir()
	env := append([]string{"SSL_CERT_FILE=" + directory.certificate}, serveSecrets...)
	p := publish(t, env, folder, http.HandlerFunc(notes),
		"address: 127.0.0.1:0", fmt.Sprintf("address: %s\n  tls: {acme: ops@notes.test, directory: %q}", directory.proves, directory.url))
	p.client = clientOf(p.address, directory.roots)
	t.Cleanup(p.client.CloseIdleConnections)
	for _, host := range tlsHosts[:2] {
		p.awaitCertificate(t, host, directory.roots)
	}
	token := p.nightly(t, "https")
	if got := httpGet(t, p.client, "https"+stagingAPI+"/notes", token); got.status != http.StatusOK {
		t.Errorf("a call: %d %s", got.status, got.body)
	}
	if connection, err := tls.Dial("tcp", p.address, &tls.Config{RootCAs: directory.roots, ServerName: "other.notes.test"}); err == nil {
		connection.Close()
		t.Error("there is a certificate for a name that the configuration does not say")
	}
	if connection, err := tls.Dial("tcp", p.address, &tls.Config{
		RootCAs: directory.roots, ServerName: tlsHosts[0], MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11,
	}); err == nil {
		connection.Close()
		t.Error("T01: TLS 1.1 is answered")
	}
	kept, err := os.ReadDir(filepath.Join(folder, "acme"))
	if err != nil || len(kept) < 3 { // the account, and the two names that were asked for
		t.Errorf("kept for the next start: %v, %v", kept, err)
	}
	for _, file := range kept {
		if info, err := file.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others can read %s: %v, %v", file.Name(), info.Mode(), err)
		}
	}
	if status := p.stop(); status != 0 {
		t.Fatalf("status %d", status)
	}

	// The next start needs no directory for what it has.
	directory.stop()
	again := start(t, env, "serve", "--config", p.config)
	again.logged(`"msg":"ready"`, 1)
	p.client.CloseIdleConnections()
	p.nightly(t, "https")
}

// awaitCertificate waits until the server has a certificate for a name. Whoever
// asks for a name first may be sent away while the directory, which refuses some
// good requests, gives it one.
func (p *published) awaitCertificate(t *testing.T, host string, roots *x509.CertPool) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		connection, err := tls.Dial("tcp", p.address, &tls.Config{RootCAs: roots, ServerName: host})
		if err == nil {
			connection.Close()
			return
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("no certificate for %s: %v", host, err)
		}
	}
}

// An acmeDirectory is a running pebble.
type acmeDirectory struct {
	url         string
	certificate string         // its own, a PEM file
	proves      string         // where it looks for every name
	roots       *x509.CertPool // of the certificates that it gives
	stop        func()
}

func startPebble(t *testing.T) acmeDirectory {
	t.Helper()
	folder := t.TempDir()
	build := exec.Command("go", "build", "-C", "../../tools", "-o", folder+string(filepath.Separator),
		"github.com/letsencrypt/pebble/v2/cmd/pebble", "github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build.Args, err, out)
	}
	ports := freePorts(t, 4)
	certificate, key := filepath.Join(folder, "pebble.crt"), filepath.Join(folder, "pebble.key")
	own := x509.NewCertPool()
	own.AddCert(writeCertificate(t, 1, certificate, key))
	settings, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": "127.0.0.1:" + ports[0], "managementListenAddress": "127.0.0.1:" + ports[1], "tlsPort": number(t, ports[2]), "httpPort": 1,
		"certificate": certificate, "privateKey": key,
		"profiles": map[string]any{"default": map[string]any{"description": "the usual one", "validityPeriod": 7776000}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(folder, "pebble.json"), string(settings))
	names := exec.CommandContext(t.Context(), filepath.Join(folder, "pebble-challtestsrv"), "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "",
		"-dnsserver", "127.0.0.1:"+ports[3], "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-management", "127.0.0.1:0")
	pebble := exec.CommandContext(t.Context(), filepath.Join(folder, "pebble"), "-config", filepath.Join(folder, "pebble.json"),
		"-dnsserver", "127.0.0.1:"+ports[3])
	pebble.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1")
	for _, cmd := range []*exec.Cmd{names, pebble} {
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			if t.Failed() {
				t.Logf("%s:\n%s", filepath.Base(cmd.Path), &said)
			}
		})
	}
	return acmeDirectory{
		url: "https://localhost:" + ports[0] + "/dir", certificate: certificate, proves: "127.0.0.1:" + ports[2],
		roots: pebbleRoots(t, own, "https://localhost:"+ports[1]+"/roots/0"),
		stop:  func() { _ = pebble.Process.Kill() },
	}
}

// pebbleRoots waits for the root that pebble makes when it starts.
func pebbleRoots(t *testing.T, own *x509.CertPool, at string) *x509.CertPool {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: own}, DisableKeepAlives: true}, Timeout: 5 * time.Second}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, at, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(r)
		if err != nil {
			continue
		}
		var pem bytes.Buffer
		_, err = pem.ReadFrom(response.Body)
		response.Body.Close()
		if roots := x509.NewCertPool(); err == nil && roots.AppendCertsFromPEM(pem.Bytes()) {
			return roots
		}
	}
	t.Fatalf("pebble does not answer at %s", at)
	return nil
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// freePorts returns so many ports that nothing listens at.
func freePorts(t *testing.T, n int) []string {
	t.Helper()
	var ports []string
	for range n {
		ports = append(ports, freePort(t))
	}
	return ports
}
