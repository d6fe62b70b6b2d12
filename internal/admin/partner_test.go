package admin

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/sqlstore"
)

// house makes what only home has. It sends no mail, so that links are handed out.
func (f *fixture) house(db *sqlstore.Store) {
	people := f.people["home"]
	people.Links.Mailer = nil
	f.partners = &partner.Partners{
		Store: db.Partners(), Access: db.AccessRequests(), Accounts: db.Accounts(), People: people.People, Links: people.Links,
		Environments: func() []*partner.Clients { return f.environments[:2] },
		Now:          func() time.Time { return f.now }, Random: rand.Reader,
	}
}

// organised makes a partner with an admin, a request for access, and two owners, and
// returns their ids.
func (f *fixture) organised(t *testing.T) (organisation, member, request, owner string) {
	t.Helper()
	made := decoded[PartnerChanged](t, f.does(t, 201, "POST", partners, `{"name":"Acme Ltd"}`))
	for _, name := range []string{"a", "b"} {
		person := decoded[Invited](t, f.does(t, 201, "POST", partners+"/"+made.Partner.ID+"/members", `{"email":"`+name+rand.Text()+`@acme.example","role":"admin"}`))
		member = person.Account
	}
	asked := decoded[AccessChanged](t, f.does(t, 201, "POST", requests, wantedAccess(made.Partner.ID, member)))
	owner = decoded[OperatorChanged](t, f.does(t, 201, "POST", operators, `{"name":"`+rand.Text()+`","roles":["owner"]}`)).Operator.Account
	return made.Partner.ID, member, asked.Request.ID, owner
}

func wantedAccess(organisation, member string) string {
	return `{"partner":"` + organisation + `","account":"` + member + `","environment":"staging","application":"Sync","purpose":"Copies moves","scopes":["all"]}`
}

const stranger = `{"organisation":"Acme Ltd","person":"Anna Arends","email":"anna@acme.example","environment":"staging","application":"Sync","purpose":"Copies moves","scopes":["all"]}`

