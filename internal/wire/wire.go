// Package wire reads what strangers send: form bodies and query strings, JSON
// bodies, media types, Authorization headers and paths. It accepts one spelling
// where two would let two readers disagree, holds every size to a limit, and
// says what was wrong without repeating what was sent.
//
// It knows syntax only. Which parameters a request needs and what they mean
// stands in oauth and in the endpoints; rates, header sizes and connections
// stand in limit; the text a client reads comes from refusal.
//
// It follows RFC 6749 appendix B and §3.1 and §3.2 (parameters), RFC 7493
// (JSON), RFC 7617 and RFC 6750 §2.1 (Authorization) and RFC 3986 (paths).
package wire

import (
	"errors"
	"strconv"
)

// The limits of this package, in bytes unless the name says a count.
const (
	MaxParameters    = 100      // parameters of one request, a count
	MaxValue         = 4 << 10  // name or value of a parameter
	MaxLongValue     = 16 << 10 // value of a parameter that carries a JWT, a scope or JSON
	MaxJSONDepth     = 16       // objects and arrays within each other, a count
	MaxJSONMembers   = 1000     // members of one JSON object, a count
	MaxJSONString    = 64 << 10 // one JSON string, unescaped
	MaxAuthorization = 8 << 10  // value of an Authorization header
	MaxPath          = 8 << 10  // path of a request, escaped
)

// What can be wrong. Errors of this package wrap one of these, and none of
// their texts holds a byte of what was sent.
var (
	ErrMalformed     = errors.New("not well formed")
	ErrNotUTF8       = errors.New("not UTF-8")
	ErrNUL           = errors.New("contains a NUL character")
	ErrEmptyName     = errors.New("has no name")
	ErrDuplicate     = errors.New("sent more than once")
	ErrTooMany       = errors.New("too many")
	ErrTooLong       = errors.New("too long")
	ErrTooLarge      = errors.New("body too large")
	ErrTooDeep       = errors.New("nested too deeply")
	ErrNotString     = errors.New("not a string")
	ErrNotObject     = errors.New("the body is not a JSON object")
	ErrJSONAsForm    = errors.New("the body is JSON but Content-Type says form")
	ErrUnknownMember = errors.New("unknown member")
	ErrWrongType     = errors.New("value of another type than expected")
	ErrNumber        = errors.New("number out of range")
	ErrCharset       = errors.New("charset is not UTF-8")
	ErrScheme        = errors.New("another authentication scheme, or none")
	ErrPath          = errors.New("path refused")
)

// ParameterError says which parameter of a request is wrong.
type ParameterError struct {
	Err      error  // one of the Err values of this package
	Name     string // the name where the protocol knows it, else ""
	Position int    // which parameter it was, counted from 1
}

// Error names the parameter by its name if the protocol knows that name, and
// otherwise by its position, so that the text never repeats what was sent.
func (e *ParameterError) Error() string {
	if e.Name != "" {
		return "parameter " + e.Name + ": " + e.Err.Error()
	}
	return "parameter number " + strconv.Itoa(e.Position) + ": " + e.Err.Error()
}

// Unwrap gives the Err value for errors.Is.
func (e *ParameterError) Unwrap() error { return e.Err }

// JSONError says where a JSON text is wrong.
type JSONError struct {
	Err    error // one of the Err values of this package
	Offset int64 // in bytes from the start of the text

	// Pointer is where in the text (RFC 6901). It is made of names that were
	// sent: show it to the person whose text it is, and to nobody else.
	Pointer string
	// Cause is what the decoder of the member said, or nil. Like Pointer it may
	// hold what was sent.
	Cause error
}

// Error names the place by its offset, so that the text never repeats what was
// sent.
func (e *JSONError) Error() string {
	return "JSON at byte " + strconv.FormatInt(e.Offset, 10) + ": " + e.Err.Error()
}

// Unwrap gives the Err value, and the cause if there is one.
func (e *JSONError) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.Cause}
}
