package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/installed"
)

func TestConfigCheck(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"good.yaml":     readFile(t, "../../examples/quickstart/grantway.yaml"),
		"grantway.yaml": readFile(t, "../../examples/fitness/grantway.yaml"),
		"faults.yaml":   readFile(t, "testdata/config/faults.yaml"),
		"safe.yaml":     strings.NewReplacer("FOLDER", folder, "UPSTREAM", "https://notes.internal").Replace(readFile(t, "testdata/serve/plain.yaml")),
		"long.yaml": strings.NewReplacer("FOLDER", folder, "UPSTREAM", "https://notes.internal\n    token: {lifetime: 2h}").
			Replace(readFile(t, "testdata/serve/plain.yaml")),
		"not.yaml": "name: [",
		"tab.yaml": "name: Notes\nenvironments:\n  staging:\n\tissuer: https://auth.example\n",
	} {
		writeFile(t, filepath.Join(folder, name), text)
	}
	for _, row := range []struct {
		name      string
		arguments []string
		status    int
		out       string
		says      []string // on standard error, where nothing else may be
	}{
		{name: "a good file", arguments: []string{"good.yaml"}, out: "good.yaml is good: 2 environments, 1 API, 7 routes\n"},
		{name: "the file that serve would read", out: "grantway.yaml is good: 2 environments, 1 API, 19 routes\n"},
		{name: "what is good for production", arguments: []string{"--production", "safe.yaml"}, out: "safe.yaml is good: 2 environments, 1 API, 2 routes\n"},
		{
			name: "a warning stops nobody", arguments: []string{"--production", "long.yaml"}, out: "long.yaml is good: 2 environments, 1 API, 2 routes\n",
			says: []string{"apis.notes.token.lifetime", "more than 1h"},
		},
		{
			name: "every fault at once", arguments: []string{"faults.yaml"}, status: exitRefused,
			says: []string{
				"faults.yaml:4:", "issuer: is http", "faults.yaml:5:", "cognitio", "cognito", "faults.yaml:8:", "ftp", "faults.yaml:9:", "lifetime",
				"faults.yaml:11:", "description", "faults.yaml:13:", "faults.yaml:14:", "limitz", "limits",
			},
		},
		{
			name: "what only production refuses", arguments: []string{"--production", "good.yaml"}, status: exitRefused,
			says: []string{"good.yaml:", "apis.notes.upstream", "write the URL of your API"},
		},
		{name: "no YAML", arguments: []string{"not.yaml"}, status: exitRefused, says: []string{"not.yaml:1:"}},
		{name: "a tab", arguments: []string{"tab.yaml"}, status: exitRefused, says: []string{"tab.yaml:4:1: is not YAML", "indent with spaces"}},
		{name: "no file", arguments: []string{"nowhere.yaml"}, status: exitRefused, says: []string{"nowhere.yaml", "no such file", "'grantway config check FILE'", "'grantway config example'"}},
		{name: "two files", arguments: []string{"good.yaml", "safe.yaml"}, status: exitUsage, says: []string{`"safe.yaml" is a word too many`, "grantway config check --help"}},
		{name: "an unknown flag", arguments: []string{"--prodution"}, status: exitUsage, says: []string{"--prodution; did you mean --production?", "grantway config check --help"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			cmd := command(t, serveSecrets, append([]string{"config", "check"}, row.arguments...)...)
			cmd.Dir = folder
			status, out, said := ran(t, cmd)
			if status != row.status || out != row.out {
				t.Errorf("status %d, want %d; prints %q, want %q\n%s", status, row.status, out, row.out, said)
			}
			for _, text := range row.says {
				if !strings.Contains(said, text) {
					t.Errorf("it does not say %q:\n%s", text, said)
				}
			}
			if row.says == nil && said != "" {
				t.Errorf("it says\n%s", said)
			}
		})
	}
}

