package console

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// endOf is before the name of a grant in the name of the field for its end.
const endOf = "end-"

var changeClient = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		e, c, form, err := v.aboutClient("Change", "Change the client")
		if err != nil {
			return nil, err
		}
		unused, err := e.Clients.Unused(v.r.Context(), c.ID)
		if err != nil {
			return nil, err
		}
		form.Text = []string{
			"When you take away a scope, an API or a grant, the tokens of the client end. You are shown what will end before it does.",
			"A scope that no call has needed opens more than it has to when a secret leaks: it can go.",
		}
		form.Hidden = append(form.Hidden, [2]string{"seen", v.keptOr("seen", seen(&c))})
		form.Fields = []web.ConsoleField{
			{Name: "name", Label: "Name", Hint: "What people call the application.", Value: v.keptOr("name", c.Name), Needed: true},
			{Name: "partner", Label: "Partner's id", Value: v.keptOr("partner", c.Partner), Plain: true, Hint: "Empty: it is the publisher's own. Another partner gets it with its secrets: replace those that the former one knows."},
			v.allottedField(e, &c, unused),
		}
		if c.Type != store.TypeResource {
			form.Fields = append(form.Fields, v.grantFields(&c)...)
		}
		if len(c.SignIn.Redirects) > 0 {
			form.Fields = append(form.Fields, web.ConsoleField{
				Name: "redirect_uris", Label: "Redirect URIs", Kind: "area", Plain: true, Value: v.keptOr("redirect_uris", strings.Join(c.SignIn.Redirects, "\n")),
				Hint: "Where people are sent back to, one a line. They are compared byte for byte.",
			})
		}
		return form, nil
	},
	do: func(v *visit) error {
		e, c, form, err := v.aboutClient("Take something away from", "Change the client, and end this")
		if err != nil {
			return err
		}
		change, err := v.clientChange(&c)
		if err != nil {
			return err
		}
		if goes := going(&c, &change); len(goes) > 0 && v.field("agreed") == "" && v.field("seen") == seen(&c) {
			form.To, form.Goes, form.Sharp = v.at.path, goes, true
			form.Text = []string{"Nothing is changed yet. Everything else that you changed is done in the same step."}
			v.keep(form, "agreed", "1")
			v.show(http.StatusOK, form)
			return nil
		}
		result, err := e.Clients.Change(v.r.Context(), c.ID, change, v.by())
		if faults, wrong := errors.AsType[partner.Faults](err); wrong {
			for i := range faults {
				faults[i].Field = strings.Replace(faults[i].Field, "ends.", endOf, 1)
			}
			return faults
		}
		if err != nil {
			return err
		}
		if len(result.Warnings) == 0 {
			return v.done("client-changed", "/client", "environment", e.Name, "id", c.ID)
		}
		v.show(http.StatusOK, &web.ConsoleShown{
			ConsoleFrame: web.ConsoleFrame{Title: "The client is changed"}, Warnings: sentences(result.Warnings),
			On: web.ConsoleLink{Text: "To the client", To: form.Back},
		})
		return nil
	},
}

// keptOr is what a form was sent with, which it is shown with again; else what is.
func (v *visit) keptOr(name, is string) string {
	if v.r.Method == http.MethodPost && v.sent.Has(name) {
		return v.field(name)
	}
	return is
}

