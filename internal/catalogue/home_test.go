package catalogue

import (
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
