package limit

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections are made in memory, so that a test's clock is
// theirs.
type pipes struct {
	made chan net.Conn
	end  chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.made:
		return c, nil
	case <-p.end:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { close(p.end); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// TestUnreadBody: who announces a body and does not send it holds no connection for
// ever, whether the body is read or not; a body that comes, and an answer that takes
// its time after it, are not cut off.
func TestUnreadBody(t *testing.T) {
	for _, row := range []struct {
		name, text string
		handler    http.HandlerFunc
		after      time.Duration
		status     int
		kept       bool // the connection
	}{
		{
			name: "refused", text: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab",
			handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, after: bodyTimeout, status: 403,
		},
		{
			name: "in chunks", text: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nab",
			handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, after: bodyTimeout, status: 403,
		},
		{
			name: "read", text: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab",
			handler: func(w http.ResponseWriter, r *http.Request) {
				if _, err := io.ReadAll(r.Body); err != nil {
					w.WriteHeader(408)
				}
			}, after: bodyTimeout, status: 408,
		},
		{
			name: "late answer", text: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab",
			handler: func(w http.ResponseWriter, _ *http.Request) { time.Sleep(time.Minute); w.WriteHeader(403) }, after: time.Minute, status: 403,
		},
		{
			name: "all there", text: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab",
			handler: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(403) }, status: 403, kept: true,
		},
		{
			name: "all there, and read by who clears the deadline", text: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab",
			handler: func(w http.ResponseWriter, r *http.Request) {
				_, err := io.ReadAll(r.Body)
				err = errors.Join(err, http.NewResponseController(w).SetReadDeadline(time.Time{}))
				select {
				case <-time.After(time.Minute):
				case <-r.Context().Done():
					err = r.Context().Err()
				}
				if err != nil {
					w.WriteHeader(500)
				}
			}, after: time.Minute, status: 200, kept: true,
		},
		{
			name: "no body", text: "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
			handler: func(w http.ResponseWriter, r *http.Request) {
				select {
				case <-time.After(time.Minute):
				case <-r.Context().Done():
					w.WriteHeader(500)
				}
			}, after: time.Minute, status: 200, kept: true,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := pipes{make(chan net.Conn), make(chan struct{})}
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- Serve(ctx, l, &http.Server{Handler: row.handler}, 0) }()
				ours, theirs := net.Pipe()
				l.made <- theirs
				began := time.Now()
				if _, err := io.WriteString(ours, row.text); err != nil {
					t.Fatal(err)
				}
				answer, err := http.ReadResponse(bufio.NewReader(ours), nil)
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took != row.after || answer.StatusCode != row.status || answer.Close == row.kept {
					t.Errorf("%d after %v, closed %v; want %d after %v, closed %v", answer.StatusCode, took, answer.Close, row.status, row.after, !row.kept)
				}
				ours.Close()
				cancel()
				<-done
			})
		})
	}
}
