package portal

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// selfNavigation stands on every page.
var selfNavigation = []struct{ text, path string }{
	{"My applications", "/applications"},
	{"Ask for access", "/ask"},
	{"Try it", "/try"},
	{"Why was I refused?", "/why"},
	{"Members", "/members"},
}

// form answers with the page on which a form stands, where that could be made.
func (v *self) form(p *web.PortalPage, err error) error {
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, p)
}

// show answers with a page, framed by what is around every page.
func (v *self) show(status int, p *web.PortalPage) error {
	p.Docs, p.Home = v.s.root+"/", v.s.elsewhere
	for _, n := range selfNavigation {
		here := v.at.path == n.path || strings.HasPrefix(v.at.path, n.path+"/") || n.path == "/applications" && strings.HasPrefix(v.at.path, "/application")
		p.Nav = append(p.Nav, web.ConsoleLink{Text: n.text, To: n.path, Here: here})
	}
	if v.who != nil {
		p.Who, p.Own = v.who.Account.Name, v.s.Door.Issuer+"/account"
		if len(v.of) == 1 {
			p.Of = v.of[0].Name
		}
	}
	p.Said = cmp.Or(p.Said, selfSaids[v.sent.Get("done")])
	v.s.Pages.Show(v.w, v.r, status, web.Showing{Language: web.English, Now: v.s.Now(), Browser: v.browser()}, *p)
	return nil
}

// selfSaids are the words for what was done. An address names one, so that whoever
// makes addresses cannot put words of their own on a page.
var selfSaids = map[string]string{
	"withdrawn": "The request is taken back.",
	"revoked":   "The secret is revoked, and the tokens that it obtained have ended.",
	"invited":   "They are a member now. If they had no account, they get a link by mail to choose a password.",
	"role":      "The member's role is changed.",
	"disabled":  "Your organisation disabled this application, and its tokens have ended. An admin can enable it again.",
	"enabled":   "The application can be used again. Your programs fetch new tokens.",
	"deleted":   "The application is deleted, with its secrets and its tokens.",
	"removed":   "They are no member any more.",
}

