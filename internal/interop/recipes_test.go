package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/installed"
)

// recipes are the programs of examples/recipes as their readers start them.
func recipes(t *testing.T) map[string][]string {
	const folder = "../../examples/recipes/"
	program := filepath.Join(t.TempDir(), "recipe")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/grantway/grantway/examples/recipes/go").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	installed.Tool(t, "curl")
	return map[string][]string{
		"curl":       {installed.Tool(t, "sh"), folder + "curl/recipe.sh"},
		"go":         {program},
		"javascript": {installed.Tool(t, "node"), folder + "javascript/recipe.mjs"},
		"python":     {installed.Tool(t, "python3"), "-B", folder + "python/recipe.py"},
		"java":       {installed.Tool(t, "java"), folder + "java/Recipe.java"},
	}
}

// Exit statuses of the recipes.
const (
	done  = 0
	mend  = 1
	later = 75
)

// TestRecipes runs each recipe against the fitness platform with something between
// them that goes wrong in one way. The fixture is a recipe that works.
func TestRecipes(t *testing.T) {
	s := start(t, "fitness")
	for language, program := range recipes(t) {
		t.Run(language, func(t *testing.T) {
			for _, row := range []struct {
				name, use string
				fault     fault
				secret    string // another than the right one
				ends      int
				says      string // a part of its output or its error
				tokens    int64  // requests that reached the token endpoint; 0: any number above one
			}{
				{name: "call", use: "call", ends: done, says: "move-001", tokens: 1},
				{name: "job", use: "job", ends: done, says: "stored biometric-new-", tokens: 1},
				{name: "sync", use: "sync", ends: done, tokens: 1},
				{name: "token revoked in the middle", use: "sync", fault: fault{revokeAt: 3}, ends: done, tokens: 2},
				{name: "no expires_in", use: "sync", fault: fault{lives: "none"}, ends: done, tokens: 1},
				{name: "expires_in a fraction", use: "call", fault: fault{lives: "3600.5"}, ends: done, says: "move-001", tokens: 1},
				{name: "expires_in null", use: "call", fault: fault{lives: "null"}, ends: done, says: "move-001", tokens: 1},
				{name: "tokens of a second", use: "sync", fault: fault{lives: "1", slow: 500 * time.Millisecond}, ends: done},
				{name: "wrong secret", use: "job", secret: "not_the_secret", ends: mend, says: "invalid_client", tokens: 1},
				{name: "API that refuses all", use: "job", fault: fault{api: 401}, ends: mend, says: "401", tokens: 2},
				{name: "403", use: "job", fault: fault{api: 403}, ends: mend, says: "403", tokens: 1},
				{name: "API busy", use: "job", fault: fault{api: 503}, ends: later, says: "503", tokens: 1},
				{name: "token endpoint busy", use: "job", fault: fault{issuer: 429}, ends: later, says: "429", tokens: 1},
				{name: "token endpoint that is a page", use: "job", fault: fault{issuer: 200}, ends: mend, tokens: 1},
				{name: "nobody there", use: "job", fault: fault{gone: true}, ends: later, says: "recipe: "},
			} {
				t.Run(row.name, func(t *testing.T) {
					t.Parallel()
					staging := s.staging()
					b := &between{fault: row.fault, system: staging}
					if row.secret != "" {
						b.system.secret = row.secret
					}
					at := b.start(t)
					out, errs, ends := recipe(t, program, row.use, []string{
						"TOKEN_URL=" + at + "/token", "API_URL=" + at, "CLIENT_ID=" + staging.clientID, "CLIENT_SECRET=" + b.system.secret,
						"SCOPE=read:moves write:biometrics",
					})
					if ends != row.ends || !strings.Contains(out+errs, row.says) {
						t.Errorf("ended with %d: %s\n%s", ends, out, errs)
					}
					if n := b.tokens.Load(); n != row.tokens && (row.tokens != 0 || n < 2 && !row.fault.gone) {
						t.Errorf("%d token requests", n)
					}
					if strings.Contains(out+errs, b.system.secret) || token.MatchString(out+errs) {
						t.Error("a secret is in the output")
					}
					if ends == done && row.use == "sync" {
						everyMoveOnce(t, out)
					}
				})
			}
		})
	}
}

