package catalogue

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/grantway/grantway/internal/secret"
)

// Named is a mapping from names to T, in the order of the file.
type Named[T any] []Entry[T]

// Entry is one name of a Named and what it stands for.
type Entry[T any] struct {
	Key   string
	Value T
}

func (n *Named[T]) decode(d *decoder, node ast.Node, path string) {
	for _, p := range d.pairs(node, path) {
		e := Entry[T]{Key: p.key}
		d.value(p.value, reflect.ValueOf(&e.Value).Elem(), join(path, p.key))
		*n = append(*n, e)
	}
}

// Keys returns the names.
func (n Named[T]) Keys() []string {
	keys := make([]string, len(n))
	for i, e := range n {
		keys[i] = e.Key
	}
	return keys
}

// List is a list of texts. A single text may stand for a list of one.
type List []string

func (l *List) decode(d *decoder, n ast.Node, path string) {
	if _, single := n.(ast.ScalarNode); single && kind(n) != "empty" {
		if text, ok := d.text(n, path); ok {
			*l = List{text}
		}
		return
	}
	for i, item := range d.items(n, path) {
		if text, ok := d.text(item, index(path, i)); ok {
			*l = append(*l, text)
		}
	}
}

// Each is a text, or one for each environment.
type Each struct {
	One string
	Of  Named[string] // empty: One holds in every environment
}

func (e *Each) decode(d *decoder, n ast.Node, path string) {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		e.Of.decode(d, n, path)
	default:
		e.One, _ = d.text(n, path)
	}
}

// In returns the text of an environment, and whether there is one.
func (e *Each) In(environment string) (string, bool) {
	for _, entry := range e.Of {
		if entry.Key == environment {
			return entry.Value, entry.Value != ""
		}
	}
	return e.One, e.One != ""
}

// Texts is a text for people, or one for each language (BCP 47) with English
// among them.
type Texts struct {
	One string // the English one
	Of  Named[string]
}

func (t *Texts) decode(d *decoder, n ast.Node, path string) {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		t.Of.decode(d, n, path)
		for _, entry := range t.Of {
			if entry.Key == "en" {
				t.One = entry.Value
			}
		}
		if t.One == "" {
			d.faultAt(n, path, "says nothing in English", "add en: …")
		}
	default:
		t.One, _ = d.text(n, path)
	}
}

// byLanguage is nil where there is one text.
func (t *Texts) byLanguage() map[string]string {
	if len(t.Of) == 0 {
		return nil
	}
	texts := map[string]string{}
	for _, entry := range t.Of {
		texts[entry.Key] = entry.Value
	}
	return texts
}

// Duration is a time span of whole seconds, at least one: "1h", "15m", "1h30m",
// "3600s".
type Duration time.Duration

// ParseDuration reads a Duration.
func ParseDuration(text string) (Duration, error) {
	t, err := time.ParseDuration(text)
	if err != nil {
		return 0, errors.New(quote(text) + " is not a time span")
	}
	if t < time.Second || t%time.Second != 0 {
		return 0, errors.New("must be whole seconds, and one at least")
	}
	return Duration(t), nil
}

// String writes a Duration as ParseDuration reads it.
func (v Duration) String() string {
	text := time.Duration(v).String()
	if rest, ok := strings.CutSuffix(text, "m0s"); ok {
		text = rest + "m"
	}
	if rest, ok := strings.CutSuffix(text, "h0m"); ok {
		text = rest + "h"
	}
	return text
}

func (v *Duration) decode(d *decoder, n ast.Node, path string) {
	hint := "write a number and its unit: 1h, 15m, 3600s"
	if isNumber(n) {
		d.faultAt(n, path, "is a number without a unit", hint)
		return
	}
	text, ok := d.text(n, path)
	if !ok {
		return
	}
	var err error
	if *v, err = ParseDuration(text); err != nil {
		d.faultAt(n, path, err.Error(), hint)
	}
}

// Size is a number of bytes: 65536, "64KiB", "10MiB".
type Size int64

