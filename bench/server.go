package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// configuration has an API for each kind of token. SERVER, UPSTREAM, STORE and
// FOLDER are put in.
const configuration = `
name: Bench
environments:
  live:
    issuer: http://SERVER
    store: STORE
    PEOPLE
data: FOLDER
sealing_key: file:FOLDER/sealing.key
listen: {address: "SERVER"}
limits: {connections_per_address: 1000}
apis:
  es256:
    audience: es256
    upstream: http://UPSTREAM
    token: {algorithm: ES256}
    scopes: {"es": {description: Bench}}
    routes: [{GET /data: es}]
  eddsa:
    audience: eddsa
    upstream: http://UPSTREAM
    token: {algorithm: EdDSA}
    scopes: {"ed": {description: Bench}}
    routes: [{GET /ed/data: ed}]
  opaque:
    audience: opaque
    upstream: http://UPSTREAM
    token: {format: opaque}
    scopes: {"op": {description: Bench}}
    routes: [{GET /op/data: op}]
  again:
    audience: again
    upstream: http://UPSTREAM
    token: {algorithm: ES256, reuse: 10m}
    scopes: {"ag": {description: Bench}}
    routes: [{GET /ag/data: ag}]
`

// build builds the programs that are measured.
func (b *bench) build() error {
	progress("building")
	for _, p := range [][]string{{"control", "./bench/control"}, {"grantway", "./cmd/grantway"}} {
		if out, err := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(b.folder, p[0]), p[1]).CombinedOutput(); err != nil { // as make build does
			return fmt.Errorf("build %s: %w\n%s", p[1], err, out)
		}
	}
	return nil
}

// launch starts a program on one core. Its log goes to a file, as in production.
func (b *bench) launch(log string, name string, arguments ...string) (*exec.Cmd, error) {
	logFile, err := os.Create(filepath.Join(b.folder, log+".log"))
	if err != nil {
		return nil, err
	}
	defer logFile.Close()
	c := exec.Command(filepath.Join(b.folder, name), arguments...)
	c.Env = append(os.Environ(), "GOMAXPROCS=1")
	c.Stdout, c.Stderr = logFile, logFile
	if err := c.Start(); err != nil {
		return nil, err
	}
	b.undo = append(b.undo, func() {
		c.Process.Kill()
		c.Wait()
	})
	return c, nil
}

// controls starts the control, and one more as the API behind the gateways.
func (b *bench) controls() (control plain, upstream string, err error) {
	free, err := freeAddresses(2)
	if err != nil {
		return plain{}, "", err
	}
	if _, err := b.launch("upstream", "control", free[1]); err != nil {
		return plain{}, "", err
	}
	c, err := b.launch("control", "control", free[0], "http://"+free[1])
	if err != nil {
		return plain{}, "", err
	}
	if err := reachable(free[1]); err != nil {
		return plain{}, "", err
	}
	return plain{free[0], c.Process.Pid}, free[1], reachable(free[0])
}

// plain is a running control.
type plain struct {
	address string
	pid     int
}

func (p plain) target(request []byte) target {
	return target{name: "control", pid: p.pid, address: p.address, request: request}
}

// A grantway is one of our servers with a folder and a client of its own.
type grantway struct {
	b              *bench
	name           string
	folder         string
	file           string
	address        string
	client, secret string
	process        *exec.Cmd
}

// server prepares a server; register makes its client, and serve starts it. An
// empty store means a file; people is a line of its environment.
func (b *bench) server(name, store, upstream, people string) (*grantway, error) {
	free, err := freeAddresses(1)
	if err != nil {
		return nil, err
	}
	g := &grantway{b: b, name: name, folder: filepath.Join(b.folder, name), address: free[0]}
	if err := os.Mkdir(g.folder, 0o700); err != nil {
		return nil, err
	}
	if store == "" {
		store = "sqlite:" + g.database()
	}
	key := strings.Repeat("0123456789abcdef", 4)
	if err := os.WriteFile(filepath.Join(g.folder, "sealing.key"), []byte(key), 0o600); err != nil {
		return nil, err
	}
	g.file = filepath.Join(g.folder, "grantway.yaml")
	text := strings.NewReplacer("SERVER", g.address, "UPSTREAM", upstream, "STORE", store, "FOLDER", g.folder, "PEOPLE", people).Replace(configuration)
	if err := os.WriteFile(g.file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return g, nil
}

// machine prepares a server with a client that acts for itself.
func (b *bench) machine(name, store, upstream string) (*grantway, error) {
	g, err := b.server(name, store, upstream, "")
	if err != nil {
		return nil, err
	}
	return g, g.register("--scope", "all")
}

func (g *grantway) database() string { return filepath.Join(g.folder, "live.db") }

// register makes the client that the run uses, before the server starts.
func (g *grantway) register(how ...string) error {
	c := exec.Command(filepath.Join(g.b.folder, "grantway"), append([]string{
		"clients", "create", "--config", g.file, "--environment", "live", "--name", "bench", "--json",
	}, how...)...)
	var told strings.Builder
	c.Stderr = &told
	out, err := c.Output()
	if err != nil {
		return fmt.Errorf("create a client: %w\n%s", err, told.String())
	}
	var made struct {
		Client struct {
			ID string `json:"id"`
		} `json:"client"`
		Secret string `json:"secret"`
	}
	if err := json.Unmarshal(out, &made); err != nil {
		return fmt.Errorf("create a client: %w\n%s", err, out)
	}
	g.client, g.secret = made.Client.ID, made.Secret
	return nil
}

func (g *grantway) serve() (err error) {
	if err := g.begin(); err != nil {
		return err
	}
	return reachable(g.address)
}

func (g *grantway) begin() (err error) {
	g.process, err = g.b.launch(g.name, "grantway", "serve", "--config", g.file)
	return err
}

// end stops the server as an operator would.
func (g *grantway) end() error {
	g.process.Process.Signal(syscall.SIGTERM)
	return g.process.Wait()
}

func (g *grantway) target(request []byte) target {
	return target{name: "grantway", pid: g.process.Process.Pid, address: g.address, request: request}
}

// ask is a request for a token with a scope.
func (g *grantway) ask(scope string) []byte {
	return post(g.address, "/oauth2/token", credentials(g.client, g.secret)+"&grant_type=client_credentials&scope="+scope)
}

func credentials(id, secret string) string { return "client_id=" + id + "&client_secret=" + secret }

// token asks for one JWT.
func (g *grantway) token() (string, error) {
	t := target{address: g.address}
	c, err := t.dial()
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := c.Write(g.ask("es")); err != nil {
		return "", err
	}
	return t.accessToken(bufio.NewReader(c))
}

// freeAddresses returns addresses that nobody listens on, so that two runs at the
// same time do not measure each other's servers.
func freeAddresses(n int) ([]string, error) {
	var all []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		all = append(all, l.Addr().String())
	}
	return all, nil
}

func reachable(address string) error {
	t := target{address: address}
	for range 1000 {
		if c, err := t.dial(); err == nil {
			return c.Close()
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("%s does not answer", address)
}
