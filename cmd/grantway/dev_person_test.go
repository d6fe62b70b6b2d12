package main

import (
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is printed where a person has to allow access works too: the link, the name
// and the password, then the two commands, with code and token put in.
func TestDevPrintsHowAPersonSignsIn(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "dev.env")
	p := start(t, nil, "dev", "--example", "mytimetable", "--listen", "127.0.0.1:0", "--env-file", file)
	const mark = "The same on a page: "
	p.until("end of the introduction", func() bool { return strings.Contains(p.out.String(), mark) })
	printed, env := p.out.String(), readEnvFile(t, file)

	var want []string
	for _, name := range []string{"URL", "CLIENT_ID", "CLIENT_SECRET", "USER", "PASSWORD", "API_TOKEN"} {
		for _, suffix := range []string{"", "_DEMO", "_UNIVERSITY"} {
			want = append(want, "MYTIMETABLE_"+name+suffix)
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(env))); diff != "" {
		t.Errorf("names in the env file (-want +got):\n%s", diff)
	}

	link := regexp.MustCompile(`(?m)^http\S+/oauth/authorize\?\S+$`).FindString(printed)
	back := signInAt(t, link, env["MYTIMETABLE_USER"], env["MYTIMETABLE_PASSWORD"])
	code := back.Query().Get("code")
	if back.Host != "localhost" || code == "" {
		t.Fatalf("%s leads back to %s", link, back)
	}
	pasted := pasteable(printed)
	if n := strings.Count(pasted, "curl "); n != 2 {
		t.Fatalf("%d commands to paste; a code is good once:\n%s", n, printed)
	}
	request, call, _ := strings.Cut(pasted, "ACCESS_TOKEN='paste it here'\n")
	answer := bash(t, "CODE='"+code+"'\n"+request, nil)
	token := regexp.MustCompile(`"access_token":"([^"]+)"`).FindStringSubmatch(answer)
	if token == nil {
		t.Fatalf("the request for a token: %s", answer)
	}
	if shown := bash(t, "ACCESS_TOKEN='"+token[1]+"'\n"+call, nil); !strings.Contains(shown, `"username":"ann"`) {
		t.Errorf("the call: %s", shown)
	}

	for _, name := range []string{"ann's own page, where access is taken back: ", "The mails that people would be sent: ", mark} {
		_, rest, _ := strings.Cut(printed, name)
		at, _, _ := strings.Cut(rest, "\n")
		if got := httpGet(t, http.DefaultClient, at, ""); got.status != http.StatusOK {
			t.Errorf("%s%s: %d", name, at, got.status)
		}
	}
}

var hiddenFields = regexp.MustCompile(`<input[^>]* name="(form|request|scope)"[^>]* value="([^"]*)"`)

// signInAt is a person with a browser who allows everything, and is sent back.
func signInAt(t *testing.T, link, name, password string) *url.URL {
	t.Helper()
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Hostname() == "localhost" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	base, _, _ := strings.Cut(link, "/oauth/")
	page := httpGet(t, browser, link, "")
	for _, form := range []struct {
		path string
		own  url.Values
	}{{"/login", url.Values{"name": {name}, "password": {password}}}, {"/consent", url.Values{"decision": {"allow"}}}} {
		for _, field := range hiddenFields.FindAllStringSubmatch(page.body, -1) {
			form.own.Add(field[1], field[2])
		}
		r, err := http.NewRequest(http.MethodPost, base+form.path, strings.NewReader(form.own.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		page = httpSend(t, browser, r)
	}
	back, err := url.Parse(page.header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return back
}
