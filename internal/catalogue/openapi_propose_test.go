package catalogue

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const notesFile = `# The notes.
name: Notes
environments:
  staging: {issuer: https://auth.notes.example, api: https://api.notes.example/v1}
apis:
  notes:   # ours
    upstream: https://notes.internal
    scopes:
      notes:read:
        description: Read # nothing more
    # what is guarded
    routes:
      # the list
      - GET /notes: read

      - GET /old: public   # until May
  other:
    upstream: demo
    routes:
      - GET /other: token
listen:
  metrics: 127.0.0.1:9464
`

const notesDiff = `@@ -4,16 +4,24 @@
   staging: {issuer: https://auth.notes.example, api: https://api.notes.example/v1}
 apis:
   notes:   # ours
+    openapi: openapi.yaml
     upstream: https://notes.internal
     scopes:
       notes:read:
         description: Read # nothing more
+      notes:write:
+        category: Notes
+        description: Write a note
+        write: true
     # what is guarded
     routes:
       # the list
       - GET /notes: read
 
       - GET /old: public   # until May
+      - POST /notes: notes:write
+      - GET /notes/{note_id}/files/{name_txt}: notes:read
+      - GET /health: public
   other:
     upstream: demo
     routes:
`

// proposal is one for a file beside the document.
func proposal(t *testing.T, file, document string, o ProposeOptions) (*Proposal, error) {
	t.Helper()
	folder := t.TempDir()
	path := filepath.Join(folder, "openapi.yaml")
	if err := os.WriteFile(path, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := LoadOpenAPI(path)
	if err != nil {
		t.Fatal(err)
	}
	o.Env = noEnv
	var old []byte
	if file != "" {
		old = []byte(file)
	}
	return Propose(filepath.Join(folder, "grantway.yaml"), old, read, o)
}

func TestPropose(t *testing.T) {
	t.Parallel()
	p, err := proposal(t, notesFile, notesAPI, ProposeOptions{API: "notes"})
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(p.Diff(), "\n+++ "+p.File+"\n")
	if diff := cmp.Diff(notesDiff, body); diff != "" {
		t.Error(diff)
	}
	if p.Scopes != 1 || p.Routes != 3 {
		t.Error(p.Scopes, p.Routes)
	}
	// It only adds.
	kept := strings.Split(notesFile, "\n")
	for line := range strings.SplitSeq(string(p.New), "\n") {
		if len(kept) > 0 && line == kept[0] {
			kept = kept[1:]
		}
	}
	if len(kept) > 0 {
		t.Errorf("it lost %q", kept[0])
	}
	if !strings.Contains(p.Notes.Error(), "apis.notes.routes[1]: no operation of the document needs this route") {
		t.Error(p.Notes.Error())
	}

	dos, err := proposal(t, strings.ReplaceAll(notesFile, "\n", "\r\n"), notesAPI, ProposeOptions{API: "notes"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.ReplaceAll(string(p.New), "\n", "\r\n"), string(dos.New)); diff != "" {
		t.Error(diff)
	}
}

func TestProposeAnAPI(t *testing.T) {
	t.Parallel()
	const want = `+
+  files:
+    title: Notes
+    openapi: openapi.yaml
+    upstream: demo                    # put the URL of your API here
+    scopes:
+      notes:read:
+        category: Notes
+        description: Read notes
+      notes:write:
+        category: Notes
+        description: Write a note
+        write: true
+    routes:
+      - GET /v1/notes: notes:read
+      - POST /v1/notes: notes:write
+      - GET /v1/notes/{note_id}/files/{name_txt}: notes:read
+      - GET /v1/health: public
 listen:
`
	p, err := proposal(t, strings.Replace(notesFile, "example/v1}", "example}", 1), notesAPI, ProposeOptions{API: "files"})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(p.Diff(), want) {
		t.Error(p.Diff())
	}
	p, err = proposal(t, "", notesAPI, ProposeOptions{})
	if err != nil || !strings.HasPrefix(p.Diff(), "--- /dev/null\n") || !strings.Contains(string(p.New), "    upstream: https://api.notes.example\n") {
		t.Errorf("%v\n%s", err, p.Diff())
	}
}

func TestProposeRefuses(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ old, new, api, says string }{
		{"", "", "", "several APIs"},
		{"name: Notes", "nmae: Notes", "notes", "did you mean name?"},
		{"    routes:\n      # the list\n      - GET /notes: read\n\n      - GET /old: public   # until May", "    routes: [GET /notes: read]", "notes", "apis.notes.routes is written in brackets"},
		{"    scopes:\n      notes:read:\n        description: Read # nothing more", "    scopes: {'notes:read': {description: Read}}", "notes", "grantway.yaml:8: apis.notes.scopes is written in brackets"},
		{"", "", "Notes", "is not a name"},
		{"      notes:read:", "      notes:read:\n        aliases: [old]\n", "notes", ""},
	} {
		_, err := proposal(t, strings.Replace(notesFile, row.old, row.new, 1), notesAPI, ProposeOptions{API: row.api})
		if row.says == "" && err != nil || row.says != "" && (err == nil || !strings.Contains(err.Error(), row.says)) {
			t.Errorf("%s: says %v, want %q", row.new, err, row.says)
		}
	}
	if _, err := proposal(t, notesFile, notesAPI, ProposeOptions{}); !errors.Is(err, ErrWhichAPI) {
		t.Error(err)
	}
}

func TestYAMLText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"a", "true", "No", "null", "1.10", "a: b", "a #b", "a#b", "notes:read", "-x", "*", "&a", "!b", "{a}", "[a]", "a,b", "'a'", `"a"`, "a:", "a ",
		"GET /a/{b}/c", "GET /a/{b}:", "?", "? a", "%x", "@a", "`a`", "|", ">", "~", "é", "https://a.example/b:c", "a\\b", "/a", "a - b", "on", "Y", "…", "0x1", "1e3", "2026-01-01",
	} {
		d := &decoder{places: places{at: map[string]place{}}}
		root := d.yaml(d.document([]byte("{a: ["+quotedInBrackets(text)+"]}")), "", 0)
		block := d.yaml(d.document([]byte("x:\n  - "+yamlText(text)+": "+yamlText(text)+"\n")), "", 0)
		if len(d.faults) > 0 {
			t.Errorf("%q: %v", text, d.faults)
			continue
		}
		m := block.get("x").items[0].members[0]
		if in := root.get("a").items[0]; in.kind != aText || in.text != text || m.key != text || m.value.kind != aText || m.value.text != text {
			t.Errorf("%q is read as %q, %q and %q", text, in.text, m.key, m.value.text)
		}
	}
}

