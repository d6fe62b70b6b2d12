package catalogue

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"
)

// A decoder reads a syntax tree into File and the types below it. It does not
// stop at a fault, as the library's own decoder does, and it keeps the order of
// the file and the place of every value.
type decoder struct {
	places
	faults Faults
	env    func(string) (string, bool)
	beside []*beside // files that the file names
}

// decodable is a type that is not read by its kind.
type decodable interface {
	decode(d *decoder, n ast.Node, path string)
}

// faultAt reports a fault at a node instead of at the place of its path.
func (d *decoder) faultAt(n ast.Node, path, problem, hint string) {
	at := position(n)
	d.faults = append(d.faults, Fault{File: d.file, Line: at.line, Column: at.column, Path: path, Problem: problem, Hint: hint})
}

// value reads n into a settable value.
func (d *decoder) value(n ast.Node, into reflect.Value, path string) {
	n, ok := d.plain(n, path)
	if !ok {
		return
	}
	if special, ok := into.Addr().Interface().(decodable); ok {
		special.decode(d, n, path)
		return
	}
	switch into.Kind() {
	case reflect.Struct:
		d.structure(n, into, path)
	case reflect.Slice:
		for i, item := range d.items(n, path) {
			element := reflect.New(into.Type().Elem()).Elem()
			d.value(item, element, index(path, i))
			into.Set(reflect.Append(into, element))
		}
	case reflect.Bool:
		if b, ok := n.(*ast.BoolNode); ok {
			into.SetBool(b.Value)
		} else {
			d.faultAt(n, path, "is "+kind(n)+"; true or false is expected", "")
		}
	case reflect.Int:
		if i, err := strconv.ParseInt(scalar(n), 10, 32); err == nil && isNumber(n) {
			into.SetInt(i)
		} else {
			d.faultAt(n, path, "is "+kind(n)+"; a whole number is expected", "")
		}
	case reflect.String:
		text, _ := d.text(n, path)
		into.SetString(text)
	}
}

// plain refuses what of YAML is not read: what makes a value stand elsewhere, or
// mean something else, than it seems.
func (d *decoder) plain(n ast.Node, path string) (ast.Node, bool) {
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode:
		d.faultAt(n, path, "anchors and aliases are not read", "write the value out at each place")
	case *ast.TagNode:
		d.faultAt(n, path, "tags are not read", "leave the !… away; quotation marks make a text")
	default:
		return n, true
	}
	return nil, false
}

// structure reads a mapping into a struct whose fields carry a yaml tag. A nil
// node gives the defaults.
func (d *decoder) structure(n ast.Node, into reflect.Value, path string) {
	fields := fieldsOf(into.Type())
	known := make([]string, len(fields))
	for i, f := range fields {
		known[i] = f.key
	}
	seen := map[string]bool{}
	for _, p := range d.pairs(n, path) {
		i := slices.Index(known, p.key)
		if i < 0 {
			d.faultAt(p.node, join(path, p.key), "is not a key of the file", didYouMean(p.key, known))
			continue
		}
		seen[p.key] = true
		before := len(d.faults)
		d.value(p.value, into.Field(fields[i].index), join(path, p.key))
		if len(d.faults) == before {
			d.check(fields[i], into.Field(fields[i].index), join(path, p.key))
		}
	}
	for _, f := range fields {
		field := into.Field(f.index)
		_, special := field.Addr().Interface().(decodable)
		switch {
		case seen[f.key]:
		case f.required:
			d.faults = append(d.faults, d.fault(join(path, f.key), "is missing", ""))
		case f.preset != "":
			setText(field, f.preset)
		case field.Kind() == reflect.Struct && !special:
			d.structure(nil, field, join(path, f.key))
		}
	}
}

// check holds a value that was read against the tags of its field.
func (d *decoder) check(f field, v reflect.Value, path string) {
	if f.required && v.IsZero() {
		d.faults = append(d.faults, d.fault(path, "is empty", ""))
		return
	}
	if len(f.oneof) > 0 {
		if list, ok := v.Interface().(List); ok {
			for i, word := range list {
				d.checkWord(f, word, index(path, i))
			}
		} else {
			d.checkWord(f, v.String(), path)
		}
	}
	if f.most != 0 {
		if n := v.Int(); n < f.least || n > f.most {
			show := func(n int64) string { return strconv.FormatInt(n, 10) }
			switch v.Interface().(type) {
			case Size:
				show = func(n int64) string { return Size(n).String() }
			case Duration:
				show = func(n int64) string { return Duration(n).String() }
			}
			d.faults = append(d.faults, d.fault(path,
				fmt.Sprintf("is %s, and must be from %s to %s", show(n), show(f.least), show(f.most)), ""))
		}
	}
}

