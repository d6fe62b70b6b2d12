package server

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// A browser is what a person sits at: it keeps cookies, follows redirects on the
// server, and fills in forms as they stand on the page. It runs no scripts.
type browser struct {
	*site
	t      testing.TB
	client *http.Client
	issuer string

	at     *url.URL // the page that is shown
	code   int
	header http.Header
	body   string
	page   *html.Node
	left   *url.URL // where the last answer sent the browser, outside the server; nil: nowhere
	hops   []int    // status codes on the way
}

func (s *site) browser(t testing.TB, environment string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{
		site: s, t: t, issuer: s.environment(environment).Issuer.String(),
		client: &http.Client{
			Jar: jar, Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// open types an address, below the issuer unless it is a whole one.
func (b *browser) open(address string) *browser {
	b.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.issuer + address
	}
	return b.do(http.MethodGet, address, nil)
}

// altered sends the fields of a form with a change, and returns the status.
func (b *browser) altered(address string, fields url.Values, change func(url.Values)) int {
	b.t.Helper()
	sent := url.Values{}
	for name, values := range fields {
		sent[name] = slices.Clone(values)
	}
	change(sent)
	return b.do(http.MethodPost, address, sent).code
}

// do sends a request and follows where it leads.
func (b *browser) do(method, address string, form url.Values) *browser {
	b.t.Helper()
	b.left, b.hops = nil, nil
	for range 12 {
		request, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
		if err != nil {
			b.t.Fatal(err)
		}
		request.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
		if method == http.MethodPost {
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			request.Header.Set("Sec-Fetch-Site", "same-origin")
		}
		response, err := b.client.Do(request)
		if err != nil {
			b.t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			b.t.Fatal(err)
		}
		b.at, b.code, b.header, b.body = request.URL, response.StatusCode, response.Header, string(body)
		b.hops = append(b.hops, b.code)
		if b.code == http.StatusTemporaryRedirect || b.code == http.StatusPermanentRedirect {
			b.t.Fatalf("A17: %s %s repeats what was posted", method, address)
		}
		if b.page, err = html.Parse(strings.NewReader(b.body)); err != nil {
			b.t.Fatal(err)
		}
		if b.code < 300 || b.code > 399 {
			return b
		}
		to, err := request.URL.Parse(response.Header.Get("Location"))
		if err != nil {
			b.t.Fatal(err)
		}
		if to.Host != request.URL.Host {
			b.left = to
			return b
		}
		method, address, form = http.MethodGet, to.String(), nil
	}
	b.t.Fatalf("sent round and round: %s", b.at)
	return b
}

func attributeOf(n *html.Node, name string) string {
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

// find returns the first element that the function wants, or nil.
func (b *browser) find(wanted func(*html.Node) bool) *html.Node {
	for n := range b.page.Descendants() {
		if n.Type == html.ElementNode && wanted(n) {
			return n
		}
	}
	return nil
}

// form returns the fields of the form with a path, as they stand there; of several,
// the one in which the pairs stand (name, value). ok is false where there is none.
func (b *browser) form(path string, pairs ...string) (url.Values, string, bool) {
	form := b.find(func(n *html.Node) bool {
		if n.Data != "form" || !strings.HasSuffix(attributeOf(n, "action"), path) {
			return false
		}
		fields := fieldsOf(n)
		for i := 0; i < len(pairs); i += 2 {
			if fields.Get(pairs[i]) != pairs[i+1] {
				return false
			}
		}
		return true
	})
	if form == nil {
		return nil, "", false
	}
	return fieldsOf(form), attributeOf(form, "action"), true
}

func fieldsOf(form *html.Node) url.Values {
	fields := url.Values{}
	for n := range form.Descendants() {
		if n.Type != html.ElementNode || n.Data != "input" || attributeOf(n, "name") == "" {
			continue
		}
		if kind := attributeOf(n, "type"); (kind == "checkbox" || kind == "radio") && !has(n, "checked") {
			continue
		}
		fields.Add(attributeOf(n, "name"), attributeOf(n, "value"))
	}
	return fields
}

// submit fills in a form of the page, by name and value, and sends it. A value of
// "-" leaves the field out.
func (b *browser) submit(path string, pairs ...string) *browser {
	b.t.Helper()
	fields, action, ok := b.form(path)
	if !ok {
		b.t.Fatalf("no form for %s on %s (%d):\n%s", path, b.at, b.code, b.body)
	}
	return b.post(action, fields, pairs...)
}

// press sends the one form among several for a path that has this field.
func (b *browser) press(path, name, value string) *browser {
	b.t.Helper()
	fields, action, ok := b.form(path, name, value)
	if !ok {
		b.t.Fatalf("no form for %s with %s=%s on %s:\n%s", path, name, value, b.at, b.body)
	}
	return b.post(action, fields)
}

func (b *browser) post(action string, fields url.Values, pairs ...string) *browser {
	b.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if fields.Set(pairs[i], pairs[i+1]); pairs[i+1] == "-" {
			fields.Del(pairs[i])
		}
	}
	at, err := b.at.Parse(action)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(http.MethodPost, at.String(), fields)
}

// text is what an element says.
func (b *browser) text(id string) string {
	n := b.find(func(n *html.Node) bool { return attributeOf(n, "id") == id })
	if n == nil {
		return ""
	}
	var text strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			text.WriteString(d.Data)
		}
	}
	return strings.TrimSpace(text.String())
}

// is fails unless the browser stands at a path with a status.
func (b *browser) is(path string, code int) *browser {
	b.t.Helper()
	if b.left != nil || b.code != code || b.at.Path != b.base()+path {
		b.t.Fatalf("want %s with %d, not %s with %d (left: %v):\n%s", path, code, b.at, b.code, b.left, b.body)
	}
	return b
}

func (b *browser) base() string {
	u, err := url.Parse(b.issuer)
	if err != nil {
		b.t.Fatal(err)
	}
	return u.Path
}

// back fails unless the browser was sent to an application, and returns with what.
func (b *browser) back(to string) url.Values {
	b.t.Helper()
	if b.left == nil {
		b.t.Fatalf("want to be at %s, not %s with %d:\n%s", to, b.at, b.code, b.body)
	}
	if at, _, _ := strings.Cut(b.left.String(), "?"); at != to {
		b.t.Fatalf("want to be at %s, not %s", to, b.left)
	}
	return b.left.Query()
}

// signIn fills in name and password.
func (b *browser) signIn(name, password string) *browser {
	b.t.Helper()
	return b.submit("/login", "name", name, "password", password)
}

// cookieOf is the value of a cookie of the environment.
func (b *browser) cookieOf(which string) string {
	for _, c := range b.client.Jar.Cookies(b.at) {
		if strings.HasSuffix(c.Name, "-"+which) {
			return c.Value
		}
	}
	return ""
}

// goodPassword is what people of these tests choose.
const goodPassword = "seven quiet herons"

// resident makes an account with that password.
func (s *site) resident(t testing.TB, environment, name string, roles ...string) store.Account {
	t.Helper()
	disclosed(goodPassword)
	a, err := s.environment(environment).signIn.journey.People.Accounts.Create(t.Context(), account.New{
		Name: name, Roles: roles, Password: secret.Of(goodPassword),
		Profile: store.Profile{FullName: "Person " + name, Email: name + "@example.com", EmailVerified: true},
	}, s.by())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// oneTime is the code of an authenticator (RFC 6238) with a secret in base32.
func oneTime(t testing.TB, text string, at time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	m := hmac.New(sha1.New, key)
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix()/30)))
	sum := m.Sum(nil)
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[19]&15:])&0x7fffffff%1_000_000)
}
