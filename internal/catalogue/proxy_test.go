package catalogue

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const goodProxy = `listen: 127.0.0.1:8090
public_url: https://app.example
api: https://api.example/v1/
path: /api
client: {issuer: "https://auth.example", id: app, secret: "${SECRET}", scopes: [read]}
sign_in: {issuer: "https://auth.example", id: app, secret: "${SECRET}", after: /home}
routes:
  - GET /notes
  - GET|POST /notes/{id}: {query: [page], rate: 60/min}
origins: ["https://admin.example"]
`

func parseProxy(text string) (*Proxy, error) {
	return ParseProxy("proxy.yaml", []byte(text), func(name string) (string, bool) { return "hunter2", name == "SECRET" })
}

// TestProxy: one file that is good; each row changes one thing and is told so.
func TestProxy(t *testing.T) {
	p, err := parseProxy(goodProxy)
	if err != nil {
		t.Fatal(err)
	}
	if p.API.String() != "https://api.example/v1" || p.Path != "/api" || len(p.Routes) != 2 || !p.Routes[0].AnyQuery || p.Routes[1].AnyQuery ||
		p.SignIn.Scopes[0] != "openid" || p.Limits.PerSession != (Rate{600, 60e9}) || p.Limits.Body != 1<<20 {
		t.Errorf("%+v", p)
	}
	const alone = "inject: true\nlisten: 127.0.0.1:1\napi: https://a.example\nclient: {issuer: \"https://i.example\", id: a, secret: \"${SECRET}\"}\nroutes: [GET /a]\n"
	if _, err := parseProxy(alone); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ base, old, new, want string }{
		{goodProxy, "https://api.example/v1/", "http://api.example/v1/", "api: \"http://api.example/v1/\" is http"},
		{goodProxy, "https://api.example/v1/", "https://me@api.example/", "holds a user name"},
		{goodProxy, "https://api.example/v1/", "https://api.example/?x", "has a query"},
		{goodProxy, "api: https://api.example/v1/\n", "", "api: is missing"},
		{goodProxy, "https://app.example", "https://app.example/x", "is not an origin"},
		{goodProxy, "https://app.example", "https://App.example", "is not an origin"},
		{goodProxy, "https://admin.example", "https://admin.example:443", "is not an origin"},
		{goodProxy, "https://admin.example", "*", "is not a URL with a host"},
		{goodProxy, "public_url: https://app.example\n", "", ""},
		{goodProxy, "listen: 127.0.0.1:8090", "listen: 0.0.0.0:8090", "is open to others in plain HTTP"},
		{goodProxy, "path: /api", "path: /auth", "the proxy itself answers below /auth/"},
		{goodProxy, "path: /api", "path: /a/../b", "is not a path"},
		{goodProxy, "after: /home", "after: //evil.example", "is not a path of this site"},
		{goodProxy, "after: /home", `after: '/\evil.example'`, "is not a path of this site"},
		{goodProxy, "after: /home", "idle: 2h, session: 1h", "is longer than session"},
		{goodProxy, "after: /home", "sessions: 0", "must be from 1 to 1000000"},
		{goodProxy, "query: [page]", "query: [access_token]", "is never passed on"},
		{goodProxy, "GET /notes\n", "FETCH /notes\n", "is not a method"},
		{goodProxy, "GET /notes\n", "GET /notes/{x}\n", "is open already"},
		{goodProxy, "scopes: [read]", "scopes: [read write]", "is not one scope"},
		{goodProxy, "scopes: [read]", "auth: digest", "is not known here"},
		{goodProxy, "scopes: [read]", "token_url: \"https://auth.example/t\"", "needs an issuer or a token_url, and one of them"},
		{goodProxy, `secret: "${SECRET}", scopes`, "scopes", "has no secret"},
		{goodProxy, "${SECRET}", "hunter2", "does not stand in the file"},
		{goodProxy, "${SECRET}", "file:/nowhere", "cannot be read"},
		{goodProxy, "${SECRET}", "${OTHER}", "OTHER is not set"},
		{alone, "127.0.0.1:1", "127.0.0.1:1\nhosts: [api.local]", ""},
		{alone, "127.0.0.1:1", "localhost:1", ""},
		{alone, "127.0.0.1:1", "10.0.0.1:1", "is not on loopback"},
		{alone, "127.0.0.1:1", ":1", "is not on loopback"},
		{alone, "127.0.0.1:1", "evil.localhost:1", "is not on loopback"},
		{alone, "inject: true", "inject: true\norigins: [\"https://x.example\"]", "does not go with inject"},
		{alone, "inject: true", "inject: true\nstatic: .", "does not go with inject"},
		{alone, "inject: true", "inject: true\nsign_in: {issuer: \"https://i.example\", id: a}", "does not go with inject"},
		{alone, "client:", "x-client:", "says neither client nor sign_in"},
	} {
		text := strings.Replace(row.base, row.old, row.new, 1)
		if text == row.base {
			t.Errorf("%q is not in the file", row.old)
		}
		_, err := parseProxy(text)
		switch {
		case row.want == "" && err != nil, row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
			t.Errorf("%q: %v; want %q", row.new, err, row.want)
		case err != nil && strings.Contains(err.Error(), "hunter2"):
			t.Errorf("%q: the fault repeats the secret: %v", row.new, err)
		}
	}
}

