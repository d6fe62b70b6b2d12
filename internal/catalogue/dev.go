package catalogue

import (
	"net/url"
	"path"
	"strings"
	"time"
)

// ForDev returns the catalogue as `grantway dev` serves it: all environments
// under one URL, such as http://127.0.0.1:8080, and all stores in one folder. An
// environment called staging has its issuer at /staging/auth and its gateway at
// /staging/api; where the two are one URL in the file, both are at /staging.
// Audiences and resources that lie below the gateway's URL move along, others
// stay as they are. The receiver is not changed.
func (c *Catalogue) ForDev(base, dataDir string) *Catalogue {
	dev := *c
	base = strings.TrimRight(base, "/")
	dev.Data = dataDir
	dev.Listen = Listen{Address: "127.0.0.1:8080"}
	if u, err := url.Parse(base); err == nil && u.Host != "" {
		dev.Listen.Address = u.Host
	}
	dev.atHome(base, dataDir)
	dev.Environments = make([]*Environment, len(c.Environments))
	for i, e := range c.Environments {
		moved := *e
		under := base + "/" + e.Name
		if e.Issuer.String() == e.Base.String() {
			moved.Issuer = mustURL(under)
			moved.Base = moved.Issuer
		} else {
			moved.Issuer, moved.Base = mustURL(under+"/auth"), mustURL(under+"/api")
		}
		moved.Store = "sqlite:" + path.Join(dataDir, e.Name+".db")
		moved.APIs = make([]*API, len(e.APIs))
		for j, a := range e.APIs {
			api := *a
			api.Audience, api.Resource = rebase(a.Audience, e.Base, moved.Base), rebase(a.Resource, e.Base, moved.Base)
			moved.APIs[j] = &api
		}
		if e.OpenID != nil {
			moved.OpenID = openID(moved.Issuer)
		}
		dev.Environments[i] = &moved
	}
	return &dev
}

// Silent returns the catalogue without what tells others of it: mail servers, webhooks,
// and the file of checkpoints, which is another server's. The receiver is not changed.
func (c *Catalogue) Silent() *Catalogue {
	silent := *c
	silent.Webhook, silent.Audit = nil, Audit{}
	silent.Environments = make([]*Environment, len(c.Environments))
	for i, e := range c.Environments {
		silent.Environments[i] = e.unmailed()
	}
	if c.Home != nil {
		silent.Home = c.Home.unmailed()
	}
	return &silent
}

func (e *Environment) unmailed() *Environment {
	if e.Login == nil {
		return e
	}
	login := *e.Login
	login.Mail = Mail{}
	other := *e
	other.Login = &login
	return &other
}

// atHome gives a demonstration a home, a console and a portal, whether or not the
// file has them.
func (c *Catalogue) atHome(base, dataDir string) {
	home := &Environment{
		Name: HomeName, Title: "Home", Use: "administration", Dialect: "rfc", Store: "sqlite:" + path.Join(dataDir, HomeName+".db"),
		Login: &Login{
			Idle: 30 * time.Minute, Session: 12 * time.Hour, Remember: 30 * 24 * time.Hour,
			Refresh: RefreshLife{Idle: 30 * 24 * time.Hour, Most: 90 * 24 * time.Hour, Grace: 10 * time.Second}, Theme: Theme{Name: c.Name},
		},
	}
	if c.Home != nil {
		home.Login = c.Home.Login
	}
	home.Issuer = mustURL(base + "/" + HomeName)
	home.Base, home.OpenID, home.APIs = home.Issuer, openID(home.Issuer), []*API{adminAPI(home.Issuer)}
	c.Home = home
	c.Console = &Console{URL: mustURL(base + "/console")}
	c.Portal = &Portal{URL: mustURL(base + "/portal")}
	c.own()
}

func rebase(text string, from, to *url.URL) string {
	if !below(text, from) {
		return text
	}
	return to.String() + strings.TrimPrefix(text, from.String())
}

// mustURL reads a URL that is made of one that was read already and of names.
func mustURL(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil {
		panic("catalogue: " + err.Error())
	}
	return u
}
