package web

import (
	"strings"
	"testing"
	"time"
)

// now is when the samples are looked at.
var now = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

// A sample is a page as some person meets it.
type sample struct {
	name   string
	with   Showing
	screen Screen
}

// newPages returns pages below a root whose forms no other key knows.
func newPages(t *testing.T, theme Theme, root string) *Pages {
	t.Helper()
	p, err := NewPages(NewSite(theme, root), nil, []byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const (
	getOptions    = `{"publicKey":{"challenge":"AAECAwQFBgcICQoLDA0ODw","timeout":60000,"rpId":"localhost","userVerification":"preferred"}}`
	createOptions = `{"publicKey":{"challenge":"AAECAwQFBgcICQoLDA0ODw","rp":{"name":"Timetable","id":"localhost"},"user":{"id":"AAEC","name":"jan","displayName":"Jan"},"pubKeyCredParams":[{"type":"public-key","alg":-7},{"type":"public-key","alg":-257}],"authenticatorSelection":{"residentKey":"required","userVerification":"required"}}}`
	square        = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 3 3" shape-rendering="crispEdges"><path d="M0 0h1v1h1v1h1v1h-1v-1h-1v1h-1z"/></svg>`
)

// samples are all pages, in a language. The function says what comes from
// elsewhere: names and the like.
func samples(language string, said func(string) string) []sample {
	in := Showing{Language: language, Browser: "b", Now: now, Request: "h4ndle", To: "https://app.example/cb"}
	at := Showing{Language: language, Browser: "b", Now: now}
	wrong := func(s Showing, p Problem) Showing { s.Problem = p; return s }
	many := wrong(in, ProblemMany)
	many.Wait = 3 * time.Minute
	done := at
	done.Done = DoneApplication
	rights := []Right{
		{Scope: "username", Text: said("See your user name"), API: said("Timetable"), Fixed: true},
		{Scope: "alltimetables", Text: said("See every timetable that you may see"), API: said("Timetable")},
		{Scope: "profile_write", Text: said("Change your profile and your preferences"), API: said("Timetable"), Write: true},
		{Scope: "messages_read", Text: said("Read the messages that the institution sent you"), API: said("Timetable"), Dropped: true},
	}
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	const day = 24 * time.Hour
	providers := []Provider{{said("Example University"), "/login/with/uni?request=h4ndle"}}
	consent := Consent{
		Application: said("Study Planner"), ClientID: said("studyplanner"), Owner: said("Student Software B.V."), Verified: true,
		Homepage: "https://planner.example/about", Redirect: "https://planner.example/callback",
		Account: said("j.jansen"), FullName: said("Jan Jansen"), Rights: rights,
		Not: []string{said("Your grades"), said("Sending messages in your name")}, Away: true, Remember: true,
	}
	bare := Consent{
		Application: said("test"), ClientID: said("test"), Redirect: "http://localhost", Account: said("j.jansen"),
		Rights: []Right{rights[1], {Scope: "email", Text: said("See your e-mail address"), API: said("OpenID Connect")}}, Already: rights[:1], Lasts: 30 * day,
	}
	account := Account{
		Name: said("j.jansen"), FullName: said("Jan Jansen"), Email: said("jan@uni.example"), Mails: true,
		Password: ago(90 * day), TOTP: &Factor{ID: "f1", AddedAt: ago(40 * day), UsedAt: ago(2 * time.Hour)},
		Passkeys: []Factor{{"f2", said("Telephone"), ago(3 * day), time.Time{}}}, Codes: 8,
		Identities: []Identity{{"i1", said("Example University")}},
		Elsewhere:  []Elsewhere{{"library", said("Example Library"), "https://library.example"}},
		Sessions: []Session{
			{"s1", said("Firefox on Linux"), ago(2 * time.Hour), ago(time.Second), true},
			{"s2", said("Safari on iPhone"), ago(12 * day), ago(12 * time.Minute), false},
			{"s3", "", ago(day), ago(time.Hour), false},
		},
		Devices: []Device{{"d1", said("Firefox on Linux"), now.Add(22 * day)}},
		Applications: []Application{
			{"studyplanner", said("Study Planner"), said("Student Software B.V."), true, "https://planner.example/about", rights, true, ago(20 * day), ago(12 * time.Minute)},
			{"test", said("test"), "", false, "", rights[:1], false, ago(time.Hour), time.Time{}},
		},
		Servers: []Server{{said("Timetable screens"), rights[1:2], ago(5 * time.Minute), now.Add(200 * day)}},
	}
	return []sample{
		{"signin", in, SignIn{Application: said("Study Planner"), Providers: providers, Passkey: getOptions, State: said("state"), Forgotten: true}},
		{"signin-wrong", wrong(in, ProblemCredentials), SignIn{Application: said("Study Planner"), Name: said("j.jansen"), Forgotten: true}},
		{"signin-many", many, SignIn{Name: said("j.jansen")}},
		{"signin-again", in, SignIn{Name: said("j.jansen"), Fixed: true, Forgotten: true}},
		{"signin-plain", at, SignIn{}},
		{"second", in, SecondFactor{Name: said("j.jansen"), TOTP: true, Codes: true, Passkey: getOptions, Remember: 30 * day}},
		{"second-wrong", wrong(in, ProblemCode), SecondFactor{Name: said("j.jansen"), TOTP: true}},
		{"second-passkey", in, SecondFactor{Name: said("j.jansen"), Codes: true, Passkey: getOptions}},
		{"recovery", wrong(in, ProblemRecovery), Recovery{Name: said("j.jansen")}},
		{"totp", in, SetUpTOTP{Picture: []byte(square), MediaType: "image/svg+xml", Secret: "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP", URI: "otpauth://totp/Timetable:jan?secret=JBSWY3DPEHPK3PXP", State: said("state"), Required: true, Passkey: true}},
		{"totp-wrong", wrong(at, ProblemCode), SetUpTOTP{Picture: []byte(square), MediaType: "image/svg+xml", Secret: "JBSWY3DPEHPK3PXP"}},
		{"codes", at, RecoveryCodes{Codes: []string{"k7wd-9m2p", "h3xq-t4vz", "c8nf-5rja", "w2gb-y6ke", "p9sd-7uhm", "e4tx-3qlc", "z6vk-8dwn", "m5ry-2fpg"}}},
		{"passkey", at, SetUpPasskey{Options: createOptions, Label: said("Firefox on Linux"), State: said("state")}},
		{"passkey-required", in, SetUpPasskey{Options: createOptions, Label: said("Firefox on Linux"), Required: true}},
		{"forgotten", in, Forgotten{Name: said("j.jansen")}},
		{"sent", in, Sent{For: time.Hour}},
		{"reset", wrong(at, ProblemShort), Reset{Link: said("l1nk"), Name: said("j.jansen"), Least: 8}},
		{"verify", at, Verify{Link: said("l1nk"), Email: said("jan@uni.example")}},
		{"verified", at, Verified{Email: said("jan@uni.example")}},
		{"consent", in, consent},
		{"consent-bare", in, bare},
		{"account", done, account},
		{"account-new", at, Account{Name: said("j.jansen"), NoPasskeys: true, Sessions: []Session{{"s1", said("Firefox on Linux"), now, now, true}}}},
		{"change", wrong(at, ProblemCurrent), ChangePassword{Name: said("j.jansen"), Least: 8}},
		{"change-first", at, ChangePassword{Name: said("j.jansen"), First: true, Least: 8}},
		{"erase", at, Erase{Name: said("j.jansen"), Password: true, Applications: 2}},
		{"signout", at, SignOut{Name: said("j.jansen"), Application: said("Study Planner"), Hint: said("h"), Redirect: "https://app.example/", State: said("s"), ClientID: said("c")}},
		{"signedout", at, SignedOut{Application: said("Study Planner"), URL: "https://app.example/"}},
		{"signedout-plain", at, SignedOut{}},
		{"failure", at, Failure{Reason: FailedRequest, Code: "invalid_request", Detail: said("The redirect_uri is none of those registered for this client."), Trace: said("4bf92f3577b34da6")}},
		{"failure-plain", at, Failure{Reason: FailedExpired}},
		{"formpost", in, FormPost{Action: "https://app.example/cb", Application: said("Study Planner"), Fields: []Field{{"code", said("abc")}, {"state", said("xyz")}}}},
		{"onward", in, Onward{Application: said("Study Planner"), URL: "https://app.example/cb?error=invalid_scope", Code: "invalid_scope"}},
		{"mails", at, Mails{List: []Mail{{To: said("jan@uni.example"), Subject: said("Choose a new password for Timetable"), Text: said("Somebody, probably you, asked for a new password.\n\nhttp://127.0.0.1:8080/reset"), Link: "/reset/password?link=x", At: ago(time.Minute)}}}},
		{"mails-none", at, Mails{}},
	}
}

func plainly(s string) string { return s }
