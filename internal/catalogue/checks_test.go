package catalogue

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// breaks are what is replaced in the sample, by what, and the fault that follows.
var breaks = []struct{ old, new, path, problem string }{
	{"name: Sample", "", "name", "is missing"},
	{"name: Sample", `name: ""`, "name", "is empty"},
	{"name: Sample", "name: true", "name", "true or false"},
	{"name: Sample", `name: "a\tb"`, "name", "control character"},
	{"name: Sample", "name: !!str x", "name", "tags are not read"},
	{"name: Sample", "name: &x x", "name", "anchors"},
	{"name: Sample", "name: [a]", "name", "is a list; a text"},
	{"name: Sample", "name: Sample\nname: Twice", "name", "second time; the first is in line 1"},
	{"name: Sample", "name: Sample\n<<: {a: b}", "", "keys of this kind"},
	{"limits:", "limit:", "limit", "is not a key"},
	{"strict: true", "strict: yes", "environments.production.strict", "is a text; true or false"},
	{"issuer: https://auth.staging.sample.example", "issuer: auth.staging", "environments.staging.issuer", "not a URL with a host"},
	{"issuer: https://auth.staging.sample.example", "issuer: https://u@auth.staging.sample.example", "environments.staging.issuer", "user name"},
	{"issuer: https://auth.staging.sample.example", "issuer: https://auth.staging.sample.example?x", "environments.staging.issuer", "query or a fragment"},
	{"issuer: https://auth.staging.sample.example", "issuer: https://auth.staging.sample.example#x", "environments.staging.issuer", "query or a fragment"},
	{"issuer: https://auth.staging.sample.example", "issuer: https://auth.staging.sample.example/", "environments.staging.issuer", "ends in a slash"},
	{"issuer: https://auth.staging.sample.example", "issuer: https://Auth.staging.sample.example", "environments.staging.issuer", "in capitals"},
	{"issuer: https://auth.staging.sample.example", "issuer: https://auth.staging.sample.example:443", "environments.staging.issuer", "has anyway"},
	{"issuer: https://auth.staging.sample.example", "issuer: http://auth.staging.sample.example", "environments.staging.issuer", "is http"},
	{"issuer: https://auth.staging.sample.example", "issuer: HTTPS://auth.staging.sample.example", "environments.staging.issuer", "one spelling"},
	{"issuer: https://auth.staging.sample.example", "issuer: https://auth.staging.sample.example/a/../b", "environments.staging.issuer", "dot segment"},
	{"issuer: https://auth.staging.sample.example", "issuer: https://auth.staging.sample.example/%7Bx", "environments.staging.issuer", ""},
	{"issuer: https://sample.example", "issuer: https://auth.staging.sample.example", "environments.production.issuer", "as staging is"},
	{"issuer: https://sample.example", "issuer: https://api.staging.sample.example:8443", "environments.production.issuer", "as staging is"},
	{"dialect: rfc", "dialect: keycloak", "environments.staging.dialect", "not known"},
	{"dialect: rfc", "use: testing", "environments.staging.use", "not known"},
	{"sqlite:data/s.db", "'sqlite:'", "environments.staging.store", "names no file"},
	{"sqlite:data/s.db", "data/s.db", "environments.staging.store", "neither"},
	{"sqlite:data/s.db", "postgres://db/#staging", "environments.staging.store", "no database"},
	{"sqlite:data/s.db", "postgres://db/grantway", "environments.staging.store", "no schema"},
	{"sqlite:data/s.db", "postgres://other:${PGPASSWORD}@db.sample.example/grantway#production", "environments.production.store", "store of staging too"},
	{"sqlite:data/s.db", "sqlite:${UNSET}", "environments.staging.store", "UNSET is not set"},
	{"sqlite:data/s.db", "sqlite:${9}", "environments.staging.store", "no reference"},
	{"staging: https://api.staging.sample.example/v1/notes, production: NOTES", "staging: https://api.staging.sample.example/v1/notes", "apis.notes.audience", "says nothing for production"},
	{"production: NOTES}", "production: NOTES, produktion: NOTES}", "apis.notes.audience.produktion", "is not an environment"},
	{"production: NOTES}", "production: not es}", "apis.notes.audience.production", "not an audience"},
	{"production: NOTES}", "production: 'https://x/#f'}", "apis.notes.audience.production", "nor a URL"},
	{"production: NOTES}", "production: 'https://sample.example/events'}", "apis.events.audience", "in production"},
	{"http://10.0.0.5:9000", "10.0.0.5", "apis.notes.upstream.staging", "not a URL"},
	{"http://10.0.0.5:9000", "http://u:p@10.0.0.5", "apis.notes.upstream.staging", "user name"},
	{"http://10.0.0.5:9000", "http://10.0.0.5?x=y", "apis.notes.upstream.staging", "query"},
	{"    upstream: demo\n", "", "apis.events.upstream", "is missing"},
	{"errors: imsx", "errors: soap", "apis.notes.errors", "not known"},
	{"lifetime: 1h", "lifetime: 0s", "apis.notes.token.lifetime", "whole seconds"},
	{"lifetime: 1h", "lifetime: 1500ms", "apis.notes.token.lifetime", "whole seconds"},
	{"lifetime: 1h", "lifetime: an hour", "apis.notes.token.lifetime", "not a time span"},
	{"reuse: 10m", "reuse: 1h", "apis.notes.token.reuse", "never left"},
	{"reuse: 10m", "reuse: soon", "apis.notes.token.reuse", "not a time span"},
	{"budget: 600/h", "budget: 600/d", "apis.notes.token.budget", "not a rate"},
	{"format: jwt", "format: opaque", "apis.notes.token.format", "cognito"},
	{"format: jwt", "format: saml", "apis.notes.token.format", "not known"},
	{"algorithm: EdDSA", "algorithm: HS256", "apis.events.token.algorithm", "not known"},
	{"description: Everything", "category: x", `apis.notes.scopes["https://sample.example/scope/admin"].description`, "is missing"},
	{"https://sample.example/scope/admin:", "'a\"b': {description: x}\n      https://sample.example/scope/admin:", `apis.notes.scopes["a\"b"]`, "not a scope"},
	{"https://sample.example/scope/admin:", "all: {description: x}\n      https://sample.example/scope/admin:", "apis.notes.scopes.all", "word of this file"},
	{"aliases: [http:", "aliases: [x, x, http:", `apis.notes.scopes["https://sample.example/scope/notes.read"].aliases[1]`, "twice"},
	{"aliases: [http:", "aliases: [https://sample.example/scope/admin, http:", `apis.notes.scopes["https://sample.example/scope/notes.read"].aliases[0]`, "spelling of"},
	{"since: \"1.0\"", "since: 1.0", `apis.notes.scopes["https://sample.example/scope/notes.read"].since`, "is a number"},
	{"GET /notes: read", "GET notes: read", "apis.notes.routes[0]", "begin with a slash"},
	{"GET /notes: read", "/notes: read", "apis.notes.routes[0]", "not a method and a path"},
	{"GET /notes: read", "TRACE /notes: read", "apis.notes.routes[0]", "not a method"},
	{"GET /notes: read", "GET /notes//x: read", "apis.notes.routes[0]", "empty segment"},
	{"GET /notes: read", "GET /notes/../x: read", "apis.notes.routes[0]", "dot segment"},
	{"GET /notes: read", "GET /a+b: read", "apis.notes.routes[0]", "not written as requests are compared"},
	{"GET /notes: read", "GET /{a}.json: read", "apis.notes.routes[0]", "neither literal"},
	{"GET /notes: read", "GET /{a}/{a}: read", "apis.notes.routes[0]", "stands twice"},
	{"GET /notes: read", "GET /{a-b}: read", "apis.notes.routes[0]", "not a {name}"},
	{"GET /notes: read", "GET /*: read", "apis.notes.routes[0]", "neither literal"},
	{"GET /notes: read", "GET /.../x: read", "apis.notes.routes[0]", "never match"},
	{"GET /notes: read", "GET /notes: ", "apis.notes.routes[0]", "no rule"},
	{"GET /notes: read", "GET /notes: write | public", "apis.notes.routes[0]", "stands alone"},
	{"GET /notes: read", "GET /notes: [read | admin]", "apis.notes.routes[0]", "do not mix"},
	{"GET /notes: read", "GET /notes: ead", "apis.notes.routes[0]", "not a scope"},
	{"GET /notes: read", "GET /.well-known/x: read", "apis.notes.routes[0]", "below /.well-known"},
	{"GET /notes: read", "GET /oauth2/token: read", "apis.notes.routes[0]", "in production"},
	{"GET /notes: read", "GET /notes/{name}: read", "apis.notes.routes[1]", "claimed by apis.notes.routes[0]"},
	{"GET /notes: read", "HEAD /notes/{name}: read", "apis.notes.routes[1]", "claimed by"},
	{"GET /events/{id}: token", "GET|DELETE /any/…: public", "apis.events.routes[1]", "claimed by apis.notes.routes[3] in line 41"},
	{"GET /events/{id}: token", "GET /events/{id}: admin", "apis.events.routes[1]", "the API has none"},
	{"  batch:", "  0123456789abcdefABCDEF:", "clients.0123456789abcdefABCDEF", "the id of a person"},
	{"  batch:", "  ba+ch:", "clients.ba+ch", "sends unchanged"},
	{"environments: [staging]\n    name", "environments: [stagin]\n    name", "clients.batch.environments[0]", "not an environment"},
	{"environments: [staging]\n    name", "environments: [staging, staging]\n    name", "clients.batch.environments[1]", "twice"},
	{"secret: ${BATCH_SECRET}", "secret: a${BATCH_SECRET}", "clients.batch.secret", "does not stand in the file"},
	{"secret: ${BATCH_SECRET}", "secret: 12345", "clients.batch.secret", "does not stand in the file"},
	{"secret: ${BATCH_SECRET}", "secret: ${EMPTY}", "clients.batch.secret", "is empty"},
	{"secret: ${BATCH_SECRET}", "secret: ${BATCH_SECRET}\n    hash: x", "clients.batch.hash", "has a secret already"},
	{"secret: ${BATCH_SECRET}", "grants: client_credentials", "clients.batch", "neither secret nor hash"},
	{"hash: $2a$04$", "hash: $2a$99$", "clients.imported.hash", "import a hash"},
	{"apis: [events]", "apis: [evens]", "clients.batch.apis[0]", "not an API"},
	{"scopes: [read,", "apis: [events, notes]\n    scopes: [rea,", "clients.imported.scopes[0]", "not a scope of its APIs"},
	{"apis: [events]", "apis: [notes]", "clients.batch", "no scope of notes"},
	{"    apis: [events]\n", "", "clients.batch", "may use no API"},
	{"scopes: [read,", "scopes: [notes,", "clients.imported.scopes[0]", "not a scope of its APIs"},
	{"methods: client_secret_basic", "methods: private_key_jwt", "clients.imported.methods[0]", "not known"},
	{"0.0.0.0:443", "0.0.0.0", "listen.address", "host and a port"},
	{"0.0.0.0:443", "0.0.0.0:65536", "listen.address", "host and a port"},
	{"127.0.0.1:9464", "0.0.0.0:443", "listen.metrics", "public address"},
	{"127.0.0.1:9465", "loopback", "listen.verify", "host and a port"},
	{"127.0.0.1:9465", "0.0.0.0:443", "listen.verify", "answers something else"},
	{"127.0.0.1:9465", "127.0.0.1:9464", "listen.verify", "answers something else"},
	{"rate: 600/min", "rate: 600", "apis.events.rate", "is a number"},
	{"rate: 600/min", "rate: 600/m", "apis.events.rate", "not a rate"},
	{"rate: 600/min", "rate: -1/s", "apis.events.rate", "not a rate"},
	{"rate: 600/min", "rate: 1/s/s", "apis.events.rate", "not a rate"},
	{"max_stale: 15m", "max_stale: 2h30m", "apis.events.max_stale", "is 2h30m, and must be from 15s to 1h"},
	{"rate: 10/s", "rate: 10", "apis.events.routes[0].rate", "is a number"},
	{"rate: 10/s", "rate: 0/s", "apis.events.routes[0].rate", "1 to 1000000"},
	{"rate: 10/s", "rates: 10/s", "apis.events.routes[0].rates", "is not a key"},
	{"scope: token, ", "", "apis.events.routes[0].scope", "is missing"},
	{"scope: token, ", "scope: [], ", "apis.events.routes[0].scope", "is empty"},
	{"scope: token, ", "scope: 5, ", "apis.events.routes[0].scope", "is a number"},
	{"scope: token, ", "scope: {a: b}, ", "apis.events.routes[0].scope", "a list is expected"},
	{"scope: token, ", "scope: admin, ", "apis.events.routes[0]", "the API has none"},
	{"scope: token, ", "scope: [token, token], ", "apis.events.routes[0]", "stands alone"},
	{"acme: ops@sample.example", "acme: ops", "listen.tls.acme", "e-mail"},
	{"acme: ops@sample.example", "certificate: x", "listen.tls", "go together"},
	{"acme: ops@sample.example", "acme: ops@sample.example, key: k, certificate: c", "listen.tls", "not from both"},
	{"acme: ops@sample.example", "directory: https://acme.example", "listen.tls.directory", "account"},
	{"192.0.2.7]", "proxy]", "listen.trusted_proxies[1]", "neither an address"},
	{"192.0.2.7]", "'::/0']", "listen.trusted_proxies[1]", "everybody"},
	{"10.20.0.0/16", "10.20.0.1/16", "outbound.networks[0]", "within a network"},
	{"10.20.0.0/16", "school.internal", "outbound.networks[0]", "neither an address"},
	{"10.20.0.0/16", "0.0.0.0/0", "outbound.networks[0]", "not within a private network"},
	{"10.20.0.0/16", "10.0.0.0/7", "outbound.networks[0]", "not within a private network"},
	{"10.20.0.0/16", "169.254.169.254", "outbound.networks[0]", "not within a private network"},
	{"fd00:1::7", "::/0", "outbound.networks[1]", "not within a private network"},
	{"ca: /etc", "cas: /etc", "outbound.cas", "is not a key"},
	{"env:SEALING_KEY", "hunter2", "sealing_key", "where the key comes from"},
	{"connections: 500", "connections: 5.5", "limits.connections", "whole number"},
	{"body: 128KiB", "body: 12parsecs", "limits.body", "not a size"},
}

