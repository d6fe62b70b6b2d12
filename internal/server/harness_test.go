package server

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/grantway/grantway/examples"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// begin is the time at which every server of these tests starts.
var begin = time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC)

// A clock stands still until a test moves it.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(by)
}

// A setup is what a site differs by.
type setup struct {
	example string                     // of package examples, or a file below testdata/config
	change  func(*catalogue.Catalogue) // before the server is made; nil: nothing
	api     http.Handler               // in place of the example's demo API; nil: that one
	handler func(*Server) http.Handler // in place of the public handler; nil: that one
	home    bool                       // with the deployment's own environment, as `grantway dev` has it
	tune    func(*Options)             // before the server is made; nil: nothing
}

// A site is a running server, reached over the network.
type site struct {
	server    *Server
	catalogue *catalogue.Catalogue
	clock     *clock
	log       *logbook
	address   string
}

// seal is one sealing key for all sites, so that they can share signing keys.
var seal = sync.OnceValues(func() (*keys.Seal, error) { return keys.NewSeal(strings.Repeat("5e", 32)) })

// demonstrated are the clients that `grantway dev` makes, by environment.
func demonstrated(example string, c *catalogue.Catalogue) map[string]Credentials {
	prefix := "YOUR_"
	if example == "studyteam" {
		prefix = ""
	}
	made := map[string]Credentials{}
	for i, e := range c.Environments {
		middle := ""
		if i > 0 {
			middle = strings.ToUpper(e.Name) + "_"
		}
		made[e.Name] = Credentials{ClientID: prefix + middle + "CLIENT_ID", Secret: secret.Of(prefix + middle + "CLIENT_SECRET")}
	}
	return made
}

// system returns the configuration and the demo API of an example.
func system(name string) ([]byte, http.Handler, error) {
	if e, ok := examples.Find(name); ok {
		return e.Config, e.API(), nil
	}
	config, err := os.ReadFile(filepath.Join("testdata", "config", name+".yaml"))
	fitness, _ := examples.Find("fitness")
	return config, fitness.API(), err
}

func options(s setup, base, data string, now func() time.Time, log *slog.Logger) (Options, error) {
	config, api, err := system(s.example)
	if err != nil {
		return Options{}, err
	}
	parsed, err := catalogue.Parse(s.example+".yaml", config, func(string) (string, bool) { return "", false })
	if err != nil {
		return Options{}, err
	}
	sealing, err := seal()
	if err != nil {
		return Options{}, err
	}
	c := parsed.ForDev(base, data)
	made := demonstrated(s.example, c)
	if !s.home {
		c.Home, c.Console, c.Portal = nil, nil, nil
	}
	if s.change != nil {
		s.change(c)
	}
	if s.api != nil {
		api = s.api
	}
	return Options{
		Catalogue: c, Seal: sealing, Mark: store.MarkDev, AnyHost: true, Demo: api, Now: now, Random: rand.Reader, Log: log,
		Demonstration: made,
	}, nil
}

// inMemory puts the stores of all tests into memory where the system has a folder for
// that, with room for them. A server answers 503 when writes wait for the disk for too
// long, and it is no failure of it that other tests have the disk.
func inMemory() {
	const folder, room = "/dev/shm", 4 << 30
	var system syscall.Statfs_t
	if err := syscall.Statfs(folder, &system); err != nil || uint64(system.Bavail)*uint64(system.Bsize) < room || os.Getenv("TMPDIR") != "" {
		return
	}
	if tried, err := os.MkdirTemp(folder, "grantway-server-test-"); err == nil && os.Remove(tried) == nil {
		_ = os.Setenv("TMPDIR", folder) // fails for other names only
	}
}

// prepared are folders with the stores of an example as its first start makes
// them: RSA keys and the slow hash of the demonstration's secret are made once.
var prepared struct {
	sync.Mutex
	folders map[string]string
}

