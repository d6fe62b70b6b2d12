package web

import "time"

// A PortalPage is a page where partners help themselves. What is empty of it is
// left out. All addresses in it are paths below the portal, with their queries.
type PortalPage struct {
	PortalFrame
	Text     []string // what there is to say
	Mails    string   // URL of the mails of a demonstration, which sends none
	Warnings []string
	Choices  []ConsoleChoice
	Actions  []ConsoleLink // on what the page is about
	Once     *PortalOnce
	Filter   *ConsoleFilter
	Form     *PortalForm
	Exchange *PortalExchange
	Facts    *PortalSheet
	Sections []ConsoleSection
	Refusals *PortalRefusals
}

// A PortalFrame is what is around the content.
type PortalFrame struct {
	Title string
	Lead  string // one sentence below the title
	Docs  string // URL path of the documentation
	Who   string // who is signed in; empty: nobody
	Own   string // URL of their account page
	Of    string // for which organisation they are here
	Nav   []ConsoleLink
	Trail []ConsoleLink // from the list to here
	Said  string        // what was just done
	Note  string        // what was wrong
	Home  string        // the origin where people sign in; empty: this one
}

// A PortalOnce is a secret that is shown this once.
type PortalOnce struct {
	Label, Secret string
	On            ConsoleLink // where to go then
}

// A PortalForm asks for something, or asks before something is done.
type PortalForm struct {
	To     string      // where it is sent
	Hidden [][2]string // names and values
	Goes   []string    // what will be gone
	Fields []ConsoleField
	Button string
	Sharp  bool
	Back   string // where nothing is done
}

// A PortalExchange is a request and its answer as they stand on the wire, without
// what is secret of them.
type PortalExchange struct {
	Sent, Got string
	Notes     []string
}

// A PortalSheet is what somebody keeps beside a secret, to print.
type PortalSheet struct {
	Heading string
	Text    string
	Facts   []ConsoleFact
}

// PortalRefusals are requests that were refused, the newest first.
type PortalRefusals struct {
	Heading string
	Empty   string // in place of them
	All     []PortalRefusal
}

// A PortalRefusal is one of them, or several equal ones in a row: what was the cause,
// and what cures it.
type PortalRefusal struct {
	At      time.Time // of the newest
	Times   int       // how many they are; 0 stands for 1
	Since   time.Time // of the first, where they are several
	Cut     bool      // there may be more, from before
	Text    string    // as the answer had it
	Why, Do string
	More    string // path of what explains it further
	Code    string // as the answer has it
	Where   string // the endpoint or route
	Client  string
	In      string // the environment
	Trace   string // of the newest
}

func (PortalPage) screen() string { return "portal-page" }

func (f PortalFrame) home() string { return f.Home }
