package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// clientOf finds every host at one address, and trusts the roots.
func clientOf(address string, roots *x509.CertPool) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		ForceAttemptHTTP2: true,
	}}
}

var tlsHosts = []string{"auth.staging.notes.test", "api.staging.notes.test", "auth.notes.test", "api.notes.test"}

// writeCertificate writes a self-signed certificate and its key and returns it.
func writeCertificate(t *testing.T, serial int64, certificate, key string) *x509.Certificate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "notes.test"}, DNSNames: append([]string{"localhost"}, tlsHosts...),
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, certificate, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	writeFile(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestServeTLS(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	certificate, key := filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")
	roots := x509.NewCertPool()
	roots.AddCert(writeCertificate(t, 1, certificate, key))
	p := publish(t, serveSecrets, folder, http.HandlerFunc(notes),
		"address: 127.0.0.1:0", "address: 127.0.0.1:0\n  tls: {certificate: "+certificate+", key: "+key+"}")
	p.client = clientOf(p.address, roots)
	t.Cleanup(p.client.CloseIdleConnections)

	token := p.nightly(t, "https")
	if got := httpGet(t, p.client, "https"+stagingAPI+"/notes", token); got.status != http.StatusOK || got.body != "notes for nightly" {
		t.Errorf("a call: %d %s", got.status, got.body)
	}

	t.Run("T01 nothing older than TLS 1.2", func(t *testing.T) {
		for version, good := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
			connection, err := tls.Dial("tcp", p.address, &tls.Config{
				RootCAs: roots, ServerName: tlsHosts[0], MinVersion: tls.VersionTLS10, MaxVersion: version,
			})
			if err == nil {
				connection.Close()
			}
			if (err == nil) != good || !good && !strings.Contains(err.Error(), "protocol version") {
				t.Errorf("%s: %v", tls.VersionName(version), err)
			}
		}
	})
	t.Run("S25 the host of the handshake is the host of the request", func(t *testing.T) {
		for _, row := range []struct {
			host   string
			status int
		}{{tlsHosts[0], 200}, {"AUTH.staging.notes.test", 200}, {tlsHosts[0] + ":443", 200}, {tlsHosts[2], 421}, {"localhost", 421}} {
			r, err := http.NewRequest(http.MethodGet, "https://"+tlsHosts[0]+"/.well-known/jwks.json", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = row.host
			if got := httpSend(t, p.client, r); got.status != row.status {
				t.Errorf("Host: %s in a connection to %s: %d, want %d", row.host, tlsHosts[0], got.status, row.status)
			}
		}
	})
	t.Run("certificate files are read again", func(t *testing.T) {
		serial := func() int64 {
			connection, err := tls.Dial("tcp", p.address, &tls.Config{RootCAs: roots, ServerName: tlsHosts[0]})
			if err != nil {
				return 0
			}
			defer connection.Close()
			return connection.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
		}
		if got := serial(); got != 1 {
			t.Fatalf("serial %d", got)
		}
		writeFile(t, key, "half a key")
		p.signal(syscall.SIGHUP)
		if line := p.logged("certificate not read; the last good one stays", 1); !strings.Contains(line, "listen.tls") {
			t.Errorf("a bad key is reported so: %s", line)
		}
		if got := serial(); got != 1 {
			t.Errorf("with a bad key file, serial %d", got)
		}
		roots.AddCert(writeCertificate(t, 2, certificate, key))
		p.signal(syscall.SIGHUP)
		p.until("new certificate", func() bool { return serial() == 2 })
	})
	t.Run("plain HTTP is not answered", func(t *testing.T) {
		r, err := http.NewRequest(http.MethodGet, "http://"+tlsHosts[0]+"/.well-known/jwks.json", nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := httpSend(t, p.client, r); got.status != http.StatusBadRequest {
			t.Errorf("status %d", got.status)
		}
	})
}
