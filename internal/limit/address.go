package limit

import (
	"net/http"
	"net/netip"
	"strings"
)

// AddressKey is the key that an address shares with all that one subscriber can
// choose from: an IPv4 address itself, an IPv6 address by its first 64 bits.
// All invalid addresses share "-".
func AddressKey(address netip.Addr) string {
	network := addressNetwork(address)
	switch {
	case !network.IsValid():
		return "-"
	case network.IsSingleIP():
		return network.Addr().String()
	}
	return network.String()
}

func addressNetwork(address netip.Addr) netip.Prefix {
	return cut(address, 32, 64)
}

// CoarseNetwork is what may be remembered of where a request came from: enough to
// tell one site from another, and not one subscriber from the next. An IPv4
// address is cut to 24 bits, an IPv6 one to 48. An invalid address has none.
func CoarseNetwork(address netip.Addr) netip.Prefix { return cut(address, 24, 48) }

func cut(address netip.Addr, bits4, bits6 int) netip.Prefix {
	address = address.Unmap()
	bits := bits6
	if address.Is4() {
		bits = bits4
	}
	network, err := address.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}

// ClientAddress is the address that a request comes from: the peer's, or, where
// the peer is one of the trusted proxies, that of the right-most hop in
// X-Forwarded-For that is not. Reading stops at what is not an address: nobody
// we trust vouches for what stands before it, so the hop behind it is the answer.
// An IPv4 address within an IPv6 one comes out as IPv4, and zones are dropped.
// It is the zero Addr where the peer has no address (a Unix socket).
func ClientAddress(r *http.Request, trusted []netip.Prefix) netip.Addr {
	address, ok := parseHop(r.RemoteAddr)
	if !ok || !isTrusted(address, trusted) {
		return address
	}
	lines := r.Header["X-Forwarded-For"]
	for i := len(lines) - 1; i >= 0; i-- {
		for hops, more := lines[i], true; more; {
			var hop string
			hops, hop, more = cutLast(hops, ",")
			next, ok := parseHop(strings.Trim(hop, " \t"))
			if !ok {
				return address
			}
			address = next
			if !isTrusted(address, trusted) {
				return address
			}
		}
	}
	return address
}

// cutLast is strings.Cut from the right.
func cutLast(s, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):], true
	}
	return "", s, false
}

// parseHop reads an address, with or without a port.
func parseHop(hop string) (netip.Addr, bool) {
	// No text is both. The peer's, which every request has, comes with a port.
	if withPort, err := netip.ParseAddrPort(hop); err == nil {
		return withPort.Addr().Unmap().WithZone(""), true
	}
	if address, err := netip.ParseAddr(hop); err == nil {
		return address.Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

func isTrusted(address netip.Addr, trusted []netip.Prefix) bool {
	for _, network := range trusted {
		if network.Contains(address) {
			return true
		}
	}
	return false
}
