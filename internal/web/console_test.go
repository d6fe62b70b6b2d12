package web

import (
	"strings"
	"testing"
	"time"
)

// consoleSamples are pages of the console. They are in English, whatever the reader
// speaks.
func consoleSamples(said func(string) string) []sample {
	at := Showing{Language: English, Browser: "b", Now: now}
	frame := ConsoleFrame{
		Title: said("Harbour"), Lead: said("Of the harbour."), Who: said("olga"), Roles: "owner", Said: "Done.", Note: said("Nothing was done."),
		Nav: []ConsoleLink{{Text: "Overview", To: "/", Here: true}, {Text: "Requests", To: "/requests", Count: "3"}}, Trail: []ConsoleLink{{Text: said("Clients"), To: "/clients"}},
	}
	cells := []ConsoleCell{
		{Text: said("Harbour"), To: "/client?id=a&environment=b", Below: said("harbour")},
		{At: now.Add(-time.Hour)},
		{Number: 1234567},
		{IsZero: true},
		{},
		{Text: said("Disabled"), Kind: "bad"},
		{Text: said("id"), Code: true, To: "javascript:alert(1)"},
		{Text: said("x"), To: "//evil.example"},
	}
	table := &ConsoleTable{Caption: said("Clients"), Rows: [][]ConsoleCell{cells}}
	for range cells {
		table.Columns = append(table.Columns, ConsoleColumn{Text: said("Column"), Number: true})
	}
	chart := ConsoleChart{Name: "tokens", Title: said("Tokens per hour"), Unit: "tokens", Line: said("new"), Others: []ConsoleLine{{Name: said("again")}}}
	for i := range 24 {
		chart.Values = append(chart.Values, ConsoleValue{At: now.Add(time.Duration(i) * time.Hour), Count: int64(i * i * 100)})
		chart.Others[0].Counts = append(chart.Others[0].Counts, int64(i))
	}
	none := ConsoleChart{Name: "none", Title: "Nothing", Unit: "calls", Days: true, Values: []ConsoleValue{{At: now}}}
	fields := []ConsoleField{
		{Name: "name", Label: "Name", Hint: said("hint"), Value: said("value"), Problem: said("is missing"), Needed: true},
		{Name: "text", Label: "Text", Kind: "area", Value: said("value")},
		{Name: "kind", Label: "Kind", Kind: "select", Options: []ConsoleOption{{Value: said("a"), Text: said("A"), On: true}}},
		{Name: "scopes", Label: "Scopes", Kind: "checks", Options: []ConsoleOption{{Value: said("a"), Text: said("A"), Hint: said("what"), Group: said("API"), On: true}}},
	}
	section := ConsoleSection{
		Name: "all", Heading: said("All"), Text: said("Text."), Facts: []ConsoleFact{{Name: said("Id"), Is: cells}, {Name: "None"}}, Charts: []ConsoleChart{chart, none},
		Bars: ConsoleBars([]ConsoleCell{{Text: said("a")}, {Text: said("b"), To: "/b"}}, []int64{10, 3}), Table: table, Empty: said("Nothing."),
		Actions: []ConsoleLink{{Text: said("Delete"), To: "/delete", Sharp: true}}, Further: []ConsoleLink{{Text: "More", To: "/more"}},
	}
	section.Bars[0].Over = []int64{0, 7, 3}
	section.Figures = &ConsoleOver{Title: said("Refusals"), Columns: []string{"Hour", said("cause")}, Rows: []ConsoleFigures{{At: "22 Nov 10:00", Is: []string{"7"}}}}
	return []sample{
		{"page", at, ConsolePage{
			ConsoleFrame: frame, Live: &ConsoleLive{AsOf: said("as of 10:00"), Every: 15, Reload: 15}, Choices: []ConsoleChoice{{Name: "Environment", Links: frame.Nav}}, Sections: []ConsoleSection{section}, Actions: section.Actions,
			Filter: &ConsoleFilter{To: "/clients", Reset: "/clients", Fields: append([]ConsoleField{{Name: "environment", Kind: "hidden", Value: said("x")}}, fields...)},
		}},
		{"page-stranger", at, ConsolePage{ConsoleFrame: ConsoleFrame{Title: "This console is for operators"}}},
		{"form", at, ConsoleForm{ConsoleFrame: frame, To: "/do", Hidden: [][2]string{{"id", said("a")}}, Text: []string{said("What.")}, Goes: []string{said("all")}, Fields: fields, Button: "Do", Sharp: true, Back: "/back"}},
		{"shown", at, ConsoleShown{ConsoleFrame: frame, Text: []string{said("Made.")}, Label: said("Secret"), Secret: said("s"), Facts: section.Facts, Warnings: []string{said("Care.")}, Sections: []ConsoleSection{section}, On: ConsoleLink{Text: "On", To: "/"}}},
	}
}

func TestConsolePagesAreSoundWithHostileNames(t *testing.T) { // row R01
	p := newPages(t, Theme{Name: hostile("Brand")}, "/at")
	for name, said := range map[string]func(string) string{"plain": plainly, "hostile": hostile} {
		for _, s := range consoleSamples(said) {
			t.Run(name+"/"+s.name, func(t *testing.T) {
				w := s.show(t, p)
				for _, n := range checkPage(t, w.Body.String()) {
					if to := attr(n, "href"); n.Data == "a" && !strings.HasPrefix(to, "/at/") && to != "#text" {
						t.Errorf("a link leads to %s", to)
					}
				}
				if strings.Contains(w.Body.String(), "ZgotmplZ") {
					t.Error("something was filtered out of the page")
				}
			})
		}
	}
}

// TestOnlyTheConsoleOfAnotherOriginPostsThere: to where its operators sign in.
func TestOnlyTheConsoleOfAnotherOriginPostsThere(t *testing.T) {
	p := newPages(t, Theme{}, "")
	for home, want := range map[string]string{"": "form-action 'self';", "https://home.example": "form-action 'self' https://home.example;"} {
		s := sample{"", Showing{Language: English}, ConsolePage{ConsoleFrame: ConsoleFrame{Title: "Clients", Home: home}}}
		if got := s.show(t, p).Header().Get("Content-Security-Policy"); !strings.Contains(got, want) {
			t.Errorf("%q: %s", home, got)
		}
	}
}
