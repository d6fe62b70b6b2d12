package catalogue

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

// An element is a value of an OpenAPI document, of JSON or YAML alike.
type element struct {
	at      place
	kind    byte   // one of the kinds below
	text    string // of a scalar, as written; of a text, what it says
	members []member
	items   []*element
	index   map[string]int // of members, where they are many; made when it is asked for
}

const (
	anObject  = '{'
	aList     = '['
	aText     = '"'
	aLiteral  = '0' // a number, true or false
	isNothing = 'n'
)

type member struct {
	key   string
	value *element
}

// Limits of a document, beside those of its bytes.
const (
	maxElements = 400_000
	maxNesting  = 64
)

// get returns a member, or nil; also of nothing.
func (e *element) get(key string) *element {
	if e == nil {
		return nil
	}
	const few = 16
	if len(e.members) <= few {
		for i := range e.members {
			if e.members[i].key == key {
				return e.members[i].value
			}
		}
		return nil
	}
	if e.index == nil {
		e.index = make(map[string]int, len(e.members))
		for i := range e.members {
			e.index[e.members[i].key] = i
		}
	}
	if i, ok := e.index[key]; ok {
		return e.members[i].value
	}
	return nil
}

// says returns the text of a member, empty where it has none.
func (e *element) says(key string) string {
	if m := e.get(key); m != nil && (m.kind == aText || m.kind == aLiteral) {
		return m.text
	}
	return ""
}

func (e *element) isTrue(key string) bool {
	m := e.get(key)
	return m != nil && m.kind == aLiteral && m.text == "true"
}

// yaml reads a syntax tree.
func (d *decoder) yaml(n ast.Node, path string, depth int) *element {
	e := &element{at: position(n)}
	if depth > maxNesting {
		d.faultAt(n, path, "values nest too deeply", "")
		return e
	}
	n, ok := d.plain(n, path)
	if !ok {
		return e
	}
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		e.kind = anObject
		for _, p := range d.pairs(n, path) {
			value := d.yaml(p.value, join(path, p.key), depth+1)
			if value.kind != anObject && value.kind != aList {
				value.at = position(p.node)
			}
			e.members = append(e.members, member{p.key, value})
		}
	case *ast.SequenceNode:
		e.kind = aList
		for i, item := range d.items(n, path) {
			e.items = append(e.items, d.yaml(item, index(path, i), depth+1))
		}
	case *ast.StringNode, *ast.LiteralNode:
		e.kind, e.text = aText, strings.TrimRight(scalar(n), "\n")
	case *ast.NullNode:
		e.kind = isNothing
	default:
		e.kind, e.text = aLiteral, scalar(n)
		if !json.Valid([]byte(e.text)) {
			e.kind = aText // such as 1_000 or .inf
		}
	}
	return e
}

// json reads a document of JSON, in which a member stands once (RFC 8259 §4).
func (d *decoder) json(data []byte) *element {
	whole := func(at place, problem string) *element {
		d.faults = append(d.faults, Fault{File: d.file, Line: at.line, Column: at.column, Problem: problem})
		return nil
	}
	if len(data) > MaxOpenAPI {
		return whole(place{}, "the document is larger than "+Size(MaxOpenAPI).String())
	}
	j := &jsonText{decoder: d, data: bytes.TrimPrefix(data, []byte("\ufeff"))}
	if at := invalid(j.data); at >= 0 {
		return whole(j.place(int64(at)), "the line is not UTF-8")
	}
	j.tokens = json.NewDecoder(bytes.NewReader(j.data))
	j.tokens.UseNumber()
	e, err := j.value("", 0)
	if err == nil {
		if _, err = j.tokens.Token(); err == io.EOF {
			return e
		}
		err = errors.New("something follows the document")
	}
	return whole(j.place(j.tokens.InputOffset()), "is not JSON: "+err.Error())
}

type jsonText struct {
	*decoder
	data   []byte
	tokens *json.Decoder
	count  int // of values

	at, line, column int // of the last place, from 0
}

