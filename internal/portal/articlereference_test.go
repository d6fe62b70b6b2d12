package portal

import (
	"fmt"
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/catalogue"
)

func TestReferenceSaysWhatTheDocumentSays(t *testing.T) {
	d := documented(t, "quickstart")
	for _, form := range []string{"", ".md"} {
		list := body(t, get(t, d, "/staging/reference"+form))
		for _, want := range []string{"POST /notes", "Add a note", "reference-notes#call-POST/notes"} {
			if !strings.Contains(list, want) {
				t.Errorf("reference%s does not say %q", form, want)
			}
		}
		calls := body(t, get(t, d, "/staging/reference-notes"+form))
		for _, want := range []string{"Add a note", "notes:write", "How many events", "Water the plants", "A token opened this door.", "101", "integer", "The body that is sent", "the answer 201"} {
			if !strings.Contains(calls, want) {
				t.Errorf("reference-notes%s does not say %q", form, want)
			}
		}
	}
	if strings.Contains(body(t, get(t, documented(t, "fitness"), "/staging/reference")), "What it does") {
		t.Error("a column for what no document says")
	}
}

// TestReferenceOfALargeDocument: no page of it is too large, and every operation
// is on one, where the list leads.
func TestReferenceOfALargeDocument(t *testing.T) {
	const many = 500
	var config, document strings.Builder
	config.WriteString("name: Large\nenvironments:\n  staging: {use: development, issuer: https://auth.large.example, api: https://api.large.example}\n" +
		"apis:\n  large:\n    upstream: demo\n    scopes:\n      read: {description: Read}\n    routes:\n")
	document.WriteString("openapi: 3.0.3\ninfo: {title: Large, version: '1'}\nservers: [{url: 'https://api.large.example'}]\npaths:\n")
	long := strings.Repeat(`a "quoted" & <long> text `, 14)
	for i := range many {
		fmt.Fprintf(&config, "      - GET /things/%d/{id}: read\n", i)
		fmt.Fprintf(&document, "  /things/%d/{id}:\n    get:\n      summary: Read thing %d.\n      description: '%s'\n      parameters: [{name: id, in: path, required: true, schema: {type: string}}]\n"+
			"      responses: {'200': {description: '%s', content: {application/json: {example: {a: '%s'}}}}}\n", i, i, long, long, long)
	}
	c, err := catalogue.Parse("large.yaml", []byte(config.String()), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	o, err := catalogue.ParseOpenAPI("openapi.yaml", []byte(document.String()))
	if err != nil {
		t.Fatal(err)
	}
	c = c.ForDev(testOrigin, t.TempDir()).WithDocument("large", o)
	d := &Docs{URL: c.Portal.URL, Name: c.Name, Environments: c.Environments}
	ids, links, todo, seen := map[string]bool{}, map[string]bool{}, "reference", 0
	for todo != "next" && seen < 200 {
		text := body(t, get(t, d, "/staging/"+todo))
		if seen++; len(text) > 100<<10 {
			t.Errorf("%s is %d bytes", todo, len(text))
		}
		page := read(t, todo, text)
		for _, id := range page.ids {
			if strings.HasPrefix(id, "call-GET") {
				ids["/portal/staging/"+todo+"#"+id] = true
			}
		}
		for _, l := range page.links {
			if strings.Contains(l, "#call-GET") && !strings.HasPrefix(l, "#") {
				links[strings.NewReplacer("%7b", "{", "%7d", "}").Replace(l)] = true
			}
		}
		_, rest, ok := strings.Cut(text, `<a rel="next" href="`)
		if !ok {
			t.Fatalf("%s is the last page", todo)
		}
		todo, _, _ = strings.Cut(rest, `"`)
	}
	for i := range many {
		id := fmt.Sprintf("#call-GET/things/%d/{id}", i)
		found := false
		for at := range ids {
			found = found || strings.HasSuffix(at, id) && links[at]
		}
		if !found {
			t.Fatalf("%s is on no page, or the list does not lead there", id)
		}
	}
	if seen < 4 {
		t.Errorf("%d pages", seen)
	}
}
