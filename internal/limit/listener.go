package limit

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// tooBusy is written without having read a request, so it can say no more.
const tooBusy = "HTTP/1.1 503 Service Unavailable\r\n" +
	"Retry-After: 5\r\n" +
	"Content-Length: 0\r\n" +
	"Connection: close\r\n\r\n"

// Listener bounds the connections open at one time: perAddress from one address
// (by the network that [AddressKey] names), beyond which they are closed at
// once, and total altogether, beyond which they are answered 503 and closed
// without being read. Zero means unbounded. Trusted proxies, and peers without
// an address, count for the total only.
//
// It belongs beneath TLS, whose client takes the 503 for a failed handshake.
// A connection gives its place back when it is closed, however often that is.
func Listener(l net.Listener, perAddress, total int, trusted []netip.Prefix) net.Listener {
	return &listener{
		Listener:   l,
		perAddress: perAddress,
		total:      total,
		trusted:    trusted,
		from:       make(map[netip.Prefix]int),
	}
}

type listener struct {
	net.Listener
	perAddress, total int
	trusted           []netip.Prefix

	mu   sync.Mutex
	open int
	from map[netip.Prefix]int // open connections by network, never zero
}

// Accept waits for the next connection that is within the bounds.
func (l *listener) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		network := l.network(accepted)
		switch l.take(network) {
		case granted:
			return &conn{
				Conn: accepted, release: sync.OnceFunc(func() { l.give(network) }),
				reads: deadline{set: accepted.SetReadDeadline}, writes: deadline{set: accepted.SetWriteDeadline},
			}, nil
		case full:
			// The buffer of a new connection takes this without waiting; the
			// deadline is for one that does not.
			_ = accepted.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
			_, _ = accepted.Write([]byte(tooBusy))
		}
		_ = accepted.Close()
	}
}

// network is what a connection is counted under besides the total, or the zero
// Prefix.
func (l *listener) network(accepted net.Conn) netip.Prefix {
	if l.perAddress <= 0 {
		return netip.Prefix{}
	}
	address, ok := parseHop(accepted.RemoteAddr().String())
	if !ok || isTrusted(address, l.trusted) {
		return netip.Prefix{}
	}
	return addressNetwork(address)
}

// verdict is what becomes of a new connection.
type verdict int

const (
	granted verdict = iota
	crowded         // too many from its network
	full            // too many altogether
)

func (l *listener) take(network netip.Prefix) verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	if network.IsValid() && l.from[network] >= l.perAddress {
		return crowded
	}
	if l.total > 0 && l.open >= l.total {
		return full
	}
	l.open++
	if network.IsValid() {
		l.from[network]++
	}
	return granted
}

func (l *listener) give(network netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if !network.IsValid() {
		return
	}
	if l.from[network]--; l.from[network] == 0 {
		delete(l.from, network)
	}
}

// conn gives its place back when it is closed, and keeps its deadlines itself.
type conn struct {
	net.Conn
	release       func()
	reads, writes deadline
}

// Close closes the connection; the first call gives its place back.
func (c *conn) Close() error {
	defer c.release()
	return c.Conn.Close()
}

// Read is net.Conn's.
func (c *conn) Read(b []byte) (n int, err error) {
	if err := c.reads.begin(); err != nil {
		return 0, err
	}
	for {
		n, err = c.Conn.Read(b)
		if !c.reads.again(err) {
			return n, err
		}
	}
}

// Write is net.Conn's.
func (c *conn) Write(b []byte) (n int, err error) {
	if err := c.writes.begin(); err != nil {
		return 0, err
	}
	for {
		some, err := c.Conn.Write(b[n:])
		n += some
		if !c.writes.again(err) {
			return n, err
		}
	}
}

// SetDeadline is net.Conn's.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.reads.want(t), c.writes.want(t))
}

// SetReadDeadline is net.Conn's.
func (c *conn) SetReadDeadline(t time.Time) error { return c.reads.want(t) }

// SetWriteDeadline is net.Conn's.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.writes.want(t) }
