package sqlstore

import (
	"slices"
	"testing"
)

// What list cuts apart is what the decoder would have said.
func TestListOfAnything(t *testing.T) {
	for _, names := range [][]string{
		nil, {""}, {"a"}, {"a", "b"}, {"", "", ""}, {","}, {`","`}, {`"`, `\`}, {`a\`, "b"}, {"<>&", "\u2028é\n"}, {"[", "]"}, {`"]`}, {`["`},
	} {
		var got []string
		if err := list(text(names), &got); err != nil || !slices.Equal(got, names) {
			t.Errorf("%q became %q: %v", names, got, err)
		}
	}
	for _, column := range []string{``, `["`, `"]`, `["a"`, `"a"]`, `[1]`} {
		var got []string
		if err := list(column, &got); err == nil {
			t.Errorf("%s became %q", column, got)
		}
	}
}