func (d *decoder) checkWord(f field, word, path string) {
	if !slices.Contains(f.oneof, word) {
		d.faults = append(d.faults, d.fault(path, quote(word)+" is not known here", didYouMean(word, f.oneof)))
	}
}

// pair is one entry of a mapping.
type pair struct {
	key   string
	node  ast.Node // of the key
	value ast.Node
}

// pairs returns the entries of a mapping in their order, each key once, and
// notes where they stand. Nothing at all is an empty mapping.
func (d *decoder) pairs(n ast.Node, path string) []pair {
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case nil, *ast.NullNode:
		return nil
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		d.faultAt(n, path, "is "+kind(n)+"; keys with values are expected", "")
		return nil
	}
	var pairs []pair
	first := map[string]int{}
	for _, v := range values {
		key, ok := v.Key.(ast.ScalarNode)
		if !ok || v.Key.IsMergeKey() || v.Value == nil {
			d.faultAt(v.Key, path, "keys of this kind are not read", "write key: value")
			continue
		}
		name := scalar(key)
		if line, twice := first[name]; twice {
			d.faultAt(key, join(path, name), fmt.Sprintf("stands here a second time; the first is in line %d", line), "keep one of them")
			continue
		}
		if strings.ContainsFunc(name, unicode.IsControl) {
			d.faultAt(key, path, "a key holds a control character", "")
			continue
		}
		first[name] = position(key).line
		d.at[join(path, name)] = position(key)
		if _, isScalar := v.Value.(ast.ScalarNode); isScalar && kind(v.Value) != "empty" {
			d.at[join(path, name)] = position(v.Value)
		}
		pairs = append(pairs, pair{key: name, node: key, value: v.Value})
	}
	return pairs
}

// items returns the values of a sequence and notes where they stand.
func (d *decoder) items(n ast.Node, path string) []ast.Node {
	switch s := n.(type) {
	case *ast.NullNode:
		return nil
	case *ast.SequenceNode:
		for i, item := range s.Values {
			d.at[index(path, i)] = position(item)
		}
		return s.Values
	default:
		d.faultAt(n, path, "is "+kind(n)+"; a list is expected", "")
		return nil
	}
}

// text returns a text that holds no reference.
func (d *decoder) text(n ast.Node, path string) (string, bool) {
	text, ok := d.raw(n, path)
	if ok && strings.Contains(text, "${") {
		d.faultAt(n, path, "environment variables are not read here", "they are read in a client's secret and in a store only")
		return "", false
	}
	return text, ok
}

// raw returns a text as it stands.
func (d *decoder) raw(n ast.Node, path string) (string, bool) {
	n, ok := d.plain(n, path)
	if !ok {
		return "", false
	}
	switch n.(type) {
	case *ast.StringNode, *ast.LiteralNode:
	case *ast.NullNode:
		d.faultAt(n, path, "is empty", "")
		return "", false
	case ast.ScalarNode:
		d.faultAt(n, path, "is "+kind(n)+"; a text is expected", "put it in quotation marks")
		return "", false
	default:
		d.faultAt(n, path, "is "+kind(n)+"; a text is expected", "")
		return "", false
	}
	text := strings.TrimRight(scalar(n), "\n")
	if strings.ContainsFunc(text, unicode.IsControl) {
		d.faultAt(n, path, "holds a control character", "")
		return "", false
	}
	return text, true
}

// scalar returns what a scalar says.
func scalar(n ast.Node) string {
	switch s := n.(type) {
	case *ast.StringNode:
		return s.Value
	case *ast.LiteralNode:
		return s.Value.Value
	}
	if t := n.GetToken(); t != nil {
		return t.Value
	}
	return ""
}

func isNumber(n ast.Node) bool {
	_, ok := n.(*ast.IntegerNode)
	return ok
}

// kind names what a node is, for people.
func kind(n ast.Node) string {
	switch n.(type) {
	case *ast.NullNode:
		return "empty"
	case *ast.StringNode, *ast.LiteralNode:
		return "a text"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.BoolNode:
		return "true or false"
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a map"
	default:
		return "something that is not read"
	}
}

// position returns where a node begins. A mapping's own token is its first
// colon; it begins where its first key does.
func position(n ast.Node) place {
	switch m := n.(type) {
	case *ast.MappingNode:
		if len(m.Values) > 0 && !m.IsFlowStyle {
			return position(m.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return position(m.Key)
	}
	if n == nil {
		return place{1, 1}
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return place{t.Position.Line, t.Position.Column}
	}
	return place{1, 1}
}