func TestLint(t *testing.T) {
	t.Parallel()
	const guarded = `name: Notes
environments: {staging: {issuer: https://auth.notes.example, api: https://api.notes.example/v1}}
apis:
  notes:
    upstream: demo
    scopes: {'notes:read': {description: Read}, 'notes:write': {description: Write, aliases: [write]}}
    routes:
      - GET /notes: notes:read
      - POST /notes: notes:write
      - GET /notes/{id}/files/{file}: notes:read
      - GET /health: public
`
	for _, row := range []struct{ name, old, new, says string }{
		{"what is as the document says", "", "", ""},
		{"no route", "      - POST /notes: notes:write\n", "", "openapi.yaml:25:7: warning: paths./notes.post: no route answers POST /notes: it is refused with 404"},
		{"nobody needs the scope then", "      - POST /notes: notes:write\n", "", "notes.yaml:6:49: warning: apis.notes.scopes.notes:write: no route needs this scope"},
		{"public", "POST /notes: notes:write", "POST /notes: public", "notes.yaml:9:9: warning: apis.notes.routes[1]: is public in staging, and for POST /notes the document asks for notes:write (openapi.yaml:25)"},
		{"less", "POST /notes: notes:write", "POST /notes: token", "asks for any token, and the document for notes:write\n    openapi.yaml:25: POST /notes"},
		{"more", "/health: public", "/health: token", "asks for any token, and the document for nothing"},
		{"another scope", "POST /notes: notes:write", "POST /notes: notes:read", "asks for notes:read, and the document for notes:write"},
		{"a route that nobody needs", "      - GET /health", "      - GET /old: token\n      - GET /health", "apis.notes.routes[3]: no operation of the document needs this route"},
		{"a wide route", "GET /health: public", "ANY /…: public", ""},
		{"a wide route, where the path of GET /notes decides for POST too", "      - POST /notes: notes:write\n", "      - POST /…: public\n", "no route answers POST /notes"},
	} {
		file := strings.Replace(guarded, row.old, row.new, 1)
		c, err := Parse("notes.yaml", []byte(file), noEnv)
		if err != nil {
			t.Fatal(err)
		}
		o := readAPI(t, notesAPI)
		o.File = "openapi.yaml"
		got := Lint(c.WithDocument("notes", o), "").Error()
		if !strings.Contains(got, row.says) || row.says == "" && got != "" {
			t.Errorf("%s: says\n%s\nwant\n%s", row.name, got, row.says)
		}
	}
	// Without a document: what everybody may alter.
	c, err := Parse("notes.yaml", []byte(guarded+"      - DELETE /all: public\n"), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if got := Lint(c, "").Error(); got != "notes.yaml:12:9: warning: apis.notes.routes[4]: everybody may DELETE here, in staging\n    ask for a scope, or for token" {
		t.Error(got)
	}
	silent := strings.Replace(notesAPI, "security:\n  - login: [notes:read]\n", "", 1)
	if got := Lint(c.WithDocument("notes", readAPI(t, silent)), "notes").Error(); !strings.Contains(got, "says nothing of security; the route asks for notes:read") {
		t.Error(got)
	}
	e := c.WithDocument("notes", readAPI(t, notesAPI)).Environments[0]
	if c.Environments[0].APIs[0].Document != nil {
		t.Error("WithDocument changes the receiver")
	}
	if ops := e.OperationsOf(e.APIs[0])[2]; len(ops) != 1 || ops[0].Template != "/notes/{note-id}/files/{name}.txt" {
		t.Errorf("%+v", ops)
	}
}

// patched applies a unified diff as strictly as can be: every line number and every
// count has to be right.
func patched(t *testing.T, old, diff string) string {
	t.Helper()
	from, to := strings.SplitAfter(old, "\n"), ""
	at, made := 0, 0
	lines := strings.SplitAfter(diff, "\n")[2:]
	for len(lines) > 0 && lines[0] != "" {
		var start, n, newStart, newN int
		if _, err := fmt.Sscanf(lines[0], "@@ -%d,%d +%d,%d @@", &start, &n, &newStart, &newN); err != nil {
			t.Fatal(lines[0], err)
		}
		for ; at < start-1; at, made = at+1, made+1 {
			to += from[at]
		}
		if made != newStart-1 {
			t.Errorf("%s begins at line %d", lines[0], made+1)
		}
		lines = lines[1:]
		for ; newN > 0; lines = lines[1:] {
			if text := lines[0][1:]; lines[0][0] == ' ' {
				if from[at] != text {
					t.Errorf("line %d is %q and not %q", at+1, from[at], text)
				}
				at, n = at+1, n-1
			}
			to, made, newN = to+lines[0][1:], made+1, newN-1
		}
		if n != 0 {
			t.Errorf("a hunk has %d lines too few", n)
		}
	}
	return to + strings.Join(from[at:], "")
}

func TestDiffOfSeveralParts(t *testing.T) {
	t.Parallel()
	file := strings.Replace(notesFile, "    scopes:\n      notes:read:\n        description: Read # nothing more\n", "    issuers: []\n    token:\n      # a\n      # b\n      # c\n      # d\n      lifetime: 1h\n", 1)
	file = strings.Replace(file, "- GET /notes: read\n", "- GET /notes: token\n"+strings.Repeat("      # more\n", 9), 1)
	p, err := proposal(t, file, notesAPI, ProposeOptions{API: "notes"})
	if err != nil {
		t.Fatal(err)
	}
	diff := p.Diff()
	if n := strings.Count(diff, "\n@@ "); n != 3 {
		t.Errorf("%d hunks\n%s", n, diff)
	}
	if made := patched(t, file, diff); made != string(p.New) {
		t.Error(cmp.Diff(string(p.New), made))
	}
	// New scopes stand above the comment that is of the routes.
	if !strings.Contains(string(p.New), "        write: true\n    # what is guarded\n    routes:\n") {
		t.Error(string(p.New))
	}
}
