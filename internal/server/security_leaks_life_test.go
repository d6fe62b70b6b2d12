package server

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/store"
)

// named are the members of answers that hold a secret, with what it is.
var named = map[string]string{
	"secret": "client secret", "text": "API token", "link": "link", "access_token": "access token", "refresh_token": "refresh token", "id_token": "ID token",
}

// learn keeps the secrets of an answer.
func (l *life) learn(answer map[string]any) {
	for member, what := range named {
		if text, ok := answer[member].(string); ok {
			if _, handle, isLink := strings.Cut(text, "link="); isLink {
				text = handle
			}
			l.keep(what, text)
		}
	}
}

// ask asks the admin API, as the command line does.
func (l *life) admin(method, path, body, key string) (status int, answer []byte) {
	w, r := httptest.NewRecorder(), httptest.NewRequest(method, "/admin/v1"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	l.server.Admin().ServeHTTP(w, r)
	return w.Code, w.Body.Bytes()
}

// once has something made under an idempotency key, asks a second time, and wants
// that the second answer holds nothing (row O15).
func (l *life) once(path, body string) map[string]any {
	l.t.Helper()
	key := l.mark("idempotency key")
	status, first := l.admin(http.MethodPost, path, body, key)
	answer := map[string]any{}
	if err := json.Unmarshal(first, &answer); err != nil || status > 299 {
		l.t.Fatalf("POST %s: %d %s", path, status, first)
	}
	l.learn(answer)
	status, again := l.admin(http.MethodPost, path, body, key)
	if found := l.held(again); len(found) > 0 || status > 299 {
		l.t.Errorf("O15: POST %s a second time: %d, %q", path, status, found)
	}
	return answer
}

// the is a member of a member of an answer.
func the(answer map[string]any, path ...string) string {
	var at any = answer
	for _, name := range path {
		within, _ := at.(map[string]any)
		at = within[name]
	}
	text, _ := at.(string)
	return text
}

// machines have secrets that are made, imported, rotated, leaked and mistyped, and
// tokens of both kinds that are used, asked about and ended.
func (l *life) machines() {
	for _, environment := range []string{"demo", "university"} {
		in := "/environments/" + environment
		made := l.once(in+"/clients", `{"name":"Exporter","apis":["timetable"],"scopes":["all"]}`)
		client, generated := the(made, "client", "id"), the(made, "secret")
		l.ids["client"] = client
		imported, chosen := l.mark("imported secret")+strings.Repeat("x", 40), l.mark("imported secret")
		l.keep("imported secret", imported)
		l.once(in+"/clients", `{"id":"imported","name":"Imported","apis":["timetable"],"scopes":["all"],"secret":"`+imported+`"}`)
		l.once(in+"/clients/"+client+"/secrets", `{"secret":"`+chosen+`"}`)
		second := l.once(in+"/clients/"+client+"/secrets", `{}`)
		for _, proof := range []string{generated, the(second, "secret"), chosen} {
			token := l.fetch(environment, client, proof)
			l.use(environment, token)
			l.fetch(environment, client, proof[:len(proof)-1]+"x")
			l.confuse(environment, client, proof)
		}
		l.use(environment, l.fetch(environment, "imported", imported))
		for range 35 { // until it is too often
			l.confuse(environment, "imported", imported)
		}
		token := l.fetch(environment, client, generated)
		l.once(in+"/denials", `{"kind":"token","token":"`+token+`"}`)
		l.once(in+"/clients/"+client+"/leaked", `{"secret_id":"`+the(made, "secret_id")+`"}`)
		l.fetch(environment, client, generated)
		l.use(environment, token)
		api := the(l.once(in+"/api-tokens", `{"name":"Displays","apis":["timetable"]}`), "text")
		for _, path := range []string{"timetabletypes", "user", "nothing"} {
			l.send(l.t, l.request("GET /"+environment+"/api/v0/"+path+" HTTP/1.1", "", "apiToken: "+api))
		}
	}
}

// confuse sends the secret as the id, and the id as the secret.
func (l *life) confuse(environment, client, proof string) {
	r, err := http.NewRequestWithContext(l.t.Context(), http.MethodPost, "http://"+l.address+"/"+environment+"/oauth/token", strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		l.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(proof, client)
	got, err := http.DefaultClient.Do(r) // not send: an id in a secret's place is no secret
	if err != nil {
		l.t.Fatal(err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if found := l.held(body); len(found) > 0 || err != nil || got.StatusCode == http.StatusOK {
		l.t.Errorf("a secret as the id: %d, %q, %v", got.StatusCode, found, err)
	}
}

// fetch asks for a token, in the header and in the body.
func (l *life) fetch(environment, client, proof string) string {
	l.keep("client secret", proof)
	to := "POST /" + environment + "/oauth/token HTTP/1.1"
	l.send(l.t, l.request(to, "grant_type=client_credentials", formType, basic(client, proof)))
	got := l.send(l.t, l.request(to, url.Values{"grant_type": {"client_credentials"}, "client_id": {client}, "client_secret": {proof}}.Encode(), formType))
	return l.keep("access token", got.member("access_token"))
}

// use calls the API with a token, in each place where one can stand, and asks about
// it; whatever is answered, nothing says it back.
func (l *life) use(environment, token string) {
	in := "/" + environment
	for _, request := range []string{
		l.request("GET "+in+"/api/v0/timetable HTTP/1.1", "", "Authorization: Bearer "+token),
		l.request("GET "+in+"/api/v0/timetable HTTP/1.1", "", "Authorization: Bearer "+token, "Authorization: Bearer "+token),
		l.request("GET "+in+"/api/v0/timetable HTTP/1.1", "", "Authorization: "+token),
		l.request("GET "+in+"/api/v0/timetable?access_token="+url.QueryEscape(token)+" HTTP/1.1", ""),
		l.request("GET "+in+"/api/v0/timetable?access_token="+url.QueryEscape(token)+"&access_token=x HTTP/1.1", ""),
		l.request("GET "+in+"/api/v0/modules/"+token+"/timetable HTTP/1.1", ""),
		l.request("GET "+in+"/api/v0/"+token+" HTTP/1.1", ""),
		l.request("GET "+in+"/userinfo HTTP/1.1", "", "Authorization: Bearer "+token),
		l.request("POST "+in+"/oauth/check_token HTTP/1.1", "token="+url.QueryEscape(token), formType, basic("asker", l.asks(environment))),
		l.request("POST "+in+"/oauth/introspect HTTP/1.1", "token="+url.QueryEscape(token), formType),
		l.request("POST "+in+"/oauth/revoke HTTP/1.1", "token="+url.QueryEscape(token), formType),
	} {
		if got := l.send(l.t, request); token != "" {
			if found := l.held([]byte(got.String())); len(found) > 0 {
				l.t.Errorf("%s\nis answered with the %q", clip(request, 200), found)
			}
		}
	}
}

// asks is the secret of an API that asks about tokens.
func (l *life) asks(environment string) string {
	if l.ids["asker at "+environment] == "" {
		l.ids["asker at "+environment] = l.keep("client secret", l.register(l.t, environment, registration{id: "asker", resource: true}))
	}
	return l.ids["asker at "+environment]
}

// people sign in with all that there is, allow an application something, and lose
// their passwords.
func (l *life) people() {
	l.keep("password", goodPassword)
	l.resident(l.t, "demo", "anna")
	app := l.keep("client secret", l.register(l.t, "demo", registration{
		id: "app", kind: store.TypeWeb, signIn: store.SignIn{Redirects: []string{"http://localhost"}, Legacy: true},
		allotted: map[string][]string{"timetable": {"username", "profile_read"}},
	}))
	b := l.visiting("demo")
	ask := strings.Replace(documented, "client_id=test", "client_id=app", 1)
	b.open(ask).submit("/login", "name", "anna", "password", l.mark("password"))
	b.submit("/login", "name", l.mark("password"), "password", goodPassword)
	b.signIn("anna", goodPassword).is("/consent", http.StatusOK)
	code := b.submit("/consent", "decision", "allow", "remember", "1").back("http://localhost").Get("code")
	token := func(form url.Values) answer {
		got := l.send(l.t, l.request("POST /demo/oauth/token HTTP/1.1", with(form, "client_id", "app", "client_secret", app).Encode(), formType))
		l.keep("access token", got.member("access_token"))
		l.keep("refresh token", got.member("refresh_token"))
		return got
	}
	first := token(url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {"http://localhost"}})
	second := token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first.member("refresh_token")}})
	l.use("demo", second.member("access_token"))
	l.clock.move(time.Minute)
	token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first.member("refresh_token")}}) // a replay
	token(url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {"http://localhost"}})

	seed, codes := b.open("/account").follow("add-totp").protect()
	l.keep("authenticator", seed)
	for _, one := range codes {
		l.keep("recovery code", one)
		l.keep("recovery code", strings.ReplaceAll(one, "-", ""))
	}
	b.open("/account").submit("/logout")
	b.open(ask).signIn("anna", goodPassword).is("/login/second", http.StatusOK)
	b.submit("/login/second", "code", l.mark("one-time code"))
	b.open("/login/recovery?"+b.at.RawQuery).submit("/login/recovery", "code", l.mark("recovery code"))
	b.submit("/login/recovery", "code", codes[0])

	lost, chosen := l.visiting("demo"), l.mark("password")
	lost.open("/login").follow("forgotten").submit("/reset", "name", "anna")
	lost.open(l.mailed(l.t, "demo", "anna@example.com", "/reset/")).submit("/reset/password", "password", chosen, "again", l.mark("password"))
	l.keep("link", lost.at.Query().Get("link"))
	lost.submit("/reset/password", "password", chosen, "again", chosen)
	lost.open("/login").signIn("anna", chosen)
	for _, path := range []string{"/verify?link=", "/reset/password?link=", "/login?request=", "/consent?request=", "/logout?id_token_hint="} {
		b.open(path + l.mark("handle"))
		b.post(b.at.String(), url.Values{"link": {l.mark("handle")}, "password": {l.mark("password")}, "form": {l.mark("form")}})
	}
	l.resident(l.t, "university", "anna") // whose mails arrive nowhere
	l.visiting("university").open("/reset").submit("/reset", "name", "anna")
	in := "/environments/demo/accounts"
	l.once(in, `{"name":"bert","password":"`+l.mark("password")+`"}`)
	carl := the(l.once(in, `{"name":"carl","email":"carl@example.com","reset":"link"}`), "account", "id")
	l.ids["account"] = carl
	l.once(in+"/"+carl+"/reset", `{"by":"link"}`)
	l.once(in+"/import", `{"rows":[{"line":1,"name":"dora","password_hash":"`+l.mark("hash")+`"}]}`)
}

