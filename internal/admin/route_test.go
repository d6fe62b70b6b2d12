package admin

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/partner"
)

// walk visits every route with a request that goes well for whoever may make it.
func (f *fixture) walk(t *testing.T, visit func(r route, path, body string)) {
	t.Helper()
	for _, r := range table() {
		made := f.ask(writer, "POST", clientsOfStaging, wanted)
		changed := decoded[Changed](t, made)
		signer, err := f.rings["staging"].Signer(jose.ES256)
		if err != nil {
			t.Fatal(err)
		}
		person, token := f.made(t)
		organisation, member, request, owner := f.organised(t)
		if strings.HasPrefix(r.path, members) {
			person = member
		}
		if strings.HasPrefix(r.path, operators) {
			person = owner
		}
		path := strings.NewReplacer("{environment}", "staging", "{client}", changed.Client.ID, "{secret}", changed.SecretID, "{key}", signer.KeyID(),
			"{account}", person, "{token}", token, "{partner}", organisation, "{request}", request).Replace(r.path)
		if r.name == "listDifferences" {
			path += "?from=production"
		}
		body := ""
		if r.request != nil {
			body = wanted
			switch r.name {
			case "addSecret":
				body = `{}`
			case "changeClient":
				body = `{"name":"Another","redirect_uris":{"add":[]}}`
			case "createAccount":
				body = `{"name":"` + rand.Text() + `","reset":"link"}`
			case "changeAccount":
				body = `{"given_name":"Anna","roles":{"add":["chair"]}}`
			case "importAccounts":
				body = `{"rows":[{"line":1,"name":"x"}],"dry_run":true}`
			case "resetAccount":
				body = `{"factors":true}`
			case "createAPIToken":
				body = `{"name":"Signs","apis":["moves"]}`
			case "leakedClient", "changePartner", "approveRequest":
				body = `{}`
			case "promoteClient":
				body = `{"to":"production"}`
			case "importClients":
				body = `{"clients":[{"id":"x","name":"X","type":"machine","allotted":{"moves":["moves:read"]}}]}`
			case "createPartner":
				body = `{"name":"Acme Ltd"}`
			case "inviteMember":
				body = `{"email":"` + rand.Text() + `@acme.example","role":"developer"}`
			case "changeMember":
				body = `{"role":"developer"}`
			case "askAccess":
				body = wantedAccess(organisation, member)
			case "refuseRequest":
				body = `{"reason":"Not now."}`
			case "inviteOperator":
				body = `{"name":"` + rand.Text() + `","roles":["auditor"]}`
			case "changeOperator":
				body = `{"roles":{"add":["auditor"]}}`
			case "rotateKeys":
				body = `{"emergency":true}`
			case "deny":
				body = `{"kind":"client","id":"` + changed.Client.ID + `","for":3600}`
			case "acceptDenial":
				done := decoded[Denied](t, f.ask(writer, "POST", Prefix+"/environments/staging/denials", `{"kind":"secret","id":"s"}`))
				body = `{"signed":"` + done.Signed + `"}`
			}
		}
		visit(r, path, body)
	}
}

// U02: every route asks for its permission, and refuses by default.
func TestU02EveryRouteAndEveryRole(t *testing.T) {
	f := open(t)
	f.walk(t, func(r route, path, body string) {
		noun, verb, _ := strings.Cut(r.permission, ":")
		of := "clients"
		if r.permission == readAny {
			noun, verb, of = "any", "read", "any"
			if strings.Contains(r.path, "{") {
				t.Errorf("%s is about something", r.name)
			}
		}
		for _, one := range []string{"accounts", "api-tokens", "keys", "changes"} {
			if strings.Contains(r.path, "{environment}/"+one) {
				of = one
			}
		}
		switch {
		case strings.Contains(r.path, "/seals"):
			of = "changes"
		case strings.HasPrefix(r.path, partners), strings.HasPrefix(r.path, requests), strings.HasSuffix(r.path, "/promote"):
			of = "partners"
		case strings.HasPrefix(r.path, operators):
			of = "operators"
		}
		if noun != of {
			t.Errorf("%s asks for %q", r.name, r.permission)
		}
		if (r.method == "GET") != (verb == "read") || (r.method != "GET") != (verb == "write") {
			t.Errorf("%s, a %s, asks for %s", r.name, r.method, r.permission)
		}
		asReader := r.status
		if verb == "write" {
			asReader = 403
		}
		only := func(noun string) int {
			if noun == of || of == "any" {
				return r.status
			}
			return 403
		}
		for _, row := range []struct {
			role string
			want int
		}{
			{nobody, 401},
			{"stranger", 401},
			{"clients", only("clients")},
			{"keys", only("keys")},
			{"accounts", only("accounts")},
			{"api-tokens", only("api-tokens")},
			{"partners", only("partners")},
			{"changes", only("changes")},
			{"operators", only("operators")},
			{reader, asReader},
			{second, r.status},
		} {
			if row.want == r.status && row.role != second && verb == "write" {
				continue // it is done once, by who may everything
			}
			w := f.ask(row.role, r.method, path, body)
			if w.Code != row.want {
				t.Errorf("%s as %q answers %d, want %d: %s", r.name, row.role, w.Code, row.want, w.Body)
			}
			if w.Code == 401 && w.Header().Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s does not say how to authenticate", r.name)
			}
			if w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s may be cached", r.name)
			}
		}
	})
	f.options.Authorize = nil
	f.restart(t)
	for _, r := range table() {
		path := strings.NewReplacer("{environment}", "staging", "{client}", "x", "{secret}", "y", "{key}", "z", "{account}", "a", "{token}", "t", "{partner}", "p", "{request}", "r").Replace(r.path)
		if w := f.ask(writer, r.method, path, ""); w.Code != 403 {
			t.Errorf("%s without a rule answers %d", r.name, w.Code)
		}
	}
	f.options.Authorize = func(*http.Request, string) (string, error) { return "", nil }
	f.restart(t)
	if w := f.ask(writer, "GET", clientsOfStaging, ""); w.Code != 401 {
		t.Errorf("an actor without a name is answered %d", w.Code)
	}
}