func TestLifeOfAPartner(t *testing.T) {
	f := open(t)
	asked := decoded[AccessChanged](t, f.does(t, 201, "POST", requests, stranger)).Request
	at := requests + "/" + asked.ID
	if page := decoded[AccessPage](t, f.does(t, 200, "GET", requests+"?open=true", "")); len(page.Requests) != 1 || page.Requests[0].State != StateOpen {
		t.Errorf("open are %+v", page)
	}
	f.does(t, 422, "POST", at+"/approve", `{"scopes":["moves:fly"]}`)
	f.does(t, 422, "POST", at+"/approve", `{"scopes":[]}`)
	done := decoded[AccessChanged](t, f.does(t, 200, "POST", at+"/approve", `{"scopes":["moves:read"],"reason":"Reading is enough."}`))
	if d := done.Request.Decision; done.Request.State != "approved" || d.Reason != "Reading is enough." || !slices.Equal(d.Allowed[0].Scopes, []string{"moves:read"}) || d.DecidedBy != writer {
		t.Errorf("approved as %+v", done)
	}
	if !strings.Contains(done.Link, "/reset/password?link=") || done.Partner == "" || done.Account == "" {
		t.Errorf("approved as %+v", done)
	}
	f.does(t, 409, "POST", at+"/refuse", `{"reason":"No."}`)
	f.does(t, 409, "POST", at+"/withdraw", "")
	if page := decoded[AccessPage](t, f.does(t, 200, "GET", requests+"?open=true", "")); len(page.Requests) != 0 {
		t.Errorf("open are %+v", page)
	}

	organisation := partners + "/" + done.Partner
	client := clientsOfStaging + "/" + done.Request.Client
	if c := decoded[Client](t, f.does(t, 200, "GET", client, "")); c.Partner != done.Partner || len(c.Secrets) != 0 || len(c.APIs[0].Scopes) != 1 {
		t.Errorf("the client is %+v", c)
	}
	if l := decoded[PartnerClientList](t, f.does(t, 200, "GET", organisation+"/clients", "")); len(l.Clients) != 1 || l.Clients[0].Environment != "staging" {
		t.Errorf("its clients are %+v", l)
	}
	if l := decoded[ClientPage](t, f.does(t, 200, "GET", clientsOfStaging+"?partner="+done.Partner, "")); len(l.Clients) != 1 {
		t.Errorf("its clients are %+v", l)
	}
	if l := decoded[MemberList](t, f.does(t, 200, "GET", organisation+"/members", "")); len(l.Members) != 1 || l.Members[0].Email != "anna@acme.example" || l.Members[0].Role != "admin" {
		t.Errorf("its people are %+v", l)
	}
	member := organisation + "/members/" + done.Account
	f.does(t, 409, "DELETE", member, "")
	f.does(t, 409, "PATCH", member, `{"role":"developer"}`)
	f.does(t, 422, "PATCH", member, `{"role":"king"}`)
	f.does(t, 422, "PATCH", member, `{"role":""}`)
	f.does(t, 404, "PATCH", organisation+"/members/nobody", `{"role":"admin"}`)
	other := decoded[Invited](t, f.does(t, 201, "POST", organisation+"/members", `{"email":"bert@acme.example","full_name":"Bert","role":"admin"}`))
	f.does(t, 200, "PATCH", member, `{"role":"developer"}`)
	f.does(t, 409, "DELETE", organisation+"/members/"+other.Account, "")
	if p := decoded[PartnerChanged](t, f.does(t, 200, "DELETE", member, "")).Partner; len(p.Members) != 1 {
		t.Errorf("after one went: %+v", p)
	}

	promoted := decoded[Changed](t, f.does(t, 200, "POST", client+"/promote", `{"to":"production"}`))
	again := decoded[Changed](t, f.does(t, 200, "POST", client+"/promote", `{"to":"production"}`))
	if promoted.Client.ID != done.Request.Client || promoted.Secret != "" || len(again.Warnings) != 0 || again.Client.ID != promoted.Client.ID {
		t.Errorf("promoted to %+v, then to %+v", promoted, again)
	}
	for body, field := range map[string]string{`{"to":"nowhere"}`: "to", `{"to":"home"}`: "to", `{"to":"staging"}`: "to", `{"to":"production","scopes":["moves:write"]}`: "scopes[0]"} {
		if p := decoded[Problem](t, f.does(t, 422, "POST", client+"/promote", body)); p.Errors[0].Field != field {
			t.Errorf("%s: %+v", body, p)
		}
	}

	first := decoded[Changed](t, f.does(t, 201, "POST", client+"/secrets", `{}`))
	leaked := decoded[Changed](t, f.does(t, 200, "POST", client+"/leaked", `{}`))
	if s := leaked.Client.Secrets; len(s) != 1 || s[0].ID != leaked.SecretID || leaked.SecretID == first.SecretID || leaked.Secret == "" {
		t.Errorf("replaced by %+v", leaked)
	}
	f.does(t, 404, "POST", client+"/leaked", `{"secret_id":"`+first.SecretID+`"}`)
	f.does(t, 201, "POST", client+"/secrets", `{}`)
	f.does(t, 422, "POST", client+"/leaked", `{}`) // which of the two?
	f.does(t, 200, "POST", client+"/leaked", `{"secret_id":"`+leaked.SecretID+`"}`)

	if p := decoded[PartnerChanged](t, f.does(t, 200, "POST", organisation+"/disable", "")).Partner; !p.Disabled {
		t.Errorf("disabled: %+v", p)
	}
	if c := decoded[Client](t, f.does(t, 200, "GET", client, "")); !c.Disabled {
		t.Error("its client is not disabled")
	}
	f.does(t, 200, "POST", organisation+"/enable", "")
	if p := decoded[PartnerChanged](t, f.does(t, 200, "PATCH", organisation, `{"name":"Acme Holding","homepage":"https://acme.example/"}`)).Partner; p.Name != "Acme Holding" || p.Email == "" {
		t.Errorf("changed to %+v", p)
	}
	f.does(t, 200, "DELETE", organisation, "")
	f.does(t, 404, "GET", organisation, "")
	f.does(t, 404, "GET", client, "")
}

