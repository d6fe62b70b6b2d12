package gateway

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/grantway/grantway/internal/forward"
)

// TestIdentity: the API learns who is calling from us and from nobody else
// (rows S04, S06, S18).
func TestIdentity(t *testing.T) {
	spellings := []string{
		"Grantway-Client", "grantway-client", "GRANTWAY-CLIENT", "Grantway_Client", "grantway_scope", "Grantway-Anything",
		"Grantway.Client", "Grantway!Client", "grantway~scope",
		"X-Forwarded-For", "X_Forwarded_For", "x-forwarded-for", "X-Forwarded-Uri", "X-Forwarded-Prefix", "X-Forwarded-Port",
		"X-Forwarded", "Forwarded", "X-Real-IP", "X_Real_Ip", "True-Client-IP", "X-Original-URL", "X-Rewrite-URL", "Via",
		"Cookie", "Proxy-Authorization", "Proxy", "X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method",
	}
	for _, row := range []struct{ name, path, token string }{
		{"with a token", "/notes", readToken},
		{"on a public route", "/open", ""},
		{"on a public route with a token", "/open", readToken},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := start(t, nil)
			text := "GET " + row.path + " HTTP/1.1\nContent_Type: keep\nX-Other_Name: keep"
			for _, name := range spellings {
				text += "\n" + name + ": evil\n" + name + ": evil"
			}
			if row.token != "" {
				text += "\nAuthorization: Bearer " + row.token
			}
			if got := f.send(t, text); got.StatusCode != http.StatusOK {
				t.Fatal(got.Status)
			}
			seen := f.reached()[0].Header
			for name, values := range seen {
				if slices.Contains(values, "evil") {
					t.Errorf("%s reached the API", name)
				}
			}
			want := map[string]string{
				"Grantway-Environment": "staging", "Grantway-Trace": "trace-of-this",
				"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "api.example",
				"Content_type": "keep", "X-Other_name": "keep",
				"Grantway-Client": "", "Grantway-Subject": "", "Grantway-Scope": "", "Authorization": "", "X-Forwarded-Prefix": "",
			}
			if row.path != "/open" {
				want["Grantway-Client"], want["Grantway-Subject"], want["Grantway-Scope"] = "client1", "client1", "read"
			}
			for name, value := range want {
				if got := strings.Join(seen[name], "|"); got != value {
					t.Errorf("%s: %q, want %q", name, got, value)
				}
			}
		})
	}
}

// TestConnectionHeader: what a client declares as belonging to its connection
// must not take our headers away.
func TestConnectionHeader(t *testing.T) {
	f := start(t, nil)
	f.send(t, "GET /notes HTTP/1.1\nAuthorization: Bearer "+readToken+"\nConnection: close, Grantway-Client, Grantway-Scope, X-Forwarded-For")
	seen := f.reached()[0].Header
	if seen.Get("Grantway-Client") != "client1" || seen.Get("Grantway-Scope") != "read" || seen.Get("X-Forwarded-For") == "" {
		t.Errorf("the API does not learn who is calling: %v", seen)
	}
}

// TestTrailers: what follows a body is not announced or passed on, since it
// could be read as headers.
func TestTrailers(t *testing.T) {
	f := start(t, func(w http.ResponseWriter, r *http.Request) {
		for buffer := make([]byte, 100); ; {
			if _, err := r.Body.Read(buffer); err != nil {
				return
			}
		}
	})
	response := f.send(t, "POST /open HTTP/1.1\nTransfer-Encoding: chunked\nTrailer: Grantway-Client\n\n1\r\nx\r\n0\r\nGrantway-Client: evil\r\n\r\n")
	if response.StatusCode != http.StatusOK {
		t.Fatal(response.Status)
	}
	if r := f.reached()[0]; len(r.Trailer) != 0 {
		t.Errorf("trailers reached the API: %v", r.Trailer)
	}
}

