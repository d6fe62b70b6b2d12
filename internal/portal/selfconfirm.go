package portal

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// preferred is the first language that a browser asks for; empty: none.
func preferred(r *http.Request) string {
	first, _, _ := strings.Cut(r.Header.Get("Accept-Language"), ",")
	tag, _, _ := strings.Cut(first, ";")
	return strings.TrimSpace(tag)
}

// mail says that a request is to be confirmed. It says the same whatever is known of
// the address.
func (v *self) mail() error {
	p := &web.PortalPage{
		PortalFrame: web.PortalFrame{Title: "Look into your mail", Lead: "One step is left: to show that the address is yours."},
		Text: []string{
			"A mail with a link is on its way to you. Open the link within 24 hours, and press the button there: then your request goes to the publisher, and not before.",
			"No mail after some minutes? Look where unwanted mail goes. If the address was mistyped, ask again. Of one address at most three requests wait at a time.",
		},
		Actions: []web.ConsoleLink{{Text: "Ask again", To: "/ask"}},
	}
	if v.s.Docs.Samples != "" { // a demonstration
		p.Mails = v.s.Door.Issuer + web.PathMails
	}
	return v.show(http.StatusOK, p)
}

// confirmForm shows what a link is about. Programs that look into mails open links
// too: only the button confirms.
func (v *self) confirmForm() error {
	if v.s.Closed {
		return v.ask()
	}
	link := v.field("link")
	r, err := v.s.Partners.Confirming(v.r.Context(), link)
	if errors.Is(err, store.ErrNotFound) {
		return v.over()
	}
	if err != nil {
		return err
	}
	environment := r.Environment
	if e := v.s.published(environment); e != nil {
		environment = cmp.Or(e.Title, environment)
	}
	return v.show(http.StatusOK, &web.PortalPage{
		PortalFrame: web.PortalFrame{Title: "Confirm your request", Lead: "Then a person at the publisher reads it and decides."},
		Text:        []string{"If you did not ask for this, close the page: the request is deleted by itself."},
		Facts: &web.PortalSheet{Heading: "Your request", Facts: []web.ConsoleFact{
			fact("Application", web.ConsoleCell{Text: r.Application}), fact("Environment", web.ConsoleCell{Text: environment}),
			fact("Organisation", web.ConsoleCell{Text: r.Organised}), fact("What for", web.ConsoleCell{Text: r.Purpose}),
			fact("Answer by mail to", web.ConsoleCell{Text: r.Email}),
		}},
		Form: &web.PortalForm{To: v.at.path, Hidden: [][2]string{{"link", link}}, Button: "Yes, send my request"},
	})
}

// confirm opens the request of a link.
func (v *self) confirm() error {
	if v.s.Closed {
		return store.ErrNotFound
	}
	_, err := v.s.Partners.Confirm(v.r.Context(), v.field("link"), v.by())
	switch {
	case errors.Is(err, store.ErrNotFound):
		return v.over()
	case errors.Is(err, store.ErrSpent):
		return v.full()
	case err != nil:
		return err
	}
	return v.to("/ask/thanks", "confirmed", "yes")
}

// over says that a link is good no more.
func (v *self) over() error {
	return v.show(http.StatusNotFound, &web.PortalPage{
		PortalFrame: web.PortalFrame{Title: "This link is good no more", Lead: "It was used already, is older than 24 hours, or was cut short on its way."},
		Text:        []string{"If you pressed the button before, your request is sent, and the answer comes by mail. Else ask again."},
		Actions:     []web.ConsoleLink{{Text: "Ask for access", To: "/ask", Main: true}},
	})
}
