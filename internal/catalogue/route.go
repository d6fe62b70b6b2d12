package catalogue

import (
	"net/http"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/wire"
)

// Words of a rule that are not scopes, and the word for all scopes of an API.
const (
	wordPublic = string(Public)
	wordToken  = string(Bearer)
	wordAll    = "all"
)

// Rest is the last segment of a path that stands for all that follow.
const Rest = "…"

var (
	methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}
	anyOf   = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
)

// parsePattern reads "GET|POST /notes/{id}". Its error is the problem, with a
// hint after a newline if there is one.
func parsePattern(text string) (verbs []string, path, problem, hint string) {
	words := strings.Fields(text)
	if len(words) != 2 {
		return nil, "", quote(text) + " is not a method and a path", "write METHOD /path, such as GET /notes/{id}"
	}
	for verb := range strings.FieldsFuncSeq(words[0], func(r rune) bool { return r == '|' || r == ',' }) {
		switch {
		case verb == "ANY":
			verbs = append(verbs, anyOf...)
		case slices.Contains(methods, verb):
			verbs = append(verbs, verb)
		default:
			return nil, "", quote(verb) + " is not a method of a route", didYouMean(verb, append([]string{"ANY"}, methods...))
		}
	}
	if len(verbs) == 0 {
		return nil, "", quote(text) + " names no method", ""
	}
	path = words[1]
	if rest, ok := strings.CutSuffix(path, "/..."); ok {
		path = rest + "/" + Rest
	}
	slices.SortFunc(verbs, func(a, b string) int { return slices.Index(methods, a) - slices.Index(methods, b) })
	problem, hint = checkPath(path)
	return slices.Compact(verbs), path, problem, hint
}

// checkPath says what is wrong with the path of a route: it must be written in
// the one spelling that requests are compared in.
func checkPath(path string) (problem, hint string) {
	if !strings.HasPrefix(path, "/") {
		return "the path does not begin with a slash", ""
	}
	if path == "/" {
		return "", ""
	}
	if strings.HasSuffix(path, "/") {
		return "the path ends in a slash", "leave it away; requests are answered with it and without"
	}
	segments := strings.Split(path[1:], "/")
	var names []string
	for i, s := range segments {
		switch {
		case s == Rest || s == "...":
			if i != len(segments)-1 {
				return "… stands before the end, so that the route can never match", "write {name} for one segment"
			}
			segments[i] = "x"
		case strings.HasPrefix(s, "{") && strings.HasSuffix(s, "}"):
			name := s[1 : len(s)-1]
			if !isWord(name) {
				return quote(s) + " is not a {name}", "a name is letters, digits and _"
			}
			if slices.Contains(names, name) {
				return "{" + name + "} stands twice in the path", ""
			}
			names = append(names, name)
			segments[i] = "x"
		case strings.ContainsAny(s, "{}*") || strings.Contains(s, Rest):
			return quote(s) + " is neither literal nor a {name}", "a {name} or … stands for whole segments"
		}
	}
	literal := "/" + strings.Join(segments, "/")
	canonical, err := wire.CanonicalPath(literal)
	switch {
	case err != nil:
		return "the path can never match: " + strings.TrimPrefix(err.Error(), wire.ErrPath.Error()+": "), ""
	case canonical != literal:
		return "the path is not written as requests are compared", "escape it as " + canonical
	}
	return "", ""
}

func isWord(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || i > 0 && c >= '0' && c <= '9') {
			return false
		}
	}
	return s != ""
}

// shape is the path without the names of its segments: what two routes have in
// common that match the same requests.
func shape(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if strings.HasPrefix(s, "{") {
			segments[i] = "{}"
		}
	}
	return strings.Join(segments, "/")
}

// commonPrefix returns the literal segments that all guarded routes begin with,
// with a leading slash; empty if there are none.
func commonPrefix(routes []Route) string {
	var common []string
	first := true
	for _, r := range routes {
		if r.Access == Public {
			continue
		}
		segments := strings.Split(r.Path, "/")[1:]
		literal := slices.IndexFunc(segments, func(s string) bool { return s == "" || s == Rest || strings.HasPrefix(s, "{") })
		if literal >= 0 {
			segments = segments[:literal]
		}
		if first {
			common, first = segments, false
			continue
		}
		n := 0
		for n < min(len(common), len(segments)) && common[n] == segments[n] {
			n++
		}
		common = common[:n]
	}
	if len(common) == 0 {
		return ""
	}
	return "/" + strings.Join(common, "/")
}
