package limit

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// How long a connection may take for the head of a request, and for a body that no
// handler has other plans for, and be idle between two. They are fixed because no
// client needs others.
const (
	headTimeout = 5 * time.Second
	bodyTimeout = 10 * time.Second
	idleTimeout = time.Minute
)

// Serve answers on a listener until the context ends, then lets what is under way
// finish, for grace at most. It sets s's time limits for heads, bodies and idle
// connections and lets it log nothing; whether it answers in TLS is s.TLSConfig's
// to say, and the rest is as the caller left it.
func Serve(ctx context.Context, l net.Listener, s *http.Server, grace time.Duration) error {
	s.ReadHeaderTimeout, s.IdleTimeout = headTimeout, idleTimeout
	s.ErrorLog, s.Handler = quiet, arriving(s.Handler)
	failed := make(chan error, 1)
	go func() {
		if s.TLSConfig != nil {
			failed <- s.ServeTLS(l, "", "")
			return
		}
		failed <- s.Serve(l)
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := s.Shutdown(ending)
	if errors.Is(err, context.DeadlineExceeded) {
		return s.Close()
	}
	return err
}

// arriving bounds how long a body may take that a handler leaves alone: package http
// reads it before it sends the answer, and would wait for ever. Who reads a body sets
// a deadline of their own. In HTTP/2 nothing waits for it.
func arriving(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 && r.ProtoMajor == 1 {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout)) // there is a connection
		}
		h.ServeHTTP(w, r)
	})
}

var quiet = log.New(io.Discard, "", 0) // what strangers do to a handshake is no news
