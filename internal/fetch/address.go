package fetch

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
)

// control sees every address that is dialled, after names were resolved: a name
// that led elsewhere a moment ago, a number written in octal, an address within
// another one all end here.
func (f *Fetcher) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !strings.HasPrefix(network, "tcp") || !f.mayDial(to) {
		return fmt.Errorf("%w: %s", ErrAddress, address)
	}
	return nil
}

// mayDial: the public internet at the port of https, and what the configuration
// names.
func (f *Fetcher) mayDial(to netip.AddrPort) bool {
	if to.Addr().Zone() != "" {
		return false
	}
	address := to.Addr().Unmap() // ::ffff:127.0.0.1 is 127.0.0.1
	for _, network := range f.config.Networks {
		if network.Contains(address) {
			return true
		}
	}
	if f.config.Loopback && address.IsLoopback() {
		return true
	}
	return to.Port() == 443 && isPublic(address)
}

// isPublic reports whether an address can belong to anybody's server. Of IPv6 it
// takes what is assigned for that (2000::/3), so that whatever stands for an IPv4
// address, a link or a group of machines is out without being listed.
func isPublic(address netip.Addr) bool {
	special := special4
	if address.Is6() {
		if !unicast6.Contains(address) {
			return false
		}
		special = special6
	}
	for _, network := range special {
		if network.Contains(address) {
			return false
		}
	}
	return address.IsValid()
}

var (
	unicast6 = netip.MustParsePrefix("2000::/3")

	// What IANA keeps for special purposes (RFC 6890 and its registries).
	special4 = prefixes(
		"0.0.0.0/8",       // this network
		"10.0.0.0/8",      // private
		"100.64.0.0/10",   // shared by the customers of a provider
		"127.0.0.0/8",     // this machine
		"169.254.0.0/16",  // this link; the metadata of cloud machines
		"172.16.0.0/12",   // private
		"192.0.0.0/24",    // protocols
		"192.0.2.0/24",    // documents
		"192.88.99.0/24",  // 6to4 relays
		"192.168.0.0/16",  // private
		"198.18.0.0/15",   // measurements
		"198.51.100.0/24", // documents
		"203.0.113.0/24",  // documents
		"224.0.0.0/4",     // groups
		"240.0.0.0/4",     // kept, and broadcast
	)
	special6 = prefixes(
		"2001::/23",     // protocols; Teredo, which stands for an IPv4 address
		"2001:db8::/32", // documents
		"2002::/16",     // 6to4, which stands for an IPv4 address
		"3fff::/20",     // documents
	)
)

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}
