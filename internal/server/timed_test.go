package server

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// TestHandlerTimeout: what an endpoint waits for, a store or a turn to hash, ends
// after fifteen seconds and not before.
func TestHandlerTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		timed(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			time.Sleep(15*time.Second - time.Nanosecond)
			if err := r.Context().Err(); err != nil {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
			<-r.Context().Done()
		})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
		if took := time.Since(began); took != 15*time.Second {
			t.Errorf("ended after %v", took)
		}
	})
}

// A pipe is a listener for the connections that are put into it.
type pipe chan net.Conn

// Accept is net.Listener's.
func (p pipe) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

// Close is net.Listener's.
func (p pipe) Close() error { close(p); return nil }

// Addr is net.Listener's.
func (p pipe) Addr() net.Addr { return &net.UnixAddr{} }

// TestLongAnswer: an answer may take longer than a body may take to come, as an export
// does. Who waits for it has not gone.
func TestLongAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var gone error
		server := &http.Server{Handler: timed(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			time.Sleep(bodyTimeout + time.Second)
			gone = r.Context().Err()
		}))}
		client, accepted := net.Pipe()
		l := make(pipe, 1)
		l <- accepted
		served := make(chan error, 1)
		go func() { served <- server.Serve(l) }()
		if _, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil || answer.StatusCode != http.StatusOK || gone != nil {
			t.Errorf("%v, %v; the client has gone: %v", answer, err, gone)
		}
		if err := errors.Join(client.Close(), server.Close()); err != nil {
			t.Error(err)
		}
		<-served
	})
}

// TestRequestContext: a request's context keeps what package context promises,
// whether somebody waits for it or not.
func TestRequestContext(t *testing.T) {
	type name struct{}
	synctest.Test(t, func(t *testing.T) {
		outer, leave := context.WithCancel(context.WithValue(t.Context(), name{}, "value"))
		defer leave()
		made := func() *requestContext { return &requestContext{Context: outer, began: time.Now()} }

		free := made()
		if _, ok := free.Deadline(); ok || free.Err() != nil || free.Done() != outer.Done() {
			t.Error("without a limit it is not what it was before")
		}
		asked, waited, ended, late := made(), made(), made(), made()
		for _, c := range []*requestContext{asked, waited, ended, late} {
			c.limit(time.Second)
			if at, ok := c.Deadline(); !ok || time.Until(at) != time.Second || c.Err() != nil {
				t.Errorf("deadline %v, %v", at, c.Err())
			}
		}
		child, cancel := context.WithTimeout(waited, time.Minute)
		defer cancel()
		if first := waited.Done(); first != waited.Done() || child.Value(name{}) != "value" || asked.Value(name{}) != "value" {
			t.Error("Done differs from call to call, or a value is lost")
		}
		ended.Done()
		ended.end()
		late.end()
		<-late.Done()
		for _, c := range []*requestContext{ended, late} {
			if c.Err() != context.Canceled {
				t.Errorf("after the end: %v", c.Err())
			}
		}
		time.Sleep(time.Second - time.Nanosecond)
		if asked.Err() != nil || child.Err() != nil {
			t.Errorf("too early: %v, %v", asked.Err(), child.Err())
		}
		time.Sleep(time.Nanosecond)
		<-child.Done()
		if asked.Err() != context.DeadlineExceeded || child.Err() != context.DeadlineExceeded {
			t.Errorf("in time: %v, %v", asked.Err(), child.Err())
		}
		<-asked.Done()

		gone := made()
		gone.limit(time.Second)
		leave()
		<-gone.Done()
		if gone.Err() != context.Canceled || free.Err() != context.Canceled {
			t.Errorf("when the client has gone: %v, %v", gone.Err(), free.Err())
		}
	})
}
