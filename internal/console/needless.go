package console

import (
	"context"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// Who fetches tokens needlessly is looked for in a day: in the hours of a month
// there would be too much to read.
const (
	needlessHours  = 24
	needlessFactor = 3 // times what is needed
	needlessShown  = 10
)

// needless finds the clients that fetch many more tokens than they need.
func needless(ctx context.Context, e *Environment, now time.Time) ([]activity.Fetching, error) {
	lifetimes := map[string]time.Duration{}
	for _, api := range e.APIs {
		lifetimes[api.Name] = api.Token.Lifetime
	}
	var all []store.Tally
	q := store.TallyQuery{Since: now.UTC().Truncate(time.Hour).Add((1 - needlessHours) * time.Hour), ByClient: true, ByAPI: true, Limit: 5000}
	for {
		some, err := e.Activity.Tallies(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, t := range some {
			if t.Client != "" && t.Refusal == "" {
				all = append(all, t)
			}
		}
		if len(some) < q.Limit {
			break
		}
		q.After = some[len(some)-1]
	}
	found := activity.Needless(all, lifetimes, needlessFactor)
	return found[:min(len(found), needlessShown)], nil
}

// needlessly lists them; nothing, where there are none.
func needlessly(e *Environment, found []activity.Fetching) []web.ConsoleSection {
	if len(found) == 0 {
		return nil
	}
	table := &web.ConsoleTable{Caption: "Clients that fetch tokens needlessly", Columns: columns("Client", "API", "#Tokens fetched", "#Needed", "#Calls", "Left of the one before")}
	for _, f := range found {
		fetched := number(f.Fetched)
		if f.Reused > 0 {
			fetched = below(fetched, web.Thousands(f.Reused)+" given again")
		}
		table.Rows = append(table.Rows, []web.ConsoleCell{
			{Text: f.Client, Code: true, To: to("/client", "environment", e.Name, "id", f.Client)}, code(f.API), fetched, number(f.Needed), number(f.Calls), text(f.Left.String()),
		})
	}
	return []web.ConsoleSection{{
		Name: "needless", Heading: "Tokens fetched needlessly, in the last 24 hours", Table: table,
		Text: "These clients fetch more than three times the tokens that a program needs which keeps them. Tell their partners, or set reuse and budget for the API's tokens.",
	}}
}
