package proxy

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestLogoutRevokes: who signs out has the issuer end their token, and does not wait
// for it: here the issuer answers only once the person has gone.
func TestLogoutRevokes(t *testing.T) {
	w := start(t, signIn)
	w.revoked, w.proxy.people.patience = make(chan string), time.Hour
	b := w.signedIn()
	if g := w.ask(&b.Client, "POST", "/auth/logout", "", "Origin", w.front.URL, "Accept", "application/json"); g.StatusCode != 200 {
		t.Fatalf("%d %s", g.StatusCode, g.body)
	}
	if ended := <-w.revoked; ended != "refresh-1" {
		t.Errorf("ended %q", ended)
	}
	w.proxy.ending.Wait()
	if log := w.log.String(); strings.Contains(log, "WARN") {
		t.Error(log)
	}
}

// TestLogoutWithoutRevoking: where the file says so, and where nobody is signed in,
// nothing is ended; where the issuer fails, the log says so.
func TestLogoutWithoutRevoking(t *testing.T) {
	w := start(t, strings.Replace(signIn, "idle:", "revoke: false, idle:", 1))
	for _, c := range []*http.Client{&w.signedIn().Client, nil} {
		if g := w.ask(c, "POST", "/auth/logout", "", "Origin", w.front.URL, "Accept", "application/json"); g.StatusCode != 200 {
			t.Errorf("%d %s", g.StatusCode, g.body)
		}
	}
	w.proxy.ending.Wait()
	if len(w.revoked) > 0 {
		t.Errorf("ended %q", <-w.revoked)
	}

	w = start(t, signIn)
	b := w.signedIn()
	w.issuer.Close()
	if g := w.ask(&b.Client, "POST", "/auth/logout", "", "Origin", w.front.URL, "Accept", "application/json"); g.StatusCode != 200 {
		t.Errorf("%d %s", g.StatusCode, g.body)
	}
	w.proxy.ending.Wait()
	if log := w.log.String(); !strings.Contains(log, "level=WARN") || strings.Contains(log, "refresh-1") {
		t.Error(log)
	}
}

// TestStreamEndsWithSession: what is still being answered when somebody signs out is cut off.
func TestStreamEndsWithSession(t *testing.T) {
	w := start(t, strings.Replace(signIn, "idle:", "revoke: false, idle:", 1))
	b := w.signedIn()
	left := make(chan struct{})
	w.answer = func(rw http.ResponseWriter, r *http.Request) {
		io.WriteString(rw, "data: 1\n\n")
		_ = http.NewResponseController(rw).Flush()
		<-r.Context().Done()
		close(left)
	}
	u, err := url.Parse(w.front.URL)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.front.URL+"/api/notes", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", b.Jar.Cookies(u)[0].String())
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	first := make([]byte, 9)
	if _, err := io.ReadFull(answer.Body, first); err != nil {
		t.Fatal(err)
	}
	w.ask(&b.Client, "POST", "/auth/logout", "", "Origin", w.front.URL)
	if rest, err := io.ReadAll(answer.Body); err == nil || len(rest) > 0 {
		t.Errorf("it goes on: %q, %v", rest, err)
	}
	<-left
}

// TestCallEndsWithSession: a call that the API has not answered when its session ends
// is told to sign in, and leaves the cookie alone, which may be the next session's.
func TestCallEndsWithSession(t *testing.T) {
	w := start(t, signIn)
	b := w.signedIn()
	w.answer = func(_ http.ResponseWriter, r *http.Request) {
		w.proxy.sessions.end("ann", "")
		<-r.Context().Done()
	}
	g := w.ask(&b.Client, "GET", "/api/notes", "")
	if g.StatusCode != 401 || g.told.Login == "" || g.Header["Set-Cookie"] != nil {
		t.Errorf("%d %v %s", g.StatusCode, g.Header, g.body)
	}
}

// TestDuring: a session is in use as long as a call is, and ends at its end whatever
// is under way.
func TestDuring(t *testing.T) {
	now := time.Now()
	s := newSessions(10, time.Minute, time.Hour, func() time.Time { return now })
	x := &session{}
	s.add("handle", x)
	ctx, done := s.during(t.Context(), x)
	now = now.Add(30 * time.Minute)
	if s.find("handle") != x || ctx.Err() != nil {
		t.Error("it ended during a call")
	}
	now = now.Add(10 * time.Minute)
	done()
	now = now.Add(time.Minute - 1)
	if s.find("handle") != x {
		t.Error("it was not used until the call's end")
	}
	now = now.Add(time.Minute)
	if s.find("handle") != nil {
		t.Error("it did not end")
	}

	s.add("other", x)
	now = now.Add(time.Hour)
	ctx, done = s.during(t.Context(), x)
	defer done()
	<-ctx.Done()
	if context.Cause(ctx) == nil || s.find("other") != nil {
		t.Error("it goes on")
	}
}