func TestRequestsThatAreRefused(t *testing.T) {
	f := open(t)
	asked := decoded[AccessChanged](t, f.does(t, 201, "POST", requests, stranger)).Request
	f.does(t, 422, "POST", requests+"/"+asked.ID+"/refuse", `{"reason":" "}`)
	refused := decoded[AccessChanged](t, f.does(t, 200, "POST", requests+"/"+asked.ID+"/refuse", `{"reason":"Not now."}`)).Request
	if refused.State != "refused" || refused.Decision.Reason != "Not now." {
		t.Errorf("refused as %+v", refused)
	}
	f.does(t, 409, "POST", requests+"/"+asked.ID+"/approve", `{}`)
	other := decoded[AccessChanged](t, f.does(t, 201, "POST", requests, stranger)).Request
	if w := decoded[AccessChanged](t, f.does(t, 200, "POST", requests+"/"+other.ID+"/withdraw", "")).Request; w.State != "withdrawn" {
		t.Errorf("withdrawn as %+v", w)
	}
	first := decoded[AccessPage](t, f.does(t, 200, "GET", requests+"?limit=1", ""))
	rest := decoded[AccessPage](t, f.does(t, 200, "GET", requests+"?limit=1&after="+first.Next, ""))
	if len(first.Requests) != 1 || len(rest.Requests) != 1 || first.Requests[0].ID == rest.Requests[0].ID || rest.Next != "" {
		t.Errorf("pages %+v, %+v", first, rest)
	}
	f.does(t, 400, "GET", requests+"?open=yes", "")
	f.does(t, 422, "POST", requests, `{"environment":"home","application":"x","purpose":"y","organisation":"z","person":"p","email":"p@z.example","scopes":["all"]}`)
}

// Clients that somebody registers for a partner are its own; home's never are.
func TestClientOfAPartner(t *testing.T) {
	f := open(t)
	organisation, _, _, _ := f.organised(t)
	made := decoded[Changed](t, f.does(t, 201, "POST", clientsOfStaging, `{"name":"Sync","scopes":["all"],"partner":"`+organisation+`","no_secret":true}`))
	if made.Client.Partner != organisation || made.Secret != "" || len(made.Client.Secrets) != 0 {
		t.Errorf("made %+v", made)
	}
	f.does(t, 422, "POST", clientsOfStaging, `{"name":"Sync","scopes":["all"],"partner":"nobody"}`)
	f.does(t, 422, "POST", Prefix+"/environments/home/clients", `{"name":"Sync","scopes":["all"],"partner":"`+organisation+`"}`)
	if uses := decoded[ScopeUseList](t, f.does(t, 200, "GET", clientsOfStaging+"/"+made.Client.ID+"/scopes", "")); len(uses.Scopes) != 2 || !uses.Scopes[0].LastUsed.IsZero() {
		t.Errorf("unused are %+v", uses)
	}
	day := today.Truncate(24 * time.Hour)
	if err := f.environments[0].ScopeUses.Used(t.Context(), []store.ScopeUse{{ClientID: made.Client.ID, API: "moves", Scope: "moves:read", Day: day}}); err != nil {
		t.Fatal(err)
	}
	if uses := decoded[ScopeUseList](t, f.does(t, 200, "GET", clientsOfStaging+"/"+made.Client.ID+"/scopes", "")); !uses.Scopes[0].LastUsed.Equal(day) || !uses.Scopes[1].LastUsed.IsZero() {
		t.Errorf("used are %+v", uses)
	}
}

// Without a home there are neither partners nor operators.
func TestWithoutAHome(t *testing.T) {
	f := open(t)
	f.partners, f.people["home"] = nil, nil
	for _, path := range []string{partners, partners + "/p", requests, operators} {
		if w := f.ask(writer, "GET", path, ""); w.Code != 404 || !strings.Contains(w.Body.String(), "does not say home") {
			t.Errorf("%s answers %d %s", path, w.Code, w.Body)
		}
	}
	f.options.Partners, f.options.People = nil, nil
	f.restart(t)
	f.does(t, 404, "GET", partners, "")
	f.does(t, 404, "GET", operators, "")
}

