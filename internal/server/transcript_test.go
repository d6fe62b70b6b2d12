package server

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/store"
)

// TestTranscripts plays every conversation below testdata, each against a server
// of its own. README.md there says how they are written.
func TestTranscripts(t *testing.T) {
	var files []string
	err := filepath.WalkDir("testdata", func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".txt" {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("found %d transcripts: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.ToSlash(file), "testdata/"), ".txt")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			steps, err := parseTranscript(string(text))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			p := &player{t: t, file: file, known: map[string]string{}, environment: "staging"}
			for _, step := range steps {
				p.play(step)
			}
		})
	}
}

// A step is a directive, with what it expects, or a request with its answer.
type step struct {
	line      int
	directive []string // its words; nil for an exchange
	expected  []string // lines that follow a directive
	request   []string
	answer    []string
}

func parseTranscript(text string) ([]step, error) {
	if !strings.HasPrefix(text, "# ") {
		return nil, fmt.Errorf("line 1: a comment must say what is claimed, and which section claims it")
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	var steps []step
	for at := 0; at < len(lines); at++ {
		line := lines[at]
		switch {
		case line == "" || line == "==" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "> "):
			s := step{line: at + 1, directive: strings.Fields(line[2:])}
			for at+1 < len(lines) && strings.HasPrefix(lines[at+1], "{") {
				at++
				s.expected = append(s.expected, lines[at])
			}
			steps = append(steps, s)
		default:
			s := step{line: at + 1}
			middle := slices.Index(lines[at:], "--")
			if middle < 0 {
				return nil, fmt.Errorf("line %d: the request has no answer: a line -- comes between them", at+1)
			}
			s.request = lines[at : at+middle]
			at += middle + 1
			end := slices.Index(lines[at:], "==")
			if end < 0 {
				end = len(lines) - at
			}
			s.answer = lines[at : at+end]
			at += end
			steps = append(steps, s)
		}
	}
	return steps, nil
}

// A player plays one transcript.
type player struct {
	t           *testing.T
	file        string
	setup       setup
	site        *site // nil until it is needed: directives may still change the setup
	environment string
	known       map[string]string // what was captured, by name
	last        answer
}

func (p *player) fail(s step, format string, args ...any) {
	p.t.Helper()
	p.t.Fatalf("%s:%d: %s", p.file, s.line, fmt.Sprintf(format, args...))
}

func (p *player) play(s step) {
	p.t.Helper()
	if s.directive == nil {
		p.exchange(s)
		return
	}
	name, words := s.directive[0], s.directive[1:]
	if change, ok := changes[name]; ok {
		if p.site != nil {
			p.fail(s, "> %s must come before the first request", name)
		}
		before := p.setup.change
		p.setup.change = func(c *catalogue.Catalogue) {
			if before != nil {
				before(c)
			}
			change(c)
		}
		return
	}
	act := directives[name]
	if act == nil {
		p.fail(s, "there is no directive %q; there are %v and %v", name, slices.Sorted(maps.Keys(directives)), slices.Sorted(maps.Keys(changes)))
	}
	act(p, s, words)
}

// changes are directives about the configuration that the server starts with.
var changes = map[string]func(*catalogue.Catalogue){
	"strict": func(c *catalogue.Catalogue) {
		for _, e := range c.Environments {
			e.Strict = true
		}
	},
	"plain": func(c *catalogue.Catalogue) {
		for _, e := range c.Environments {
			e.PlainCodes = true
		}
	},
	"spring": dialectOf("spring"),
	"opaque": func(c *catalogue.Catalogue) {
		for _, e := range c.Environments {
			for _, api := range e.APIs {
				api.Token.Format = catalogue.Opaque
			}
		}
	},
}