// partnersAndOperators use the pages, where secrets are shown once and links are
// handed over, and the admin API, which answers with links.
func (l *life) partnersAndOperators() {
	partner := the(l.once("/partners", `{"name":"Acme"}`), "partner", "id")
	asked := the(l.once("/access-requests", `{"organisation":"Other","person":"Otto","email":"otto@other.example","environment":"demo","application":"A","purpose":"P","scopes":["all"]}`), "request", "id")
	l.ids["partner"], l.ids["request"] = partner, asked
	l.once("/access-requests/"+asked+"/approve", `{}`)
	l.once("/operators", `{"name":"pia@example.com","roles":["auditor"]}`)
	l.once("/partners/"+partner+"/members", `{"email":"bob@acme.example","role":"developer"}`)
	for _, mail := range l.environment("home").signIn.journey.Mails() {
		_, handle, _ := strings.Cut(mail.Link, "link=")
		l.keep("link", handle)
	}
	ada := l.resident(l.t, "home", "ada", home.Owner)
	if err := l.server.current.Load().partners.SetMember(l.t.Context(), partner, ada.ID, store.MemberAdmin, l.by()); err != nil {
		l.t.Fatal(err)
	}
	own := l.once("/environments/demo/clients", `{"name":"Own","apis":["timetable"],"scopes":["all"],"partner":"`+partner+`"}`)
	client, id := the(own, "client", "id"), the(own, "secret_id")
	l.ids["client"], l.ids["secret"] = client, id

	b := l.visiting("home")
	b.visit("/console/").is("/login", http.StatusOK)
	b.signIn("ada", goodPassword)
	for _, page := range []struct {
		path   string
		fields []string
	}{
		{"/console/client/new?environment=demo", []string{"name", "Fresh", "scopes", "timetable username"}},
		{"/console/client/secret?environment=demo&id=" + client, nil},
		{"/console/client/leaked?environment=demo&id=" + client + "&secret=" + id, nil},
		{"/console/api-token/new?environment=demo", []string{"name", "Screens", "apis", "timetable"}},
		{"/console/operator/new", []string{"name", "quinn@example.com", "role", home.Auditor}},
		{"/console/account/reset?environment=demo&id=" + l.ids["account"], []string{"by", "link"}},
		{"/portal/application/secret?environment=demo&id=" + client, []string{"expires_at", "90"}},
	} {
		path, _, _ := strings.Cut(page.path, "?")
		b.visit(page.path).submit(strings.TrimPrefix(strings.TrimPrefix(path, "/console"), "/portal"), page.fields...)
		shown := b.text("once")
		if _, handle, isLink := strings.Cut(shown, "link="); isLink {
			shown = handle
		}
		if l.keep("client secret", shown) == "" || b.at.RawQuery != "" {
			l.t.Errorf("%s shows no secret, or stays at %s:\n%s", page.path, b.at, b.words())
		}
		l.fetch("demo", client, shown)
	}
	stranger := l.visiting("home")
	stranger.visit("/portal/ask?environment=demo").submit("/ask", "organisation", "Far", "person", "Fay", "email", "fay@far.example", "application", "F", "purpose", "P", "scopes", "timetable username")
	b.visit("/portal/members/invite?partner="+partner).submit("/members/invite", "email", "carla@acme.example", "role", store.MemberDeveloper)
	for _, mail := range l.environment("home").signIn.journey.Mails() {
		_, handle, _ := strings.Cut(mail.Link, "link=")
		l.keep("link", handle)
	}
	if b.visit("/portal/try"); b.code != http.StatusOK {
		l.t.Errorf("Try it: %d", b.code)
	}
	l.operator = b
}

