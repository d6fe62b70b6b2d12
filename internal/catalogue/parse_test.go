package catalogue

import (
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/secret"
)

// sample is a good file that uses nearly every key. The rows of the tests break
// one thing of it.
const sample = `name: Sample
contact: api@sample.example
environments:
  staging:
    title: Playground
    issuer: https://auth.staging.sample.example
    api: https://api.staging.sample.example/v1
    dialect: rfc
    store: sqlite:data/s.db
  production:
    use: live
    issuer: https://sample.example
    dialect: cognito
    store: postgres://grantway:${PGPASSWORD}@db.sample.example/grantway#production
    strict: true
apis:
  notes:
    title: Notes
    audience: {staging: https://api.staging.sample.example/v1/notes, production: NOTES}
    upstream: {staging: http://10.0.0.5:9000, production: https://notes.internal.example/base/}
    errors: imsx
    token:
      lifetime: 1h
      format: jwt
      reuse: 10m
      budget: 600/h
    scopes:
      https://sample.example/scope/notes.read:
        category: Notes
        description: Read notes
        aliases: [http://sample.example/scope/notes.read]
        since: "1.0"
      https://sample.example/scope/notes.write:
        description: Write notes
      https://sample.example/scope/admin:
        description: Everything
    routes:
      - GET /notes: read
      - GET /notes/{id}: read | admin
      - POST|PUT,PATCH /notes/{id}: [read, write]
      - ANY /any/...: token
      - GET /openapi.yaml: public
  events:
    upstream: demo
    rate: 600/min
    max_stale: 15m
    token: {lifetime: 15m, algorithm: EdDSA}
    routes:
      - GET /events/{id}/stream: {scope: token, rate: 10/s}
      - GET /events/{id}: token
clients:
  batch:
    environments: [staging]
    name: Nightly batch
    secret: ${BATCH_SECRET}
    apis: [events]
  imported:
    environments: [staging, production]
    hash: $2a$04$pGlw6ASb.eqUF9oSbuSQE.6XsJXzWtm9skomVMRX2z.mHQKlVKpPC
    scopes: [read, http://sample.example/scope/notes.read, admin]
    methods: client_secret_basic
listen:
  address: 0.0.0.0:443
  tls: {acme: ops@sample.example}
  metrics: 127.0.0.1:9464
  verify: 127.0.0.1:9465
  trusted_proxies: [10.0.0.0/8, 192.0.2.7]
outbound:
  networks: [10.20.0.0/16, "fd00:1::7"]
  ca: /etc/grantway/ca.pem
limits:
  body: 128KiB
  connections: 500
sealing_key: env:SEALING_KEY
data: /var/lib/grantway
`

func sampleEnv(name string) (string, bool) {
	value, ok := map[string]string{"PGPASSWORD": "pg-hunter2", "BATCH_SECRET": "batch-hunter2", "EMPTY": ""}[name]
	return value, ok
}

