package interop

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/html"
)

// A person has a browser without JavaScript, a name and a password, and knows the
// pages by their forms' ids and the names of the fields.
type person struct {
	name, password string
	browser        *http.Client
	pages          []string // the ids of the forms that were filled in, in order
}

func newPerson(name, password string) *person {
	jar, _ := cookiejar.New(nil) // returns no error
	return &person{name: name, password: password, browser: &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// open opens an address and does what the pages ask for, until the browser is sent
// to another origin. It returns that address. With no, the person does not allow
// what is asked.
func (p *person) open(start string, no bool) (string, error) {
	at, err := url.Parse(start)
	if err != nil {
		return "", err
	}
	origin := at.Host
	request, err := http.NewRequest(http.MethodGet, start, nil)
	for range 20 {
		if err != nil {
			return "", err
		}
		response, err := p.browser.Do(request)
		if err != nil {
			return "", err
		}
		page, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			return "", err
		}
		if to := response.Header.Get("Location"); to != "" {
			next, err := request.URL.Parse(to)
			if err != nil {
				return "", err
			}
			if next.Host != origin {
				return to, nil // and nothing that url.URL made of it
			}
			if request, err = http.NewRequest(http.MethodGet, next.String(), nil); err != nil {
				return "", err
			}
			continue
		}
		if request, err = p.fill(request.URL, page, no); err != nil {
			return "", fmt.Errorf("%s, %d: %w\n%s", response.Request.URL, response.StatusCode, err, page)
		}
	}
	return "", fmt.Errorf("still at the pages after %v", p.pages)
}

// fill fills in the page's form as a browser would, leaving what is ticked.
func (p *person) fill(at *url.URL, page []byte, no bool) (*http.Request, error) {
	document, err := html.Parse(strings.NewReader(string(page)))
	if err != nil {
		return nil, err
	}
	for form := range document.Descendants() {
		id := attribute(form, "id")
		if form.Data != "form" || !slices.Contains([]string{"signin", "consent", "signout"}, id) {
			continue
		}
		action, err := at.Parse(attribute(form, "action"))
		if err != nil {
			return nil, err
		}
		fields := url.Values{}
		for input := range form.Descendants() {
			if input.Data != "input" || attribute(input, "type") == "checkbox" && !has(input, "checked") {
				continue
			}
			fields.Add(attribute(input, "name"), attribute(input, "value"))
		}
		switch {
		case id == "signin":
			fields.Set("name", p.name)
			fields.Set("password", p.password)
		case id == "consent" && no:
			fields.Set("decision", "deny")
		case id == "consent":
			fields.Set("decision", "allow")
		}
		p.pages = append(p.pages, id)
		request, err := http.NewRequest(http.MethodPost, action.String(), strings.NewReader(fields.Encode()))
		if err != nil {
			return nil, err
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Origin", action.Scheme+"://"+action.Host)
		return request, nil
	}
	return nil, fmt.Errorf("no form that is known, after %v", p.pages)
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// desk is where programs in other languages have a person open an address:
//
//	GET ?open=ADDRESS          the address that the browser was sent to, as text
//	…&decision=deny            the person does not allow it
//
// Each is a person of that name with a fresh browser; &browser=NAME keeps one.
func desk(t *testing.T, name, password string) string {
	kept := map[string]*person{}
	var turn sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		turn.Lock()
		defer turn.Unlock()
		asked := r.URL.Query()
		p := kept[asked.Get("browser")]
		if p == nil {
			p = newPerson(name, password)
		}
		if browser := asked.Get("browser"); browser != "" {
			kept[browser] = p
		}
		to, err := p.open(asked.Get("open"), asked.Get("decision") == "deny")
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		io.WriteString(w, to)
	}))
	t.Cleanup(server.Close)
	return server.URL
}
