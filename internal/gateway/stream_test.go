package gateway

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/resource"
)

// TestBodyLimit: at the limit and one byte beyond, declared and not (row T02).
func TestBodyLimit(t *testing.T) {
	f := start(t, func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n)
	})
	for _, row := range []struct {
		size    int
		chunked bool
		status  int
	}{
		{1000, false, 200}, {1001, false, 413}, {1000, true, 200}, {1001, true, 413}, {100_000, true, 413},
	} {
		t.Run(fmt.Sprint(row.size, row.chunked), func(t *testing.T) {
			data := strings.Repeat("x", row.size)
			text := fmt.Sprintf("POST /open HTTP/1.1\nConnection: keep-alive\nContent-Length: %d\n\n%s", row.size, data)
			if row.chunked {
				text = fmt.Sprintf("POST /open HTTP/1.1\nConnection: keep-alive\nTransfer-Encoding: chunked\n\n%x\r\n%s\r\n0\r\n\r\n", row.size, data)
			}
			response := f.send(t, text)
			got := body(t, response)
			if response.StatusCode != row.status || row.status == 200 && got != fmt.Sprint(row.size) {
				t.Errorf("got %d %s, want %d", response.StatusCode, got, row.status)
			}
			if closes := response.Close; closes != (row.status == 413) {
				t.Errorf("the connection closes: %v", closes)
			}
		})
	}
}

// TestSenderFails: a body that stops is its sender's doing and not the API's.
func TestSenderFails(t *testing.T) {
	for _, row := range []struct {
		name   string
		err    error
		status int
		reason string
	}{
		{"too slow", os.ErrDeadlineExceeded, 408, "body-too-slow"},
		{"cut off", io.ErrUnexpectedEOF, 400, "body-malformed"},
		{"too large", &http.MaxBytesError{Limit: 1}, 413, "body-too-large"},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := start(t, func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
			g := New(f.settings)
			w := newRecorder()
			r, _ := http.NewRequestWithContext(t.Context(), "POST", "http://api.example/open", io.MultiReader(strings.NewReader("x"), failing{row.err}))
			r.ContentLength = -1
			g.ServeHTTP(w, r)
			if w.status != row.status || !strings.Contains(w.body.String(), row.reason) {
				t.Errorf("got %d %s", w.status, w.body.String())
			}
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestUpstreamFails is row S24.
func TestUpstreamFails(t *testing.T) {
	slow := func(f *fixture) { f.settings.Transport.(*http.Transport).ResponseHeaderTimeout = 50 * time.Millisecond }
	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
		change func(*fixture)
		status int
		reason string
	}{
		{"nobody listens", nil, func(f *fixture) { f.environment.APIs[0].Upstream.Host = silentAddress(t) }, 502, "upstream-unreachable"},
		{"it hangs", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, slow, 504, "upstream-timeout"},
		{"it resets", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, nil, 502, "upstream-unreachable"},
		{"it answers garbage", func(w http.ResponseWriter, _ *http.Request) {
			connection, _, _ := w.(http.Hijacker).Hijack()
			io.WriteString(connection, "nonsense\r\n\r\n")
			connection.Close()
		}, nil, 502, "upstream-unreachable"},
		{"it switches unasked", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "websocket")
			w.WriteHeader(http.StatusSwitchingProtocols)
		}, nil, 502, "upstream-unreachable"},
	} {
		t.Run(row.name, func(t *testing.T) {
			changes := []func(*fixture){func(*fixture) {}}
			if row.change != nil {
				changes[0] = row.change
			}
			f := start(t, row.answer, changes...)
			response := f.get(t, "GET", "/notes", readToken)
			fact := <-f.facts
			if response.StatusCode != row.status || fact.Refusal == nil || fact.Refusal.ID != row.reason {
				t.Errorf("got %d %v", response.StatusCode, fact.Refusal)
			}
			if text := body(t, response); strings.Contains(text, "127.0.0.1") || !strings.Contains(text, row.reason) {
				t.Errorf("body %s", text)
			}
		})
	}
}

// silentAddress is one that nobody listens at.
func silentAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func events(n int, pause time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "Text/Event-Stream; charset=utf-8")
		for i := range n {
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
			select {
			case <-time.After(pause):
			case <-r.Context().Done():
				return
			}
		}
	}
}

// TestEventsArriveAtOnce: an event is passed on when it comes.
func TestEventsArriveAtOnce(t *testing.T) {
	f := start(t, events(2, time.Minute))
	began := time.Now()
	response := f.get(t, "GET", "/notes", readToken)
	line, err := bufio.NewReader(response.Body).ReadString('\n')
	if err != nil || line != "data: 0\n" || time.Since(began) > 20*time.Second {
		t.Errorf("%q, %v after %v", line, err, time.Since(began))
	}
}

// TestStreamEndsWithToken is row S13.
func TestStreamEndsWithToken(t *testing.T) {
	f := start(t, events(1000, 20*time.Millisecond))
	began := time.Now()
	response := f.get(t, "GET", "/notes", shortToken)
	_, err := io.ReadAll(response.Body)
	if took := time.Since(began); err == nil || took > 15*time.Second || took < shortLife {
		t.Errorf("ended with %v after %v", err, took)
	}
}