// Whoever lacks the permission learns nothing about what there is.
func TestU02RefusedCallersLearnNothing(t *testing.T) {
	f := open(t)
	for _, path := range []string{clientsOfStaging + "/nobody", Prefix + "/environments/nowhere/clients", clientsOfStaging + "?limit=0"} {
		if w := f.ask(nobody, "GET", path, ""); w.Code != 401 {
			t.Errorf("%s answers %d", path, w.Code)
		}
	}
	if w := f.ask(reader, "POST", clientsOfStaging, "{"); w.Code != 403 {
		t.Errorf("a broken body answers %d", w.Code)
	}
}

// U01: what is one environment's is nowhere to be found in another.
func TestU01AnotherEnvironment(t *testing.T) {
	f := open(t)
	f.walk(t, func(r route, path, body string) {
		if strings.Count(r.path, "{") < 2 || !strings.Contains(r.path, "{environment}") {
			return
		}
		path = strings.Replace(path, "/staging/", "/production/", 1)
		if w := f.ask(writer, r.method, path, body); w.Code != 404 {
			t.Errorf("%s in another environment answers %d: %s", r.name, w.Code, w.Body)
		}
		path = strings.Replace(path, "/production/", "/nowhere/", 1)
		if w := f.ask(writer, r.method, path, body); w.Code != 404 {
			t.Errorf("%s in no environment answers %d", r.name, w.Code)
		}
	})
}

// U12: a cookie proves nothing, since nobody who decides gets to see one.
func TestU12CookiesAreNotSeen(t *testing.T) {
	f := open(t)
	w := f.ask(writer, "GET", clientsOfStaging, "", func(r *http.Request) {
		r.AddCookie(&http.Cookie{Name: "__Host-session", Value: writer})
	})
	if w.Code != 200 || len(f.seen.Load().Cookies()) != 0 {
		t.Errorf("answers %d, and Authorize sees %v", w.Code, f.seen.Load().Cookies())
	}
	for name := range w.Header() {
		if name == "Set-Cookie" || strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("the answer has %s", name)
		}
	}
}

func TestAuthorizeLearnsTheEnvironment(t *testing.T) {
	f := open(t)
	f.ask(writer, "GET", clientsOfStaging, "")
	if got := f.seen.Load().PathValue("environment"); got != "staging" {
		t.Errorf("it is told %q", got)
	}
}

