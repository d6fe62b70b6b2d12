package console

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// published are the environments that clients go between: all but home.
func (v *visit) published() []*Environment {
	return slices.DeleteFunc(slices.Clone(v.c.Environments), ofHome)
}

// target is the environment that is named to be compared with or promoted to; where
// none is, the first one beside from. Nil: there is no other.
func (v *visit) target(from *Environment) (*Environment, error) {
	name := v.field("to")
	for _, e := range v.published() {
		if e != from && (name == "" || name == e.Name) {
			return e, nil
		}
	}
	if name == "" || name == from.Name {
		return nil, nil
	}
	return nil, store.ErrNotFound
}

var promote = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		e, c, form, err := v.aboutClient("Promote", "Promote the client")
		if err != nil {
			return nil, err
		}
		to, err := v.target(e)
		if err == nil && (to == nil || ofHome(e)) {
			err = store.ErrNotFound
		}
		if err != nil {
			return nil, err
		}
		where := web.ConsoleField{Name: "to", Label: "To", Kind: "select"}
		for _, other := range v.published() {
			if other != e {
				where.Options = append(where.Options, web.ConsoleOption{Value: other.Name, Text: cmp.Or(other.Title, other.Name), On: other == to})
			}
		}
		form.Text = []string{
			"It gets the same id there, and no secret: a member of its partner makes one in the portal, or you add one on its page.",
			"Where it is there already, it gets what it lacks. Nothing is taken from it, and nothing ends: promoting can be repeated.",
		}
		form.Fields = []web.ConsoleField{where, v.scopeField("scopes", "What it may use there", e, c.Allotted)}
		return form, nil
	},
	do: func(v *visit) error {
		e, c, form, err := v.aboutClient("", "")
		if err != nil {
			return err
		}
		to, err := v.target(e)
		if err == nil && to == nil {
			err = store.ErrNotFound
		}
		if err != nil {
			return err
		}
		scopes := []string{} // none is none, not all
		for _, value := range v.sent["scopes"] {
			scopes = append(scopes, strings.TrimSuffix(value, " ")) // an API without scopes stands for itself
		}
		result, err := partner.Promote(v.r.Context(), e.Clients, to.Clients, c.ID, scopes, v.by())
		if errors.Is(err, store.ErrConflict) {
			return partner.Faults{{Field: "to", Problem: "the id was a client's there that is deleted", Hint: "register the application there under another id"}}
		}
		if err != nil {
			return err
		}
		v.promoted(to, &result, form.Back)
		return nil
	},
}

// promoted says what came of promoting a client.
func (v *visit) promoted(e *Environment, result *partner.Result, back string) {
	c := &result.Client
	shown := &web.ConsoleShown{
		ConsoleFrame: web.ConsoleFrame{Title: "The client is in " + e.Title, Trail: []web.ConsoleLink{{Text: cmp.Or(c.Name, c.ID), To: back}}},
		Facts:        []web.ConsoleFact{told("Client id", code(c.ID)), told("Environment", text(e.Title)), told("Issuer", code(e.Issuer.String()))},
		Warnings:     sentences(result.Warnings),
		On:           web.ConsoleLink{Text: "To the client there", To: to("/client", "environment", e.Name, "id", c.ID)},
	}
	if len(c.Secrets) == 0 && !c.Public() {
		shown.Text = []string{"It has no secret there yet, and gets no tokens until it has one."}
	}
	v.show(http.StatusOK, shown)
}

// otherwhere is in which other environments a client of the same id is.
func (v *visit) otherwhere(e *Environment, id string) ([]web.ConsoleCell, error) {
	var cells []web.ConsoleCell
	for _, other := range v.published() {
		if other == e || ofHome(e) {
			continue
		}
		title := cmp.Or(other.Title, other.Name)
		switch _, err := other.Clients.Find(v.r.Context(), id); {
		case err == nil:
			cells = append(cells, link("There in "+title, to("/client", "environment", other.Name, "id", id)))
		case errors.Is(err, store.ErrNotFound):
			cells = append(cells, text("Not in "+title))
		default:
			return nil, err
		}
	}
	return cells, nil
}

// A pair is a client of one id in two environments; either may be absent.
type pair struct {
	id   string
	a, b *store.Client
}

