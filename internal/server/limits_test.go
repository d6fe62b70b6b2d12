package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
)

// A limited request is one that can be made to measure n of something.
type limited struct {
	limit  string
	n      int // the limit: n passes, n+1 does not
	status int // at n+1
	code   string
	make   func(s *site, n int) string // the request that measures n
}

// post is a token request with that body.
func post(s *site, body string, headers ...string) string {
	return s.request("POST /staging/auth/oauth2/token HTTP/1.1", body, append([]string{formType}, headers...)...)
}

// pad appends a parameter so that a form has n bytes. Values of one parameter
// are limited, so there are several.
func pad(form string, n int) string {
	for i := 0; len(form) < n; i++ {
		next := fmt.Sprintf("&p%d=", i)
		form += next + strings.Repeat("x", min(4000, max(0, n-len(form)-len(next))))
	}
	return form[:n]
}

// TestLimits is the limits table, as far as it applies to what is served: n
// passes, n+1 is refused with the status and code of the table.
func TestLimits(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "fitness"})
	bearer := "Authorization: Bearer " + s.token(t, good)
	call := func(path string, headers ...string) string {
		return s.request("GET /staging/api"+path+" HTTP/1.1", "", append([]string{bearer}, headers...)...)
	}
	// What the request itself has: Host, Connection and Authorization.
	own := len("Host: \r\n") + len(s.address) + len("Connection: close\r\n") + len(bearer) + 2
	rows := []limited{
		{"URL", 8 << 10, 414, "invalid_request", func(_ *site, n int) string {
			return call("/moves?" + strings.Repeat("x", n-len("/staging/api/moves?")))
		}},
		{"one header", 8 << 10, 431, "invalid_request", func(_ *site, n int) string {
			return call("/moves", "X-A: "+strings.Repeat("x", n))
		}},
		{"all headers", 16 << 10, 431, "invalid_request", func(_ *site, n int) string {
			rest := n - own - 2*len("X-A: \r\n")
			return call("/moves", "X-A: "+strings.Repeat("x", rest/2), "X-B: "+strings.Repeat("x", rest-rest/2))
		}},
		{"headers", 100, 431, "invalid_request", func(_ *site, n int) string {
			var many []string
			for i := range n - 3 {
				many = append(many, fmt.Sprintf("X-%d: x", i))
			}
			return call("/moves", many...)
		}},
		{"cookies", 50, 431, "invalid_request", func(_ *site, n int) string {
			return call("/moves", "Cookie: "+strings.TrimSuffix(strings.Repeat("a=b; ", n), "; "))
		}},
		{"bytes of cookies", 8 << 10, 431, "invalid_request", func(_ *site, n int) string {
			return call("/moves", "Cookie: "+strings.Repeat("a", n/2), "Cookie: "+strings.Repeat("b", n-n/2))
		}},
		{"body of a token request", 64 << 10, 413, "invalid_request", func(s *site, n int) string { return post(s, pad(good, n)) }},
		{"body of a token request in chunks", 64 << 10, 413, "invalid_request", func(s *site, n int) string {
			return post(s, fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", n, pad(good, n)), "Transfer-Encoding: chunked")
		}},
		{"form parameters", 100, 400, "invalid_request", func(s *site, n int) string {
			form := good
			for i := range n - 4 {
				form += fmt.Sprintf("&p%d=x", i)
			}
			return post(s, form)
		}},
		{"members of a JSON request", 100, 400, "invalid_request", func(s *site, n int) string {
			text := `{"grant_type":"client_credentials","client_id":"YOUR_CLIENT_ID","client_secret":"YOUR_CLIENT_SECRET"`
			for i := range n - 3 {
				text += fmt.Sprintf(`,"p%d":"x"`, i)
			}
			return s.request("POST /staging/auth/oauth2/token HTTP/1.1", text+"}", "Content-Type: application/json")
		}},
		{"value of a parameter", 4 << 10, 400, "invalid_request", func(s *site, n int) string { return post(s, good+"&x="+strings.Repeat("x", n)) }},
		{"name of a parameter", 4 << 10, 400, "invalid_request", func(s *site, n int) string { return post(s, good+"&"+strings.Repeat("x", n)+"=") }},
		{"value of a parameter with a JWT", 16 << 10, 400, "invalid_request", func(s *site, n int) string {
			return post(s, good+"&subject_token="+strings.Repeat("x", n))
		}},
		{"bytes of the scope string", 8 << 10, 400, "invalid_scope", func(s *site, n int) string {
			return post(s, good+strings.Repeat("+", n-len("read:moves")))
		}},
		{"resources", 8, 400, "invalid_target", func(s *site, n int) string {
			return post(s, good+strings.Repeat("&resource="+s.environment("staging").APIs[0].Resource, n))
		}},
	}
	for _, row := range rows {
		t.Run(row.limit, func(t *testing.T) {
			if got := s.send(t, row.make(s, row.n)); got.code != 200 {
				t.Errorf("%d: %s\n%s", row.n, got, s.logged(got))
			}
			got := s.send(t, row.make(s, row.n+1))
			if got.code != row.status || got.member("error") != row.code {
				t.Errorf("%d: want %d %s, got %s\n%s", row.n+1, row.status, row.code, got, s.logged(got))
			}
			uncacheable(t, got)
		})
	}
}

