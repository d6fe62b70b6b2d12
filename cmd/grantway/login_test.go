package main

import (
	"errors"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	oauthclient "github.com/grantway/grantway/client"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/oauth"
)

const loginProfiles = `profiles:
  me:
    issuer: ISSUER
    client_id: cli
    scopes: [user_read]
    apis: [ORIGIN]
`

// A desk is a machine at which somebody signs in: profiles, a cache, and a browser
// that writes down where it was sent.
type desk struct {
	t           *testing.T
	issuer      string
	env         []string
	opened      string // the file with the URL that the browser was opened with
	base, cache string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	data := t.TempDir()
	d := startDev(t, nil, "--example", "mytimetable", "--data", data)
	folder := t.TempDir()
	desk := &desk{t: t, issuer: d.env["MYTIMETABLE_URL"], opened: filepath.Join(folder, "opened"), cache: filepath.Join(folder, "cache")}
	u, err := url.Parse(desk.issuer)
	if err != nil {
		t.Fatal(err)
	}
	desk.base = "http://" + u.Host
	for _, below := range []string{"config/grantway", "bin"} {
		if err := os.MkdirAll(filepath.Join(folder, below), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, filepath.Join(folder, "config/grantway/profiles.yaml"), strings.NewReplacer("ISSUER", desk.issuer, "ORIGIN", desk.base).Replace(loginProfiles))
	writeFile(t, filepath.Join(folder, "bin/xdg-open"), "#!/bin/sh\nprintf %s \"$1\" > '"+desk.opened+".new' && mv '"+desk.opened+".new' '"+desk.opened+"'\n")
	if err := os.Chmod(filepath.Join(folder, "bin/xdg-open"), 0o700); err != nil {
		t.Fatal(err)
	}
	desk.env = []string{
		"XDG_CONFIG_HOME=" + folder + "/config", "XDG_CACHE_HOME=" + desk.cache, "PATH=" + folder + "/bin:" + os.Getenv("PATH"),
	}
	status, _, said := finish(t, nil, "clients", "create", "--data", data, "-e", "demo", "--name", "Command line", "--id", "cli",
		"--type", "native", "--scope", "user_read", "--redirect-uri", "http://127.0.0.1/callback")
	if status != 0 {
		t.Fatal(said)
	}
	return desk
}

// login begins a sign-in and returns where the browser was sent.
func (d *desk) login(arguments ...string) (p *process, link *url.URL) {
	d.t.Helper()
	_ = os.Remove(d.opened)
	p = start(d.t, d.env, append([]string{"login"}, arguments...)...)
	p.until("browser", func() bool { return exists(d.opened) })
	link, err := url.Parse(readFile(d.t, d.opened))
	if err != nil {
		d.t.Fatal(err)
	}
	p.logged(link.String(), 1) // where to go by hand
	return p, link
}

// allow is the person, who allows everything; the browser is not sent back yet.
func (d *desk) allow(link *url.URL) *url.URL {
	d.t.Helper()
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if "http://"+r.URL.Host != d.base {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	page := httpGet(d.t, browser, link.String(), "")
	for _, form := range []struct {
		path string
		own  url.Values
	}{{"/login", url.Values{"name": {"ann"}, "password": {"a term in Leiden"}}}, {"/consent", url.Values{"decision": {"allow"}}}} {
		for _, field := range hiddenFields.FindAllStringSubmatch(page.body, -1) {
			form.own.Add(field[1], field[2])
		}
		r, err := http.NewRequest(http.MethodPost, d.issuer+form.path, strings.NewReader(form.own.Encode()))
		if err != nil {
			d.t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		page = httpSend(d.t, browser, r)
	}
	back, err := url.Parse(page.header.Get("Location"))
	if err != nil || back.Query().Get("code") == "" {
		d.t.Fatalf("%d, sent to %v, %v\n%s", page.status, back, err, page.body)
	}
	return back
}

// run runs a command to its end, with a status that it must have.
func (d *desk) run(want int, arguments ...string) (out, said string) {
	d.t.Helper()
	status, out, said := finish(d.t, d.env, arguments...)
	if status != want {
		d.t.Fatalf("%v: status %d, want %d\n%s%s", arguments, status, want, out, said)
	}
	return out, said
}

// TestLogin: a person signs in, has tokens that renew themselves, and signs out.
func TestLogin(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.run(exitSignIn, "token")
	p, link := d.login()
	redirect, err := url.Parse(link.Query().Get("redirect_uri"))
	if err != nil || redirect.Hostname() != "127.0.0.1" || redirect.Port() == "" || redirect.Path != "/callback" {
		t.Fatalf("redirect URI %v, %v", redirect, err)
	}
	if q := link.Query(); q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || len(q.Get("state")) != 43 {
		t.Errorf("%v", q)
	}
	// Whatever other pages and programs send, the sign-in goes on.
	for range 2 {
		if got := httpGet(t, http.DefaultClient, redirect.String()+"?code=stolen&state=guess", ""); got.status != http.StatusBadRequest {
			t.Errorf("another state: %d", got.status)
		}
	}
	page := httpGet(t, http.DefaultClient, d.allow(link).String(), "")
	if page.status != http.StatusOK || !strings.Contains(page.body, "You can close this window") || strings.Contains(page.body, "code") {
		t.Errorf("the page: %d %s", page.status, page.body)
	}
	for name, want := range map[string]string{"Content-Security-Policy": "default-src 'none'", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"} {
		if got := page.header.Get(name); !strings.Contains(got, want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	if status := p.wait(); status != 0 || p.out.String() != "" || !strings.Contains(p.log.String(), "Signed in for the profile me") {
		t.Errorf("status %d, prints %q, says\n%s", status, &p.out, &p.log)
	}
	if n := strings.Count(p.log.String(), "does not belong to this sign-in"); n != 1 {
		t.Errorf("%d warnings of another's answer, want 1", n)
	}
	if _, err := net.Dial("tcp", redirect.Host); err == nil {
		t.Error("it still listens")
	}

	first, _ := d.run(0, "token")
	if shown, _ := d.run(0, "curl", "-f", d.issuer+"/api/v0/user"); !strings.Contains(shown, `"username":"ann"`) {
		t.Errorf("the call: %s", shown)
	}
	fresh, _ := d.run(0, "token", "--fresh")
	if fresh == first {
		t.Error("--fresh prints the old one")
	}
	call := func(want int) {
		t.Helper()
		if got := httpGet(t, http.DefaultClient, d.issuer+"/api/v0/user", strings.TrimSpace(fresh)); got.status != want {
			t.Errorf("the API says %d, want %d", got.status, want)
		}
	}
	call(http.StatusOK)
	d.run(0, "logout")
	call(http.StatusUnauthorized)
	if _, said := d.run(exitSignIn, "token"); !strings.Contains(said, "grantway login --profile me") {
		t.Errorf("it says %s", said)
	}
	d.run(0, "logout") // once more does no harm
}

// TestLoginThatFails: each way in which nobody is signed in, and how the command ends.
func TestLoginThatFails(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	answer := func(link *url.URL, more string) reply {
		q := link.Query()
		return httpGet(t, http.DefaultClient, q.Get("redirect_uri")+"?state="+url.QueryEscape(q.Get("state"))+"&"+more, "")
	}
	iss := "&iss=" + url.QueryEscape(d.issuer)
	for _, row := range []struct {
		name, answer string
		status       int
		says         string
	}{
		{"no", "error=access_denied" + iss, exitDenied, "access_denied"},
		{"another issuer", "code=x&iss=https://evil.example", exitRefused, "another issuer"},
		{"a code that nobody issued", "code=x" + iss, exitSignIn, "grantway login"},
	} {
		p, link := d.login()
		if got := answer(link, row.answer); got.status != http.StatusOK || !strings.Contains(got.body, "Not signed in") {
			t.Errorf("%s: the page %d %s", row.name, got.status, got.body)
		}
		if status := p.wait(); status != row.status || !strings.Contains(p.log.String(), row.says) {
			t.Errorf("%s: status %d, want %d, says\n%s", row.name, status, row.status, &p.log)
		}
	}
	d.run(exitSignIn, "token")

	if _, said := d.run(exitSignIn, "login", "--no-browser", "--timeout", "1s"); !strings.Contains(said, "nobody signed in within 1s") || !strings.Contains(said, d.issuer) {
		t.Errorf("it says %s", said)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	if _, said := d.run(exitRefused, "login", "--port", port); !strings.Contains(said, "in use") || !strings.Contains(said, "--port") {
		t.Errorf("it says %s", said)
	}
	d.run(exitUsage, "login", "--issuer", d.issuer, "--client-id", "cli", "--redirect-uri", "https://elsewhere.example/")
	d.run(exitUsage, "login", "--issuer", d.issuer, "--client-id", "cli", "--secret-env", "PATH")
}

// TestLoopback: the address that a server is told, for each way to write it.
func TestLoopback(t *testing.T) {
	t.Parallel()
	free, err := strconv.ParseUint(freePort(t), 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		redirect, want string // a pattern
		port           uint16
		listeners      int
	}{
		{redirect: "http://127.0.0.1/callback", want: `^http://127\.0\.0\.1:\d+/callback$`, listeners: 1},
		{redirect: "http://127.0.0.1", want: `^http://127\.0\.0\.1:\d+$`, listeners: 1},
		{redirect: "http://127.0.0.1:1/a?b=c%20d", port: uint16(free), want: `^http://127\.0\.0\.1:\d+/a\?b=c%20d$`, listeners: 1},
		{redirect: "http://[::1]/", want: `^http://\[::1\]:\d+/$`, listeners: 1},
		{redirect: "http://localhost/cb", want: `^http://localhost:\d+/cb$`, listeners: 2},
	} {
		l, err := listenLoopback(row.redirect, row.port)
		if err != nil {
			t.Errorf("%s: %v", row.redirect, err)
			continue
		}
		if !regexp.MustCompile(row.want).MatchString(l.uri) || len(l.listeners) != row.listeners || l.path == "" {
			t.Errorf("%s: %+v", row.redirect, l)
		}
		if row.port != 0 && !strings.Contains(l.uri, ":"+portOf(l)) || row.port != 0 && portOf(l) != "" && l.uri == row.redirect {
			t.Errorf("%s: %s", row.redirect, l.uri)
		}
		l.close()
	}
	for _, bad := range []string{"http://192.0.2.1/x", "http://127.0.0.2/"} {
		if _, err := listenLoopback(bad, 0); err == nil {
			t.Errorf("listens for %s", bad)
		}
	}
}

func portOf(l *loopback) string {
	_, port, _ := net.SplitHostPort(l.listeners[0].Addr().String())
	return port
}

// TestLanding: of all that comes, one answer counts.
func TestLanding(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	exchanged, strangers := 0, 0
	ended := make(chan landed, 1)
	h := &landing{
		path: "/callback", hosts: []string{"127.0.0.1:8400"}, ended: ended, stranger: func() { strangers++ },
		exchange: func(answer map[string][]string) (oauthclient.Token, error) {
			if url.Values(answer).Get("state") != "right" {
				return oauthclient.Token{}, oauthclient.ErrState
			}
			mu.Lock()
			defer mu.Unlock()
			exchanged++
			return oauthclient.Token{Access: "t", Expires: time.Now()}, nil
		},
	}
	ask := func(method, target, host string) int {
		r := httptest.NewRequest(method, "http://"+host+target, nil)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Header().Get("Content-Security-Policy") == "" || strings.Contains(w.Body.String(), "right") {
			t.Errorf("%s: %v %s", target, w.Header(), w.Body)
		}
		return w.Code
	}
	const here = "127.0.0.1:8400"
	for _, row := range []struct {
		method, target, host string
		want                 int
	}{
		{"GET", "/callback?state=right&code=x", "evil.example:8400", http.StatusMisdirectedRequest},
		{"GET", "/callback?state=right&code=x", "127.0.0.1", http.StatusMisdirectedRequest},
		{"GET", "/callback/?state=right", here, http.StatusNotFound},
		{"GET", "/favicon.ico", here, http.StatusNotFound},
		{"POST", "/callback?state=right&code=x", here, http.StatusMethodNotAllowed},
		{"HEAD", "/callback?state=right&code=x", here, http.StatusMethodNotAllowed},
		{"GET", "/callback?state=wrong&code=x", here, http.StatusBadRequest},
		{"GET", "/callback", here, http.StatusBadRequest},
	} {
		if got := ask(row.method, row.target, row.host); got != row.want {
			t.Errorf("%s %s at %s: %d, want %d", row.method, row.target, row.host, got, row.want)
		}
	}
	if exchanged != 0 || strangers != 1 {
		t.Errorf("%d exchanges, %d warnings", exchanged, strangers)
	}
	codes := make(chan int, 20)
	var wg sync.WaitGroup
	for range cap(codes) {
		wg.Go(func() { codes <- ask("GET", "/callback?state=right&code=x", here) })
	}
	wg.Wait()
	close(codes)
	good := 0
	for code := range codes {
		if code == http.StatusOK {
			good++
		} else if code != http.StatusConflict {
			t.Errorf("one of many: %d", code)
		}
	}
	if end := <-ended; good != 1 || exchanged != 1 || end.err != nil || end.token.Access != "t" {
		t.Errorf("%d pages, %d exchanges, %+v", good, exchanged, end)
	}
}

// TestExplain: an error of each kind has its status and says what to do.
func TestExplain(t *testing.T) {
	t.Parallel()
	a := &asking{Profile: &catalogue.Profile{}}
	for _, row := range []struct {
		err    error
		status int // 0: none of its own
		says   []string
	}{
		{&oauthclient.RefusedError{Code: oauth.InvalidClient, Status: 401, Description: "who?"}, exitDenied, []string{"invalid_client: who?", "these flags: check client id"}},
		{&oauthclient.RefusedError{Status: 401, URI: "https://a.example/why"}, exitDenied, []string{"with status 401", "says more at https://a.example/why"}},
		{&oauthclient.RefusedError{Code: oauth.InvalidGrant}, exitDenied, []string{"invalid_grant"}},
		{&oauthclient.BusyError{RetryAt: time.Now().Add(time.Minute), Err: errors.New("down")}, exitBusy, []string{"down", "Try again in 1m"}},
		{&oauthclient.AnswerError{URL: "https://a.example", Status: 200, Cause: "answers with a page"}, exitDenied, []string{"https://a.example (status 200) answers with a page"}},
		{errors.Join(oauthclient.ErrSignIn, &oauthclient.RefusedError{Code: oauth.InvalidGrant}), exitSignIn, []string{"grantway login"}},
		{&url.Error{Op: "Get", URL: "https://a.example/x?key=s3cret", Err: errors.New("refused")}, 0, []string{"Get https://a.example/x: refused"}},
		{errors.New("client: \x1b[2J"), 0, nil},
	} {
		err := a.explain(row.err)
		status := 0
		if coded, ok := errors.AsType[*statusError](err); ok {
			status = coded.status
		}
		if status != row.status || strings.ContainsAny(err.Error(), "\x1b") || strings.Contains(err.Error(), "s3cret") || strings.HasPrefix(err.Error(), "client: ") {
			t.Errorf("status %d, want %d: %v", status, row.status, err)
		}
		for _, text := range row.says {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%q is not in %q", text, err)
			}
		}
	}
	if a.explain(nil) != nil {
		t.Error("nothing became an error")
	}
}
