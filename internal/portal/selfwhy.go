package portal

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// mostRefused is how many refusals are listed.
const mostRefused = 25

// A refusedCall is a refused request of the visitor's own client.
type refusedCall struct {
	e *Published
	store.RefusedRequest
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
		own := v.clients(e)
		isOwn := func(id string) bool {
			return id != "" && slices.ContainsFunc(own, func(c store.Client) bool { return c.ID == id })
		}
		if trace != "" {
			all, err := e.Activity.Refused(v.r.Context(), trace)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			for _, r := range all {
				if isOwn(r.Client) {
					found = append(found, refusedCall{e, r})
				}
			}
			continue
		}
		for i := range own {
			all, err := e.Activity.RefusedOf(v.r.Context(), own[i].ID, mostRefused)
			if err != nil {
				return err
			}
			for _, r := range all {
				last = append(last, refusedCall{e, r})
			}
		}
	}
	section := web.ConsoleSection{Name: "refusals", Heading: "Last refusals of your clients"}
	if trace != "" {
		p.Filter.Reset = "/why"
		section.Heading, section.Empty = "The request", "No refused request of your clients is known under this trace id. It may have been answered, be older than what is kept, or be some seconds young: then look again."
		last = found
	} else {
		section.Empty = "Nothing that your clients asked for was refused lately."
	}
	slices.SortStableFunc(last, func(a, b refusedCall) int { return b.At.Compare(a.At) })
	refusals(&section, last[:min(len(last), mostRefused)])
	p.Sections = []web.ConsoleSection{section}
	return v.show(http.StatusOK, p)
}

// refusals puts refused requests into a table, with cause and cure.
func refusals(section *web.ConsoleSection, all []refusedCall) {
	for _, r := range all {
		if section.Table == nil {
			section.Empty = ""
			section.Table = &web.ConsoleTable{Caption: section.Heading, Columns: heads("When", "Why", "What to do", "Client", "Where", "Trace id")}
		}
		why, cure := web.ConsoleCell{Text: r.Refusal}, web.ConsoleCell{}
		if reason := refusal.Find(r.Refusal); reason != nil {
			why, cure = web.ConsoleCell{Text: reason.Cause, Below: string(reason.Code) + " · " + reason.Public().ID}, web.ConsoleCell{Text: reason.Cure, Below: "More: " + reason.URI(r.e.Issuer.String())}
		}
		client := mono(r.Client)
		client.Below = cmp.Or(r.e.Title, r.e.Name)
		section.Table.Rows = append(section.Table.Rows, []web.ConsoleCell{{At: r.At}, why, cure, client, {Text: r.Route}, mono(r.Trace)})
	}
}

// refusedSection lists the last refusals of one client.
func (v *self) refusedSection(e *Published, c *store.Client) (web.ConsoleSection, error) {
	section := web.ConsoleSection{Name: "refusals", Heading: "Last refusals", Empty: "Nothing that it asked for was refused lately."}
	all, err := e.Activity.RefusedOf(v.r.Context(), c.ID, 10)
	if err != nil {
		return section, err
	}
	mine := make([]refusedCall, len(all))
	for i, r := range all {
		mine[i] = refusedCall{e, r}
	}
	refusals(&section, mine)
	return section, nil
}