// pairs reads two environments side by side, in the order of ids, and returns the
// pairs that keep wants, as seek does.
func (v *visit) pairs(after string, a, b *Environment, keep func(*pair) bool) (found []pair, next string, early bool, err error) {
	return seek(after, func(after string, limit int) ([]pair, bool, error) {
		var left, right []store.Client
		var moreLeft, moreRight bool
		both, ctx := errgroup.WithContext(v.r.Context()) // two stores: neither waits for the other
		both.Go(func() (err error) {
			left, moreLeft, err = a.Clients.List(ctx, after, limit)
			return err
		})
		both.Go(func() (err error) {
			right, moreRight, err = b.Clients.List(ctx, after, limit)
			return err
		})
		if err := both.Wait(); err != nil {
			return nil, false, err
		}
		return beside(left, right, moreLeft, moreRight), moreLeft || moreRight, nil
	}, func(p *pair) string { return p.id }, keep)
}

// beside pairs two lists by their ids, up to where both are known.
func beside(left, right []store.Client, moreLeft, moreRight bool) []pair {
	var all []pair
	for i, k := 0, 0; ; {
		overLeft, overRight := i == len(left), k == len(right)
		switch {
		case overLeft && moreLeft, overRight && moreRight, overLeft && overRight:
			return all
		case overRight || !overLeft && left[i].ID < right[k].ID:
			all = append(all, pair{id: left[i].ID, a: &left[i]})
			i++
		case overLeft || right[k].ID < left[i].ID:
			all = append(all, pair{id: right[k].ID, b: &right[k]})
			k++
		default:
			all = append(all, pair{id: left[i].ID, a: &left[i], b: &right[k]})
			i, k = i+1, k+1
		}
	}
}

// differences are what is not the same of a pair. What stands in grantway.yaml on
// both sides is compared there.
func (p *pair) differences() []partner.Difference {
	if (p.a == nil || p.a.Declared) && (p.b == nil || p.b.Declared) {
		return nil
	}
	of := func(c *store.Client) []partner.Exported {
		if c == nil {
			return nil
		}
		return []partner.Exported{partner.ExportedFrom(c)}
	}
	return partner.Differ(of(p.a), of(p.b))
}

// promotable reports whether promoting the first would add to the second.
func (p *pair) promotable(all []partner.Difference) bool {
	if p.a == nil || p.a.Declared || p.a.Disabled() || p.b != nil && (p.b.Declared || p.b.Partner != p.a.Partner || p.b.Type != p.a.Type) {
		return false
	}
	return slices.ContainsFunc(all, func(d partner.Difference) bool {
		more := strings.Fields(beyond(d.A, d.B))
		if d.Member == "grants" { // one that ends is for here only
			more = slices.DeleteFunc(more, func(grant string) bool { _, ends := p.a.GrantsEnd[grant]; return ends })
		}
		return d.Member == "" || listed(d.Member) && d.Member != "auth_methods" && len(more) > 0
	})
}

// compare shows two environments side by side, and what differs.
func (v *visit) compare() error {
	a, err := v.environment()
	if err == nil && ofHome(a) {
		err = store.ErrNotFound
	}
	if err != nil {
		return err
	}
	b, err := v.target(a)
	if err != nil {
		return err
	}
	page := &web.ConsolePage{ConsoleFrame: web.ConsoleFrame{Title: "Compare", Lead: "Two environments side by side, and what differs between their clients."}}
	if b == nil {
		page.Sections = []web.ConsoleSection{{Name: "list", Heading: a.Title, Empty: "There is no other environment. Declare a second one in grantway.yaml, such as production."}}
		v.show(http.StatusOK, page)
		return nil
	}
	page.Choices = []web.ConsoleChoice{v.sides("This", a, func(e *Environment) string {
		if e == b { // they change places
			return to("/compare", "environment", e.Name, "to", a.Name)
		}
		return to("/compare", "environment", e.Name, "to", b.Name)
	}), v.sides("With", b, func(e *Environment) string {
		if e == a {
			return to("/compare", "environment", b.Name, "to", e.Name)
		}
		return to("/compare", "environment", a.Name, "to", e.Name)
	})}
	found, next, early, err := v.pairs(v.field("after"), a, b, func(p *pair) bool { return len(p.differences()) > 0 })
	if err != nil {
		return err
	}
	section := web.ConsoleSection{
		Name: "list", Heading: "Clients that differ", Text: "Of a list, each side shows what the other does not have. What stands in grantway.yaml is compared there, and secrets are never the same.",
		Further: further("/compare", early, next, "environment", a.Name, "to", b.Name),
	}
	switch {
	case len(found) > 0:
		section.Table = v.compareTable(a, b, found)
		if v.may("clients:write") {
			section.Text += " Promoting adds what " + b.Title + " lacks. It takes nothing away, and leaves names and other settings as they are."
		}
	case early:
		section.Empty = "None so far; there are more clients to look at."
	default:
		section.Empty = "Nothing differs here."
	}
	page.Sections = []web.ConsoleSection{section}
	v.show(http.StatusOK, page)
	return nil
}

