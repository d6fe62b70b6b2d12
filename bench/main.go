// Command bench measures Grantway beside plain controls in one run and prints
// ratios. A machine's speed, and its other tenants, change from minute to minute;
// the ratio of two figures that were measured by turns does not.
//
// Each server runs on one core (GOMAXPROCS=1) and is loaded over 16 keep-alive
// connections. What counts is the server's CPU time, user and system, for one
// good answer; the figure is the median of the rounds' ratios.
//
//	go run ./bench
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

var (
	rounds = flag.Int("rounds", 5, "how often each pair is measured")
	window = flag.Duration("window", 2*time.Second, "how long each measurement lasts")
	only   = flag.String("only", "", "measure the rows whose name holds this")
)

const connections = 16

// A row compares one of our targets with a control.
type row struct {
	name    string
	ours    target
	control target
	goal    float64 // the ratio to reach; 0: none
}

func main() {
	flag.Parse()
	log.SetFlags(0)
	folder, err := os.MkdirTemp("", "grantway-bench-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	if err := run(folder); err != nil {
		log.Fatal(err)
	}
}

func run(folder string) error {
	s, err := start(folder)
	if err != nil {
		return err
	}
	defer s.stop()
	out := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(out, "what\tours µs\tcontrol µs\tratio\tgoal\tspread")
	for _, r := range s.rows() {
		if !strings.Contains(r.name, *only) {
			continue
		}
		if err := r.print(out); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "start until all three servers answer\t%d ms\t\t\t\t\n", s.ready.Milliseconds())
	fmt.Fprintf(out, "memory after the run\t%.1f MiB\t\t\t80 MiB\t\n", float64(residentMemory(s.grantway.Process.Pid))/(1<<20))
	return out.Flush()
}

// print measures the two by turns and prints the medians.
func (r *row) print(out *tabwriter.Writer) error {
	var ours, controls, ratios []float64
	for range *rounds {
		control, _, err := r.control.measure(connections, 300*time.Millisecond, *window)
		if err != nil {
			return err
		}
		mine, _, err := r.ours.measure(connections, 300*time.Millisecond, *window)
		if err != nil {
			return err
		}
		ours = append(ours, micro(mine))
		controls = append(controls, micro(control))
		ratios = append(ratios, float64(mine)/float64(control))
	}
	goal := ""
	if r.goal > 0 {
		goal = fmt.Sprintf("%.2f", r.goal)
	}
	fmt.Fprintf(out, "%s\t%.1f\t%.1f\t%.2f\t%s\t%.2f to %.2f\n", r.name, median(ours), median(controls), median(ratios), goal, slices.Min(ratios), slices.Max(ratios))
	return nil
}

func micro(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

// servers are the processes of a run.
type servers struct {
	folder         string
	control        *exec.Cmd
	upstream       *exec.Cmd
	grantway       *exec.Cmd
	controlAddress string
	address        string
	client         string
	secret         string
	ready          time.Duration
}

// configuration has an API for each kind of token. SERVER and UPSTREAM are put in.
const configuration = `
name: Bench
environments:
  live:
    issuer: http://SERVER
    store: sqlite:FOLDER/live.db
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
`

func start(folder string) (*servers, error) {
	free, err := freeAddresses(3)
	if err != nil {
		return nil, err
	}
	s := &servers{folder: folder, controlAddress: free[0], address: free[1]}
	upstream := free[2]
	for _, b := range [][]string{{"control", "./bench/control"}, {"grantway", "./cmd/grantway"}} {
		if out, err := exec.Command("go", "build", "-o", filepath.Join(folder, b[0]), b[1]).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build %s: %w\n%s", b[1], err, out)
		}
	}
	key := strings.Repeat("0123456789abcdef", 4)
	if err := os.WriteFile(filepath.Join(folder, "sealing.key"), []byte(key), 0o600); err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "grantway.yaml")
	text := strings.NewReplacer("SERVER", s.address, "UPSTREAM", upstream, "FOLDER", folder).Replace(configuration)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	if err := s.register(file); err != nil {
		return nil, err
	}
	if s.upstream, err = s.launch("control", upstream); err != nil {
		return nil, err
	}
	if s.control, err = s.launch("control", s.controlAddress, "http://"+upstream); err != nil {
		return nil, err
	}
	began := time.Now()
	if s.grantway, err = s.launch("grantway", "serve", "--config", file); err != nil {
		return nil, err
	}
	for _, address := range []string{upstream, s.controlAddress, s.address} {
		if err := reachable(address); err != nil {
			return nil, err
		}
	}
	s.ready = time.Since(began)
	return s, nil
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