// to sends the browser to another page; it never repeats a POST.
func (v *self) to(path string, pairs ...string) error {
	h := v.w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Location", v.s.Pages.URL(at(path, pairs...), ""))
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// askWhom is who answers what partners ask.
func (s *Self) askWhom() string { return cmp.Or(s.Docs.Contact, "who gave you access") }

// at writes the address of a page; what has no value is left out.
func at(path string, pairs ...string) string { return web.Address(path, pairs...) }

// wrong shows a form with what was wrong beside each field. Another error is
// returned.
func (v *self) wrong(err error, p *web.PortalPage) error {
	faults, ok := errors.AsType[partner.Faults](err)
	if !ok {
		return err
	}
	var others []string
	for _, fault := range faults {
		name, _, _ := strings.Cut(fault.Field, "[")
		if name == "apis" {
			name = "scopes"
		}
		text := fault.Problem
		if fault.Hint != "" {
			text += "; " + fault.Hint
		}
		i := slices.IndexFunc(p.Form.Fields, func(f web.ConsoleField) bool { return f.Name == name })
		if i < 0 {
			others = append(others, fault.Field+" "+text)
			continue
		}
		p.Form.Fields[i].Problem = strings.TrimPrefix(p.Form.Fields[i].Problem+" "+strings.ToUpper(text[:1])+text[1:]+".", " ")
	}
	p.Note = "Nothing was done yet. " + cmp.Or(strings.Join(others, "; "), "Look at what is said beside the fields") + "."
	return v.show(http.StatusUnprocessableEntity, p)
}

// failed shows why there is no page.
func (v *self) failed(err error) {
	reason, status := refusal.PageFailed, http.StatusInternalServerError
	p := web.PortalPage{PortalFrame: web.PortalFrame{Title: "This did not work", Lead: "The server failed. Look whether it was done before you try again."}}
	say := func(code int, title, lead string) { status, p.Title, p.Lead = code, title, lead }
	both, shared := home.Explain(err)
	switch faults, wrong := errors.AsType[partner.Faults](err); {
	case wrong:
		say(http.StatusUnprocessableEntity, "This cannot be done as it is", faults.Error())
	case errors.Is(err, errSelfMethod):
		say(http.StatusMethodNotAllowed, "This address is not for that", "The page does not answer this method. Nothing was changed.")
	case errors.Is(err, errNoMember):
		say(http.StatusForbidden, "You belong to no organisation here yet", "Ask for access: the organisation is made with your first application. Or let a colleague who is here already invite you.")
		p.Actions = []web.ConsoleLink{{Text: "Ask for access", To: "/ask", Main: true}}
	case errors.Is(err, errKeptOut):
		say(http.StatusForbidden, "Your organisation's access is switched off", "Its applications get no tokens for now, and nothing of it was deleted. Ask the publisher why: "+v.s.askWhom()+".")
	case errors.Is(err, errSelfMay):
		say(http.StatusForbidden, "Your role does not include this", "An admin of your organisation can do it, or make you one. Nothing was changed.")
	case shared:
		reason = both.Reason
		say(both.Status, both.Title, both.Lead)
	case errors.Is(err, errMany):
		v.w.Header().Set("Retry-After", "60")
		say(http.StatusTooManyRequests, "That was a lot in a short time", "Nothing was done. Wait a minute and send it again.")
	case errors.Is(err, partner.ErrPublishers):
		say(http.StatusConflict, "Only the publisher can enable it", "Your organisation did not disable this application itself. Ask why it is disabled: "+v.s.askWhom()+". Nothing was changed.")
	case errors.Is(err, partner.ErrDeclared):
		say(http.StatusConflict, "The publisher keeps this one in a file", "Ask them to change it: "+v.s.askWhom()+". Nothing was changed.")
	case errors.Is(err, store.ErrConflict), errors.Is(err, partner.ErrRaced):
		say(http.StatusConflict, "It is not as it was any more", "Somebody else changed it meanwhile, or it was done already. Look at it again.")
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, secret.ErrBusy):
		reason = refusal.Unavailable
		v.w.Header().Set("Retry-After", "1")
		say(http.StatusServiceUnavailable, "The server is busy", "The store did not answer in time. Wait a moment, and look whether it was done before you try again.")
	default:
		reason = refusal.Ours
	}
	fact := activity.Of(v.r.Context())
	fact.Refusal = reason.From(err)
	p.Sections = []web.ConsoleSection{{Name: "trace", Heading: "For your notes", Facts: []web.ConsoleFact{{Name: "Trace id", Is: []web.ConsoleCell{mono(fact.Trace)}}}}}
	if v.sent == nil {
		v.sent = url.Values{}
	}
	_ = v.show(status, &p)
}

// Cells in short.
func mono(s string) web.ConsoleCell { return web.ConsoleCell{Text: s, Code: true} }

func monos(all []string) []web.ConsoleCell {
	made := make([]web.ConsoleCell, len(all))
	for i, s := range all {
		made[i] = mono(s)
	}
	return made
}

func state(text, kind string) web.ConsoleCell { return web.ConsoleCell{Text: text, Kind: kind} }

func fact(name string, is ...web.ConsoleCell) web.ConsoleFact {
	return web.ConsoleFact{Name: name, Is: is}
}

func heads(names ...string) []web.ConsoleColumn {
	made := make([]web.ConsoleColumn, len(names))
	for i, name := range names {
		made[i].Text = name
	}
	return made
}

// chosen are the options of a select; the values and their words take turns.
func chosen(value string, pairs ...string) []web.ConsoleOption {
	var all []web.ConsoleOption
	for i := 0; i+1 < len(pairs); i += 2 {
		all = append(all, web.ConsoleOption{Value: pairs[i], Text: pairs[i+1], On: pairs[i] == value})
	}
	return all
}