// TestProxyServesNoSecret: what must not be seen does not lie among the front-end's files.
func TestProxyServesNoSecret(t *testing.T) {
	folder := t.TempDir()
	web, outside, link := filepath.Join(folder, "web"), filepath.Join(folder, "outside"), filepath.Join(folder, "link")
	inside, hidden := filepath.Join(web, "deep", "secret"), filepath.Join(web, ".secret")
	err := errors.Join(os.MkdirAll(filepath.Dir(inside), 0o700), os.Symlink(web, link))
	for _, file := range []string{outside, inside, hidden} {
		err = errors.Join(err, os.WriteFile(file, []byte("hunter2"), 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ static, client, signIn, key, want string }{
		{web, outside, outside, outside, ""},
		{web, hidden, hidden, hidden, ""}, // files of such names are not served
		{web, inside, outside, outside, "client.secret"},
		{web, outside, inside, outside, "sign_in.secret"},
		{web, outside, outside, inside, "tls.key"},
		{link, inside, outside, outside, "client.secret"},
		{web, filepath.Join(link, "deep", "secret"), outside, outside, "client.secret"},
	} {
		text := strings.Replace(goodProxy, `"${SECRET}"`, `"file:`+row.client+`"`, 1)
		text = strings.Replace(text, `"${SECRET}"`, `"file:`+row.signIn+`"`, 1)
		_, err := parseProxy(text + "static: " + row.static + "\ntls: {certificate: " + outside + ", key: " + row.key + "}\n")
		switch {
		case row.want == "" && err != nil, row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want+": ") || !strings.Contains(err.Error(), "lies in the folder of static")):
			t.Errorf("%+v: %v", row, err)
		}
	}
}

// TestProxyGuide: the guide has every key of the file.
func TestProxyGuide(t *testing.T) {
	page, err := os.ReadFile("../../docs/PROXY.md")
	if err != nil {
		t.Fatal(err)
	}
	var look func(reflect.Type)
	look = func(of reflect.Type) {
		for _, f := range fieldsOf(of) {
			if !strings.Contains(string(page), f.key+":") && !strings.Contains(string(page), "`"+f.key+"`") {
				t.Errorf("docs/PROXY.md says nothing of %s", f.key)
			}
			if in := of.Field(f.index).Type; in.Kind() == reflect.Struct {
				look(in)
			}
		}
	}
	look(reflect.TypeFor[ProxyFile]())
	look(reflect.TypeFor[ProxyRuleEntry]())
}
