package proxy

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"github.com/grantway/grantway/internal/limit"
)

// Limits of connections.
const (
	grace       = 25 * time.Second // for what is under way when the proxy stops
	perAddress  = 100
	connections = 10_000
)

// Serve answers on a listener until the context ends, then lets what is under way
// finish, for 25 seconds at most, and five more for the tokens of people who signed
// out. config may be nil: plain HTTP.
func (p *Proxy) Serve(ctx context.Context, l net.Listener, config *tls.Config) error {
	from := perAddress
	if p.config.Inject {
		from = 0 // the program is one address
	}
	l = limit.Listener(l, from, connections, p.config.Listen.Trusted)
	defer p.ending.Wait()
	return limit.Serve(ctx, l, &http.Server{
		Handler: p, TLSConfig: config,
		MaxHeaderBytes: int(p.config.Limits.Headers) + 8<<10, // package limit refuses less with an answer that explains
	}, grace)
}
