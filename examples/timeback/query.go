package timeback

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/grantway/grantway/examples/demo"
)

// Words of the OneRoster vocabulary for what can be wrong with a query.
const (
	badFilter    = "invalid_filter_field"
	badSelection = "invalid_selection_field"
)

// mostTerms bounds the work that one filter can ask for.
const mostTerms = 20

// filter is a list of terms that must all hold.
type filter []term

type term struct{ field, op, value string }

// oneTerm is a comparison at the start of the rest of a filter, and the AND
// that leads to the next. A quote inside a value is doubled.
var oneTerm = regexp.MustCompile(`^\s*([A-Za-z][A-Za-z0-9_.]*)\s*(!=|>=|<=|=|>|<|~)\s*'((?:[^']|'')*)'\s*(?:$|AND\s)`)

// readFilter reads comparisons joined by AND, such as
// status='active' AND dateLastModified>'2026-09-01'. An empty filter holds
// always. OR is not served by this demo.
func readFilter(s string, fields map[string]bool) (filter, error) {
	var f filter
	for rest := s; strings.TrimSpace(rest) != ""; {
		m := oneTerm.FindStringSubmatch(rest)
		if m == nil {
			return nil, invalidFilter("filter must be like field='value', several joined by AND, with one of = != > >= < <= ~ (contains).")
		}
		if !fields[m[1]] {
			return nil, invalidFilter(fmt.Sprintf("filter names %q, which is no field here.", m[1]))
		}
		if len(f) == mostTerms {
			return nil, invalidFilter(fmt.Sprintf("filter may have at most %d comparisons.", mostTerms))
		}
		f = append(f, term{m[1], m[2], strings.ReplaceAll(m[3], "''", "'")})
		whole := m[0]
		rest = rest[len(whole):]
		if strings.TrimSpace(rest) == "" && strings.HasSuffix(strings.TrimSpace(whole), "AND") {
			return nil, invalidFilter("filter ends in AND.")
		}
	}
	return f, nil
}

func invalidFilter(description string) *demo.Fault {
	return &demo.Fault{Status: http.StatusBadRequest, Code: badFilter, Description: description}
}

func (f filter) match(o demo.Object) bool {
	return !slices.ContainsFunc(f, func(t term) bool { return !t.match(o) })
}

// match holds for a field with several values when one of them does; != holds
// when none equals.
func (t term) match(o demo.Object) bool {
	have := values(o, t.field)
	if t.op == "!=" {
		return !slices.Contains(have, t.value)
	}
	return slices.ContainsFunc(have, func(v string) bool {
		switch t.op {
		case "=":
			return v == t.value
		case "~":
			return strings.Contains(strings.ToLower(v), strings.ToLower(t.value))
		case ">":
			return compare(v, t.value) > 0
		case ">=":
			return compare(v, t.value) >= 0
		case "<":
			return compare(v, t.value) < 0
		default:
			return compare(v, t.value) <= 0
		}
	})
}

// selection is the members that fields asks for; nil selects all.
type selection []string

func readFields(query url.Values, fields map[string]bool) (selection, error) {
	if !query.Has("fields") {
		return nil, nil
	}
	var s selection
	for name := range strings.SplitSeq(query.Get("fields"), ",") {
		name = strings.TrimSpace(name)
		if !fields[name] || strings.Contains(name, ".") {
			return nil, &demo.Fault{
				Status: http.StatusBadRequest, Code: badSelection,
				Description: fmt.Sprintf("fields names %q, which is no field here.", name),
			}
		}
		s = append(s, name)
	}
	return s, nil
}

func (s selection) of(o demo.Object) demo.Object {
	if s == nil {
		return o
	}
	part := make(demo.Object, len(s))
	for _, name := range s {
		if v, ok := o[name]; ok {
			part[name] = v
		}
	}
	return part
}

// order sorts rows in place by the first value of a field; rows without one
// come first. A field that no row has leaves the rows as they are.
func order(rows []demo.Object, field, direction string) error {
	switch direction {
	case "", "asc", "desc":
	default:
		return demo.Invalid("orderBy must be asc or desc.")
	}
	if field == "" {
		return nil
	}
	first := func(o demo.Object) string {
		if all := values(o, field); len(all) > 0 {
			return all[0]
		}
		return ""
	}
	slices.SortStableFunc(rows, func(a, b demo.Object) int {
		if direction == "desc" {
			a, b = b, a
		}
		return compare(first(a), first(b))
	})
	return nil
}

// compare takes two numbers as numbers and all else as text, in which
// timestamps of one form are in order too.
func compare(a, b string) int {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	if errX == nil && errY == nil {
		return cmp.Compare(x, y)
	}
	return strings.Compare(a, b)
}

func holdsAny(o demo.Object, field string, wanted []string) bool {
	return slices.ContainsFunc(values(o, field), func(v string) bool { return slices.Contains(wanted, v) })
}

// values gives what stands in a field such as title, org.sourcedId or
// roles.role as text: of a list, what stands in each of its elements.
func values(value any, path string) []string {
	switch v := value.(type) {
	case demo.Object:
		if path == "" {
			return nil
		}
		name, rest, _ := strings.Cut(path, ".")
		return values(v[name], rest)
	case []demo.Object:
		return collect(v, path)
	case []any:
		return collect(v, path)
	case []string:
		return collect(v, path)
	case string:
		return leaf(v, path)
	case bool:
		return leaf(strconv.FormatBool(v), path)
	case int:
		return leaf(strconv.Itoa(v), path)
	case json.Number:
		return leaf(v.String(), path)
	}
	return nil
}

func collect[T any](list []T, path string) []string {
	var all []string
	for _, element := range list {
		all = append(all, values(element, path)...)
	}
	return all
}

func leaf(text, path string) []string {
	if path != "" {
		return nil
	}
	return []string{text}
}

// fieldsOf lists the members that objects have, and as name.member those of
// the objects and lists of objects in them.
func fieldsOf(objects []demo.Object) map[string]bool {
	fields := map[string]bool{}
	for _, o := range objects {
		for name, value := range o {
			fields[name] = true
			inner, _ := value.([]demo.Object)
			if one, ok := value.(demo.Object); ok {
				inner = append(inner, one)
			}
			for member := range unionKeys(inner) {
				fields[name+"."+member] = true
			}
		}
	}
	return fields
}

func unionKeys(objects []demo.Object) map[string]bool {
	keys := map[string]bool{}
	for _, o := range objects {
		for k := range o {
			keys[k] = true
		}
	}
	return keys
}
