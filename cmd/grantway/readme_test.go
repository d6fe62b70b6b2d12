package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The pages that are run as they are written. Each names one command that starts
// a demonstration; the test runs it with a free port added, and puts that port
// for 8080. Everything else is the page's own:
//
//   - all ```sh blocks, in one shell, in the folder of --env-file;
//   - all ```js blocks, each in a scope within the one before;
//   - each ```http block that is a request, sent as its bytes say, with the last
//     token for ACCESS_TOKEN.
//
// The ```json, ```http or ```text block that follows is what comes back.
var readmes = []string{
	"README.md", "examples/quickstart/README.md", "examples/timeback/README.md", "examples/fitness/README.md", "examples/studyteam/README.md",
	"examples/mytimetable/README.md", "docs/guides/tour.md", "docs/guides/scopes.md",
	"docs/guides/credentials.md",
}

const readmeBase = "http://127.0.0.1:8080"

func TestReadmes(t *testing.T) {
	for _, file := range readmes {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			page := readPage(t, filepath.Join("../..", file))
			d := page.demo(t)
			page.runShell(t, d)
			page.runJavaScript(t, d)
			page.runRequests(t, d)
			page.visit(t, d)
			for name, value := range d.env {
				at, ok := strings.CutPrefix(value, d.base)
				if guide := strings.HasPrefix(file, "docs/guides/"); ok && !guide && !strings.Contains(page.text, readmeBase+at) {
					t.Errorf("%s nowhere names %s%s, which is %s", file, readmeBase, at, name)
				}
			}
		})
	}
}

// A page is a Markdown file.
type page struct {
	file, text string
	blocks     []*block
}

// A block is a fenced piece of a page.
type block struct {
	language, text string
	line           int
	want           *block // what comes back; nil: the page does not say
}

func (b *block) runs() bool {
	return b.language == "sh" || b.language == "js" || b.language == "http" && !strings.HasPrefix(b.text, "HTTP/")
}

func readPage(t *testing.T, file string) *page {
	t.Helper()
	text := readFile(t, file)
	return &page{file: file, text: text, blocks: blocksOf(text)}
}

func blocksOf(text string) (all []*block) {
	var open, last *block
	n := 0
	for line := range strings.Lines(text) {
		n++
		switch fence, ok := strings.CutPrefix(line, "```"); {
		case ok && open == nil:
			open = &block{language: strings.TrimSpace(fence), line: n + 1}
		case ok:
			all = append(all, open)
			if open.runs() {
				last = open
			} else if last != nil {
				last.want, last = open, nil
			}
			open = nil
		case open != nil:
			open.text += line
		}
	}
	return all
}

// A readmeDemo is the demonstration that a page says how to start.
type readmeDemo struct {
	*process
	base string
	env  map[string]string
}

var startsDemo = regexp.MustCompile(`(?m)^    go run \./cmd/grantway dev(.*)$`)

func (p *page) demo(t *testing.T) readmeDemo {
	t.Helper()
	said := startsDemo.FindAllStringSubmatch(p.text, -1)
	if len(said) != 1 {
		t.Fatalf("%s names %d commands that start a demonstration", p.file, len(said))
	}
	arguments := append([]string{"dev"}, strings.Fields(said[0][1])...)
	d := readmeDemo{process: start(t, nil, append(arguments, "--listen", "127.0.0.1:0")...)}
	const mark = "The same on a page: "
	d.until("end of the introduction", func() bool { return strings.Contains(d.out.String(), mark) })
	_, rest, _ := strings.Cut(d.out.String(), mark)
	d.base = strings.TrimSuffix(strings.TrimSpace(rest), "/")
	if _, file, ok := strings.Cut(said[0][1], "--env-file "); ok {
		d.env = readEnvFile(t, filepath.Join(d.cmd.Dir, file))
	}
	return d
}

func (d readmeDemo) moved(text string) string { return strings.ReplaceAll(text, readmeBase, d.base) }

