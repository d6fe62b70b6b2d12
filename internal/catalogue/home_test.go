package catalogue

import (
	"errors"
	"strings"
	"testing"
)

const homeFile = `
name: Sample
environments:
  live:
    issuer: https://auth.sample.example
apis:
  things:
    upstream: https://things.internal.example
    scopes:
      things:read:
        description: Read things
    routes:
      - GET /things: things:read
home:
  issuer: ISSUER
`

func TestHome(t *testing.T) {
	c, err := Parse("grantway.yaml", []byte(strings.Replace(homeFile, "ISSUER", "https://admin.sample.example", 1)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Find(HomeName) != c.Home || len(c.All()) != 2 || len(c.Environments) != 1 {
		t.Fatalf("home is not among all environments, or among the published ones: %v", c.All())
	}
	if got := c.Home.APIs[0].Audience; got != "https://admin.sample.example/admin/v1" {
		t.Errorf("audience %s", got)
	}
	if c.Home.Store != "sqlite:data/home.db" {
		t.Errorf("store %s", c.Home.Store)
	}
	if c.Environments[0].API(AdminAPI) != nil {
		t.Error("the admin API is in a published environment, where it could be allotted")
	}
	if c.Console.Listen != "127.0.0.1:8089" || c.Console.URL.String() != "http://127.0.0.1:8089" || c.Portal != nil {
		t.Errorf("console %+v, portal %+v", c.Console, c.Portal)
	}
	dev := c.ForDev("http://127.0.0.1:8080", "data")
	if dev.Home.Issuer.String() != "http://127.0.0.1:8080/home" || dev.Portal.URL.String() != "http://127.0.0.1:8080/portal" || len(dev.Home.Clients) != 2 {
		t.Errorf("a demonstration's home %+v", dev.Home)
	}
}

// TestHomeSharesNoHost: a page of a published environment must not be able to
// read the admin API's answers.
func TestHomeSharesNoHost(t *testing.T) {
	_, err := Parse("grantway.yaml", []byte(strings.Replace(homeFile, "ISSUER", "https://auth.sample.example", 1)), nil)
	if err == nil || !strings.Contains(err.Error(), "home.issuer") {
		t.Fatalf("home on an environment's host: %v", err)
	}
}

// TestWebhook: what is told goes out by https only, and signed.
func TestWebhook(t *testing.T) {
	known := func(name string) (string, bool) { return "the hook's secret", name == "HOOK" }
	parse := func(lines string) (*Catalogue, error) {
		file := strings.Replace(homeFile, "ISSUER", "https://admin.sample.example", 1) + "  webhook:\n" + lines
		return Parse("grantway.yaml", []byte(file), known)
	}
	c, err := parse("    url: https://hooks.sample.example/grantway?to=us\n    secret: ${HOOK}\n")
	if err != nil || c.Webhook.URL.String() != "https://hooks.sample.example/grantway?to=us" || c.Webhook.Secret.Reveal() != "the hook's secret" {
		t.Fatal(c, err)
	}
	for name, row := range map[string]struct{ lines, about string }{
		"in the clear":  {"    url: http://hooks.sample.example/\n    secret: ${HOOK}\n", "home.webhook.url"},
		"with a name":   {"    url: https://me@hooks.sample.example/\n    secret: ${HOOK}\n", "home.webhook.url"},
		"no URL":        {"    url: hooks\n    secret: ${HOOK}\n", "home.webhook.url"},
		"only a secret": {"    secret: ${HOOK}\n", "home.webhook"},
		"unsigned":      {"    url: https://hooks.sample.example/\n", "home.webhook.secret"},
		"in the file":   {"    url: https://hooks.sample.example/\n    secret: hunter2\n", "home.webhook.secret"},
		"not set":       {"    url: https://hooks.sample.example/\n    secret: ${OTHER_HOOK}\n", "OTHER_HOOK is not set"},
	} {
		_, err := parse(row.lines)
		if err == nil || !strings.Contains(err.Error(), row.about) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
		if faults, ok := errors.AsType[Faults](err); !ok || len(faults) != 1 {
			t.Errorf("%s is one fault: %v", name, err)
		}
	}
}

// TestSilent: nobody elsewhere is told of what is tried, and the catalogue itself
// stays as it was.
func TestSilent(t *testing.T) {
	mailing := &Environment{Name: "staging", Login: &Login{Mail: Mail{Server: "mail.example:465"}}}
	audit := Audit{Checkpoints: "/var/log/checkpoints", Told: &Webhook{}, Webhook: &Webhook{}}
	c := &Catalogue{Webhook: &Webhook{}, Audit: audit, Home: mailing, Environments: []*Environment{mailing, {Name: "machines"}}}
	silent := c.Silent()
	if silent.Audit != (Audit{}) {
		t.Errorf("it tells others what happened: %+v", silent.Audit)
	}
	if silent.Webhook != nil || silent.Home.Login.Mail.Server != "" || silent.Environments[0].Login.Mail.Server != "" || silent.Environments[1].Login != nil {
		t.Errorf("it tells others: %+v", silent)
	}
	if c.Webhook == nil || c.Audit != audit || mailing.Login.Mail.Server == "" {
		t.Error("the catalogue itself is silent now")
	}
}
