package interop

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/grantway/grantway/internal/installed"
)

// A shown example is one as a reader of the portal sees it.
type shown struct {
	texts  map[string]string // by language
	files  map[string]string // to save them as; none for what is typed
	status int               // of the answer that is shown
	kind   string            // its Content-Type
	body   string
}

// A reader reads the portal of a system and does as it says.
type reader struct {
	system  *system
	portal  string // of the environment
	origin  string
	folder  string
	environ map[string]string
	built   map[string]string // programs in Go, by system, example and language
}

var languages = []string{"curl", "http", "javascript", "python", "go", "grantway", "java"}

// TestPortalExamples takes each example of each system's portal as it stands on the
// page, in each language, runs it against that system, and compares the answer with
// the one beside it. Nothing is put in but credentials, tokens and codes.
func TestPortalExamples(t *testing.T) {
	for _, tool := range []string{"curl", "node", "python3", "java", "sh", "openssl"} {
		installed.Tool(t, tool)
	}
	first := map[string]string{"quickstart": "staging", "timeback": "staging", "fitness": "staging", "studyteam": "staging", "mytimetable": "demo"}
	var readers []*reader
	programs := map[string]string{}
	for name, environment := range first {
		r := newReader(t, name, environment)
		readers = append(readers, r)
		for _, page := range r.pages() {
			for id, e := range r.examples(t, page) {
				for _, language := range []string{"go", "grantway"} {
					if text := e.texts[language]; text != "" {
						programs[name+"-"+id+"-"+language] = text
					}
				}
			}
		}
	}
	built := buildAll(t, programs)
	for _, r := range readers {
		t.Run(r.system.name, func(t *testing.T) {
			r.built = built
			if r.system.name == "mytimetable" {
				r.signPeopleIn(t)
				return
			}
			answer := r.run(t, "token", "token", languages)
			r.environ["ACCESS_TOKEN"] = member(t, answer, "access_token")
			r.run(t, "call", "call", languages)
			delete(r.environ, "ACCESS_TOKEN") // what comes now gets its own
			r.run(t, "lifetimes", "renew", []string{"javascript", "python", "grantway"})
		})
	}
}

