package home

import (
	"cmp"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// mostDeeds is how many lines Deeds has at the most.
const mostDeeds = 200

// Deeds asks for what a secret of a client did since it was made.
func Deeds(clientID string, s *store.Secret) store.TallyQuery {
	return store.TallyQuery{Client: clientID, Since: s.CreatedAt, Days: true, ByClient: true, BySecret: true, ByAPI: true, Limit: 20_000}
}

// ShowDeeds puts the answer into a section, the newest first, by day, with when the
// secret was used last.
func ShowDeeds(section *web.ConsoleSection, all []store.Tally, s *store.Secret) {
	section.Name, section.Heading = "did", "What the old secret did"
	section.Text = "Since it was made, the newest first, by day. " + web.LastUse(s.LastUsedAt, s.LastUsedFrom) + " What was not you, was somebody else."
	table := &web.ConsoleTable{Caption: section.Heading, Columns: []web.ConsoleColumn{{Text: "Day (UTC)"}, {Text: "What"}, {Text: "API"}, {Text: "How often", Number: true}}}
	for _, t := range slices.Backward(all) {
		if t.Secret != s.ID {
			continue
		}
		if len(table.Rows) == mostDeeds {
			section.Text += " These are the first 200 lines."
			break
		}
		table.Rows = append(table.Rows, []web.ConsoleCell{
			{Text: t.Hour.UTC().Format(time.DateOnly)}, {Text: cmp.Or(t.Event, t.Refusal), Code: true}, {Text: t.API}, {Number: t.Count, IsZero: true},
		})
	}
	if section.Table = table; len(table.Rows) == 0 {
		section.Table, section.Empty = nil, "Nothing, as far as is known."
	}
}
