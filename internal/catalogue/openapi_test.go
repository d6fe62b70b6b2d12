package catalogue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

// notesAPI is a document that is good; rows of tests break one thing of it.
const notesAPI = `openapi: 3.1.0
info:
  title: Notes
  version: "1"
servers:
  - url: https://api.notes.example/{version}
    variables: {version: {default: v1}}
security:
  - login: [notes:read]
paths:
  /notes:
    parameters:
      - $ref: '#/components/parameters/page'
    get:
      operationId: listNotes
      summary: List notes
      tags: [Notes]
      responses:
        '200':
          description: The notes
          content:
            application/json:
              schema: {type: array, items: {$ref: '#/components/schemas/Note'}}
    post:
      summary: Write a note
      tags: [Notes]
      security:
        - login: [notes:write]
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: '#/components/schemas/Note'}
            example: {text: Buy milk, urgent: true}
      responses: {'201': {description: Written}}
  /notes/{note-id}/files/{name}.txt:
    get:
      responses: {default: {description: The file}}
  /health:
    get:
      security: []
      responses: {'200': {description: Up}}
components:
  parameters:
    page: {name: page, in: query, description: Which page, schema: {type: integer, default: 1}}
  schemas:
    Note:
      type: object
      required: [text]
      properties:
        text: {type: string, description: What it says}
        next: {$ref: '#/components/schemas/Note'}
        at: {type: [string, 'null'], format: date-time}
  securitySchemes:
    login:
      type: oauth2
      flows:
        clientCredentials:
          tokenUrl: https://auth.notes.example/oauth2/token
          scopes: {'notes:read': Read notes, 'notes:write': ''}
    key: {type: apiKey, in: header, name: X-Key}
    bearer: {type: http, scheme: bearer}
`

