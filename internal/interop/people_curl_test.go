package interop

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/installed"
)

// asks are the document's four steps as its readers type them: an address without
// scope, state and PKCE whose redirect URI is not encoded, the body of step 3, and
// the two ways to send a token.
var asks = struct{ authorize, exchange, refresh, header, query string }{
	"$MYTIMETABLE_URL/oauth/authorize?response_type=code&client_id=test&redirect_uri=http://localhost",
	`curl -X POST $MYTIMETABLE_URL/oauth/token -d "grant_type=authorization_code&client_id=test&client_secret=test&code=$CODE&redirect_uri=http://localhost"`,
	`curl -X POST $MYTIMETABLE_URL/oauth/token -d "grant_type=refresh_token&client_id=test&client_secret=test&refresh_token=$REFRESH_TOKEN"`,
	`curl $MYTIMETABLE_URL/api/v0/user -H "Authorization: Bearer $ACCESS_TOKEN"`,
	`curl "$MYTIMETABLE_URL/api/v0/user?access_token=$ACCESS_TOKEN"`,
}

// TestPeopleCurl follows the document of the fourth system.
func TestPeopleCurl(t *testing.T) {
	installed.Tool(t, "curl")
	s := start(t, "mytimetable")
	shell := func(command string, more ...string) []byte {
		t.Helper()
		c := exec.Command("sh", "-c", command)
		c.Env = append(s.environ(more...), "NO_PROXY=*")
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	type tokens struct {
		Access  string `json:"access_token"`
		Type    string `json:"token_type"`
		Refresh string `json:"refresh_token"`
		Expires int64  `json:"expires_in"`
		Scope   string `json:"scope"`
	}
	issued := func(command string, more ...string) (got tokens) {
		t.Helper()
		said := shell(command, more...)
		if err := json.Unmarshal(said, &got); err != nil || !dashed.MatchString(got.Access) || got.Type != "bearer" || got.Refresh == "" {
			t.Fatalf("%v: %s", err, said)
		}
		return got
	}
	both := func(token, want string) {
		t.Helper()
		for _, way := range []string{asks.header, asks.query} {
			if got := shell(way, "ACCESS_TOKEN="+token); !strings.Contains(string(got), want) {
				t.Errorf("%s: no %s in %s", way, want, got)
			}
		}
	}

	back, err := newPerson(s.exports["MYTIMETABLE_USER"], s.exports["MYTIMETABLE_PASSWORD"]).
		open(strings.Replace(asks.authorize, "$MYTIMETABLE_URL", s.exports["MYTIMETABLE_URL"], 1), false)
	if err != nil {
		t.Fatal(err)
	}
	code, ok := strings.CutPrefix(back, "http://localhost?code=")
	if !ok {
		t.Fatalf("sent to %s", back)
	}
	code, _, _ = strings.Cut(code, "&")
	first := issued(asks.exchange, "CODE="+code)
	if first.Expires != 43200 || !strings.Contains(first.Scope, "profile_read") {
		t.Errorf("%+v", first)
	}
	both(first.Access, `"ann"`)
	second := issued(asks.refresh, "REFRESH_TOKEN="+first.Refresh)
	both(second.Access, `"ann"`)

	// The code a second time ends all of it (RFC 6749 §4.1.2).
	if got := shell(asks.exchange, "CODE="+code); !strings.Contains(string(got), `"invalid_grant"`) {
		t.Errorf("the code again: %s", got)
	}
	both(second.Access, `"invalid_token"`)
}

var dashed = regexp.MustCompile(`^[0-9A-Za-z]+(-[0-9A-Za-z]+){3,}$`)
