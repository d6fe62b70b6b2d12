package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestSmuggling is row S11, byte by byte: what two servers could read as two
// different messages is refused, or read in the one way that RFC 9112 leaves, and
// ends the connection. What stands behind it is never a request.
func TestSmuggling(t *testing.T) {
	t.Parallel()
	behind := &upstream{}
	s := start(t, setup{example: "fitness", api: behind, change: openPath("/open")})
	head := "POST /staging/api/open HTTP/1.1\r\nHost: " + s.address + "\r\n"
	// net/http drops the Content-Length of this one, so it can only be served and
	// closed, as RFC 9112 §6.1 allows.
	both := head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
	second := "GET /staging/api/open?second HTTP/1.1\r\nHost: " + s.address + "\r\n\r\n"
	rows := []struct{ what, request string }{
		{"Content-Length and Transfer-Encoding", both},
		{"two Content-Lengths", head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"},
		{"Content-Length with a sign", head + "Content-Length: +5\r\n\r\nhello"},
		{"Content-Length as a list", head + "Content-Length: 5, 6\r\n\r\nhello"},
		{"Transfer-Encoding twice", head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{"an unknown Transfer-Encoding", head + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
		{"Transfer-Encoding identity, chunked", head + "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n"},
		{"a bare LF in the chunks", head + "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n"},
		{"a chunk size that is no number", head + "Transfer-Encoding: chunked\r\n\r\n-1\r\nhello\r\n0\r\n\r\n"},
		{"NUL in a header", head + "X-A: a\x00b\r\nContent-Length: 0\r\n\r\n"},
		{"CR in a header", head + "X-A: a\rb\r\nContent-Length: 0\r\n\r\n"},
		{"a space in a header's name", head + "X A: b\r\nContent-Length: 0\r\n\r\n"},
		{"a space before the colon", head + "Content-Length : 5\r\n\r\nhello"},
		{"two Hosts", head + "Host: other.example\r\nContent-Length: 0\r\n\r\n"},
		{"no Host", "POST /staging/api/open HTTP/1.1\r\nContent-Length: 0\r\n\r\n"},
		{"NUL in the path", "POST /staging/api/open\x00 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"},
	}
	for _, row := range rows {
		t.Run(row.what, func(t *testing.T) {
			connection, err := net.Dial("tcp", s.address)
			if err != nil {
				t.Fatal(err)
			}
			defer connection.Close()
			_ = connection.SetDeadline(time.Now().Add(30 * time.Second))
			go io.WriteString(connection, row.request+second)
			reader := bufio.NewReader(connection)
			first, err := http.ReadResponse(reader, nil)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, first.Body)
			if first.StatusCode != 400 && first.StatusCode != 501 && row.request != both {
				t.Errorf("S11: want 400, got %s", first.Status)
			}
			if another, err := http.ReadResponse(reader, nil); err == nil {
				t.Errorf("S11: the connection goes on: %s", another.Status)
			}
			for _, seen := range behind.take() {
				if row.request != both || seen.URL.RawQuery != "" || seen.ContentLength != 0 && len(seen.TransferEncoding) == 0 {
					t.Errorf("S11: the API saw %s %s", seen.Method, seen.URL)
				}
			}
		})
	}
}

// TestFoldedHeader is row S11 as RFC 9112 §5.2 has it: a header in two lines
// reaches the API in one, with a space between them.
func TestFoldedHeader(t *testing.T) {
	t.Parallel()
	behind := &upstream{}
	s := start(t, setup{example: "fitness", api: behind, change: openPath("/open")})
	got := s.send(t, s.request("GET /staging/api/open HTTP/1.1", "", "X-A: a\r\n Grantway-Client: forged", "X-B: b"))
	seen := behind.take()
	if got.code != 200 || len(seen) != 1 || seen[0].Header.Get("X-A") != "a Grantway-Client: forged" || seen[0].Header["Grantway-Client"] != nil {
		t.Errorf("S11: %s, the API saw %v", got, seen)
	}
}

// TestMalformedBodies is rows T02, T07, T08 and T10: 4xx, never 500.
func TestMalformedBodies(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "fitness"})
	const jsonType = "Content-Type: application/json"
	object := `{"grant_type":"client_credentials","client_id":"YOUR_CLIENT_ID","client_secret":"YOUR_CLIENT_SECRET","scope":"read:moves"`
	if got := s.send(t, s.request("POST /staging/auth/oauth2/token HTTP/1.1", object+"}", jsonType)); got.code != 200 {
		t.Fatalf("the request that the rows break: %s", got)
	}
	rows := []struct {
		row, what, kind, body string
		status                int
		code                  string
	}{
		{"T07", "nested 100 000 deep", jsonType, object + `,"x":` + strings.Repeat("[", 20000), 400, "invalid_request"},
		{"T07", "an array for a value", jsonType, object + `,"x":["y"]}`, 400, "invalid_request"},
		{"T07", "a member twice", jsonType, object + `,"scope":"read:moves"}`, 400, "invalid_request"},
		{"T07", "a member twice, once escaped", jsonType, object + `,"sc\u006fpe":"read:moves"}`, 400, "invalid_request"},
		{"T07", "an unknown member twice", jsonType, object + `,"x":"1","x":"2"}`, 400, "invalid_request"},
		{"T07", "a huge number", jsonType, object + `,"max_age":1e999}`, 400, "invalid_request"},
		{"T07", "NaN", jsonType, object + `,"max_age":NaN}`, 400, "invalid_request"},
		{"T07", "a byte order mark", jsonType, "\ufeff" + object + "}", 400, "invalid_request"},
		{"T07", "not UTF-8", jsonType, object + ",\"x\":\"\xff\"}", 400, "invalid_request"},
		{"T07", "half a surrogate", jsonType, object + `,"x":"\ud800"}`, 400, "invalid_request"},
		{"T07", "UTF-16", jsonType, "{\x00}\x00", 400, "invalid_request"},
		{"T07", "a comment", jsonType, object + `/**/}`, 400, "invalid_request"},
		{"T07", "a comma too many", jsonType, object + `,}`, 400, "invalid_request"},
		{"T07", "nothing", jsonType, "", 400, "invalid_request"},
		{"T07", "null", jsonType, "null", 400, "invalid_request"},
		{"T10", "NUL in a JSON id", jsonType, strings.Replace(object, "YOUR_CLIENT_ID", `a\u0000b`, 1) + "}", 400, "invalid_request"},
		{"T10", "NUL in an id", formType, strings.Replace(good, "YOUR_CLIENT_ID", "a%00b", 1), 400, "invalid_request"},
		{"T10", "NUL in a secret", formType, strings.Replace(good, "YOUR_CLIENT_SECRET", "%00zqmark", 1), 400, "invalid_request"},
		{"T10", "NUL in a scope", formType, good + "%00", 400, "invalid_request"},
		{"T10", "NUL in an unknown parameter", formType, good + "&x=%00", 400, "invalid_request"},
		{"T10", "an id that is not UTF-8", formType, strings.Replace(good, "YOUR_CLIENT_ID", "%ff%fe", 1), 400, "invalid_request"},
		{"T10", "a broken escape", formType, good + "&x=%zz", 400, "invalid_request"},
		{"T10", "a truncated escape", formType, good + "&x=%4", 400, "invalid_request"},
		{"T10", "a nameless parameter", formType, good + "&=x", 400, "invalid_request"},
		{"T10", "a semicolon is no separator", formType, strings.ReplaceAll(good, "&", ";"), 400, "unsupported_grant_type"},
		{"T10", "an id of quotes", formType, strings.Replace(good, "YOUR_CLIENT_ID", "%27%22%3B--%20OR%201=1", 1), 401, "invalid_client"},
		{"T10", "max_age beyond 64 bits", formType, good + "&max_age=99999999999999999999&expires_in=-1", 200, ""},
		{"T10", "a very long id", formType, strings.Replace(good, "YOUR_CLIENT_ID", strings.Repeat("i", 4000), 1), 401, "invalid_client"},
	}
	for _, row := range rows {
		got := s.send(t, s.request("POST /staging/auth/oauth2/token HTTP/1.1", row.body, row.kind))
		if got.code != row.status || got.member("error") != row.code {
			t.Errorf("%s %s: want %d %s, got %s\n%s", row.row, row.what, row.status, row.code, got, s.logged(got))
		}
	}
	for _, kind := range []string{"gzip", "deflate", "br", "identity, gzip", "aes128gcm"} {
		got := s.ask(t, good, "Content-Encoding: "+kind)
		if got.code != 415 {
			t.Errorf("T08: Content-Encoding: %s: %s", kind, got)
		}
	}
	if got := s.ask(t, good, "Content-Encoding: identity"); got.code != 200 {
		t.Errorf("T08: identity: %s", got)
	}
	for _, id := range []string{"a\x00b", "\xff\xfe", "a\rb"} {
		if got := s.ask(t, "grant_type=client_credentials", basic(id, "zqmark-secret")); got.code != 401 {
			t.Errorf("T10: Basic of %q: %s", id, got)
		}
	}
}

