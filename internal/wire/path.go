package wire

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CanonicalPath is the one spelling of an escaped path that a gateway matches
// and forwards, so that the rule that was checked and the resource that answers
// cannot differ. Routes compared with it are to be passed through it as well.
//
// What a server behind us could read as another path is refused with an error
// that wraps ErrPath: a path that does not start with "/"; "." and ".."
// segments; "//" after the start; slash and backslash, control characters and
// ";" in any spelling; escapes that are malformed, stand for a letter, digit or
// one of "-._~", hold an escape in turn or are not UTF-8; characters that a path
// cannot hold unescaped; more than [MaxPath] bytes.
//
// Three things are only respelled: several slashes at the start become one
// (clients join base + "/" + "/path"), hexadecimal digits become upper case, and
// the punctuation that may stand with or without an escape stands without,
// except "+", which some servers read as a space, and so stands as %2B.
func CanonicalPath(escaped string) (string, error) {
	if len(escaped) > MaxPath {
		return "", refusePath("longer than 8 KiB")
	}
	if escaped == "" || escaped[0] != '/' {
		return "", refusePath("does not start with a slash")
	}
	for strings.HasPrefix(escaped, "//") {
		escaped = escaped[1:]
	}
	if err := checkSegments(escaped); err != nil {
		return "", err
	}
	canonical, err := respell(escaped)
	if err != nil {
		return "", err
	}
	if len(canonical) > MaxPath {
		return "", refusePath("longer than 8 KiB")
	}
	return canonical, nil
}

func refusePath(why string) error { return fmt.Errorf("%w: %s", ErrPath, why) }

// checkSegments looks at the segments unescaped: respell refuses escaped dots
// and slashes.
func checkSegments(path string) error {
	rest, more := path[1:], true
	for more {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		switch {
		case segment == "" && more:
			return refusePath("empty segment")
		case segment == "." || segment == "..":
			return refusePath("dot segment")
		}
	}
	return nil
}

// respell gives the path in its one spelling; it is the string it was given
// where nothing changes.
func respell(path string) (string, error) {
	var out []byte // nil until the first change
	wide := false
	for i := 0; i < len(path); i++ {
		spelling := path[i : i+1]
		width := 1
		switch c := path[i]; {
		case c == '%':
			b, err := readEscape(path[i:])
			if err != nil {
				return "", err
			}
			width = 3
			spelling = spell(b, path[i:i+3])
			wide = wide || b >= utf8.RuneSelf
		case c == '+':
			spelling = "%2B"
		case c != '/' && !isUnreserved(c) && !isPlain(c):
			return "", refusePath("character that a path does not hold unescaped")
		}
		if out == nil && spelling != path[i:i+width] {
			out = append(make([]byte, 0, len(path)+16), path[:i]...)
		}
		if out != nil {
			out = append(out, spelling...)
		}
		i += width - 1
	}
	if wide {
		if err := checkText(path); err != nil {
			return "", err
		}
	}
	if out != nil {
		return string(out), nil
	}
	return path, nil
}

// readEscape is the byte that the escape at the start of a text stands for, if
// it may be escaped in a path.
func readEscape(text string) (byte, error) {
	if len(text) < 3 {
		return 0, refusePath("malformed escape")
	}
	b, ok := unhex(text[1], text[2])
	switch {
	case !ok:
		return 0, refusePath("malformed escape")
	case isUnreserved(b):
		return 0, refusePath("escape of a character that needs none")
	case b == '/' || b == '\\':
		return 0, refusePath("escaped slash")
	case b == ';':
		return 0, refusePath("segment parameter")
	case b < 0x20 || b == 0x7f:
		return 0, refusePath("control character")
	case b == '%' && len(text) >= 5:
		if _, twice := unhex(text[3], text[4]); twice {
			return 0, refusePath("escaped twice")
		}
	}
	return b, nil
}

// spell is how the byte of an escape is written.
func spell(b byte, escape string) string {
	const upper = "0123456789ABCDEF"
	switch {
	case isPlain(b):
		return string(rune(b))
	case escape[1] == upper[b>>4] && escape[2] == upper[b&15]:
		return escape
	}
	return string([]byte{'%', upper[b>>4], upper[b&15]})
}

// isPlain: the punctuation that a segment may hold without an escape (pchar of
// RFC 3986 §3.3), but for "+" and ";".
func isPlain(c byte) bool { return strings.IndexByte("!$&'()*,=:@", c) >= 0 }

// checkText refuses escapes beyond ASCII that are not UTF-8 (an overlong dot is
// a dot to some) or are control characters.
func checkText(path string) error {
	text, err := url.PathUnescape(path)
	if err != nil || !utf8.ValidString(text) {
		return refusePath("escape that is not UTF-8")
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		return refusePath("control character")
	}
	return nil
}

// EndpointPath is the path under which an endpoint of ours is looked up: doubled
// slashes count as one and those at the end do not count, so that base + "/" +
// "/oauth2/token" finds its endpoint without a redirect, which would turn a
// POST into a GET. It takes the decoded path, makes no string where nothing
// changes, and gives "/" for the root and for "".
func EndpointPath(path string) string {
	path = strings.TrimRight(path, "/")
	if path == "" {
		return "/"
	}
	if !strings.Contains(path, "//") {
		return path
	}
	clean := make([]byte, 0, len(path))
	for i := range len(path) {
		if path[i] != '/' || i == 0 || path[i-1] != '/' {
			clean = append(clean, path[i])
		}
	}
	return string(clean)
}
