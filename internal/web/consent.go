package web

import (
	"cmp"
	"net/url"
	"slices"
	"time"
)

// Consent asks a person what an application may do for them.
type Consent struct {
	Application string // its name
	ClientID    string
	Owner       string // who makes it, as the operator knows; empty: unknown
	Verified    bool   // the operator has checked that
	Homepage    string // URL; empty: none
	Redirect    string // where the answer goes; the page shows its host

	Account  string // user name
	Person   string // the account's id, which FieldAccount sends
	FullName string // empty: unknown

	Rights  []Right  // asked for, in any order: the page puts the sharp ones first
	Already []Right  // of what is asked for, allowed before: listed below, and sent along with what is ticked
	Not     []string // rights that it has not asked for, described in the person's language

	Away     bool          // it keeps them while the person is away (offline_access)
	Lasts    time.Duration // at most; zero: until they are taken back
	Remember bool          // offers not to ask again for the same
}

// A Right is a scope as people see it.
type Right struct {
	Scope   string // what FieldScope sends
	Text    string // what it allows, in the person's language
	API     string // at what; empty: not worth saying
	Write   bool   // it can change something: marked, and first
	Fixed   bool   // cannot be left out: shown without a box
	Dropped bool   // was unticked before
}

// API is the one that all rights asked for are at, empty for several.
func (c Consent) API() string {
	for _, r := range c.Rights {
		if r.API != c.Rights[0].API {
			return ""
		}
	}
	if len(c.Rights) == 0 {
		return ""
	}
	return c.Rights[0].API
}

// Sorted is the rights asked for, the sharp ones first, else in their order. The
// API is named at each only where there are several.
func (c Consent) Sorted() []Right {
	sorted := slices.Clone(c.Rights)
	named := map[string]bool{}
	for _, r := range sorted {
		if r.API != "" {
			named[r.API] = true
		}
	}
	if len(named) < 2 {
		for i := range sorted {
			sorted[i].API = ""
		}
	}
	slices.SortStableFunc(sorted, func(a, b Right) int { return cmp.Compare(weight(b), weight(a)) })
	return sorted
}

func weight(r Right) int {
	if r.Write {
		return 1
	}
	return 0
}

// Host is where the answer goes, as people read addresses; the whole of it where
// it has no host.
func (c Consent) Host() string { return host(c.Redirect) }

// host is the host and port of a URL, or its scheme where it has none.
func host(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return address
	case u.Host != "":
		return u.Host
	case u.Scheme != "":
		return u.Scheme + ":"
	}
	return address
}

func (Consent) screen() string { return "consent" }
