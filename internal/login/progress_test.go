package login

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// aVisit is a visit of a browser with this handle, which brings the cookies that an
// earlier answer set.
func aVisit(t *testing.T, browser string, now time.Time, before *httptest.ResponseRecorder) (*visit, *httptest.ResponseRecorder) {
	t.Helper()
	seal, err := keys.NewSeal(strings.Repeat("5e", 32))
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := url.Parse("https://auth.example")
	if err != nil {
		t.Fatal(err)
	}
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "https://auth.example/login", nil)
	if before != nil {
		for _, c := range before.Result().Cookies() {
			r.AddCookie(c)
		}
	}
	j := &Journey{Environment: "live", Issuer: issuer, Seal: seal, Now: func() time.Time { return now }}
	return &visit{w: w, r: r, j: j, browser: browser}, w
}

// TestProgressIsOneBrowsers: what is half proven counts in the browser in which it
// was, for a quarter of an hour, in its environment.
func TestProgressIsOneBrowsers(t *testing.T) {
	now := time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC)
	v, w := aVisit(t, "b1", now, nil)
	v.proved("anna", account.Proof{Method: account.Password, At: now})
	if err := v.keep(); err != nil {
		t.Fatal(err)
	}
	cookie := w.Header().Get("Set-Cookie")
	for _, want := range []string{"__Host-grantway-live-progress=", "; Path=/;", "HttpOnly", "Secure", "SameSite=Lax"} { // row P10
		if !strings.Contains(cookie, want) || strings.Contains(cookie, "Domain") {
			t.Errorf("P10: %s lacks %s", cookie, want)
		}
	}
	if strings.Contains(cookie, "anna") {
		t.Errorf("the cookie can be read: %s", cookie)
	}
	for name, row := range map[string]struct {
		browser string
		after   time.Duration
		env     string
		good    bool
	}{
		"good":                {"b1", progressFor - time.Nanosecond, "live", true},
		"too late":            {"b1", progressFor, "live", false},
		"another browser":     {"b2", 0, "live", false},
		"another environment": {"b1", 0, "other", false},
	} {
		later, _ := aVisit(t, row.browser, now.Add(row.after), w)
		later.j.Environment = row.env
		if row.env != "live" { // the cookie has another name there: an attacker would rename it
			later.r.Header.Set("Cookie", strings.Replace(later.r.Header.Get("Cookie"), "live", row.env, 1))
		}
		got, err := later.readProgress()
		if err != nil || (got.AccountID == "anna") != row.good {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
	// Pages that are shown meanwhile do not make it longer.
	half, shown := aVisit(t, "b1", now.Add(progressFor/2), w)
	var err error
	if half.progress, err = half.readProgress(); err != nil {
		t.Fatal(err)
	}
	if err := half.keep(); err != nil {
		t.Fatal(err)
	}
	late, _ := aVisit(t, "b1", now.Add(progressFor), shown)
	if got, err := late.readProgress(); err != nil || got.AccountID != "" {
		t.Errorf("a page made it longer: %+v %v", got, err)
	}
	twice, _ := aVisit(t, "b1", now, w)
	twice.r.Header.Set("Cookie", twice.r.Header.Get("Cookie")+"; "+twice.r.Header.Get("Cookie"))
	if _, err := twice.readProgress(); err == nil {
		t.Error("P10: the cookie counts twice")
	}
}

// TestProofsAreOnePersons is row P07: what somebody else proved in this browser does
// not count.
func TestProofsAreOnePersons(t *testing.T) {
	now := time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC)
	v, _ := aVisit(t, "b1", now, nil)
	v.proved("mallory", account.Proof{Method: account.Password, At: now})
	v.proved("mallory", account.Proof{Method: account.TOTP, At: now})
	v.session = &store.Session{ID: "s", AccountID: "mallory", Methods: []string{"pwd", "otp", "mfa"}, AuthenticatedAt: now}
	v.proved("anna", account.Proof{Method: account.Password, At: now})
	who, known := v.who()
	if !known || who.AccountID != "anna" || who.SessionID != "" || len(who.Proven) != 1 || who.Proven[0].Method != account.Password {
		t.Errorf("P07: %+v", who)
	}
	v.proved("anna", account.Proof{Method: account.Passkey, At: now, Verified: true})
	for range 20 {
		now = now.Add(time.Second)
		v.proved("anna", account.Proof{Method: account.Password, At: now})
		v.proved("anna", account.Proof{Method: account.Passkey, At: now})
	}
	if who, _ = v.who(); len(who.Proven) != 3 || !who.Proven[0].Verified || !who.Proven[1].At.Equal(now) {
		t.Errorf("the newest of each kind, and the strongest: %+v", who.Proven)
	}
}

// TestTheWayBackIsOneRequests: a page that asked for a recent sign-in and was left
// does not hold up another request (row A22: nothing from outside says where).
func TestTheWayBackIsOneRequests(t *testing.T) {
	now := time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC)
	v, w := aVisit(t, "b1", now, nil)
	v.stepUp(account.Signed{AccountID: "anna"}, "/account/delete")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/login" || v.returning() != "/account/delete" || !v.wish().Sensitive {
		t.Errorf("%d %v %q", w.Code, w.Header(), v.returning())
	}
	v.pending = &pending{handle: "another", hash: secret.HashOf("another")}
	if v.returning() != "" || v.wish().Sensitive {
		t.Errorf("A22: the other request is to come back to %q", v.returning())
	}
}