func readAPI(t testing.TB, text string) *OpenAPI {
	t.Helper()
	o, err := ParseOpenAPI("notes.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	o := readAPI(t, notesAPI)
	var got []string
	for _, op := range o.Operations {
		got = append(got, fmt.Sprint(op.at.line, " ", op.Method, " ", op.Route, " ", op.Access, op.AnyOf, " ", len(op.Parameters)))
	}
	if diff := cmp.Diff([]string{
		"15 GET /v1/notes token[[notes:read]] 1", "25 POST /v1/notes token[[notes:write]] 1",
		"38 GET /v1/notes/{note_id}/files/{name_txt} token[[notes:read]] 0", "41 GET /v1/health public[] 0",
	}, got); diff != "" {
		t.Error(diff)
	}
	if len(o.Notes) != 1 || !strings.Contains(o.Notes[0].String(), `notes.yaml:37:5: warning: paths["/notes/{note-id}/files/{name}.txt"]: "{name}.txt" is a part of a segment`) {
		t.Error(o.Notes)
	}
	list, write := o.Operations[0], o.Operations[1]
	if p := list.Parameters[0]; p.Name != "page" || p.In != "query" || p.Schema.Type != "integer" || p.Schema.Default != "1" {
		t.Errorf("%+v", p)
	}
	content := list.Responses[0].Content[0]
	if content.Schema.Items.Ref != "Note" || !strings.Contains(content.Example, `"at": "2026-01-31T12:00:00Z"`) {
		t.Errorf("%+v", content)
	}
	if body := write.Request; !body.Required || body.Content[0].Example != "{\n  \"text\": \"Buy milk\",\n  \"urgent\": true\n}" {
		t.Errorf("%+v", body)
	}
	note := o.Schemas["Note"]
	if p := note.Properties; len(p) != 3 || !p[0].Required || p[1].Required || p[2].Schema.Type != "string or null" {
		t.Errorf("%+v", note)
	}
	if o.Operation("GET", "/v1/notes/{id}/files/{file}") == nil || o.Operation("PUT", "/v1/notes") != nil {
		t.Error("Operation does not find by shape")
	}
}

// The same document says the same as JSON.
func TestOpenAPIOfJSON(t *testing.T) {
	t.Parallel()
	text, err := yaml.YAMLToJSON([]byte(notesAPI))
	if err != nil {
		t.Fatal(err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, text, "", " "); err != nil {
		t.Fatal(err)
	}
	a, b := readAPI(t, notesAPI), readAPI(t, indented.String())
	for i := range b.Operations {
		if b.Operations[i].at.line <= 1 {
			t.Error("an operation has no line")
		}
		a.Operations[i].at, b.Operations[i].at = place{}, place{}
	}
	a.Notes, b.Notes = nil, nil
	if diff := cmp.Diff(a, b, cmp.AllowUnexported(Operation{}, place{})); diff != "" {
		t.Error(diff)
	}
}

func TestOpenAPIIsStrict(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ old, new, says string }{
		{"openapi: 3.1.0", "openapi: 3.2.0", `notes.yaml:1:1: openapi: "3.2.0" is not a version`},
		{"openapi: 3.1.0", `swagger: "2.0"`, "is the version before OpenAPI 3"},
		{"\n    get:\n      operationId", "\n    gett:\n      operationId", `notes.yaml:15:7: paths./notes.gett: is not a key of OpenAPI here`},
		{"      security:\n        - login", "      securtiy:\n        - login", "did you mean security?"},
		{"- login: [notes:write]", "- logim: [notes:write]", `"logim" is not a security scheme of the document`},
		{"- login: [notes:write]", "- login: [all]", `"all" cannot be the name of a scope`},
		{"security: []", "security: {}", "security: is not a list"},
		{"'#/components/parameters/page'", "other.yaml#/page", "is outside the document: nothing is fetched"},
		{"'#/components/parameters/page'", "https://example.org/page.yaml", "nothing is fetched"},
		{"'#/components/parameters/page'", "'#/components/parameters/pagr'", "points to nothing"},
		{"page: {name: page, in: query,", "page: {$ref: '#/components/parameters/page', name: page, in: query,", "is a reference to a reference"},
		{"  /health:", "  /notes/{id}/files/{file}:", "is the same request as"},
		{"  /health:", "  health:", "a path begins with a slash"},
		{"  /health:", "  /a{b/c}:", `"a{b" is not a {name}`},
		{"  /health:", "  /a/../b:", "the path can never match"},
		{"  /health:", "  /notes:", "stands here a second time"},
		{"type: apiKey", "type: apikey", "did you mean apiKey?"},
		{"variables: {version: {default: v1}}", "description: x", "is not a URL"},
		{"info:", "info: &a", "anchors and aliases are not read"},
		{"paths:", "pathz:", "did you mean paths?"},
	} {
		broken := strings.Replace(notesAPI, row.old, row.new, 1)
		_, err := ParseOpenAPI("notes.yaml", []byte(broken))
		var faults Faults
		if broken == notesAPI || !errors.As(err, &faults) || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: says %v, want %q", row.new, err, row.says)
		}
	}
}

func TestOpenAPILimits(t *testing.T) {
	t.Parallel()
	nested := func(n int) string {
		return `{"openapi":"3.0.0","paths":{},"x":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`
	}
	for text, want := range map[string]string{
		nested(maxNesting):                                                   "is not a key of OpenAPI",
		nested(maxNesting + 1):                                               "nests them too deeply",
		`{"openapi":"3.0.0","paths":{}} {}`:                                  "something follows",
		`{"openapi":"3.0.0","openapi":"3.0.0","paths":{}}`:                   "stands here a second time",
		"{\"openapi\":\"3.0.0\",\n\"paths\":\"\xff\"}":                       "notes.yaml:2:10: the line is not UTF-8",
		`{"openapi":"3.0.0"`:                                                 "is not JSON",
		`{"a":"` + strings.Repeat("x", MaxOpenAPI) + `"}`:                    "is larger than 8MiB",
		"a: " + strings.Repeat("x", MaxFile):                                 "is larger than 1 MiB\n    convert the document to JSON, of which 8MiB are read",
		"a: [" + strings.Repeat("1,", maxTokens) + "]":                       "convert the document to JSON",
		`{"x":[` + strings.Repeat("1,", maxElements) + `1]}`:                 "too many values",
		`{"openapi":"3.0.0","paths":{"/a":{"$ref":"#/paths/~1a"}}}`:          "is a reference to a reference",
		`{"openapi":"3.0.0","paths":{"/a":{"get":{"security":[{"a":[]}]}}}}`: `"a" is not a security scheme`,
	} {
		if _, err := ParseOpenAPI("notes.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: says %v, want %s", text, err, want)
		}
	}
}