func prepare(t testing.TB, example string) string {
	prepared.Lock()
	defer prepared.Unlock()
	if folder := prepared.folders[example]; folder != "" {
		return folder
	}
	folder, err := os.MkdirTemp("", "grantway-server-test-")
	if err != nil {
		t.Fatal(err)
	}
	made, err := options(setup{example: example, home: true}, "http://127.0.0.1", folder, func() time.Time { return begin }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	first, err := New(t.Context(), made)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if prepared.folders == nil {
		prepared.folders = map[string]string{}
	}
	prepared.folders[example] = folder
	return folder
}

// start runs a server of its own for a test.
func start(t testing.TB, s setup) *site {
	t.Helper()
	data := t.TempDir()
	if err := os.CopyFS(data, os.DirFS(prepare(t, s.example))); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	made := &site{clock: &clock{at: begin}, log: &logbook{}, address: listener.Addr().String()}
	o, err := options(s, "http://"+made.address, data, made.clock.Now, slog.New(slog.NewJSONHandler(made.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	made.catalogue = o.Catalogue
	if s.tune != nil {
		s.tune(&o)
	}
	if made.server, err = New(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	handler := made.server.Handler()
	if s.handler != nil {
		handler = s.handler(made.server)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- made.server.Serve(ctx, listener, handler) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		made.keepMetrics(t)
		if err := made.server.Close(); err != nil {
			t.Error(err)
		}
	})
	return made
}

// environment is the running environment of that name.
func (s *site) environment(name string) *environment {
	environments := s.server.current.Load().environments
	return environments[slices.IndexFunc(environments, func(e *environment) bool { return e.Name == name })]
}

// by is who changes something in these tests.
func (s *site) by() store.By { return store.By{Actor: "test", At: s.clock.Now()} }

// forget is when a revocation may be forgotten.
func (s *site) forget() time.Time { return s.clock.Now().Add(24 * time.Hour) }

// settle waits until the server has seen every change.
func (s *site) settle(t testing.TB, environment string) {
	t.Helper()
	if err := s.environment(environment).resources.clients.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// An answer is what came back on a connection.
type answer struct {
	status string // the whole status line
	code   int
	header http.Header
	body   string
}

// send writes bytes on a connection of their own and reads one answer.
func (s *site) send(t testing.TB, request string) answer {
	t.Helper()
	got, err := s.exchange(request)
	if err != nil {
		t.Fatalf("%v\nafter the request\n%s", err, clip(request, 500))
	}
	return got
}

func (s *site) exchange(request string) (answer, error) {
	disclose(request)
	connection, err := net.Dial("tcp", s.address)
	if err != nil {
		return answer{}, err
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(time.Minute))
	// The answer may come before all of the request was taken, and the rest of it
	// then never is: that is no failure.
	go io.WriteString(connection, request)
	method, _, _ := strings.Cut(request, " ")
	response, err := http.ReadResponse(bufio.NewReader(connection), &http.Request{Method: method})
	if err != nil {
		return answer{}, fmt.Errorf("no answer: %w", err)
	}
	body, err := io.ReadAll(response.Body)
	got := answer{response.Proto + " " + response.Status, response.StatusCode, response.Header, string(body)}
	disclose(got.body)
	return got, err
}

// request writes out a request with what every request has. Its head ends where
// the body begins; lines are joined with CRLF.
func (s *site) request(line, body string, headers ...string) string {
	lines := append([]string{line}, headers...)
	has := func(name string) bool {
		return slices.ContainsFunc(headers, func(h string) bool {
			sent, _, _ := strings.Cut(h, ":")
			return strings.EqualFold(sent, name)
		})
	}
	if !has("Host") {
		lines = append(lines, "Host: "+s.address)
	}
	if !has("Connection") {
		lines = append(lines, "Connection: close")
	}
	if body != "" && !has("Content-Length") && !has("Transfer-Encoding") {
		lines = append(lines, fmt.Sprintf("Content-Length: %d", len(body)))
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}

// A logbook keeps what a server logs.
type logbook struct {
	mu    sync.Mutex
	lines []string
}

// Write is io.Writer's, one line at a time as slog writes them.
func (l *logbook) Write(line []byte) (int, error) {
	everything.keep(line)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(bytes.TrimSpace(line)))
	return len(line), nil
}

// line is the log line of a request: it may be written a moment after the answer.
func (l *logbook) line(trace string) string {
	for began := time.Now(); time.Since(began) < 30*time.Second; {
		l.mu.Lock()
		i := slices.IndexFunc(l.lines, func(line string) bool { return strings.Contains(line, `"trace":"`+cmp.Or(trace, "?")+`"`) })
		if i >= 0 {
			defer l.mu.Unlock()
			return l.lines[i]
		}
		l.mu.Unlock()
		time.Sleep(5 * time.Millisecond)
	}
	return "(no log line with the trace id " + trace + ")"
}

func (l *logbook) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

func (s *site) logged(a answer) string { return s.log.line(a.header.Get(TraceHeader)) }

// removePrepared removes what prepare made.
func removePrepared() {
	for folder := range maps.Values(prepared.folders) {
		_ = os.RemoveAll(folder)
	}
}

// dialectOf puts every environment under a dialect.
func dialectOf(name string) func(*catalogue.Catalogue) {
	return func(c *catalogue.Catalogue) {
		for _, e := range c.Environments {
			e.Dialect = name
		}
	}
}
