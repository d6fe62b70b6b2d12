package admin

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
)

// The description is what the routes do: every operation in it is walked, and its
// answer is held to the schema that it names.
func TestOpenAPISaysWhatTheRoutesDo(t *testing.T) {
	f := open(t)
	var described struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string
			Summary     string
			Security    []map[string][]string
			Parameters  []struct{ Name, In, Description string }
			RequestBody *struct{ Required bool }
			Responses   map[string]struct {
				Content map[string]struct{ Schema, ItemSchema json.RawMessage }
			}
		}
		Components struct{ Schemas json.RawMessage }
	}
	body := f.does(t, 200, "GET", Prefix+"/openapi.json", "").Body.Bytes()
	if err := json.Unmarshal(body, &described); err != nil {
		t.Fatal(err)
	}
	operations := 0
	for _, methods := range described.Paths {
		operations += len(methods)
	}
	if described.OpenAPI != "3.1.0" || operations != len(table()) {
		t.Errorf("OpenAPI %s with %d operations, and there are %d routes", described.OpenAPI, operations, len(table()))
	}
	conforms := func(reference json.RawMessage, text []byte) error {
		whole := strings.TrimSuffix(string(reference), "}") + `,"$defs":` + string(described.Components.Schemas) + "}"
		var schema jsonschema.Schema
		if err := json.Unmarshal([]byte(strings.ReplaceAll(whole, "#/components/schemas/", "#/$defs/")), &schema); err != nil {
			return err
		}
		resolved, err := schema.Resolve(nil)
		if err != nil {
			return err
		}
		var value any
		if err := json.Unmarshal(text, &value); err != nil {
			return err
		}
		return resolved.Validate(value)
	}
	f.walk(t, func(r route, path, sent string) {
		o, ok := described.Paths[r.path][strings.ToLower(r.method)]
		if !ok {
			t.Fatalf("%s is not described", r.name)
		}
		if o.OperationID != r.name || o.Summary == "" || len(o.Security) != len(r.permissions()) || o.Security[0]["token"][0] != r.permissions()[0] || (o.RequestBody != nil) != (sent != "") {
			t.Errorf("%s is described as %+v", r.name, o)
		}
		for _, p := range o.Parameters {
			if p.Description == "" || p.In == "path" != strings.Contains(r.path, "{"+p.Name+"}") {
				t.Errorf("%s: parameter %+v", r.name, p)
			}
		}
		w := f.ask(writer, r.method, path, sent)
		if r.name == "exportClients" { // lines
			if err := conforms(o.Responses["200"].Content["application/jsonl"].ItemSchema, []byte(strings.Split(w.Body.String(), "\n")[0])); err != nil {
				t.Errorf("%s answers what it does not describe: %v", r.name, err)
			}
		} else if err := conforms(o.Responses[strconv.Itoa(w.Code)].Content["application/json"].Schema, w.Body.Bytes()); err != nil {
			t.Errorf("%s answers what it does not describe: %v", r.name, err)
		}
		w = f.ask(nobody, r.method, path, sent)
		if err := conforms(o.Responses["default"].Content["application/problem+json"].Schema, w.Body.Bytes()); err != nil {
			t.Errorf("%s refuses as it does not describe: %v", r.name, err)
		}
	})
}

// Every member is described, so that the document can be read by people.
func TestOpenAPIDescribesEveryMember(t *testing.T) {
	schemas := openAPI(table())["components"].(object)["schemas"].(object)
	for name, s := range schemas {
		for member, m := range s.(object)["properties"].(object) {
			if m.(object)["description"] == "" {
				t.Errorf("%s.%s is not described", name, member)
			}
		}
	}
	if len(schemas) < 10 {
		t.Errorf("only %d schemas", len(schemas))
	}
}
