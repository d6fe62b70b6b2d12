package main

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store/storetest/pgtest"
)

// TestIncidents does what docs/INCIDENTS.md says, section by section and in its
// order, to servers that run, and looks whether what it promises is so. A section
// or a command that is not done here is a failure.
func TestIncidents(t *testing.T) {
	sections := readIncidents(t)
	for title := range incidents {
		if _, ok := sections[title]; !ok {
			t.Errorf("docs/INCIDENTS.md has no section %q: take its case out of incidents_run_test.go", title)
		}
	}
	for title, steps := range sections {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			cases, ok := incidents[title]
			if !ok {
				t.Fatalf("nobody has tried what docs/INCIDENTS.md says of %q: add a case to incidents in cmd/grantway/incidents_run_test.go", title)
			}
			i := &incident{t: t, sections: sections, words: map[string]string{"ENV": "staging"}}
			cases.prepare(i)
			i.follow(title, len(steps))
		})
	}
}

// An incidentCase is a section that can be tried.
type incidentCase struct {
	prepare func(*incident)         // what is the case before
	steps   []func(*incident, step) // one for each step of the section
}

// A step is one number of a section.
type step struct {
	text     string
	commands []string // as they are written
}

var (
	stepStart = regexp.MustCompile(`^\d+\. `)
	spans     = regexp.MustCompile("`([^`]+)`")
	programs  = regexp.MustCompile(`^(grantway|openssl|curl|chmod|systemctl|psql) `)
	words     = regexp.MustCompile(`\b[A-Z]{3,}\b`)
)

// readIncidents returns the numbered steps by section.
func readIncidents(t *testing.T) map[string][]step {
	t.Helper()
	sections := map[string][]step{}
	title, open := "", false
	for line := range strings.Lines(readFile(t, "../../docs/INCIDENTS.md")) {
		line = strings.TrimRight(line, "\n")
		if name, ok := strings.CutPrefix(line, "## "); ok {
			title, open = name, false
			sections[title] = nil
			continue
		}
		switch {
		case title == "":
			continue // what holds for all
		case stepStart.MatchString(line):
			sections[title] = append(sections[title], step{text: stepStart.ReplaceAllString(line, "")})
			open = true
		case open && strings.HasPrefix(line, "   "):
			sections[title][len(sections[title])-1].text += " " + strings.TrimSpace(line)
		case line == "":
			open = false
		default:
			for _, span := range spans.FindAllStringSubmatch(line, -1) {
				if programs.MatchString(span[1]) {
					t.Errorf("%s: the command %q stands in no numbered step", title, span[1])
				}
			}
		}
	}
	for _, steps := range sections {
		for i := range steps {
			for _, span := range spans.FindAllStringSubmatch(steps[i].text, -1) {
				if programs.MatchString(span[1]) {
					steps[i].commands = append(steps[i].commands, span[1])
				}
			}
		}
	}
	if len(sections) == 0 {
		t.Fatal("docs/INCIDENTS.md has no sections")
	}
	return sections
}

// An incident is a section that is being tried.
type incident struct {
	t        *testing.T
	sections map[string][]step
	words    map[string]string // what stands for a word in capitals
	ran      map[string]bool   // commands of the step
	server   *published
	second   *published // another node on the same stores; nil: there is none
	pairs    []string   // of the server's configuration
	folder   string     // where the commands are typed, with grantway.yaml
	env      []string
	client   *partnerClient
	database *pgtest.Server // of the section about it
}

// follow does the first so many steps of a section.
func (i *incident) follow(title string, until int) {
	i.t.Helper()
	steps := i.sections[title]
	do := incidents[title].steps
	if len(do) != len(steps) {
		i.t.Fatalf("docs/INCIDENTS.md has %d steps in %q, and incidents_run_test.go %d", len(steps), title, len(do))
	}
	for n, s := range steps[:until] {
		i.ran = map[string]bool{}
		do[n](i, s)
		for _, command := range s.commands {
			if !i.ran[command] {
				i.t.Errorf("%s, step %d: nobody ran %q", title, n+1, command)
			}
		}
	}
}

// says holds a step that is no command against what its case is about.
func (i *incident) says(s step, text string) {
	i.t.Helper()
	if !strings.Contains(s.text, text) {
		i.t.Errorf("the step no longer says %q, which is what is tried: %s", text, s.text)
	}
}

// asks are commands that ask before they destroy; scripts add --yes.
var asks = regexp.MustCompile(`^grantway (secrets revoke|clients disable|keys retire|keys rekey .*--lost|deny|.* deny)\b`)

// run types a command of the step, with what is known for the words in capitals,
// and returns what it prints.
func (i *incident) run(s step, number int) string {
	i.t.Helper()
	out, err := i.try(s, number)
	if err != nil {
		i.t.Fatal(err)
	}
	return out
}

func (i *incident) try(s step, number int) (string, error) {
	i.t.Helper()
	if number >= len(s.commands) {
		i.t.Fatalf("the step has %d commands: %s", len(s.commands), s.text)
	}
	written := s.commands[number]
	i.ran[written] = true
	written = i.moved(written)
	typed := words.ReplaceAllStringFunc(written, func(word string) string {
		known, ok := i.words[word]
		if !ok {
			i.t.Fatalf("nothing is known for %s in %q", word, written)
		}
		return known
	})
	if asks.MatchString(written) {
		typed += " --yes"
	}
	return i.shell(typed)
}