func (p *page) runShell(t *testing.T, d readmeDemo) {
	const mark = "\n-- end of a block --\n"
	var script strings.Builder
	var run []*block
	for _, b := range p.blocks {
		if b.language == "sh" {
			run = append(run, b)
			fmt.Fprintf(&script, "%s\nprintf '%%s' '%s'\n", d.moved(b.text), mark)
		}
	}
	outputs := strings.Split(bash(t, "cd '"+d.cmd.Dir+"'\n"+script.String(), d.shell(t)), mark)
	if len(run) == 0 || len(outputs) != len(run)+1 {
		t.Fatalf("%s: %d of %d shell blocks ended", p.file, len(outputs)-1, len(run))
	}
	for i, b := range run {
		b.compare(t, p, outputs[i])
	}
}

// shell is the environment of a reader's shell, in which grantway is the program
// that runs the demonstration.
func (d readmeDemo) shell(t *testing.T) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	program := "#!/bin/sh\n" + asCommand + "=1 exec '" + self + "' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(folder, "grantway"), []byte(program), 0o700); err != nil {
		t.Fatal(err)
	}
	return []string{"HOME=" + d.cmd.Dir, "PATH=" + folder + ":" + os.Getenv("PATH")}
}

func (p *page) runJavaScript(t *testing.T, d readmeDemo) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatalf("%v. On Debian: apt-get install -y nodejs", err)
	}
	var script strings.Builder
	var told []*block
	scopes := 0
	for _, b := range p.blocks {
		if b.language != "js" {
			continue
		}
		scopes++
		fmt.Fprintf(&script, "{\n%s\nif (typeof response !== 'undefined' && !response.ok) throw new Error(`line %d: ${response.status} ${await response.text()}`)\n",
			d.moved(b.text), b.line)
		if b.want != nil {
			told = append(told, b)
			script.WriteString("console.log(JSON.stringify(data))\n")
		}
	}
	if scopes == 0 {
		return
	}
	script.WriteString(strings.Repeat("}", scopes))
	cmd := exec.Command(node, "--input-type=module", "-")
	cmd.Stdin = strings.NewReader(script.String())
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	for name, value := range d.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	status, out, said := ran(t, cmd)
	outputs := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if status != 0 || len(outputs) != max(1, len(told)) {
		t.Fatalf("%s: status %d, %d of %d blocks ended\n%s", p.file, status, len(outputs), len(told), said)
	}
	for i, b := range told {
		b.compare(t, p, outputs[i])
	}
}

// runRequests sends the requests that are written as HTTP. They are of systems
// with one URL, below which their paths are.
func (p *page) runRequests(t *testing.T, d readmeDemo) {
	token := ""
	for _, b := range p.blocks {
		if b.language != "http" || !b.runs() {
			continue
		}
		head, body, _ := strings.Cut(b.text, "\n\n")
		line, fields, _ := strings.Cut(head, "\n")
		method, path, _ := strings.Cut(line, " ")
		r, err := http.NewRequest(method, d.env["STUDYTEAM_URL"]+path, strings.NewReader(strings.TrimSuffix(body, "\n")))
		if err != nil {
			t.Fatalf("%s:%d: %v", p.file, b.line, err)
		}
		for field := range strings.Lines(fields + "\n") {
			name, value, _ := strings.Cut(strings.TrimSpace(field), ": ")
			r.Header.Set(name, strings.ReplaceAll(value, "ACCESS_TOKEN", token))
		}
		got := httpSend(t, http.DefaultClient, r)
		b.compare(t, p, got.body)
		if strings.Contains(got.body, `"access_token"`) {
			token = got.token(t)
		}
	}
}

var addresses = regexp.MustCompile(`[<(](` + readmeBase + `[^>)\s]*)[>)]`)

// visit follows the links to the demonstration.
func (p *page) visit(t *testing.T, d readmeDemo) {
	for _, at := range addresses.FindAllStringSubmatch(p.text, -1) {
		if got := httpGet(t, http.DefaultClient, d.moved(at[1]), ""); got.status != http.StatusOK {
			t.Errorf("%s links to %s: %d", p.file, at[1], got.status)
		}
	}
}

