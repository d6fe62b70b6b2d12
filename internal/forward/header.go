package forward

import (
	"bytes"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
)

// EndHop removes what is meant for the connection to us alone (RFC 9110 §7.6.1):
// first what Connection names.
func EndHop(h http.Header) {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = textproto.TrimString(name); name != "" {
				h.Del(name)
			}
		}
	}
	trailers := slices.ContainsFunc(h["Te"], func(line string) bool { return strings.Contains(line, "trailers") })
	for name := range h {
		switch name {
		case "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
			delete(h, name)
		}
	}
	if trailers {
		h["Te"] = takesTrailers
	}
}

var takesTrailers = []string{"trailers"}

// Strip removes what must not reach the API: the credentials, which were for us,
// and what only a gateway may say (rows S04, S06, S18), in every spelling that some
// server takes for it.
func Strip(h http.Header) {
	for name := range h {
		var room [longest + 1]byte
		if spoken := loosest(&room, name); gatewayOnly[string(spoken)] ||
			bytes.HasPrefix(spoken, identityPrefix) || bytes.HasPrefix(spoken, forwardedPrefix) {
			delete(h, name)
		}
	}
}

var (
	identityPrefix  = []byte("grantway-")
	forwardedPrefix = []byte("x-forwarded-")
)

var gatewayOnly = map[string]bool{
	"authorization": true, "proxy-authorization": true, "cookie": true,
	"forwarded": true, "x-forwarded": true, "x-real-ip": true, "x-client-ip": true, "true-client-ip": true,
	"client-ip": true, "x-cluster-client-ip": true, "cf-connecting-ip": true, "fastly-client-ip": true, // what some read before X-Forwarded-For
	"x-original-url": true, "x-original-uri": true, "x-original-method": true, "x-original-host": true, "x-rewrite-url": true, "x-host": true, "via": true,
	"x-http-method-override": true, "x-http-method": true, "x-method-override": true, // the rule was about the request's own method
	"proxy": true, // a program run by CGI takes it for its own proxy
}

// longest is the length of the longest name in gatewayOnly; no prefix is longer.
const longest = len("x-http-method-override")

// loosest is a header name as the loosest server reads it: without regard to
// case, every character but letters and digits the same. Of a name that is longer
// than any of ours, it is the beginning, which is longer too.
func loosest(room *[longest + 1]byte, name string) []byte {
	name = strings.TrimSpace(name)
	n := min(len(name), len(room))
	for i := range n {
		c := name[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case !('a' <= c && c <= 'z' || '0' <= c && c <= '9'):
			c = '-'
		}
		room[i] = c
	}
	return room[:n]
}

// Unescape returns a path in the two forms of url.URL, so that it is sent byte
// for byte as it was matched.
func Unescape(escaped string) (path, raw string) {
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return escaped, "" // cannot be: the path was checked
	}
	return path, escaped
}