func TestOperators(t *testing.T) {
	f := open(t)
	first := decoded[OperatorChanged](t, f.does(t, 201, "POST", operators, `{"name":"olive@home.example","full_name":"Olive Owner","roles":["owner"]}`))
	if first.Operator.Email != "olive@home.example" || !strings.Contains(first.Link, "link=") || !first.LinkEndsAt.Equal(today.Add(15*time.Minute)) {
		t.Errorf("invited as %+v", first)
	}
	handle := first.Link[strings.Index(first.Link, "link=")+len("link="):]
	f.now = today.Add(15*time.Minute - time.Second)
	if _, err := f.people["home"].Links.OpenReset(t.Context(), handle); err != nil {
		t.Errorf("before it is over, the link is not good: %v", err)
	}
	f.now = today.Add(15 * time.Minute)
	if _, err := f.people["home"].Links.OpenReset(t.Context(), handle); err == nil {
		t.Error("the link is good for longer")
	}
	f.now = today
	for body, field := range map[string]string{
		`{"name":"bert","roles":[]}`: "roles", `{"name":"bert","roles":["king"]}`: "roles[0]", `{"name":"bert","roles":["owner","owner"]}`: "roles[1]",
		`{"name":"two words","roles":["owner"]}`: "name",
	} {
		if p := decoded[Problem](t, f.does(t, 422, "POST", operators, body)); p.Errors[0].Field != field {
			t.Errorf("%s: %+v", body, p)
		}
	}
	at := operators + "/" + first.Operator.Account
	f.does(t, 409, "PATCH", at, `{"roles":{"remove":["owner"]}}`) // the last one
	f.does(t, 409, "DELETE", Prefix+"/environments/home/accounts/"+first.Operator.Account, "")
	f.does(t, 409, "POST", Prefix+"/environments/home/accounts/"+first.Operator.Account+"/disable", "")
	second := decoded[OperatorChanged](t, f.does(t, 201, "POST", operators, `{"name":"bert","roles":["auditor"]}`))
	f.does(t, 409, "PATCH", at, `{"roles":{"remove":["owner"]}}`)
	if o := decoded[OperatorChanged](t, f.does(t, 200, "PATCH", operators+"/"+second.Operator.Account, `{"roles":{"add":["owner"],"remove":["auditor"]}}`)).Operator; !slices.Equal(o.Roles, []string{"owner"}) {
		t.Errorf("changed to %+v", o)
	}
	if o := decoded[OperatorChanged](t, f.does(t, 200, "PATCH", at, `{"roles":{"remove":["owner"]}}`)).Operator; len(o.Roles) != 0 {
		t.Errorf("changed to %+v", o)
	}
	f.does(t, 404, "GET", at, "")
	if l := decoded[OperatorList](t, f.does(t, 200, "GET", operators, "")); len(l.Operators) != 1 || l.Operators[0].Name != "bert" {
		t.Errorf("operators are %+v", l)
	}

	// Somebody who can sign in gets a role and chooses a password anew; who is an
	// operator already only gets the role.
	f.does(t, 201, "POST", Prefix+"/environments/home/accounts", `{"name":"carl","password":"`+goodPassword+`","roles":["reader"]}`)
	third := decoded[OperatorChanged](t, f.does(t, 201, "POST", operators, `{"name":"carl","roles":["support"]}`))
	if third.Link == "" || len(third.Warnings) != 0 || !slices.Equal(third.Operator.Roles, []string{"support"}) {
		t.Errorf("invited as %+v", third)
	}
	if left, err := f.people["home"].Factors.List(t.Context(), third.Operator.Account); err != nil || len(left) != 0 {
		t.Errorf("the password of before is left: %v %v", left, err)
	}
	f.does(t, 201, "POST", Prefix+"/environments/home/accounts", `{"name":"cora","password":"`+goodPassword+`","roles":["auditor"]}`)
	more := decoded[OperatorChanged](t, f.does(t, 201, "POST", operators, `{"name":"cora","roles":["support"]}`))
	if more.Link != "" || len(more.Warnings) != 1 || !slices.Equal(more.Operator.Roles, []string{"support", "auditor"}) {
		t.Errorf("an auditor is invited as %+v", more)
	}
	guest := decoded[AccountChanged](t, f.does(t, 201, "POST", Prefix+"/environments/home/accounts", `{"name":"gwen","password":"`+goodPassword+`"}`)).Account.ID
	f.does(t, 409, "PATCH", Prefix+"/environments/home/accounts/"+guest, `{"roles":{"add":["auditor"]}}`)
	if a := decoded[Account](t, f.does(t, 200, "GET", Prefix+"/environments/home/accounts/"+guest, "")); len(a.Roles) != 0 {
		t.Errorf("a password that is known became an operator's: %v", a.Roles)
	}
	if a := decoded[Account](t, f.does(t, 200, "GET", Prefix+"/environments/home/accounts/"+third.Operator.Account, "")); !slices.Equal(a.Roles, []string{"reader", "support"}) {
		t.Errorf("the roles are %v", a.Roles)
	}
}

