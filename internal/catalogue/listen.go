package catalogue

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// listen resolves where a production server answers.
func (r *resolver) listen(c *Catalogue) Listen {
	v := r.file.Listen
	l := Listen{Address: v.Address, Metrics: v.Metrics, Verify: v.Verify, TLS: r.tls(c)}
	if l.Address == "" {
		l.Address = "127.0.0.1:8080"
		if l.TLS.Enabled() {
			l.Address = ":443"
		}
	}
	r.address("listen.address", l.Address)
	if l.Metrics != "" {
		r.address("listen.metrics", l.Metrics)
		if l.Metrics == l.Address {
			r.report("listen.metrics", "is the public address", "choose another port, or leave it away")
		}
	}
	if l.Verify != "" {
		r.address("listen.verify", l.Verify)
		picked := strings.HasSuffix(l.Verify, ":0") // a port of its own, whatever the others say
		if (l.Verify == l.Address || l.Verify == l.Metrics) && !picked {
			r.report("listen.verify", "is an address that answers something else", "choose another port, or leave it away")
		}
	}
	for i, text := range v.TrustedProxies {
		path := index("listen.trusted_proxies", i)
		switch prefix, good := r.network(path, text); {
		case !good:
		case prefix.Bits() == 0:
			r.report(path, "everybody would be trusted", "name the addresses of the proxies")
		default:
			l.Trusted = append(l.Trusted, prefix)
		}
	}
	return l
}

// network reads an address or a network, and reports what is neither.
func (r *resolver) network(path, text string) (prefix netip.Prefix, good bool) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		var address netip.Addr
		if address, err = netip.ParseAddr(text); err == nil && address.Zone() == "" {
			prefix = netip.PrefixFrom(address, address.BitLen())
		}
	}
	switch {
	case err != nil || !prefix.IsValid():
		r.report(path, quote(text)+" is neither an address nor a network", "write 10.0.0.7 or 10.0.0.0/8")
	case prefix.Masked() != prefix:
		r.report(path, quote(text)+" is an address within a network", "write "+prefix.Masked().String()+" for the network")
	default:
		return prefix, true
	}
	return netip.Prefix{}, false
}

func (r *resolver) address(path, text string) {
	host, port, err := net.SplitHostPort(text)
	n, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil || strconv.FormatUint(n, 10) != port || strings.ContainsAny(host, " /") {
		r.report(path, quote(text)+" is not a host and a port", "write host:port, or :port for every address of the machine")
	}
}

func (r *resolver) tls(c *Catalogue) TLS {
	v := r.file.Listen.TLS
	t := TLS{Certificate: v.Certificate, Key: v.Key, ACME: v.ACME, Directory: v.Directory}
	const path = "listen.tls"
	if (t.Certificate == "") != (t.Key == "") {
		r.report(path, "certificate and key go together", "give both, or neither")
	}
	if t.Certificate != "" && t.ACME != "" {
		r.report(path, "certificates come from files or from ACME, not from both", "leave one away")
	}
	if t.ACME != "" && !strings.Contains(t.ACME, "@") {
		r.report(path+".acme", quote(t.ACME)+" is not an e-mail address", "")
	}
	if t.Directory != "" {
		if u, err := url.Parse(t.Directory); t.ACME == "" || err != nil || u.Scheme != "https" || u.Host == "" {
			r.report(path+".directory", "needs an https URL, and an account under acme", "")
		}
	}
	if t.ACME != "" {
		var answered []*url.URL
		for _, e := range c.All() {
			answered = append(answered, e.Issuer, e.Base)
		}
		for _, part := range c.parts() {
			answered = append(answered, part.url)
		}
		for _, u := range answered {
			if u != nil && !Loopback(u) && !slices.Contains(t.Hosts, u.Hostname()) {
				t.Hosts = append(t.Hosts, u.Hostname())
			}
		}
	}
	return t
}

func (r *resolver) sealingKey() string {
	text := r.file.SealingKey
	source, name, _ := strings.Cut(text, ":")
	switch {
	case text == "":
	case source == "file" && name != "", source == "env" && isWord(name):
	default:
		// Without quoting it: it may be the key.
		r.report("sealing_key", "does not say where the key comes from", "write file:PATH or env:NAME; `openssl rand -hex 32` makes a key")
	}
	return text
}
