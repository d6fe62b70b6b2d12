package interop

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var systems = []string{"timeback", "fitness", "studyteam"}

// A system is one of the examples, running as `grantway dev` with credentials
// that are known to everybody.
type system struct {
	name    string
	exports map[string]string // of its --env-file
}

// An environment is what a partner has been told about one.
type environment struct {
	tokenURL, api    string
	clientID, secret string
	audience         string        // empty: not asked for
	lifetime         time.Duration // of tokens
}

// environment returns what a partner knows of staging (suffix empty) or of
// production (suffix _PRODUCTION).
func (s *system) environment(suffix string) environment {
	of := func(variable string) string { return s.exports[strings.ToUpper(s.name)+"_"+variable+suffix] }
	e := environment{
		tokenURL: of("AUTH_URL") + "/oauth2/token", api: of("API_URL"), lifetime: time.Hour,
		clientID: of("CLIENT_ID"), secret: of("CLIENT_SECRET"), audience: of("AUDIENCE"),
	}
	if one := of("URL"); one != "" {
		e.tokenURL, e.api, e.lifetime = one+"/oauth/token", one, 15*time.Minute
	}
	return e
}

func (s *system) staging() environment    { return s.environment("") }
func (s *system) production() environment { return s.environment("_PRODUCTION") }

// A firstCall is a call of the API that a token opens, and a part of its answer.
type firstCall struct{ method, path, body, answer string }

func (s *system) firstCall() firstCall {
	return map[string]firstCall{
		"timeback":  {"GET", "/ims/oneroster/rostering/v1p2/courses", "", `"courses"`},
		"fitness":   {"GET", "/moves", "", `"items"`},
		"studyteam": {"POST", "/api/something", "Body of the request", "Body of the request"},
	}[s.name]
}

// A narrowing is a scope that opens the first call, in a spelling that libraries
// have to encode, and a call that needs another.
type narrowing struct{ scope, closed, needs string }

// narrowing is zero where there are no scopes.
func (s *system) narrowing() narrowing {
	return map[string]narrowing{
		"timeback": {
			"https://purl.imsglobal.org/spec/or/v1p2/scope/roster-core.readonly",
			"/ims/oneroster/rostering/v1p2/demographics", "scope/roster-demographics.readonly",
		},
		"fitness": {"read:moves", "/accounts", "read:accounts"},
	}[s.name]
}

// refusedSecret is what a wrong secret is answered with.
func (s *system) refusedSecret(style string) refused {
	switch {
	case s.name == "studyteam":
		return refused{401, "access_denied"}
	case s.name == "timeback" && style != "basic":
		return refused{400, "invalid_client"}
	}
	return refused{401, "invalid_client"}
}

// environ is the whole environment of a client's program.
func (s *system) environ(more ...string) []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "SYSTEM=" + s.name}
	for name, value := range s.exports {
		env = append(env, name+"="+value)
	}
	return append(env, more...)
}

// start runs a system until the test is over. Failures of clients are counted by
// client and address: tests that make many of them start a system of their own.
func start(t *testing.T, name string) *system {
	t.Helper()
	binary, err := grantway()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	envFile := filepath.Join(folder, "env")
	server := exec.Command(binary, "dev", "--example", name, "--listen", "127.0.0.1:0",
		"--data", filepath.Join(folder, "data"), "--env-file", envFile, "--quiet")
	done := background(t, server)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		select {
		case <-done:
			t.FailNow() // the clean-up says why
		case <-time.After(10 * time.Millisecond):
		}
		// The file appears as a whole, when the server answers.
		if written, err := os.ReadFile(envFile); err == nil {
			return &system{name, readExports(t, string(written))}
		}
	}
	t.Fatalf("%s was not ready in time", name)
	return nil
}

// readExports reads lines of the form export NAME='value'.
func readExports(t *testing.T, file string) map[string]string {
	t.Helper()
	exports := map[string]string{}
	for line := range strings.Lines(file) {
		name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		if !ok || strings.Count(value, "'") != 2 {
			t.Fatalf("not a line of exports: %s", line)
		}
		exports[name] = strings.Trim(value, "'")
	}
	return exports
}

var workspace string // for the binary; gone after the tests

func TestMain(m *testing.M) {
	var err error
	if workspace, err = os.MkdirTemp("", "grantway-interop-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(workspace)
	os.Exit(code)
}

// grantway builds the binary, once.
var grantway = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(workspace, "grantway")
	out, err := exec.Command("go", "build", "-o", binary, "github.com/grantway/grantway/cmd/grantway").CombinedOutput()
	if err != nil {
		return "", errors.Join(err, errors.New(string(out)))
	}
	return binary, nil
})
