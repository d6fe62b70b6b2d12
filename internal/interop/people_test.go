package interop

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/installed"
)

// dialects are the manners in which a client signs people in.
var dialects = []string{"rfc", "spring", "cognito", "auth0"}

// authorizePath is where a product's clients send people.
var authorizePath = map[string]string{
	"rfc": "/oauth2/authorize", "spring": "/oauth/authorize", "cognito": "/oauth2/authorize", "auth0": "/authorize",
}

// audience is the API's, which clients of Auth0 name.
const audience = "https://notes.example"

// A front is a server where people sign in, as testdata/people.yaml describes it.
type front struct {
	dialect  string
	issuer   string // as metadata and tokens say it
	base     string // below which the endpoints and the API are
	secret   string // of planner and of veteran
	name     string // of the one person
	password string
}

// open starts a server in this dialect until the test is over.
func open(t *testing.T, dialect string) *front {
	t.Helper()
	binary, err := grantway()
	if err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"notes":["buy bread"]}`)
	}))
	t.Cleanup(upstream.Close)
	folder, address := t.TempDir(), installed.FreeAddress(t)
	f := &front{
		dialect: dialect, base: "http://" + address, issuer: "http://" + address,
		secret: "a secret that others made, and long", name: "anna", password: "a summer on Terschelling",
	}
	if dialect == "auth0" {
		f.issuer += "/"
	}
	pattern, err := os.ReadFile("testdata/people.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "grantway.yaml")
	text := strings.NewReplacer("DIALECT", dialect, "ADDRESS", address, "UPSTREAM", upstream.URL, "FOLDER", folder).Replace(string(pattern))
	for path, content := range map[string]string{file: text, filepath.Join(folder, "sealing.key"): strings.Repeat("0123456789abcdef", 4)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(folder, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	environ := append(os.Environ(), "SECRET="+f.secret)
	create := exec.Command(binary, "accounts", "create", f.name, "--config", file, "--full-name", "Anna Arends",
		"--email", "anna@example.org", "--email-verified", "--password-file", "-")
	create.Env, create.Stdin = environ, strings.NewReader(f.password)
	if out, err := create.CombinedOutput(); err != nil {
		t.Fatalf("create the account: %v\n%s", err, out)
	}
	server := exec.Command(binary, "serve", "--config", file)
	server.Env = environ
	ended := background(t, server)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		select {
		case <-ended:
			t.FailNow() // the clean-up says why
		case <-time.After(10 * time.Millisecond):
		}
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return f
		}
	}
	t.Fatalf("the server of %s was not ready in time", dialect)
	return nil
}

// environ is the whole environment of a client's program.
func (f *front) environ(t *testing.T, more ...string) []string {
	return append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"DIALECT=" + f.dialect, "ISSUER=" + f.issuer, "BASE=" + f.base, "SECRET=" + f.secret,
		"AUTHORIZE=" + f.base + authorizePath[f.dialect], "PERSON=" + desk(t, f.name, f.password),
		// The library refuses http: otherwise, loopback or not.
		"OAUTHLIB_INSECURE_TRANSPORT=1",
	}, more...)
}

// background runs a server until the test is over; the channel is closed when it
// has ended, which it should not before.
func background(t *testing.T, server *exec.Cmd) <-chan struct{} {
	t.Helper()
	var said bytes.Buffer
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	var ended error
	done := make(chan struct{})
	go func() {
		ended = server.Wait()
		close(done)
	}()
	t.Cleanup(func() {
		server.Process.Signal(os.Interrupt)
		select {
		case <-done:
		case <-time.After(time.Minute):
			server.Process.Kill()
			<-done
			t.Errorf("%v did not stop when it was asked to", server.Args)
		}
		if ended != nil {
			t.Errorf("%v: %v\n%s", server.Args, ended, said.Bytes())
		}
	})
	return done
}
