package portal

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// mostRefused is how many refusals are listed, of which those that are equal in a row
// count as one.
const mostRefused = 25

// A refusedCall is a refused request of the visitor's own client, or several in a row.
type refusedCall struct {
	e *Published
	home.Run
}

// why says why requests of the visitor's own clients were refused. A trace id of
// anybody else, of an environment where they have nothing, and one that never was
// are answered alike: every environment is asked, whatever is found.
func (v *self) why() error {
	trace := strings.ToLower(strings.ReplaceAll(v.field("trace"), "-", ""))
	p := &web.PortalPage{
		PortalFrame: web.PortalFrame{Title: "Why was I refused?", Lead: "Every answer has a trace id, in the header X-Request-Id. With it, the reason is found again."},
		Filter: &web.ConsoleFilter{To: "/why", Fields: []web.ConsoleField{
			{Name: "trace", Label: "Trace id", Value: v.field("trace"), Plain: true, Hint: "32 letters and digits"},
		}},
	}
	var found, last []refusedCall
	for _, e := range v.s.Environments {
		own, _, err := v.clients(e)
		if err != nil {
			return err
		}
		if err := e.Settle(v.r.Context()); err != nil {
			return err
		}
		if trace != "" {
			all, err := e.Activity.Refused(v.r.Context(), trace)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			for _, r := range all {
				if is, err := v.isOwn(e, r.Client); err != nil {
					return err
				} else if is {
					found = append(found, refusedCall{e, home.Run{RefusedRequest: r, Times: 1}})
				}
			}
			continue
		}
		for i := range own {
			all, err := e.Activity.RefusedOf(v.r.Context(), own[i].ID, home.RefusedRead)
			if err != nil {
				return err
			}
			for _, r := range home.Runs(all) {
				last = append(last, refusedCall{e, r})
			}
		}
	}
	shown := &web.PortalRefusals{Heading: "Last refusals of your clients", Empty: "Nothing that your clients asked for was refused lately."}
	if trace != "" {
		p.Filter.Reset = "/why"
		last = found
		shown.Heading, shown.Empty = "The request", "No refused request of your clients is known under this trace id. It may have been answered, or be older than what is kept."
	}
	slices.SortStableFunc(last, func(a, b refusedCall) int { return b.At.Compare(a.At) })
	for _, r := range last[:min(len(last), mostRefused)] {
		shown.All = append(shown.All, v.s.explain(r.e, &r.Run))
	}
	p.Refusals = shown
	return v.show(http.StatusOK, p)
}

// isOwn reports whether a client is the visitor's to see, be it listed or not.
func (v *self) isOwn(e *Published, id string) (bool, error) {
	if id == "" {
		return false, nil
	}
	c, err := e.Clients.Find(v.r.Context(), id)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil && slices.ContainsFunc(v.of, func(p store.Partner) bool {
		return p.ID == c.Partner && !p.Disabled() && partner.MemberMay(p.Role(v.who.Account.ID), partner.MaySee)
	}), err
}

// explain puts refused requests into words, with cause and cure.
func (s *Self) explain(e *Published, r *home.Run) web.PortalRefusal {
	shown := web.PortalRefusal{
		At: r.At, Times: r.Times, Since: r.Since, Cut: r.Cut,
		Text: r.Refusal, Where: r.Route, Client: r.Client, In: cmp.Or(e.Title, e.Name), Trace: r.Trace,
	}
	reason := refusal.Find(r.Refusal)
	if reason == nil {
		return shown
	}
	shown.Text = strings.Replace(reason.Public().Text, refusal.NamesMark, "…", 1) // the answer had the names
	shown.Why, shown.Do, shown.Code = reason.Cause, reason.Cure, string(reason.Code)
	g := s.Docs.guide(e.Environment, "")
	for _, group := range g.refusals() {
		if slices.ContainsFunc(group.Entries, func(one *entry) bool { return one.ID == reason.Public().ID }) {
			shown.More = strings.TrimPrefix(g.link("errors", reason.Public().ID), s.root)
		}
	}
	return shown
}

// refused are the last refusals of one client.
func (v *self) refused(e *Published, c *store.Client) (*web.PortalRefusals, error) {
	shown := &web.PortalRefusals{Heading: "Last refusals", Empty: "Nothing that it asked for was refused lately."}
	all, err := e.Activity.RefusedOf(v.r.Context(), c.ID, home.RefusedRead)
	if err != nil {
		return nil, err
	}
	runs := home.Runs(all)
	for i := range runs[:min(len(runs), 5)] {
		shown.All = append(shown.All, v.s.explain(e, &runs[i]))
	}
	return shown, nil
}
