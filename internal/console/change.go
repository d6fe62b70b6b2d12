package console

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

func itoa(n int) string { return strconv.Itoa(n) }

// asked is the question of the page, and the pairs of an address that ask it.
func (v *visit) asked(e *Environment) (store.ChangeQuery, []string, error) {
	q := store.ChangeQuery{About: v.field("about"), Kind: v.field("kind"), Actor: v.field("actor"), Limit: perPage + 1}
	pairs := []string{"environment", e.Name, "kind", q.Kind, "about", q.About, "actor", q.Actor}
	if before := v.field("before"); before != "" {
		n, err := strconv.ParseInt(before, 10, 64)
		if err != nil || n < 1 {
			return q, nil, errAsked
		}
		q.Before = n
	}
	return q, pairs, nil
}

// changes lists who changed what.
func (v *visit) changes() error {
	e, err := v.environment()
	if err != nil {
		return err
	}
	q, pairs, err := v.asked(e)
	if err != nil {
		return err
	}
	all, err := e.History.Search(v.r.Context(), q)
	if err != nil {
		return err
	}
	section := web.ConsoleSection{Name: "list", Heading: "Changes in " + e.Title}
	if len(all) > 0 {
		section.Table = v.changeTable(e, all[:min(len(all), perPage)])
	} else {
		section.Empty = "No change is like that. Show all, or look in another environment: what people of the deployment do is in Home."
	}
	if len(all) > perPage {
		section.Further = append(section.Further, web.ConsoleLink{Text: "Older ones", To: to("/changes", append(slices.Clone(pairs), "before", strconv.FormatInt(all[perPage-1].Seq, 10))...)})
	}
	section.Further = append(section.Further,
		web.ConsoleLink{Text: "As JSON lines", To: to("/changes/export", append(slices.Clone(pairs), "format", "jsonl")...)},
		web.ConsoleLink{Text: "As CSV", To: to("/changes/export", append(slices.Clone(pairs), "format", "csv")...)},
	)
	v.show(http.StatusOK, &web.ConsolePage{
		ConsoleFrame: web.ConsoleFrame{Title: "Changes", Lead: "Who changed what, the newest first. Each was written in the step that it records."},
		Choices:      []web.ConsoleChoice{v.environments(e, "/changes", nil, "kind", q.Kind, "about", q.About, "actor", q.Actor)},
		Filter: v.filter("/changes", e, []web.ConsoleField{
			{Name: "kind", Label: "Kind", Value: q.Kind, Plain: true, Hint: "How it begins: secret. or client.created"},
			{Name: "about", Label: "About", Value: q.About, Plain: true, Hint: "An id of what was changed"},
			{Name: "actor", Label: "Who", Value: q.Actor, Plain: true, Hint: "An account's or client's id"},
		}),
		Sections: []web.ConsoleSection{section},
	})
	return nil
}

func (v *visit) changeTable(e *Environment, all []store.Change) *web.ConsoleTable {
	table := &web.ConsoleTable{Caption: "Changes", Columns: columns("When", "What", "About", "Details", "Who, and trace id")}
	seen := map[string]web.ConsoleCell{}
	for i := range all {
		c := &all[i]
		about := web.ConsoleCell{Text: c.ID, Code: true, To: whereOf(e, c)}
		if c.Client != "" {
			about.Below = "of " + c.Client
		}
		table.Rows = append(table.Rows, []web.ConsoleCell{when(c.At), code(c.Kind), about, text(detailOf(c.Detail)), below(v.actor(seen, c.Actor), c.Trace)})
	}
	return table
}

// whereOf is the page of what a change is about.
func whereOf(e *Environment, c *store.Change) string {
	noun, _, _ := strings.Cut(c.Kind, ".")
	switch {
	case strings.HasSuffix(c.Kind, ".deleted"):
	case noun == "access": // its client is another environment's
		return to("/request", "id", c.ID)
	case c.Client != "":
		return to("/client", "environment", e.Name, "id", c.Client)
	case noun == "client":
		return to("/client", "environment", e.Name, "id", c.ID)
	case noun == "account":
		return to("/account", "environment", e.Name, "id", c.ID)
	case noun == "partner":
		return to("/partner", "id", c.ID)
	}
	return ""
}

// detailOf is a change's detail for people: "name: value". What a change says of
// both before and after is written from → to.
func detailOf(detail string) string {
	var members map[string]any
	if json.Unmarshal([]byte(detail), &members) != nil || len(members) == 0 {
		return ""
	}
	parts := []string{}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if before, after, ok := pairOf(members[name]); ok {
			parts = append(parts, fmt.Sprintf("%s: %s → %s", name, cmp.Or(plainly(before), "none"), cmp.Or(plainly(after), "none")))
			continue
		}
		if is := plainly(members[name]); is != "" {
			parts = append(parts, name+": "+is)
		}
	}
	const most = 400
	if all := []rune(strings.Join(parts, "; ")); len(all) > most {
		return string(all[:most]) + "…"
	}
	return strings.Join(parts, "; ")
}

// pairOf is what a change says of before and after.
func pairOf(value any) (before, after any, ok bool) {
	pair, _ := value.(map[string]any)
	before, was := pair["from"]
	after, is := pair["to"]
	return before, after, was && is && len(pair) == 2
}

// plainly writes a value without the marks of JSON.
func plainly(value any) string {
	switch is := value.(type) {
	case nil:
		return ""
	case string:
		return is
	case []any:
		all := make([]string, len(is))
		for i, one := range is {
			all[i] = plainly(one)
		}
		return strings.Join(all, ", ")
	case map[string]any:
		var all []string
		for _, name := range slices.Sorted(maps.Keys(is)) {
			all = append(all, name+" ("+plainly(is[name])+")")
		}
		return strings.Join(all, ", ")
	}
	text, _ := json.Marshal(value) // what was decoded encodes
	return string(text)
}

// historySection lists the last changes of one thing.
func (v *visit) historySection(e *Environment, id string) (web.ConsoleSection, error) {
	section := web.ConsoleSection{Name: "history", Heading: "History"}
	if !v.may("changes:read") {
		section.Empty = "Your role does not include changes."
		return section, nil
	}
	all, err := e.History.Search(v.r.Context(), store.ChangeQuery{About: id, Limit: 20})
	if err != nil {
		return section, err
	}
	if len(all) == 0 {
		section.Empty = "Nothing was changed since it is known."
		return section, nil
	}
	section.Table = v.changeTable(e, all)
	section.Further = []web.ConsoleLink{{Text: "All its changes", To: to("/changes", "environment", e.Name, "about", id)}}
	return section, nil
}
