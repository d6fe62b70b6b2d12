package server

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/secret"
)

// A vault holds every secret of a deployment's life, with what each is.
type vault struct {
	mu      sync.Mutex
	secrets map[string]string
}

// shortest is how long a secret is at least that is looked for: a shorter one chance
// writes into any file.
const shortest = 10

func (v *vault) keep(what, text string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(text) >= shortest && v.secrets[text] == "" {
		v.secrets[text] = what
	}
	return text
}

// mark makes a secret of somebody's that proves nothing.
func (v *vault) mark(what string) string {
	v.mu.Lock()
	n := len(v.secrets)
	v.mu.Unlock()
	return v.keep(what, fmt.Sprintf("marked%04dQzWxVj7Kp", n))
}

// spellings are the ways in which a secret can stand in a text or a file.
func spellings(text string) [][]byte {
	quoted, _ := json.Marshal(text)
	all := [][]byte{
		[]byte(text), []byte(url.QueryEscape(text)), []byte(url.PathEscape(text)), bytes.Trim(quoted, `"`), []byte(html.EscapeString(text)),
		[]byte(hex.EncodeToString([]byte(text))), []byte(base64.RawStdEncoding.EncodeToString([]byte(text))), []byte(base64.RawURLEncoding.EncodeToString([]byte(text))),
	}
	if raw, err := base64.RawURLEncoding.DecodeString(text); err == nil {
		all = append(all, raw, []byte(hex.EncodeToString(raw)))
	}
	if raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text); err == nil {
		all = append(all, raw)
	}
	if raw, err := hex.DecodeString(strings.ReplaceAll(text, "-", "")); err == nil {
		all = append(all, raw)
	}
	if parts := strings.Split(text, "."); len(parts) == 3 { // a token is no less secret in parts
		all = append(all, []byte(parts[2]))
	}
	return slices.DeleteFunc(all, func(b []byte) bool { return len(b) < shortest })
}

// held are the secrets that a text holds, but for those of some kinds.
func (v *vault) held(text []byte, but ...string) (found []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for one, what := range v.secrets {
		if slices.Contains(but, what) {
			continue
		}
		for _, spelling := range spellings(one) {
			if at := bytes.Index(text, spelling); at >= 0 {
				found = append(found, fmt.Sprintf("%s (%s): …%q", what, one, text[max(0, at-80):min(len(text), at+20)]))
				break
			}
		}
	}
	slices.Sort(found)
	return found
}

// A watched transport looks at what a browser gets: it keeps what the answers hand
// out, and wants that no page tells another one its address.
type watched struct {
	*vault
	t    *testing.T
	next http.RoundTripper
}

var formToken = regexp.MustCompile(`name="(form|link|request)" value="([^"]+)"`)

// RoundTrip is http.RoundTripper's.
func (w *watched) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := w.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	_ = answer.Body.Close()
	answer.Body = io.NopCloser(bytes.NewReader(body))
	for _, c := range answer.Cookies() {
		w.keep("cookie", c.Value)
	}
	if to, err := url.Parse(answer.Header.Get("Location")); err == nil {
		for _, name := range []string{"code", "link", "request"} {
			w.keep(name, to.Query().Get(name))
		}
	}
	for _, found := range formToken.FindAllSubmatch(body, -1) {
		w.keep(string(found[1]), string(found[2]))
	}
	h := answer.Header
	if strings.HasPrefix(h.Get("Content-Type"), "text/html") && h.Get("Referrer-Policy") != "no-referrer" {
		w.t.Errorf("A18: the page %s tells others its address", r.URL.Path)
	}
	if found := append(w.held(body), w.held([]byte(r.URL.RawQuery))...); len(found) > 0 && !strings.Contains(h.Get("Cache-Control"), "no-store") {
		w.t.Errorf("%s %s may be kept on the way, though it holds %q", r.Method, r.URL.Path, found)
	}
	return answer, nil
}

