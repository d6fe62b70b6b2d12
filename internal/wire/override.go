package wire

import "strings"

// MethodInQuery reports whether a query, as it was sent, holds a parameter by
// which some server takes another method than the request's own: a rule about
// methods would then be about the wrong one. Semicolons count as separators.
func MethodInQuery(raw string) bool {
	for pair := range strings.FieldsFuncSeq(raw, func(c rune) bool { return c == '&' || c == ';' }) {
		if name, _, _ := strings.Cut(pair, "="); SaysMethod(name) {
			return true
		}
	}
	return false
}

// SaysMethod is [MethodInQuery] for the name of one parameter, escaped or not.
// It is read as the loosest of servers does: in any case; "-", "_", "." and a
// space alike (PHP), without spaces at its start (PHP) and brackets (Node), up to
// a zero byte (PHP), and with %u005F for an underscore (ASP.NET).
func SaysMethod(name string) bool {
	var room [longestOverride + 1]byte
	spoken := room[:0]
	for len(name) > 0 && len(spoken) < len(room) {
		c, width := unescapeLoosely(name)
		name = name[width:]
		switch {
		case c == 0:
			name = ""
			continue
		case c == '[' || c == ']' || len(spoken) == 0 && (c == ' ' || c == '?'):
			continue
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case c == '_' || c == '.' || c == ' ':
			c = '-'
		}
		spoken = append(spoken, c)
	}
	switch string(spoken) {
	// Rails, Laravel, Symfony, WordPress, Express; Salesforce; ASP.NET, Firebase.
	case "-method", "-httpmethod", "x-http-method-override", "x-http-method", "x-method-override":
		return true
	}
	return false
}

const longestOverride = len("x-http-method-override")

// unescapeLoosely is the first character of a name and how many bytes spell it. An
// escape that is none stands for itself; what is beyond ASCII is some byte that is.
func unescapeLoosely(name string) (c byte, width int) {
	switch {
	case name[0] == '+':
		return ' ', 1
	case name[0] != '%':
		return name[0], 1
	case len(name) >= 3:
		if b, ok := unhex(name[1], name[2]); ok {
			return b, 3
		}
	}
	if len(name) >= 6 && (name[1] == 'u' || name[1] == 'U') {
		high, ok1 := unhex(name[2], name[3])
		low, ok2 := unhex(name[4], name[5])
		if ok1 && ok2 && high == 0 {
			return low, 6
		}
	}
	return '%', 1
}
