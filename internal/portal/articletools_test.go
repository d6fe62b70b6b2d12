package portal

import (
	"testing"

	"github.com/grantway/grantway/internal/catalogue"
)

// TestSafeProxy: what is to be saved for the proxy is a file that it takes, in every
// environment of every system.
func TestSafeProxy(t *testing.T) {
	for _, system := range systems {
		d := documented(t, system)
		for _, e := range d.Environments {
			text := d.guide(e, "").proxyFile()
			p, err := catalogue.ParseProxy("proxy.yaml", []byte(text), func(name string) (string, bool) { return "a secret", name == "CLIENT_SECRET" })
			if err != nil {
				t.Errorf("%s, %s: %v\n%s", system, e.Name, err, text)
				continue
			}
			if signs := p.SignIn != nil; signs != (e.Login != nil) || len(p.Routes) != 1 || p.API.String() != e.Base.String() {
				t.Errorf("%s, %s: %+v", system, e.Name, p)
			}
		}
	}
}
