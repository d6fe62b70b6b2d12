package console

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// perPage is how many rows a table shows.
const perPage = 50

// patience is how long rows are sought that a filter lets through, before the page
// shows what was found and offers to go on.
const patience = 100 * time.Millisecond

// show answers with a page, framed by what is around every page.
func (v *visit) show(status int, screen web.Screen) {
	with := web.Showing{Language: web.English, Now: v.c.Now()}
	switch s := screen.(type) { // by value: what a page needs goes by its type
	case *web.ConsolePage:
		v.frame(&s.ConsoleFrame)
		screen = *s
	case *web.ConsoleForm:
		v.frame(&s.ConsoleFrame)
		screen = *s
	case *web.ConsoleShown:
		v.frame(&s.ConsoleFrame)
		screen = *s
	}
	if v.who != nil {
		with.Browser = v.who.Handle
	}
	v.c.Pages.Show(v.w, v.r, status, with, screen)
}

// frame says who is there and where they can go.
func (v *visit) frame(f *web.ConsoleFrame) {
	f.Home = v.c.elsewhere
	if v.who == nil {
		return
	}
	f.Who = v.who.Account.Name
	roles := slices.DeleteFunc(slices.Clone(v.who.Account.Roles), func(r string) bool { return !home.IsOperator([]string{r}) })
	if f.Roles = strings.Join(roles, ", "); f.Roles == "" {
		f.Roles = "no operator"
		return
	}
	for _, n := range navigation {
		if n.may != "" && !v.may(n.may) {
			continue
		}
		link := web.ConsoleLink{Text: n.text, To: n.path, Here: v.at.path == n.path || v.at.path != "/" && n.path != "/" && parent(v.at.path) == n.path}
		if n.path == "/requests" {
			link.Count = v.waits
		}
		f.Nav = append(f.Nav, link)
	}
}

// parent is the list that a page belongs to.
func parent(path string) string {
	first := "/" + strings.SplitN(strings.TrimPrefix(path, "/"), "/", 2)[0]
	if strings.HasSuffix(first, "s") {
		return first
	}
	return first + "s"
}

// An asking is a form that asks before something is done, and what it does. What
// does something answers itself; Faults show the form again.
type asking struct {
	show func(*visit) (*web.ConsoleForm, error)
	do   func(*visit) error
}

func (a asking) get(v *visit) error { return a.answer(v, http.StatusOK, nil) }

func (a asking) post(v *visit) error {
	err := a.do(v)
	faults, wrong := errors.AsType[partner.Faults](err)
	if !wrong {
		return err
	}
	return a.answer(v, http.StatusUnprocessableEntity, faults)
}

// answer shows the form, with what was wrong beside each field.
func (a asking) answer(v *visit, status int, faults partner.Faults) error {
	form, err := a.show(v)
	if err != nil {
		return err
	}
	form.To = v.at.path
	var others []string
	for _, fault := range faults {
		name, _, _ := strings.Cut(fault.Field, "[")
		name, _, _ = strings.Cut(name, ".")
		i := slices.IndexFunc(form.Fields, func(f web.ConsoleField) bool { return f.Name == name })
		text := fault.Problem
		if fault.Hint != "" {
			text += "; " + fault.Hint
		}
		if i < 0 || form.Fields[i].Kind == "checks" {
			others = append(others, fault.Field+" "+text)
			continue
		}
		form.Fields[i].Problem = strings.Trim(form.Fields[i].Problem+". "+upper(text), ". ") + "."
	}
	if len(faults) > 0 {
		form.Note = "Nothing was done. " + cmp.Or(strings.Join(others, "; "), "Look at what is said beside the fields") + "."
	}
	v.show(status, form)
	return nil
}

