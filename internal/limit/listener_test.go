package limit

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"testing"
)

// T15, over real sockets.
func TestListenerTotal(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	limited := Listener(inner, 0, 3, nil)
	defer limited.Close()
	accepted := make(chan net.Conn)
	go func() {
		defer close(accepted)
		for {
			c, err := limited.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	var open []net.Conn
	for range 3 {
		dial()
		open = append(open, <-accepted)
	}
	refused := func() {
		t.Helper()
		answer, err := http.ReadResponse(bufio.NewReader(dial()), nil)
		if err != nil || answer.StatusCode != 503 || answer.Header.Get("Retry-After") == "" {
			t.Fatalf("over the limit: %v, %v", answer, err)
		}
	}
	refused()
	// One place is given back, though its connection is closed three times.
	for range 3 {
		open[0].Close()
	}
	dial()
	open[0] = <-accepted
	refused()
	limited.Close()
	if _, more := <-accepted; more {
		t.Error("a connection beyond the limit")
	}
}

func TestListenerPerAddress(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, row := range []struct {
		name    string
		peers   []string
		granted int
	}{
		{"at the limit", []string{"192.0.2.1:1", "192.0.2.1:2"}, 2},
		{"beyond the limit", []string{"192.0.2.1:1", "192.0.2.1:2", "192.0.2.1:3"}, 2},
		{"mapped", []string{"192.0.2.1:1", "192.0.2.1:2", "[::ffff:192.0.2.1]:3"}, 2},
		{"two addresses", []string{"192.0.2.1:1", "192.0.2.1:2", "192.0.2.2:3"}, 3},
		{"one IPv6 network", []string{"[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::3]:1"}, 2},
		{"two IPv6 networks", []string{"[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8:0:1::3]:1"}, 3},
		{"trusted proxy", []string{"10.0.0.1:1", "10.0.0.1:2", "10.0.0.1:3"}, 3},
		{"no address", []string{"@", "@", "@"}, 3},
	} {
		t.Run(row.name, func(t *testing.T) {
			peers := &peers{addresses: row.peers}
			limited := Listener(peers, 2, 100, proxies)
			open := drain(t, limited)
			if len(open) != row.granted || peers.closed != len(row.peers)-row.granted || peers.written != "" {
				t.Errorf("%d granted, %d closed, written %q; want %d granted", len(open), peers.closed, peers.written, row.granted)
			}
			for _, c := range open {
				c.Close()
				c.Close()
			}
			inner := limited.(*listener)
			if inner.open != 0 || len(inner.from) != 0 {
				t.Errorf("after closing: %d open, %v", inner.open, inner.from)
			}
			peers.addresses = row.peers
			if again := drain(t, limited); len(again) != row.granted {
				t.Errorf("after closing: %d granted, want %d", len(again), row.granted)
			}
		})
	}
}

func TestListenerTotalAcrossAddresses(t *testing.T) {
	peers := &peers{addresses: []string{"192.0.2.1:1", "10.0.0.1:1", "192.0.2.3:1"}}
	open := drain(t, Listener(peers, 2, 2, proxies))
	if len(open) != 2 || peers.written != tooBusy || peers.closed != 1 {
		t.Errorf("%d granted, written %q", len(open), peers.written)
	}
}

func drain(t *testing.T, l net.Listener) (open []net.Conn) {
	t.Helper()
	for {
		c, err := l.Accept()
		if errors.Is(err, io.EOF) {
			return open
		}
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
}

// peers is a listener to which one connection comes from each address.
type peers struct {
	addresses []string
	closed    int
	written   string
}

func (p *peers) Close() error   { return nil }
func (p *peers) Addr() net.Addr { return nil }

func (p *peers) Accept() (net.Conn, error) {
	if len(p.addresses) == 0 {
		return nil, io.EOF
	}
	c, other := net.Pipe()
	other.Close()
	peer := &peer{Conn: c, peers: p, address: p.addresses[0]}
	p.addresses = p.addresses[1:]
	return peer, nil
}

type peer struct {
	net.Conn
	peers   *peers
	address string
}

func (p *peer) RemoteAddr() net.Addr        { return address(p.address) }
func (p *peer) Write(b []byte) (int, error) { p.peers.written += string(b); return len(b), nil }
func (p *peer) Close() error                { p.peers.closed++; return p.Conn.Close() }

type address string

func (a address) Network() string { return "tcp" }
func (a address) String() string  { return string(a) }
