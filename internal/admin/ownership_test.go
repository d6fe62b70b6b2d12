package admin

import "testing"

// TestClientsOfAPartnerSayWhose: people are told whose a client is, also where nobody
// wrote it down.
func TestClientsOfAPartnerSayWhose(t *testing.T) {
	f := open(t)
	acme := decoded[PartnerChanged](t, f.does(t, 201, "POST", partners, `{"name":"Acme Ltd","homepage":"https://acme.example","verified":true}`)).Partner.ID
	for more, want := range map[string]SignIn{
		`"partner":"` + acme + `"`: {Owner: "Acme Ltd", Homepage: "https://acme.example", Verified: true},
		`"partner":"` + acme + `","sign_in":{"homepage":"https://sync.example"}`: {Owner: "Acme Ltd", Homepage: "https://sync.example", Verified: true},
		`"partner":"` + acme + `","sign_in":{"owner":"Acme Labs"}`:               {Owner: "Acme Labs"},
		`"sign_in":{"owner":"Us"}`:                                               {Owner: "Us"},
		`"id":"plain"`:                                                           {},
	} {
		c := decoded[Changed](t, f.does(t, 201, "POST", clientsOfStaging, `{"name":"Sync","scopes":["all"],`+more+`}`)).Client
		if is := c.SignIn; is == nil && want.Owner != "" || is != nil && (is.Owner != want.Owner || is.Homepage != want.Homepage || is.Verified != want.Verified) {
			t.Errorf("with %s it says %+v", more, c.SignIn)
		}
	}
	made := decoded[Changed](t, f.does(t, 201, "POST", clientsOfStaging, `{"name":"Sync","scopes":["all"],"partner":"`+acme+`"}`)).Client.ID
	f.does(t, 200, "PATCH", partners+"/"+acme, `{"name":"Acme Inc"}`)
	if c := decoded[Client](t, f.does(t, 200, "GET", clientsOfStaging+"/"+made, "")); c.SignIn.Owner != "Acme Inc" {
		t.Errorf("after the partner's new name it says %q", c.SignIn.Owner)
	}
}
