package web

import (
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// English is the language of every text that another language lacks.
const English = "en"

// Languages are the languages that pages are written in. It is immutable and safe
// for concurrent use.
type Languages struct {
	texts map[string]map[string]string // by tag in lower case, by key
	tags  []string                     // sorted
}

var builtIn = sync.OnceValue(func() *Languages {
	entries, err := fs.Sub(files, "languages")
	if err != nil {
		panic("web: " + err.Error())
	}
	l, err := (&Languages{}).read(entries)
	if err != nil {
		panic("web: " + err.Error())
	}
	return l
})

// BuiltIn returns the languages that need no file: English and Dutch.
func BuiltIn() *Languages { return builtIn() }

// ErrLanguage says that a file of texts is not good; what wraps it says where.
var ErrLanguage = errors.New("not a file of texts")

// ReadLanguages adds the files LANGUAGE.yaml of a folder to the languages built in.
// A file with the name of one of those replaces some of its words. Texts that a
// file lacks are English. It returns ErrLanguage with every fault of every file,
// and errors of the file system.
func ReadLanguages(folder fs.FS) (*Languages, error) { return builtIn().read(folder) }

func (l *Languages) read(folder fs.FS) (*Languages, error) {
	names, err := fs.Glob(folder, "*.yaml")
	if err != nil {
		return nil, err
	}
	all := &Languages{texts: maps.Clone(l.texts)}
	if all.texts == nil {
		all.texts = map[string]map[string]string{}
	}
	var faults []error
	for _, name := range names {
		content, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, err
		}
		tag := strings.TrimSuffix(path.Base(name), ".yaml")
		if !isTag(tag) {
			faults = append(faults, fmt.Errorf("%w: %s: the name is no language tag (BCP 47), such as fr or pt-BR", ErrLanguage, name))
			continue
		}
		texts, err := readTexts(content, l.texts[English])
		if err != nil {
			faults = append(faults, fmt.Errorf("%w: %s: %w", ErrLanguage, name, err))
			continue
		}
		key := strings.ToLower(tag)
		merged := maps.Clone(all.texts[key])
		if merged == nil {
			merged = map[string]string{}
		}
		maps.Copy(merged, texts)
		all.texts[key] = merged
	}
	all.tags = slices.Sorted(maps.Keys(all.texts))
	return all, errors.Join(faults...)
}

// Tags returns the languages' tags in lower case, sorted: what discovery calls
// ui_locales_supported.
func (l *Languages) Tags() []string { return slices.Clone(l.tags) }

// Choose returns the language to answer in: the first of those wanted (ui_locales,
// then the account's locale) that there is, else what Accept-Language prefers, else
// English. Only languages that there are come back, whatever was asked for.
func (l *Languages) Choose(r *http.Request, wanted ...string) string {
	const most = 16 // of either kind are looked at
	for _, w := range wanted[:min(len(wanted), most)] {
		if tag := l.lookup(w); tag != "" {
			return tag
		}
	}
	type choice struct {
		tag     string
		quality float64
	}
	var choices []choice
	header, looked := r.Header.Get("Accept-Language"), 0
	for item := range strings.SplitSeq(header, ",") {
		if looked++; looked > most {
			break
		}
		tag, parameter, _ := strings.Cut(item, ";")
		quality := 1.0
		if q, ok := strings.CutPrefix(strings.TrimSpace(parameter), "q="); ok {
			quality, _ = strconv.ParseFloat(q, 64)
		}
		if found := l.lookup(strings.TrimSpace(tag)); found != "" && quality > 0 && quality <= 1 {
			choices = append(choices, choice{found, quality})
		}
	}
	if len(choices) == 0 {
		return English
	}
	slices.SortStableFunc(choices, func(a, b choice) int { return int((b.quality - a.quality) * 1000) })
	return choices[0].tag
}

// lookup finds a tag, or a shorter one that it begins with (RFC 4647 §3.4), or "".
func (l *Languages) lookup(tag string) string {
	if !isTag(tag) {
		return ""
	}
	for tag = strings.ToLower(tag); tag != ""; {
		if l.texts[tag] != nil {
			return tag
		}
		tag = tag[:max(strings.LastIndexByte(tag, '-'), 0)]
	}
	return ""
}

// known is the tag if there is such a language, else English.
func (l *Languages) known(tag string) string {
	if found := l.lookup(tag); found != "" {
		return found
	}
	return English
}

// isTag reports whether a text has the shape of a language tag: letters and digits
// in groups of at most eight (RFC 5646 §2.1).
func isTag(tag string) bool {
	if len(tag) > 35 {
		return false
	}
	for part := range strings.SplitSeq(tag, "-") {
		if len(part) == 0 || len(part) > 8 || strings.Trim(strings.ToLower(part), "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return false
		}
	}
	return true
}

// text is a text with its placeholders, in the language or in one that stands in
// for it: de-AT, de, English.
func (l *Languages) text(tag, key string) string {
	for at := strings.ToLower(tag); at != ""; at = at[:max(strings.LastIndexByte(at, '-'), 0)] {
		if text, ok := l.texts[at][key]; ok {
			return text
		}
	}
	text, ok := l.texts[English][key]
	if !ok {
		panic("web: no text " + key)
	}
	return text
}

// Text returns a text as plain text, such as a mail needs, its placeholders filled
// by the pairs that follow: name, value. It panics for a key that English lacks.
func (l *Languages) Text(tag, key string, pairs ...string) string {
	return fill(l.text(l.known(tag), key), func(name string) string {
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		panic("web: the text " + key + " wants " + name)
	})
}

// html is a text as HTML. What fills it is escaped and set apart, so that a name
// written from right to left, or one that pretends to be, turns nothing else around.
func (l *Languages) html(tag, key string, pairs []any) template.HTML {
	return template.HTML(fill(template.HTMLEscapeString(l.text(tag, key)), func(name string) string {
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] != name {
				continue
			}
			if ready, ok := pairs[i+1].(template.HTML); ok {
				return string(ready)
			}
			return "<bdi>" + template.HTMLEscapeString(fmt.Sprint(pairs[i+1])) + "</bdi>"
		}
		panic("web: the text " + key + " wants " + name)
	}))
}

// fill puts values in the places of {names}.
func fill(text string, value func(name string) string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, _ := strings.Cut(rest, "}")
		b.WriteString(value(name))
		text = after
	}
}