// U02: who may change accounts or clients cannot make themselves an owner by it.
func TestU02NobodyBecomesAnOwnerBesides(t *testing.T) {
	f := open(t)
	const at = Prefix + "/environments/home"
	owner := decoded[OperatorChanged](t, f.does(t, 201, "POST", operators, `{"name":"olive","roles":["owner"]}`)).Operator.Account
	f.does(t, 201, "POST", operators, `{"name":"oscar","roles":["owner"]}`)
	guest := decoded[AccountChanged](t, f.does(t, 201, "POST", at+"/accounts", `{"name":"guest"}`)).Account.ID
	for _, row := range []struct{ role, method, path, body string }{
		{"accounts", "POST", "/accounts", `{"name":"x","roles":["` + home.Owner + `"]}`},
		{"accounts", "POST", "/accounts", `{"name":"x","roles":["` + home.Auditor + `"]}`},
		{"accounts", "POST", "/accounts/import", `{"rows":[{"line":1,"name":"x","roles":["owner"]}]}`},
		{"accounts", "PATCH", "/accounts/" + guest, `{"roles":{"add":["owner"]}}`},
		{"accounts", "PATCH", "/accounts/" + owner, `{"email":"mine@evil.example"}`},
		{"accounts", "POST", "/accounts/" + owner + "/reset", `{}`},
		{"accounts", "POST", "/accounts/" + owner + "/disable", ""},
		{"accounts", "POST", "/accounts/" + owner + "/enable", ""},
		{"accounts", "DELETE", "/accounts/" + owner, ""},
		{"clients", "POST", "/clients", `{"name":"x","scopes":["all"]}`},
		{"clients", "POST", "/clients/x/secrets", `{}`},
		{"clients", "POST", "/clients/x/leaked", `{}`},
		{"clients", "DELETE", "/clients/x", ""},
		{"clients", "POST", "/denials", `{"kind":"client","id":"pipeline"}`},
		{"api-tokens", "POST", "/api-tokens", elevated},
		{"partners", "POST", "/clients/x/promote", `{"to":"staging"}`},
	} {
		want := 403
		if row.role == "partners" {
			want = 404 // there is none; of one that there is nothing is promoted
		}
		if w := f.ask(row.role, row.method, at+row.path, row.body); w.Code != want {
			t.Errorf("%s %s answers %d: %s", row.method, row.path, w.Code, w.Body)
		}
	}
	for _, row := range []struct{ method, path, body string }{
		{"PATCH", "/accounts/" + guest, `{"given_name":"Gwen"}`},
		{"POST", "/accounts/" + guest + "/reset", `{}`},
	} {
		if w := f.ask("accounts", row.method, at+row.path, row.body); w.Code != 200 {
			t.Errorf("%s %s answers %d: %s", row.method, row.path, w.Code, w.Body)
		}
	}
}

