package server

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/limit"
)

// Limits of the connection, fixed because no client needs others.
const (
	bodyTimeout    = 10 * time.Second
	handlerTimeout = 15 * time.Second // then whatever an endpoint waits for is unavailable: 503
	writeTimeout   = 30 * time.Second // not on gateway routes, which stream
	maxStreams     = 100              // of one HTTP/2 connection
	maxHeader      = 24 << 10         // bytes; package limit refuses less than this with an answer that explains
)

// Serve answers on a listener until the context ends, then lets what is under
// way finish, for Grace at most.
func (s *Server) Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	defer context.AfterFunc(ctx, s.hangUp)()
	return serve(ctx, bounded(l, s.current.Load().catalogue), h)
}

// bounded bounds the connections of a listener.
func bounded(l net.Listener, c *catalogue.Catalogue) net.Listener {
	return limit.Listener(l, c.Limits.ConnectionsPerClient, c.Limits.Connections, c.Listen.Trusted)
}

func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	return limit.Serve(ctx, l, &http.Server{
		Handler: h, MaxHeaderBytes: maxHeader, HTTP2: &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
	}, Grace)
}