// register makes the client that the run uses, before the server starts.
func (s *servers) register(file string) error {
	out, err := exec.Command(filepath.Join(s.folder, "grantway"), "clients", "create", "--config", file,
		"--environment", "live", "--name", "bench", "--scope", "all", "--json").Output()
	if err != nil {
		return fmt.Errorf("create a client: %w", err)
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
	s.client, s.secret = made.Client.ID, made.Secret
	return nil
}

// launch starts a server on one core. Its log goes to a file, as in production.
func (s *servers) launch(name string, arguments ...string) (*exec.Cmd, error) {
	logFile, err := os.Create(filepath.Join(s.folder, name+fmt.Sprint(len(arguments))+".log"))
	if err != nil {
		return nil, err
	}
	c := exec.Command(filepath.Join(s.folder, name), arguments...)
	c.Env = append(os.Environ(), "GOMAXPROCS=1")
	c.Stdout, c.Stderr = logFile, logFile
	return c, c.Start()
}

func (s *servers) stop() {
	for _, c := range []*exec.Cmd{s.grantway, s.control, s.upstream} {
		c.Process.Kill()
		c.Wait()
	}
}

func reachable(address string) error {
	t := target{name: address, address: address}
	for range 200 {
		if c, err := t.dial(); err == nil {
			return c.Close()
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("%s does not answer", address)
}

// rows are what is compared.
func (s *servers) rows() []row {
	controlled := func(request []byte) target {
		return target{"control", s.control.Process.Pid, s.controlAddress, request}
	}
	ours := func(request []byte) target {
		return target{"grantway", s.grantway.Process.Pid, s.address, request}
	}
	credentials := func(id, secret, scope string) string {
		return "grant_type=client_credentials&client_id=" + id + "&client_secret=" + secret + "&scope=" + scope
	}
	issue := func(name, path, audience, scope string, goal float64) row {
		return row{
			name, ours(post(s.address, "/oauth2/token", credentials(s.client, s.secret, scope))),
			controlled(post(s.controlAddress, path, credentials("bench", "secret", scope))), goal,
		}
	}
	rows := []row{
		issue("client credentials, ES256 / es256", "/es256", "es256", "es", 1),
		issue("client credentials, EdDSA / eddsa", "/eddsa", "eddsa", "ed", 1),
		issue("client credentials, opaque (durable) / opaque", "/opaque", "opaque", "op", 0),
	}
	if token, err := s.token(); err == nil {
		asked := "client_id=" + s.client + "&client_secret=" + s.secret + "&token=" + token
		rows = append(rows, row{
			"introspection, JWT / hello",
			ours(post(s.address, "/oauth2/introspect", asked)), controlled(post(s.controlAddress, "/hello", asked)), 1.6,
		}, row{
			"gateway, JWT seen before / ReverseProxy",
			ours(get(s.address, "/data", "Authorization: Bearer "+token)), controlled(get(s.controlAddress, "/proxy")), 1.15,
		})
	}
	return rows
}

// token asks for one token, for the calls through the gateway.
func (s *servers) token() (string, error) {
	t := target{address: s.address}
	c, err := t.dial()
	if err != nil {
		return "", err
	}
	defer c.Close()
	body := "grant_type=client_credentials&client_id=" + s.client + "&client_secret=" + s.secret + "&scope=es"
	if _, err := c.Write(post(s.address, "/oauth2/token", body)); err != nil {
		return "", err
	}
	return t.accessToken(bufio.NewReader(c))
}
