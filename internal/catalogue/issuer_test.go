package catalogue

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// moving is the sample with an issuer that clients are moving away from.
var moving = strings.Replace(sample, "    scopes:\n      https://sample", `    issuers:
      - issuer: https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Old
        environments: [staging, production]
        until: 2027-03-31
        shape: cognito
      - issuer: https://old.eu.auth0.com/
        environments: production
        until: "2027-01-01"
        audience: https://old.example
        shape: auth0
        jwks: https://old.eu.auth0.com/.well-known/jwks.json
      - issuer: https://sso.example/realms/old
        environments: staging
        until: 2026-12-31
        shape: plain
    scopes:
      https://sample`, 1)

func TestIssuers(t *testing.T) {
	c, err := Parse("moving.yaml", []byte(moving), sampleEnv)
	if err != nil {
		t.Fatal(err)
	}
	march := time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC)
	pool := &Issuer{URL: "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Old", Shape: "cognito", Until: march}
	for environment, want := range map[string][]*Issuer{
		"staging": {pool, {
			URL: "https://sso.example/realms/old", Audience: []string{"https://api.staging.sample.example/v1/notes"}, Shape: "plain",
			Until: time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC),
		}},
		"production": {pool, {
			URL: "https://old.eu.auth0.com/", Audience: []string{"https://old.example"}, Shape: "auth0", JWKS: "https://old.eu.auth0.com/.well-known/jwks.json",
			Until: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
		}},
	} {
		if diff := cmp.Diff(want, c.Find(environment).API("notes").Issuers); diff != "" {
			t.Errorf("%s (-want +got):\n%s", environment, diff)
		}
		if got := c.Find(environment).API("events").Issuers; got != nil {
			t.Errorf("%s: events trusts %v", environment, got)
		}
	}
	// The end, at n and n+1.
	if pool.Ended(march.Add(-1)) || !pool.Ended(march) {
		t.Error("the end is not midnight")
	}
	if faults := CheckServe(c); strings.Contains(faults.Error(), "issuers") {
		t.Error(faults)
	}
	loopback := strings.Replace(moving, "https://sso.example/realms/old", "http://127.0.0.1:9000/old", 1)
	if c, err = Parse("moving.yaml", []byte(loopback), sampleEnv); err != nil {
		t.Fatal(err)
	}
	if faults := CheckServe(c).Refused(); !strings.Contains(faults.Error(), `"http://127.0.0.1:9000/old" is http`) {
		t.Error(faults)
	}
}

// TestIssuerFaults: each row breaks one thing.
func TestIssuerFaults(t *testing.T) {
	const pool, sso = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Old", "https://sso.example/realms/old"
	for _, row := range []struct{ old, new, path, problem string }{
		{sso, "http://sso.example/realms/old", "issuer", "is http"},
		{sso, "sso.example", "issuer", "not a URL with a host"},
		{sso, "https://u:p@sso.example", "issuer", "user name"},
		{sso, "https://sso.example?x=y", "issuer", "has a query"},
		{sso, "https://sso.example?", "issuer", "has a query"},
		{sso, "'https://sso.example#x'", "issuer", "has a fragment"},
		{sso, "'https://sso.example#'", "issuer", "has a fragment"},
		{sso, "'https://sso.example/a b'", "issuer", "is not an issuer"},
		{sso, "https://sso.example/" + strings.Repeat("x", 493), "issuer", "is not an issuer"},
		{sso, "https://sample.example", "issuer", "is the issuer of production"},
		{sso, "https://auth.staging.sample.example/", "issuer", "is the issuer of staging"},
		{sso, pool, "issuer", "stands twice for staging"},
		{"environments: staging", "environments: []", "environments", "is empty"},
		{"environments: staging", "environments: stagin", "environments", "not an environment"},
		{"environments: staging", "environments: home", "environments", "not an environment"},
		{"environments: staging", "environments: [staging, staging]", "environments", "stands twice"},
		{"until: 2026-12-31", "until: 2026-02-30", "until", "is not a day"},
		{"until: 2026-12-31", "until: 31.12.2026", "until", "is not a day"},
		{"until: 2026-12-31", "until: [2026-12-31]", "until", "is a list"},
		{"until: 2026-12-31", "until:", "until", "is empty"},
		{"until: 2026-12-31", "", "until", "is missing"},
		{"shape: plain", "shape: keycloak", "shape", "not known"},
		{"shape: plain", "audience: not one", "audience", "not an audience"},
		{"shape: plain", "jwks: http://sso.example/keys", "jwks", "is http"},
		{"shape: plain", "jwks: http://127.0.0.1/keys", "jwks", "the issuer is https"},
		{"shape: cognito", "shape: cognito\n        audience: x", "audience", "have no audience"},
	} {
		broken := strings.Replace(moving, row.old, row.new, 1)
		_, err := Parse("moving.yaml", []byte(broken), sampleEnv)
		faults, _ := errors.AsType[Faults](err)
		if broken == moving || len(faults) != 1 || !strings.Contains(faults[0].Path, "apis.notes.issuers[") || !strings.Contains(faults[0].Path, row.path) ||
			!strings.Contains(faults[0].Problem, row.problem) || faults[0].Line == 0 || strings.Contains(err.Error(), "u:p") {
			t.Errorf("%s -> %s: %v", row.old, row.new, err)
		}
	}
	// A text of 512 characters is good.
	if _, err := Parse("moving.yaml", []byte(strings.Replace(moving, sso, "https://sso.example/"+strings.Repeat("x", 492), 1)), sampleEnv); err != nil {
		t.Error(err)
	}
}

// TestIssuerWithoutAudience is row S03: such a token opens the one API that its
// scopes are for.
func TestIssuerWithoutAudience(t *testing.T) {
	entry := "    issuers: [{issuer: https://idp.example/old, environments: staging, until: 2027-03-31, shape: cognito}]\n"
	for _, row := range []struct{ notes, events, fault string }{
		{entry, "", ""},
		{"", entry, "no scopes"},
		{entry, entry + "    scopes: {other: {description: x}}\n", ""},
		{entry, entry + "    scopes: {https://sample.example/scope/admin: {description: x}}\n", "is a scope of notes too"},
		{entry, entry + "    scopes: {other: {description: x, aliases: [https://sample.example/scope/admin]}}\n", "is a scope of notes too"},
		{entry, strings.Replace(entry, "shape: cognito", "shape: plain", 1) + "    scopes: {http://sample.example/scope/notes.read: {description: x}}\n", "is a scope of notes too"},
	} {
		text := strings.Replace(sample, "dialect: cognito", "dialect: rfc", 1) // which asks for the same of its own tokens
		text = strings.Replace(text, "    apis: [events]\n", "    scopes: [notes.write]\n", 1)
		text = strings.Replace(text, "    errors: imsx\n", "    errors: imsx\n"+row.notes, 1)
		text = strings.Replace(text, "    upstream: demo\n", "    upstream: demo\n"+row.events, 1)
		_, err := Parse("sample.yaml", []byte(text), sampleEnv)
		if (err == nil) != (row.fault == "") || err != nil && !strings.Contains(err.Error(), row.fault) {
			t.Errorf("%s%s: %v", row.notes, row.events, err)
		}
	}
}
