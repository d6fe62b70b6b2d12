package login

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

func TestSignInElsewhere(t *testing.T) {
	s := openSite(t)
	location := s.begin(t, "uni", Intent{Request: "handle"})
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for name, want := range map[string]string{
		"response_type": "code", "client_id": clientID, "redirect_uri": "https://login.example/login/from/uni", "scope": "openid email", "code_challenge_method": "S256",
	} {
		if q.Get(name) != want {
			t.Errorf("%s is %q", name, q.Get(name))
		}
	}
	if len(q.Get("state")) < 43 || len(q.Get("nonce")) != 43 || len(q.Get("code_challenge")) != 43 || strings.Contains(location, s.browser.Reveal()) {
		t.Errorf("sent to %s", location)
	}
	first, err := s.back("uni", s.op.authorize(t, location), "")
	if err != nil {
		t.Fatal(err)
	}
	if first.Request != "handle" || !first.Created || first.Identity.Subject != "248289" || first.Identity.Issuer != s.op.URL || first.Account.Name != "jan-uni" ||
		first.Account.Profile.Email != "jan@example.org" || first.Account.Profile.EmailVerified || first.Account.Profile.FullName != "Jan de Vries" {
		t.Errorf("%+v", first)
	}
	again, err := s.back("uni", s.op.authorize(t, s.begin(t, "uni", Intent{})), "")
	if err != nil || again.Created || again.Account.ID != first.Account.ID {
		t.Errorf("the second time: %+v, %v", again, err)
	}
	if s.op.requests != 2 {
		t.Errorf("%d token requests", s.op.requests)
	}
}

// TestHowRecentASignInElsewhereIs: the provider is asked for one that is recent
// enough, and what it says of it is believed (OpenID Connect Core §3.1.3.7, auth_time).
func TestHowRecentASignInElsewhereIs(t *testing.T) {
	s := openSite(t)
	for name, row := range map[string]struct {
		since       time.Time
		age, prompt string
	}{
		"whenever":            {},
		"within the hour":     {s.now.Add(-time.Hour), "3600", ""},
		"within five minutes": {s.now.Add(-5 * time.Minute), "300", "login"},
		"now":                 {s.now, "0", "login"},
		"in a moment":         {s.now.Add(time.Second), "0", "login"},
	} {
		u, err := url.Parse(s.begin(t, "uni", Intent{Since: row.since}))
		if err != nil {
			t.Fatal(err)
		}
		if q := u.Query(); q.Get("max_age") != row.age || q.Get("prompt") != row.prompt {
			t.Errorf("%s: %v", name, q)
		}
	}
	old := s.now.Add(-time.Hour).Truncate(time.Second)
	for name, row := range map[string]struct {
		said any
		want time.Time
	}{
		"an hour ago":               {old.Unix(), old},
		"just now":                  {s.now.Unix(), s.now},
		"by a clock that is behind": {s.now.Add(-30 * time.Second).Unix(), s.now},
		"by a clock that is ahead":  {s.now.Add(time.Hour).Unix(), s.now},
		"nothing":                   {nil, s.now},
		"a text":                    {"1", s.now},
		"nonsense":                  {-1, s.now},
	} {
		s.op.claims = map[string]any{"auth_time": row.said}
		a, err := s.back("uni", s.op.authorize(t, s.begin(t, "uni", Intent{})), "")
		if err != nil || !a.At.Equal(row.want) {
			t.Errorf("%s: %v, not %v: %v", name, a.At, row.want, err)
		}
	}
}

