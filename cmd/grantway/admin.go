package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/server"
	"github.com/grantway/grantway/internal/wire"
)

// tokenVariable is the environment variable with the access token for --server.
const tokenVariable = "GRANTWAY_ADMIN_TOKEN"

// An administrator speaks to the admin API of one deployment: the one way in
// which the command line changes anything.
type administrator struct {
	base  string // URL before admin.Prefix
	token string // for a remote server; empty otherwise
	http  *http.Client
	own   bool // this process does the work: it is gone before a mail is sent
	close func() error
}

// connect finds the server: the one that is named, the one that runs in the data
// folder, or else none, so that this process does the work itself. Where a server
// must run already, the last is left out.
func (f *adminFlags) connect(ctx context.Context, errOut io.Writer, running bool) (*administrator, error) {
	switch {
	case f.server != "":
		return remoteServer(f.server, os.Getenv(tokenVariable))
	case f.data != "":
		a, err := localServer(f.data)
		if a == nil && err == nil {
			err = fmt.Errorf("no server runs in the data folder %s\nLeave --data away to work on the stores that --config names", f.data)
		}
		return a, err
	}
	if _, err := os.Stat(f.config); errors.Is(err, fs.ErrNotExist) && !f.configGiven {
		return demonstrationServer(errOut)
	}
	c, err := catalogue.Load(f.config, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	if a, err := localServer(c.Data); a != nil || err != nil {
		return a, err
	}
	if running {
		return nil, errors.New("no server runs")
	}
	return ownServer(ctx, c, errOut)
}

// remoteServer is one that is reached over the network, with a token of home.
func remoteServer(base, token string) (*administrator, error) {
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return nil, &usageError{errors.New("--server takes the URL of home: https://admin.example.com")}
	case u.Scheme != "https" && (u.Scheme != "http" || !catalogue.Loopback(u)):
		return nil, &usageError{errors.New("--server takes an https URL: a token and secrets travel there")}
	case token == "":
		return nil, &usageError{fmt.Errorf("set %s to an access token of home, with the scopes %s and %s, for keys also %s and %s, for people %s and %s, for API tokens %s and %s, for partners %s and %s",
			tokenVariable, admin.ReadClients, admin.WriteClients, admin.ReadKeys, admin.WriteKeys,
			admin.ReadAccounts, admin.WriteAccounts, admin.ReadAPITokens, admin.WriteAPITokens, admin.ReadPartners, admin.WritePartners)}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return &administrator{
		base: strings.TrimSuffix(strings.TrimRight(base, "/"), admin.Prefix), token: token,
		http: client(transport), close: func() error { transport.CloseIdleConnections(); return nil },
	}, nil
}

// localServer is the one that runs in a data folder, nil when none does.
func localServer(data string) (*administrator, error) {
	path := server.SocketPath(data)
	socket, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the server's socket: %w", err)
	}
	// Secrets go through it, and its name can be foretold: whose is it?
	folder, err := os.Stat(data)
	if err != nil {
		return nil, fmt.Errorf("the data folder: %w", err)
	}
	if owner := uid(socket); owner != 0 && owner != uid(folder) && owner != os.Getuid() {
		return nil, fmt.Errorf("the socket %s belongs to another user than the data folder", path)
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	probe, err := dial(context.Background(), "", "")
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return nil, nil // left by a server that is gone
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("the server in %s runs as another user: run this command as that user\n%w", data, err)
	case err != nil:
		return nil, fmt.Errorf("the server's socket: %w", err)
	}
	_ = probe.Close() // it was asked for its answer only
	transport := &http.Transport{DialContext: dial}
	return &administrator{base: "http://localhost", http: client(transport), close: func() error {
		transport.CloseIdleConnections()
		return nil
	}}, nil
}

func uid(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}

// demonstrationServer is the one `grantway dev` that runs in its usual folder.
func demonstrationServer(errOut io.Writer) (*administrator, error) {
	folders, err := filepath.Glob(filepath.Join(userData(), "grantway", "dev", "*"))
	if err != nil {
		return nil, err
	}
	var found *administrator
	var names []string
	for _, folder := range folders {
		if a, err := localServer(folder); err == nil && a != nil {
			found, names = a, append(names, filepath.Base(folder))
		}
	}
	switch len(names) {
	case 0:
		return nil, &usageError{errors.New("there is no grantway.yaml here, and no demonstration runs\nName one with --config, or a server with --data or --server")}
	case 1:
		fmt.Fprintf(errOut, "speaking to the demonstration %s\n", names[0])
		return found, nil
	}
	return nil, &usageError{fmt.Errorf("several demonstrations run: %s\nName one by --data %s", strings.Join(names, ", "), filepath.Join(userData(), "grantway", "dev", names[0]))}
}