// TestScopeOfTwoAPIs: two APIs may have a scope of one name, which a client then
// has to be told apart; but not where tokens have no audience (row S03).
func TestScopeOfTwoAPIs(t *testing.T) {
	twice := strings.Replace(sample, "  events:\n", "  more:\n    audience: MORE\n    upstream: demo\n    scopes: {https://sample.example/scope/admin: {description: x}}\n    routes: [{GET /more: admin}]\n  events:\n", 1)
	fault := onlyFault(t, strings.Replace(twice, "dialect: cognito", "dialect: auth0", 1), "auth0")
	if fault.Path != "clients.imported.scopes[2]" || !strings.Contains(fault.Problem, "is a scope of notes and more") {
		t.Errorf("a scope of two APIs: %v", fault)
	}
	_, err := Parse("sample.yaml", []byte(twice), sampleEnv)
	if err == nil || !strings.Contains(err.Error(), "apis.more.scopes: \"https://sample.example/scope/admin\" is a scope of notes too") {
		t.Errorf("a scope of two APIs where tokens have no audience: %v", err)
	}
}

func TestChecks(t *testing.T) {
	for _, row := range breaks {
		if strings.Count(sample, row.old) == 0 {
			t.Errorf("%q is not in the sample", row.old)
			continue
		}
		fault := onlyFault(t, strings.Replace(sample, row.old, row.new, 1), row.new)
		if fault.Path != row.path || !strings.Contains(fault.Problem, row.problem) {
			t.Errorf("%s: got %v; want %s: %s", row.new, fault, row.path, row.problem)
		}
		if strings.Contains(fault.String(), "hunter2") {
			t.Errorf("%s: the fault shows a secret: %v", row.new, fault)
		}
	}
}