// TestIDTokens is row V01, and V05's half of it: the fixture succeeds, and each
// row breaks one thing.
func TestIDTokens(t *testing.T) {
	rows := map[string]func(*site){
		"aud of another":                   func(s *site) { s.op.claims = map[string]any{"aud": "other"} },
		"aud missing":                      func(s *site) { s.op.claims = map[string]any{"aud": nil} },
		"two aud without azp":              func(s *site) { s.op.claims = map[string]any{"aud": []string{clientID, "other"}} },
		"azp of another":                   func(s *site) { s.op.claims = map[string]any{"azp": "other"} },
		"two aud, azp of another":          func(s *site) { s.op.claims = map[string]any{"aud": []string{clientID, "other"}, "azp": "other"} },
		"exp passed":                       func(s *site) { s.op.claims = map[string]any{"exp": time.Now().Add(-time.Minute).Unix()} },
		"exp missing":                      func(s *site) { s.op.claims = map[string]any{"exp": nil} },
		"iat in the future":                func(s *site) { s.op.claims = map[string]any{"iat": time.Now().Add(2 * time.Minute).Unix()} },
		"iat long ago":                     func(s *site) { s.op.claims = map[string]any{"iat": time.Now().Add(-11 * time.Minute).Unix()} },
		"iat missing":                      func(s *site) { s.op.claims = map[string]any{"iat": nil} },
		"nonce of another":                 func(s *site) { s.op.claims = map[string]any{"nonce": strings.Repeat("x", 43)} },
		"nonce missing":                    func(s *site) { s.op.claims = map[string]any{"nonce": nil} },
		"iss of another":                   func(s *site) { s.op.claims = map[string]any{"iss": "https://evil.example"} },
		"iss with a slash":                 func(s *site) { s.op.claims = map[string]any{"iss": s.op.URL + "/"} },
		"iss missing":                      func(s *site) { s.op.claims = map[string]any{"iss": nil} },
		"ISS beside it":                    func(s *site) { s.op.claims = map[string]any{"ISS": "https://evil.example", "iss": nil} },
		"sub missing":                      func(s *site) { s.op.claims = map[string]any{"sub": nil} },
		"sub empty":                        func(s *site) { s.op.claims = map[string]any{"sub": ""} },
		"sub a number":                     func(s *site) { s.op.claims = map[string]any{"sub": 248289} },
		"sub a list":                       func(s *site) { s.op.claims = map[string]any{"sub": []string{"248289", "1"}} },
		"sub of 256 bytes":                 func(s *site) { s.op.claims = map[string]any{"sub": strings.Repeat("x", 256)} },
		"sub with a line break":            func(s *site) { s.op.claims = map[string]any{"sub": "248289\n"} },
		"at_hash of another":               func(s *site) { s.op.claims = map[string]any{"at_hash": "xxxxxxxxxxxxxxxxxxxxxx"} },
		"alg none":                         func(s *site) { s.op.alg = "none" },
		"alg HS256 with the client secret": func(s *site) { s.op.alg = "HS256" },
		"another key":                      func(s *site) { s.op.alg = "stranger" },
		"userinfo is about another":        func(s *site) { s.op.userinfo = map[string]any{"sub": "1"} },
		"userinfo says no sub":             func(s *site) { s.op.userinfo = map[string]any{"sub": nil} },
	}
	for name, spoil := range rows {
		t.Run(name, func(t *testing.T) {
			s := openSite(t)
			spoil(s)
			a, err := s.back("uni", s.op.authorize(t, s.begin(t, "uni", Intent{})), "")
			if err == nil || !errors.Is(err, ErrReturn) && !errors.Is(err, ErrUpstream) {
				t.Errorf("%+v, %v", a, err)
			}
			if all, err := s.store.Accounts().List(t.Context(), "", 10); err != nil || len(all) != 0 {
				t.Errorf("%d accounts, %v", len(all), err)
			}
		})
	}
	for name, allow := range map[string]map[string]any{
		"nothing": nil, "aud as a list": {"aud": []string{clientID}}, "azp": {"azp": clientID}, "two aud and azp": {"aud": []string{"x", clientID}, "azp": clientID},
		"sub of 255 bytes": {"sub": strings.Repeat("x", 255), "name": "x", "email": "x@example.org"},
	} {
		s := openSite(t)
		s.op.claims = allow
		if _, err := s.back("uni", s.op.authorize(t, s.begin(t, "uni", Intent{})), ""); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestMetadata: what a provider says of itself is its own, and leads to https.
func TestMetadata(t *testing.T) {
	rows := map[string]map[string]any{
		"another's":             {"issuer": "https://evil.example"},
		"with a slash":          {"issuer": "/"},
		"no token endpoint":     {"token_endpoint": nil},
		"keys by http":          {"jwks_uri": "http://127.0.0.1/keys"},
		"sign-in by javascript": {"authorization_endpoint": "javascript:alert(1)"},
		"sign-in by http":       {"authorization_endpoint": "http://login.example/"},
		"a number":              {"token_endpoint": 1},
	}
	for name, put := range rows {
		s := openSite(t)
		if put["issuer"] == "/" {
			put["issuer"] = s.op.URL + "/"
		}
		s.op.metadata = put
		w := httptest.NewRecorder()
		err := s.Begin(w, httptest.NewRequest(http.MethodPost, "/", nil), "uni", Intent{})
		if !errors.Is(err, ErrUpstream) || w.Header().Get("Location") != "" {
			t.Errorf("%s: %v", name, err)
		}
		// It is asked again, and not at once.
		s.op.metadata = nil
		if err := s.Begin(w, httptest.NewRequest(http.MethodPost, "/", nil), "uni", Intent{}); !errors.Is(err, ErrUpstream) {
			t.Errorf("%s, at once: %v", name, err)
		}
		s.now = s.now.Add(patience)
		s.begin(t, "uni", Intent{})
	}
	s := openSite(t)
	s.begin(t, "uni", Intent{})
	s.op.Close()
	s.now = s.now.Add(endured - time.Second)
	s.begin(t, "uni", Intent{}) // it is endured for a day
	s.now = s.now.Add(patience)
	if err := s.Begin(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil), "uni", Intent{}); !errors.Is(err, ErrUpstream) {
		t.Errorf("after a day: %v", err)
	}
	if err := s.Begin(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil), "none", Intent{}); !errors.Is(err, ErrProvider) {
		t.Errorf("an unknown name: %v", err)
	}
}

