package server

import (
	"fmt"
	"regexp"
	"testing"
)

// variable is a name in a transcript; dots stand for anything.
var variable = regexp.MustCompile(`\$\{([a-zA-Z0-9_.+-]+)\}|…`)

// expand puts what is known in place of names.
func (p *player) expand(s step, text string) string {
	return variable.ReplaceAllStringFunc(text, func(found string) string {
		if found == "…" {
			return found
		}
		value, ok := p.builtIn(found[2 : len(found)-1])
		if !ok {
			p.fail(s, "nothing was captured as %s", found)
		}
		return value
	})
}

// match compares a text with what is expected of it, and says how it differs. In
// what is expected, … stands for anything, ${name} for what was captured under the
// name or, when nothing was, for a value that is then captured: one without
// quotes, commas and spaces.
func (p *player) match(expected, got string) string {
	parts, captured := p.parts(expected)
	whole := ""
	for _, one := range parts {
		whole += one.pattern
	}
	values := regexp.MustCompile(`^` + whole + `$`).FindStringSubmatch(got)
	if values == nil {
		return differs(parts, got)
	}
	for i, name := range captured {
		if old, twice := p.known[name]; twice && old != values[i+1] {
			return fmt.Sprintf("%s is %s here and %s there", name, old, values[i+1])
		}
		p.known[name] = values[i+1]
	}
	return ""
}

// A part of what is expected: as it is written, and as a regular expression.
type part struct{ text, pattern string }

func (p *player) parts(expected string) (parts []part, captured []string) {
	for rest := expected; rest != ""; {
		at := variable.FindStringSubmatchIndex(rest)
		if at == nil {
			return append(parts, part{rest, regexp.QuoteMeta(rest)}), captured
		}
		if at[0] > 0 {
			parts = append(parts, part{rest[:at[0]], regexp.QuoteMeta(rest[:at[0]])})
		}
		found := rest[at[0]:at[1]]
		rest = rest[at[1]:]
		if found == "…" {
			parts = append(parts, part{found, `(?s:.*?)`})
			continue
		}
		name := found[2 : len(found)-1]
		if value, ok := p.builtIn(name); ok {
			parts = append(parts, part{value, regexp.QuoteMeta(value)})
			continue
		}
		captured = append(captured, name)
		parts = append(parts, part{found, `([^"', \n]+)`})
	}
	return parts, captured
}

// differs shows where a text parts from what is expected of it.
func differs(parts []part, got string) string {
	for n := len(parts); n >= 0; n-- {
		pattern := "^"
		for _, one := range parts[:n] {
			pattern += one.pattern
		}
		end := regexp.MustCompile(pattern).FindStringIndex(got)
		if end == nil {
			continue
		}
		at, want := end[1], ""
		for _, one := range parts[n:] {
			want += one.text
		}
		same := 0
		for same < len(want) && at+same < len(got) && want[same] == got[at+same] {
			same++
		}
		return fmt.Sprintf("differs from byte %d on, after %q\n    want %s\n    got  %s",
			at+same, got[max(0, at+same-30):at+same], clip(want[same:], 300), clip(got[at+same:], 300))
	}
	return "differs"
}

func clip(text string, most int) string {
	if len(text) > most {
		return text[:most] + " …"
	}
	return text
}

func TestMatch(t *testing.T) {
	rows := []struct {
		expected, got string
		same          bool
	}{
		{`{"a":"b"}`, `{"a":"b"}`, true},
		{`{"a":"b"}`, `{"a":"b" }`, false},
		{`{"a":"${x}"}`, `{"a":"1.2-3"}`, true},
		{`{"a":"${x}"}`, `{"a":"1","b":"2"}`, false},
		{`{"a":"${x}","b":"${x}"}`, `{"a":"1","b":"1"}`, true},
		{`{"a":"${x}","b":"${x}"}`, `{"a":"1","b":"2"}`, false},
		{`{"a":[…],"n":${n}}`, `{"a":[{"b":1},{"c":2}],"n":2}`, true},
		{`{"a":[…]}`, `{"a":[1],"n":2}`, false},
		{`.`, `x`, false},
		{``, ``, true},
		{``, `x`, false},
	}
	for _, row := range rows {
		p := &player{known: map[string]string{}}
		if problem := p.match(row.expected, row.got); (problem == "") != row.same {
			t.Errorf("%s and %s: %s", row.expected, row.got, problem)
		}
	}
}
