package server

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/secret"
)

// TestWhereASecretWasUsed: when and from which network a secret was used last is
// said to those who may see the client; the address itself is nowhere.
func TestWhereASecretWasUsed(t *testing.T) {
	t.Parallel()
	h := helpsAs(t, func(c *catalogue.Catalogue) {
		c.Listen.Trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	staging, client := h.environment("staging"), h.own.Client.ID
	added, err := staging.partners.AddSecret(t.Context(), client, partner.NewSecret{}, h.by())
	if err != nil {
		t.Fatal(err)
	}
	fetch := func(with secret.Secret, forwarded string, status int) {
		t.Helper()
		h.clock.move(time.Second)
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {client}, "client_secret": {with.Reveal()}}.Encode()
		got := h.send(t, h.request("POST "+staging.Issuer.Path+staging.dialect.TokenPaths[0]+" HTTP/1.1", form, formType, "X-Forwarded-For: "+forwarded))
		if h.logged(got); got.code != status { // and so it is recorded
			t.Fatal(got)
		}
		if err := staging.resources.activity.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	says := func(what string, want ...string) { // of the first secret, and of the one that was added
		t.Helper()
		w := httptest.NewRecorder()
		h.server.Admin().ServeHTTP(w, httptest.NewRequest("GET", "/admin/v1/environments/staging/clients/"+client+"/secrets", http.NoBody))
		var list admin.SecretList
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || w.Code != http.StatusOK {
			t.Fatal(w.Code, w.Body, err)
		}
		from := map[string]string{}
		for _, s := range list.Secrets {
			from[s.ID] = s.LastUsedFrom
		}
		if diff := cmp.Diff(map[string]string{h.own.SecretID: want[0], added.SecretID: want[1]}, from); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	says("never used", "", "")
	fetch(h.own.Secret, "198.51.100.1, 203.0.113.177, 127.0.0.2", http.StatusOK)
	says("through two trusted proxies", "203.0.113.0/24", "")
	fetch(added.Secret, "2001:db8:17:2::3", http.StatusOK)
	says("the other, by IPv6", "203.0.113.0/24", "2001:db8:17::/48")
	fetch(secretOf("wrong"), "198.51.100.201", http.StatusUnauthorized)
	fetch(h.own.Secret, "203.0.113.201", http.StatusOK)
	says("again", "203.0.113.0/24", "2001:db8:17::/48")

	b, _ := h.operator(t, "olga", home.Owner)
	on := func(who *browser, what string) {
		t.Helper()
		if words := who.words(); !strings.Contains(words, "203.0.113.0/24") || strings.Contains(words, "203.0.113.201") {
			t.Errorf("%s, at %s:\n%s", what, who.at, words)
		}
	}
	about := "?environment=staging&id=" + client
	secretPage := about + "&secret=" + h.own.SecretID
	for _, page := range []string{"/client" + about, "/client/revoke" + secretPage, "/client/leaked" + secretPage} {
		on(b.visit("/console"+page), "the console")
	}
	on(h.developer.visit("/portal/application"+about), "a developer's page")
	for _, page := range []string{"/application/revoke", "/application/leaked"} {
		on(h.admin.visit("/portal"+page+secretPage), "the portal")
	}
	on(h.admin.submit("/application/leaked"), "what the secret did")
	for _, address := range []string{"203.0.113.177", "203.0.113.201", "2001:db8:17:2::3"} {
		if strings.Contains(h.log.all(), address) {
			t.Errorf("%s is in the log", address)
		}
	}
}