// A life is a deployment in which everything happens that has a secret.
type life struct {
	*site
	*vault
	t     *testing.T
	spans *tracetest.InMemoryExporter
	told  *hearer           // by webhook
	ids   map[string]string // of things that were made, by the name in the admin API's paths

	operator *browser // signed in, and a member of a partner too
}

// A hearer keeps what a webhook is told.
type hearer struct {
	mu     sync.Mutex
	bodies []byte
}

// ServeHTTP is http.Handler's.
func (o *hearer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bodies = append(o.bodies, body...)
	w.WriteHeader(http.StatusNoContent)
}

func (o *hearer) all() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.bodies)
}

// live is MyTimetable with a home: opaque tokens at one environment, JWTs at the
// other, a webhook that hears and one that is down, and traces.
func live(t *testing.T) *life {
	l := &life{vault: &vault{secrets: map[string]string{}}, t: t, spans: tracetest.NewInMemoryExporter(), told: &hearer{}, ids: map[string]string{}}
	hook := httptest.NewServer(l.told)
	t.Cleanup(hook.Close)
	hears, _ := url.Parse(hook.URL + "/hook")
	down, _ := url.Parse("http://127.0.0.1:1/services/" + l.mark("path of a webhook"))
	l.site = start(t, setup{
		example: "mytimetable", home: true, api: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "[]") }),
		change: func(c *catalogue.Catalogue) {
			c.Webhook = &catalogue.Webhook{URL: down, Secret: secret.Of(l.mark("webhook's secret"))}
			c.Audit.Webhook = &catalogue.Webhook{URL: hears, Secret: secret.Of(l.mark("audit's secret"))}
			c.Audit.Told = &catalogue.Webhook{URL: down, Secret: secret.Of(l.mark("checkpoints' secret"))}
			c.Audit.Checkpoints = filepath.Join(t.TempDir(), "checkpoints")
			c.Find("university").Login.Mail = catalogue.Mail{
				Server: "127.0.0.1:1", From: "desk@example.com", User: l.mark("mail server's user"), Password: secret.Of(l.mark("mail server's password")), TLS: "none",
			}
			for _, api := range c.Find("university").APIs {
				api.Token.Format, api.Token.Dashed, api.Token.Algorithm = catalogue.JWT, false, jose.ES256
			}
		},
		tune: func(o *Options) { o.Tracing = tracingTo(o.Random, sdktrace.WithSyncer(l.spans)) },
	})
	return l
}

// visiting is a browser whose answers are looked at.
func (l *life) visiting(environment string) *browser {
	b := l.browser(l.t, environment)
	if environment == "home" {
		b = l.visitor(l.t)
	}
	b.client.Transport = &watched{l.vault, l.t, b.client.Transport}
	return b
}

// TestNothingKeepsASecret is rows C14, C09, F16, O15 and U04 at a whole server: after
// a life in which everything is made, shown, sent, spent and lost, nothing that
// remains holds a secret: no log, file, metric, trace, change, answer or page.
func TestNothingKeepsASecret(t *testing.T) {
	t.Parallel()
	l := live(t)
	l.machines()
	l.people()
	l.partnersAndOperators()
	l.strangers()
	if len(l.secrets) < 150 {
		t.Errorf("%d secrets were seen", len(l.secrets))
	}
	kinds := slices.Compact(slices.Sorted(maps.Values(l.secrets)))
	for _, kind := range []string{
		"API token", "access token", "refresh token", "client secret", "code", "cookie", "form", "imported secret", "idempotency key", "link", "password",
		"recovery code", "request", "authenticator",
	} {
		if !slices.Contains(kinds, kind) {
			t.Errorf("no %s was seen among %q", kind, kinds)
		}
	}
	for place, text := range l.remains() {
		for _, found := range l.held(text) {
			t.Errorf("%s has the %s", place, found)
		}
	}
	for place, text := range l.pages() {
		for _, found := range l.held(text, "form", "request") {
			t.Errorf("%s has the %s", place, found)
		}
	}
}

