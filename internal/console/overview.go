package console

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// soonAgain is in how many seconds figures may be there that are not yet.
const soonAgain = 2

// soon is how far ahead the overview looks for what ends.
const soon = 30 * 24 * time.Hour

// overview shows how an environment is.
func (v *visit) overview() error {
	e, err := v.environment()
	if err != nil {
		return err
	}
	chosen := spans[usualSpan]
	for _, s := range spans {
		if s.name == v.field("span") {
			chosen = s
		}
	}
	live := v.field("live")
	page := &web.ConsolePage{ConsoleFrame: web.ConsoleFrame{Title: "Overview"}}
	look := web.ConsoleChoice{Name: "Time"}
	for _, s := range spans {
		look.Links = append(look.Links, web.ConsoleLink{Text: upper(s.text), Here: s == chosen, To: to("/", "environment", e.Name, "span", s.name, "live", live)})
	}
	reading := web.ConsoleChoice{Name: "Reading", Links: []web.ConsoleLink{
		{Text: "Once", Here: live != "1", To: to("/", "environment", e.Name, "span", chosen.name, "live", "no")},
		{Text: "Every " + itoa(chosen.every) + " seconds", Here: live == "1", To: to("/", "environment", e.Name, "span", chosen.name, "live", "1")},
	}}
	page.Choices = []web.ConsoleChoice{v.environments(e, "/", nil, "span", chosen.name, "live", live), look, reading}
	page.Live = &web.ConsoleLive{}
	if live != "no" { // who has scripts is shown what is new unless they chose otherwise
		page.Live.Every = chosen.every
	}
	if live == "1" {
		page.Live.Reload = chosen.every
	}
	waiting, err := v.waiting()
	if err != nil {
		return err
	}
	traffic, err := v.traffic(page, e, chosen)
	if err != nil {
		return err
	}
	ending, err := v.ending(e)
	if err != nil {
		return err
	}
	page.Sections = slices.Concat(waiting, traffic, v.latency(e), []web.ConsoleSection{ending})
	v.show(http.StatusOK, page)
	return nil
}

// waiting is the requests that nobody has decided.
func (v *visit) waiting() ([]web.ConsoleSection, error) {
	open, more, err := v.open(v.r.Context(), "", 10)
	if err != nil || len(open) == 0 {
		return nil, err
	}
	if v.waits = itoa(len(open)); more {
		v.waits = "10+"
	}
	section := web.ConsoleSection{Name: "waiting", Heading: plural(len(open), "request") + " to decide", Table: v.requestTable(open)}
	if more {
		section.Heading = "More than 10 requests to decide"
	}
	section.Further = []web.ConsoleLink{{Text: "All requests", To: "/requests"}}
	return []web.ConsoleSection{section}, nil
}

// open are requests that are not decided, the newest first.
func (v *visit) open(ctx context.Context, before string, limit int) ([]store.AccessRequest, bool, error) {
	if v.c.Partners == nil {
		return nil, false, nil
	}
	return v.c.Partners.Requests(ctx, store.AccessQuery{Open: true, Before: before, Limit: limit})
}

// traffic draws what happened.
func (v *visit) traffic(page *web.ConsolePage, e *Environment, s span) ([]web.ConsoleSection, error) {
	f, err := v.c.figures.of(v.r.Context(), e, s, v.c.Now)
	if err != nil {
		return nil, err
	}
	section := web.ConsoleSection{Name: "traffic", Heading: "The last " + s.text + " of " + e.Title}
	if f == nil {
		page.Live.AsOf, page.Live.Every, page.Live.Reload = "Being added up", soonAgain, soonAgain
		section.Empty = "The figures are being added up. This page reads itself again in a moment."
		return []web.ConsoleSection{section}, nil
	}
	page.Live.AsOf = "As of " + f.at.UTC().Format("15:04:05 UTC")
	section.Charts = f.series.Charts("all")
	switch {
	case s.days > 0:
		section.Further = []web.ConsoleLink{{Text: "Activity as CSV", To: to("/activity/export", "environment", e.Name, "days", itoa(s.days), "format", "csv")}}
	case f.began.IsZero():
		section.Text = "As this server alone saw it, by the minute. What it saw in the last two seconds may be missing."
	default:
		section.Text = "As this server alone saw it since it started at " + f.began.Format("15:04 UTC") + ", by the minute. What it saw in the last two seconds may be missing."
	}
	took := web.ConsoleSection{Name: "latency", Heading: "How long answers took", Charts: f.series.Took("took")}
	if took.Text = "Each line of the grid is ten times the one below it."; len(took.Charts) == 0 {
		took.Text, took.Empty = "", "No token was asked for and no call was made in this time."
	}
	causes := web.ConsoleSection{Name: "causes", Heading: "Refusals by cause"}
	var cells []web.ConsoleCell
	var counts []int64
	var reasons []string
	for _, c := range f.causes {
		cell := code(c.is)
		if reason := refusal.Find(c.is); reason != nil {
			cell.Below = reason.Cause
		}
		cells, counts, reasons = append(cells, cell), append(counts, c.count), append(reasons, c.is)
	}
	causes.Bars, causes.Figures = web.ConsoleBars(cells, counts), f.series.Table(reasons)
	for i := range causes.Bars {
		causes.Bars[i].Over = f.series.Over(reasons[i])
	}
	if len(cells) == 0 {
		causes.Empty = "Nothing was refused."
	}
	top := web.ConsoleSection{Name: "top", Heading: "Clients with the most tokens"}
	cells, counts = nil, nil
	for _, c := range f.clients {
		cells, counts = append(cells, web.ConsoleCell{Text: c.is, Code: true, To: to("/client", "environment", e.Name, "id", c.is)}), append(counts, c.count)
	}
	if top.Bars = web.ConsoleBars(cells, counts); len(cells) == 0 {
		top.Empty = "No client has asked for a token in this time. Create one on the page Clients, and hand out its secret."
	}
	return append([]web.ConsoleSection{section, took, causes, top}, needlessly(e, f.waste)...), nil
}

// ending lists what ends soon: secrets, and keys.
func (v *visit) ending(e *Environment) (web.ConsoleSection, error) {
	section := web.ConsoleSection{Name: "ending", Heading: "Ending within 30 days"}
	table := &web.ConsoleTable{Caption: "Ending within 30 days", Columns: columns("What", "Whose", "Ends", "Last used")}
	now := v.c.Now()
	secrets, err := e.Clients.Secrets.Ending(v.r.Context(), now, now.Add(soon), time.Time{}, "", 20)
	if err != nil {
		return section, err
	}
	for _, s := range secrets {
		table.Rows = append(table.Rows, []web.ConsoleCell{
			below(text("Secret"), s.ID), {Text: s.ClientID, Code: true, To: to("/client", "environment", e.Name, "id", s.ClientID)}, when(s.ExpiresAt), when(s.LastUsedAt),
		})
	}
	for _, ring := range e.Keys {
		all, err := ring.List(v.r.Context())
		if err != nil {
			return section, err
		}
		for _, k := range all {
			if k.State() == store.KeyRetired && k.Until.Before(now.Add(soon)) {
				table.Rows = append(table.Rows, []web.ConsoleCell{below(text("Retired key"), k.ID), link(ring.Purpose, to("/keys", "environment", e.Name)), when(k.Until), when(k.RetiredAt)})
			}
		}
	}
	if section.Table = table; len(table.Rows) == 0 {
		section.Table, section.Empty = nil, "Nothing ends soon."
	}
	return section, nil
}