func TestParse(t *testing.T) {
	c, err := Parse("sample.yaml", []byte(sample), sampleEnv)
	if err != nil {
		t.Fatal(err)
	}
	equal := func(what string, got, want any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	staging, production := c.Find("staging"), c.Find("production")
	equal("order", []string{c.Environments[0].Name, c.Environments[1].Name}, []string{"staging", "production"})
	equal("titles", []string{staging.Title, production.Title, c.Environments[0].API("events").Title}, []string{"Playground", "Production", "Events"})
	equal("uses", []string{staging.Use, production.Use}, []string{"development", "live"})
	equal("bases", []string{staging.Base.String(), production.Base.String()}, []string{"https://api.staging.sample.example/v1", "https://sample.example"})
	equal("stores", []string{staging.Store, production.Store},
		[]string{"sqlite:data/s.db", "postgres://grantway:pg-hunter2@db.sample.example/grantway#production"})
	equal("strict", []bool{staging.Strict, production.Strict}, []bool{false, true})

	notes, live, events := staging.API("notes"), production.API("notes"), staging.API("events")
	equal("audiences", []string{notes.Audience, live.Audience, events.Audience},
		[]string{"https://api.staging.sample.example/v1/notes", "NOTES", "https://api.staging.sample.example/v1/events"})
	equal("resources", []string{notes.Resource, live.Resource, events.Resource},
		[]string{"https://api.staging.sample.example/v1/notes", "https://sample.example", "https://api.staging.sample.example/v1/events"})
	equal("target", []*API{staging.Target("https://api.staging.sample.example/v1/notes"), staging.Target("https://api.staging.sample.example/v1/notes/")}, []*API{notes, nil})
	equal("upstreams", []string{notes.Upstream.String(), live.Upstream.String(), events.Upstream.Scheme}, []string{"http://10.0.0.5:9000", "https://notes.internal.example/base", "demo"})
	equal("tokens", []Token{notes.Token, live.Token, events.Token},
		[]Token{
			{Lifetime: time.Hour, Algorithm: jose.ES256, Format: JWT, Reuse: 10 * time.Minute, Budget: Rate{600, time.Hour}},
			{Lifetime: time.Hour, Algorithm: jose.RS256, Format: JWT, Reuse: 10 * time.Minute, Budget: Rate{600, time.Hour}},
			{Lifetime: 15 * time.Minute, Algorithm: jose.EdDSA, Format: JWT},
		})
	equal("rates", []Rate{notes.Rate, events.Rate}, []Rate{{}, {600, time.Minute}})
	equal("silence", []time.Duration{notes.MaxStale, events.MaxStale}, []time.Duration{DefaultMaxStale, 15 * time.Minute})
	equal("rates of routes", []Rate{events.Routes[0].Rate, events.Routes[1].Rate}, []Rate{{10, time.Second}, {}})
	equal("verify", c.Listen.Verify, "127.0.0.1:9465")
	equal("algorithms", production.Algorithms(), []jose.Algorithm{jose.RS256, jose.EdDSA})
	equal("alias", notes.Scope("http://sample.example/scope/notes.read"), notes.Scopes[0])
	equal("scope", notes.Scopes[0], &Scope{
		Name: "https://sample.example/scope/notes.read", Category: "Notes", Description: "Read notes",
		Aliases: []string{"http://sample.example/scope/notes.read"}, Since: "1.0",
	})

	read, write, admin := notes.Scopes[0].Name, notes.Scopes[1].Name, notes.Scopes[2].Name
	equal("routes", notes.Routes, []Route{
		{[]string{"GET"}, "/notes", [][]string{{read}}, Bearer, Rate{}},
		{[]string{"GET"}, "/notes/{id}", [][]string{{read}, {admin}}, Bearer, Rate{}},
		{[]string{"POST", "PUT", "PATCH"}, "/notes/{id}", [][]string{{read, write}}, Bearer, Rate{}},
		{[]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, "/any/…", nil, Bearer, Rate{}},
		{[]string{"GET"}, "/openapi.yaml", nil, Public, Rate{}},
	})

	checkSampleRest(t, c)
}

func checkSampleRest(t *testing.T, c *Catalogue) {
	t.Helper()
	staging, production := c.Find("staging"), c.Find("production")
	batch, imported := staging.Clients[0], production.Clients[0]
	for _, check := range []struct{ got, want any }{
		{batch.Allotted, map[string][]string{"events": {}}},
		{imported.Allotted, map[string][]string{"notes": {"https://sample.example/scope/notes.read", "https://sample.example/scope/admin"}}},
		{[]string{batch.Name, imported.Name}, []string{"Nightly batch", "imported"}},
		{[][]string{batch.Grants, batch.Methods, imported.Methods}, [][]string{{"client_credentials"}, nil, {"client_secret_basic"}}},
		{[]int{len(staging.Clients), len(production.Clients)}, []int{2, 1}},
		{c.Limits, Limits{Body: 128 << 10, FailuresPerMinute: 30, ConnectionsPerClient: 200, Connections: 500, GatewayBody: 10 << 20}},
		{c.Listen.Address + " " + c.Listen.Metrics, "0.0.0.0:443 127.0.0.1:9464"},
		{c.Listen.TLS.Hosts, []string{"auth.staging.sample.example", "api.staging.sample.example", "sample.example"}},
		{[]string{c.Outbound.Networks[0].String(), c.Outbound.Networks[1].String(), c.Outbound.CA}, []string{"10.20.0.0/16", "fd00:1::7/128", "/etc/grantway/ca.pem"}},
		{[]string{c.Listen.Trusted[0].String(), c.Listen.Trusted[1].String()}, []string{"10.0.0.0/8", "192.0.2.7/32"}},
		{[]string{c.Name, c.Contact, c.SealingKey, c.Data}, []string{"Sample", "api@sample.example", "env:SEALING_KEY", "/var/lib/grantway"}},
	} {
		if diff := cmp.Diff(check.want, check.got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if v, err := secret.Parse(batch.Verifier); err != nil || v.Algorithm() != "argon2id" {
		t.Errorf("the verifier of batch is %v, %v", v.Algorithm(), err)
	}
	again, err := Parse("sample.yaml", []byte(sample), sampleEnv)
	if err != nil || again.Environments[0].Clients[0].Verifier != batch.Verifier {
		t.Errorf("a second load gives another verifier, %v", err)
	}
}

func TestPermits(t *testing.T) {
	r := Route{AnyOf: [][]string{{"a", "b"}, {"c"}}}
	for _, row := range []struct {
		scopes string
		want   bool
	}{{"", false}, {"a", false}, {"b", false}, {"a b", true}, {"b x a", true}, {"c", true}, {"x", false}} {
		needed, got := r.Permits(strings.Fields(row.scopes))
		if got != row.want {
			t.Errorf("with %q: %v", row.scopes, got)
		}
		for _, one := range needed {
			if !slices.Contains(strings.Fields(row.scopes), one) {
				t.Errorf("with %q: %q is said to be needed", row.scopes, needed)
			}
		}
		if got != (len(needed) > 0) {
			t.Errorf("with %q: %q are needed", row.scopes, needed)
		}
	}
	if needed, ok := (&Route{}).Permits(nil); !ok || needed != nil {
		t.Error("a route that needs no scope refuses, or needs", needed)
	}
}

func TestLoad(t *testing.T) {
	path := t.TempDir() + "/grantway.yaml"
	if _, err := Load(path, sampleEnv); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
	if err := os.WriteFile(path, []byte(sample), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path, sampleEnv); err != nil {
		t.Error(err)
	}
	// The limit on a file, at n and n+1.
	for _, size := range []int{MaxFile, MaxFile + 1} {
		padded := sample + "#" + strings.Repeat("x", size-len(sample)-1)
		if err := os.WriteFile(path, []byte(padded), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path, sampleEnv)
		if faults, _ := errors.AsType[Faults](err); (size > MaxFile) != (len(faults) == 1) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}
