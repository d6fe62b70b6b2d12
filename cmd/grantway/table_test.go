package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestTable(t *testing.T) {
	long := strings.Repeat("x", 128)
	for name, row := range map[string]struct {
		cells []string
		want  string
	}{
		"all fits": {
			[]string{"id", "Müller", "on"},
			"ID  NAME    STATE\nid  Müller  on\n",
		},
		"the name gives way": {
			[]string{"7VUoRVhmxs1C7BW3AJ1I", long, "disabled"},
			"ID                    NAME                                              STATE\n" +
				"7VUoRVhmxs1C7BW3AJ1I  " + strings.Repeat("x", 47) + "…  disabled\n",
		},
		"then the widest": {
			[]string{long, long, "disabled"},
			"ID" + strings.Repeat(" ", 60) + "NAME      STATE\n" + strings.Repeat("x", 59) + "…  xxxxxxx…  disabled\n",
		},
		"no command for the terminal": {
			[]string{"\x1b[2Jid", "a\tb", "c\nd"},
			"ID      NAME  STATE\n\ufffd[2Jid  a\ufffdb   c\ufffdd\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := writeTable(&b, []string{"ID", "NAME", "STATE"}, 1, [][]string{row.cells}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, b.String()); diff != "" {
				t.Error(diff)
			}
			for line := range strings.Lines(b.String()) {
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > tableWidth {
					t.Errorf("%d characters: %s", n, line)
				}
			}
		})
	}
}