// TestNoticeOfSubject: a session whose issuer gave it no name ends by its person's.
func TestNoticeOfSubject(t *testing.T) {
	for _, row := range []struct {
		sid, subject, said string
		ended              int
	}{
		{sid: "s1", subject: "ann", said: "s1", ended: 1},
		{sid: "s1", subject: "", said: "s1", ended: 1},
		{sid: "", subject: "ann", said: "s1", ended: 1},
		{sid: "s2", subject: "ann", said: "s1", ended: 0},
		{sid: "s1", subject: "eve", said: "s1", ended: 0},
		{sid: "s2", subject: "ann", said: "", ended: 1},
		{sid: "s2", subject: "", said: "", ended: 0},
	} {
		s := newSessions(10, time.Minute, time.Hour, time.Now)
		s.add("handle", &session{subject: "ann", sid: row.said})
		if ended := s.end(row.subject, row.sid); ended != row.ended {
			t.Errorf("%+v: %d", row, ended)
		}
	}
}

// TestForgedNotices: strangers cannot make the proxy ask the issuer for its keys
// again and again.
func TestForgedNotices(t *testing.T) {
	w := start(t, signIn)
	token := sign(map[string]any{"iss": w.issuer.URL, "aud": "app", "sub": "ann", "iat": time.Now().Unix(), "events": map[string]any{logoutEvent: map[string]any{}}})
	body := url.Values{"logout_token": {token[:len(token)-8] + "AAAAAAAA"}}.Encode()
	const notices = 200
	for range notices {
		if g := w.ask(nil, "POST", "/auth/backchannel", body, "Content-Type", "application/x-www-form-urlencoded"); g.StatusCode != 400 {
			t.Fatalf("%d %s", g.StatusCode, g.body)
		}
	}
	if w.keys > notices/2 {
		t.Errorf("the issuer was asked %d times", w.keys)
	}
}

// TestForeignAnswer: an answer that belongs to another sign-in does not spoil the one
// that the browser waits for: anybody can send a browser there.
func TestForeignAnswer(t *testing.T) {
	w := start(t, signIn)
	g := w.ask(nil, "GET", "/auth/login", "")
	cookie, _, _ := strings.Cut(g.Header.Get("Set-Cookie"), ";")
	back := w.ask(nil, "GET", g.Header.Get("Location"), "").Header.Get("Location")
	for _, foreign := range []string{"/auth/callback", "/auth/callback?state=x&code=y&iss=" + url.QueryEscape(w.issuer.URL)} {
		g = w.ask(nil, "GET", foreign, "", "Cookie", cookie)
		if g.StatusCode != 400 || g.Header["Set-Cookie"] != nil {
			t.Errorf("%s: %d %v", foreign, g.StatusCode, g.Header)
		}
	}
	g = w.ask(nil, "GET", back, "", "Cookie", cookie)
	if g.StatusCode != 303 || !strings.Contains(strings.Join(g.Header["Set-Cookie"], "\n"), "grantway-app-signin=;") {
		t.Errorf("%d %v %s", g.StatusCode, g.Header, g.body)
	}
}

// TestCodesAreBounded: nobody makes the proxy ask the token endpoint in its own name
// as often as they like.
func TestCodesAreBounded(t *testing.T) {
	w := start(t, signIn)
	g := w.ask(nil, "GET", "/auth/login", "")
	cookie, _, _ := strings.Cut(g.Header.Get("Set-Cookie"), ";")
	back, err := url.Parse(w.ask(nil, "GET", g.Header.Get("Location"), "").Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	q := back.Query()
	q.Set("code", "of-somebody")
	statuses := map[int]int{}
	const answers = 100
	for range answers {
		statuses[w.ask(nil, "GET", "/auth/callback?"+q.Encode(), "", "Cookie", cookie).StatusCode]++
	}
	if statuses[400]+statuses[429] != answers || statuses[429] < answers/2 {
		t.Errorf("%v", statuses)
	}
}