func newReader(t *testing.T, name, environment string) *reader {
	s := start(t, name)
	of := func(variable string) string { return s.exports[variableOf(name)+"_"+variable] }
	at, err := url.Parse(of("AUTH_URL") + of("URL"))
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{system: s, origin: "http://" + at.Host, folder: t.TempDir(), environ: map[string]string{
		"CLIENT_ID": of("CLIENT_ID"), "CLIENT_SECRET": of("CLIENT_SECRET"),
	}}
	r.portal = r.origin + "/portal/" + environment + "/"
	if err := os.WriteFile(filepath.Join(r.folder, ".curlrc"), []byte("silent\nshow-error\nwrite-out = \"\\n%{http_code}\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

func variableOf(name string) string {
	if name == "quickstart" {
		return "GRANTWAY"
	}
	return strings.ToUpper(name)
}

func (r *reader) pages() []string {
	if r.system.name == "mytimetable" {
		return []string{"sign-in", "call"}
	}
	return []string{"token", "call", "lifetimes"}
}

// signPeopleIn goes the way of the page for each language with a person of its own.
func (r *reader) signPeopleIn(t *testing.T) {
	page := r.page(t, "sign-in")
	redirect := "http://localhost" // the demonstration's
	for _, language := range languages {
		verifier := strings.Repeat("0123456789abcdef", 4)
		script := strings.Replace(textOf(page, "challenge"), "$(openssl rand -hex 32)", verifier, 1)
		challenge, err := exec.Command("sh", "-c", script).Output()
		if err != nil {
			t.Fatal(err)
		}
		address := strings.NewReplacer("YOUR_CLIENT_ID", r.environ["CLIENT_ID"], "YOUR_REDIRECT_URI", url.QueryEscape(redirect),
			"YOUR_STATE", "mine", "YOUR_CODE_CHALLENGE", string(challenge)).Replace(textOf(page, "authorize-url"))
		came, err := newPerson(r.system.exports["MYTIMETABLE_USER"], r.system.exports["MYTIMETABLE_PASSWORD"]).open(address, false)
		if err != nil {
			t.Fatal(err)
		}
		back, err := url.Parse(came)
		if err != nil || back.Query().Get("code") == "" || back.Query().Get("state") != "mine" {
			t.Fatalf("%v, %s", err, came)
		}
		r.environ["CODE"], r.environ["REDIRECT_URI"], r.environ["CODE_VERIFIER"] = back.Query().Get("code"), redirect, verifier
		answer := r.run(t, "sign-in", "exchange", []string{language})
		if answer == nil {
			continue // the page has no such example
		}
		r.environ["REFRESH_TOKEN"] = member(t, answer, "refresh_token")
		answer = r.run(t, "sign-in", "refresh", []string{language})
		r.environ["ACCESS_TOKEN"] = member(t, answer, "access_token")
		r.run(t, "call", "call", []string{language})
	}
}

// run runs an example in these languages and returns the last answer's body.
func (r *reader) run(t *testing.T, page, id string, in []string) (last []byte) {
	t.Helper()
	e, ok := r.examples(t, page)[id]
	if !ok {
		t.Fatalf("the page %s has no example %s", page, id)
	}
	ran := 0
	for _, language := range in {
		if e.texts[language] == "" {
			continue
		}
		ran++
		status, kind, got := r.do(t, language, id, e)
		if status != e.status || kind != "" && e.kind != "" && kind != e.kind {
			t.Errorf("%s in %s: %d %s, shown is %d %s\n%s", id, language, status, kind, e.status, e.kind, got)
		}
		if shape, want := shapeOf(got), shapeOf([]byte(e.body)); strings.HasPrefix(e.body, "{") && !slices.Equal(shape, want) {
			t.Errorf("%s in %s: %v, shown is %v", id, language, shape, want)
		}
		if len(got) == 0 {
			t.Errorf("%s in %s answers nothing", id, language)
		}
		last = got
	}
	if ran < 6 && len(in) == len(languages) {
		t.Errorf("%s is in %d languages", id, ran)
	}
	return last
}

// do runs one example. Programs say nothing of the status: they end well or not.
func (r *reader) do(t *testing.T, language, id string, e shown) (status int, kind string, body []byte) {
	t.Helper()
	var args []string
	switch language {
	case "http":
		return r.send(t, e.texts[language])
	case "curl":
		args = []string{"sh", "-c", e.texts[language]}
	case "go", "grantway":
		args = []string{r.built[r.system.name+"-"+id+"-"+language]}
	default:
		file := filepath.Join(r.folder, e.files[language])
		if err := os.WriteFile(file, []byte(e.texts[language]), 0o600); err != nil {
			t.Fatal(err)
		}
		args = []string{map[string]string{"javascript": "node", "python": "python3", "java": "java"}[language], file}
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.folder, "CURL_HOME=" + r.folder, "NO_PROXY=*", "JAVA_TOOL_OPTIONS=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
	for name, value := range r.environ {
		c.Env = append(c.Env, name+"="+value)
	}
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		t.Errorf("%s in %s: %v\n%s\n%s", id, language, err, errs.Bytes(), e.texts[language])
		return 0, "", nil
	}
	if language != "curl" {
		return e.status, "", out.Bytes()
	}
	end := bytes.LastIndexByte(out.Bytes(), '\n')
	status, _ = strconv.Atoi(string(out.Bytes()[end+1:])) // 0 is no status
	return status, "", out.Bytes()[:end]
}

// send writes a request as it is shown to a connection, with what the placeholders
// stand for.
func (r *reader) send(t *testing.T, text string) (status int, kind string, body []byte) {
	t.Helper()
	head, sent, _ := strings.Cut(strings.TrimRight(text, "\n")+"\n", "\n\n")
	sent = strings.TrimSuffix(sent, "\n")
	if sent != "" && !strings.Contains(head, fmt.Sprintf("Content-Length: %d", len(sent))) {
		t.Errorf("the length is wrong:\n%s", text)
	}
	names := slices.SortedFunc(func(yield func(string) bool) {
		for name := range r.environ {
			if !yield(name) {
				return
			}
		}
	}, func(a, b string) int { return len(b) - len(a) }) // CODE_VERIFIER before CODE
	before := len(sent)
	for _, name := range names {
		value := r.environ[name]
		if strings.Contains(head, "x-www-form-urlencoded") {
			value = url.QueryEscape(value)
		}
		sent = strings.ReplaceAll(sent, "YOUR_"+name, value)
		head = strings.ReplaceAll(head, "YOUR_"+name, value)
	}
	head = strings.Replace(head, fmt.Sprintf("Content-Length: %d", before), fmt.Sprintf("Content-Length: %d", len(sent)), 1)
	at, _ := url.Parse(r.origin) // it was read before
	c, err := net.Dial("tcp", at.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, strings.ReplaceAll(strings.TrimRight(head, "\n"), "\n", "\r\n")+"\r\n\r\n"+sent)
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err = io.ReadAll(response.Body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("Content-Type"), body
}

func (r *reader) page(t *testing.T, name string) *html.Node {
	t.Helper()
	response, err := http.Get(r.portal + name)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := html.Parse(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v, %d", name, err, response.StatusCode)
	}
	return page
}

// examples are those of a page, by their ids.
func (r *reader) examples(t *testing.T, name string) map[string]shown {
	t.Helper()
	found := map[string]shown{}
	for n := range r.page(t, name).Descendants() {
		id, ok := strings.CutSuffix(attribute(n, "id"), "-example")
		if !ok || attribute(n, "class") != "example" {
			continue
		}
		e := shown{texts: map[string]string{}, files: map[string]string{}}
		var file string
		for inner := range n.Descendants() {
			switch {
			case attribute(inner, "class") == "hint":
				file = content(inner.FirstChild.NextSibling)
			case inner.Data == "pre" && strings.HasSuffix(attribute(inner, "id"), "-text"):
				language := strings.TrimSuffix(strings.TrimPrefix(attribute(inner, "id"), id+"-"), "-text")
				e.texts[language], e.files[language] = content(inner), file
				file = ""
			case inner.Data == "pre":
				head, body, _ := strings.Cut(content(inner), "\n\n")
				fmt.Sscanf(head, "HTTP/1.1 %d", &e.status)
				_, e.kind, _ = strings.Cut(head, "Content-Type: ")
				e.body = body
			}
		}
		found[id] = e
	}
	return found
}

// textOf is what the element of that id holds.
func textOf(page *html.Node, id string) string {
	for n := range page.Descendants() {
		if attribute(n, "id") == id {
			return content(n)
		}
	}
	return ""
}

func content(n *html.Node) string {
	var b strings.Builder
	for inner := range n.Descendants() {
		if inner.Type == html.TextNode {
			b.WriteString(inner.Data)
		}
	}
	return b.String()
}

// shapeOf is the members of a JSON object in their order, with the kinds of their
// values.
func shapeOf(body []byte) []string {
	d := json.NewDecoder(bytes.NewReader(body))
	var shape []string
	if _, err := d.Token(); err != nil {
		return nil
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil
		}
		var value any
		if d.Decode(&value) != nil {
			return nil
		}
		shape = append(shape, fmt.Sprintf("%v %T", name, value))
	}
	return shape
}

func member(t *testing.T, body []byte, name string) string {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(body, &members); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	value, _ := members[name].(string)
	if value == "" {
		t.Fatalf("no %s in %s", name, body)
	}
	return value
}

// buildAll compiles programs within this module, all at once, without a file of
// theirs in its folders.
func buildAll(t *testing.T, programs map[string]string) map[string]string {
	t.Helper()
	folder := t.TempDir()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	built := map[string]string{}
	args := []string{"build", "-buildvcs=false", "-overlay", filepath.Join(folder, "overlay.json"), "-o", filepath.Join(folder, "bin") + string(filepath.Separator)}
	for name, text := range programs {
		file := filepath.Join(folder, name+".go")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[filepath.Join(here, "shown", name, "main.go")] = file
		built[name] = filepath.Join(folder, "bin", name)
		args = append(args, "./shown/"+name)
	}
	written, _ := json.Marshal(overlay) // strings always encode
	if err := os.WriteFile(filepath.Join(folder, "overlay.json"), written, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return built
}
