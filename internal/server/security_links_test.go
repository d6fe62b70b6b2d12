package server

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/store"
)

// TestLinksLeadHere: whatever host a request says that it is for, links in mails and
// the way to the sign-in lead to where the file says (rows A22, R06, S06).
func TestLinksLeadHere(t *testing.T) {
	t.Parallel()
	h := helps(t)
	evil := func(b *browser, method, path string, form url.Values) *http.Response {
		r := httptest.NewRequest(method, "http://evil.example"+path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		for _, name := range []string{"X-Forwarded-Host", "X-Host", "X-Original-Host", "X-Forwarded-Server"} {
			r.Header.Set(name, "evil.example")
		}
		r.Header.Set("Forwarded", "host=evil.example")
		for _, c := range b.client.Jar.Cookies(&url.URL{Scheme: "http", Host: h.address, Path: "/"}) {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		h.server.Handler().ServeHTTP(w, r)
		return w.Result()
	}
	b := h.visitor(t)
	b.visit("/home/login").follow("forgotten")
	fields, action, ok := b.form("/reset")
	if !ok {
		t.Fatalf("no form at %s", b.at)
	}
	fields.Set("name", "ada@example.com")
	if got := evil(b, http.MethodPost, action, fields); got.StatusCode != http.StatusOK {
		t.Fatalf("asking for a link: %d", got.StatusCode)
	}
	if link := h.mailed(t, "home", "ada@example.com", "/reset/"); !strings.HasPrefix(link, "http://"+h.address+"/home/reset/password?") {
		t.Errorf("the link in the mail leads to %s", link)
	}
	fields, action, ok = h.admin.visit("/portal/members/invite?partner=" + h.partner.ID).form("/members/invite")
	if !ok {
		t.Fatalf("no form at %s", h.admin.at)
	}
	for name, value := range map[string]string{"email": "new@acme.example", "role": store.MemberDeveloper} {
		fields.Set(name, value)
	}
	if got := evil(h.admin, http.MethodPost, action, fields); got.StatusCode != http.StatusSeeOther || strings.Contains(got.Header.Get("Location"), "evil") {
		t.Fatalf("inviting: %d %s", got.StatusCode, got.Header.Get("Location"))
	}
	h.mailed(t, "home", "new@acme.example", "/reset/")
	for _, mail := range h.environment("home").signIn.journey.Mails() {
		if strings.Contains(mail.Link+mail.Text, "evil.example") {
			t.Errorf("a mail names the host that a request said: %s", mail.Text)
		}
	}
	for _, path := range []string{
		"/portal/applications", "/portal//evil.example", "/portal/applications?//evil.example", "/console/", "/console//evil.example", "/home/account", "//evil.example/", "/\\evil.example/",
		"/portal/ask/../..//evil.example", "/console/client?back=//evil.example",
	} {
		got := evil(h.visitor(t), http.MethodGet, (&url.URL{Path: path}).String(), nil)
		if to := got.Header.Get("Location"); to != "" && !catalogue.LocalPath(to) && !strings.HasPrefix(to, "http://"+h.address+"/") {
			t.Errorf("A22: %s leads to %s", path, to)
		}
	}
}
