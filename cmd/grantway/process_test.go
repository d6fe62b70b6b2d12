package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/installed"
)

// asCommand, in the environment of this test binary, makes it the command.
const asCommand = "GRANTWAY_TEST_AS_COMMAND"

func init() {
	if os.Getenv(asCommand) != "" {
		os.Exit(run(os.Args[1:]))
	}
}

// patience is how long a test waits for what takes a moment; it is long because
// machines that run tests are busy.
const patience = time.Minute

// A process is a running command.
type process struct {
	t        *testing.T
	cmd      *exec.Cmd
	out, log installed.Output
	ended    chan struct{}
}

// command prepares the command in an environment of its own: nothing of the
// user's is read or written.
func command(t *testing.T, env []string, arguments ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, arguments...)
	home := t.TempDir()
	cmd.Dir = home
	cmd.Env = append([]string{asCommand + "=1", "HOME=" + home, "PATH=" + os.Getenv("PATH")}, env...)
	return cmd
}

// start runs the command until the test ends, or stop or kill ends it.
func start(t *testing.T, env []string, arguments ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: command(t, env, arguments...), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // its status is read where it matters
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.signal(syscall.SIGKILL)
		<-p.ended
	})
	return p
}

// finish runs the command to its end.
func finish(t *testing.T, env []string, arguments ...string) (status int, out, errOut string) {
	t.Helper()
	p := start(t, env, arguments...)
	return p.wait(), p.out.String(), p.log.String()
}

func (p *process) signal(s syscall.Signal) {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Error(err)
	}
}

// wait returns the status that the process ends with.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		p.t.Fatalf("%v does not end\n%s%s", p.cmd.Args[1:], &p.out, &p.log)
		return 0
	}
}

// stop ends the process as an operator does and returns its status.
func (p *process) stop() int {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	return p.wait()
}

// until waits for something about the process to become true.
func (p *process) until(what string, true func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if true() {
			return
		}
		select {
		case <-p.ended:
			if !true() {
				p.t.Fatalf("%v ended before %s\n%s%s", p.cmd.Args[1:], what, &p.out, &p.log)
			}
			return
		default:
		}
	}
	p.t.Fatalf("%v: no %s\n%s%s", p.cmd.Args[1:], what, &p.out, &p.log)
}

// logged waits for a line of the log that contains a text, for the nth time.
func (p *process) logged(text string, nth int) string {
	p.t.Helper()
	var found string
	p.until("log line with "+text, func() bool {
		n := 0
		for line := range strings.Lines(p.log.String()) {
			if strings.Contains(line, text) {
				if n++; n == nth {
					found = line
					return true
				}
			}
		}
		return false
	})
	return found
}

// A reply is what a server answered.
type reply struct {
	status int
	header http.Header
	body   string
}

// httpSend sends a request and reads its answer as a whole.
func httpSend(t *testing.T, c *http.Client, r *http.Request) reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	response, err := c.Do(r.WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, string(body)}
}

// httpGet asks with a token; an empty one is none.
func httpGet(t *testing.T, c *http.Client, at, token string) reply {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, at, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return httpSend(t, c, r)
}

// askToken asks for a token by form, more parameters being name, value, ….
func askToken(t *testing.T, c *http.Client, at, id, secret string, more ...string) reply {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	r, err := http.NewRequest(http.MethodPost, at, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return httpSend(t, c, r)
}

// token is the token of an answer that must hold one.
func (a reply) token(t *testing.T) string {
	t.Helper()
	var got struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != http.StatusOK || got.AccessToken == "" {
		t.Fatalf("no token: %d %s", a.status, a.body)
	}
	return got.AccessToken
}