// TestReturns is rows V02, V03 and V04.
func TestReturns(t *testing.T) {
	rows := map[string]struct {
		name  string
		spoil func(*site, url.Values)
	}{
		"no state":               {"uni", func(_ *site, q url.Values) { q.Del("state") }},
		"another state":          {"uni", func(s *site, q url.Values) { q.Set("state", opaque(t).Reveal()) }},
		"a state of ours twice":  {"uni", func(_ *site, q url.Values) { q.Add("state", q.Get("state")) }},
		"no code":                {"uni", func(_ *site, q url.Values) { q.Del("code") }},
		"a code and an error":    {"uni", func(_ *site, q url.Values) { q.Set("error", "access_denied") }},
		"two codes":              {"uni", func(_ *site, q url.Values) { q.Add("code", "x") }},
		"another browser":        {"uni", func(s *site, _ url.Values) { s.browser = opaque(t) }},
		"a browser without one":  {"uni", func(s *site, _ url.Values) { s.browser = secret.Secret{} }},
		"at another provider":    {"other", func(*site, url.Values) {}},
		"at an unknown provider": {"none", func(*site, url.Values) {}},
		"another iss":            {"uni", func(_ *site, q url.Values) { q.Set("iss", "https://evil.example") }},
		"iss promised":           {"uni", func(*site, url.Values) {}},
		"after ten minutes":      {"uni", func(s *site, _ url.Values) { s.now = s.now.Add(awayFor) }},
		"somebody else's link":   {"uni", func(*site, url.Values) {}},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			s := openSite(t)
			intent := Intent{}
			if name == "iss promised" {
				s.op.metadata = map[string]any{"authorization_response_iss_parameter_supported": true}
			}
			if name == "somebody else's link" {
				intent.Link = "an account that is not signed in"
			}
			browser, query := s.browser, s.op.authorize(t, s.begin(t, "uni", intent))
			row.spoil(s, query)
			a, err := s.back(row.name, query, "")
			if !errors.Is(err, ErrReturn) && !errors.Is(err, ErrProvider) || a.Request != "" || a.Account.ID != "" {
				t.Errorf("%+v, %v", a, err)
			}
			if s.op.requests != 0 {
				t.Error("the code was sent")
			}
			if name == "another browser" || name == "at another provider" { // which spent nothing
				s.browser = browser
				if _, err := s.back("uni", query, ""); err != nil {
					t.Errorf("the right one then: %v", err)
				}
			}
		})
	}
	s := openSite(t)
	query := s.op.authorize(t, s.begin(t, "uni", Intent{}))
	query.Set("iss", s.op.URL)
	if _, err := s.back("uni", query, ""); err != nil {
		t.Errorf("with its iss: %v", err)
	}
	query = url.Values{"error": {"access_denied"}, "state": {s.op.authorize(t, s.begin(t, "uni", Intent{Request: "r"})).Get("state")}}
	if a, err := s.back("uni", query, ""); !errors.Is(err, ErrDeclined) || a.Request != "r" {
		t.Errorf("declined: %+v, %v", a, err)
	}
	if _, err := s.back("uni", query, ""); !errors.Is(err, ErrReturn) {
		t.Errorf("declined twice: %v", err)
	}
}

