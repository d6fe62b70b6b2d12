package server

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/oauth"
)

// cookies are what a browser keeps for the server.
func (b *browser) cookies() []*http.Cookie {
	return b.client.Jar.Cookies(&url.URL{Scheme: "http", Host: b.address})
}

// copied is another browser that has the cookies of one whose names have a text.
func (b *browser) copied(of string, as func(string) string) *browser {
	other := b.visitor(b.t)
	jar, _ := cookiejar.New(nil)
	for _, c := range b.cookies() {
		if strings.Contains(c.Name, of) {
			jar.SetCookies(&url.URL{Scheme: "http", Host: b.address}, []*http.Cookie{{Name: as(c.Name), Value: c.Value, Path: "/"}})
		}
	}
	other.client.Jar = jar
	return other
}

// TestCopiesOfCookies: a cookie of one part opens no other one, a session's opens
// none, and none of them anything once its person has signed out (rows P24, U02).
func TestCopiesOfCookies(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "quickstart", home: true})
	same := func(name string) string { return name }
	b, _ := s.operator(t, "anna", home.Owner)
	if b.visit("/portal/applications"); b.at.Path != "/portal/applications" {
		t.Fatalf("at %s", b.at)
	}
	stolen := b.copied("console-visit", same)
	if stolen.visit("/console/"); stolen.at.Path != "/console/" {
		t.Fatalf("a copy is at %s: this test proves nothing", stolen.at)
	}
	for _, swap := range [][2]string{{"portal", "console"}, {"console", "portal"}} {
		as := func(name string) string { return strings.Replace(name, swap[0], swap[1], 1) }
		if other := b.copied(swap[0]+"-visit", as).visit("/" + swap[1] + "/applications"); other.at.Path != "/home/login" {
			t.Errorf("the cookie of the %s at the %s: %s", swap[0], swap[1], other.at)
		}
	}
	b.visit("/console/").submit("/sign-out")
	for _, at := range []string{"/console/", "/portal/applications"} {
		if b.visit(at); b.at.Path != "/home/login" {
			t.Errorf("who signed out is at %s", b.at)
		}
	}
	if stolen.visit("/console/"); stolen.at.Path != "/home/login" {
		t.Errorf("a copy of the cookie of who signed out is at %s", stolen.at)
	}
}

// TestFormsOfOthers: a form that was made for another visit, another page or from
// another site changes nothing, in the console and in the portal (row R02).
func TestFormsOfOthers(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "quickstart", home: true})
	for _, row := range []struct{ page, to string }{{"/console/partner/new", "/partner/new"}, {"/portal/ask", "/ask"}} {
		b, _ := s.operator(t, "anna"+row.to[1:4], home.Owner)
		eve, _ := s.operator(t, "eve"+row.to[1:4], home.Owner)
		fields, action, ok := eve.visit(row.page).form(row.to)
		if !ok {
			t.Fatalf("no form on %s", eve.at)
		}
		fields.Set("name", "Eve's")
		if b.visit(row.page).post(action, fields); b.code != http.StatusForbidden {
			t.Errorf("%s with another's form: %d", row.page, b.code)
		}
		fields, _, _ = b.visit(row.page).form(row.to)
		for _, sent := range []map[string]string{
			{"Sec-Fetch-Site": "cross-site"},
			{"Sec-Fetch-Site": "same-site"},
			{"Origin": "https://evil.example"},
			{"Sec-Fetch-Site": "cross-site", "Origin": "null"},
		} {
			r, err := http.NewRequest(http.MethodPost, "http://"+b.address+row.page, strings.NewReader(fields.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			for name, value := range sent {
				r.Header.Set(name, value)
			}
			got, err := b.client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			got.Body.Close()
			if got.StatusCode != http.StatusForbidden {
				t.Errorf("%s with %v: %d", row.page, sent, got.StatusCode)
			}
		}
	}
}

// hostileNames are names that somebody would be shown elsewhere, or believe.
var hostileNames = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `{{.Secret}}`, `=HYPERLINK("https://evil.example")`,
	"A\u202Egpj.exe", "A\u200BB", "A\u2066B", "A\x00B", "A\r\nBcc: x@evil.example", strings.Repeat("A", 129), strings.Repeat("Z\u0321", 70),
}

