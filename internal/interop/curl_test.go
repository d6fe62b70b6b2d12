package interop

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/installed"
)

func TestCurl(t *testing.T) {
	binary := installed.Tool(t, "curl")
	for _, name := range systems {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, name)
			for _, style := range styles {
				t.Run(style, func(t *testing.T) {
					scenario(t, s, library{style, func(at environment, scope string) (string, error) {
						return curlToken(curlRequest(s, at, style, scope), binary, at)
					}, func(token, method, url, body string) (*http.Response, error) {
						args := []string{"--oauth2-bearer", token, "-X", method, url}
						if body != "" {
							args = append(args, "-H", "Content-Type: application/json", "-d", body)
						}
						return curl(binary, args...)
					}})
				})
			}
			t.Run("as the guide says", func(t *testing.T) { curlGuide(t, s) })
		})
	}
}

// curlRequest asks for a token as the system's guide does, or with -u.
func curlRequest(s *system, at environment, style, scope string) []string {
	fields := url.Values{"grant_type": {"client_credentials"}}
	if at.audience != "" {
		fields.Set("audience", at.audience)
	}
	if scope != "" {
		fields.Set("scope", scope)
	}
	if style == "basic" {
		return []string{at.tokenURL, "-u", at.clientID + ":" + at.secret, "-d", fields.Encode()}
	}
	fields.Set("client_id", at.clientID)
	fields.Set("client_secret", at.secret)
	if s.name != "studyteam" {
		return []string{at.tokenURL, "-d", fields.Encode()}
	}
	object := map[string]string{}
	for name := range fields {
		object[name] = fields.Get(name)
	}
	body, _ := json.Marshal(object) // strings always encode
	return []string{at.tokenURL, "-H", "content-type: application/json", "-d", string(body)}
}

func curlToken(args []string, binary string, at environment) (string, error) {
	response, err := curl(binary, args...)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int64  `json:"expires_in"`
		Error       string `json:"error"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", refused{response.StatusCode, answer.Error}
	}
	if answer.TokenType != "Bearer" || time.Duration(answer.ExpiresIn)*time.Second != at.lifetime {
		return "", fmt.Errorf("%s token for %d seconds", answer.TokenType, answer.ExpiresIn)
	}
	return answer.AccessToken, nil
}

// curl returns the response that curl got, read from its output.
func curl(binary string, args ...string) (*http.Response, error) {
	command := exec.Command(binary, append([]string{"-q", "-sS", "-i", "--noproxy", "*"}, args...)...)
	var failed bytes.Buffer
	command.Stderr = &failed
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, failed.Bytes())
	}
	return http.ReadResponse(bufio.NewReader(bytes.NewReader(out)), nil)
}

// guides are commands that the guides print, in their own line breaks; StudyTeam's
// prints requests, which are these.
var guides = map[string][2]string{
	"timeback": {
		`curl -X POST $TIMEBACK_AUTH_URL/oauth2/token \
  -H "Content-Type: application/x-www-form-urlencoded" \
  -d "grant_type=client_credentials&client_id=YOUR_CLIENT_ID&client_secret=YOUR_CLIENT_SECRET"`,
		`curl $TIMEBACK_API_URL/ims/oneroster/rostering/v1p2/courses \
  -H "Authorization: Bearer $ACCESS_TOKEN" \
  -H "Content-Type: application/json"`,
	},
	"fitness": {
		`curl $FITNESS_AUTH_URL/oauth2/token -u $FITNESS_CLIENT_ID:$FITNESS_CLIENT_SECRET -d grant_type=client_credentials`,
		`curl $FITNESS_API_URL/moves -H "Authorization: Bearer $ACCESS_TOKEN"`,
	},
	"studyteam": {
		`curl -X POST $STUDYTEAM_URL/oauth/token -H "content-type: application/json" -d '{
  "client_id": "CLIENT_ID",
  "client_secret": "CLIENT_SECRET",
  "audience": "AUDIENCE",
  "grant_type": "client_credentials"
 }'`,
		`curl -X POST $STUDYTEAM_URL/api/something \
  -H "content-type: application/json" \
  -H "authorization: Bearer $ACCESS_TOKEN" \
  -d "Body of the request"`,
	},
}

// curlGuide pastes the guide's commands into a shell.
func curlGuide(t *testing.T, s *system) {
	shell := func(command string, more ...string) []byte {
		t.Helper()
		run := exec.Command("sh", "-c", command)
		run.Env = append(s.environ(more...), "NO_PROXY=*")
		out, err := run.Output()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	issued := shell(guides[s.name][0])
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(issued, &answer); err != nil || answer.AccessToken == "" {
		t.Fatalf("%v: %s", err, issued)
	}
	got := shell(guides[s.name][1], "ACCESS_TOKEN="+answer.AccessToken)
	if want := s.firstCall().answer; !strings.Contains(string(got), want) {
		t.Errorf("no %s in %s", want, got)
	}
}