// next is where the next token begins.
func (j *jsonText) next() place {
	at := j.tokens.InputOffset()
	for at < int64(len(j.data)) && strings.IndexByte(" \t\r\n,:", j.data[at]) >= 0 {
		at++
	}
	return j.place(at)
}

// place is where an offset stands. It is asked for one after the other, and goes on
// from the last: a document may be one long line.
func (j *jsonText) place(offset int64) place {
	for ; j.at < int(offset); j.at++ {
		switch c := j.data[j.at]; {
		case c == '\n':
			j.line, j.column = j.line+1, 0
		case utf8.RuneStart(c):
			j.column++
		}
	}
	return place{j.line + 1, j.column + 1}
}

func (j *jsonText) value(path string, depth int) (*element, error) {
	if j.count++; j.count > maxElements || depth > maxNesting {
		return nil, errors.New("it holds too many values, or nests them too deeply")
	}
	e := &element{at: j.next()}
	token, err := j.tokens.Token()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		if e.kind = byte(t); t == '{' {
			return e, j.members(e, path, depth)
		}
		for j.tokens.More() {
			item, err := j.value(index(path, len(e.items)), depth+1)
			if err != nil {
				return nil, err
			}
			e.items = append(e.items, item)
		}
		_, err = j.tokens.Token()
	case string:
		e.kind, e.text = aText, t
	case json.Number:
		e.kind, e.text = aLiteral, t.String()
	case bool:
		if e.kind, e.text = aLiteral, "false"; t {
			e.text = "true"
		}
	default:
		e.kind = isNothing
	}
	return e, err
}

func (j *jsonText) members(e *element, path string, depth int) error {
	seen := map[string]bool{}
	for j.tokens.More() {
		at := j.next()
		token, err := j.tokens.Token()
		if err != nil {
			return err
		}
		key := token.(string) // the decoder lets nothing else through
		value, err := j.value(join(path, key), depth+1)
		if err != nil {
			return err
		}
		if seen[key] {
			j.faults = append(j.faults, Fault{File: j.file, Line: at.line, Column: at.column, Path: join(path, key), Problem: "stands here a second time", Hint: "keep one of them"})
		}
		seen[key] = true
		if value.kind != anObject && value.kind != aList {
			value.at = at
		}
		e.members = append(e.members, member{key, value})
	}
	_, err := j.tokens.Token()
	return err
}

// show writes an element as indented JSON, in the order of the document, and
// nothing where that would be longer than an example should be.
func (e *element) show() string {
	const longest = 8 << 10
	var b bytes.Buffer
	e.write(&b, longest)
	var shown bytes.Buffer
	if b.Len() > longest || json.Indent(&shown, b.Bytes(), "", "  ") != nil {
		return ""
	}
	return shown.String()
}

func (e *element) write(b *bytes.Buffer, longest int) {
	if b.Len() > longest {
		return
	}
	switch e.kind {
	case anObject:
		b.WriteByte('{')
		for i, m := range e.members {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(jsonString(m.key) + ":")
			m.value.write(b, longest)
		}
		b.WriteByte('}')
	case aList:
		b.WriteByte('[')
		for i, item := range e.items {
			if i > 0 {
				b.WriteByte(',')
			}
			item.write(b, longest)
		}
		b.WriteByte(']')
	case aText:
		b.WriteString(jsonString(e.text))
	case aLiteral:
		b.WriteString(e.text)
	default:
		b.WriteString("null")
	}
}

// jsonString writes a text as JSON does, which YAML reads as the same text.
func jsonString(text string) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(text) != nil {
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// texts are the texts of a list.
func (e *element) texts() []string {
	if e == nil {
		return nil
	}
	var all []string
	for _, item := range e.items {
		if item.kind == aText || item.kind == aLiteral {
			all = append(all, item.text)
		}
	}
	return slices.Clip(all)
}