// TestHostileAsking: whatever a stranger calls themselves is refused, or stands on
// the operator's pages as text, and reaches no mail (rows O09, R01, R06).
func TestHostileAsking(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "quickstart", home: true})
	partners := s.server.current.Load().partners
	b, _ := s.operator(t, "anna", home.Owner)
	taken := 0
	for _, name := range hostileNames {
		asked, err := partners.Ask(t.Context(), partner.Asking{
			Organised: name, Person: name, Email: "eve@evil.example", Environment: "staging", Application: name, Purpose: name, Scopes: []string{partner.AllScopes},
		}, s.by())
		if err != nil {
			continue
		}
		taken++
		if strings.ContainsAny(name, "\x00\r\n\u202E\u200B\u2066") {
			t.Errorf("%q was taken", name)
		}
		for _, page := range []string{"/console/request?id=" + asked.ID, "/console/requests", "/console/request/approve?id=" + asked.ID} {
			if b.visit(page); b.code != http.StatusOK || strings.Contains(b.body, "<script>alert") || strings.Contains(b.body, "<img src=x") {
				t.Errorf("%s with %q: %d", page, name, b.code)
			}
		}
		approval, err := partners.Approve(t.Context(), asked.ID, nil, "", s.by())
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range []string{"/console/partner?id=" + approval.Partner.ID, "/console/partners", "/console/client?environment=staging&id=" + asked.ClientID, "/console/changes"} {
			if b.visit(page); b.code != http.StatusOK || strings.Contains(b.body, "<script>alert") || strings.Contains(b.body, "<img src=x") {
				t.Errorf("%s with %q: %d", page, name, b.code)
			}
		}
	}
	if taken == 0 {
		t.Error("nothing was taken: this test proves nothing")
	}
	for _, format := range []string{"csv", "jsonl"} {
		b.visit("/console/changes/export?environment=home&format=" + format)
		for line := range strings.Lines(b.body) {
			for cell := range strings.SplitSeq(line, ",") {
				if strings.HasPrefix(strings.Trim(cell, `"`), "=") {
					t.Errorf("a formula: %s", line)
				}
			}
		}
		if b.header.Get("Content-Disposition") == "" || b.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", format, b.header)
		}
	}
	waiting, err := s.environment("home").resources.store.Notices().Claim(t.Context(), s.clock.Now(), s.clock.Now().Add(1), 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range waiting {
		mail, err := partners.Compose(n)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range hostileNames {
			if strings.Contains(n.Detail+mail.Subject+mail.Text, name) {
				t.Errorf("%s says %q", n.Kind, name)
			}
		}
	}
}

