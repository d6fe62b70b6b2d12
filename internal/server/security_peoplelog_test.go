package server

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// TestJourneysAreNotInTheLog is row C14: of a whole journey, with all that goes wrong
// in it, nothing that proves anything is in the log: passwords, one-time codes,
// handles of cookies, requests and links, form tokens, codes and tokens.
func TestJourneysAreNotInTheLog(t *testing.T) {
	t.Parallel()
	s := timetables(t, nil)
	b := s.browser(t, "demo")
	proofs := map[string]bool{goodPassword: true}
	known := func(text string) {
		if len(text) >= 8 { // shorter ones are found in a time or a size
			proofs[text] = true
			disclosed(text)
		}
	}
	look := func() *browser {
		for _, c := range b.client.Jar.Cookies(b.at) {
			known(c.Value)
		}
		for _, at := range []*url.URL{b.at, b.left} {
			if at == nil {
				continue
			}
			for _, name := range []string{"request", "link", "code"} {
				known(at.Query().Get(name))
			}
		}
		for n := range b.page.Descendants() {
			if n.Type == html.ElementNode && n.Data == "input" && attributeOf(n, "type") == "hidden" && attributeOf(n, "name") != "id" {
				known(attributeOf(n, "value"))
			}
		}
		return b
	}
	typed := []string{"a wrong password", "a password in the name", "nine slow tortoises", "123456789012", "AAAA-BBBB-CCCC", strings.Repeat("L", 43)}
	for _, text := range typed {
		known(text)
	}

	b.open(documented)
	look().submit("/login", "name", "anna", "password", typed[0])
	look().submit("/login", "name", typed[1], "password", goodPassword)
	look().signIn("anna", goodPassword).is("/consent", http.StatusOK)
	code := look().submit("/consent", "decision", "allow", "remember", "1").back("http://localhost").Get("code")
	look()
	exchange := func(code string) answer {
		got := b.send(t, b.request("POST "+b.base()+"/oauth/token HTTP/1.1", url.Values{
			"grant_type": {"authorization_code"}, "client_id": {"test"}, "client_secret": {"test"}, "code": {code}, "redirect_uri": {"http://localhost"},
		}.Encode(), formType))
		known(got.member("access_token"))
		known(got.member("refresh_token"))
		return got
	}
	if first, again := exchange(code), exchange(code); first.code != http.StatusOK || again.code != http.StatusBadRequest {
		t.Fatalf("%s\n%s", first, again)
	}
	exchange(code[:len(code)-1] + "A")
	b.open("/oauth/authorize?code=" + url.QueryEscape(code) + "&password=" + url.QueryEscape(typed[2]))
	b.open("/oauth/token?code=" + url.QueryEscape(code) + "&client_secret=" + url.QueryEscape(typed[2]))

	b.open("/account").follow("add-totp")
	look().submit("/account/totp", "code", typed[3])
	secret, codes := look().open("/account/totp").protect()
	known(secret)
	for _, one := range codes {
		known(one)
	}
	look().open("/account").submit("/logout")
	b.open(documented+"&scope=username+profile_write").signIn("anna", goodPassword).is("/login/second", http.StatusOK)
	look().submit("/login/second", "code", typed[3])
	look().open("/login/recovery?"+b.at.RawQuery).submit("/login/recovery", "code", typed[4])
	look().submit("/login/recovery", "code", codes[0])
	look()

	lost := s.browser(t, "demo")
	lost.open("/login").follow("forgotten").submit("/reset", "name", "anna")
	b, link := lost, s.mailed(t, "demo", "anna@example.com", "/reset/")
	b.open(link).is("/reset/password", http.StatusOK)
	look().submit("/reset/password", "password", typed[2], "again", goodPassword)
	look().submit("/reset/password", "password", typed[2], "again", typed[2])
	look().open(link)
	for _, path := range []string{"/verify?link=", "/reset/password?link=", "/login?request=", "/consent?request=", "/logout?id_token_hint=", "/nothing?code="} {
		b.open(path + typed[5])
		b.post(b.at.String(), url.Values{"link": {typed[5]}, "password": {typed[2]}, "form": {typed[5]}})
		look()
	}
	if len(proofs) < 30 {
		t.Errorf("%d proofs were seen", len(proofs))
	}
	log := s.log.all()
	if strings.Count(log, "\n") < 40 {
		t.Fatalf("the log is short:\n%s", log)
	}
	for proof := range proofs {
		for _, spelling := range slices.Compact([]string{proof, url.QueryEscape(proof), url.PathEscape(proof)}) {
			if at := strings.Index(log, spelling); at >= 0 {
				t.Errorf("C14: %q is in the log: …%s", spelling, log[max(0, at-200):at])
			}
		}
	}
}
