package limit

import (
	"net/http"
	"net/netip"
	"testing"
)

// S23: an IPv6 subscriber has 2^64 addresses, and one key.
func TestAddressKey(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1":                "192.0.2.1",
		"::ffff:192.0.2.1":         "192.0.2.1",
		"2001:db8:1:2:3:4:5:6":     "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff:ffff::": "2001:db8:1:2::/64",
		"2001:db8:1:3:ffff:ffff::": "2001:db8:1:3::/64",
		"fe80::1%eth0":             "fe80::/64",
		"::1":                      "::/64",
	} {
		if got := AddressKey(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
	if got := AddressKey(netip.Addr{}); got != "-" {
		t.Errorf("no address: %s", got)
	}
}

var proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}

func TestCoarseNetwork(t *testing.T) {
	for address, want := range map[string]string{
		"203.0.113.9":        "203.0.113.0/24",
		"203.0.113.255":      "203.0.113.0/24",
		"203.0.114.0":        "203.0.114.0/24",
		"::ffff:203.0.113.9": "203.0.113.0/24",
		"2001:db8:1:2::3":    "2001:db8:1::/48",
		"2001:db8:1:ffff::":  "2001:db8:1::/48",
		"2001:db8:2::":       "2001:db8:2::/48",
		"fe80::1%eth0":       "fe80::/48",
	} {
		if got := CoarseNetwork(netip.MustParseAddr(address)); got.String() != want {
			t.Errorf("the network of %s is %v, want %s", address, got, want)
		}
	}
	if got := CoarseNetwork(netip.Addr{}); got.IsValid() {
		t.Errorf("the network of no address is %v", got)
	}
}

func TestClientAddress(t *testing.T) {
	for _, row := range []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"peer", "192.0.2.1:1234", nil, "192.0.2.1"},
		{"peer by IPv6", "[2001:db8::1]:1234", nil, "2001:db8::1"},
		{"peer with a zone", "[fe80::1%eth0]:1234", nil, "fe80::1"},
		{"peer mapped", "[::ffff:192.0.2.1]:1234", nil, "192.0.2.1"},
		{"untrusted peer forges", "192.0.2.1:1234", []string{"198.51.100.1"}, "192.0.2.1"},
		{"trusted peer", "10.0.0.1:1234", []string{"198.51.100.1"}, "198.51.100.1"},
		{"trusted peer mapped", "[::ffff:10.0.0.1]:1234", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"trusted peer says nothing", "10.0.0.1:1234", nil, "10.0.0.1"},
		{"client forges", "10.0.0.1:1234", []string{"203.0.113.9, 198.51.100.1"}, "198.51.100.1"},
		{"client forges a line", "10.0.0.1:1234", []string{"203.0.113.9", "198.51.100.1"}, "198.51.100.1"},
		{"client forges a proxy", "10.0.0.1:1234", []string{"203.0.113.9, 10.0.0.7, 198.51.100.1"}, "198.51.100.1"},
		{"two proxies", "10.0.0.1:1234", []string{"203.0.113.9, 198.51.100.1 ,\t10.0.0.2"}, "198.51.100.1"},
		{"two proxies, two lines", "10.0.0.1:1234", []string{"203.0.113.9, 198.51.100.1", "fd00::2"}, "198.51.100.1"},
		{"only proxies", "10.0.0.1:1234", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"with ports", "10.0.0.1:1234", []string{"[2001:db8::1]:80, 10.0.0.2:99"}, "2001:db8::1"},
		{"T16: no address", "10.0.0.1:1234", []string{"unknown"}, "10.0.0.1"},
		{"T16: no address at the right", "10.0.0.1:1234", []string{"203.0.113.9, <script>"}, "10.0.0.1"},
		{"T16: no address at the left", "10.0.0.1:1234", []string{"localhost, 198.51.100.1"}, "198.51.100.1"},
		{"T16: empty", "10.0.0.1:1234", []string{""}, "10.0.0.1"},
		{"T16: a network", "10.0.0.1:1234", []string{"198.51.100.0/24"}, "10.0.0.1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: row.peer, Header: http.Header{"X-Forwarded-For": row.forwarded}}
			if got := ClientAddress(r, proxies); got.String() != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
		})
	}
	if got := ClientAddress(&http.Request{RemoteAddr: "@"}, proxies); got.IsValid() {
		t.Errorf("Unix socket: %s", got)
	}
}

// Whatever is forwarded: an untrusted peer is itself, and what a trusted proxy
// put last is the answer.
func FuzzClientAddress(f *testing.F) {
	f.Add("192.0.2.1", "198.51.100.1")
	f.Add("unknown, 10.0.0.1", "::ffff:10.0.0.2")
	f.Add(",,[::1]:80,", "a%b")
	f.Fuzz(func(t *testing.T, forged, line string) {
		client := netip.MustParseAddr("203.0.113.9")
		header := http.Header{"X-Forwarded-For": {forged, line}}
		if got := ClientAddress(&http.Request{RemoteAddr: "203.0.113.9:1", Header: header}, proxies); got != client {
			t.Errorf("an untrusted peer is taken for %s", got)
		}
		header["X-Forwarded-For"] = []string{forged, line + ", 203.0.113.9"}
		if got := ClientAddress(&http.Request{RemoteAddr: "10.0.0.1:1", Header: header}, proxies); got != client {
			t.Errorf("a client forged %s", got)
		}
		header["X-Forwarded-For"] = []string{forged, line}
		got := ClientAddress(&http.Request{RemoteAddr: "10.0.0.1:1", Header: header}, proxies)
		if !got.IsValid() || got.Zone() != "" || got.Is4In6() {
			t.Errorf("a trusted peer gives %s", got)
		}
	})
}
