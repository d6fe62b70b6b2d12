package catalogue

import (
	"net/netip"
	"slices"
)

// privateNetworks are those that outbound.networks may open. Link-local addresses
// are not among them, since a cloud's machines tell their credentials there.
var privateNetworks = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"), // RFC 1918
	netip.MustParsePrefix("100.64.0.0/10"),                                 // RFC 6598
	netip.MustParsePrefix("fc00::/7"),                                      // RFC 4193
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"), // this machine
}

// outbound resolves where the server may go by itself.
func (r *resolver) outbound() Outbound {
	o := Outbound{CA: r.file.Outbound.CA}
	r.besides(o.CA)
	for i, text := range r.file.Outbound.Networks {
		path := index("outbound.networks", i)
		switch network, good := r.network(path, text); {
		case !good:
		case !slices.ContainsFunc(privateNetworks, func(p netip.Prefix) bool { return p.Bits() <= network.Bits() && p.Contains(network.Addr()) }):
			r.report(path, quote(text)+" is not within a private network", "name a part of 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10 or fc00::/7, or of this machine")
		default:
			o.Networks = append(o.Networks, network)
		}
	}
	return o
}
