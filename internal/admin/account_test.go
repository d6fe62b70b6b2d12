package admin

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store/sqlstore"
)

// Send keeps a message instead of sending it.
func (f *fixture) Send(_ context.Context, m account.Message) error {
	f.mailed = append(f.mailed, m)
	return nil
}

// peopled are the operations on the people of a store.
func (f *fixture) peopled(db *sqlstore.Store, check *secret.Checker) *People {
	now := func() time.Time { return f.now }
	strength := &account.Strength{Factors: db.Factors(), Identities: db.Identities(), Now: now}
	passwords := &account.Passwords{
		Accounts: db.Accounts(), Factors: db.Factors(), Strength: strength, Checker: check, Attempts: account.NewAttempts(now),
		Devices: &account.Devices{Store: db.Devices(), Random: rand.Reader, Now: now}, Forget: time.Hour, Random: rand.Reader, Now: now,
	}
	return &People{
		People:  &account.People{Accounts: db.Accounts(), Strength: strength, Passwords: passwords, Forget: time.Hour, Random: rand.Reader, Now: now},
		Factors: &account.Factors{Store: db.Factors(), Identities: db.Identities(), Strength: strength},
		Links: &account.Links{
			Store: db.Links(), Accounts: db.Accounts(), Passwords: passwords, Mailer: f, Publisher: "Moves", Random: rand.Reader, Now: now,
			Reset: func(handle string) string { return "https://auth.staging.example/reset/password?link=" + handle },
		},
		Record: &account.Record{
			Accounts: db.Accounts(), Factors: db.Factors(), Identities: db.Identities(), Sessions: db.Sessions(), Devices: db.Devices(),
			Consents: db.Consents(), Grants: db.Grants(), Now: now,
		},
	}
}

// made makes a person and an elevated API token in staging, and returns their ids.
func (f *fixture) made(t *testing.T) (person, token string) {
	t.Helper()
	a := decoded[AccountChanged](t, f.does(t, 201, "POST", accountsOfStaging, `{"name":"`+rand.Text()+`","password":"`+goodPassword+`"}`))
	n := decoded[APITokenChanged](t, f.ask("api-tokens", "POST", apiTokensOfStaging, elevated))
	return a.Account.ID, n.APIToken.ID
}

const (
	accountsOfStaging  = Prefix + "/environments/staging/accounts"
	apiTokensOfStaging = Prefix + "/environments/staging/api-tokens"
	goodPassword       = "seven green bicycles sing"
	elevated           = `{"name":"Planner","apis":["moves"],"elevated":true,"scopes":["moves:read"],"addresses":["192.0.2.0/24"],"ends_at":"2027-01-01T00:00:00Z"}`
)

func TestLifeOfAnAccount(t *testing.T) {
	f := open(t)
	w := f.does(t, 201, "POST", accountsOfStaging,
		`{"name":"Anna","email":"anna@staging.example","email_verified":true,"locale":"nl","roles":["teacher"],"password":"`+goodPassword+`"}`)
	path := w.Header().Get("Location")
	made := decoded[AccountChanged](t, w).Account
	if path != accountsOfStaging+"/"+made.ID || strings.Contains(w.Body.String(), goodPassword) || made.Name != "Anna" {
		t.Errorf("it is at %s: %s", path, w.Body)
	}
	shown := decoded[Account](t, f.does(t, 200, "GET", path, ""))
	if len(shown.Factors) != 1 || shown.Factors[0].Method != "password" || !slices.Equal(shown.Roles, []string{"teacher"}) {
		t.Errorf("shown as %+v", shown)
	}
	for typed, n := range map[string]int{"anna": 1, "ANNA": 1, "anna%40staging.example": 1, "bert": 0, "a+b": 0} {
		if page := decoded[AccountPage](t, f.does(t, 200, "GET", accountsOfStaging+"?name="+typed, "")); len(page.Accounts) != n {
			t.Errorf("%q finds %d", typed, len(page.Accounts))
		}
	}
	f.does(t, 409, "POST", accountsOfStaging, `{"name":"ANNA"}`)

	linked := decoded[AccountChanged](t, f.does(t, 200, "POST", path+"/reset", `{}`))
	if !strings.HasPrefix(linked.Link, "https://auth.staging.example/reset/password?link=") || !linked.LinkEndsAt.Equal(today.Add(30*time.Minute)) {
		t.Errorf("the link is %+v", linked)
	}
	mailed := decoded[AccountChanged](t, f.does(t, 200, "POST", path+"/reset", `{"by":"mail"}`))
	if mailed.Link != "" || mailed.MailedTo != "anna@staging.example" || len(f.mailed) != 1 || f.mailed[0].Language != "nl" {
		t.Errorf("mailed %+v, %+v", mailed, f.mailed)
	}
	f.does(t, 200, "POST", path+"/reset", `{}`)
	if again := f.ask(writer, "POST", path+"/reset", `{}`); again.Code != 429 || again.Header().Get("Retry-After") == "" {
		t.Errorf("a fourth link: %d %s", again.Code, again.Body)
	}

	if a := decoded[AccountChanged](t, f.does(t, 200, "POST", path+"/disable", "")).Account; !a.Disabled {
		t.Errorf("disabled: %+v", a)
	}
	f.does(t, 409, "POST", path+"/reset", `{}`)
	if a := decoded[AccountChanged](t, f.does(t, 200, "POST", path+"/enable", "")).Account; a.Disabled {
		t.Errorf("enabled: %+v", a)
	}
	var exported struct{ Name string }
	if err := json.Unmarshal(f.does(t, 200, "GET", path+"/export", "").Body.Bytes(), &exported); err != nil || exported.Name != "Anna" {
		t.Errorf("exported %+v, %v", exported, err)
	}
	f.does(t, 200, "DELETE", path, "")
	f.does(t, 404, "GET", path, "")
	f.does(t, 404, "DELETE", path, "")
	f.does(t, 201, "POST", accountsOfStaging, `{"name":"anna"}`)
}

