package main

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/installed"
)

// A demo is a running `grantway dev`.
type demo struct {
	*process
	env map[string]string // what --env-file says
}

// startDev runs dev on a free port and returns once --env-file is there, no
// sooner and no later.
func startDev(t *testing.T, env []string, arguments ...string) demo {
	t.Helper()
	file := filepath.Join(t.TempDir(), "dev.env")
	p := start(t, env, append([]string{"dev", "--listen", "127.0.0.1:0", "--env-file", file}, arguments...)...)
	p.until("env file", func() bool { return exists(file) })
	return demo{p, readEnvFile(t, file)}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// readEnvFile reads the file as a shell does.
func readEnvFile(t *testing.T, file string) map[string]string {
	t.Helper()
	out := bash(t, "env -i bash -euc '. \"$1\"; env -0' - \""+file+"\"", nil)
	vars := map[string]string{}
	for line := range strings.SplitSeq(out, "\x00") {
		name, value, _ := strings.Cut(line, "=")
		if name != "" && !slices.Contains([]string{"PWD", "SHLVL", "_", "OLDPWD"}, name) {
			vars[name] = value
		}
	}
	return vars
}

// bash runs a script as somebody pastes it, and returns what it prints.
func bash(t *testing.T, script string, env []string) string {
	t.Helper()
	cmd := exec.Command("bash", "-eu", "-o", "pipefail")
	cmd.Stdin = strings.NewReader(script)
	cmd.Env = append(os.Environ(), env...)
	var errOut installed.Output
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\nin:\n%s\nprinted:\n%s", err, &errOut, script, out)
	}
	return string(out)
}

var devExamples = []struct {
	name  string
	names []string // exported, without the environments' suffixes
	token string   // path below the first URL
	call  string   // path below the second URL
	shows string   // in the answer to the printed call
}{
	{"quickstart", []string{"GRANTWAY_AUTH_URL", "GRANTWAY_API_URL", "GRANTWAY_CLIENT_ID", "GRANTWAY_CLIENT_SECRET"}, "/oauth2/token", "/notes", `"id":"note-1"`},
	{"timeback", []string{"TIMEBACK_AUTH_URL", "TIMEBACK_API_URL", "TIMEBACK_CLIENT_ID", "TIMEBACK_CLIENT_SECRET"}, "/oauth2/token", "/ims/oneroster/rostering/v1p2/courses", `"courses":[`},
	{"fitness", []string{"FITNESS_AUTH_URL", "FITNESS_API_URL", "FITNESS_CLIENT_ID", "FITNESS_CLIENT_SECRET"}, "/oauth2/token", "/moves", `"items":[`},
	{"studyteam", []string{"STUDYTEAM_URL", "STUDYTEAM_URL", "STUDYTEAM_CLIENT_ID", "STUDYTEAM_CLIENT_SECRET", "STUDYTEAM_AUDIENCE"}, "/oauth/token", "/rpi/sites", "Body of the request"},
}

func TestDevPrintsWhatWorks(t *testing.T) {
	for _, e := range devExamples {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "dev.env")
			if err := os.WriteFile(file, []byte("export STALE=1\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			p := start(t, nil, "dev", "--example", e.name, "--listen", "127.0.0.1:0", "--env-file", file)
			p.until("new env file", func() bool {
				text, err := os.ReadFile(file)
				return err == nil && !strings.Contains(string(text), "STALE")
			})
			env := readEnvFile(t, file)

			// Whoever waits for the file connects at once.
			audience := env[e.names[2][:len(e.names[2])-len("CLIENT_ID")]+"AUDIENCE"]
			got := askToken(t, http.DefaultClient, env[e.names[0]]+e.token, env[e.names[2]], env[e.names[3]], "audience", audience)
			if audience == "" {
				got = askToken(t, http.DefaultClient, env[e.names[0]]+e.token, env[e.names[2]], env[e.names[3]])
			}
			if called := httpGet(t, http.DefaultClient, env[e.names[1]]+e.call, got.token(t)); called.status != http.StatusOK {
				t.Errorf("%s: %d %s", e.call, called.status, called.body)
			}

			info, err := os.Stat(file)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the file with the credentials has mode %v, %v", info.Mode(), err)
			}
			var want, has []string
			for _, name := range slices.Compact(slices.Clone(e.names)) {
				want = append(want, name, name+"_STAGING", name+"_PRODUCTION")
			}
			for name := range env {
				has = append(has, name)
			}
			slices.Sort(want)
			slices.Sort(has)
			if diff := cmp.Diff(want, has); diff != "" {
				t.Errorf("names in the env file (-want +got):\n%s", diff)
			}

			p.until("end of the introduction", func() bool { return strings.Contains(p.out.String(), "The same on a page: ") })
			printed := p.out.String()
			pasted := pasteable(printed)
			if n := strings.Count(pasted, "curl "); n != 3 {
				t.Fatalf("%d commands to paste:\n%s", n, printed)
			}
			if shown := bash(t, pasted, nil); !strings.Contains(shown, `"access_token":"eyJraWQiOi`) || !strings.Contains(shown, e.shows) {
				t.Errorf("pasted, it prints\n%s", shown)
			}
			_, page, _ := strings.Cut(printed, "The same on a page: ")
			if welcome := httpGet(t, http.DefaultClient, strings.TrimSpace(page), ""); welcome.status != http.StatusOK || !strings.Contains(welcome.body, env[e.names[3]]) {
				t.Errorf("the page: %d %.300s", welcome.status, welcome.body)
			} else if !strings.Contains(welcome.body, "the keys of the house") || !strings.Contains(welcome.body, "a door of our own") {
				t.Error("the page does not say as whom to sign in to console and portal")
			}
		})
	}
}

