package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Pages shows people the pages of signing in, consent and their account, in
// their language, and knows its own forms again. It is immutable and safe for
// concurrent use.
type Pages struct {
	site      *Site
	languages *Languages
	key       []byte
	cross     *http.CrossOriginProtection
}

// NewPages returns the pages of one environment. Their paths (PathLogin and its
// like) and the assets are below the root of the site. The key binds forms to
// browsers: at least 32 secret bytes, the same on every node and for nothing else.
// Languages may be nil: those built in.
func NewPages(site *Site, languages *Languages, key []byte) (*Pages, error) {
	if len(key) < sha256.Size {
		return nil, errors.New("web: the key of the forms needs at least 32 bytes")
	}
	if languages == nil {
		languages = BuiltIn()
	}
	return &Pages{site: site, languages: languages, key: bytes.Clone(key), cross: http.NewCrossOriginProtection()}, nil
}

// URL is where a page is, from the root of the host, within an authorization
// request unless its handle is empty.
func (p *Pages) URL(path, request string) string {
	if request == "" {
		return p.site.root + path
	}
	return p.site.root + path + "?" + url.Values{FieldRequest: {request}}.Encode()
}

// Address writes the path of a page with a query: names and values by turns. What
// has no value is left out.
func Address(path string, pairs ...string) string {
	sign := "?"
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			path += sign + pairs[i] + "=" + url.QueryEscape(pairs[i+1])
			sign = "&"
		}
	}
	return path
}

// Language is Languages.Choose of the languages of these pages.
func (p *Pages) Language(r *http.Request, wanted ...string) string {
	return p.languages.Choose(r, wanted...)
}

// A Screen is the data of one page: SignIn, Consent, Account and their like.
type Screen interface {
	screen() string // its template
}

// Showing is what a page needs beside its data.
type Showing struct {
	Language string         // as Languages.Choose returned it; empty: English
	Browser  string         // value of the browser's cookie, which its forms are bound to; empty: no form will be good
	Request  string         // handle of the authorization request that the person is in; empty: none
	To       string         // redirect URI that a form of this page may come to lead to; empty: none
	Problem  Problem        // what was wrong with what was sent; empty: nothing
	Wait     time.Duration  // for ProblemMany: how long; sets Retry-After
	Done     Done           // what was just changed; empty: nothing
	Now      time.Time      // from which "12 minutes ago" counts
	Zone     *time.Location // of the reader; nil: UTC
}

// A Problem is a fixed text that says what was wrong with what a form sent.
type Problem string

// The problems.
const (
	ProblemCredentials Problem = "problem.credentials" // name or password
	ProblemDisabled    Problem = "problem.disabled"    // right, but the account is switched off
	ProblemCode        Problem = "problem.code"        // of an authenticator
	ProblemRecovery    Problem = "problem.recovery"
	ProblemPasskey     Problem = "problem.passkey"
	ProblemProvider    Problem = "problem.provider" // no account belongs to the person there
	ProblemTaken       Problem = "problem.taken"    // the person there is another account's here
	ProblemMany        Problem = "problem.many"     // too many attempts; Showing.Wait says how long
	ProblemCurrent     Problem = "problem.current"  // the current password is wrong
	ProblemShort       Problem = "problem.short"    // the new password
	ProblemLong        Problem = "problem.long"
	ProblemCommon      Problem = "problem.common"
	ProblemSame        Problem = "problem.same"   // as the old one
	ProblemDiffer      Problem = "problem.differ" // the two are not the same
	ProblemEmpty       Problem = "problem.empty"
	ProblemSure        Problem = "problem.sure" // the box was not ticked
	ProblemLast        Problem = "problem.last" // the only way to sign in is not removed
)

// A Done is a fixed text that says what was changed.
type Done string

// What is done on the account page.
const (
	DonePassword    Done = "done.password"
	DoneTOTP        Done = "done.totp"
	DonePasskey     Done = "done.passkey"
	DoneCodes       Done = "done.codes"
	DoneFactor      Done = "done.factor"
	DoneSession     Done = "done.session"
	DoneSessions    Done = "done.sessions"
	DoneDevice      Done = "done.device"
	DoneApplication Done = "done.application"
	DoneIdentity    Done = "done.identity"
	DoneLink        Done = "done.link"
	DoneMail        Done = "done.mail"
	DoneEmail       Done = "done.email"
	DoneReset       Done = "done.reset"  // shown by SignIn
	DoneErased      Done = "done.erased" // shown by SignIn
)

