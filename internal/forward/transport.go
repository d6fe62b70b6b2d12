package forward

import (
	"context"
	"net"
	"net/http"
	"time"
)

// Transport returns the transport to the APIs, with the time limits of a
// gateway. dial may be nil; it is how `grantway dev` reaches the API that it
// carries within itself.
func Transport(dial func(ctx context.Context, network, address string) (net.Conn, error)) *http.Transport {
	if dial == nil {
		dial = (&net.Dialer{Timeout: 2 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	}
	return &http.Transport{
		DialContext:           dial,
		MaxIdleConns:          1000,
		MaxIdleConnsPerHost:   100, // the default of two opens a connection for nearly every call
		IdleConnTimeout:       time.Minute,
		ResponseHeaderTimeout: 30 * time.Second,
		TLSHandshakeTimeout:   2 * time.Second,
		DisableCompression:    true, // bodies pass as they are
		// No proxy: what the environment says about proxies is not about our APIs.
	}
}
