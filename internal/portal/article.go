package portal

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/grantway/grantway/internal/web"
)

// An article is one page of the documentation. The page in HTML and the one in
// Markdown are written from the same article, so neither can say more.
type article struct {
	Slug  string // last element of its address
	Under string // slug of the one whose page it is, and which the navigation has instead; empty: none
	Title string
	Lead  text
	Parts []part
}

// A part is a section of an article, with a heading that can be linked to.
type part struct {
	ID, Title string
	Blocks    []block
}

// A block is a piece of a part: exactly one of its fields is set.
type block struct {
	Prose   text
	List    *list
	Grid    *grid
	Cases   []instance
	Box     *box
	Code    *Code
	Example *Example
	Picture *picture
}

// A list has one text for each item; steps are numbered.
type list struct {
	Steps bool
	Items []text
}

// A grid is a table. Its first column names the rows.
type grid struct {
	Label string // for who cannot see it
	Head  []string
	Rows  []line
}

// A line is a row of a grid. With an ID it can be linked to and found.
type line struct {
	ID    string
	Cells []text
}

// An instance is something that goes wrong: what is seen, why, and what to do.
type instance struct {
	ID    string
	Seen  text
	Facts text // code and status; may be empty
	Why   text
	Do    text
	Page  string // URL of the page that says more; may be empty
}

// A box stands out of the text.
type box struct {
	Kind string // "Warning" or "Tip"
	Text text
}

// Code is a text to copy.
type Code struct {
	ID       string // of the element that is copied
	Label    string // what it is
	Language string // as Markdown names it
	Text     string
}

// A text is what people read: words, some of them code, links or strong.
type text []span

// A span is a run of a text that is written alike.
type span struct {
	Text   string
	Code   bool
	Strong bool
	URL    string // where it leads; empty: nowhere
}

// Pieces are the text in parts between which a line may end.
func (s span) Pieces() []string { return web.Pieces(s.Text) }

// say reads a text of our own: `code`, **strong**, [words](address). Then each %s
// is replaced, in order; what is put in is never read as markup.
func say(format string, args ...any) text {
	var spans text
	for format != "" {
		at := strings.IndexAny(format, "`[*")
		if at < 0 {
			at = len(format)
		}
		if at > 0 {
			spans, format = append(spans, span{Text: format[:at]}), format[at:]
			continue
		}
		one, rest := marked(format)
		spans, format = append(spans, one), rest
	}
	for i := range spans {
		spans[i].Text, args = fill(spans[i].Text, args)
		spans[i].URL, args = fill(spans[i].URL, args)
	}
	return spans
}

// marked reads the markup that a text begins with; what does not end is no markup.
func marked(s string) (span, string) {
	if body, rest, ok := strings.Cut(s[1:], "`"); ok && s[0] == '`' {
		return span{Text: body, Code: true}, rest
	}
	if strings.HasPrefix(s, "**") {
		if body, rest, ok := strings.Cut(s[2:], "**"); ok {
			return span{Text: body, Strong: true}, rest
		}
	}
	if words, rest, ok := strings.Cut(s[1:], "]("); ok && s[0] == '[' {
		if address, rest, ok := strings.Cut(rest, ")"); ok {
			return span{Text: words, URL: address}, rest
		}
	}
	return span{Text: s[:1]}, s[1:]
}

// fill replaces each %s by the next argument.
func fill(s string, args []any) (string, []any) {
	n := strings.Count(s, "%s")
	if n == 0 {
		return s, args
	}
	return fmt.Sprintf(s, args[:n]...), args[n:]
}

// words is a text of the publisher's, as it is.
func words(s string) text {
	if s == "" {
		return nil
	}
	return text{{Text: s}}
}

// coded are names, one after the other.
func coded(names ...string) text {
	var t text
	for i, name := range names {
		if i > 0 {
			t = append(t, span{Text: ", "})
		}
		t = append(t, span{Text: name, Code: true})
	}
	return t
}

// linked is a text that leads somewhere.
func linked(words, address string) text { return text{{Text: words, URL: address}} }

// String is the text without its looks.
func (t text) String() string {
	var b strings.Builder
	for _, s := range t {
		b.WriteString(s.Text)
	}
	return b.String()
}

// prose is a paragraph.
func prose(format string, args ...any) block { return block{Prose: say(format, args...)} }

// tip is a box with something that helps.
func tip(format string, args ...any) block { return block{Box: &box{"Tip", say(format, args...)}} }

// warning is a box with something that harms.
func warning(format string, args ...any) block {
	return block{Box: &box{"Warning", say(format, args...)}}
}

// points and steps are lists.
func points(items ...text) block { return block{List: &list{Items: items}} }
func steps(items ...text) block  { return block{List: &list{Steps: true, Items: items}} }

// code is a text to copy.
func code(id, label, language, body string) block {
	return block{Code: &Code{id, label, language, body}}
}

// facts is a table.
func facts(label string, head []string, rows ...line) block {
	return block{Grid: &grid{label, head, rows}}
}

// cells is a row without an address.
func cells(c ...text) line { return line{Cells: c} }

// slug is an id made of words: stable for as long as the words are.
func slug(s string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(s) {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			b.WriteRune(c)
		} else if b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
			b.WriteByte('-')
		}
	}
	return strings.TrimRight(b.String(), "-")
}