var units = []struct {
	name  string
	bytes int64
}{{"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {"", 1}}

// ParseSize reads a Size.
func ParseSize(text string) (Size, error) {
	for _, u := range units {
		digits, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(digits), 10, 63)
		if err != nil || n > math.MaxInt64/uint64(u.bytes) {
			break
		}
		return Size(int64(n) * u.bytes), nil
	}
	return 0, errors.New(quote(text) + " is not a size")
}

// String returns the size in its largest whole unit.
func (v Size) String() string {
	for _, u := range units {
		if int64(v)%u.bytes == 0 && int64(v) >= u.bytes && u.name != "B" {
			return strconv.FormatInt(int64(v)/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(v), 10)
}

func (v *Size) decode(d *decoder, n ast.Node, path string) {
	text, ok := scalar(n), isNumber(n)
	if !ok {
		if text, ok = d.text(n, path); !ok {
			return
		}
	}
	var err error
	if *v, err = ParseSize(text); err != nil {
		d.faultAt(n, path, err.Error(), "write bytes, or a number with KiB or MiB")
	}
}

var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// Expanded is a text in which ${NAME} stands for an environment variable. It may
// hold a password: it is not for messages.
type Expanded string

func (e *Expanded) decode(d *decoder, n ast.Node, path string) {
	text, ok := d.raw(n, path)
	if !ok {
		return
	}
	expanded := variable.ReplaceAllStringFunc(text, func(reference string) string {
		value, found := d.lookup(n, reference[2:len(reference)-1], path)
		ok = ok && found
		return value
	})
	if strings.Contains(variable.ReplaceAllString(text, ""), "${") {
		d.faultAt(n, path, "holds a ${ that is no reference", "write ${NAME}")
		return
	}
	if ok {
		*e = Expanded(expanded)
	}
}

// Reference is the value of an environment variable.
type Reference struct {
	Name  string
	Value secret.Secret
}

func (r *Reference) decode(d *decoder, n ast.Node, path string) {
	const hint = "write ${NAME} and set that environment variable, or give a hash under hash"
	text := ""
	if kind(n) == "empty" {
		d.faultAt(n, path, "is empty", hint)
		return
	}
	if _, ok := n.(*ast.StringNode); ok {
		text = scalar(n)
	}
	m := variable.FindStringSubmatch(text)
	if m == nil || m[0] != text {
		// What stands there may be a secret: the message does not repeat it.
		d.faultAt(n, path, "a secret does not stand in the file", hint)
		return
	}
	if value, ok := d.lookup(n, m[1], path); ok {
		*r = Reference{Name: m[1], Value: secret.Of(value)}
	}
}

// lookup returns the value of an environment variable. An empty one is as good
// as none: it is what is left of a secret that did not arrive.
func (d *decoder) lookup(n ast.Node, name, path string) (string, bool) {
	value, ok := d.env(name)
	switch {
	case !ok:
		d.faultAt(n, path, "the environment variable "+name+" is not set", "set it where Grantway is started")
	case value == "":
		d.faultAt(n, path, "the environment variable "+name+" is empty", "set it where Grantway is started")
	default:
		return value, true
	}
	return "", false
}

func (r *RouteEntry) decode(d *decoder, n ast.Node, path string) {
	const hint = "write METHOD /path: rule, with a space after the colon"
	if _, isText := n.(ast.ScalarNode); isText {
		d.faultAt(n, path, "is not a pair of a request and a rule", hint)
		return
	}
	pairs := d.pairs(n, path)
	if len(pairs) != 1 {
		d.faultAt(n, path, fmt.Sprintf("holds %d pairs; one is expected", len(pairs)), "begin every route with a hyphen")
		return
	}
	at := join(path, pairs[0].key)
	value, ok := d.plain(pairs[0].value, path)
	if !ok {
		return
	}
	r.Pattern = pairs[0].key
	before := len(d.faults)
	switch value.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		d.structure(value, reflect.ValueOf(&r.RuleEntry).Elem(), path)
		return
	case *ast.SequenceNode:
		at = path
	}
	r.Scope.decode(d, value, at)
	if len(r.Scope.Words) == 0 && len(d.faults) == before {
		d.faultAt(value, path, "has no rule", "after the colon: a scope, token or public")
	}
}

// Rule is what a route asks for, as written: a text or a list.
type Rule struct {
	Words  List // public, token, a scope or "a | b"; several: all of them
	Listed bool // it is written as a list
}

func (r *Rule) decode(d *decoder, n ast.Node, path string) {
	r.Words.decode(d, n, path)
	_, list := n.(*ast.SequenceNode)
	r.Listed = list && len(r.Words) > 0 // an empty list is no rule
}

// quote shows a text of the file in a message, shortened.
func quote(text string) string {
	const most = 80
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	return strconv.Quote(text)
}
