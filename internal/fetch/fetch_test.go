package fetch

import (
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// local is a fetcher that takes a server of the test's for one of the internet's.
func local(t *testing.T, h http.Handler) (*Fetcher, string) {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return New(Config{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Roots: roots}), server.URL
}

func TestAnswersThatAreRead(t *testing.T) {
	large := func(n int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(strings.Repeat("1", n)))
		}
	}
	typed := func(media string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = []string{media}
			_, _ = w.Write([]byte("{}"))
		}
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "https://"+r.Host+"/elsewhere")
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			_, _ = w.Write([]byte("{}"))
		}
	}
	rows := []struct {
		name    string
		handler http.HandlerFunc
		want    Want
		ok      bool
	}{
		{"JSON", typed("application/json"), JSON, true},
		{"JSON with a parameter", typed("application/json; charset=utf-8"), JSON, true},
		{"a key set", typed("application/jwk-set+json"), JWKS, true},
		{"anything where all is wanted", typed("text/html"), Want{}, true},
		{"HTML", typed("text/html"), JSON, false},
		{"a key set for a document", typed("application/jwk-set+json"), JSON, false},
		{"two types", typed("application/json, text/html"), JSON, false},
		{"no type", typed(""), JSON, false},
		{"64 KiB", large(MaxBody), JSON, true},
		{"64 KiB and one byte", large(MaxBody + 1), JSON, false},
		{"a key set of 256 KiB", large(MaxJWKS), JWKS, true},
		{"a key set of 256 KiB and one byte", large(MaxJWKS + 1), JWKS, false},
		{"301", status(301), JSON, false},
		{"302", status(302), JSON, false},
		{"307", status(307), JSON, false},
		{"308", status(308), JSON, false},
		{"304", status(304), JSON, false},
		{"404", status(404), JSON, false},
		{"500", status(500), JSON, false},
		{"more than is announced, without an end", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for range 40 {
				_, _ = w.Write([]byte(strings.Repeat(" ", 4096)))
				w.(http.Flusher).Flush()
			}
		}, JSON, false},
		{"compressed, which nobody asked for", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write([]byte(strings.Repeat(" ", 1<<20)))
			_ = z.Close()
		}, JSON, false},
	}
	for _, row := range rows {
		var asked atomic.Int32
		f, address := local(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			if r.Header.Get("Accept-Encoding") != "" {
				t.Errorf("%s: it asked for %q", row.name, r.Header.Get("Accept-Encoding"))
			}
			row.handler(w, r)
		}))
		body, err := f.Get(t.Context(), address+"/x", row.want)
		if row.ok && (err != nil || len(body) == 0) || !row.ok && !errors.Is(err, ErrAnswer) {
			t.Errorf("%s: %d bytes, %v", row.name, len(body), err)
		}
		if asked.Load() != 1 {
			t.Errorf("%s: %d requests", row.name, asked.Load())
		}
		if r, err := f.Client(row.want).Get(address + "/x"); err == nil {
			_ = r.Body.Close()
			if !row.ok && r.StatusCode == http.StatusOK {
				t.Errorf("%s: the client got it", row.name)
			}
		}
	}
}

func TestPost(t *testing.T) {
	f, address := local(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.FormValue("logout_token") != "a.b.c" || r.URL.RawQuery != "" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Form)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	status, err := f.Post(t.Context(), address, url.Values{"logout_token": {"a.b.c"}})
	if err != nil || status != http.StatusNoContent {
		t.Errorf("%d, %v", status, err)
	}
}

func TestURLsThatAreNotFetched(t *testing.T) {
	f := New(Config{})
	for _, address := range []string{
		"", "x", "/x", "//example.org/x", "http://example.org/", "http://127.0.0.1/", "HTTP://example.org", "ftp://example.org/", "file:///etc/passwd",
		"gopher://example.org/", "javascript:alert(1)", "data:text/plain,x", "https:", "https://", "https:///x", "https:example.org", "https://:443/",
		"https://user@example.org/", "https://user:password@example.org/", "https://example.org/#fragment", "https://exa mple.org/",
		"https://example.org/\r\nX: y", "unix:///run/x.sock", "https://example.org/" + strings.Repeat("x", 2048),
	} {
		if err := f.Check(address); !errors.Is(err, ErrURL) {
			t.Errorf("%q: %v", address, err)
		}
		if _, err := f.Get(t.Context(), address, JSON); !errors.Is(err, ErrURL) {
			t.Errorf("%q is fetched: %v", address, err)
		}
	}
	for _, address := range []string{"https://example.org", "https://example.org/x?y=z", "https://example.org:443/"} {
		if err := f.Check(address); err != nil {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// TestLoopback: only where development is, and only this machine.
func TestLoopback(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{}"))
	}))
	defer server.Close()
	if _, err := New(Config{Loopback: true}).Get(t.Context(), server.URL, JSON); err != nil {
		t.Error(err)
	}
	if _, err := New(Config{}).Get(t.Context(), server.URL, JSON); !errors.Is(err, ErrURL) {
		t.Errorf("without being told so: %v", err)
	}
	for _, address := range []string{"http://example.org/", "http://127.0.0.1.example.org/", "http://10.0.0.1/", "http://[fe80::1]/"} {
		if err := New(Config{Loopback: true}).Check(address); !errors.Is(err, ErrURL) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestEnvironmentsProxy: a proxy would have the addresses looked up elsewhere.
func TestEnvironmentsProxy(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	t.Setenv("ALL_PROXY", "http://127.0.0.1:1")
	f, address := local(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{}"))
	}))
	if _, err := f.Get(t.Context(), address, JSON); err != nil {
		t.Error(err)
	}
	if f.transport.Proxy != nil {
		t.Error("the environment's proxy is used")
	}
}

func TestSlowAnswers(t *testing.T) {
	release := make(chan struct{})
	f, address := local(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{"))
		w.(http.Flusher).Flush()
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer close(release)
	began := time.Now()
	_, err := f.Get(t.Context(), address, JSON)
	if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took < totalTimeout-time.Second || took > totalTimeout+30*time.Second {
		t.Errorf("%v after %v", err, took)
	}
}

func TestFourAtOneTimePerHost(t *testing.T) {
	var now, most atomic.Int32
	release := make(chan struct{})
	f, address := local(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-release
		now.Add(-1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, "{}")
	}))
	var all sync.WaitGroup
	for range 12 {
		all.Go(func() {
			if _, err := f.Get(t.Context(), address, JSON); err != nil {
				t.Error(err)
			}
		})
	}
	for now.Load() < perHost {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond) // a fifth would come now
	close(release)
	all.Wait()
	if most.Load() != perHost {
		t.Errorf("%d at one time", most.Load())
	}
	if len(f.hosts.slots) != 0 {
		t.Errorf("%d hosts are remembered", len(f.hosts.slots))
	}
}

// resolver answers every name with the next of these addresses, and the last one
// for ever.
func resolver(t *testing.T, answers ...string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		buffer := make([]byte, 1500)
		for asked := 0; ; {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			question := buffer[12:n]
			end := strings.IndexByte(string(question), 0) + 1
			answer := append([]byte{buffer[0], buffer[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question[:end+4]...)
			if question[end+1] == 1 { // A
				for address := range strings.FieldsSeq(answers[min(asked, len(answers)-1)]) {
					answer[7]++
					answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
					answer = append(answer, netip.MustParseAddr(address).AsSlice()...)
				}
				asked++
			}
			_, _ = conn.WriteTo(answer, from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}