// ownServer does in this process what a server would, while no other can run.
func ownServer(ctx context.Context, c *catalogue.Catalogue, errOut io.Writer) (*administrator, error) {
	unlock, err := lockFolder(c.Data)
	if held, ok := errors.AsType[*heldError](err); ok {
		return nil, fmt.Errorf("%w, and does not answer at %s\nIf it is starting or stopping, try again in a moment", held, server.SocketPath(c.Data))
	}
	if err != nil {
		return nil, err
	}
	seal, err := keys.ReadSeal(c.SealingKey, os.LookupEnv)
	if err != nil {
		unlock()
		return nil, err
	}
	s, err := server.New(ctx, server.Options{
		Catalogue: c, Seal: seal, Now: time.Now, Random: rand.Reader,
		Log: slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		unlock()
		return nil, err
	}
	return &administrator{base: "http://localhost", http: client(within{s.Admin()}), own: true, close: func() error {
		defer unlock()
		return s.Close()
	}}, nil
}

// client never follows a redirect: a token would go along.
func client(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport: transport, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// within answers requests by a handler of this process.
type within struct{ http.Handler }

// RoundTrip is http.RoundTripper's.
func (h within) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if r.Body == nil {
		r.Body = http.NoBody
	}
	answer := &answer{header: http.Header{}, status: http.StatusOK}
	h.ServeHTTP(answer, r)
	return &http.Response{
		StatusCode: answer.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: answer.header, Body: io.NopCloser(&answer.body), ContentLength: int64(answer.body.Len()), Request: r,
	}, nil
}

// answer keeps what a handler writes.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }

// ask sends one request and returns what it is answered. An answer that refuses
// is a *refused.
func ask[A any](ctx context.Context, to *administrator, method, path string, body any) (A, error) {
	var found A
	status, mediaType, text, err := to.send(ctx, method, path, body)
	if err != nil {
		return found, err
	}
	if status/100 != 2 || mediaType != "application/json" {
		return found, to.refusal(mediaType, status, text)
	}
	if err := json.Unmarshal(text, &found); err != nil {
		return found, fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	return found, nil
}

// refusal is an answer that is not what was asked for, as an error.
func (a *administrator) refusal(mediaType string, status int, text []byte) error {
	if mediaType != "application/problem+json" {
		return fmt.Errorf("%s answers with status %d, and not as the admin API does\nIs it the URL of home?", a.base, status)
	}
	p := new(refused)
	if err := json.Unmarshal(text, &p.Problem); err != nil {
		return fmt.Errorf("the server's refusal cannot be read: %w", err)
	}
	return p
}

func (a *administrator) send(ctx context.Context, method, path string, body any) (status int, mediaType string, text []byte, err error) {
	w, err := a.do(ctx, method, path, body)
	if err != nil {
		return 0, "", nil, err
	}
	defer func() { _ = w.Body.Close() }() // it has been read
	const longest = 16 << 20
	if text, err = wire.ReadLimited(w.Body, longest); err != nil {
		return 0, "", nil, fmt.Errorf("the server's answer: %w", err)
	}
	return w.StatusCode, w.Header.Get("Content-Type"), text, nil
}

// do sends one request.
func (a *administrator) do(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var sent io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		sent = bytes.NewReader(encoded)
	}
	r, err := http.NewRequestWithContext(ctx, method, a.base+admin.Prefix+path, sent)
	if err != nil {
		return nil, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if a.token != "" {
		r.Header.Set("Authorization", "Bearer "+a.token)
	}
	w, err := a.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("the server does not answer: %w", err)
	}
	return w, nil
}

// refused is an answer that refuses.
type refused struct{ admin.Problem }

// Error says what is wrong and what to do, and under which trace id the server
// knows of it where nothing can be done here.
func (r *refused) Error() string {
	text := r.Problem.Error()
	switch {
	case r.Status == http.StatusUnauthorized:
		text = "the server does not accept the access token in " + tokenVariable + ": fetch a new one from home's token endpoint"
	case r.Status == http.StatusForbidden:
		text = "the access token in " + tokenVariable + " lacks a scope: " +
			admin.ReadKeys + " or " + admin.ReadClients + " to look, " + admin.WriteKeys + " or " + admin.WriteClients + " to change; " +
			"for people " + admin.ReadAccounts + " and " + admin.WriteAccounts + ", for API tokens " + admin.ReadAPITokens + " and " + admin.WriteAPITokens +
			", for partners " + admin.ReadPartners + " and " + admin.WritePartners + ", for changes " + admin.ReadChanges +
			", for operators and what is home's " + admin.ReadOperators + " and " + admin.WriteOperators
	case r.Status >= 500 && r.Instance != "":
		text += "\nTrace id: " + r.Instance
	}
	return text
}

// environments are those of the deployment.
func (a *administrator) environments(ctx context.Context) ([]admin.Environment, error) {
	all, err := ask[admin.EnvironmentList](ctx, a, http.MethodGet, "/environments", nil)
	return all.Environments, err
}

// choose is the environment to work on, and its path: the one that is named, or
// the only one beside home.
func (a *administrator) choose(ctx context.Context, named string) (name, path string, err error) {
	all, err := a.environments(ctx)
	if err != nil {
		return "", "", err
	}
	var names []string
	for _, e := range all {
		if e.Name != catalogue.HomeName || named == catalogue.HomeName {
			names = append(names, e.Name)
		}
	}
	switch {
	case named == "" && len(names) == 1:
		named = names[0]
	case named == "":
		return "", "", &usageError{errors.New("which environment? --environment " + strings.Join(names, " or "))}
	case !slices.Contains(names, named):
		return "", "", &usageError{fmt.Errorf("there is no environment %q; there are: %s", named, strings.Join(names, ", "))}
	}
	return named, "/environments/" + url.PathEscape(named), nil
}