func TestOpenAPISecurity(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		security string
		access   Access
		anyOf    [][]string
		note     string
	}{
		{"[]", Public, nil, ""},
		{"[{}]", Public, nil, "optional"},
		{"[{login: [a]}, {}]", Public, nil, "optional"},
		{"[{login: [a]}]", Bearer, [][]string{{"a"}}, ""},
		{"[{login: [a, b]}]", Bearer, [][]string{{"a", "b"}}, ""},
		{"[{login: [a]}, {login: [b]}]", Bearer, [][]string{{"a"}, {"b"}}, ""},
		{"[{login: [a, b]}, {login: [c]}]", Bearer, [][]string{{"a", "b"}}, "the first counts alone"},
		{"[{login: []}]", Bearer, nil, ""},
		{"[{bearer: []}]", Bearer, nil, ""},
		{"[{bearer: [a]}]", Bearer, nil, "is a role"},
		{"[{login: [openid, a]}]", Bearer, [][]string{{"a"}}, "of OpenID Connect itself"},
		{"[{key: []}]", Bearer, nil, "counts as any good token"},
		{"[{key: []}, {login: [a]}]", Bearer, [][]string{{"a"}}, "is no OAuth token"},
		{"[{key: [], login: [a]}]", Bearer, [][]string{{"a"}}, "is no OAuth token"},
		{"[{login: [a]}, {bearer: []}]", Bearer, nil, ""},
	} {
		o := readAPI(t, strings.Replace(notesAPI, "security: []", "security: "+row.security, 1))
		op := o.Operation("GET", "/v1/health")
		if op.Access != row.access || !cmp.Equal(op.AnyOf, row.anyOf) || !strings.Contains(o.Notes.Error(), row.note) {
			t.Errorf("%s: %s %v\n%s", row.security, op.Access, op.AnyOf, o.Notes.Error())
		}
	}
	// What says nothing is told apart from what is public.
	without := strings.Replace(notesAPI, "security:\n  - login: [notes:read]\n", "", 1)
	if op := readAPI(t, without).Operation("GET", "/v1/notes"); op.Access != "" {
		t.Errorf("it asks for %q", op.Access)
	}
}

func TestUnder(t *testing.T) {
	t.Parallel()
	o := readAPI(t, notesAPI)
	for base, want := range map[string]string{"https://api.notes.example/v1": "/notes", "https://api.notes.example": "/v1/notes", "https://api.notes.example/v": "/v1/notes"} {
		u, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		if got := o.under(u).Operations[0].Route; got != want {
			t.Errorf("under %s it is %s", base, got)
		}
	}
	if o.Operations[0].Route != "/v1/notes" {
		t.Error("the document was changed")
	}
}

// FuzzOpenAPI: whatever is read makes a proposal that loads or is refused with
// faults, and once it is applied there is nothing to propose.
func FuzzOpenAPI(f *testing.F) {
	f.Add([]byte(notesAPI))
	f.Add([]byte(`{"openapi":"3.0.0","info":{"title":"A"},"paths":{"/a/{b}":{"get":{}}}}`))
	file, name := filepath.Join(f.TempDir(), "grantway.yaml"), "openapi.yaml"
	f.Fuzz(func(t *testing.T, data []byte) {
		document := filepath.Join(filepath.Dir(file), name)
		o, err := ParseOpenAPI(document, data)
		if err != nil {
			if !errors.As(err, new(Faults)) {
				t.Fatalf("%T", err)
			}
			return
		}
		if err := os.WriteFile(document, data, 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := Propose(file, nil, o, ProposeOptions{Env: noEnv, Upstream: Demo})
		if err != nil {
			return
		}
		again, err := Propose(file, p.New, o, ProposeOptions{Env: noEnv, API: p.API})
		if err != nil {
			t.Fatalf("%v\n%s", err, p.New)
		}
		if again.Diff() != "" {
			t.Fatalf("%s\nstill\n%s", p.New, again.Diff())
		}
	})
}
