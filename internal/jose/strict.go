package jose

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	maxDepth  = 16      // objects and arrays within each other, the outermost counted
	maxNumber = 1 << 53 // beyond it, two readers of one number may differ (RFC 7493 §2.2)
)

// encoding is base64url without padding and without stray trailing bits
// (RFC 7515 §2). It still skips line breaks, which callers look for themselves.
var encoding = base64.RawURLEncoding.Strict()

// decodeSegment appends what encoded stands for to dst.
func decodeSegment(dst, encoded []byte) ([]byte, error) {
	if bytes.IndexByte(encoded, '\n') >= 0 || bytes.IndexByte(encoded, '\r') >= 0 {
		return nil, fmt.Errorf("%w: a line break within base64url", ErrMalformed)
	}
	dst, err := encoding.AppendDecode(dst, encoded)
	if err != nil {
		return nil, fmt.Errorf("%w: not base64url without padding", ErrMalformed)
	}
	return dst, nil
}

// checkLimits walks over JSON, valid or not, and refuses what nests too deeply
// or has numbers beyond ±2^53. It does no work that depends on the nesting.
func checkLimits(data []byte) error {
	depth := 0
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			i = endOfString(data, i)
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return fmt.Errorf("%w: JSON nested more than 16 deep", ErrMalformed)
			}
		case c == '}' || c == ']':
			depth--
		case c == '-' || '0' <= c && c <= '9':
			end := i + 1
			for end < len(data) && bytes.IndexByte([]byte("0123456789+-.eE"), data[end]) >= 0 {
				end++
			}
			if _, err := parseNumber(data[i:end]); err != nil {
				return err
			}
			i = end - 1
		}
	}
	return nil
}

// endOfString returns the index of the quote that closes the one at start.
func endOfString(data []byte, start int) int {
	for i := start + 1; i < len(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(data)
}

// number is a JSON number within ±2^53: whole, or with a fraction.
type number struct {
	whole    int64
	fraction float64 // of the same sign, below 1
}

func parseNumber(text []byte) (number, error) {
	if whole, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		if whole < -maxNumber || whole > maxNumber {
			return number{}, fmt.Errorf("%w: a JSON number beyond 2^53", ErrMalformed)
		}
		return number{whole: whole}, nil
	}
	value, err := strconv.ParseFloat(string(text), 64)
	if err != nil || value < -maxNumber || value > maxNumber {
		return number{}, fmt.Errorf("%w: a JSON number beyond 2^53", ErrMalformed)
	}
	whole := int64(value)
	return number{whole: whole, fraction: value - float64(whole)}, nil
}

type memberReader struct {
	decoder jsontext.Decoder
	source  bytes.Buffer
}

var memberReaders = sync.Pool{New: func() any { return new(memberReader) }}

// eachMember reads data as one strict JSON object: valid UTF-8, no name twice
// at any depth, nothing behind it, within the limits of checkLimits. It calls
// visit with the name of each member, exactly as it is to be compared, and its
// value. Both belong to visit only until it returns.
func eachMember(data []byte, visit func(name []byte, value jsontext.Value) error) error {
	if err := checkLimits(data); err != nil {
		return err
	}
	reader := memberReaders.Get().(*memberReader)
	reader.source = *bytes.NewBuffer(data)
	reader.decoder.Reset(&reader.source)
	defer func() {
		reader.source = bytes.Buffer{} // do not keep the caller's bytes alive
		reader.decoder.Reset(&reader.source)
		memberReaders.Put(reader)
	}()

	decoder := &reader.decoder
	if decoder.PeekKind() != '{' {
		return fmt.Errorf("%w: not a JSON object", ErrMalformed)
	}
	if _, err := decoder.ReadToken(); err != nil {
		return syntaxError(err)
	}
	for decoder.PeekKind() == '"' {
		quoted, err := decoder.ReadValue()
		if err != nil {
			return syntaxError(err)
		}
		name := unquote(quoted) // before the next read, which may reuse the buffer
		value, err := decoder.ReadValue()
		if err != nil {
			return syntaxError(err)
		}
		if err := visit(name, value); err != nil {
			return err
		}
	}
	if _, err := decoder.ReadToken(); err != nil {
		return syntaxError(err)
	}
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows the JSON object", ErrMalformed)
	}
	return nil
}

// syntaxError drops the decoder's own words, which quote the input.
func syntaxError(err error) error {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return fmt.Errorf("%w: a JSON member appears twice", ErrMalformed)
	}
	return fmt.Errorf("%w: not valid JSON", ErrMalformed)
}

// unquote returns the text of a JSON string that the decoder has validated. It
// is part of quoted itself unless that has escapes.
func unquote(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	text, _ := jsontext.AppendUnquote(nil, quoted)
	return text
}

// stringValue reads a member that must be a JSON string.
func stringValue(dst *string, value jsontext.Value) error {
	if value.Kind() != '"' {
		return fmt.Errorf("%w: a member that must be a string is not one", ErrMalformed)
	}
	*dst = string(unquote(value))
	return nil
}

// stringsValue reads a member that must be a JSON array of strings.
func stringsValue(value jsontext.Value) ([]string, error) {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(value))
	if decoder.PeekKind() != '[' {
		return nil, fmt.Errorf("%w: a member that must be an array of strings is not one", ErrMalformed)
	}
	if _, err := decoder.ReadToken(); err != nil {
		return nil, syntaxError(err)
	}
	list := []string{}
	for decoder.PeekKind() != ']' {
		element, err := decoder.ReadValue()
		if err != nil {
			return nil, syntaxError(err)
		}
		var text string
		if err := stringValue(&text, element); err != nil {
			return nil, err
		}
		list = append(list, text)
	}
	return list, nil
}