func ran(t *testing.T, cmd *exec.Cmd) (status int, out, said string) {
	t.Helper()
	var stdout, stderr installed.Output
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

func TestConfigSchemaIsTheOneOfTheCatalogue(t *testing.T) {
	t.Parallel()
	status, out, said := finish(t, nil, "config", "schema")
	if status != 0 || said != "" || out != string(catalogue.Schema) || out != readFile(t, "../../internal/catalogue/grantway.schema.json") {
		t.Errorf("status %d, %d bytes, says %q", status, len(out), said)
	}
}

// TestConfigExample: what is printed is good as it stands, and its schema lies
// where `grantway config schema` was told to put it.
func TestConfigExample(t *testing.T) {
	t.Parallel()
	for _, system := range exampleNames() {
		status, out, said := finish(t, nil, "config", "example", system)
		if status != 0 || said != "" || !strings.HasPrefix(out, "# yaml-language-server: $schema=grantway.schema.json\n") {
			t.Errorf("%s: status %d, says %q, prints %.120q", system, status, said, out)
		}
		if _, err := catalogue.Parse("grantway.yaml", []byte(out), os.LookupEnv); err != nil {
			t.Errorf("%s: %v", system, err)
		}
	}
	if _, first, _ := finish(t, nil, "config", "example"); !strings.Contains(first, "\nname: Notes\n") {
		t.Errorf("without a name it prints %.120q", first)
	}
	if status, _, said := finish(t, nil, "config", "example", "quickstrat"); status != exitUsage || !strings.Contains(said, "mytimetable") {
		t.Errorf("a system that is not there: status %d, says %q", status, said)
	}
}

// TestHelp: whoever reads --help sees an example, and no broken lines.
func TestHelp(t *testing.T) {
	every(newRoot(), func(c *cobra.Command) {
		path := strings.Fields(c.CommandPath())[1:]
		t.Run(strings.Join(append([]string{"grantway"}, path...), " "), func(t *testing.T) {
			t.Parallel()
			status, out, said := finish(t, nil, append(path, "--help")...)
			if status != 0 || said != "" {
				t.Errorf("status %d, says %q", status, said)
			}
			example := "Examples:\n  grantway " + strings.Join(path, " ")
			if c.HasSubCommands() {
				example = "Available Commands:"
			} else if len(path) == 1 && path[0] == "completion" {
				example = "<(grantway completion bash)"
			}
			if !strings.Contains(out, example) {
				t.Errorf("no %q in\n%s", example, out)
			}
			for line := range strings.Lines(out) {
				if len([]rune(line)) > 80+len("\n") || strings.Contains(line, "\t") {
					t.Errorf("too wide: %s", line)
				}
			}
		})
	})
}

func every(c *cobra.Command, do func(*cobra.Command)) {
	do(c)
	for _, below := range c.Commands() {
		every(below, do)
	}
}

func TestUnknownWordsAreUsageErrors(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		arguments []string
		says      string
	}{
		{[]string{"bogus"}, `no command "bogus"`},
		{[]string{"serv"}, "serve?"},
		{[]string{"config", "chek"}, "did you mean check?"},
		{[]string{"serve", "now"}, `"now"`},
		{[]string{"--verbose"}, "unknown flag: --verbose"},
		{[]string{"completion", "nu"}, `"nu"`},
		{[]string{"completion"}, "which one? bash, zsh, fish"},
	} {
		status, out, said := finish(t, nil, row.arguments...)
		if status != exitUsage || out != "" || !strings.Contains(said, row.says) || !strings.Contains(said, "--help'") {
			t.Errorf("%v: status %d, prints %q, says %q", row.arguments, status, out, said)
		}
	}
	if status, out, _ := finish(t, nil); status != 0 || !strings.Contains(out, "grantway dev") {
		t.Errorf("without words: status %d, prints %q", status, out)
	}
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	for shell, marks := range map[string]string{"bash": "__start_grantway", "zsh": "#compdef grantway", "fish": "complete -c grantway"} {
		status, out, said := finish(t, nil, "completion", shell)
		if status != 0 || said != "" || !strings.Contains(out, marks) {
			t.Errorf("%s: status %d, %d bytes, says %q", shell, status, len(out), said)
		}
		if shell == "bash" {
			bash(t, out, nil) // it is at least a script
		}
	}
	for _, row := range []struct {
		words, want []string
	}{
		{[]string{"dev", "--example", ""}, []string{"quickstart", "timeback", "fitness", "studyteam"}},
		{[]string{"dev", "--example", "t"}, []string{"timeback"}},
		{[]string{"completion", ""}, []string{"bash", "zsh", "fish"}},
		{[]string{"se"}, []string{"serve"}},
	} {
		_, out, _ := finish(t, nil, append([]string{"__complete"}, row.words...)...)
		var offered []string
		for line := range strings.Lines(out) {
			word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
			if word != "" && word[0] != ':' {
				offered = append(offered, word)
			}
		}
		for _, want := range row.want {
			if !slices.Contains(offered, want) {
				t.Errorf("%q offers %q", row.words, offered)
			}
		}
	}
	if _, err := os.Stat("grantway.yaml"); err == nil {
		t.Error("a test wrote into the source")
	}
}