// compare holds what came back against what the page says.
func (b *block) compare(t *testing.T, p *page, got string) {
	t.Helper()
	if b.want == nil {
		if strings.Contains(got, `"error"`) || strings.Contains(got, "imsx_codeMajor") {
			t.Errorf("%s:%d is refused: %s", p.file, b.line, got)
		}
		return
	}
	var err error
	switch b.want.language {
	case "text":
		if strings.TrimSpace(got) != strings.TrimSpace(b.want.text) {
			err = fmt.Errorf("printed is %q", got)
		}
	case "json":
		err = likeJSON(b.want.text, got)
	case "http":
		err = likeHTTP(b.want.text, got)
	default:
		err = fmt.Errorf("%q is no language of answers", b.want.language)
	}
	if err != nil {
		t.Errorf("%s:%d: %v\n%s", p.file, b.want.line, err, got)
	}
}

// likeHTTP compares the status, the headers that are wanted, and the body.
func likeHTTP(want, got string) error {
	wanted, err := http.ReadResponse(bufio.NewReader(strings.NewReader(strings.ReplaceAll(want, "\n", "\r\n"))), nil)
	if err != nil {
		return fmt.Errorf("the page's answer: %w", err)
	}
	answered, err := http.ReadResponse(bufio.NewReader(strings.NewReader(got)), nil)
	if err != nil {
		return err
	}
	if wanted.Status != answered.Status {
		return fmt.Errorf("status %s, want %s", answered.Status, wanted.Status)
	}
	for name, values := range wanted.Header {
		if has := answered.Header.Get(name); !likeText(values[0], has) {
			return fmt.Errorf("%s: %s, want %s", name, has, values[0])
		}
	}
	_, body, _ := strings.Cut(want, "\n\n")
	var rest bytes.Buffer
	if _, err := rest.ReadFrom(answered.Body); err != nil {
		return err
	}
	return likeJSON(body, rest.String())
}

func likeJSON(want, got string) error {
	var w, g any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		return fmt.Errorf("the page's answer is no JSON: %w", err)
	}
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		return fmt.Errorf("no JSON: %w", err)
	}
	return likeValue("", w, g)
}

// likeValue compares members, kinds and values. "…" stands for any text, as the
// last element for more elements, and as a name for more members.
func likeValue(at string, want, got any) error {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("%s is %v", at, got)
		}
		_, more := w["…"]
		for name := range g {
			if _, ok := w[name]; !ok && !more {
				return fmt.Errorf("%s has a member %s, which the page does not show", at, name)
			}
		}
		for name, value := range w {
			has, ok := g[name]
			if !ok && name != "…" {
				return fmt.Errorf("%s has no member %s", at, name)
			}
			if name != "…" {
				if err := likeValue(at+"."+name, value, has); err != nil {
					return err
				}
			}
		}
		return nil
	case []any:
		g, ok := got.([]any)
		if n := len(w) - 1; ok && n >= 0 && w[n] == "…" && len(g) > n {
			w, g = w[:n], g[:n]
		}
		if !ok || len(w) != len(g) {
			return fmt.Errorf("%s is %v", at, got)
		}
		for i := range w {
			if err := likeValue(fmt.Sprintf("%s[%d]", at, i), w[i], g[i]); err != nil {
				return err
			}
		}
		return nil
	case string:
		if g, ok := got.(string); ok && likeText(w, g) {
			return nil
		}
	default:
		if want == got {
			return nil
		}
	}
	return fmt.Errorf("%s is %v, want %v", at, got, want)
}

// likeText compares texts; "…" stands for some text, and so do the marks of the
// documents for a token.
func likeText(want, got string) bool {
	if want == "ACCESS_TOKEN" {
		want = "eyJ…"
	}
	want = regexp.QuoteMeta(strings.Replace(want, "...", "…", 1))
	return regexp.MustCompile(`^` + strings.ReplaceAll(want, "…", ".+") + `$`).MatchString(got)
}
