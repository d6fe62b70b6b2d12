package catalogue

import (
	"fmt"
	"slices"
	"strings"
)

// A Meaning is what a text means that stands for a scope.
type Meaning struct {
	Scope string   // its name; empty: the text means none, or several
	Of    []string // the APIs that have it, by name; where there are several, one of them has to be chosen
	Ends  []string // where the text is the end of several scopes: those
}

// Mean says which scope of some APIs a text means: the one of that name or alias, or
// else the one that alone has the text as an ending, as Ends has it. It is the one
// rule, in the file and for operators.
func Mean(text string, apis []*API) Meaning {
	var m Meaning
	for _, api := range apis {
		if s := api.Scope(text); s != nil {
			m.Scope, m.Of = s.Name, append(m.Of, api.Name)
		}
	}
	if m.Of != nil {
		return m
	}
	for _, api := range apis {
		for _, s := range api.Scopes {
			if !Ends(s.Name, text) {
				continue
			}
			m.Of = append(m.Of, api.Name)
			if !slices.Contains(m.Ends, s.Name) { // of two APIs, it may be the same
				m.Ends = append(m.Ends, s.Name)
			}
		}
	}
	if len(m.Ends) == 1 {
		return Meaning{Scope: m.Ends[0], Of: m.Of}
	}
	return Meaning{Ends: m.Ends}
}

// Ends reports whether text is an ending of a scope's name: what stands behind one of
// its "/", ":" and ".".
func Ends(scope, text string) bool {
	before, ok := strings.CutSuffix(scope, text)
	return ok && text != "" && before != "" && strings.ContainsAny(before[len(before)-1:], "/:.")
}

// named is Mean for texts of the file; without a problem, there is a scope.
func named(text string, apis ...*API) (m Meaning, problem, hint string) {
	m = Mean(text, apis)
	switch {
	case m.Scope != "":
		return m, "", ""
	case len(m.Ends) > 0:
		return m, fmt.Sprintf("%s is the end of %d scopes", quote(text), len(m.Ends)), "write more of one: " + strings.Join(m.Ends, ", ")
	}
	var endings []string
	for _, api := range apis {
		for _, s := range api.Scopes {
			endings = append(endings, s.Name[strings.LastIndex(s.Name, "/")+1:], s.Name[strings.LastIndexAny(s.Name, "/:.")+1:])
		}
	}
	if len(endings) == 0 {
		return m, quote(text) + " is not a scope: the API has none", "write token for any good token, or declare the scope under scopes"
	}
	hint = "declare it under scopes, or write more of its name"
	if near := Nearest(text, endings); near != "" {
		hint = "did you mean " + near + "?"
	}
	return m, quote(text) + " is not a scope of the API", hint
}