// TestMembersAreHeldBack: neither invitations nor requests can be sent without end,
// by whoever takes back what they sent.
func TestMembersAreHeldBack(t *testing.T) {
	t.Parallel()
	h := helps(t)
	refused := 0
	for i := range 45 {
		h.admin.visit("/portal/members/invite?partner="+h.partner.ID).submit("/members/invite",
			"email", "p"+string(rune('a'+i%26))+string(rune('a'+i/26))+"@evil.example", "role", store.MemberDeveloper)
		if h.admin.code == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused == 0 {
		t.Error("45 invitations were sent at once")
	}
	for range 2 {
		refused = 0
		for range 12 {
			h.developer.visit("/portal/ask").submit("/ask", "application", "A", "purpose", "P", "scopes", "notes notes:read")
			if h.developer.code == http.StatusTooManyRequests {
				refused++
				continue
			}
			open, _, err := h.Requests(t.Context(), store.AccessQuery{Open: true, Limit: 10})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range open {
				if err := h.Withdraw(t.Context(), r.ID, h.by()); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if refused == 0 {
		t.Error("24 requests were asked and taken back at once")
	}
}

// administer changes something by the admin API, as the command line does.
func (s *site) administer(t *testing.T, method, path, body string) {
	t.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if s.server.Admin().ServeHTTP(w, r); w.Code > 299 {
		t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
}

// TestLinksOfBeforeOpenNoOperator: whoever held a link to choose the password of an
// account before it became an operator's does not become one by it (row P18).
func TestLinksOfBeforeOpenNoOperator(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "quickstart", home: true})
	b, anna := s.operator(t, "anna", home.Owner)
	partners := s.server.current.Load().partners
	p, err := partners.Create(t.Context(), partner.NewPartner{Name: "Eve's", Admins: []string{anna.ID}}, s.by())
	if err != nil {
		t.Fatal(err)
	}
	for name, become := range map[string]func(id, email string){
		"invited": func(_, email string) {
			b.visit("/console/operator/new").submit("/operator/new", "name", email, "role", home.Operator)
		},
		"given a role": func(id, _ string) {
			b.visit("/console/operator/roles?id="+id).submit("/operator/roles", "role", home.Operator)
		},
		"by the API": func(_, email string) {
			s.administer(t, http.MethodPost, "/admin/v1/operators", `{"name":"`+email+`","roles":["operator"]}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			email := strings.ReplaceAll(name, " ", "-") + "@example.org"
			invited, err := partners.Invite(t.Context(), p.ID, email, "", store.MemberDeveloper, s.by())
			if err != nil {
				t.Fatal(err)
			}
			old := s.mailed(t, "home", email, "/reset/")
			eve := s.visitor(t)
			if _, _, ok := eve.do(http.MethodGet, old, nil).form("/reset/password"); !ok {
				t.Fatalf("the link is not good: this test proves nothing\n%s", eve.body)
			}
			become(invited.AccountID, email)
			a, err := s.environment("home").resources.store.Accounts().Find(t.Context(), invited.AccountID)
			if err != nil || len(a.Roles) != 1 || a.Disabled() {
				t.Fatalf("%+v, %v", a, err)
			}
			if _, _, ok := eve.do(http.MethodGet, old, nil).form("/reset/password"); ok {
				t.Error("the link of before is still good")
			}
		})
	}
}

// TestPasswordsOfBeforeOpenNoOperator: whoever knew the password of an account before
// it became an operator's does not become one by it: the person chooses one anew, by a
// link that whoever raises them hands over.
func TestPasswordsOfBeforeOpenNoOperator(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "quickstart", home: true})
	b, _ := s.operator(t, "anna", home.Owner)
	for name, become := range map[string]func(id, name string) (link string){
		"invited": func(_, name string) string {
			return b.visit("/console/operator/new").submit("/operator/new", "name", name, "role", home.Operator).text("once")
		},
		"raised": func(id, _ string) string {
			return b.visit("/console/operator/roles?id="+id).submit("/operator/roles", "role", home.Operator).text("once")
		},
	} {
		a := s.resident(t, "home", name)
		link := become(a.ID, name)
		if !strings.Contains(link, "/reset/password?link=") {
			t.Fatalf("%s: there is no link: %d %s", name, b.code, b.text("problem"))
		}
		eve := s.visitor(t)
		eve.visit("/console/").is("/login", http.StatusOK)
		if eve.signIn(name, goodPassword); !strings.HasSuffix(eve.at.Path, "/login") {
			t.Errorf("%s: the password of before leads to %s", name, eve.at)
		}
		owner := s.visitor(t)
		owner.do(http.MethodGet, link, nil).submit("/reset/password", "password", "another-gulp-tractor", "again", "another-gulp-tractor")
		owner.visit("/console/").is("/login", http.StatusOK)
		if owner.signIn(name, "another-gulp-tractor"); !strings.HasPrefix(owner.at.Path, "/console") {
			t.Errorf("%s: the password that was chosen leads to %s\n%s", name, owner.at, owner.body)
		}
	}
}

// TestOldSignInsMakeNoSecrets: who sits down at a console that somebody left open
// cannot take anything along that stays good (row P15).
func TestOldSignInsMakeNoSecrets(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "quickstart", home: true})
	ids := s.furnish(t, "")
	b, _ := s.operator(t, "anna", home.Owner)
	changes := func() (n int64) {
		t.Helper()
		for _, of := range []string{"staging", "home"} {
			last, err := s.environment(of).resources.store.Changes().Last(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			n += last
		}
		return n
	}
	for _, page := range []string{
		"/client/new?environment=staging", "/client/secret?environment=staging&id=$C", "/api-token/new?environment=staging",
		"/request/approve?id=$R", "/partner/invite?id=$P", // which show a link where no mail is sent
	} {
		path, _, _ := strings.Cut(page, "?")
		fields, action, ok := b.visit("/console" + ids.Replace(page)).form(path)
		if !ok {
			t.Fatalf("no form at %s", b.at)
		}
		s.clock.move(11 * time.Minute)
		before := changes()
		b.post(action, fields, "name", "Eve's", "scopes", "notes notes:read", "email", "eve@harbour.example")
		if after := changes(); after != before || b.at.Path != "/home/login" {
			t.Errorf("%s: %d changes, at %s", path, after-before, b.at)
		}
		b.signIn("anna", goodPassword)
	}
}

// TestNobodyKeepsPersonalPages: a page that says who is signed in is for no cache
// that others share, and in no frame.
func TestNobodyKeepsPersonalPages(t *testing.T) {
	t.Parallel()
	h := helps(t)
	for _, path := range []string{"/portal/applications", "/portal/search?q=token", "/portal/staging/overview", "/portal/ask", "/portal/nothing", "/portal/ask/thanks"} {
		h.admin.visit(path)
		if kept := h.admin.header.Get("Cache-Control"); !strings.Contains(kept, "no-store") && !strings.Contains(kept, "private") && strings.Contains(h.admin.body, "ada") {
			t.Errorf("%s: Cache-Control %q", path, kept)
		}
		if h.admin.header.Get("X-Frame-Options") != "DENY" || !strings.Contains(h.admin.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s may stand in a frame", path)
		}
	}
}

// TestTrialsEndWithTheGrant: what a client may do no more cannot be tried with it
// either.
func TestTrialsEndWithTheGrant(t *testing.T) {
	t.Parallel()
	h := helps(t)
	b, mine := h.developer, "staging "+h.own.Client.ID
	ends := map[string]time.Time{oauth.GrantClientCredentials: h.clock.Now().Add(5 * time.Minute)}
	if _, err := h.environment("staging").partners.Change(t.Context(), h.own.Client.ID, partner.Change{Ends: ends}, h.by()); err != nil {
		t.Fatal(err)
	}
	fields, action, ok := b.visit("/portal/try").form("/try")
	if !ok {
		t.Fatalf("no form:\n%s", b.body)
	}
	if b.post(action, fields, "client", mine, "method", "GET", "path", "/notes"); !strings.HasPrefix(b.text("got"), "HTTP/1.1 200") {
		t.Fatalf("before the end: %d\n%s", b.code, b.text("got"))
	}
	h.clock.move(5 * time.Minute)
	if b.post(action, fields, "client", mine, "method", "GET", "path", "/notes"); b.code != http.StatusNotFound {
		t.Errorf("after the end: %d\n%s", b.code, b.text("got"))
	}
}