// TestEndlessBody is row T02: a chunked body without an end is cut off, and the
// connection with it.
func TestEndlessBody(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "fitness"})
	connection, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(time.Minute))
	stopped := make(chan int, 1)
	go func() {
		sent, err := io.WriteString(connection, s.request("POST /staging/auth/oauth2/token HTTP/1.1", "", formType, "Transfer-Encoding: chunked", "Connection: keep-alive"))
		chunk := "1000\r\n" + strings.Repeat("x", 0x1000) + "\r\n"
		for err == nil && sent < 64<<20 {
			var n int
			n, err = io.WriteString(connection, chunk)
			sent += n
		}
		stopped <- sent
	}()
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil || response.StatusCode != 413 || !response.Close {
		t.Fatalf("T02: %v, %v", response, err)
	}
	if sent := <-stopped; sent > 16<<20 {
		t.Errorf("T02: the server took %d bytes", sent)
	}
}

// TestLogAndMetricInjection is row T13: what strangers send stays one member of
// one line of JSON, and is no label.
func TestLogAndMetricInjection(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "fitness"})
	for i := range 100 {
		s.ask(t, fmt.Sprintf("grant_type=client_credentials&client_id=zqinjected%d%%0d%%0a%%1b[31m%%22%%7d{&client_secret=zqmark-%d", i, i))
		s.send(t, s.request(fmt.Sprintf("ZQINJECTED%d /staging/api/zqinjected%d HTTP/1.1", i, i), "", "User-Agent: zqmark"))
		s.send(t, s.request(fmt.Sprintf("GET /zqinjected%d/\x1b[31m HTTP/1.1", i), ""))
	}
	for line := range strings.SplitSeq(s.log.all(), "\n") {
		var members map[string]any
		if err := json.Unmarshal([]byte(line), &members); err != nil {
			t.Errorf("T13: not one object: %v: %q", err, line)
		}
		if strings.ContainsAny(line, "\x1b\r") {
			t.Errorf("T13: a control character: %q", line)
		}
		for _, name := range []string{"route", "method", "environment"} {
			if text, _ := members[name].(string); strings.Contains(strings.ToLower(text), "zqinjected") {
				t.Errorf("T13: %s is %q", name, text)
			}
		}
	}
	w := httptest.NewRecorder()
	s.server.Operations().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if metrics := strings.ToLower(w.Body.String()); strings.Contains(metrics, "zqinjected") || strings.Count(metrics, "\ngrantway_requests_total{") > 8 {
		t.Errorf("T13: the metrics have %d series of requests", strings.Count(metrics, "\ngrantway_requests_total{"))
	}
}