// shell types a line.
func (i *incident) shell(line string) (string, error) {
	i.t.Helper()
	cmd := exec.Command("bash", "-euc", line)
	cmd.Dir = i.folder
	cmd.Env = append([]string{"PATH=" + filepath.Join(i.folder, "bin") + ":" + os.Getenv("PATH"), "HOME=" + i.folder}, i.env...)
	out, err := cmd.Output()
	if err != nil {
		var said []byte
		if exit, ok := err.(*exec.ExitError); ok {
			said = exit.Stderr
		}
		return string(out), fmt.Errorf("%s: %w\n%s%s", line, err, out, said)
	}
	return string(out), nil
}

// moved puts the addresses of this server for those of the page.
func (i *incident) moved(command string) string {
	return strings.ReplaceAll(command, "http://127.0.0.1:9464", i.server.metrics)
}

// first is the group of a pattern in what a command printed.
func (i *incident) first(pattern, printed string) string {
	i.t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(printed)
	if m == nil {
		i.t.Fatalf("%s is not in:\n%s", pattern, printed)
	}
	return m[1]
}

// publish starts the server, on the stores of the last time if there was one.
// change is told the folder of the data, and gives pairs as configure takes them.
func (i *incident) publish(change func(data string) []string) {
	i.t.Helper()
	if i.folder == "" {
		folder, err := os.MkdirTemp("", "grantway") // short: a socket's path may not be long
		if err != nil {
			i.t.Fatal(err)
		}
		i.t.Cleanup(func() { _ = os.RemoveAll(folder) })
		i.folder, i.env = folder, slices.Clone(serveSecrets)
		self, err := os.Executable()
		if err != nil {
			i.t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(folder, "bin"), 0o700); err != nil {
			i.t.Fatal(err)
		}
		script := "#!/bin/sh\nexec env " + asCommand + "=1 '" + self + "' \"$@\"\n"
		if err := os.WriteFile(filepath.Join(folder, "bin", "grantway"), []byte(script), 0o700); err != nil {
			i.t.Fatal(err)
		}
	}
	api := httptest.NewServer(http.HandlerFunc(notes))
	i.t.Cleanup(api.Close)
	data, pairs := filepath.Join(i.folder, "data"), []string{"clients:\n", strings.Replace(ledger, "UPSTREAM", api.URL, 1)}
	if change != nil {
		pairs = append(pairs, change(data)...)
	}
	i.server = publish(i.t, i.env, data, http.HandlerFunc(notes), pairs...)
	i.pairs = pairs
	writeFile(i.t, filepath.Join(i.folder, "grantway.yaml"), i.server.text)
}

// ledger is a second API, whose tokens are opaque.
const ledger = `  ledger:
    upstream: UPSTREAM
    token: {format: opaque}
    scopes:
      ledger:read:
        description: Read the ledger
    routes:
      - GET /ledger: ledger:read

clients:
`

// A partnerClient is a client that the incident is about.
type partnerClient struct{ id, secret string }

// create makes a client as an operator does.
func (i *incident) create() *partnerClient {
	i.t.Helper()
	printed, err := i.shell("grantway clients create -e staging --name Acme --scope all")
	if err != nil {
		i.t.Fatal(err)
	}
	return &partnerClient{i.first(`(?m)^client id +(\S+)$`, printed), i.first(`(?m)^client secret +(\S+)$`, printed)}
}

// ask asks a server for a token.
func (p *partnerClient) ask(t *testing.T, at *published, more ...string) reply {
	t.Helper()
	return askToken(t, at.client, "http"+stagingToken, p.id, p.secret, more...)
}

func (p *partnerClient) token(t *testing.T, at *published) string {
	t.Helper()
	return p.ask(t, at, "scope", "notes:read").token(t)
}

func (p *partnerClient) opaque(t *testing.T, at *published) string {
	t.Helper()
	return p.ask(t, at, "scope", "ledger:read").token(t)
}

// call is the status of a call with a token.
func call(t *testing.T, at *published, path, token string) int {
	t.Helper()
	return httpGet(t, at.client, "http"+stagingAPI+path, token).status
}

// wants looks at calls that should be answered so.
func (i *incident) wants(status int, at *published, tokens map[string]string) {
	i.t.Helper()
	for what, token := range tokens {
		path := "/notes"
		if strings.Contains(what, "opaque") {
			path = "/ledger"
		}
		if got := call(i.t, at, path, token); got != status {
			i.t.Errorf("%s: %d, want %d", what, got, status)
		}
	}
}

// soon is how long a promise of a second may take on a machine that does much else.
const soon = 15 * time.Second

// refusedWithin is the promise of a second, on every node, from began on.
func (i *incident) refusedWithin(began time.Time, limit time.Duration, tokens map[string]string) {
	i.t.Helper()
	left := maps.Clone(tokens)
	for _, at := range []*published{i.server, i.second} {
		for what, token := range left {
			for at != nil && call(i.t, at, map[bool]string{true: "/ledger", false: "/notes"}[strings.Contains(what, "opaque")], token) != http.StatusUnauthorized {
				if time.Since(began) > limit {
					i.t.Fatalf("%s passes %v after", what, time.Since(began))
				}
				time.Sleep(5 * time.Millisecond)
			}
		}
	}
}
