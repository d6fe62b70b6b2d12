package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/grantway/grantway/internal/catalogue"
)

// TLS is where the certificates of the public listener come from: files, read
// again when they change, or an ACME directory. It is safe for concurrent use.
type TLS struct {
	settings catalogue.TLS
	acme     *autocert.Manager
	report   func(error)

	mu     sync.Mutex
	loaded *tls.Certificate
	looked time.Time
	stamp  [2]time.Time // when the two files were last written
}

// Certificates prepares what the settings say and reads certificate files once,
// so that a wrong path is a fault at the start. What is wrong with files that
// changed later goes to report, and the last good certificate stays; report is
// called from any goroutine, one call at a time.
func Certificates(settings catalogue.TLS, data string, report func(error)) (*TLS, error) {
	t := &TLS{settings: settings, report: report}
	switch {
	case settings.ACME != "":
		t.acme = &autocert.Manager{
			Prompt:     autocert.AcceptTOS,
			Email:      settings.ACME,
			Cache:      autocert.DirCache(filepath.Join(data, "acme")),
			HostPolicy: autocert.HostWhitelist(settings.Hosts...),
		}
		if settings.Directory != "" {
			t.acme.Client = &acme.Client{DirectoryURL: settings.Directory}
		}
	case settings.Certificate != "":
		if _, err := t.fromFiles(); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Config returns the configuration of the listener, nil when it is plain HTTP.
// Protocols below TLS 1.2 are refused (row T01).
func (t *TLS) Config() *tls.Config {
	switch {
	case t.acme != nil:
		c := t.acme.TLSConfig()
		c.MinVersion = tls.VersionTLS12
		return c
	case t.settings.Certificate != "":
		return &tls.Config{
			MinVersion: tls.VersionTLS12,
			NextProtos: []string{"h2", "http/1.1"},
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
				return t.fromFiles()
			},
		}
	}
	return nil
}

// Reload reads the certificate files again at once, whatever their times say.
func (t *TLS) Reload() {
	if t.settings.Certificate == "" {
		return
	}
	t.mu.Lock()
	t.looked, t.stamp = time.Time{}, [2]time.Time{}
	t.mu.Unlock()
	_, _ = t.fromFiles() // there is a certificate already, so it reports and returns no error
}

// fromFiles returns the certificate of the files. They are looked at every ten
// seconds at most; while what they hold is bad, the last good one stays.
func (t *TLS) fromFiles() (*tls.Certificate, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.loaded != nil && time.Since(t.looked) < 10*time.Second {
		return t.loaded, nil
	}
	t.looked = time.Now()
	stamp, err := stamps(t.settings.Certificate, t.settings.Key)
	if err == nil && (t.loaded == nil || stamp != t.stamp) {
		var read tls.Certificate
		if read, err = tls.LoadX509KeyPair(t.settings.Certificate, t.settings.Key); err == nil {
			t.loaded, t.stamp = &read, stamp
		}
	}
	if err != nil {
		err = fmt.Errorf("listen.tls: %w", err)
		if t.loaded == nil {
			return nil, err
		}
		t.report(err)
	}
	return t.loaded, nil
}

func stamps(files ...string) (at [2]time.Time, err error) {
	for i, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return at, err
		}
		at[i] = info.ModTime()
	}
	return at, nil
}

// ServeTLS is Serve with encrypted connections. The limits on connections count
// before a handshake costs anything.
func (s *Server) ServeTLS(ctx context.Context, l net.Listener, config *tls.Config, h http.Handler) error {
	defer context.AfterFunc(ctx, s.hangUp)()
	return serve(ctx, tls.NewListener(bounded(l, s.current.Load().catalogue), config), sameHost(h))
}

// sameHost refuses a request for a host other than the one that the handshake
// was for (row S25): its certificate, and the client certificate rules to come,
// are the other host's.
func sameHost(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if r.TLS != nil && r.TLS.ServerName != "" && !strings.EqualFold(r.TLS.ServerName, host) {
			w.WriteHeader(http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}