// keep makes everything that was sent a part of the form that asks once more.
func (v *visit) keep(form *web.ConsoleForm, pairs ...string) {
	form.Hidden = nil
	for _, name := range slices.Sorted(maps.Keys(v.sent)) {
		if name == web.FieldToken {
			continue
		}
		for _, value := range v.sent[name] {
			form.Hidden = append(form.Hidden, [2]string{name, value})
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Hidden = append(form.Hidden, [2]string{pairs[i], pairs[i+1]})
	}
}

// seen stands for a client as somebody was shown it: what changed meanwhile has
// another.
func seen(c *store.Client) string {
	text, err := json.Marshal(partner.ExportedFrom(c))
	if err != nil {
		panic(err) // it holds texts, lists and times only
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// clientChange is what the form says is to become of a client.
func (v *visit) clientChange(c *store.Client) (partner.Change, error) {
	name, whose, was := v.field("name"), v.field("partner"), v.field("seen")
	change := partner.Change{
		Name: &name, Allotted: map[string][]string{}, Ends: map[string]time.Time{},
		If: func(is *store.Client) bool { return seen(is) == was },
	}
	if whose != c.Partner {
		p, err := v.thePartner(whose)
		if err != nil {
			return change, err
		}
		change.Partner = &whose
		if c.SignIn.Owner != "" || whose != "" { // people are told whose it is
			change.Owner, change.Homepage, change.Verified = &p.Name, &p.Homepage, &p.Verified
		}
	}
	for _, value := range v.sent["scopes"] {
		api, scope := apart(value)
		if change.Allotted[api] == nil {
			change.Allotted[api] = []string{}
		}
		if scope != "" {
			change.Allotted[api] = append(change.Allotted[api], scope)
		}
	}
	if c.Type != store.TypeResource {
		change.Grants = replaced(c.Grants, v.sent["grants"])
		for _, grant := range v.sent["grants"] {
			at, err := v.day(endOf+grant, c.GrantsEnd[grant])
			if err != nil {
				return change, err
			}
			if !at.IsZero() {
				change.Ends[grant] = at
			}
		}
	}
	if v.sent.Has("redirect_uris") {
		change.Redirects = replaced(c.SignIn.Redirects, lines(v.field("redirect_uris")))
	}
	return change, nil
}

// thePartner is the one who is to have a client; empty: the publisher, of whom
// nothing is known. Faults are an id that is none's, and a partner who may not act.
func (v *visit) thePartner(id string) (store.Partner, error) {
	if id == "" {
		return store.Partner{}, nil
	}
	p, err := v.c.Partners.Find(v.r.Context(), id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return p, partner.Faults{{Field: "partner", Problem: "is no partner"}}
	case err == nil && p.Disabled():
		return p, partner.Faults{{Field: "partner", Problem: "is disabled", Hint: "enable it first"}}
	}
	return p, err
}

// replaced is the edit that makes one list of another.
func replaced(from, to []string) partner.Edit {
	not := func(list []string) func(string) bool {
		return func(one string) bool { return slices.Contains(list, one) }
	}
	return partner.Edit{
		Add:    slices.Compact(slices.DeleteFunc(slices.Clone(to), not(from))),
		Remove: slices.DeleteFunc(slices.Clone(from), not(to)),
	}
}

// day is the moment that a field names by its day; is, where that is its day
// already; zero: none.
func (v *visit) day(name string, is time.Time) (time.Time, error) {
	sent := v.field(name)
	if sent == "" || !is.IsZero() && sent == is.UTC().Format(time.DateOnly) {
		if sent == "" {
			is = time.Time{}
		}
		return is, nil
	}
	at, err := time.Parse(time.DateOnly, sent)
	if err != nil {
		return time.Time{}, partner.Faults{{Field: name, Problem: "is no day", Hint: "write 2027-03-01"}}
	}
	return at, nil
}

// going is what a change takes away, with what ends with it.
func going(c *store.Client, change *partner.Change) []string {
	var goes []string
	for _, api := range slices.Sorted(maps.Keys(c.Allotted)) {
		left, ok := change.Allotted[api]
		if !ok && len(c.Allotted[api]) == 0 {
			goes = append(goes, "the API "+api)
		}
		for _, scope := range c.Allotted[api] {
			if !slices.Contains(left, scope) {
				goes = append(goes, "the scope "+scope+" of "+api)
			}
		}
	}
	for _, grant := range change.Grants.Remove {
		goes = append(goes, "the grant "+grant)
	}
	if len(goes) > 0 && c.Type != store.TypeResource {
		goes = append(goes, "every token that the client has, within a second")
		if len(c.SignIn.Redirects) > 0 {
			goes = append(goes, "what people allowed it: they are asked again")
		}
	}
	return goes
}

// allottedField is everything that a client could use, with what it may ticked.
func (v *visit) allottedField(e *Environment, c *store.Client, unused map[string][]string) web.ConsoleField {
	f := web.ConsoleField{Name: "scopes", Label: "What it may use", Kind: "checks"}
	sent := v.r.Method == http.MethodPost
	add := func(api, title, scope, text, hint string) {
		is, ok := c.Allotted[api]
		if ok && slices.Contains(unused[api], scope) {
			hint = strings.TrimSpace("Never used. " + hint)
		}
		value := api + " " + scope
		f.Options = append(f.Options, web.ConsoleOption{
			Value: value, Text: text, Hint: hint, Group: title, On: sent && v.has("scopes", value) || !sent && ok && (scope == "" || slices.Contains(is, scope)),
		})
	}
	apis := e.APIs
	if e.OpenID != nil && (c.Type == store.TypeWeb || c.Public()) {
		apis = append(slices.Clip(apis), e.OpenID)
	}
	known := map[string]bool{}
	for _, api := range apis {
		title := cmp.Or(api.Title, api.Name)
		if c.Type == store.TypeResource || len(api.Scopes) == 0 {
			known[api.Name+" "] = true
			add(api.Name, title, "", "everything of "+api.Name, "")
			continue
		}
		for _, s := range api.Scopes {
			known[api.Name+" "+s.Name] = true
			add(api.Name, title, s.Name, s.Name, s.Description)
		}
	}
	for _, api := range slices.Sorted(maps.Keys(c.Allotted)) { // of an earlier file
		if len(c.Allotted[api]) == 0 && !known[api+" "] {
			add(api, "In grantway.yaml no more", "", "everything of "+api, "")
		}
		for _, scope := range c.Allotted[api] {
			if !known[api+" "+scope] {
				add(api, "In grantway.yaml no more", scope, scope, "Of "+api+".")
			}
		}
	}
	return f
}

// grantFields ask which grants a client has, and until when.
func (v *visit) grantFields(c *store.Client) []web.ConsoleField {
	grants := web.ConsoleField{Name: "grants", Label: "Grants", Kind: "checks"}
	fields := []web.ConsoleField{{}}
	sent := v.r.Method == http.MethodPost
	for _, grant := range partner.Grants(c.Type) {
		on := !sent && slices.Contains(c.Grants, grant) || sent && v.has("grants", grant)
		grants.Options = append(grants.Options, web.ConsoleOption{Value: grant, Text: grant, On: on})
		end := ""
		if at, ok := c.GrantsEnd[grant]; ok {
			end = at.UTC().Format(time.DateOnly)
		}
		fields = append(fields, web.ConsoleField{
			Name: endOf + grant, Label: grant + " ends on", Kind: "date", Value: v.keptOr(endOf+grant, end), Hint: "Empty: never. At the beginning of that day, in UTC.",
		})
	}
	fields[0] = grants
	return fields
}

// sentences are warnings as a page says them.
func sentences(warnings []string) []string {
	all := make([]string, len(warnings))
	for i, w := range warnings {
		all[i] = strings.TrimSuffix(upper(w), ".") + "."
	}
	return all
}
