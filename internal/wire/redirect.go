package wire

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Limits of redirect URIs (row A21).
const (
	MaxRedirects   = 50   // of one client
	MaxRedirectURI = 2048 // bytes
)

// CheckRedirect says what is wrong with a redirect URI that a client wants to
// register, and what to do; two empty texts mean that it is good. Web pages are
// https, or http on loopback. An application on a person's device (RFC 8252 §7)
// may also have a scheme of its own, with a dot in it.
func CheckRedirect(text string, native bool) (problem, hint string) {
	u, err := url.Parse(text)
	switch {
	case len(text) > MaxRedirectURI:
		return "is longer than 2048 bytes", "shorten it"
	case strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune("\"<>\\^`{|}", c) }):
		return "has characters that a URL has not", "write printable ASCII and escape the rest"
	case err != nil || u.Scheme == "" || !strings.HasPrefix(text, u.Scheme+":"):
		return "is not an absolute URL", "write https://host/path; the scheme in lower case"
	case strings.Contains(text, "#"):
		return "has a fragment", "leave away what follows the #: RFC 6749 §3.1.2 has none"
	case strings.Contains(text, "*"):
		return "has a *", "register every URL: they are compared character by character"
	case u.User != nil:
		return "holds a user name", "leave it away"
	case u.Scheme == "https" || u.Scheme == "http":
		switch {
		case u.Opaque != "" || u.Hostname() == "":
			return "has no host", "write " + u.Scheme + "://host/path"
		case dotted(u.EscapedPath()):
			return "has . or .. in its path", "write the path that it means"
		case u.Scheme == "http" && u.Hostname() != "localhost" && !literalLoopback(u.Hostname()):
			return "is http", "write https; http is for loopback addresses only"
		}
		return "", ""
	case native && strings.Contains(u.Scheme, "."):
		return "", "" // RFC 8252 §7.1: a domain name in reverse order
	case native:
		return "has a scheme without a dot", "use a domain name of yours in reverse order: org.example.app:/callback"
	}
	return "is neither https nor http", "write https://host/path"
}

func dotted(path string) bool {
	return slices.ContainsFunc(strings.Split(path, "/"), func(segment string) bool {
		decoded, err := url.PathUnescape(segment)
		return err != nil || decoded == "." || decoded == ".."
	})
}

// MatchRedirect finds the registered redirect URI that was sent: the one that is
// the same, byte by byte (RFC 9700 §4.1.3). For an application on a person's
// device the port of a literal loopback address may be any (RFC 8252 §7.3).
func MatchRedirect(registered []string, sent string, native bool) bool {
	if sent == "" || len(sent) > MaxRedirectURI {
		return false
	}
	if slices.Contains(registered, sent) {
		return true
	}
	if !native {
		return false
	}
	before, after, ok := aroundPort(sent)
	return ok && slices.ContainsFunc(registered, func(r string) bool {
		b, a, ok := aroundPort(r)
		return ok && b == before && a == after
	})
}

// aroundPort returns what stands before and after the port of an http URL on a
// literal loopback address, taken from the text itself so that nothing is read in
// two ways.
func aroundPort(text string) (before, after string, ok bool) {
	for _, host := range []string{"http://127.0.0.1", "http://[::1]"} {
		rest, found := strings.CutPrefix(text, host)
		if !found {
			continue
		}
		if port, numbered := strings.CutPrefix(rest, ":"); numbered {
			digits := len(port) - len(strings.TrimLeft(port, "0123456789"))
			if digits == 0 || digits > 5 {
				return "", "", false
			}
			rest = port[digits:]
		}
		if rest == "" || rest[0] == '/' || rest[0] == '?' {
			return host, rest, true
		}
	}
	return "", "", false
}

func literalLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback() && address.Zone() == ""
}