func TestAccountsThatAreRefused(t *testing.T) {
	f := open(t)
	f.does(t, 201, "POST", accountsOfStaging, `{"name":"bert"}`)
	for body, field := range map[string]string{
		`{"name":""}`:                                                 "name",
		`{"name":"a b"}`:                                              "name",
		`{"name":"a","email":"a@b@c.example"}`:                        "email", // P19
		`{"name":"a","password":"short"}`:                             "password",
		`{"name":"a","password":""}`:                                  "password",
		`{"name":"a","roles":["two words"]}`:                          "roles",
		`{"name":"a","given_name":"\u0007"}`:                          "profile",
		`{"name":"a","reset":"pigeon"}`:                               "reset",
		`{"name":"a","reset":"mail"}`:                                 "reset",
		`{"name":"a","email":"a@b.example","reset":"mail"}`:           "reset",
		`{"name":"a","trusted":true}`:                                 "/trusted", // O04
		`{"name":"a","id":"0123456789012345678901"}`:                  "/id",
		`{"name":"a","password":"` + strings.Repeat("x", 1025) + `"}`: "password",
	} {
		w := f.ask(writer, "POST", accountsOfStaging, body)
		if p := decoded[Problem](t, w); (w.Code != 422 && w.Code != 400) || len(p.Errors) != 1 || p.Errors[0].Field != field {
			t.Errorf("%s: %d %+v", body, w.Code, p)
		}
	}
	f.people["staging"].Links.Mailer = nil
	w := f.does(t, 422, "POST", accountsOfStaging, `{"name":"a","email":"a@b.example","email_verified":true,"reset":"mail"}`)
	if !strings.Contains(w.Body.String(), "sends no mail") {
		t.Error(w.Body)
	}
}

func TestChangeAccount(t *testing.T) {
	f := open(t)
	path := f.does(t, 201, "POST", accountsOfStaging, `{"name":"anna","email":"a@x.example","email_verified":true,"given_name":"Anna","roles":["teacher"]}`).Header().Get("Location")
	for _, row := range []struct {
		body string
		want string
	}{
		{`{}`, "Anna a@x.example true [teacher]"},
		{`{"given_name":"","roles":{"add":["chair","teacher"]}}`, " a@x.example true [teacher chair]"},
		{`{"email":"b@x.example"}`, " b@x.example false [teacher chair]"},
		{`{"email_verified":true,"roles":{"remove":["teacher"]}}`, " b@x.example true [chair]"},
		{`{"email":"b@x.example"}`, " b@x.example true [chair]"},
		{`{"email":"c@x.example","email_verified":true}`, " c@x.example true [chair]"},
		{`{"email":""}`, "  false [chair]"},
	} {
		a := decoded[AccountChanged](t, f.does(t, 200, "PATCH", path, row.body)).Account
		if got := fmt.Sprint(a.GivenName, " ", a.Email, " ", a.EmailVerified, " ", a.Roles); got != row.want {
			t.Errorf("%s makes it %q, want %q", row.body, got, row.want)
		}
	}
	f.does(t, 422, "PATCH", path, `{"roles":{"remove":["teacher"]}}`)
	f.does(t, 422, "PATCH", path, `{"email":"nowhere"}`)
	f.does(t, 400, "PATCH", path, `{"name":"b"}`)
}

