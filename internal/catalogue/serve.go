package catalogue

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/wire"
)

// Loopback reports whether the host of a URL is this machine by any name.
func Loopback(u *url.URL) bool { return loopback(u.Hostname()) }

func loopback(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return address.Unmap().IsLoopback()
	}
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// Enabled reports whether the server speaks TLS itself.
func (t TLS) Enabled() bool { return t.Certificate != "" || t.ACME != "" }

// CheckServe returns what is unsafe about the catalogue for production, each
// with its cure; `grantway dev` does without. Faults.Refused leaves the warnings
// out. It does not look at files, keys or the network.
func CheckServe(c *Catalogue) Faults {
	s := serveCheck{c: c}
	if c.SealingKey == "" {
		s.refuse("sealing_key", "is missing, so that signing keys would lie in the store unsealed",
			"write sealing_key: file:PATH or env:NAME; `openssl rand -hex 32` makes a key")
	}
	return s.all()
}

// CheckGateway is CheckServe for `grantway gateway`, which signs nothing and so
// needs no sealing key.
func CheckGateway(c *Catalogue) Faults {
	s := serveCheck{c: c}
	return s.all()
}

// all checks what is the same for everything that answers in production.
func (s *serveCheck) all() Faults {
	c := s.c
	s.listener()
	origins := map[string]string{}
	for _, e := range c.All() {
		path := placeOf(e)
		for _, at := range []struct {
			key string
			url *url.URL
		}{{"issuer", e.Issuer}, {"api", e.Base}} {
			if at.url.Scheme != "https" && !Loopback(at.url) {
				s.refuse(join(path, at.key), "is http, so that secrets and tokens could be read on their way", "write https")
			}
			origin := Origin(at.url)
			if other := origins[origin]; other != "" && other != e.Name {
				s.refuse(join(path, at.key), "has the origin of "+other+", so that browsers cannot keep the two apart",
					"give each environment a host of its own, or a port on loopback")
				break
			}
			origins[origin] = e.Name
		}
		for i := range e.Clients {
			client := &e.Clients[i]
			if problem, hint := wire.CheckNotice(client.SignIn.LogoutNotice, false); client.SignIn.LogoutNotice != "" && problem != "" {
				s.refuse(join(join("clients", client.ID), "backchannel_logout_uri"), problem, hint)
			}
		}
		if e == c.Home {
			continue // the server answers its API itself
		}
		for _, a := range e.APIs {
			s.api(e, a)
		}
	}
	s.parts(origins)
	return s.faults.sorted()
}

// parts checks where people open the console and the portal: origins of their own,
// so that no page of theirs can read another's, nor an API's answer one of theirs.
func (s *serveCheck) parts(origins map[string]string) {
	for _, part := range s.c.parts() {
		if part.url.Scheme != "https" && !Loopback(part.url) {
			s.refuse(part.key, "is http, so that sessions could be read on their way", "write https")
		}
		origin := Origin(part.url)
		if other := origins[origin]; other != "" {
			s.refuse(part.key, "has the origin of "+other+", so that browsers cannot keep the two apart", "give it a host of its own, or a port on loopback")
		}
		origins[origin] = part.key
	}
	if s.c.Console == nil || s.c.Console.Listen == "" {
		return
	}
	host, _, _ := net.SplitHostPort(s.c.Console.Listen) // Parse has looked at it
	switch {
	case loopback(host) || s.c.Console.URL != nil && s.c.Console.URL.Scheme == "https" && (s.c.Listen.TLS.Enabled() || len(s.c.Listen.Trusted) > 0):
	default:
		s.refuse("home.console.listen", s.c.Console.Listen+" is open to others in plain HTTP", "listen on 127.0.0.1, or give an https url and certificates under listen.tls")
	}
	if !near(host) {
		s.warn("home.console.listen", s.c.Console.Listen+" is open to everybody: whoever reaches it can try to sign in as an operator",
			"listen on 127.0.0.1 or an address of a private network")
	}
}

type serveCheck struct {
	c      *Catalogue
	faults Faults
}

func (s *serveCheck) refuse(path, problem, hint string) {
	f := s.c.places.fault(path, problem, hint)
	if !slices.Contains(s.faults, f) {
		s.faults = append(s.faults, f)
	}
}

func (s *serveCheck) warn(path, problem, hint string) {
	f := s.c.places.fault(path, problem, hint)
	f.Warning = true
	if !slices.Contains(s.faults, f) {
		s.faults = append(s.faults, f)
	}
}

func (s *serveCheck) listener() {
	if verify, _, err := net.SplitHostPort(s.c.Listen.Verify); err == nil && (verify == "" || !near(verify)) {
		s.warn("listen.verify", s.c.Listen.Verify+" is open to others: whoever reaches it can try tokens and learn what they may",
			"listen on 127.0.0.1 or an address of a private network")
	}
	host, _, _ := net.SplitHostPort(s.c.Listen.Address) // Parse has looked at it
	if s.c.Listen.TLS.Enabled() || loopback(host) || len(s.c.Listen.Trusted) > 0 {
		return
	}
	s.refuse("listen.address", s.c.Listen.Address+" is open to others in plain HTTP",
		"give certificates under listen.tls, listen on 127.0.0.1, or name the proxy in front under listen.trusted_proxies")
}

func (s *serveCheck) api(e *Environment, a *API) {
	path := join("apis", a.Name)
	if u := a.Upstream; u.Scheme == Demo {
		s.refuse(join(path, "upstream"), "is the demonstration API", "write the URL of your API")
	} else if u.Scheme != "https" && !near(u.Hostname()) {
		s.refuse(join(path, "upstream"), "in "+e.Name+", requests would go on to "+quote(u.Hostname())+" in plain HTTP", "write https, or an address of a private network")
	}
	if a.Token.Format == JWT && !slices.Contains(jose.Algorithms(), a.Token.Algorithm) {
		s.refuse(join(join(path, "token"), "algorithm"), quote(string(a.Token.Algorithm))+" is no signature", "write ES256")
	}
	s.issuers(a)
	lifetime := join(join(path, "token"), "lifetime")
	switch t := a.Token.Lifetime; {
	case t > 24*time.Hour:
		s.refuse(lifetime, fmt.Sprintf("%v is more than 24h: a leaked token would be good for too long", t), "write 24h at most, best 1h")
	case t > time.Hour && a.Token.Format == JWT: // an opaque one is asked about at every use
		s.warn(lifetime, fmt.Sprintf("%v is more than 1h: verifiers that only read the keys accept a revoked token that long", t), "write 1h unless clients need more")
	case t <= time.Minute:
		s.warn(lifetime, fmt.Sprintf("%v is a minute or less: clients that renew a minute early ask for a token each time", t), "write 15m or more")
	}
}

// near reports whether a host is on this machine or, by its address or name, on
// a private network.
func near(host string) bool {
	if loopback(host) {
		return true
	}
	if address, err := netip.ParseAddr(host); err == nil {
		return address.Unmap().IsPrivate()
	}
	if !strings.Contains(host, ".") {
		return true // a name of a container network or of the local domain
	}
	for _, suffix := range []string{".internal", ".local", ".lan", ".home.arpa"} { // RFC 6762, RFC 8375
		if strings.HasSuffix(strings.ToLower(host), suffix) {
			return true
		}
	}
	return false
}