// pasteable is the commands among the lines of the introduction.
func pasteable(printed string) string {
	var script strings.Builder
	within := false
	for line := range strings.Lines(printed) {
		if within || strings.HasPrefix(line, "curl ") || strings.HasPrefix(line, "ACCESS_TOKEN=") {
			script.WriteString(line)
			within = strings.HasSuffix(line, "\\\n")
		}
	}
	return script.String()
}

func TestDevOnTheNetworkHasCredentialsOfItsOwn(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	known := startDev(t, nil, "--data", data) // a folder in which the documents' credentials are good
	askToken(t, http.DefaultClient, known.env["GRANTWAY_AUTH_URL"]+"/oauth2/token", "YOUR_CLIENT_ID", "YOUR_CLIENT_SECRET").token(t)
	known.until("end of the introduction", func() bool { return strings.Contains(known.out.String(), "The same on a page: ") })
	known.stop()

	open := startDev(t, nil, "--data", data, "--listen", "0.0.0.0:0")
	open.until("end of the introduction", func() bool { return strings.Contains(open.out.String(), "The same on a page: ") })
	_, page, _ := strings.Cut(open.out.String(), "The same on a page: ")
	shown := httpGet(t, http.DefaultClient, strings.TrimSpace(page), "").body
	if strings.Contains(shown, "this machine only") || !strings.Contains(shown, "Others on the network") {
		t.Errorf("the page: %.900s", shown)
	}
	doors := regexp.MustCompile(`as (\S+), with the password "(.+)"`).FindAllStringSubmatch(open.out.String(), -1)
	if len(doors) != 2 {
		t.Errorf("it prints as whom to sign in to %d places", len(doors))
	}
	for _, door := range doors {
		if !strings.Contains(shown, door[1]) || strings.Contains(shown, door[2]) {
			t.Errorf("the page, which the network sees, does not name %s or says that one's password", door[1])
		}
	}
	for _, password := range []string{"the keys of the house", "a door of our own"} {
		if strings.Contains(open.out.String(), password) || !strings.Contains(known.out.String(), password) {
			t.Errorf("who knows the documents opens a server on the network with the password %q", password)
		}
	}
	for _, suffix := range []string{"_STAGING", "_PRODUCTION"} {
		at := open.env["GRANTWAY_AUTH_URL"+suffix] + "/oauth2/token"
		if strings.Contains(at, "127.0.0.1") {
			t.Errorf("others on the network cannot reach %s", at)
		}
		id, secret := open.env["GRANTWAY_CLIENT_ID"+suffix], open.env["GRANTWAY_CLIENT_SECRET"+suffix]
		token := askToken(t, http.DefaultClient, at, id, secret).token(t)
		if got := httpGet(t, http.DefaultClient, open.env["GRANTWAY_API_URL"+suffix]+"/notes", token); got.status != http.StatusOK {
			t.Errorf("call: %d %s", got.status, got.body)
		}
		for _, prefix := range []string{"YOUR_", "YOUR_PRODUCTION_"} {
			if id == prefix+"CLIENT_ID" || secret == prefix+"CLIENT_SECRET" {
				t.Errorf("%s: the credentials are the documents': %s", suffix, id)
			}
			if got := askToken(t, http.DefaultClient, at, prefix+"CLIENT_ID", prefix+"CLIENT_SECRET"); got.status != http.StatusUnauthorized {
				t.Errorf("%s: the documents' credentials %s open a server on the network: %d", suffix, prefix, got.status)
			}
		}
	}
}