var directives = map[string]func(p *player, s step, words []string){
	"example": func(p *player, s step, words []string) {
		if p.setup.example = words[0]; words[0] == "people" {
			p.setup.handler = deciding
		}
	},
	"home": func(p *player, s step, _ []string) {
		if p.setup.home = true; p.site != nil {
			p.fail(s, "> home must come before the first request")
		}
	},
	"person":      playPerson,
	"environment": func(p *player, s step, words []string) { p.environment = words[0] },
	"clock": func(p *player, s step, words []string) {
		by, err := time.ParseDuration(words[0])
		if err != nil {
			p.fail(s, "%v", err)
		}
		p.up().clock.move(by)
	},
	"client": playClient,
	"disable": func(p *player, s step, words []string) {
		clients := p.up().environment(p.environment).resources.store.Clients()
		if err := clients.Disable(p.t.Context(), p.expand(s, words[0]), p.site.forget(), p.forWhom(s, words[1:])); err != nil {
			p.fail(s, "%v", err)
		}
		p.site.settle(p.t, p.environment)
	},
	"enable": func(p *player, s step, words []string) {
		clients := p.up().environment(p.environment).resources.store.Clients()
		if err := clients.Enable(p.t.Context(), p.expand(s, words[0]), p.forWhom(s, words[1:])); err != nil {
			p.fail(s, "%v", err)
		}
		p.site.settle(p.t, p.environment)
	},
	"base64": func(p *player, s step, words []string) {
		text := p.expand(s, strings.Join(words[1:], " "))
		p.known[words[0]] = base64.StdEncoding.EncodeToString([]byte(text))
	},
	"log": func(p *player, s step, words []string) {
		wanted := p.expand(s, strings.Join(words, " "))
		if line := p.site.logged(p.last); !strings.Contains(line, wanted) {
			p.fail(s, "the log line of the last request does not say %s:\n%s", wanted, line)
		}
	},
	"jwt": playJWT,
}

// playClient registers a client: > client NAME scopes=a,b grants=none
// methods=client_secret_post expires=60s secret=… apis=none.
func playClient(p *player, s step, words []string) {
	r := registration{id: p.expand(s, words[0])}
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "scopes": // of the only API
			r.allotted = map[string][]string{p.up().environment(p.environment).APIs[0].Name: strings.Split(value, ",")}
		case "apis":
			r.allotted = map[string][]string{}
			if value != "none" {
				r.allotted[value] = []string{}
			}
		case "type":
			if r.resource = value == store.TypeResource; !r.resource {
				r.kind = value
			}
		case "redirects":
			r.signIn.Redirects = strings.Split(p.expand(s, value), ",")
		case "logouts":
			r.signIn.LogoutRedirects = strings.Split(p.expand(s, value), ",")
		case "legacy":
			r.signIn.Legacy = true
		case "grants":
			r.grants = strings.Split(value, ",")
		case "methods":
			r.methods = []string{value}
		case "secret":
			r.secret = value
		case "expires":
			var err error
			if r.expires, err = time.ParseDuration(value); err != nil {
				p.fail(s, "%v", err)
			}
		default:
			p.fail(s, "a client has no %q", name)
		}
	}
	p.known[words[0]+".secret"] = p.up().register(p.t, p.environment, r)
}

// playJWT checks what a token says: > jwt TOKEN, then a line with its header and
// one with its claims. Its signature is checked with the published keys.
func playJWT(p *player, s step, words []string) {
	text := p.expand(s, words[0])
	segments := strings.Split(text, ".")
	if len(segments) != 3 || len(s.expected) != 2 {
		p.fail(s, "%d segments, %d lines that say what to expect", len(segments), len(s.expected))
	}
	for i, expected := range s.expected {
		decoded, err := base64.RawURLEncoding.DecodeString(segments[i])
		if err != nil {
			p.fail(s, "%v", err)
		}
		if problem := p.match(expected, string(decoded)); problem != "" {
			p.fail(s, "%s", problem)
		}
	}
	got := p.site.send(p.t, p.site.request("GET "+p.site.environment(p.environment).Issuer.Path+"/.well-known/jwks.json HTTP/1.1", ""))
	published, err := jose.ParseJWKSet([]byte(got.body))
	if err != nil {
		p.fail(s, "the published keys: %v", err)
	}
	parsed, err := jose.Parse(text)
	if err != nil {
		p.fail(s, "%v", err)
	}
	key := slices.IndexFunc(published, func(k jose.PublicKey) bool { return k.KeyID == parsed.KeyID() })
	if key < 0 {
		p.fail(s, "the key %s is not published", parsed.KeyID())
	}
	if _, err := parsed.Verify(published[key]); err != nil {
		p.fail(s, "with the published key: %v", err)
	}
}

