package wire

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ParseJSONObject reads parameters sent as one flat JSON object whose values
// are strings; resource may also be an array of strings. Order, white space and
// unknown names do not matter. A byte order mark, anything after the object, a
// repeated name and every other kind of value are errors, and the limits are
// those of [ParseForm].
//
// Errors: ErrNotObject, ErrNotUTF8, ErrMalformed, ErrTooMany, or a
// *ParameterError of ErrNotString, ErrEmptyName, ErrDuplicate, ErrTooLong or
// ErrNUL.
func ParseJSONObject(body []byte) (Parameters, error) {
	if !utf8.Valid(body) {
		return Parameters{}, ErrNotUTF8
	}
	tokens := jsontext.NewDecoder(bytes.NewBuffer(body))
	if tokens.PeekKind() != '{' {
		return Parameters{}, ErrNotObject
	}
	if _, err := tokens.ReadToken(); err != nil {
		return Parameters{}, ErrMalformed
	}
	var sent Parameters
	sent.pairs = make([]pair, 0, 8)
	for {
		token, err := tokens.ReadToken()
		if err != nil {
			return Parameters{}, sent.refuseSyntax(err)
		}
		if token.Kind() == '}' {
			break
		}
		if err := sent.addMember(token.String(), tokens); err != nil {
			return Parameters{}, err
		}
	}
	if _, err := tokens.ReadToken(); err != io.EOF {
		return Parameters{}, ErrMalformed
	}
	return sent, nil
}

// refuseSyntax is the error for a text that the JSON library did not read on.
func (p *Parameters) refuseSyntax(err error) error {
	wrong, ok := errors.AsType[*jsontext.SyntacticError](err)
	if ok && errors.Is(err, jsontext.ErrDuplicateName) {
		return p.refuse(ErrDuplicate, wrong.JSONPointer.LastToken())
	}
	return ErrMalformed
}

// addMember reads the value of a member and adds it.
func (p *Parameters) addMember(name string, tokens *jsontext.Decoder) error {
	token, err := tokens.ReadToken()
	switch {
	case err != nil:
		return ErrMalformed
	case token.Kind() == '"':
		return p.add(name, token.String())
	case token.Kind() != '[' || !repeatable(name):
		return p.refuse(ErrNotString, name)
	}
	for {
		token, err := tokens.ReadToken()
		switch {
		case err != nil:
			return ErrMalformed
		case token.Kind() == ']':
			return nil
		case token.Kind() != '"':
			return p.refuse(ErrNotString, name)
		}
		if err := p.add(name, token.String()); err != nil {
			return err
		}
	}
}

// DecodeJSON decodes one JSON text strictly: names are compared with their
// case, and unknown or repeated members, text after the value, ill-formed UTF-8
// and whole numbers beyond 2^53 are refused, as is what exceeds [MaxJSONDepth],
// [MaxJSONMembers] or [MaxJSONString].
//
// Every error is a *JSONError; into may then be filled in part.
func DecodeJSON(data []byte, into any) error {
	return decode(data, into, json.RejectUnknownMembers(true))
}

// DecodeOpenJSON is [DecodeJSON] for documents that may say more than we know
// (RFC 7591 §2: unknown metadata is ignored).
func DecodeOpenJSON(data []byte, into any) error {
	return decode(data, into)
}

func decode(data []byte, into any, options ...json.Options) error {
	// The limits come first, so that what decodes recurses no deeper.
	if err := checkJSON(data); err != nil {
		return err
	}
	return jsonError(json.Unmarshal(data, into, options...))
}

// checkJSON holds a JSON text to the limits, token by token.
func checkJSON(data []byte) error {
	tokens := jsontext.NewDecoder(bytes.NewBuffer(data))
	for {
		before := tokens.InputOffset()
		token, err := tokens.ReadToken()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return jsonError(err)
		}
		if err := checkToken(token, tokens, before); err != nil {
			return &JSONError{Err: err, Offset: tokens.InputOffset(), Pointer: string(tokens.StackPointer())}
		}
	}
}

func checkToken(token jsontext.Token, tokens *jsontext.Decoder, before int64) error {
	depth := tokens.StackDepth()
	if depth > MaxJSONDepth {
		return ErrTooDeep
	}
	// An object counts its names and its values.
	if kind, length := tokens.StackIndex(depth); kind == '{' && length > 2*MaxJSONMembers {
		return ErrTooMany
	}
	switch token.Kind() {
	case '"':
		// Escapes only lengthen, so a short token needs no second look.
		if tokens.InputOffset()-before > MaxJSONString && len(token.String()) > MaxJSONString {
			return ErrTooLong
		}
	case '0':
		if !exact(token.String()) {
			return ErrNumber
		}
	}
	return nil
}

// exact says whether every reader of a JSON number reads the same number: RFC
// 7493 §2.2.
func exact(number string) bool {
	const most = 1 << 53
	if whole, err := strconv.ParseInt(number, 10, 64); err == nil {
		return -most <= whole && whole <= most
	}
	value, err := strconv.ParseFloat(number, 64)
	return err == nil && (math.Abs(value) <= most || value != math.Trunc(value))
}

// jsonError turns an error of the JSON library into one of ours.
func jsonError(err error) error {
	if err == nil {
		return nil
	}
	if wrong, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		reason := ErrMalformed
		if errors.Is(err, jsontext.ErrDuplicateName) {
			reason = ErrDuplicate
		}
		return &JSONError{Err: reason, Offset: wrong.ByteOffset, Pointer: string(wrong.JSONPointer)}
	}
	if wrong, ok := errors.AsType[*json.SemanticError](err); ok {
		if errors.Is(err, json.ErrUnknownName) {
			return &JSONError{Err: ErrUnknownMember, Offset: wrong.ByteOffset, Pointer: string(wrong.JSONPointer)}
		}
		return &JSONError{Err: ErrWrongType, Offset: wrong.ByteOffset, Pointer: string(wrong.JSONPointer), Cause: wrong.Err}
	}
	return &JSONError{Err: ErrMalformed, Cause: err}
}
