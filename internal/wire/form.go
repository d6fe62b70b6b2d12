package wire

import (
	"bytes"
	"strings"
)

// ParseForm reads an application/x-www-form-urlencoded body: UTF-8, "+" for a
// space, "&" between parameters and nothing else (";" is data). Characters that
// should have been escaped, such as ":" and "/", are taken as they are. A
// malformed percent escape, ill-formed UTF-8, a NUL, a nameless parameter, a
// repeated one, more than [MaxParameters] or a value beyond its limit is an
// error. An empty body has no parameters.
//
// Errors: ErrJSONAsForm, ErrTooMany, or a *ParameterError of ErrMalformed,
// ErrEmptyName, ErrDuplicate, ErrTooLong, ErrNotUTF8 or ErrNUL.
func ParseForm(body []byte) (Parameters, error) {
	// axios 0.x sends JSON under the form's media type. Read as a form it would
	// be one odd name, and the answer would be about a missing grant_type.
	if bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) {
		return Parameters{}, ErrJSONAsForm
	}
	return parsePairs(body)
}

// ParseQuery reads the query of a URL, without its "?", by the rules and with
// the errors of [ParseForm].
func ParseQuery(query string) (Parameters, error) {
	return parsePairs([]byte(query))
}

func parsePairs(in []byte) (Parameters, error) {
	if len(in) == 0 {
		return Parameters{}, nil
	}
	var sent Parameters
	sent.pairs = make([]pair, 0, min(bytes.Count(in, []byte{'&'})+1, MaxParameters))
	// Every string is cut from this one buffer. Unescaping never lengthens, so
	// the buffer never moves.
	var text strings.Builder
	text.Grow(len(in))
	for len(in) > 0 {
		var segment []byte
		segment, in, _ = bytes.Cut(in, []byte{'&'})
		if len(segment) == 0 {
			continue
		}
		escapedName, escapedValue, _ := bytes.Cut(segment, []byte{'='})
		name, ok := unescape(&text, escapedName)
		if !ok {
			return Parameters{}, sent.refuse(ErrMalformed, "")
		}
		value, ok := unescape(&text, escapedValue)
		if !ok {
			return Parameters{}, sent.refuse(ErrMalformed, name)
		}
		if err := sent.add(name, value); err != nil {
			return Parameters{}, err
		}
	}
	return sent, nil
}

// unescape appends to text what the escaped bytes stand for and returns it. It
// reports false for a "%" that two hexadecimal digits do not follow.
func unescape(text *strings.Builder, escaped []byte) (string, bool) {
	start := text.Len()
	if bytes.IndexByte(escaped, '%') < 0 && bytes.IndexByte(escaped, '+') < 0 { // much faster than what follows
		text.Write(escaped)
		return text.String()[start:], true
	}
	for i := 0; i < len(escaped); i++ {
		switch c := escaped[i]; c {
		case '+':
			text.WriteByte(' ')
		case '%':
			if i+2 >= len(escaped) {
				return "", false
			}
			b, ok := unhex(escaped[i+1], escaped[i+2])
			if !ok {
				return "", false
			}
			text.WriteByte(b)
			i += 2
		default:
			text.WriteByte(c)
		}
	}
	return text.String()[start:], true
}

// unhex is the byte that two hexadecimal digits spell.
func unhex(high, low byte) (byte, bool) {
	h, ok1 := hexDigit(high)
	l, ok2 := hexDigit(low)
	return h<<4 | l, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