// TestOneOfManyReturns is row V04 with a provider that redeems a code as often as
// it is asked to.
func TestOneOfManyReturns(t *testing.T) {
	s := openSite(t)
	s.op.keepCode = true
	query := s.op.authorize(t, s.begin(t, "uni", Intent{}))
	var (
		all  sync.WaitGroup
		came atomic.Int32
	)
	for range 30 {
		all.Go(func() {
			_, err := s.back("uni", query, "")
			if err == nil {
				came.Add(1)
			} else if !errors.Is(err, ErrReturn) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if came.Load() != 1 || s.op.requests != 1 {
		t.Errorf("%d came, %d token requests", came.Load(), s.op.requests)
	}
}

// TestWhoseAccount is rows P18, P14, P22 and V06: the address is the same as that
// of an account here, and says nothing.
func TestWhoseAccount(t *testing.T) {
	s := openSite(t)
	arrive := func(name string, intent Intent, signedIn string) (Arrival, error) {
		return s.back(name, s.op.authorize(t, s.begin(t, name, intent)), signedIn)
	}
	jan := s.account(t, "jan")
	// "other" makes no accounts.
	if a, err := arrive("other", Intent{Request: "r"}, ""); !errors.Is(err, ErrNoAccount) || a.Account.ID != "" || a.Request != "r" {
		t.Errorf("without a link: %+v, %v", a, err)
	}
	if _, err := arrive("other", Intent{}, jan.ID); !errors.Is(err, ErrNoAccount) {
		t.Errorf("signed in, without asking for a link: %v", err)
	}
	s.proven = s.now.Add(-6 * time.Minute)
	if a, err := arrive("other", Intent{Link: jan.ID}, jan.ID); !errors.Is(err, account.ErrStepUp) || a.Linked {
		t.Errorf("linked without a recent proof: %+v, %v", a, err)
	}
	s.proven = s.now
	if a, err := arrive("other", Intent{Link: jan.ID}, jan.ID); err != nil || !a.Linked || a.Account.ID != jan.ID {
		t.Errorf("linked: %+v, %v", a, err)
	}
	if a, err := arrive("other", Intent{}, ""); err != nil || a.Linked || a.Account.ID != jan.ID {
		t.Errorf("then: %+v, %v", a, err)
	}
	if a, err := arrive("other", Intent{Link: jan.ID}, jan.ID); err != nil || a.Linked {
		t.Errorf("linked again: %+v, %v", a, err)
	}
	id := jan.ID
	if a, err := arrive("other", Intent{Link: "piet"}, "piet"); !errors.Is(err, ErrTaken) {
		t.Errorf("another's: %+v, %v", a, err)
	}
	// Another subject is another person, whatever the address.
	s.op.claims = map[string]any{"sub": "999", "name": "Jan", "email": "jan@example.org", "email_verified": true}
	a, err := arrive("uni", Intent{}, "")
	if err != nil || !a.Created || a.Account.ID == id || a.Account.Profile.EmailVerified {
		t.Errorf("another subject: %+v, %v", a, err)
	}
	// The name there is taken here: another one is found.
	s.op.claims["sub"] = "1000"
	b, err := arrive("uni", Intent{}, "")
	if err != nil || !b.Created || !strings.HasPrefix(b.Account.Name, "uni-") {
		t.Errorf("a name that is taken: %+v, %v", b, err)
	}
	s.op.claims["sub"] = "999"
	by := store.By{Actor: "test", At: s.now}
	if err := s.store.Accounts().SetDisabled(t.Context(), a.Account.ID, true, s.now, by); err != nil {
		t.Fatal(err)
	}
	if c, err := arrive("uni", Intent{Request: "r"}, ""); !errors.Is(err, ErrAccountDisabled) || c.Account.ID != "" || c.Request != "r" {
		t.Errorf("disabled: %+v, %v", c, err)
	}
}

// TestNothingLeaks: what the provider writes into an error may hold the code.
func TestNothingLeaks(t *testing.T) {
	s := openSite(t)
	s.op.status = 500
	query := s.op.authorize(t, s.begin(t, "uni", Intent{Request: "r"}))
	a, err := s.back("uni", query, "")
	if !errors.Is(err, ErrUpstream) || a.Request != "r" || strings.Contains(err.Error(), query.Get("code")) || strings.Contains(err.Error(), clientSecret) {
		t.Errorf("%+v, %v", a, err)
	}
}

// TestFirstTimeTwiceAtOnce: whoever comes for the first time in many browsers gets
// one account.
func TestFirstTimeTwiceAtOnce(t *testing.T) {
	s := openSite(t)
	var queries []url.Values
	for range 8 {
		queries = append(queries, s.op.authorize(t, s.begin(t, "uni", Intent{})))
	}
	var (
		all   sync.WaitGroup
		mu    sync.Mutex
		which = map[string]bool{}
	)
	for _, query := range queries {
		all.Go(func() {
			a, err := s.back("uni", query, "")
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			which[a.Account.ID] = true
		})
	}
	all.Wait()
	if left, err := s.store.Accounts().List(t.Context(), "", 10); err != nil || len(which) != 1 || len(left) != 1 {
		t.Errorf("%d accounts came, %d are left, %v", len(which), len(left), err)
	}
}