// P21: where nobody signs in, no route makes an account.
func TestP21NoAccountsWhereNobodySignsIn(t *testing.T) {
	f := open(t)
	f.people["staging"] = nil
	f.walk404(t, "accounts")
	f.options.People = nil
	f.restart(t)
	f.walk404(t, "accounts")
}

func (f *fixture) walk404(t *testing.T, noun string) {
	t.Helper()
	for _, r := range table() {
		if !strings.Contains(r.path, "/"+noun) {
			continue
		}
		body := ""
		if r.request != nil {
			body = "{}"
			if r.name == "createAccount" {
				body = `{"name":"a"}`
			}
			if r.name == "importAccounts" {
				body = `{"rows":[]}`
			}
		}
		path := strings.NewReplacer("{environment}", "staging", "{account}", "a").Replace(r.path)
		if w := f.ask(writer, r.method, path, body); w.Code != 404 || !strings.Contains(w.Body.String(), "accounts: true") {
			t.Errorf("%s answers %d %s", r.name, w.Code, w.Body)
		}
	}
}

func TestAccountPages(t *testing.T) {
	f := open(t)
	for i := range 5 {
		f.does(t, 201, "POST", accountsOfStaging, fmt.Sprintf(`{"name":"p%d"}`, i))
	}
	var ids []string
	for after := ""; ; {
		page := decoded[AccountPage](t, f.does(t, 200, "GET", accountsOfStaging+"?limit=2"+after, ""))
		for _, a := range page.Accounts {
			ids = append(ids, a.ID)
		}
		if page.Next == "" {
			break
		}
		after = "&after=" + page.Next
	}
	if len(ids) != 5 || !slices.IsSorted(ids) {
		t.Errorf("listed %v", ids)
	}
}

func TestImport(t *testing.T) {
	f := open(t)
	rows := `{"rows":[{"line":2,"name":"anna","email":"anna@x.example","password_hash":"{bcrypt}$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"},{"line":3,"name":"a b"},{"line":4,"name":"ANNA"}]`
	for i, want := range []string{"created refused exists", "created refused exists", "exists refused exists"} {
		end := "}"
		if i == 0 {
			end = `,"dry_run":true}`
		}
		var got []string
		for _, o := range decoded[Imported](t, f.does(t, 200, "POST", accountsOfStaging+"/import", rows+end)).Outcomes {
			got = append(got, o.Result)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("attempt %d: %v, want %s", i, got, want)
		}
	}
	many := func(n int) string {
		return `{"dry_run":true,"rows":[` + strings.TrimSuffix(strings.Repeat(`{"line":1,"name":"x"},`, n), ",") + `]}`
	}
	f.does(t, 200, "POST", accountsOfStaging+"/import", many(MaxImport))
	f.does(t, 422, "POST", accountsOfStaging+"/import", many(MaxImport+1))
}

func TestAPITokenNeedsASecondOperator(t *testing.T) {
	f := open(t)
	w := f.does(t, 201, "POST", apiTokensOfStaging, elevated)
	made := decoded[APITokenChanged](t, w)
	path := w.Header().Get("Location")
	if made.APIToken.State != APITokenWaits || made.Text == "" || path != apiTokensOfStaging+"/"+made.APIToken.ID {
		t.Errorf("made %+v at %s", made, path)
	}
	f.does(t, 404, "POST", path+"/approve", "") // that is the console's
	f.options.OnMachine = false
	f.restart(t)
	if w := f.does(t, 409, "POST", apiTokensOfStaging, elevated); !strings.Contains(w.Body.String(), "in the console") {
		t.Errorf("one made from elsewhere: %s", w.Body)
	}
	list := f.does(t, 200, "GET", apiTokensOfStaging, "")
	if strings.Contains(list.Body.String(), made.Text) || len(decoded[APITokenPage](t, list).APITokens) != 1 {
		t.Error(list.Body)
	}
	f.now = today.AddDate(1, 0, 0)
	if got := decoded[APITokenPage](t, f.does(t, 200, "GET", apiTokensOfStaging, "")); got.APITokens[0].State != APITokenExpired {
		t.Errorf("%+v", got)
	}
	if got := decoded[APITokenChanged](t, f.does(t, 200, "DELETE", path, "")); got.APIToken.State != APITokenRevoked {
		t.Errorf("%+v", got)
	}
	f.does(t, 404, "DELETE", apiTokensOfStaging+"/nothing", "")
	f.does(t, 422, "POST", apiTokensOfStaging, `{"name":"x","apis":["moves"],"ends_at":"0001-01-01T00:00:00Z"}`)
	f.options.APITokens = nil
	f.restart(t)
	f.does(t, 404, "GET", apiTokensOfStaging, "")
}
