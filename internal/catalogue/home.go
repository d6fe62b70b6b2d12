package catalogue

import (
	"net/url"
	"path/filepath"
	"time"

	"github.com/grantway/grantway/internal/jose"
)

// AdminAPI is the name of home's API, which administers the deployment. It is
// not in the file and is never allotted in another environment.
const AdminAPI = "admin"

// AdminPath is where the admin API answers, below home's issuer.
const AdminPath = "/admin/v1"

// home resolves the environment of the deployment itself.
func (r *resolver) home(v *HomeEntry) *Environment {
	e := &Environment{
		Name: HomeName, Title: "Home", Use: "administration", Dialect: "rfc", Store: string(v.Store),
		Issuer: r.origin("home.issuer", v.Issuer),
	}
	e.Base = e.Issuer
	if e.Store == "" {
		e.Store = "sqlite:" + filepath.ToSlash(filepath.Join(r.file.Data, HomeName+".db"))
	}
	r.store("home.store", e.Store)
	if e.Issuer != nil {
		e.APIs = []*API{adminAPI(e.Issuer)}
	}
	return e
}

func adminAPI(issuer *url.URL) *API {
	at := issuer.String() + AdminPath
	return &API{
		Name: AdminAPI, Title: "Administration", Audience: at, Resource: at, Envelope: "rfc",
		Upstream: &url.URL{Scheme: Demo}, // nothing is passed on: the server answers itself
		Token:    Token{Lifetime: 15 * time.Minute, Algorithm: jose.ES256, Format: JWT},
		Scopes: []*Scope{
			{Name: "clients:read", Description: "See clients and their secrets' dates"},
			{Name: "clients:write", Description: "Create, change, disable and delete clients, add and revoke secrets"},
			{Name: "keys:read", Description: "See which keys sign tokens, and since when"},
			{Name: "keys:write", Description: "Rotate and remove signing keys"},
			{Name: "accounts:read", Description: "See people's accounts, and everything that is known of one person"},
			{Name: "accounts:write", Description: "Create, import, disable, reset and delete people's accounts"},
			{Name: "api-tokens:read", Description: "See API tokens and their dates"},
			{Name: "api-tokens:write", Description: "Create, approve and revoke API tokens"},
		},
	}
}

// placeOf is where the file says what an environment is.
func placeOf(e *Environment) string {
	if e.Name == HomeName {
		return HomeName
	}
	return join("environments", e.Name)
}
