package catalogue

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // for Schema
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of a file. They are far above what people write, and keep the time and
// memory bounded that reading takes.
const (
	MaxFile   = 1 << 20 // bytes
	maxTokens = 60_000  // words and signs; the library's time grows with their square
	maxDepth  = 32      // brackets within each other
	maxColumn = 200     // where a "-" or "?" may stand, which bounds how deep lists nest
)

// Schema is the JSON Schema of grantway.yaml, for editors. It knows the shape
// of the file and the words in it; what Parse checks beyond, it does not.
//
//go:embed grantway.schema.json
var Schema []byte

// ErrNoFile is in the error of a configuration that is not there.
var ErrNoFile = errors.New("there is no such configuration")

// Load reads a catalogue from a file, with environment variables from env,
// which has the shape of os.LookupEnv. What is wrong with the file's content is
// returned as Faults, all at once; other errors are those of reading it.
func Load(path string, env func(string) (string, bool)) (*Catalogue, error) {
	data, err := read(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data, env)
}

// read returns the content of a file, and at most one byte more than a file may have.
func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %w", ErrNoFile, err)
	case err != nil:
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	defer func() { _ = f.Close() }() // nothing was written
	data, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return data, nil
}

// Parse reads a catalogue from the content of a file; name is what faults call
// it. Its error is of type Faults. Each client with a secret costs about 70 ms,
// because the secret is hashed; the same file and variables give the same
// catalogue on every node and at every reload.
func Parse(name string, data []byte, env func(string) (string, bool)) (*Catalogue, error) {
	c, _, err := build(name, data, env)
	return c, err
}

// build also returns what the file names beside it, as far as it could be read.
func build(name string, data []byte, env func(string) (string, bool)) (*Catalogue, []*beside, error) {
	d := &decoder{places: places{file: name, at: map[string]place{"": {1, 1}}}, env: env}
	body := d.document(data)
	if len(d.faults) > 0 {
		return nil, nil, d.faults
	}
	var file File
	d.structure(body, reflect.ValueOf(&file).Elem(), "")
	r := resolver{decoder: d, file: &file}
	c := r.catalogue()
	if len(d.faults) > 0 {
		return nil, d.beside, d.faults.sorted()
	}
	// Hashing takes its time, so it is done for a good file only.
	if r.secrets(c); len(d.faults) > 0 {
		return nil, d.beside, d.faults.sorted()
	}
	c.places, c.sum, c.beside = d.places, sha256.Sum256(data), d.beside
	return c, d.beside, nil
}

// document returns the one document of a file, or reports why there is none.
func (d *decoder) document(data []byte) ast.Node {
	whole := func(line, column int, problem, hint string) ast.Node {
		d.faults = append(d.faults, Fault{File: d.file, Line: line, Column: column, Problem: problem, Hint: hint})
		return nil
	}
	if len(data) > MaxFile {
		return whole(0, 0, "the file is larger than 1 MiB", "")
	}
	if at := invalid(data); at >= 0 {
		return whole(bytes.Count(data[:at], []byte("\n"))+1, 1, "the line is not UTF-8", "save the file as UTF-8")
	}
	tokens := lexer.Tokenize(string(bytes.TrimPrefix(data, []byte("\ufeff"))))
	if at, problem := tooMuch(tokens); problem != "" {
		return whole(at.line, at.column, problem, "")
	}
	file, err := parse(tokens)
	if err != nil {
		at := place{1, 1}
		problem := err.Error()
		if fault, ok := errors.AsType[yaml.Error](err); ok {
			// The library's Error() quotes the lines around, which may hold a secret.
			problem = fault.GetMessage()
			if t := fault.GetToken(); t != nil && t.Position != nil {
				at = place{t.Position.Line, t.Position.Column}
			}
		}
		hint := ""
		if strings.Contains(problem, "'\t'") {
			hint = "indent with spaces: YAML takes no tabs there"
		}
		return whole(at.line, at.column, "is not YAML: "+problem, hint)
	}
	var body ast.Node
	for _, document := range file.Docs {
		switch {
		case document.Body == nil:
		case body != nil:
			at := position(document.Body)
			return whole(at.line, at.column, "the file holds more than one document", "leave %YAML and further --- away")
		default:
			body = document.Body
		}
	}
	if body == nil {
		return whole(1, 1, "the file is empty", "")
	}
	return body
}

// parse calls the library, and survives it: a reload must not end a server.
func parse(tokens token.Tokens) (file *ast.File, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("it cannot be read")
		}
	}()
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

// tooMuch bounds what the parser, which calls itself for what lies within, is
// given to read.
func tooMuch(tokens token.Tokens) (at place, problem string) {
	if len(tokens) > maxTokens {
		return place{1, 1}, fmt.Sprintf("the file holds more than %d words and signs", maxTokens)
	}
	depth := 0
	for _, t := range tokens {
		if t.Position != nil {
			at = place{t.Position.Line, t.Position.Column}
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType:
			if at.column > maxColumn {
				return at, "lists nest too deeply"
			}
		}
		if depth > maxDepth {
			return at, "brackets nest too deeply"
		}
	}
	return at, ""
}

// invalid returns where data stops being UTF-8, or -1.
func invalid(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}