func TestForwardedByTrustedProxy(t *testing.T) {
	for _, row := range []struct {
		name, sent              string
		trusted                 bool
		address, proto, forHost string
	}{
		{"nobody is trusted", "X-Forwarded-For: 192.0.2.7\nX-Forwarded-Proto: https\nX-Forwarded-Host: evil.example", false, "127.0.0.1", "http", "api.example"},
		{"a trusted proxy", "X-Forwarded-For: 192.0.2.7\nX-Forwarded-Proto: https\nX-Forwarded-Host: public.example", true, "192.0.2.7", "https", "public.example"},
		{"what the client said before it", "X-Forwarded-For: 10.0.0.1, 192.0.2.7", true, "192.0.2.7", "http", "api.example"},
		{"T16 not an address", "X-Forwarded-For: evil", true, "127.0.0.1", "http", "api.example"},
		{"another scheme", "X-Forwarded-Proto: gopher", true, "127.0.0.1", "http", "api.example"},
		{"two lines of hosts", "X-Forwarded-Host: a.example\nX-Forwarded-Host: b.example", true, "127.0.0.1", "http", "api.example"},
		{"two lines of schemes", "X-Forwarded-Proto: https\nX-Forwarded-Proto: http", true, "127.0.0.1", "http", "api.example"},
		{"two lines of addresses", "X-Forwarded-For: 10.0.0.1\nX-Forwarded-For: 192.0.2.7", true, "192.0.2.7", "http", "api.example"},
		{"several hosts", "X-Forwarded-Host: a.example, b.example", true, "127.0.0.1", "http", "api.example"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var changes []func(*fixture)
			if row.trusted {
				changes = append(changes, trusting)
			}
			f := start(t, nil, changes...)
			f.send(t, "GET /open HTTP/1.1\n"+row.sent)
			h := f.reached()[0].Header
			got := [3]string{h.Get("X-Forwarded-For"), h.Get("X-Forwarded-Proto"), h.Get("X-Forwarded-Host")}
			if got != [3]string{row.address, row.proto, row.forHost} {
				t.Errorf("got %q", got)
			}
		})
	}
}

// TestForwardedPrefix: an API that is published below a path learns it from us.
func TestForwardedPrefix(t *testing.T) {
	f := start(t, nil, func(f *fixture) { f.environment.Base.Path = "/sandbox" })
	f.send(t, "GET /open HTTP/1.1\nX-Forwarded-Prefix: /evil")
	if got := f.reached()[0].Header["X-Forwarded-Prefix"]; len(got) != 1 || got[0] != "/sandbox" {
		t.Errorf("got %q", got)
	}
}

// loosest is how the most careless server that we know of turns header names
// into variables: every character but letters and digits is one and the same.
func loosest(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '_'
	}, name)
}

// FuzzStrip: no name that some server could take for one of ours survives.
func FuzzStrip(f *testing.F) {
	for _, seed := range []string{"Grantway-Client", "grantway_client", "X_FORWARDED_FOR", "X-Real.Ip", "Client-Ip", "CF_Connecting_IP", "X-Original-Method", "Cookie", "forwarded", "Content_Type", "X"} {
		f.Add(seed)
	}
	ours := []string{"grantway_", "x_forwarded_"}
	alone := []string{"client_ip", "x_cluster_client_ip", "cf_connecting_ip", "fastly_client_ip", "x_original_method", "authorization", "proxy_authorization", "cookie", "forwarded", "x_forwarded", "x_real_ip", "x_original_url", "x_rewrite_url", "via"}
	f.Fuzz(func(t *testing.T, name string) {
		h := http.Header{name: {"evil"}}
		forward.Strip(h)
		spoken := loosest(strings.TrimSpace(name))
		must := slices.Contains(alone, spoken) || slices.ContainsFunc(ours, func(p string) bool { return strings.HasPrefix(spoken, p) })
		if len(h) == 1 && must {
			t.Errorf("%q survives", name)
		}
	})
}

// TestOthersPass: stripping takes nothing that it need not take.
func TestOthersPass(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[A-Za-z][A-Za-z0-9_-]{0,20}`).Draw(t, "name")
		spoken := loosest(name)
		for _, prefix := range []string{"grantway_", "x_forwarded", "x_original", "x_http_method", "x_real", "x_client"} {
			if strings.HasPrefix(spoken, prefix) {
				return
			}
		}
		if slices.Contains([]string{"authorization", "proxy_authorization", "cookie", "forwarded", "true_client_ip", "client_ip", "x_cluster_client_ip", "cf_connecting_ip", "fastly_client_ip", "x_rewrite_url", "x_host", "x_method_override", "via", "proxy"}, spoken) {
			return
		}
		h := http.Header{name: {"good"}}
		forward.Strip(h)
		if len(h) == 0 {
			t.Errorf("%q was taken", name)
		}
	})
}

func BenchmarkStrip(b *testing.B) {
	sent := http.Header{
		"Accept": {"*/*"}, "Accept-Encoding": {"gzip"}, "Authorization": {"Bearer x"}, "Content-Type": {"application/json"},
		"User-Agent": {"client"}, "X-Correlation-Id": {"1"}, "Cookie": {"a=b"},
	}
	b.ReportAllocs()
	for b.Loop() {
		h := sent.Clone()
		forward.Strip(h)
	}
}
