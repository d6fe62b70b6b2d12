package portal

import (
	"net/http"
	"strings"
	"sync"

	"github.com/grantway/grantway/internal/web"
)

// Welcome is the page that `grantway dev` shows at its root: the environments
// and, for each, what to paste to get a token and to use it. It shows
// credentials, which are public placeholders, and so is for development only.
//
// It answers its page at "/" and its style sheet below /assets/, wherever the
// prefix of the latter was stripped or not; server mounts it at these two.
// The fields are not changed after the first request; it is then safe for
// concurrent use.
type Welcome struct {
	Title        string // heading of the page
	Name         string // the publisher's
	Theme        web.Theme
	Open         bool   // others on the network reach it: its credentials are its own
	Portal       string // URL of the developer portal; empty: there is none
	Doors        []Door // where people sign in who publish and who call
	Mails        string // URL of the mails that those people would be sent; empty: there is none
	Environments []Environment

	once   sync.Once
	site   *web.Site
	assets http.Handler
}

// Environment is what one environment's part of the welcome page says. What is
// empty is left out.
type Environment struct {
	Name, Title     string // Title is for people; empty means Name
	AuthURL, APIURL string
	ClientID        string
	Secret          string
	Audience        string
	APIToken        string
	TokenRequest    string  // a command to paste
	Call            string  // a command to paste, after the first
	Metadata        string  // URL of the authorization server's metadata (RFC 8414)
	Keys            string  // URL of the JWK set
	Errors          string  // URL of the pages that explain refusals
	Person          *Person // who can sign in here; nil: the client acts for itself
}

// A Door is where a person signs in to portal or console, and as whom.
type Door struct {
	Title, URL     string
	What           string // what can be done there, as the rest of a sentence about it
	Name, Password string // empty Password: it is not shown to whom the page is shown
}

// Person is somebody who can sign in to an environment, and where. What is empty
// is left out.
type Person struct {
	Name, Password string
	SignIn         string // URL at which the person allows the client access
	Back           string // where the browser is sent then, without the code
	Account        string // URL of the person's own page
	Mails          string // URL of the mails that people would be sent
}

// ServeHTTP answers GET and HEAD; other methods get 405.
func (p *Welcome) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.once.Do(p.build)
	if r.URL.Path != "/" {
		p.assets.ServeHTTP(w, r)
		return
	}
	if p.site.Reads(w, r) {
		p.site.Render(w, r, http.StatusOK, web.Page{Template: "welcome", Title: p.Title, Data: p})
	}
}

func (p *Welcome) build() {
	p.site = web.NewSite(brand(p.Theme, p.Name), "")
	p.assets = p.site.Assets()
}

// Heading is what the page calls the environment.
func (e Environment) Heading() string {
	if e.Title != "" {
		return e.Title
	}
	if e.Name == "" {
		return ""
	}
	return strings.ToUpper(e.Name[:1]) + e.Name[1:]
}
