package admin

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/installed"
)

// TestReference: docs/reference/admin-api.md is what the routes and types say.
// With -update it is written.
func TestReference(t *testing.T) {
	var page bytes.Buffer
	page.WriteString("<!-- Generated from internal/admin by make generate. -->\n\n# The admin API\n\n" +
		"Below `home.issuer`, with a token of home; on the server's own machine over the socket in the data folder, as the\n" +
		"command line does. The API describes itself in OpenAPI 3.1 at `" + Prefix + "/openapi.json`.\n\n" +
		"| request | does | permission | reads | answers |\n|---|---|---|---|---|\n")
	types := object{}
	for _, r := range table() {
		var reads []string
		if r.request != nil {
			reads = append(reads, link(schema(r.request, types)))
		}
		for _, name := range r.query {
			reads = append(reads, "`"+name+"`")
		}
		may := "`" + strings.Join(r.permissions(), "` or `") + "`"
		if len(r.permissions()) > 2 {
			may = "any that ends in `:read`"
		}
		fmt.Fprintf(&page, "| `%s %s` | %s | %s | %s | %s |\n", r.method, strings.TrimPrefix(r.path, Prefix), r.summary,
			may, strings.Join(reads, " "), link(schema(r.response, types)))
	}
	page.WriteString("\n## Types\n")
	for _, name := range slices.Sorted(maps.Keys(types)) {
		fmt.Fprintf(&page, "\n### %s\n\n", name)
		members, _ := types[name].(object)["properties"].(object)
		if len(members) == 0 {
			page.WriteString("A list, or an object of any members.\n")
			continue
		}
		page.WriteString("| member | type | |\n|---|---|---|\n")
		for _, member := range slices.Sorted(maps.Keys(members)) {
			m := members[member].(object)
			said, _ := m["description"].(string)
			fmt.Fprintf(&page, "| `%s` | %s | %s |\n", member, link(m), strings.ReplaceAll(said, "|", "\\|"))
		}
	}
	installed.Generated(t, "../../docs/reference/admin-api.md", page.String(), "run make generate")
}

// link names a schema, and where it is described.
func link(s object) string {
	if ref, ok := s["$ref"].(string); ok {
		name := ref[strings.LastIndex(ref, "/")+1:]
		return "[" + name + "](#" + strings.ToLower(name) + ")"
	}
	if items, ok := s["items"].(object); ok {
		return "list of " + link(items)
	}
	if kind, ok := s["type"].(string); ok {
		if format, ok := s["format"].(string); ok {
			return kind + " (" + format + ")"
		}
		return kind
	}
	return "any"
}
