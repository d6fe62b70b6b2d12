package fetch

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
)

// TestAddressesThatAreNotDialled is row O10. What is not an address for Go is
// looked up; the resolver here says 127.0.0.1, as the C library says of most of
// them.
func TestAddressesThatAreNotDialled(t *testing.T) {
	f := New(Config{Resolver: resolver(t, "127.0.0.1")})
	for host := range strings.FieldsSeq(`
		0.0.0.0 0.1.2.3 0.255.255.255
		10.0.0.0 10.0.0.1 10.255.255.255
		100.64.0.0 100.64.0.1 100.127.255.255 100.100.100.200
		127.0.0.1 127.0.0.2 127.1.2.3 127.255.255.255
		169.254.0.1 169.254.169.254 169.254.170.2 169.254.255.255
		172.16.0.1 172.17.0.1 172.31.255.255
		192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 192.168.255.255
		198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1
		224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
		[::] [::1] [::2] [::ffff:0:0]
		[::ffff:127.0.0.1] [::ffff:10.0.0.1] [::ffff:169.254.169.254] [::ffff:7f00:1] [::127.0.0.1] [::ffff:0:127.0.0.1]
		[64:ff9b::127.0.0.1] [64:ff9b::a9fe:a9fe] [64:ff9b:1::1] [100::1] [5f00::1]
		[2001::1] [2001:0:7f00:1::] [2001:10::1] [2001:db8::1] [2002:7f00:1::] [2002:a9fe:a9fe::1] [3fff::1]
		[4000::1] [fc00::1] [fd00:ec2::254] [fe80::1] [fe80::1%25eth0] [fe80::1%25lo] [2606:4700::1%25eth0] [fec0::1] [febf::1] [ff02::1] [ff0e::1]
		localhost 0x7f.0.0.1 0x7f000001 metadata.google.internal`) {
		address := "https://" + host + "/"
		if _, err := f.Get(t.Context(), address, JSON); !errors.Is(err, ErrAddress) {
			t.Errorf("%s: %v", host, err)
		}
	}
	// Numbers that are no address for Go are no names for it either; the system's
	// resolver may think otherwise.
	for host := range strings.FieldsSeq("127.1 127.0.1 0177.0.0.1 2130706433 017700000001 127.0.0.1. 0") {
		for _, f := range []*Fetcher{f, New(Config{})} {
			_, err := f.Get(t.Context(), "https://"+host+"/", JSON)
			if _, unknown := errors.AsType[*net.DNSError](err); !unknown && !errors.Is(err, ErrAddress) {
				t.Errorf("%s: %v", host, err)
			}
		}
	}
}

func TestAddressesThatAreDialled(t *testing.T) {
	f := New(Config{Networks: []netip.Prefix{netip.MustParsePrefix("10.1.2.0/24"), netip.MustParsePrefix("fd00:1::/32")}})
	rows := map[string]bool{
		"1.1.1.1:443": true, "9.255.255.255:443": true, "11.0.0.0:443": true, "100.63.255.255:443": true, "100.128.0.0:443": true,
		"126.255.255.255:443": true, "128.0.0.0:443": true, "169.253.255.255:443": true, "169.255.0.0:443": true, "172.15.255.255:443": true, "172.32.0.0:443": true,
		"192.167.255.255:443": true, "192.169.0.0:443": true, "198.17.255.255:443": true, "198.20.0.0:443": true, "223.255.255.255:443": true,
		"[2606:4700::1111]:443": true, "[2a00::1]:443": true, "[3ffe::1]:443": true, "[2001:200::1]:443": true, "[::ffff:1.1.1.1]:443": true,

		"1.1.1.1:80": false, "1.1.1.1:8443": false, "1.1.1.1:22": false, "1.1.1.1:0": false, "[2606:4700::1111]:25": false,

		"10.1.2.0:443": true, "10.1.2.255:8080": true, "[::ffff:10.1.2.3]:443": true, "[fd00:1::5]:9": true,
		"10.1.1.255:443": false, "10.1.3.0:443": false, "[fd00:2::5]:443": false, "[fd00:1::5%eth0]:443": false, "127.0.0.1:443": false,
	}
	for text, want := range rows {
		if got := f.mayDial(netip.MustParseAddrPort(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	for _, network := range []string{"udp4", "unix", ""} {
		if err := f.control(t.Context(), network, "1.1.1.1:443", nil); !errors.Is(err, ErrAddress) {
			t.Errorf("%q: %v", network, err)
		}
	}
}

// TestRebinding: a name that led to a good address and now leads to one of ours.
// In the test 127.0.0.2 is the good one.
func TestRebinding(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // a test's
	var reached atomic.Int32
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			reached.Add(1)
			_ = conn.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	good := []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}
	for name, answers := range map[string][]string{
		"the second time":     {"127.0.0.2", "127.0.0.1"},
		"at once":             {"127.0.0.1"},
		"beside the good one": {"127.0.0.2 127.0.0.1"},
		"before the good one": {"127.0.0.1 127.0.0.2"},
		"each in turn":        {"127.0.0.2", "127.0.0.1", "127.0.0.2", "127.0.0.1"},
	} {
		f := New(Config{Networks: good, Resolver: resolver(t, answers...)})
		for range 4 {
			if _, err := f.Get(t.Context(), "https://rebind.example:"+port+"/", JSON); err == nil {
				t.Errorf("%s: it was fetched", name)
			}
		}
		if n := reached.Load(); n != 0 {
			t.Fatalf("%s: %d connections came", name, n)
		}
	}
	// The same with the address allowed, to see that the test can fail.
	f := New(Config{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Resolver: resolver(t, "127.0.0.1")})
	if _, err := f.Get(t.Context(), "https://rebind.example:"+port+"/", JSON); err == nil || reached.Load() == 0 {
		t.Errorf("the control: %v, %d connections", err, reached.Load())
	}
}
