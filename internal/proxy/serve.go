package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/grantway/grantway/internal/limit"
)

// Limits of connections.
const (
	headerTimeout = 5 * time.Second
	idleTimeout   = time.Minute
	grace         = 25 * time.Second // for what is under way when the proxy stops
	perAddress    = 100
	connections   = 10_000
)

// Serve answers on a listener until the context ends, then lets what is under way
// finish, for 25 seconds at most. config may be nil: plain HTTP.
func (p *Proxy) Serve(ctx context.Context, l net.Listener, config *tls.Config) error {
	from := perAddress
	if p.config.Inject {
		from = 0 // the program is one address
	}
	l = limit.Listener(l, from, connections, p.config.Listen.Trusted)
	server := &http.Server{
		Handler: p, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, TLSConfig: config,
		MaxHeaderBytes: int(p.config.Limits.Headers) + 8<<10, // package limit refuses less with an answer that explains
		ErrorLog:       log.New(io.Discard, "", 0),           // what strangers do to a handshake is no news
	}
	failed := make(chan error, 1)
	go func() {
		if config != nil {
			failed <- server.ServeTLS(l, "", "")
			return
		}
		failed <- server.Serve(l)
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := server.Shutdown(ending)
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return err
}