// strangers send things that nobody made; nothing of it is said back.
func (l *life) strangers() {
	m := func() string { return l.mark("stranger's text") }
	form := func(pairs ...string) string { return strings.Join(pairs, "&") }
	post := "POST /demo/oauth/token HTTP/1.1"
	for _, request := range []string{
		l.request("GET /demo/oauth/token?client_secret="+m()+" HTTP/1.1", ""),
		l.request("POST /demo/oauth/token?client_secret="+m()+" HTTP/1.1", "grant_type=client_credentials", formType),
		l.request(post, form("grant_type=client_credentials", "client_secret="+m(), "client_secret="+m()), formType),
		l.request(post, form("grant_type=password", "username=a", "password="+m()), formType),
		l.request(post, form("grant_type="+m(), "client_id="+m()), formType),
		l.request(post, form("grant_type=refresh_token", "client_id=app", "refresh_token="+m()), formType),
		l.request(post, form("grant_type=authorization_code", "client_id=app", "code="+m(), "code_verifier="+m()), formType),
		l.request(post, form("grant_type=client_credentials", "client_assertion="+m(), "client_assertion_type=x"), formType),
		l.request(post, form(m()+"=x", "%zz="+m()), formType),
		l.request(post, `{"client_secret":"`+m()+`", "x`, "Content-Type: application/json"),
		l.request(post, "x", "Content-Type: "+m()),
		l.request(post, "grant_type=client_credentials", formType, "Authorization: Basic "+m()),
		l.request(post, "grant_type=client_credentials", formType, "Authorization: "+m()+" x"),
		l.request(post, "grant_type=client_credentials", formType, "Content-Encoding: "+m()),
		l.request(post, "grant_type=client_credentials", formType, basic("app", m())),
		l.request("POST /demo/oauth/check_token HTTP/1.1", "token="+m(), formType),
		l.request("POST /demo/oauth/revoke HTTP/1.1", "token="+m(), formType),
		l.request("GET /demo/api/v0/timetable HTTP/1.1", "", "Authorization: Bearer "+m()),
		l.request("GET /demo/api/v0/timetable HTTP/1.1", "", "Authorization: Bearer "+m()+" "+m()),
		l.request("GET /demo/api/v0/timetable HTTP/1.1", "", "Authorization: DPoP "+m(), "DPoP: "+m()),
		l.request("GET /demo/api/v0/timetable?access_token="+m()+" HTTP/1.1", "", "Referer: https://app.example/?code="+m()),
		l.request("GET /demo/api/v0/timetabletypes HTTP/1.1", "", "apiToken: "+m(), "requestedAuth: "+m()),
		l.request("GET /demo/api/v0/"+m()+"/%2e%2e/"+m()+" HTTP/1.1", ""),
		l.request("GET /"+m()+"?"+m()+" HTTP/1.1", ""),
		l.request("GET /demo/"+m()+" HTTP/1.1", "", m()+": "+m(), "Cookie: session="+m()+"; demo-session="+m()),
		l.request("GET /demo/login?request="+m()+" HTTP/1.1", "", "Host: "+m()),
		l.request("GET /demo/"+strings.Repeat(m(), 1000)+" HTTP/1.1", ""),
		l.request("GET /demo/login HTTP/1.1", "", "X: "+strings.Repeat(m(), 2000)),
		l.request("POST "+post, m(), "Transfer-Encoding: "+m()),
		m() + " " + m() + " HTTP/1.1\r\n\r\n",
		l.request("GET /console/client?id="+m()+" HTTP/1.1", "", "Cookie: grantway-console-visit="+m()),
		l.request("GET /console/signed-in?code="+m()+"&state="+m()+" HTTP/1.1", "", "Cookie: grantway-console-going="+m()),
		l.request("GET /home/admin/v1/environments HTTP/1.1", "", "Authorization: Bearer "+m(), "Idempotency-Key: "+m()),
		l.request("POST /home/admin/v1/environments/demo/clients HTTP/1.1", `{"secret":"`+m()+`"}`, "Content-Type: application/json", "Authorization: Bearer "+m()),
		l.request("GET /demo/oauth/authorize?client_id=app&redirect_uri=https://evil.example/"+m()+"&id_token_hint="+m()+" HTTP/1.1", ""),
	} {
		got, err := l.exchange(request)
		if err != nil {
			continue // nothing was said at all
		}
		got.header.Del("Location") // where who is not signed in goes, to come back
		if found := l.held([]byte(got.String())); len(found) > 0 {
			l.t.Errorf("%s\nis answered with the %q", clip(request, 300), found)
		}
	}
	for _, body := range []string{`{"secret":"%s","x":1}`, `{"secret":"%s"`, `{"secret":["%s"]}`, `{"hash":"%s"}`, `{"expires_at":"%s"}`} {
		status, answer := l.admin(http.MethodPost, "/environments/demo/clients/imported/secrets", fmt.Sprintf(body, m()), "")
		if found := l.held(answer); len(found) > 0 || status < 400 {
			l.t.Errorf("%s is answered with %d, %q", body, status, found)
		}
	}
}

// pages are those of console and portal, when all is over.
func (l *life) pages() map[string][]byte {
	there := map[string][]byte{}
	ids := strings.NewReplacer("$C", l.ids["client"], "$S", l.ids["secret"], "$A", l.ids["account"], "$O", l.ids["account"], "$P", l.ids["partner"], "$R", l.ids["request"], "$T", "none", "$K", "none")
	paths := []string{"/portal/applications", "/portal/why", "/portal/try", "/portal/members", "/portal/ask"}
	for page := range consolePages {
		joint := map[bool]string{true: "&", false: "?"}[strings.Contains(page, "?")]
		paths = append(paths, "/console"+page+joint+"environment=demo", "/console"+page+joint+"environment=home")
	}
	for _, page := range selfPages {
		paths = append(paths, "/portal"+strings.Replace(page.path, "environment=staging", "environment=demo", 1))
	}
	slices.Sort(paths)
	for _, path := range paths {
		b := l.operator.visit(ids.Replace(path))
		there[ids.Replace(path)] = fmt.Appendf(nil, "%s %v\n%s", b.at, b.header, b.body)
	}
	return there
}