// Show answers with a page. It sets every header but Set-Cookie. A screen that
// does not fit its template is a fault of the program: Show panics before
// anything is written.
func (p *Pages) Show(w http.ResponseWriter, r *http.Request, status int, with Showing, screen Screen) {
	name := screen.screen()
	t := pages()[name]
	if t == nil {
		panic("web: no template " + name)
	}
	s := p.site
	v := sheet{
		view: view{
			Brand: s.theme.name(), Data: screen, Sheet: s.asset(s.sheet), Icon: s.asset(s.icon), Logo: s.asset(s.logo),
			Lang: p.languages.known(with.Language),
		},
		Showing: with, pages: p,
	}
	if v.Zone == nil {
		v.Zone = time.UTC
	}
	var heading, b bytes.Buffer
	err := t.ExecuteTemplate(&heading, "title", &v)
	v.Heading = template.HTML(isolation.Replace(heading.String()))
	if err = errors.Join(err, t.Execute(&b, &v)); err != nil {
		panic(fmt.Sprintf("web: template %s: %v", name, err))
	}
	h := w.Header()
	if with.Wait > 0 {
		h.Set("Retry-After", strconv.Itoa(int(max(with.Wait.Round(time.Second), time.Second)/time.Second)))
	}
	h.Set("Vary", "Accept-Language, Cookie")
	send(w, r, status, "text/html; charset=utf-8", b.Bytes(), func(h http.Header) { v.protect(h, screen) })
}

// sheet is what a template of a Screen sees: methods put words and forms on it.
type sheet struct {
	view
	Showing
	Heading template.HTML // for the window's title, which has no elements
	pages   *Pages
}

// isolation is what sets names apart in text (Languages.html).
var isolation = strings.NewReplacer("<bdi>", "", "</bdi>", "")

// At is the URL path of a form's action.
func (s *sheet) At(path string) string { return s.pages.site.root + path }

// Link is the URL of a link, which keeps the authorization request.
func (s *sheet) Link(path string) string { return s.pages.URL(path, s.Request) }

// T is a text in the reader's language, its placeholders filled by the pairs that
// follow: name, value.
func (s *sheet) T(key string, pairs ...any) template.HTML {
	return s.pages.languages.html(s.Lang, key, pairs)
}

// Script is the URL path of a script of assets/.
func (s *sheet) Script(name string) string { return s.pages.site.asset(s.pages.site.script[name]) }

// Wrong is the text of the problem.
func (s *sheet) Wrong() template.HTML {
	return s.T(string(s.Problem), "wait", s.Span(max(s.Wait, time.Second)))
}

// Changed is the text of what was done.
func (s *sheet) Changed() template.HTML { return s.T(string(s.Done)) }

// Why is a part of the text of a failure: title, why or do.
func (s *sheet) Why(part string) template.HTML {
	return s.T(string(s.Data.(Failure).Reason) + "." + part)
}

// Picture is the QR code of SetUpTOTP.
func (s *sheet) Picture() template.URL {
	code := s.Data.(SetUpTOTP)
	if code.MediaType != "image/png" && code.MediaType != "image/svg+xml" {
		panic("web: a QR code is PNG or SVG, not " + code.MediaType)
	}
	return template.URL("data:" + code.MediaType + ";base64," + base64.StdEncoding.EncodeToString(code.Picture))
}

// App is the link of SetUpTOTP that opens the app on this device.
func (s *sheet) App() template.URL {
	if uri := s.Data.(SetUpTOTP).URI; strings.HasPrefix(uri, "otpauth://totp/") {
		return template.URL(uri)
	}
	return ""
}

// Groups is the secret of SetUpTOTP in groups of four.
func (s *sheet) Groups() string {
	var b strings.Builder
	for i, c := range strings.ReplaceAll(s.Data.(SetUpTOTP).Secret, " ", "") {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// Onward is where RecoveryCodes goes on.
func (s *sheet) Onward() string {
	if next := s.Data.(RecoveryCodes).Next; next != "" {
		return next
	}
	return s.Link(PathAccount)
}

// Outward is the URL of an application, of any scheme that may be registered
// (package wire checks that); it is left out where it could run in this page.
func (s *sheet) Outward(address string) template.URL {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" || unsafeSchemes[strings.ToLower(u.Scheme)] {
		return ""
	}
	return template.URL(address)
}

// unsafeSchemes never lead to an application.
var unsafeSchemes = map[string]bool{"javascript": true, "data": true, "vbscript": true, "file": true, "blob": true, "about": true}
