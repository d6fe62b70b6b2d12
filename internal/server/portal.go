package server

import (
	"cmp"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/portal"
	"github.com/grantway/grantway/internal/store"
)

// portal mounts the developer portal, where there is one.
func (s *Server) portal(m *mounts, g *generation) {
	c := g.catalogue
	if c.Portal == nil || c.Portal.URL == nil {
		return
	}
	docs := &portal.Docs{URL: c.Portal.URL, Name: c.Name, Contact: c.Contact, Environments: c.Environments}
	if s.options.Mark == store.MarkDev {
		docs.Samples = c.Portal.URL.Scheme + "://" + c.Portal.URL.Host + "/"
	}
	of := cmp.Or(c.Home, &catalogue.Environment{Name: catalogue.HomeName})
	m.below(of, c.Portal.URL, "", "portal", timed(docs))
}
