package browser

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/installed"
)

const recipe = "../../examples/recipes/safeproxy"

// TestSafeProxy follows the recipe of the safe proxy as it is written, over TLS, and
// then opens it in a browser: the page shows data, and the browser has seen no token.
func TestSafeProxy(t *testing.T) {
	node, chromium := installed.Tool(t, "node"), installed.Tool(t, "chromium")
	bash := installed.Tool(t, "bash")
	scripts := installed.NodePrograms(t, "testdata")
	folder := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", filepath.Join(folder, "grantway"), "../../cmd/grantway").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.CopyFS(folder, os.DirFS(recipe)); err != nil {
		t.Fatal(err)
	}
	server, front := installed.FreeAddress(t), installed.FreeAddress(t)
	_, port, _ := net.SplitHostPort(front)
	public := "https://localhost:" + port
	moved := strings.NewReplacer("127.0.0.1:8080", server, "http://localhost:8090", public, "127.0.0.1:8090", front)
	certificate(t, folder)
	config := moved.Replace(read(t, filepath.Join(folder, "proxy.yaml"))) + "\ntls: {certificate: cert.pem, key: key.pem}\n"
	write(t, filepath.Join(folder, "proxy.yaml"), config)
	write(t, filepath.Join(folder, ".curlrc"), "insecure\n")
	environment := append(os.Environ(), "PATH="+folder+":"+os.Getenv("PATH"), "HOME="+folder, "CURL_HOME="+folder, "XDG_DATA_HOME="+t.TempDir(), "NO_PROXY=*", "no_proxy=*")

	var log installed.Output
	demo := exec.Command(filepath.Join(folder, "grantway"), "dev", "--example", "mytimetable", "--listen", server)
	demo.Env, demo.Dir, demo.Stdout, demo.Stderr = environment, folder, &log, &log
	run(t, demo)
	await(t, &log, "The same on a page", &log)

	page := read(t, filepath.Join(recipe, "README.md"))
	blocks := regexp.MustCompile("(?ms)^```(sh|text)\n(.*?)^```").FindAllStringSubmatch(page, -1)
	var script, want strings.Builder
	for _, b := range blocks {
		if b[1] == "sh" {
			script.WriteString(moved.Replace(b[2]))
		} else {
			want.WriteString(moved.Replace(b[2]))
		}
	}
	script.WriteString("echo done\nwait\n")
	var out installed.Output
	reader := exec.Command(bash, "-eu", "-o", "pipefail", "-c", script.String())
	reader.Env, reader.Dir, reader.Stdout, reader.Stderr = environment, folder, &out, &log
	run(t, reader)
	await(t, &out, "done\n", &log)
	if got := strings.TrimSuffix(out.String(), "done\n"); got != want.String() {
		t.Fatalf("the README's commands print\n%s\nand not\n%s\n%s", got, want.String(), log.String())
	}

	foreign := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><link rel=icon href=data:,><title>Foreign</title>"))
	}))
	t.Cleanup(foreign.Close)
	secret := strings.TrimSpace(read(t, filepath.Join(folder, "secret")))
	told, _ := json.Marshal(map[string]string{ // strings always encode
		"front": public, "issuer": "http://" + server + "/demo", "foreign": foreign.URL, "chromium": chromium,
		"name": person, "password": password, "secret": secret,
	})
	late, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	journey := exec.CommandContext(late, node, filepath.Join(scripts, "proxy.mjs"))
	journey.WaitDelay = time.Second // the browser has its output too
	journey.Env = append(environment, "SITE="+string(told))
	if out, err := journey.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\nThe proxy's log:\n%s", err, out, read(t, filepath.Join(folder, "proxy.log")))
	}
	for _, text := range []string{log.String(), read(t, filepath.Join(folder, "proxy.log"))} {
		if strings.Contains(text, secret) {
			t.Error("a log holds the secret")
		}
	}
}

// run starts a command with whatever it starts in turn, and ends them with the test.
func run(t *testing.T, c *exec.Cmd) {
	t.Helper()
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) // its own group
		_ = c.Wait()                                      // ended by us
	})
}

// await waits until something was written.
func await(t *testing.T, written *installed.Output, text string, log *installed.Output) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !strings.Contains(written.String(), text); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%q is not written\n%s\n%s", text, written.String(), log.String())
		}
	}
}

// certificate writes one for localhost that nobody vouches for.
func certificate(t *testing.T, folder string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	made, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "cert.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made})))
	write(t, filepath.Join(folder, "key.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