func TestDevKeepsItsData(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	address := installed.FreeAddress(t) // an issuer has a port, and tokens an issuer
	arguments := []string{"--data", data, "--listen", address}
	first := startDev(t, nil, arguments...)
	token := askToken(t, http.DefaultClient, first.env["GRANTWAY_AUTH_URL"]+"/oauth2/token", "YOUR_CLIENT_ID", "YOUR_CLIENT_SECRET").token(t)

	status, _, said := finish(t, nil, "dev", "--data", data, "--listen", "127.0.0.1:0")
	if status != exitRefused || !strings.Contains(said, "another grantway (process ") || !strings.Contains(said, data) {
		t.Errorf("a second one in the same folder: status %d, %s", status, said)
	}

	began := time.Now()
	if status := first.stop(); status != 0 || time.Since(began) > 15*time.Second {
		t.Errorf("stopped with status %d after %v\n%s", status, time.Since(began), &first.log)
	}

	again := startDev(t, nil, arguments...)
	if got := httpGet(t, http.DefaultClient, again.env["GRANTWAY_API_URL"]+"/notes", token); got.status != http.StatusOK {
		t.Errorf("a token from before the restart: %d %s", got.status, got.body)
	}
	again.signal(syscall.SIGKILL)
	again.wait()

	after := startDev(t, nil, arguments...)
	if got := httpGet(t, http.DefaultClient, after.env["GRANTWAY_API_URL"]+"/notes", token); got.status != http.StatusOK {
		t.Errorf("a token from before the crash: %d %s", got.status, got.body)
	}
	after.stop()

	config := filepath.Join(t.TempDir(), "grantway.yaml")
	text := strings.ReplaceAll(readFile(t, "testdata/serve/plain.yaml"), "sqlite:FOLDER/", "sqlite:"+data+"/")
	writeFile(t, config, strings.NewReplacer("FOLDER", t.TempDir(), "UPSTREAM", "http://127.0.0.1:1").Replace(text))
	status, _, said = finish(t, serveSecrets, "serve", "--config", config)
	if status != exitRefused || !strings.Contains(said, "was made by `grantway dev`") || !strings.Contains(said, "give it a new one") {
		t.Errorf("serve takes the store of a demonstration: status %d, %s", status, said)
	}
}

// TestDevGivesWay: two demonstrations of one system at the same time need no
// flags but a port.
func TestDevGivesWay(t *testing.T) {
	t.Parallel()
	home := []string{"XDG_DATA_HOME=" + t.TempDir(), "TMPDIR=" + t.TempDir()}
	first := startDev(t, home)
	second := startDev(t, home)
	said := second.logged("which goes when the server stops", 1)
	_, folder, _ := strings.Cut(strings.TrimSuffix(said, ", which goes when the server stops\n"), "using ")
	if !exists(filepath.Join(folder, "staging.db")) {
		t.Errorf("no store in the folder that it names: %s", said)
	}
	for _, d := range []demo{first, second} {
		askToken(t, http.DefaultClient, d.env["GRANTWAY_AUTH_URL"]+"/oauth2/token", "YOUR_CLIENT_ID", "YOUR_CLIENT_SECRET").token(t)
	}
	if status := second.stop(); status != 0 || exists(folder) {
		t.Errorf("after the end (status %d), the folder %s is there: %v", status, folder, exists(folder))
	}
}

func TestDevRefuses(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	nowhere := filepath.Join(t.TempDir(), "no", "such.env")
	for _, row := range []struct {
		arguments []string
		status    int
		says      []string
	}{
		{[]string{"--example", "nope"}, exitUsage, []string{`no example "nope"`, "quickstart, timeback, fitness, studyteam"}},
		{[]string{"--listen", taken.Addr().String()}, exitRefused, []string{"address already in use", "--listen 127.0.0.1:0 picks a free port"}},
		{[]string{"--listen", "8080"}, exitUsage, []string{"missing port", "127.0.0.1:8080"}},
		{[]string{"--listen", "192.0.2.1:8080"}, exitRefused, []string{"192.0.2.1:8080 is not an address of this machine"}}, // RFC 5737
		{[]string{"--listen", "127.0.0.1:0", "--env-file", nowhere}, exitRefused, []string{"--env-file", nowhere}},
		{[]string{"--bogus"}, exitUsage, []string{"unknown flag: --bogus", "grantway dev --help"}},
		{[]string{"timeback"}, exitUsage, []string{`"timeback"`, "grantway dev --help"}},
	} {
		status, out, said := finish(t, nil, append([]string{"dev"}, row.arguments...)...)
		if status != row.status || out != "" {
			t.Errorf("%v: status %d, want %d; prints %q", row.arguments, status, row.status, out)
		}
		for _, text := range row.says {
			if !strings.Contains(said, text) {
				t.Errorf("%v does not say %q:\n%s", row.arguments, text, said)
			}
		}
	}
}

// TestDevLeavesNoEnvFileOfAnEarlierRun: whoever waits for the file must not find
// one that tells of a server that is gone.
func TestDevLeavesNoEnvFileOfAnEarlierRun(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	file := filepath.Join(data, "dev.env")
	writeFile(t, file, "export GRANTWAY_AUTH_URL='http://127.0.0.1:1'\n")
	writeFile(t, filepath.Join(data, "staging.db"), "this is no database, so that the server does not start")
	status, out, said := finish(t, nil, "dev", "--listen", "127.0.0.1:0", "--data", data, "--env-file", file)
	if status != exitRefused || out != "" || !strings.Contains(said, "environment staging") {
		t.Errorf("status %d, prints %q, says %s", status, out, said)
	}
	if exists(file) {
		t.Error("the file of the earlier run is still there")
	}
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func writeFile(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