func upper(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// confirm is a field in which somebody types what they are about to destroy. It is
// never filled in for them.
func confirm(word string) web.ConsoleField {
	return web.ConsoleField{Name: "confirm", Label: "Type " + word + " to go on", Needed: true, Plain: true}
}

// confirmed returns a fault unless the word was typed.
func (v *visit) confirmed(word string) error {
	if v.field("confirm") != word {
		return partner.Faults{{Field: "confirm", Problem: "is not " + word}}
	}
	return nil
}

// done sends the browser to a page that says what was done.
func (v *visit) done(word, path string, pairs ...string) error {
	v.to(to(path, append(pairs, "done", word)...))
	return nil
}

// saids are the words for what was done. An address names one, so that whoever
// makes addresses cannot put words of their own on a page.
var saids = map[string]string{
	"client-enabled":    "The client can be used again.",
	"client-disabled":   "The client is disabled, and its tokens have ended.",
	"client-deleted":    "The client is deleted.",
	"client-changed":    "The client is changed.",
	"secret-revoked":    "The secret is revoked, and its tokens have ended.",
	"request-refused":   "The request is refused, and who asked is told.",
	"partner-created":   "The partner is there.",
	"partner-changed":   "What is known of the partner is changed.",
	"partner-enabled":   "The partner can act again.",
	"partner-disabled":  "The partner and its clients are disabled.",
	"partner-deleted":   "The partner and its clients are deleted.",
	"member-set":        "The member's role is changed.",
	"member-invited":    "The invitation is on its way by mail.",
	"key-rotated":       "The next key signs now.",
	"key-removed":       "The key is gone, and its tokens have ended.",
	"account-disabled":  "The person is kept out, and everything that they had open has ended.",
	"account-enabled":   "The person can sign in again.",
	"account-mailed":    "The link is on its way by mail.",
	"session-ended":     "The session has ended.",
	"consent-withdrawn": "The application may not act for the person any more.",
	"token-approved":    "The API token is good now.",
	"token-revoked":     "The API token has ended.",
	"roles-set":         "The roles are changed.",
}

// said is what an address says was done.
func (v *visit) said() string { return saids[v.field("done")] }

// Cells in short.
func text(s string) web.ConsoleCell    { return web.ConsoleCell{Text: s} }
func code(s string) web.ConsoleCell    { return web.ConsoleCell{Text: s, Code: true} }
func when(t time.Time) web.ConsoleCell { return web.ConsoleCell{At: t} }
func number(n int64) web.ConsoleCell   { return web.ConsoleCell{Number: n, IsZero: true} }
func link(s, path string) web.ConsoleCell {
	return web.ConsoleCell{Text: s, To: path}
}

func good(s string) web.ConsoleCell { return web.ConsoleCell{Text: s, Kind: "good"} }
func warn(s string) web.ConsoleCell { return web.ConsoleCell{Text: s, Kind: "warn"} }
func bad(s string) web.ConsoleCell  { return web.ConsoleCell{Text: s, Kind: "bad"} }

func below(c web.ConsoleCell, s string) web.ConsoleCell {
	c.Below = s
	return c
}

// state says whether something is disabled, and since when it is.
func state(disabled bool) web.ConsoleCell {
	if disabled {
		return bad("Disabled")
	}
	return good("Enabled")
}

// told is a name and what it stands for.
func told(name string, is ...web.ConsoleCell) web.ConsoleFact {
	return web.ConsoleFact{Name: name, Is: is}
}

// columns heads a table; what begins with # is a number.
func columns(names ...string) []web.ConsoleColumn {
	all := make([]web.ConsoleColumn, len(names))
	for i, name := range names {
		plain, number := strings.CutPrefix(name, "#")
		all[i] = web.ConsoleColumn{Text: plain, Number: number}
	}
	return all
}

// lines are the lines of a text, without those that are empty.
func lines(s string) []string {
	var all []string
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// seek reads a list page by page until there are enough rows that a filter lets
// through, or time is up. Next is where to go on, empty at the end; early says that
// time was up.
func seek[T any](after string, read func(after string, limit int) ([]T, bool, error), id func(*T) string, keep func(*T) bool) (found []T, next string, early bool, err error) {
	began := time.Now()
	for limit := perPage + 1; ; limit = min(2*limit, 500) {
		some, more, err := read(after, limit)
		if err != nil {
			return nil, "", false, err
		}
		for i := range some {
			after = id(&some[i])
			if !keep(&some[i]) {
				continue
			}
			if found = append(found, some[i]); len(found) == perPage {
				if i+1 < len(some) || more {
					next = after
				}
				return found, next, false, nil
			}
		}
		if !more {
			return found, "", false, nil
		}
		if time.Since(began) > patience {
			return found, after, true, nil
		}
	}
}

// further are the links below a table that may go on.
func further(path string, early bool, next string, pairs ...string) []web.ConsoleLink {
	var links []web.ConsoleLink
	if next != "" {
		words := "Next page"
		if early {
			words = "Seek further"
		}
		links = append(links, web.ConsoleLink{Text: words, To: to(path, append(slices.Clone(pairs), "after", next)...)})
	}
	return links
}

// environments is the choice of an environment.
func (v *visit) environments(here *Environment, path string, which func(*Environment) bool, pairs ...string) web.ConsoleChoice {
	choice := web.ConsoleChoice{Name: "Environment"}
	for _, e := range v.c.Environments {
		if which == nil || which(e) {
			choice.Links = append(choice.Links, web.ConsoleLink{
				Text: cmp.Or(e.Title, e.Name), To: to(path, append([]string{"environment", e.Name}, pairs...)...), Here: e == here,
			})
		}
	}
	return choice
}

// actor is who changed something: a person of home by name, where there is one.
func (v *visit) actor(seen map[string]web.ConsoleCell, id string) web.ConsoleCell {
	if c, ok := seen[id]; ok {
		return c
	}
	cell := code(id)
	if h := v.c.home(); h != nil && h.People != nil && len(id) > 10 {
		if a, err := h.People.Accounts.Find(v.r.Context(), id); err == nil {
			cell = web.ConsoleCell{Text: a.Name, To: to("/account", "environment", h.Name, "id", id)}
		} else if !errors.Is(err, store.ErrNotFound) {
			cell = code(id)
		}
	} else if !strings.ContainsAny(id, "0123456789") {
		cell = text(id)
	}
	seen[id] = cell
	return cell
}

// home is the environment of the deployment itself.
func (c *Console) home() *Environment {
	for _, e := range c.Environments {
		if e.Name == "home" {
			return e
		}
	}
	return nil
}

// provenBy says in words how somebody signed in; methods are those of RFC 8176,
// which it leaves as they are where it has no word for them.
func provenBy(methods []string) string {
	words := map[string]string{"pwd": "password", "otp": "code", "hwk": "passkey", "swk": "passkey", "fed": "provider", "user": "", "mfa": ""}
	var said []string
	for _, m := range methods {
		word, known := words[m]
		if !known {
			word = m
		}
		if word != "" && !slices.Contains(said, word) {
			said = append(said, word)
		}
	}
	return strings.Join(said, " and ")
}

// language is what people call a language, or its tag where nobody wrote that down.
func language(tag string) string {
	switch tag {
	case "en":
		return "English"
	case "nl":
		return "Dutch"
	}
	return tag
}
