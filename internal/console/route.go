package console

import (
	"net/http"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/web"
)

// A route is one page of the console.
type route struct {
	path string
	name string // as logs call it
	may  string // the permission, a scope of home's API; empty: any operator
	get  func(*visit) error
	post func(*visit) error

	sharp   bool // wants a recent sign-in: what ends or destroys something, or shows a secret or a link
	open    bool // answers without anybody signed in
	anybody bool // answers whoever is signed in
}

// asks is a page with a form, and what the form does.
func asks(path, name, may string, sharp bool, a asking) route {
	return route{path: path, name: "console-" + name, may: may, sharp: sharp, get: a.get, post: a.post}
}

// shows is a page to read.
func shows(path, name, may string, get func(*visit) error) route {
	return route{path: path, name: "console-" + name, may: may, get: get}
}

// routes are all pages with the permission that each wants: what is not here is
// not there (row U02).
func routes() []route {
	return []route{
		{path: catalogue.SignedInPath, name: "console-signed-in", open: true, get: func(v *visit) error { return v.c.Door.SignedIn(v.w, v.r) }},
		{path: web.ConsoleSignOut, name: "console-sign-out", anybody: true, post: func(v *visit) error {
			return v.c.Door.SignOut(v.w, v.r)
		}},
		shows("/", "overview", "", (*visit).overview),

		shows("/clients", "clients", "clients:read", (*visit).clients),
		shows("/client", "client", "clients:read", (*visit).client),
		shows("/compare", "compare", "clients:read", (*visit).compare),
		asks("/client/new", "client-new", "clients:write", true, newClient),
		asks("/client/change", "client-change", "clients:write", true, changeClient), // what is taken away ends tokens
		asks("/client/promote", "client-promote", "clients:write", false, promote),
		asks("/client/secret", "client-secret", "clients:write", true, addSecret),
		asks("/client/revoke", "client-revoke", "clients:write", true, revokeSecret),
		asks("/client/leaked", "client-leaked", "clients:write", true, leaked),
		asks("/client/disable", "client-disable", "clients:write", true, disableClient),
		asks("/client/enable", "client-enable", "clients:write", false, enableClient),
		asks("/client/delete", "client-delete", "clients:write", true, deleteClient),

		shows("/requests", "requests", "partners:read", (*visit).requests),
		shows("/request", "request", "partners:read", (*visit).request),
		asks("/request/approve", "request-approve", "partners:write", true, approve), // without mail it shows a link
		asks("/request/refuse", "request-refuse", "partners:write", false, refuse),

		shows("/partners", "partners", "partners:read", (*visit).partners),
		shows("/partner", "partner", "partners:read", (*visit).partner),
		asks("/partner/new", "partner-new", "partners:write", false, newPartner),
		asks("/partner/change", "partner-change", "partners:write", false, changePartner),
		asks("/partner/invite", "partner-invite", "partners:write", true, invite), // the same
		asks("/partner/member", "partner-member", "partners:write", true, setMember),
		asks("/partner/disable", "partner-disable", "partners:write", true, disablePartner),
		asks("/partner/enable", "partner-enable", "partners:write", false, enablePartner),
		asks("/partner/delete", "partner-delete", "partners:write", true, deletePartner),

		shows("/keys", "keys", "keys:read", (*visit).keys),
		asks("/key/rotate", "key-rotate", "keys:write", true, rotateKey),
		asks("/key/remove", "key-remove", "keys:write", true, removeKey),

		shows("/accounts", "accounts", "accounts:read", (*visit).accounts),
		shows("/account", "account", "accounts:read", (*visit).account),
		asks("/account/disable", "account-disable", "accounts:write", true, disableAccount),
		asks("/account/enable", "account-enable", "accounts:write", false, enableAccount),
		asks("/account/reset", "account-reset", "accounts:write", true, resetAccount),
		asks("/account/session", "account-session", "accounts:write", false, endSession),
		asks("/account/consent", "account-consent", "accounts:write", false, withdrawConsent),

		shows("/api-tokens", "api-tokens", "api-tokens:read", (*visit).apiTokens),
		asks("/api-token/new", "api-token-new", "api-tokens:write", true, newAPIToken),
		asks("/api-token/approve", "api-token-approve", "api-tokens:write", true, approveAPIToken),
		asks("/api-token/revoke", "api-token-revoke", "api-tokens:write", true, revokeAPIToken),

		shows("/changes", "changes", "changes:read", (*visit).changes),
		shows("/changes/export", "changes-export", "changes:read", (*visit).exportChanges),
		shows("/activity/export", "activity-export", "clients:read", (*visit).exportActivity),

		shows("/operators", "operators", "operators:read", (*visit).operators),
		asks("/operator/new", "operator-new", "operators:write", true, inviteOperator),
		asks("/operator/roles", "operator-roles", "operators:write", true, setRoles),
	}
}

// navigation is the pages that stand on every page, with the permission that each
// wants.
var navigation = []struct{ text, path, may string }{
	{"Overview", "/", ""},
	{"Requests", "/requests", "partners:read"},
	{"Partners", "/partners", "partners:read"},
	{"Clients", "/clients", "clients:read"},
	{"Compare", "/compare", "clients:read"},
	{"Accounts", "/accounts", "accounts:read"},
	{"API tokens", "/api-tokens", "api-tokens:read"},
	{"Keys", "/keys", "keys:read"},
	{"Changes", "/changes", "changes:read"},
	{"Operators", "/operators", "operators:read"},
}

// to writes the address of a page of the console; what has no value is left out.
func to(path string, pairs ...string) string { return web.Address(path, pairs...) }

// to sends the browser on. It never repeats a POST.
func (v *visit) to(path string) {
	h := v.w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Location", v.c.Pages.URL(path, ""))
	v.w.WriteHeader(http.StatusSeeOther)
}