// remains is all that is there afterwards, by where.
func (l *life) remains() map[string][]byte {
	l.t.Helper()
	for _, e := range l.server.current.Load().environments {
		if err := e.resources.activity.Flush(l.t.Context()); err != nil {
			l.t.Fatal(err)
		}
	}
	if !soon(func() bool {
		log := l.log.all()
		return strings.Contains(log, "notice not delivered") && strings.Contains(log, "a mail was not delivered") && strings.Contains(log, "not passed on") && len(l.told.all()) > 0
	}, 20*auditEvery) {
		l.t.Error("no webhook or mail failed, or no webhook was told: this test proves less")
	}
	there := map[string][]byte{"a webhook": l.told.all()}
	data := filepath.Dir(strings.TrimPrefix(l.catalogue.Find("demo").Store, "sqlite:"))
	for _, folder := range []string{data, filepath.Dir(l.catalogue.Audit.Checkpoints)} {
		err := filepath.WalkDir(folder, func(path string, at os.DirEntry, err error) error {
			if err != nil || at.IsDir() {
				return err
			}
			there[path], err = os.ReadFile(path)
			if errors.Is(err, fs.ErrNotExist) {
				return nil // what is written beside its place and moved there
			}
			return err
		})
		if err != nil {
			l.t.Fatal(err)
		}
	}
	if stored := there[strings.TrimPrefix(l.catalogue.Find("demo").Store, "sqlite:")]; len(stored) == 0 {
		l.t.Error("the store's files are not where it keeps things")
	}
	for _, path := range []string{"/metrics", "/readyz", "/healthz"} {
		w := httptest.NewRecorder()
		l.server.Operations().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		there[path] = w.Body.Bytes()
	}
	for _, span := range l.spans.GetSpans() {
		there["traces"] = fmt.Appendf(there["traces"], "%s %v %v %v\n", span.Name, span.Attributes, span.Events, span.Status)
	}
	for path, body := range l.administered() {
		there["admin API: "+path] = body
	}
	there["the log"] = []byte(l.log.all())
	if lines := bytes.Count(there["the log"], []byte("\n")); lines < 200 || len(there["traces"]) == 0 {
		l.t.Errorf("%d lines were logged, and %d bytes of traces", lines, len(there["traces"]))
	}
	return there
}

var inPath = regexp.MustCompile(`\{(\w+)\}`)

// administered is every answer of the admin API to who reads.
func (l *life) administered() map[string][]byte {
	_, document := l.admin(http.MethodGet, "/openapi.json", "", "")
	var described struct{ Paths map[string]map[string]any }
	if err := json.Unmarshal(document, &described); err != nil {
		l.t.Fatal(err)
	}
	answers := map[string][]byte{}
	for path, methods := range described.Paths {
		if methods["get"] == nil {
			continue
		}
		for _, environment := range []string{"demo", "university", "home"} {
			l.ids["environment"] = environment
			at := inPath.ReplaceAllStringFunc(strings.TrimPrefix(path, "/admin/v1"), func(name string) string { return l.ids[strings.Trim(name, "{}")] })
			_, answers[at] = l.admin(http.MethodGet, at, "", "")
		}
	}
	var all []string
	for _, environment := range []string{"demo", "university", "home"} {
		_, answer := l.admin(http.MethodGet, "/environments/"+environment+"/refusals?limit=200", "", "")
		answers["refusals of "+environment] = answer
		for _, found := range regexp.MustCompile(`"trace":"([0-9a-f]{32})"`).FindAllSubmatch(answer, -1) {
			all = append(all, environment+"/refusals?trace="+string(found[1]))
		}
	}
	for _, one := range all { // what `grantway why` shows
		_, answers[one] = l.admin(http.MethodGet, "/environments/"+one, "", "")
	}
	if len(answers) < 60 || len(all) < 20 {
		l.t.Errorf("%d answers, %d refusals", len(answers), len(all))
	}
	return answers
}
