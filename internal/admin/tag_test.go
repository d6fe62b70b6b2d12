package admin

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// matching gives a request a condition.
func matching(tags ...string) func(*http.Request) {
	return func(r *http.Request) { r.Header["If-Match"] = tags }
}

func TestTagOfEverythingThatIsOne(t *testing.T) {
	f := open(t)
	f.walk(t, func(r route, path, _ string) {
		if r.method != "GET" {
			return
		}
		w, again := f.ask(writer, "GET", path, ""), f.ask(writer, "GET", path, "")
		tag := w.Header().Get("ETag")
		if one := resources[r.path] != nil; one != (tag != "") || tag != again.Header().Get("ETag") {
			t.Errorf("%s has the tags %q and %q", r.name, tag, again.Header().Get("ETag"))
		}
	})
}

func TestChangeAsItWasSeen(t *testing.T) {
	f := open(t)
	path := f.does(t, 201, "POST", clientsOfStaging, wanted).Header().Get("Location")
	seen := f.does(t, 200, "GET", path, "").Header().Get("ETag")
	change := func(name string, how ...func(*http.Request)) *httptest.ResponseRecorder {
		return f.ask(writer, "PATCH", path, `{"name":"`+name+`"}`, how...)
	}
	if w := change("One", matching(seen)); w.Code != 200 {
		t.Fatalf("as it was seen: %d %s", w.Code, w.Body)
	}
	isProblem(t, change("Two", matching(seen)), 412)
	now := f.does(t, 200, "GET", path, "").Header().Get("ETag")
	if now == seen {
		t.Fatal("the tag did not move")
	}
	for name, row := range map[string]struct {
		sent []string
		want int
	}{
		"none":               {nil, 200},
		"any":                {[]string{"*"}, 200},
		"weak":               {[]string{"W/" + "TAG"}, 412},
		"another":            {[]string{`"x"`}, 412},
		"one of several":     {[]string{`"x", TAG`}, 200},
		"in lines":           {[]string{`"x"`, "TAG"}, 200},
		"empty members":      {[]string{`, "x",, TAG ,`}, 200},
		"a comma in it":      {[]string{`"x,y"`}, 412},
		"empty":              {[]string{""}, 400},
		"without quotes":     {[]string{"xyzzy"}, 400},
		"not closed":         {[]string{`"x`}, 400},
		"without a comma":    {[]string{`"x" "y"`}, 400},
		"something after it": {[]string{`"x"y`}, 400},
	} {
		now := f.does(t, 200, "GET", path, "").Header().Get("ETag")
		var sent []string
		for _, s := range row.sent {
			sent = append(sent, strings.ReplaceAll(s, "TAG", now))
		}
		if w := change("Name "+name, matching(sent...)); w.Code != row.want {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	// It holds for everything that is done to it, and what it is not about has none.
	now = f.does(t, 200, "GET", path, "").Header().Get("ETag")
	if w := f.ask(writer, "POST", path+"/disable", "", matching(now)); w.Code != 200 {
		t.Errorf("disable: %d %s", w.Code, w.Body)
	}
	isProblem(t, f.ask(writer, "DELETE", path, "", matching(now)), 412)
	isProblem(t, f.ask(writer, "POST", path+"/secrets", `{}`, matching(now)), 412)
	isProblem(t, f.ask(writer, "POST", clientsOfStaging, wanted, matching("*")), 412)
	isProblem(t, f.ask(writer, "DELETE", clientsOfStaging+"/nobody", "", matching("*")), 404)
	if w := f.ask(writer, "GET", path, "", matching(`"x"`)); w.Code != 200 {
		t.Errorf("a look: %d", w.Code)
	}
}

// An API token is at the address that making it answered with, and is revoked as it was
// seen. A use of it is no change.
func TestAPITokenAsItWasSeen(t *testing.T) {
	f := open(t)
	made := f.does(t, 201, "POST", apiTokensOfStaging, `{"name":"Door signs"}`)
	id, path := decoded[APITokenChanged](t, made).APIToken.ID, made.Header().Get("Location")
	w := f.does(t, 200, "GET", path, "")
	seen := w.Header().Get("ETag")
	if one := decoded[APIToken](t, w); one.ID != id || one.State != APITokenGood {
		t.Errorf("it is %+v", one)
	}
	if err := f.apiTokens["staging"].Store.Used(t.Context(), map[string]time.Time{id: today.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if w := f.does(t, 200, "GET", path, ""); decoded[APIToken](t, w).LastUsedAt.IsZero() || w.Header().Get("ETag") != seen {
		t.Errorf("used, the tag was %s and is %s: %s", seen, w.Header().Get("ETag"), w.Body)
	}
	isProblem(t, f.ask(writer, "DELETE", path, "", matching(`"x"`)), 412)
	if w := f.ask(writer, "DELETE", path, "", matching(seen)); w.Code != 200 || decoded[APITokenChanged](t, w).APIToken.State != APITokenRevoked {
		t.Errorf("as it was seen: %d %s", w.Code, w.Body)
	}
	isProblem(t, f.ask(writer, "DELETE", path, "", matching(seen)), 412)
	isProblem(t, f.ask(writer, "GET", apiTokensOfStaging+"/nothing", ""), 404)
}

// A use of a secret is no change of the client.
func TestTagStaysWhenASecretIsUsed(t *testing.T) {
	f := open(t)
	made := f.does(t, 201, "POST", clientsOfStaging, wanted)
	path := made.Header().Get("Location")
	seen := f.does(t, 200, "GET", path, "").Header().Get("ETag")
	changed := decoded[Changed](t, made)
	if err := f.environments[0].Secrets.Used(t.Context(), map[string]store.SecretUse{changed.SecretID: {At: today.Add(time.Hour), From: "203.0.113.0/24"}}); err != nil {
		t.Fatal(err)
	}
	w := f.does(t, 200, "GET", path, "")
	if s := decoded[Client](t, w).Secrets[0]; s.LastUsedAt.IsZero() || s.LastUsedFrom != "203.0.113.0/24" || w.Header().Get("ETag") != seen {
		t.Errorf("the tag was %s and is %s: %s", seen, w.Header().Get("ETag"), w.Body)
	}
}

// TestOneOfManyWhoSawTheSame: of many who saw the same, one changes it, also where
// they ask two servers.
func TestOneOfManyWhoSawTheSame(t *testing.T) {
	folder := t.TempDir()
	at := func(name string) string { return "sqlite:" + filepath.Join(folder, name+".db") }
	nodes := []*fixture{openAt(t, at), openAt(t, at)}
	f := nodes[0]
	organisation, member, request, owner := f.organised(t)
	client := f.does(t, 201, "POST", clientsOfStaging, wanted).Header().Get("Location")
	for _, row := range []struct{ method, path, action, body string }{
		{"PATCH", client, "", `{"name":"Client %d"}`},
		{"PATCH", Prefix + "/environments/home/accounts/" + member, "", `{"full_name":"Person %d"}`},
		{"PATCH", partners + "/" + organisation, "", `{"name":"Partner %d"}`},
		{"POST", requests + "/" + request, "/refuse", `{"reason":"Reason %d"}`},
		{"PATCH", operators + "/" + owner, "", `{"roles":{"add":["auditor"]}}`},
	} {
		seen := f.does(t, 200, "GET", row.path, "").Header().Get("ETag")
		const many = 50
		codes := make([]int, many)
		var wg sync.WaitGroup
		for i := range many {
			body := row.body
			if strings.Contains(body, "%d") {
				body = fmt.Sprintf(body, i)
			}
			wg.Go(func() {
				codes[i] = patiently(func() *httptest.ResponseRecorder {
					return nodes[i%2].ask(writer, row.method, row.path+row.action, body, matching(seen))
				}).Code
			})
		}
		wg.Wait()
		found := map[int]int{}
		for _, code := range codes {
			found[code]++
		}
		// Of a request the store also says that it is decided.
		if found[200] != 1 || found[412]+found[409] != many-1 || found[409] > 0 && row.action == "" {
			t.Errorf("%s %s%s: answered %v", row.method, row.path, row.action, found)
		}
	}
	if a := f.Handler.(*api); len(a.turns.taken) != 0 {
		t.Errorf("%d turns are not over", len(a.turns.taken))
	}
}

// A late body is there once something else was done.
type late struct {
	io.Reader
	first func()
	once  sync.Once
}

func (l *late) Read(p []byte) (int, error) {
	l.once.Do(l.first)
	return l.Reader.Read(p)
}

// TestMovedBetweenLookAndDeed: what another server changes after the look is seen by
// the deed, whatever the thing. A body is read between the two.
func TestMovedBetweenLookAndDeed(t *testing.T) {
	folder := t.TempDir()
	at := func(name string) string { return "sqlite:" + filepath.Join(folder, name+".db") }
	f, other := openAt(t, at), openAt(t, at)
	organisation, member, request, owner := f.organised(t)
	client := f.does(t, 201, "POST", clientsOfStaging, wanted).Header().Get("Location")
	account, acme, nell := Prefix+"/environments/home/accounts/"+member, partners+"/"+organisation, operators+"/"+owner
	for _, row := range []struct{ thing, method, path, body, otherMethod, otherPath, otherBody string }{
		{client, "PATCH", client, `{"name":"A"}`, "POST", client + "/secrets", `{}`},
		{client, "POST", client + "/secrets", `{}`, "PATCH", client, `{"name":"B"}`},
		{client, "PATCH", client, `{"name":"C"}`, "POST", client + "/disable", ``},
		{account, "PATCH", account, `{"full_name":"A"}`, "PATCH", account, `{"full_name":"B"}`},
		{account, "PATCH", account, `{"full_name":"C"}`, "POST", account + "/disable", ``},
		{acme, "PATCH", acme, `{"name":"A"}`, "PATCH", acme, `{"name":"B"}`},
		{acme, "POST", acme + "/members", `{"email":"c@acme.example","role":"admin"}`, "PATCH", acme, `{"name":"C"}`},
		{requests + "/" + request, "POST", requests + "/" + request + "/approve", `{}`, "POST", requests + "/" + request + "/withdraw", ``},
		{nell, "PATCH", nell, `{"roles":{"add":["support"]}}`, "PATCH", nell, `{"roles":{"add":["auditor"]}}`},
	} {
		seen := f.does(t, 200, "GET", row.thing, "").Header().Get("ETag")
		w := f.ask(writer, row.method, row.path, row.body, matching(seen), func(r *http.Request) {
			r.Body = io.NopCloser(&late{Reader: r.Body, first: func() {
				if w := other.ask(writer, row.otherMethod, row.otherPath, row.otherBody); w.Code > 299 {
					t.Errorf("%s %s: %d %s", row.otherMethod, row.otherPath, w.Code, w.Body)
				}
			}})
		})
		if w.Code != 412 && !(strings.HasSuffix(row.path, "/approve") && w.Code == 409) {
			t.Errorf("%s %s after %s %s: %d %s", row.method, row.path, row.otherMethod, row.otherPath, w.Code, w.Body)
		}
		if now := f.does(t, 200, "GET", row.thing, "").Body.String(); row.method == "PATCH" && strings.Contains(now, strings.Trim(row.body, "{}")) {
			t.Errorf("%s %s was done: %s", row.method, row.path, now)
		}
	}
}