// sides is the choice of one of the environments that are compared.
func (v *visit) sides(name string, here *Environment, at func(*Environment) string) web.ConsoleChoice {
	choice := web.ConsoleChoice{Name: name}
	for _, e := range v.published() {
		choice.Links = append(choice.Links, web.ConsoleLink{Text: cmp.Or(e.Title, e.Name), To: at(e), Here: e == here})
	}
	return choice
}

// compareTable has a row for each difference; the first of a client names it.
func (v *visit) compareTable(a, b *Environment, found []pair) *web.ConsoleTable {
	table := &web.ConsoleTable{Caption: "Clients that differ", Columns: columns("Client", "What", "In "+a.Title, "In "+b.Title, "Promote")}
	writable := v.may("clients:write")
	if !writable {
		table.Columns = table.Columns[:4]
	}
	for i := range found {
		p := &found[i]
		in, c := a, p.a
		if c == nil {
			in, c = b, p.b
		}
		all := p.differences()
		for k, d := range all {
			row := []web.ConsoleCell{below(link(cmp.Or(c.Name, c.ID), to("/client", "environment", in.Name, "id", c.ID)), c.ID), text(member(d.Member)), side(p.a, d, d.A, d.B), side(p.b, d, d.B, d.A)}
			if writable {
				row = append(row, web.ConsoleCell{})
				if k == 0 && p.promotable(all) {
					row[4] = link("Promote to "+b.Title, to("/client/promote", "environment", a.Name, "id", p.id, "to", b.Name))
				}
			}
			table.Rows = append(table.Rows, row)
		}
	}
	return table
}

// side is what one of two environments says, where they differ: of a list, what the
// other does not have.
func side(c *store.Client, d partner.Difference, is, other string) web.ConsoleCell {
	const most = 300 // bytes
	if d.Member == "" {
		if c == nil {
			return bad("not there")
		}
		if c.Declared {
			return below(good("there"), "in grantway.yaml")
		}
		return good("there")
	}
	if listed(d.Member) {
		is = beyond(is, other)
	}
	if len(is) > most {
		is = strings.ToValidUTF8(is[:most], "") + fmt.Sprintf(" … (%d bytes)", len(is))
	}
	if is == "" && listed(d.Member) {
		return text("nothing more")
	}
	return text(is)
}

// listed reports whether a member is a list.
func listed(name string) bool {
	switch name {
	case "grants", "auth_methods", "redirect_uris", "post_logout_redirect_uris":
		return true
	}
	return strings.HasPrefix(name, "allotted.")
}

// beyond are the words of one list that another does not have.
func beyond(one, other string) string {
	has := strings.Fields(other)
	return strings.Join(slices.DeleteFunc(strings.Fields(one), func(word string) bool { return slices.Contains(has, word) }), " ")
}

// member is what a difference is about, as people call it.
func member(name string) string {
	switch {
	case name == "":
		return "the client"
	case strings.HasPrefix(name, "allotted."):
		return "scopes of " + strings.TrimPrefix(name, "allotted.")
	case strings.HasPrefix(name, "grants_end."):
		return "end of " + strings.TrimPrefix(name, "grants_end.")
	}
	return strings.ReplaceAll(name, "_", " ")
}
