package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"
)

// tableWidth is what a table fits into, in characters.
const tableWidth = 80

const columnGap = 2

// writeTable writes rows in columns below their titles. Where they are wider than
// the table may be, the flexible column gives way first and then the widest one.
func writeTable(out io.Writer, titles []string, flexible int, rows [][]string) error {
	widths := make([]int, len(titles))
	for _, row := range append([][]string{titles}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(printable(cell)))
		}
	}
	fit(widths, flexible)
	t := tabwriter.NewWriter(out, 0, 0, columnGap, ' ', 0)
	for _, row := range append([][]string{titles}, rows...) {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(t, "\t")
			}
			fmt.Fprint(t, shortened(printable(cell), widths[i]))
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

// fit narrows columns until they are within the table's width.
func fit(widths []int, flexible int) {
	const narrowest = 8
	over := columnGap*(len(widths)-1) - tableWidth
	for _, w := range widths {
		over += w
	}
	if give := min(over, widths[flexible]-narrowest); give > 0 {
		widths[flexible] -= give
		over -= give
	}
	for ; over > 0; over-- {
		widest := 0
		for i, w := range widths {
			if w > widths[widest] {
				widest = i
			}
		}
		widths[widest]--
	}
}

// shortened cuts a text to so many characters, and shows that it did.
func shortened(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:width-1]) + "…"
}

// printable keeps what a terminal would take for a command out of a text that
// came from elsewhere.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// writeFields writes names and values below each other. A value is not cut: ids
// and secrets are there to be copied.
func writeFields(out io.Writer, fields [][2]string) error {
	t := tabwriter.NewWriter(out, 0, 0, columnGap, ' ', 0)
	for _, f := range fields {
		fmt.Fprintf(t, "%s\t%s\n", f[0], printable(f[1]))
	}
	return t.Flush()
}

func writeJSON(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// day is a time in a column, and moment one that stands alone. The zero time is
// what otherwise says.
func day(t time.Time, otherwise string) string { return inUTC(t, "2006-01-02", otherwise) }

func moment(t time.Time, otherwise string) string { return inUTC(t, "2006-01-02 15:04 UTC", otherwise) }

func inUTC(t time.Time, layout, otherwise string) string {
	if t.IsZero() {
		return otherwise
	}
	return t.UTC().Format(layout)
}
