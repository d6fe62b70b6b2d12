package limit

import (
	"net/http"
	"strings"
)

// RequestLimits bound the parts of a request before its body. A zero number
// means the default; what a part measures is said beside it.
type RequestLimits struct {
	URL         int // bytes of the request target; 8 KiB
	Headers     int // bytes of all headers, with ": " and the line end of each; 16 KiB
	Header      int // bytes of one value; 8 KiB
	HeaderCount int // header lines; 100
	Cookies     int // cookies; 50
	CookieBytes int // bytes of all cookies; 8 KiB

	// AnyEncoding lets encoded bodies through, for routes that pass a body on
	// without reading it.
	AnyEncoding bool

	// Refuse writes the answer: the status that belongs to the limit, and one
	// of the Part names. Nil writes the status and its text.
	Refuse func(w http.ResponseWriter, r *http.Request, status int, what string)
}

// The parts of a request, as Refuse is told them.
const (
	PartURL         = "url"
	PartHeaders     = "headers"
	PartHeader      = "header"
	PartHeaderCount = "header count"
	PartCookies     = "cookies"
	PartEncoding    = "content encoding"
)

// Request lets requests within the limits through to next and refuses others:
// 414 for the URL, 431 for headers and cookies (RFC 6585 §5), 415 for a
// Content-Encoding. The server must itself read somewhat larger headers
// (http.Server.MaxHeaderBytes), or it answers before this does.
func Request(next http.Handler, limits RequestLimits) http.Handler {
	limits.fill()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status, what := limits.check(r); status != 0 {
			if status == http.StatusUnsupportedMediaType {
				// RFC 9110 §15.5.16: says that the encoding was at fault.
				w.Header().Set("Accept-Encoding", "identity")
			}
			limits.Refuse(w, r, status, what)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (l *RequestLimits) fill() {
	for _, limit := range []struct {
		of       *int
		standard int
	}{
		{&l.URL, 8 << 10},
		{&l.Headers, 16 << 10},
		{&l.Header, 8 << 10},
		{&l.HeaderCount, 100},
		{&l.Cookies, 50},
		{&l.CookieBytes, 8 << 10},
	} {
		if *limit.of == 0 {
			*limit.of = limit.standard
		}
	}
	if l.Refuse == nil {
		l.Refuse = func(w http.ResponseWriter, _ *http.Request, status int, _ string) {
			http.Error(w, http.StatusText(status), status)
		}
	}
}

// check is the status and the part that a request is refused for, 0 if for none.
func (l *RequestLimits) check(r *http.Request) (status int, what string) {
	const tooLarge = http.StatusRequestHeaderFieldsTooLarge
	if len(r.RequestURI) > l.URL {
		return http.StatusRequestURITooLong, PartURL
	}
	// net/http takes Host out of the headers.
	count, total := 1, len("Host: \r\n")+len(r.Host)
	for name, values := range r.Header {
		for _, value := range values {
			if len(value) > l.Header {
				return tooLarge, PartHeader
			}
			count++
			total += len(name) + len(value) + len(": \r\n")
		}
	}
	switch {
	case count > l.HeaderCount:
		return tooLarge, PartHeaderCount
	case total > l.Headers:
		return tooLarge, PartHeaders
	case !l.cookiesFit(r.Header["Cookie"]):
		return tooLarge, PartCookies
	case !l.AnyEncoding && !plain(r.Header["Content-Encoding"]):
		return http.StatusUnsupportedMediaType, PartEncoding
	}
	return 0, ""
}

// cookiesFit counts without parsing: parsing is what many cookies make dear.
func (l *RequestLimits) cookiesFit(lines []string) bool {
	count, total := 0, 0
	for _, line := range lines {
		count += 1 + strings.Count(line, ";")
		total += len(line)
	}
	return count <= l.Cookies && total <= l.CookieBytes
}

// plain says whether a body is sent as it is.
func plain(encodings []string) bool {
	for _, encoding := range encodings {
		if encoding = strings.Trim(encoding, " \t"); encoding != "" && !strings.EqualFold(encoding, "identity") {
			return false
		}
	}
	return true
}
