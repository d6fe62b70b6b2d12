package catalogue

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// safe is the sample without what production refuses.
func safe(t *testing.T) *Catalogue {
	t.Helper()
	text := strings.Replace(sample, "upstream: demo", "upstream: https://events.example", 1)
	c, err := Parse("sample.yaml", []byte(text), sampleEnv)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCheckServe(t *testing.T) {
	if faults := CheckServe(safe(t)); len(faults) > 0 {
		t.Fatal(faults)
	}
	at := func(text string) *url.URL {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	for _, row := range []struct {
		name    string
		breakIt func(*Catalogue)
		want    string // "" if nothing is wrong
		warning bool
	}{
		{"no sealing key", func(c *Catalogue) { c.SealingKey = "" }, "sealing_key: is missing", false},
		{"plain and public", func(c *Catalogue) { c.Listen = Listen{Address: ":8080"} }, "listen.address: :8080 is open", false},
		{"plain on loopback", func(c *Catalogue) { c.Listen = Listen{Address: "[::1]:8080"} }, "", false},
		{"plain behind a proxy", func(c *Catalogue) {
			c.Listen = Listen{Address: ":8080", Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
		}, "", false},
		{"verify on loopback", func(c *Catalogue) { c.Listen.Verify = "[::1]:9465" }, "", false},
		{"verify on a private network", func(c *Catalogue) { c.Listen.Verify = "10.0.0.5:9465" }, "", false},
		{"verify everywhere", func(c *Catalogue) { c.Listen.Verify = ":9465" }, "listen.verify: :9465 is open to others", true},
		{"verify in public", func(c *Catalogue) { c.Listen.Verify = "192.0.2.1:9465" }, "listen.verify: 192.0.2.1:9465 is open", true},
		{"issuer is http", func(c *Catalogue) { c.Environments[0].Issuer = at("http://sample2.example") }, "environments.staging.issuer: is http", false},
		{"issuer is http on loopback", func(c *Catalogue) { c.Environments[0].Issuer = at("http://127.0.0.1:1") }, "", false},
		{"api is http", func(c *Catalogue) { c.Environments[0].Base = at("http://sample2.example") }, "environments.staging.api: is http", false},
		{"shared origin", func(c *Catalogue) { c.Environments[0].Base = at("https://SAMPLE.example/x") }, "environments.production.issuer: has the origin of staging", false},
		{"console on loopback", func(c *Catalogue) {
			c.Console = &Console{Listen: "127.0.0.1:8089", URL: at("http://127.0.0.1:8089")}
		}, "", false},
		{"console in plain", func(c *Catalogue) {
			c.Console = &Console{Listen: "10.0.0.1:8089", URL: at("http://127.0.0.1:8089")}
		}, "home.console.listen: 10.0.0.1:8089 is open to others in plain HTTP", false},
		{"console near", func(c *Catalogue) {
			c.Console = &Console{Listen: "10.0.0.1:8089", URL: at("https://console.example")}
		}, "", false},
		{"console everywhere", func(c *Catalogue) {
			c.Console = &Console{Listen: "192.0.2.1:8089", URL: at("https://console.example")}
		}, "home.console.listen: 192.0.2.1:8089 is open to everybody", true},
		{"console is http", func(c *Catalogue) {
			c.Console = &Console{Listen: "127.0.0.1:8089", URL: at("http://console.example")}
		}, "home.console.url: is http", false},
		{"portal is http", func(c *Catalogue) { c.Portal = &Portal{URL: at("http://portal.example")} }, "portal.url: is http", false},
		{"portal on an environment's host", func(c *Catalogue) { c.Portal = &Portal{URL: at("https://SAMPLE.example/portal")} }, "portal.url: has the origin of production", false},
		{"console on the portal's host", func(c *Catalogue) {
			c.Console = &Console{Listen: "127.0.0.1:8089", URL: at("https://people.example")}
			c.Portal = &Portal{URL: at("https://people.example/portal")}
		}, "portal.url: has the origin of home.console.url", false},
		{"demo", func(c *Catalogue) { c.Environments[0].APIs[1].Upstream = at("demo:") }, "apis.events.upstream: is the demonstration API", false},
		{"plain upstream", func(c *Catalogue) { c.Environments[0].APIs[1].Upstream = at("http://events.example") }, "apis.events.upstream: in staging, requests would go on to \"events.example\" in plain", false},
		{"plain upstream by address", func(c *Catalogue) { c.Environments[0].APIs[1].Upstream = at("http://192.0.2.1") }, "apis.events.upstream: in staging", false},
		{"plain upstream near", func(c *Catalogue) { c.Environments[0].APIs[1].Upstream = at("http://[fd00::1]:9000") }, "", false},
		{"plain upstream by name", func(c *Catalogue) { c.Environments[0].APIs[1].Upstream = at("http://events:9000") }, "", false},
		{"no signature", func(c *Catalogue) { c.Environments[0].APIs[1].Token.Algorithm = "none" }, "apis.events.token.algorithm: \"none\" is no signature", false},
		{"a day", func(c *Catalogue) { c.Environments[0].APIs[1].Token.Lifetime = 24 * time.Hour }, "apis.events.token.lifetime: 24h0m0s is more than 1h", true},
		{"more than a day", func(c *Catalogue) { c.Environments[0].APIs[1].Token.Lifetime = 24*time.Hour + time.Second }, "apis.events.token.lifetime: 24h0m1s is more than 24h", false},
		{"an opaque day", func(c *Catalogue) {
			c.Environments[0].APIs[1].Token.Lifetime, c.Environments[0].APIs[1].Token.Format = 24*time.Hour, Opaque
		}, "", true},
		{"an hour and a second", func(c *Catalogue) { c.Environments[0].APIs[1].Token.Lifetime = time.Hour + time.Second }, "apis.events.token.lifetime: 1h0m1s is more than 1h", true},
		{"an hour", func(c *Catalogue) { c.Environments[0].APIs[1].Token.Lifetime = time.Hour }, "", false},
		{"notice of logouts in the clear", func(c *Catalogue) { c.Environments[0].Clients[0].SignIn.LogoutNotice = "http://localhost/x" }, "backchannel_logout_uri: is http", false},
		{"notice of logouts", func(c *Catalogue) { c.Environments[0].Clients[0].SignIn.LogoutNotice = "https://app.example/x" }, "", false},
		{"a minute", func(c *Catalogue) { c.Environments[0].APIs[1].Token.Lifetime = time.Minute }, "apis.events.token.lifetime: 1m0s is a minute", true},
	} {
		c := safe(t)
		row.breakIt(c)
		faults := CheckServe(c)
		switch {
		case row.want == "" && len(faults) > 0:
			t.Errorf("%s: %v", row.name, faults)
		case row.want == "":
		case len(faults) != 1 || !strings.Contains(faults[0].String(), row.want) || faults[0].Warning != row.warning:
			t.Errorf("%s: got %v; want %s", row.name, faults, row.want)
		case faults[0].Hint == "" || faults[0].Line == 0 || (len(faults.Refused()) == 0) != row.warning:
			t.Errorf("%s: no hint, no line, or not as grave as it is: %#v", row.name, faults[0])
		}
	}
}

func TestForDev(t *testing.T) {
	text := strings.Replace(sample, "production: NOTES", "production: https://sample.example/notes", 1)
	c, err := Parse("sample.yaml", []byte(text), sampleEnv)
	if err != nil {
		t.Fatal(err)
	}
	dev := c.ForDev("http://127.0.0.1:8080/", "/tmp/dev")
	var got []string
	for _, e := range dev.Environments {
		got = append(got, e.Issuer.String(), e.Base.String(), e.Store)
		for _, a := range e.APIs {
			got = append(got, a.Audience, a.Resource)
		}
	}
	want := []string{
		"http://127.0.0.1:8080/staging/auth", "http://127.0.0.1:8080/staging/api", "sqlite:/tmp/dev/staging.db",
		"http://127.0.0.1:8080/staging/api/notes", "http://127.0.0.1:8080/staging/api/notes",
		"http://127.0.0.1:8080/staging/api/events", "http://127.0.0.1:8080/staging/api/events",
		"http://127.0.0.1:8080/production", "http://127.0.0.1:8080/production", "sqlite:/tmp/dev/production.db",
		"http://127.0.0.1:8080/production/notes", "http://127.0.0.1:8080/production/notes",
		"http://127.0.0.1:8080/production/events", "http://127.0.0.1:8080/production/events",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if dev.Listen.Address != "127.0.0.1:8080" || dev.Listen.TLS.Enabled() || dev.Data != "/tmp/dev" {
		t.Errorf("%+v, %s", dev.Listen, dev.Data)
	}
	if c.Find("staging").Issuer.Host != "auth.staging.sample.example" || c.Find("staging").APIs[0].Audience == dev.Find("staging").APIs[0].Audience {
		t.Error("the catalogue itself was changed")
	}
}

// An audience that is no URL below the gateway's stays what it is.
func TestForDevKeepsNames(t *testing.T) {
	c, err := Parse("sample.yaml", []byte(sample), sampleEnv)
	if err != nil {
		t.Fatal(err)
	}
	notes := c.ForDev("http://127.0.0.1:8080", "d").Find("production").API("notes")
	if notes.Audience != "NOTES" || notes.Resource != "http://127.0.0.1:8080/production" {
		t.Errorf("%s, %s", notes.Audience, notes.Resource)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"environments", "apis", "clients", "listen", "limits", "name"}
	for _, row := range []struct{ word, want string }{
		{"enviroments", "environments"},
		{"Environments", "environments"},
		{"nmae", "name"},
		{"api", "apis"},
		{"client", "clients"},
		{"limit", "limits"},
		{"zzz", ""},
		{"", ""},
		{strings.Repeat("name", 1000), ""},
	} {
		if got := Nearest(row.word, known); got != row.want {
			t.Errorf("%.20q: %q, want %q", row.word, got, row.want)
		}
	}
	if hint := didYouMean("zzz", known); !strings.HasPrefix(hint, "known are environments, ") {
		t.Error(hint)
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]Size{"0": 0, "1": 1, "7B": 7, "64KiB": 64 << 10, "10 MiB": 10 << 20, "1024MiB": 1 << 30} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-1", "1.5MiB", "KiB", "9223372036854775807MiB", "1GB", "0x10"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q is read as %d", text, got)
		}
	}
	if got := []string{Size(0).String(), Size(1023).String(), Size(1024).String(), Size(3 << 20).String()}; !slices.Equal(got, []string{"0", "1023", "1KiB", "3MiB"}) {
		t.Error(got)
	}
}