// token is what each of the system's tokens looks like.
var token = regexp.MustCompile(`eyJ[\w-]{8,}\.[\w-]+\.[\w-]+`)

func everyMoveOnce(t *testing.T, out string) {
	t.Helper()
	found := regexp.MustCompile(`"id": ?"(move-\d+)"`).FindAllString(out, -1)
	slices.Sort(found)
	if all := len(found); all != 240 || len(slices.Compact(found)) != all {
		t.Errorf("%d moves", all)
	}
}

// recipe runs a program with this environment and nothing else.
func recipe(t *testing.T, program []string, use string, env []string) (out, errs string, status int) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
	defer stop()
	command := exec.CommandContext(ctx, program[0], append(slices.Clone(program[1:]), use)...)
	command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "JAVA_TOOL_OPTIONS=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}, env...) // Java starts faster so
	var said, complained bytes.Buffer
	command.Stdout, command.Stderr = &said, &complained
	err := command.Run()
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		status = ended.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return said.String(), complained.String(), status
}

// A fault is the one thing that goes wrong; zero: nothing does.
type fault struct {
	api, issuer int    // the status that everything is answered with
	lives       string // expires_in, as JSON; none: it is left out
	slow        time.Duration
	revokeAt    int64 // the call before which the token is revoked
	gone        bool  // nobody listens
}

// between stands before token endpoint (/token) and API, and counts what is asked of
// them.
type between struct {
	fault
	system        environment
	tokens, calls atomic.Int64
}

func (b *between) start(t *testing.T) string {
	t.Helper()
	if b.gone {
		return "http://127.0.0.1:2" // a port that was closed a moment ago may be another's already; and fetch knows 1 as a bad one
	}
	to := b.system
	parse := func(address string) *url.URL {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	tokenURL, api := parse(to.tokenURL), parse(to.api)
	issuer := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL, r.Out.Host = tokenURL, tokenURL.Host },
		ModifyResponse: func(r *http.Response) error {
			if b.lives == "" {
				return nil
			}
			var answer map[string]any
			if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
				return err
			}
			delete(answer, "expires_in")
			if b.lives != "none" {
				answer["expires_in"] = json.RawMessage(b.lives)
			}
			body, err := json.Marshal(answer)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			r.Header.Set("Content-Length", strconv.Itoa(len(body)))
			return err
		},
	}
	resource := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(api) }}
	var once sync.Once
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			b.tokens.Add(1)
			if b.issuer != 0 {
				w.Header().Set("Content-Type", "text/html")
				w.WriteHeader(b.issuer)
				io.WriteString(w, "<html>Sign in</html>")
				return
			}
			issuer.ServeHTTP(w, r)
			return
		}
		if b.api != 0 {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			w.WriteHeader(b.api)
			return
		}
		if b.calls.Add(1) == b.revokeAt {
			once.Do(func() { b.revoke(t, r.Header.Get("Authorization")) })
		}
		time.Sleep(b.slow)
		resource.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// revoke returns when the gateway knows.
func (b *between) revoke(t *testing.T, header string) {
	to := b.system
	_, token, _ := strings.Cut(header, " ")
	form := url.Values{"token": {token}}
	base, _, _ := strings.Cut(to.tokenURL, "/oauth")
	r, err := http.NewRequest(http.MethodPost, base+"/oauth2/revoke", strings.NewReader(form.Encode()))
	if err != nil {
		t.Error(err)
		return
	}
	r.SetBasicAuth(to.clientID, to.secret)
	if err := revoked(r); err != nil {
		t.Error(err)
		return
	}
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		response, err := send(bearer(token), http.MethodGet, to.api+"/moves", "")
		if err != nil {
			t.Error(err)
			return
		}
		response.Body.Close()
		if response.StatusCode == http.StatusUnauthorized {
			return
		}
	}
	t.Error("a revoked token is good for half a minute")
}
