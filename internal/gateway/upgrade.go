package gateway

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/forward"
)

// switching makes the proxy for requests that ask for WebSocket (RFC 6455 §4),
// the one protocol that a connection may change to: on one that changes to
// HTTP/2, requests would pass that no rule has seen.
func (g *Gateway) switching() *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			c := callOf(p.In)
			to := g.target(p.In, c)
			p.Out.URL, p.Out.Host = &to, to.Host
			p.Out.Trailer = nil // announced, they could be read as headers
			g.introduce(p.Out.Header, c, g.originOf(p.In))
		},
		Transport:     g.settings.Transport,
		FlushInterval: -1,
		ModifyResponse: func(answer *http.Response) error {
			g.returned(answer, callOf(answer.Request))
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) { g.failed(w, r, callOf(r), err) },
		ErrorLog:     log.New(io.Discard, "", 0), // failed says it, with the trace
	}
}

// switches reports whether a request asks for another protocol that is open.
func switches(h http.Header) bool {
	asked := h["Upgrade"]
	return len(asked) > 0 && strings.EqualFold(asked[0], "websocket")
}

// switched passes on a request that asks for WebSocket.
func (g *Gateway) switched(w http.ResponseWriter, r *http.Request, c *call) {
	ctx, cancel := context.WithCancel(context.WithValue(r.Context(), callKey{}, c))
	defer cancel() // also when the proxy panics because an answer broke off
	c.end = cancel
	g.switches.ServeHTTP(forward.Taken{ResponseWriter: w}, r.WithContext(ctx)) // HTTP/2 has no such requests
}

type callKey struct{}

func callOf(r *http.Request) *call { return r.Context().Value(callKey{}).(*call) }

// returned looks at the API's answer before it is passed back.
func (g *Gateway) returned(answer *http.Response, c *call) {
	delete(answer.Header, "X-Request-Id") // ours stands already
	c.discreet(answer.Header)
	if answer.StatusCode != http.StatusSwitchingProtocols {
		kind := answer.Header.Get("Content-Type")
		if kind, _, _ = strings.Cut(kind, ";"); !strings.EqualFold(strings.TrimSpace(kind), "text/event-stream") {
			return
		}
	}
	end := c.end
	if end == nil {
		end = func() { answer.Body.Close() } // which ends the connection that it comes over
	}
	c.timer = time.AfterFunc(g.left(c.token), end) // row S13
}
