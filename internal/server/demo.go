package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/gateway"
)

// demo serves the API that a demonstration carries within itself, over
// connections in memory: it has no address, so that nobody gets past the gateway.
type demo struct {
	server    *http.Server
	accepted  chan net.Conn
	closed    chan struct{}
	closeOnce sync.Once
}

func startDemo(api http.Handler) *demo {
	d := &demo{
		server:   &http.Server{Handler: api, ReadHeaderTimeout: 5 * time.Second},
		accepted: make(chan net.Conn),
		closed:   make(chan struct{}),
	}
	go d.server.Serve(d)
	return d
}

// dial connects to the API; addresses other than the demo's are dialled as ever.
func (d *demo) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if host, _, err := net.SplitHostPort(address); err != nil || host != gateway.DemoHost {
		return (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, network, address)
	}
	ours, theirs := net.Pipe()
	select {
	case d.accepted <- theirs:
		return ours, nil
	case <-d.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept is net.Listener's.
func (d *demo) Accept() (net.Conn, error) {
	select {
	case c := <-d.accepted:
		return c, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

// Addr is net.Listener's; the demo has none that means anything.
func (d *demo) Addr() net.Addr { return demoAddr{} }

// Close is net.Listener's.
func (d *demo) Close() error {
	d.closeOnce.Do(func() { close(d.closed) })
	return nil
}

func (d *demo) close() error { return errors.Join(d.server.Close(), d.Close()) }

type demoAddr struct{}

func (demoAddr) Network() string { return "memory" }
func (demoAddr) String() string  { return gateway.DemoHost }