// echo is an API that speaks WebSocket as far as a proxy can tell.
func echo(w http.ResponseWriter, r *http.Request) {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		w.WriteHeader(http.StatusUpgradeRequired)
		return
	}
	connection, buffer, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	defer connection.Close()
	io.WriteString(connection, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	io.Copy(connection, buffer)
}

// TestWebSocket: it is checked at the upgrade, passes both ways, and ends with
// its token (row S13).
func TestWebSocket(t *testing.T) {
	const upgrade = "\nConnection: Upgrade\nUpgrade: WebSocket\nSec-WebSocket-Key: eA=="
	f := start(t, echo)
	if got := f.send(t, "GET /notes HTTP/1.1"+upgrade); got.StatusCode != http.StatusUnauthorized || len(f.reached()) != 0 {
		t.Fatalf("without a token: %s", got.Status)
	}
	connection := f.dial(t)
	fmt.Fprintf(connection, "GET /notes HTTP/1.1\r\nHost: api.example\r\nAuthorization: Bearer %s%s\r\n\r\n", shortToken, strings.ReplaceAll(upgrade, "\n", "\r\n"))
	reader := bufio.NewReader(connection)
	response, err := http.ReadResponse(reader, &http.Request{Method: "GET"})
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(response, err)
	}
	began := time.Now()
	io.WriteString(connection, "hello\n")
	if line, err := reader.ReadString('\n'); line != "hello\n" {
		t.Fatal(line, err)
	}
	if _, err := reader.ReadByte(); errors.Is(err, os.ErrDeadlineExceeded) || err == nil || time.Since(began) > 15*time.Second {
		t.Errorf("after the token's end: %v, %v", err, time.Since(began))
	}
}

// TestOtherUpgrades: a connection that the API speaks HTTP/2 on would carry
// requests past every rule.
func TestOtherUpgrades(t *testing.T) {
	for _, protocol := range []string{"h2c", "HTTP/2.0", "TLS/1.0", "websocket, h2c"} {
		f := start(t, func(w http.ResponseWriter, r *http.Request) {
			if asked := r.Header.Get("Upgrade"); asked != "" || r.Header.Get("HTTP2-Settings") != "" {
				w.Header().Set("Connection", "Upgrade")
				w.Header().Set("Upgrade", asked)
				w.WriteHeader(http.StatusSwitchingProtocols)
			}
		})
		response := f.send(t, "GET /open HTTP/1.1\nConnection: Upgrade, HTTP2-Settings\nUpgrade: "+protocol+"\nHTTP2-Settings: AAMAAABkAAQAAP__")
		if response.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", protocol, response.Status)
		}
	}
}

// TestAbortLeavesNothing: neither a client that goes nor an API that breaks off
// leaves a goroutine (rows T14, S24).
func TestAbortLeavesNothing(t *testing.T) {
	ignored := goleak.IgnoreCurrent()
	t.Run("all", func(t *testing.T) {
		ended := make(chan struct{})
		f := start(t, func(w http.ResponseWriter, r *http.Request) {
			events(1000, 10*time.Millisecond)(w, r)
			close(ended)
		})
		response := f.get(t, "GET", "/notes", readToken)
		if _, err := response.Body.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		f.gateway.CloseClientConnections()
		select {
		case <-ended:
		case <-time.After(30 * time.Second):
			t.Error("the API is still being asked")
		}
	})
	for deadline := time.Now().Add(20 * time.Second); goleak.Find(ignored) != nil && time.Now().Before(deadline); {
	}
	goleak.VerifyNone(t, ignored)
}

// TestBrokenStreamForgetsItsTimer: what would have ended a stream with its token
// does not outlive a stream that broke off.
func TestBrokenStreamForgetsItsTimer(t *testing.T) {
	f := start(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	g := New(f.settings)
	w := newRecorder()
	r, _ := http.NewRequestWithContext(context.WithValue(t.Context(), http.ServerContextKey, &http.Server{}), "GET", "http://api.example/notes", nil)
	r.Header.Set("Authorization", "Bearer "+readToken)
	c, err := g.admit(r, "")
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() { recover() }()
		g.carry(w, r, c)
	}()
	if c.timer == nil {
		t.Fatal("the fixture is wrong: there was no timer")
	}
	if c.timer.Stop() {
		t.Error("the timer still runs")
	}
}

func TestLeft(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	g := New(Settings{Environment: &catalogue.Environment{Issuer: environment(t, "http://x").Issuer}, Now: func() time.Time { return now }})
	for want, token := range map[time.Duration]*resource.Token{
		time.Hour:   nil,
		time.Minute: {ExpiresAt: now.Add(time.Minute)},
		-1:          {ExpiresAt: now.Add(-1)},
	} {
		if got := g.left(token); got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
	if got := g.left(&resource.Token{ExpiresAt: now.Add(24 * time.Hour)}); got != time.Hour {
		t.Errorf("a token of a day: %v", got)
	}
}

// A recorder is a response without a connection.
type recorder struct {
	header http.Header
	status int
	body   strings.Builder
}

func newRecorder() *recorder { return &recorder{header: http.Header{}} }

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) { r.status = status }

func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

func (r *recorder) Flush() {}