// TestClientCancels is row T14: a client that goes away takes its request along.
func TestClientCancels(t *testing.T) {
	// Not in parallel: it counts the goroutines of the whole process.
	began, ended := make(chan struct{}, 100), make(chan error, 100)
	behind := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		began <- struct{}{}
		<-r.Context().Done()
		ended <- context.Cause(r.Context())
	})
	s := start(t, setup{example: "fitness", api: behind, change: openPath("/open")})
	before := runtime.NumGoroutine()
	for range 50 {
		connection, err := net.Dial("tcp", s.address)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(connection, s.request("GET /staging/api/open HTTP/1.1", ""))
		half, err := net.Dial("tcp", s.address)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(half, "POST /staging/auth/oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\ngrant_type=")
		select {
		case <-began: // one that goes away before never gets to the API
		case <-time.After(30 * time.Second):
			t.Fatal("T14: the call does not get to the API")
		}
		connection.Close()
		half.Close()
	}
	for i := range 50 {
		select {
		case <-ended:
		case <-time.After(30 * time.Second):
			t.Fatalf("T14: the API still works for %d clients that have gone", 50-i)
		}
	}
	if !soon(func() bool { return runtime.NumGoroutine() < before+40 }, 30*time.Second) { // connections that are being closed
		t.Errorf("T14: %d goroutines before, %d after", before, runtime.NumGoroutine())
	}
}
