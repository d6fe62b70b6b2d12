package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// raw answers with bytes, whatever they are, and ends the connection.
func raw(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer connection.Close()
		io.WriteString(connection, strings.ReplaceAll(text, "\n", "\r\n"))
	}
}

// TestHop: what belongs to a connection ends with it, in both directions (RFC
// 9110 §7.6.1).
func TestHop(t *testing.T) {
	f := start(t, raw("HTTP/1.1 200 OK\nConnection: keep-alive, X-Mine\nX-Mine: 1\nKeep-Alive: timeout=5\nProxy-Authenticate: Basic\nUpgrade: h2c\n"+
		"X-Request-Id: theirs\nX-Kept: 1\nX-Kept: 2\nContent-Length: 2\n\nok"))
	response := f.send(t, "GET /open HTTP/1.1\nConnection: keep-alive, X-Secret ,,x-other\nX-Secret: 1\nX-Other: 2\nKeep-Alive: 1\nProxy-Connection: close\n"+
		"Te: trailers, deflate\nTrailer: X\nUpgrade: h2c\nX-Kept: 3")
	if got := body(t, response); got != "ok" {
		t.Error(got)
	}
	delete(response.Header, "Date")
	// There is no Content-Type either: what the API does not say is not guessed.
	want := http.Header{"X-Kept": {"1", "2"}, "Content-Length": {"2"}}
	if diff := cmp.Diff(want, response.Header); diff != "" {
		t.Error(diff)
	}
	want = http.Header{
		"Te": {"trailers"}, "X-Kept": {"3"}, "X-Forwarded-For": {"127.0.0.1"}, "X-Forwarded-Proto": {"http"}, "X-Forwarded-Host": {"api.example"},
		"Grantway-Environment": {"staging"}, "Grantway-Trace": {"trace-of-this"},
	}
	if diff := cmp.Diff(want, f.reached()[0].Header); diff != "" {
		t.Error(diff)
	}
}

// TestEarlyHints: interim answers pass, but to those who know none, and take
// nothing of the final answer's headers away (RFC 9110 §15.2, RFC 8297).
func TestEarlyHints(t *testing.T) {
	f := start(t, raw("HTTP/1.1 103 Early Hints\nLink: </a>\nConnection: X-Mine\nX-Mine: 1\n\nHTTP/1.1 100 Continue\n\nHTTP/1.1 200 OK\nContent-Length: 2\n\nok"),
		limited(&stopped{at: time.Now()}))
	connection := f.dial(t)
	io.WriteString(connection, "GET /open HTTP/1.1\r\nHost: x\r\n\r\n")
	reader := textproto.NewReader(bufio.NewReader(connection))
	if line, err := reader.ReadLine(); err != nil || line != "HTTP/1.1 103 Early Hints" {
		t.Fatal(line, err)
	}
	if h, err := reader.ReadMIMEHeader(); err != nil || cmp.Diff(textproto.MIMEHeader{"Link": {"</a>"}}, h) != "" {
		t.Error(h, err)
	}
	response, err := http.ReadResponse(reader.R, nil)
	if err != nil || response.StatusCode != 200 || response.Header.Get("Ratelimit-Policy") == "" || response.Header.Get("Link") != "" {
		t.Error(response, err)
	}
	old := f.dial(t)
	io.WriteString(old, "GET /open HTTP/1.0\r\nHost: x\r\n\r\n")
	if response, err = http.ReadResponse(bufio.NewReader(old), nil); err != nil || response.StatusCode != 200 {
		t.Error(response, err)
	}
}

// TestAnswersTrailers: an API's trailers pass, announced or not.
func TestAnswersTrailers(t *testing.T) {
	for _, announced := range []bool{true, false} {
		f := start(t, func(w http.ResponseWriter, _ *http.Request) {
			name := http.TrailerPrefix + "Grpc-Status"
			if announced {
				w.Header().Set("Trailer", "Grpc-Status, X-Other")
				name = "Grpc-Status"
				w.Header().Set("X-Other", "1")
			}
			io.WriteString(w, "here")
			w.(http.Flusher).Flush()
			w.Header().Set(name, "0")
		})
		response := f.get(t, "GET", "/open", "")
		if got := body(t, response); got != "here" || response.Trailer.Get("Grpc-Status") != "0" || announced != (response.Trailer.Get("X-Other") == "1") {
			t.Errorf("announced %v: %q %v", announced, got, response.Trailer)
		}
	}
}

// TestPartsArriveAtOnce: of an answer with and without a length, what has come is
// passed on while the rest is awaited.
func TestPartsArriveAtOnce(t *testing.T) {
	for _, length := range []string{"", "8"} {
		more := make(chan struct{})
		f := start(t, func(w http.ResponseWriter, _ *http.Request) {
			if length != "" {
				w.Header().Set("Content-Length", length)
			}
			io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			<-more
			io.WriteString(w, "half")
		})
		response := f.get(t, "GET", "/open", "")
		half := make([]byte, 4)
		if _, err := io.ReadFull(response.Body, half); err != nil || string(half) != "half" {
			t.Errorf("%q %v", half, err)
		}
		close(more)
		if rest := body(t, response); rest != "half" {
			t.Error(rest)
		}
	}
}

// TestAnswerBreaksOff: an answer that is not whole does not look whole.
func TestAnswerBreaksOff(t *testing.T) {
	for _, text := range []string{
		"HTTP/1.1 200 OK\nContent-Length: 8\n\nhalf",
		"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n4\nhalf\n",
		"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n4\nhalf\nnonsense\n",
	} {
		f := start(t, raw(text))
		response := f.get(t, "GET", "/open", "")
		if got, err := io.ReadAll(response.Body); err == nil {
			t.Errorf("%q passes for %q", got, text)
		}
	}
}

// TestExpectContinue: who waits to be told so is told to send its body, and who
// is refused is not.
func TestExpectContinue(t *testing.T) {
	f := start(t, func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s", sent)
	})
	for _, row := range []struct{ path, first string }{{"/open", "HTTP/1.1 100 Continue"}, {"/notes", "HTTP/1.1 401 Unauthorized"}} {
		connection := f.dial(t)
		fmt.Fprintf(connection, "POST %s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", row.path)
		reader := bufio.NewReader(connection)
		line, err := reader.ReadString('\n')
		if err != nil || strings.TrimSpace(line) != row.first {
			t.Fatalf("%s: %q %v", row.path, line, err)
		}
		if row.path != "/open" {
			continue
		}
		reader.ReadString('\n')
		io.WriteString(connection, "ok")
		response, err := http.ReadResponse(reader, nil)
		if err != nil || response.StatusCode != 200 || body(t, response) != "ok" {
			t.Error(response, err)
		}
	}
}

// TestConnectionsAreKept: calls with and without bodies share connections, to us
// and to the API.
func TestConnectionsAreKept(t *testing.T) {
	f := start(t, func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s", r.RemoteAddr, sent)
	})
	connection := f.dial(t)
	reader := bufio.NewReader(connection)
	var from string
	for i := range 4 {
		request, sent := "GET /open HTTP/1.1\r\nHost: x\r\n\r\n", ""
		if i%2 == 1 {
			request, sent = "POST /open HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "ok"
		}
		io.WriteString(connection, request)
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		address, got, _ := strings.Cut(body(t, response), " ")
		if got != sent || from != "" && address != from {
			t.Errorf("call %d: %q from %s, after %s", i, got, address, from)
		}
		from = address
	}
}
