package web

import (
	"strconv"
	"strings"
	"time"
)

// A ConsoleFrame is what surrounds every page of the publisher's console. All
// addresses in pages of the console are paths below it, with their queries.
type ConsoleFrame struct {
	Title string
	Lead  string        // one sentence below the title; empty: none
	Who   string        // who is signed in; empty: nobody
	Roles string        // what they are, in words
	Nav   []ConsoleLink // the pages that they may see
	Trail []ConsoleLink // from the overview to here
	Said  string        // what was just done; empty: nothing
	Note  string        // what was wrong; empty: nothing
	Home  string        // the origin where operators sign in; empty: this one
}

func (f ConsoleFrame) home() string { return f.Home }

// A ConsoleLink leads to another page of the console.
type ConsoleLink struct {
	Text, To string
	Here     bool   // it is the page that is read
	Count    string // how much waits there; empty: nothing
	Sharp    bool   // it leads to something that ends or destroys
	Main     bool   // it is what most people come for
}

// A ConsolePage shows what there is.
type ConsolePage struct {
	ConsoleFrame
	Choices  []ConsoleChoice
	Filter   *ConsoleFilter // nil: none
	Actions  []ConsoleLink  // on what the page is about
	Sections []ConsoleSection
	Sign     bool         // a button to sign out, for who may see nothing
	Live     *ConsoleLive // nil: the page is as it is
}

// A ConsoleLive page is read again and again. A script changes in place what is new;
// without scripts the browser loads the page.
type ConsoleLive struct {
	AsOf   string // when what it shows was so: "As of 12:03:05 UTC"
	Every  int    // seconds until the script reads it again; 0: it does not
	Reload int    // seconds until a browser without scripts loads it again; 0: it does not
}

// A ConsoleChoice is one of a few things to look at, such as an environment.
type ConsoleChoice struct {
	Name  string
	Links []ConsoleLink
}

// A ConsoleFilter narrows a table by fields that stand in the URL.
type ConsoleFilter struct {
	To     string // of the page
	Fields []ConsoleField
	Reset  string // the page without a filter; empty: nothing is filtered
}

// A ConsoleSection is a part of a page. What is empty of it is left out.
type ConsoleSection struct {
	Name    string // the id of its heading
	Heading string
	Text    string
	Facts   []ConsoleFact
	Charts  []ConsoleChart
	Bars    []ConsoleBar
	Figures *ConsoleOver // what the bars are made of; nil: nothing
	Table   *ConsoleTable
	Empty   string // in place of what is missing, and how to get it
	Actions []ConsoleLink
	Further []ConsoleLink // the rest of a table, and what can be done with it
}

// A ConsoleFact is a name and what it stands for.
type ConsoleFact struct {
	Name string
	Is   []ConsoleCell
}

// A ConsoleTable has a heading for each column; the first cell of a row names it.
type ConsoleTable struct {
	Caption string
	Columns []ConsoleColumn
	Rows    [][]ConsoleCell
}

// A ConsoleColumn heads a column.
type ConsoleColumn struct {
	Text   string
	Number bool // right-aligned
}

// A ConsoleCell is one thing to read. Of Text, At, Number, the first that is set
// is shown; all zero: a dash.
type ConsoleCell struct {
	Text   string
	At     time.Time
	Number int64
	IsZero bool   // the number 0 is shown
	To     string // where the text leads; empty: nowhere
	Code   bool   // the text is an identifier
	Kind   string // good, warn or bad: a status
	Below  string // in smaller letters
}

// A ConsoleForm asks before something is done.
type ConsoleForm struct {
	ConsoleFrame
	To     string      // where the form is sent
	Hidden [][2]string // names and values
	Text   []string    // what will happen
	Goes   []string    // what will be gone
	Fields []ConsoleField
	Button string
	Sharp  bool
	Back   string // where nothing is done; empty: nowhere
}

// A ConsoleField is one thing that a form asks for.
type ConsoleField struct {
	Name, Label, Hint string
	Kind              string // text, area, select, checks, search, date; empty: text
	Value             string
	Options           []ConsoleOption
	Problem           string // what was wrong with it; empty: nothing
	Needed            bool
	Plain             bool   // no spelling is corrected in it
	Complete          string // what browsers may fill in, as the attribute autocomplete has it; empty: nothing
}

// A ConsoleOption is one of several values.
type ConsoleOption struct {
	Value, Text, Hint string
	On                bool
	Group             string // heading above it, where the one before has another
}

// A ConsoleShown says what came of something, among it what is shown this once.
type ConsoleShown struct {
	ConsoleFrame
	Text     []string
	Label    string // of the secret
	Secret   string // empty: none
	Facts    []ConsoleFact
	Warnings []string
	Sections []ConsoleSection
	On       ConsoleLink
}

func (ConsolePage) screen() string  { return "console-page" }
func (ConsoleForm) screen() string  { return "console-form" }
func (ConsoleShown) screen() string { return "console-shown" }

// Paths of the console that every page of it needs.
const (
	ConsoleSignOut = "/sign-out"
	ConsoleAssets  = "/assets/"
)

// Id is what the input of a field is called on its page.
func (f ConsoleField) Id() string { return "f-" + f.Name }

// Described is by what elements an input is described.
func (f ConsoleField) Described() string {
	var all []string
	if f.Problem != "" {
		all = append(all, f.Id()+"-problem")
	}
	if f.Hint != "" {
		all = append(all, f.Id()+"-hint")
	}
	return strings.Join(all, " ")
}

// Heads reports whether an option begins a group.
func (f ConsoleField) Heads(i int) bool {
	return f.Options[i].Group != "" && (i == 0 || f.Options[i-1].Group != f.Options[i].Group)
}

// Numeral is the number with its thousands apart.
func (c ConsoleCell) Numeral() string { return Thousands(c.Number) }

// Counts reports whether the cell shows a number.
func (c ConsoleCell) Counts() bool { return c.Number != 0 || c.IsZero }

// Thousands writes a number with a thin space between thousands, which no language
// takes for a decimal sign.
func Thousands(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:]
	}
	return sign + digits
}