func TestRequestsThatAreNotRead(t *testing.T) {
	deep := strings.Repeat("[", 17) + strings.Repeat("]", 17)
	for name, row := range map[string]struct {
		method, path, body string
		mediaType          string
		want               int
		field              string
	}{
		"T07 repeated member":    {"POST", clientsOfStaging, `{"name":"a","name":"b"}`, "application/json", 400, "/name"},
		"T07 unknown member":     {"POST", clientsOfStaging, `{"name":"a","admin":true}`, "application/json", 400, "/admin"},
		"T07 other case":         {"POST", clientsOfStaging, `{"Name":"a"}`, "application/json", 400, "/Name"},
		"T07 wrong type":         {"POST", clientsOfStaging, `{"scopes":"all"}`, "application/json", 400, "/scopes"},
		"T07 huge number":        {"POST", clientsOfStaging, `{"name":9007199254740993}`, "application/json", 400, "/name"},
		"T07 NaN":                {"POST", clientsOfStaging, `{"name":NaN}`, "application/json", 400, "/name"},
		"T07 byte order mark":    {"POST", clientsOfStaging, "\ufeff" + wanted, "application/json", 400, ""},
		"T07 depth":              {"POST", clientsOfStaging, deep, "application/json", 400, strings.Repeat("/0", 16)},
		"T07 something after":    {"POST", clientsOfStaging, wanted + "{}", "application/json", 400, ""},
		"no UTF-8":               {"POST", clientsOfStaging, "{\"name\":\"\xff\"}", "application/json", 400, "/name"},
		"no JSON":                {"POST", clientsOfStaging, "name=a", "application/json", 400, ""},
		"no time":                {"POST", clientsOfStaging, `{"expires_at":"tomorrow"}`, "application/json", 400, "/expires_at"},
		"no body":                {"POST", clientsOfStaging, "", "application/json", 400, ""},
		"form":                   {"POST", clientsOfStaging, "name=a", "application/x-www-form-urlencoded", 415, ""},
		"text":                   {"POST", clientsOfStaging, wanted, "text/plain", 415, ""},
		"no media type":          {"POST", clientsOfStaging, wanted, "", 415, ""},
		"another charset":        {"POST", clientsOfStaging, wanted, "application/json; charset=latin1", 415, ""},
		"body where none is":     {"POST", clientsOfStaging + "/x/disable", "{}", "application/json", 400, ""},
		"empty secret":           {"POST", clientsOfStaging, `{"name":"a","scopes":["all"],"secret":""}`, "application/json", 422, "secret"},
		"empty id":               {"POST", clientsOfStaging, `{"id":"","name":"a","scopes":["all"]}`, "application/json", 422, "id"},
		"the zero time":          {"POST", clientsOfStaging, `{"name":"a","scopes":["all"],"expires_at":"0001-01-01T00:00:00Z"}`, "application/json", 422, "expires_at"},
		"fault of the operation": {"POST", clientsOfStaging, `{"name":"a","scopes":["moves:fly"]}`, "application/json", 422, "scopes[0]"},
		"declared":               {"DELETE", clientsOfStaging + "/nightly-sync", "", "", 409, ""},
		"unknown client":         {"GET", clientsOfStaging + "/nobody", "", "", 404, ""},
		"unknown path":           {"GET", Prefix + "/clients", "", "", 404, ""},
		"doubled slash":          {"GET", Prefix + "//environments", "", "", 404, ""},
		"slash at the end":       {"GET", Prefix + "/environments/", "", "", 404, ""},
		"dots":                   {"GET", Prefix + "/environments/staging/../staging/clients", "", "", 404, ""},
		"method":                 {"PUT", clientsOfStaging, "", "", 405, ""},
		"unknown parameter":      {"GET", clientsOfStaging + "?offset=1", "", "", 400, "offset"},
		"parameter twice":        {"GET", clientsOfStaging + "?limit=1&limit=2", "", "", 400, ""},
		"limit 0":                {"GET", clientsOfStaging + "?limit=0", "", "", 400, "limit"},
		"T11 limit 201":          {"GET", clientsOfStaging + "?limit=201", "", "", 400, "limit"},
		"limit +1":               {"GET", clientsOfStaging + "?limit=%2B1", "", "", 400, "limit"},
		"limit with more":        {"GET", clientsOfStaging + "?limit=1;x", "", "", 400, "limit"},
		"T11 cursor of nobody":   {"GET", clientsOfStaging + "?after=nightly-sync", "", "", 400, "after"},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t).ask(writer, row.method, row.path, row.body, func(r *http.Request) {
				r.Header.Del("Content-Type")
				if row.mediaType != "" {
					r.Header.Set("Content-Type", row.mediaType)
				}
			})
			isProblem(t, w, row.want)
			field := ""
			if p := decoded[Problem](t, w); len(p.Errors) > 0 {
				field = p.Errors[0].Field
			}
			if field != row.field {
				t.Errorf("the fault is at %q, want %q: %s", field, row.field, w.Body)
			}
		})
	}
}

// isProblem wants problem details (RFC 9457) of that status.
func isProblem(t *testing.T, w *httptest.ResponseRecorder, status int) {
	t.Helper()
	if w.Code != status {
		t.Fatalf("answers %d, want %d: %s", w.Code, status, w.Body)
	}
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("the media type is %s", got)
	}
	p := decoded[Problem](t, w)
	if p.Status != status || p.Type != "about:blank" || p.Title != http.StatusText(status) || p.Detail == "" || p.Instance != trace {
		t.Errorf("the problem is %+v", p)
	}
	if status == 405 && w.Header().Get("Allow") != "GET, POST" {
		t.Errorf("Allow is %q", w.Header().Get("Allow"))
	}
}

// The limit of a body, at n and n+1, with and without a declared length.
func TestBodyLimit(t *testing.T) {
	for more, want := range map[int]int{0: 201, 1: 413} {
		for _, declared := range []bool{true, false} {
			f := open(t)
			body := wanted + strings.Repeat(" ", MaxBody-len(wanted)+more)
			w := f.ask(writer, "POST", clientsOfStaging, body, func(r *http.Request) {
				if !declared {
					r.ContentLength = -1
				}
			})
			if w.Code != want {
				t.Errorf("%d bytes, declared %v: %d, want %d", len(body), declared, w.Code, want)
			}
		}
	}
}

func TestNoEnvironments(t *testing.T) {
	f := open(t)
	f.environments = []*partner.Clients{}
	if got := f.does(t, 200, "GET", Prefix+"/environments", "").Body.String(); got != `{"environments":[]}`+"\n" {
		t.Error(got)
	}
}
