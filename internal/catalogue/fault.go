package catalogue

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Fault is one thing that is wrong with a file.
type Fault struct {
	File    string
	Line    int    // from 1; 0 where the fault has no place in the file
	Column  int    // from 1, in characters
	Path    string // such as apis.oneroster.routes[2]; empty: the file as a whole
	Problem string // never holds a secret
	Hint    string // what to do; may be empty
	Warning bool   // worth knowing, and no reason to refuse the file
}

// String returns "file:line:column: path: problem", and the hint on a line of
// its own.
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", f.Line, f.Column)
	}
	if f.Warning {
		b.WriteString(": warning")
	}
	if f.Path != "" {
		b.WriteString(": " + f.Path)
	}
	b.WriteString(": " + f.Problem)
	if f.Hint != "" {
		b.WriteString("\n    " + f.Hint)
	}
	return b.String()
}

// Faults is everything that is wrong with a file, in the order of its lines.
type Faults []Fault

// Error returns the faults, a line or two each.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// Refused returns the faults that are not warnings.
func (f Faults) Refused() Faults {
	var refused Faults
	for _, fault := range f {
		if !fault.Warning {
			refused = append(refused, fault)
		}
	}
	return refused
}

// place is where something stands in a file.
type place struct{ line, column int }

// places knows where each path of a file stands.
type places struct {
	file string
	at   map[string]place
}

// find returns the place of the path, or of the nearest one around it.
func (p *places) find(path string) place {
	for path != "" {
		if at, ok := p.at[path]; ok {
			return at
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return p.at[""]
}

// fault makes a fault at the place of the path.
func (p *places) fault(path, problem, hint string) Fault {
	at := p.find(path)
	return Fault{File: p.file, Line: at.line, Column: at.column, Path: path, Problem: problem, Hint: hint}
}

// sorted returns the faults in the order of the file, each once.
func (f Faults) sorted() Faults {
	slices.SortStableFunc(f, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(f)
}

// join writes a key into a path. A key with a dot or a bracket is quoted, so
// that a path has one meaning.
func join(path, key string) string {
	if strings.ContainsAny(key, ".[]\" ") || key == "" {
		return fmt.Sprintf("%s[%q]", path, key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// didYouMean is the hint for a word that is none of the known ones.
func didYouMean(word string, known []string) string {
	if near := Nearest(word, known); near != "" {
		return "did you mean " + near + "?"
	}
	if len(known) > 12 || len(known) == 0 {
		return ""
	}
	return "known are " + strings.Join(known, ", ")
}

// Nearest returns the known word that takes the fewest edits to reach, if they are
// few for its length; otherwise "".
func Nearest(word string, known []string) string {
	best, fewest := "", max(1, min(len(word), 12)/3)+1
	for _, k := range known {
		if n := edits(strings.ToLower(word), strings.ToLower(k), fewest); n < fewest {
			best, fewest = k, n
		}
	}
	return best
}

// edits counts how many characters have to be put in, taken out, replaced or
// swapped with their neighbour to make b of a. It gives up at the limit.
func edits(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := last[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(last[j]+1, row[j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
