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
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

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
			r.run(t, "lifetimes", "renew", []string{"javascript", "python", "java", "grantway"})
		})
	}
}

// TestPortalRenewal puts something between the programs that renew tokens and the
// system, which refuses the first calls: they renew once, and give up after that.
func TestPortalRenewal(t *testing.T) {
	r := newReader(t, "fitness", "staging")
	e := r.examples(t, "lifetimes")["renew"]
	to, err := url.Parse(r.origin)
	if err != nil {
		t.Fatal(err)
	}
	for _, language := range []string{"javascript", "python", "java"} {
		for _, row := range []struct {
			refused, calls, tokens int64
			well                   bool
		}{{0, 1, 1, true}, {1, 2, 2, true}, {9, 2, 2, false}} {
			var calls, tokens atomic.Int64
			forward := httputil.NewSingleHostReverseProxy(to)
			between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, in *http.Request) {
				if strings.HasSuffix(in.URL.Path, "/token") {
					tokens.Add(1)
				} else if calls.Add(1) <= row.refused {
					w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				forward.ServeHTTP(w, in)
			}))
			changed := shown{texts: map[string]string{language: strings.ReplaceAll(e.texts[language], r.origin, between.URL)}, files: e.files}
			out, errs, err := r.start(t, language, "renew", changed)
			between.Close()
			if (err == nil) != row.well || calls.Load() != row.calls || tokens.Load() != row.tokens {
				t.Errorf("%s with %d refusals: %v, %d calls, %d tokens\n%s\n%s", language, row.refused, err, calls.Load(), tokens.Load(), out, errs)
			}
		}
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
		for late := time.Now().Add(time.Minute); strings.Contains(came, "error=temporarily_unavailable") && time.Now().Before(late); { // a busy machine
			came, err = newPerson(r.system.exports["MYTIMETABLE_USER"], r.system.exports["MYTIMETABLE_PASSWORD"]).open(address, false)
		}
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
	if language == "http" {
		return r.send(t, e.texts[language])
	}
	out, errs, err := r.start(t, language, id, e)
	if err != nil {
		t.Errorf("%s in %s: %v\n%s\n%s", id, language, err, errs, e.texts[language])
		return 0, "", nil
	}
	if language != "curl" {
		return e.status, "", out
	}
	end := bytes.LastIndexByte(out, '\n')
	status, _ = strconv.Atoi(string(out[end+1:])) // 0 is no status
	return status, "", out[:end]
}

// start runs what is typed or saved as a file, and returns what it writes.
func (r *reader) start(t *testing.T, language, id string, e shown) (out, errs []byte, err error) {
	t.Helper()
	var args []string
	switch language {
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
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
	defer stop()
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.folder, "CURL_HOME=" + r.folder, "NO_PROXY=*", "JAVA_TOOL_OPTIONS=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
	for name, value := range r.environ {
		c.Env = append(c.Env, name+"="+value)
	}
	var said, complained bytes.Buffer
	c.Stdout, c.Stderr = &said, &complained
	err = c.Run()
	return said.Bytes(), complained.Bytes(), err
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
