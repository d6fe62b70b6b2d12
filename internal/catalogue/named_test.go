package catalogue_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/catalogue"
)

func TestMean(t *testing.T) {
	scope := func(name string, aliases ...string) *catalogue.Scope {
		return &catalogue.Scope{Name: name, Aliases: aliases}
	}
	apis := []*catalogue.API{
		{Name: "notes", Scopes: []*catalogue.Scope{scope("https://x.example/notes.read"), scope("notes:write", "edit"), scope("shared:all")}},
		{Name: "files", Scopes: []*catalogue.Scope{scope("files:write"), scope("shared:all"), scope("read")}},
	}
	for text, want := range map[string]catalogue.Meaning{
		"notes:write": {Scope: "notes:write", Of: []string{"notes"}},
		"edit":        {Scope: "notes:write", Of: []string{"notes"}},
		"read":        {Scope: "read", Of: []string{"files"}}, // a name comes before an ending
		"notes.read":  {Scope: "https://x.example/notes.read", Of: []string{"notes"}},
		"shared:all":  {Scope: "shared:all", Of: []string{"notes", "files"}},
		"all":         {Scope: "shared:all", Of: []string{"notes", "files"}},
		"write":       {Ends: []string{"notes:write", "files:write"}},
		"rite":        {},
		":write":      {},
		"":            {},
	} {
		if diff := cmp.Diff(want, catalogue.Mean(text, apis)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}