// up starts the server if it does not run yet.
func (p *player) up() *site {
	if p.site == nil {
		p.site = start(p.t, p.setup)
	}
	return p.site
}

// builtIn are the names that are known without having been captured.
func (p *player) builtIn(name string) (string, bool) {
	if value, ok := p.known[name]; ok {
		return value, true
	}
	if name == "host" {
		return p.up().address, true
	}
	if after, ok := strings.CutPrefix(name, "now"); ok {
		seconds, err := strconv.Atoi(after)
		if after == "" || err == nil {
			return fmt.Sprint(p.up().clock.Now().Unix() + int64(seconds)), true
		}
	}
	read := ofEnvironment[name]
	if read == nil {
		return "", false
	}
	return read(p.up().environment(p.environment)), true
}

var ofEnvironment = map[string]func(*environment) string{
	"auth":   func(e *environment) string { return e.Issuer.Path },
	"api":    func(e *environment) string { return e.Base.Path },
	"issuer": func(e *environment) string { return e.Issuer.String() },
	"base":   func(e *environment) string { return e.Base.String() },
	"iss":    func(e *environment) string { return url.QueryEscape(e.issuer()) },
}

func (p *player) exchange(s step) {
	p.t.Helper()
	head, body := split(s.request)
	for i := range head {
		head[i] = p.expand(s, head[i])
	}
	p.last = p.up().send(p.t, p.site.request(head[0], p.expand(s, body), head[1:]...))
	if problems := p.compare(s.answer); len(problems) > 0 {
		p.fail(s, "%s\nthe answer differs:\n  %s\n\nit was\n%s\n\nlogged as\n%s",
			head[0], strings.Join(problems, "\n  "), p.last, p.site.logged(p.last))
	}
}

// split takes a message apart at its first empty line.
func split(lines []string) (head []string, body string) {
	at := slices.Index(lines, "")
	if at < 0 {
		return slices.Clone(lines), ""
	}
	return slices.Clone(lines[:at]), strings.TrimRight(strings.Join(lines[at+1:], "\n"), "\n")
}

// compare says how the last answer differs from the expected one: in the status
// line, in a header that is listed, in the body.
func (p *player) compare(expected []string) (problems []string) {
	head, body := split(expected)
	if len(head) == 0 {
		return []string{"nothing is expected"}
	}
	if p.last.status != head[0] {
		problems = append(problems, fmt.Sprintf("status line\n    want %s\n    got  %s", head[0], p.last.status))
	}
	for _, line := range head[1:] {
		if absent, ok := strings.CutPrefix(line, "!"); ok {
			if sent := p.last.header[http.CanonicalHeaderKey(absent)]; sent != nil {
				problems = append(problems, fmt.Sprintf("header %s is not expected: %q", absent, sent))
			}
			continue
		}
		name, value, _ := strings.Cut(line, ": ")
		sent := p.last.header[http.CanonicalHeaderKey(name)]
		if len(sent) != 1 {
			problems = append(problems, fmt.Sprintf("header %s is there %d times", name, len(sent)))
		} else if problem := p.match(value, sent[0]); problem != "" {
			problems = append(problems, "header "+name+": "+problem)
		}
	}
	if problem := p.match(body, strings.TrimSuffix(p.last.body, "\n")); problem != "" {
		problems = append(problems, "body: "+problem)
	}
	return problems
}

// String is the answer as it came, its headers sorted.
func (a answer) String() string {
	var b strings.Builder
	b.WriteString(a.status + "\n")
	for _, name := range slices.Sorted(maps.Keys(a.header)) {
		for _, value := range a.header[name] {
			b.WriteString(name + ": " + value + "\n")
		}
	}
	return b.String() + "\n" + clip(a.body, 700)
}

// member reads one string member of a JSON body, empty when there is none.
func (a answer) member(name string) string {
	var members map[string]any
	_ = json.Unmarshal([]byte(a.body), &members)
	text, _ := members[name].(string)
	return text
}