// Names of environments are also first segments of what `grantway dev` serves.
func TestReservedNames(t *testing.T) {
	for _, name := range append([]string{"sta_ging"}, reserved...) {
		_, err := Parse("sample.yaml", []byte(strings.Replace(sample, "  staging:\n", "  "+name+":\n", 1)), sampleEnv)
		if err == nil || !strings.Contains(err.Error(), "sample.yaml:4:3: environments."+name+": ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// onlyFault returns the fault of a file that has one.
func onlyFault(t *testing.T, text, what string) Fault {
	t.Helper()
	_, err := Parse("sample.yaml", []byte(text), sampleEnv)
	faults, ok := errors.AsType[Faults](err)
	if !ok {
		t.Errorf("%s: accepted, or another error: %v", what, err)
		return Fault{}
	}
	if len(faults) != 1 {
		t.Errorf("%s: %d faults:\n%v", what, len(faults), faults)
	}
	return faults[0]
}

// What has a limit is accepted at it, and refused one beyond.
func TestLimits(t *testing.T) {
	in := func(old, format string, args ...any) string {
		return strings.Replace(sample, old, fmt.Sprintf(format, args...), 1)
	}
	x := func(n int) string { return strings.Repeat("x", n) }
	day := func(reuse string) string {
		return strings.NewReplacer("lifetime: 1h", "lifetime: 24h", "reuse: 10m", "reuse: "+reuse).Replace(sample)
	}
	for _, row := range []struct {
		what      string
		at, above string
	}{
		{"name of an API", in("  events:", "  %s:", x(31)), in("  events:", "  %s:", x(32))},
		{"client id", in("  imported:", "  %s:", x(128)), in("  imported:", "  %s:", x(129))},
		{"scope", in("aliases: [", "aliases: [%s, ", x(256)), in("aliases: [", "aliases: [%s, ", x(257))},
		{"audience", in("NOTES", "%s", x(512)), in("NOTES", "%s", x(513))},
		{"lifetime", in("lifetime: 15m", "lifetime: 1s"), in("lifetime: 15m", "lifetime: 0s")},
		{"reuse", day("12h"), day("43201s")},
		{"reuse, least", in("reuse: 10m", "reuse: 1m"), in("reuse: 10m", "reuse: 59s")},
		{"reuse beside the lifetime", in("reuse: 10m", "reuse: 3599s"), in("reuse: 10m", "reuse: 3600s")},
		{"budget", in("600/h", "1000000/h"), in("600/h", "1000001/h")},
		{"body", in("body: 128KiB", "body: 1MiB"), in("body: 128KiB", "body: 1048577")},
		{"body, least", in("body: 128KiB", "body: 1KiB"), in("body: 128KiB", "body: 1023")},
		{"failures", in("body:", "failures_per_minute: 600\n  body:"), in("body:", "failures_per_minute: 601\n  body:")},
		{"failures, least", in("body:", "failures_per_minute: 1\n  body:"), in("body:", "failures_per_minute: 0\n  body:")},
		{"connections of one", in("body:", "connections_per_address: 10000\n  body:"), in("body:", "connections_per_address: 10001\n  body:")},
		{"connections", in("connections: 500", "connections: 100000"), in("connections: 500", "connections: 100001")},
		{"gateway body", in("body: 128", "gateway_body: 1024MiB\n  body: 128"), in("body: 128", "gateway_body: 1073741825\n  body: 128")},
		{"rate", in("600/min", "1000000/h"), in("600/min", "1000001/h")},
		{"silence", in("max_stale: 15m", "max_stale: 1h"), in("max_stale: 15m", "max_stale: 3601s")},
		{"silence, least", in("max_stale: 15m", "max_stale: 15s"), in("max_stale: 15m", "max_stale: 14s")},
		{"rate of a route", in("10/s", "1000000/s"), in("10/s", "1000001/s")},
		{"rate, least", in("600/min", "1/s"), in("600/min", "0/s")},
		{"schema", in("#production", "#%s", x(63)), in("#production", "#%s", x(64))},
	} {
		if row.at == sample || row.above == sample {
			t.Fatalf("%s: nothing is replaced", row.what)
		}
		if strings.HasPrefix(row.what, "name of an API") {
			row.at = strings.Replace(row.at, "apis: [events]", "apis: "+x(31), 1)
			row.above = strings.Replace(row.above, "apis: [events]", "apis: "+x(32), 1)
		}
		if _, err := Parse("sample.yaml", []byte(row.at), sampleEnv); err != nil {
			t.Errorf("%s: refused at the limit: %v", row.what, err)
		}
		onlyFault(t, row.above, row.what)
	}
}

// What the parser is spared: reading has to be bounded before it is strict.
func TestDocument(t *testing.T) {
	brackets := func(n int) string { return "x: " + strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, row := range []struct{ text, problem string }{
		{"", "the file is empty"},
		{"# nothing\n---\n", "the file is empty"},
		{"a: 1\n---\nb: 2\n", "more than one document"},
		{"a: [1\n", "is not YAML"},
		{"a: b: c\n", "is not YAML"},
		{"name: \xff\n", "not UTF-8"},
		{strings.Repeat("- ", 101) + "x", "lists nest too deeply"},
		{strings.Repeat("? ", 101) + "x", "lists nest too deeply"},
		{brackets(maxDepth + 1), "brackets nest too deeply"},
		{strings.Repeat("[", 500_000), "more than 60000"},
		{strings.Repeat("a: 1\n", maxTokens/3+1), "more than 60000"},
	} {
		_, err := Parse("x.yaml", []byte(row.text), noEnv)
		if faults, ok := errors.AsType[Faults](err); !ok || len(faults) != 1 || !strings.Contains(faults[0].Problem, row.problem) {
			t.Errorf("%.40q: %v", row.text, err)
		}
	}
	for _, text := range []string{brackets(maxDepth), strings.Repeat("- ", 100) + "x", "\ufeff" + sample} {
		_, err := Parse("x.yaml", []byte(text), sampleEnv)
		if err != nil && strings.Contains(err.Error(), "deeply") || text[0] > 'z' && err != nil {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample)
	for _, seed := range []string{"", "a: b", "apis: {x: {routes: [{GET /: token}]}}", "name: |\n  x\n", "? a\n: b", "clients: {a: {secret: ${X}}}", "%YAML 1.2\n---\na: 1", "a: &x [*x]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse("fuzz.yaml", []byte(text), noEnv)
		if err == nil {
			_ = CheckServe(c)
			_ = c.ForDev("http://127.0.0.1:8080", "data")
			return
		}
		faults, ok := errors.AsType[Faults](err)
		if !ok || len(faults) == 0 || c != nil {
			t.Fatalf("%v, %v", c, err)
		}
		for _, fault := range faults {
			if fault.Problem == "" || fault.Line < 0 || strings.Contains(fault.Path, "\n") {
				t.Errorf("%#v", fault)
			}
		}
	})
}