// TestScopeLimits: a scope may have 256 bytes, and a request may name 64 of them;
// beyond, the refusal is another than that of a scope that does not exist.
func TestScopeLimits(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "fitness"})
	many := func(n int) string {
		var names []string
		for i := range n {
			names = append(names, fmt.Sprintf("s%d", i))
		}
		return strings.Join(names, "+")
	}
	const unknown, malformed = "a requested scope is not available", "the scope parameter is malformed, too long or has too many"
	for scope, description := range map[string]string{
		strings.Repeat("s", 256): unknown, strings.Repeat("s", 257): malformed, many(64): unknown, many(65): malformed,
	} {
		got := s.ask(t, strings.Replace(good, "read:moves", scope, 1))
		if got.code != 400 || got.member("error") != "invalid_scope" || !strings.HasPrefix(got.member("error_description"), description) {
			t.Errorf("%.20s…: %s", scope, got)
		}
	}
}

// TestGatewayBodyLimit: what the gateway passes on is limited, declared or not.
func TestGatewayBodyLimit(t *testing.T) {
	t.Parallel()
	const most = 100_000
	s := start(t, setup{example: "fitness", api: &upstream{}, change: func(c *catalogue.Catalogue) {
		openPath("/open")(c)
		if c.Limits.GatewayBody != 10<<20 {
			t.Errorf("the default is %d bytes", c.Limits.GatewayBody)
		}
		c.Limits.GatewayBody = most
	}})
	for _, n := range []int{most, most + 1} {
		body := strings.Repeat("x", n)
		status := 200
		if n > most {
			status = 413
		}
		for _, request := range []string{
			s.request("POST /staging/api/open HTTP/1.1", body),
			s.request("POST /staging/api/open HTTP/1.1", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", n, body), "Transfer-Encoding: chunked"),
		} {
			if got := s.send(t, request); got.code != status {
				t.Errorf("%d bytes: %s", n, got)
			}
		}
	}
}

// TestConnectionLimits: so many connections of one address, and altogether.
func TestConnectionLimits(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		what           string
		client, total  int
		n              int
		refusedWith503 bool
	}{
		{"of one address", 5, 100, 5, false},
		{"altogether", 100, 5, 5, true},
	} {
		s := start(t, setup{example: "fitness", change: func(c *catalogue.Catalogue) {
			if c.Limits.ConnectionsPerClient != 200 || c.Limits.Connections != 10_000 {
				t.Errorf("the defaults are %d and %d", c.Limits.ConnectionsPerClient, c.Limits.Connections)
			}
			c.Limits.ConnectionsPerClient, c.Limits.Connections = row.client, row.total
		}})
		request := strings.Replace(s.request("GET /staging/auth/.well-known/jwks.json HTTP/1.1", ""), "Connection: close", "Connection: keep-alive", 1)
		var open []net.Conn
		ask := func() (*http.Response, error) {
			connection, err := net.Dial("tcp", s.address)
			if err != nil {
				return nil, err
			}
			open = append(open, connection)
			_ = connection.SetDeadline(time.Now().Add(30 * time.Second))
			io.WriteString(connection, request)
			return http.ReadResponse(bufio.NewReader(connection), nil)
		}
		for i := range row.n {
			if response, err := ask(); err != nil || response.StatusCode != 200 {
				t.Fatalf("%s: connection %d: %v, %v", row.what, i+1, response, err)
			}
		}
		response, err := ask()
		if refused := err == nil && response.StatusCode == 503; refused != row.refusedWith503 || err == nil && !refused {
			t.Errorf("%s: one more: %v, %v", row.what, response, err)
		}
		for _, connection := range open {
			connection.Close()
		}
		until(t, "room again, "+row.what, func() bool {
			response, err := ask()
			return err == nil && response.StatusCode == 200
		})
	}
}

// TestTokenSizeLimit: a token beyond 8 KiB is never cut: the request fails with
// server_error, and the log says why.
func TestTokenSizeLimit(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "fitness", change: func(c *catalogue.Catalogue) {
		api := c.Environments[0].APIs[0]
		for i := range 32 {
			api.Scopes = append(api.Scopes[:len(api.Scopes):len(api.Scopes)], &catalogue.Scope{Name: fmt.Sprintf("s%03d%s", i, strings.Repeat("x", 200))})
		}
	}})
	secret := s.register(t, "staging", registration{id: "greedy"})
	got := s.ask(t, "grant_type=client_credentials&client_id=greedy&client_secret="+secret)
	if got.code != 500 || got.member("error") != "server_error" || !strings.Contains(s.logged(got), "is the limit: allot fewer scopes") {
		t.Errorf("%s\n%s", got, s.logged(got))
	}
}

// TestSlowRequests is row T04: a head that does not come is cut off after five
// seconds, a body after ten.
func TestSlowRequests(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "fitness"})
	for _, row := range []struct {
		what, sent string
		most       time.Duration
		status     int // 0: the connection is closed
	}{
		{"a head", "POST /staging/auth/oauth2/token HTTP/1.1\r\nHost: x\r\n", 5 * time.Second, 0},
		{"a body", "POST /staging/auth/oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\ngrant_type=", 10 * time.Second, 408},
	} {
		t.Run(row.what, func(t *testing.T) {
			t.Parallel()
			connection, err := net.Dial("tcp", s.address)
			if err != nil {
				t.Fatal(err)
			}
			defer connection.Close()
			began := time.Now()
			_ = connection.SetDeadline(began.Add(row.most + time.Minute))
			io.WriteString(connection, row.sent)
			answered := 0
			reader := bufio.NewReader(connection)
			if response, err := http.ReadResponse(reader, nil); err == nil {
				answered = response.StatusCode
				io.Copy(io.Discard, response.Body)
			}
			_, err = reader.ReadByte()
			if took := time.Since(began); err != io.EOF || took < row.most-time.Second || took > row.most+30*time.Second {
				t.Errorf("closed after %v: %v", took, err)
			}
			if answered != row.status {
				t.Errorf("answered %d, want %d", answered, row.status)
			}
		})
	}
}