func TestChanges(t *testing.T) {
	f := open(t)
	const at = Prefix + "/environments/staging/changes"
	for range 3 {
		f.does(t, 201, "POST", clientsOfStaging, wanted)
	}
	c := decoded[Changed](t, f.ask(second, "POST", clientsOfStaging, wanted)).Client.ID
	f.does(t, 200, "POST", clientsOfStaging+"/"+c+"/disable", "")
	all := decoded[ChangePage](t, f.does(t, 200, "GET", at, "")).Changes
	if newest := all[0]; newest.Kind != "client.disabled" || newest.ID != c || newest.Actor != writer || newest.Trace != trace || !newest.At.Equal(today) {
		t.Errorf("the newest is %+v", newest)
	}
	for query, want := range map[string]int{"?about=" + c: 2, "?kind=client.": 5, "?kind=client.disabled": 1, "?actor=" + second: 1, "?actor=nobody": 0} {
		if found := decoded[ChangePage](t, f.does(t, 200, "GET", at+query, "")).Changes; len(found) != want {
			t.Errorf("%s finds %d, want %d", query, len(found), want)
		}
	}
	var seen []int64
	for after := ""; ; {
		page := decoded[ChangePage](t, f.does(t, 200, "GET", at+"?limit=2"+after, ""))
		for _, one := range page.Changes {
			seen = append(seen, one.Seq)
		}
		if page.Next == "" {
			break
		}
		after = "&after=" + page.Next
	}
	if len(seen) != len(all) || !slices.IsSortedFunc(seen, func(a, b int64) int { return int(b - a) }) {
		t.Errorf("paged %v of %d", seen, len(all))
	}
	for _, wrong := range []string{"0", "-1", "1x", "+2"} {
		f.does(t, 400, "GET", at+"?before="+wrong, "")
	}
	f.options.Remembered = nil
	f.restart(t)
	f.does(t, 404, "GET", at, "")
}

func TestExportAndImport(t *testing.T) {
	f := open(t)
	for _, id := range []string{"a", "b"} {
		f.does(t, 201, "POST", clientsOfStaging, `{"id":"`+id+`","name":"Acme `+id+`","scopes":["all"]}`)
	}
	w := f.does(t, 200, "GET", Prefix+"/environments/staging/export", "")
	text := strings.TrimSpace(w.Body.String())
	if w.Header().Get("Content-Type") != "application/jsonl" || strings.Count(text, "\n") != 1 || strings.Contains(text, "sha256") || strings.Contains(text, "nightly") {
		t.Fatalf("exported %s", text)
	}
	const into = Prefix + "/environments/production/import"
	body := `{"clients":[` + strings.ReplaceAll(text, "\n", ",") + `,{"id":"c","name":"C","type":"machine","allotted":{"moves":["moves:fly"]}},{"id":"d","name":"D","partner":"nobody","type":"machine"}]`
	for i, want := range []string{"created created refused refused", "created created refused refused", "same same refused refused"} {
		end := "}"
		if i == 0 {
			end = `,"dry_run":true}`
		}
		var got []string
		for _, o := range decoded[ClientsImported](t, f.does(t, 200, "POST", into, body+end)).Outcomes {
			got = append(got, o.Result)
			if (o.Result == ImportRefused) != (len(o.Errors) > 0) {
				t.Errorf("%+v", o)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("attempt %d: %v, want %s", i, got, want)
		}
	}
	const differences = Prefix + "/environments/production/differences?from="
	if d := decoded[DifferenceList](t, f.does(t, 200, "GET", differences+"staging", "")).Differences; len(d) != 0 {
		t.Errorf("they differ: %+v", d)
	}
	f.does(t, 200, "PATCH", clientsOfStaging+"/a", `{"name":"Another"}`)
	f.does(t, 200, "DELETE", clientsOfStaging+"/b", "")
	d := decoded[DifferenceList](t, f.does(t, 200, "GET", differences+"staging", "")).Differences
	if len(d) != 2 || d[0] != (Difference{"a", "name", "Another", "Acme a"}) || d[1] != (Difference{"b", "", "", "Acme b"}) {
		t.Errorf("they differ: %+v", d)
	}
	f.does(t, 400, "GET", differences+"nowhere", "")
	one := `{"id":"x","name":"x","type":"machine"}`
	f.does(t, 422, "POST", into, `{"clients":[`+strings.Repeat(one+",", MaxImport)+one+`]}`)
	f.does(t, 200, "POST", into, `{"clients":[`+strings.Repeat(one+",", MaxImport-1)+one+`],"dry_run":true}`)
	f.environments[1].Store = broken{f.environments[1].Store}
	f.does(t, 503, "POST", into, `{"clients":[`+strings.ReplaceAll(text, "\n", ",")+`]}`)
}

type broken struct{ store.Clients }

func (broken) Find(context.Context, string) (store.Client, error) {
	return store.Client{}, store.ErrUnavailable
}
