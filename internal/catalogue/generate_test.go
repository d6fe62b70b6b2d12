package catalogue

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/jsonschema-go/jsonschema"

	"github.com/grantway/grantway/internal/installed"
)

// What is generated from the files of sources. "go generate ./internal/catalogue" runs
// "go test -run TestGenerated -update .", which writes the two files; without
// -update the test compares them.
const (
	schemaFile    = "grantway.schema.json"
	referenceFile = "../../docs/reference/grantway.yaml.md"
)

// sources are the files that hold what people write.
var sources = []string{"file.go", "fileenvironment.go", "fileaudit.go"}

func TestGenerated(t *testing.T) {
	doc := comments(t)
	root := doc.schema(reflect.TypeFor[File](), field{})
	root.Schema = "http://json-schema.org/draft-07/schema#"
	root.Title = "grantway.yaml"
	schema, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	page.WriteString("<!-- Generated from internal/catalogue/file*.go by go generate ./internal/catalogue. -->\n\n# grantway.yaml\n")
	doc.reference(&page, reflect.TypeFor[File](), "")
	const how = "run go generate ./internal/catalogue"
	installed.Generated(t, schemaFile, string(schema)+"\n", how)
	installed.Generated(t, referenceFile, page.String(), how)
}

// texts are the comments of sources: of a type under its name, of a field under
// the type's name, a dot and its own.
type texts map[string]string

func comments(t *testing.T) texts {
	t.Helper()
	var decls []ast.Decl
	for _, name := range sources {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		decls = append(decls, file.Decls...)
	}
	doc := texts{}
	for _, d := range decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.TYPE {
			continue
		}
		spec := decl.Specs[0].(*ast.TypeSpec)
		doc[spec.Name.Name] = decl.Doc.Text()
		for _, f := range spec.Type.(*ast.StructType).Fields.List {
			for _, name := range f.Names {
				doc[spec.Name.Name+"."+name.Name] = strings.Join(strings.Fields(f.Doc.Text()), " ")
			}
		}
	}
	return doc
}

// schema describes a type as f wants it.
func (doc texts) schema(t reflect.Type, f field) *jsonschema.Schema {
	text := func() *jsonschema.Schema {
		s := &jsonschema.Schema{Type: "string"}
		for _, word := range f.oneof {
			s.Enum = append(s.Enum, word)
		}
		return s
	}
	switch reflect.New(t).Interface().(type) {
	case *string, *Expanded:
		return text()
	case *bool:
		return &jsonschema.Schema{Type: "boolean"}
	case *int:
		return &jsonschema.Schema{Type: "integer", Minimum: new(float64(f.least)), Maximum: new(float64(f.most))}
	case *Duration:
		return &jsonschema.Schema{Type: "string", Pattern: "^([0-9]+h)?([0-9]+m)?([0-9]+s)?$", MinLength: new(2)}
	case *Size:
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
			{Type: "integer", Minimum: new(float64(f.least)), Maximum: new(float64(f.most))},
			{Type: "string", Pattern: "^[0-9]+ ?(MiB|KiB|B)?$"},
		}}
	case *Date:
		return &jsonschema.Schema{Type: "string", Pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
	case *[]IssuerEntry:
		return &jsonschema.Schema{Type: "array", Items: doc.object(t.Elem())}
	case *Rate:
		return &jsonschema.Schema{Type: "string", Pattern: "^[1-9][0-9]*/(s|min|h)$"}
	case *Reference:
		return &jsonschema.Schema{Type: "string", Pattern: "^" + variable.String() + "$"}
	case *List, *Rule:
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{text(), {Type: "array", Items: text()}}}
	case *Texts, *Each:
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{text(), {Type: "object", AdditionalProperties: text()}}}
	case *RouteEntry:
		return &jsonschema.Schema{
			Type: "object", Description: doc[t.Name()], MinProperties: new(1), MaxProperties: new(1),
			PropertyNames: &jsonschema.Schema{Pattern: "^[A-Z]+([|,][A-Z]+)* /"},
			AdditionalProperties: &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
				doc.schema(reflect.TypeFor[Rule](), field{}), doc.object(reflect.TypeFor[RuleEntry]()),
			}},
		}
	}
	if t.Kind() == reflect.Struct {
		return doc.object(t)
	}
	if t.Elem() == reflect.TypeFor[RouteEntry]() {
		return &jsonschema.Schema{Type: "array", Items: doc.schema(t.Elem(), field{}), MinItems: new(1)}
	}
	named := &jsonschema.Schema{Type: "object", AdditionalProperties: doc.schema(t.Elem().Field(1).Type, field{})}
	if f.key == "environments" || f.key == "apis" {
		named.PropertyNames = &jsonschema.Schema{Pattern: "^[a-z][a-z0-9-]{0,30}$"}
	}
	return named
}

func (doc texts) object(t reflect.Type) *jsonschema.Schema {
	s := &jsonschema.Schema{
		Type: "object", Properties: map[string]*jsonschema.Schema{}, AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
	}
	for _, f := range fieldsOf(t) {
		p := doc.schema(t.Field(f.index).Type, f)
		p.Description = doc[t.Name()+"."+f.name]
		if f.preset != "" {
			p.Default = json.RawMessage(literal(t.Field(f.index).Type, f.preset))
		}
		s.Properties[f.key] = p
		s.PropertyOrder = append(s.PropertyOrder, f.key)
		if f.required {
			s.Required = append(s.Required, f.key)
		}
	}
	return s
}

// literal writes a default as JSON.
func literal(t reflect.Type, preset string) string {
	if t.Kind() == reflect.Bool || t.Kind() == reflect.Int {
		return preset
	}
	return strconv.Quote(preset)
}

// reference prints a type, found at a path of the file, and the types below it.
func (doc texts) reference(page *bytes.Buffer, t reflect.Type, path string) {
	heading, text := "`"+path+"`", doc[t.Name()]
	if path == "" {
		heading, text = "The file", strings.Replace(text, t.Name(), "The file", 1)
	}
	text = strings.Replace(text, t.Name()+" ", "It ", 1)
	fmt.Fprintf(page, "\n## %s\n\n%s", heading, text)
	fields := fieldsOf(t)
	if len(fields) == 0 {
		return
	}
	page.WriteString("\n| key | value | default | meaning |\n|---|---|---|---|\n")
	for _, f := range fields {
		preset := "–"
		if f.required {
			preset = "required"
		} else if f.preset != "" {
			preset = "`" + f.preset + "`"
		}
		meaning := strings.ReplaceAll(doc[t.Name()+"."+f.name], "|", `\|`)
		fmt.Fprintf(page, "| `%s` | %s | %s | %s |\n", f.key, value(t.Field(f.index).Type, f), preset, meaning)
	}
	for _, f := range fields {
		at := strings.TrimPrefix(path+"."+f.key, ".")
		switch inner := t.Field(f.index).Type; {
		case inner == reflect.TypeFor[[]RouteEntry]():
			doc.reference(page, inner.Elem(), at+"[]")
			doc.reference(page, reflect.TypeFor[RuleEntry](), at+"[].REQUEST")
		case inner == reflect.TypeFor[[]IssuerEntry]():
			doc.reference(page, inner.Elem(), at+"[]")
		case strings.HasPrefix(inner.Name(), "Named["):
			doc.reference(page, inner.Elem().Field(1).Type, at+".NAME")
		case strings.HasSuffix(inner.Name(), "Entry"):
			doc.reference(page, inner, at)
		}
	}
}

// value says in a word or two what a key holds.
func value(t reflect.Type, f field) string {
	words := ""
	switch reflect.New(t).Interface().(type) {
	case *string:
		words = "text"
	case *bool:
		words = "true or false"
	case *int:
		words = fmt.Sprintf("number from %d to %d", f.least, f.most)
	case *Duration:
		words = "time span"
		if f.most != 0 {
			words = fmt.Sprintf("time span from %v to %v", Duration(f.least), Duration(f.most))
		}
	case *Size:
		words = fmt.Sprintf("size from %v to %v", Size(f.least), Size(f.most))
	case *Date:
		words = "day"
	case *Rate:
		words = "number and time"
	case *Expanded:
		words = "text with ${NAME}"
	case *Reference:
		words = "${NAME}"
	case *List, *Rule:
		words = "text or list"
	case *Texts:
		return "a text, or one for each language"
	case *Each:
		words = "text, or map of environments"
	default:
		words = "map"
		if t.Kind() == reflect.Slice && !strings.HasPrefix(t.Name(), "Named[") {
			words = "list"
		}
	}
	if len(f.oneof) > 0 {
		words = "`" + strings.Join(f.oneof, "`, `") + "`"
	}
	return words
}

// Every default must be readable, and within the field's own limits.
func TestDefaults(t *testing.T) {
	for _, part := range []reflect.Type{
		reflect.TypeFor[File](), reflect.TypeFor[EnvironmentEntry](), reflect.TypeFor[APIEntry](), reflect.TypeFor[TokenEntry](),
		reflect.TypeFor[ScopeEntry](), reflect.TypeFor[IssuerEntry](), reflect.TypeFor[RuleEntry](), reflect.TypeFor[ClientEntry](), reflect.TypeFor[ListenEntry](), reflect.TypeFor[TLSEntry](), reflect.TypeFor[LimitsEntry](),
	} {
		for _, f := range fieldsOf(part) {
			v := reflect.New(part).Elem().Field(f.index)
			setText(v, f.preset)
			if f.preset != "" && f.preset != "false" && v.IsZero() {
				t.Errorf("%s.%s: the default %q is not read", part.Name(), f.name, f.preset)
			}
			if f.most != 0 && f.preset != "" && (v.Int() < f.least || v.Int() > f.most) {
				t.Errorf("%s.%s: the default %q is outside its limits", part.Name(), f.name, f.preset)
			}
			if len(f.oneof) > 0 && f.preset != "" && !slices.Contains(f.oneof, f.preset) {
				t.Errorf("%s.%s: the default %q is not a known word", part.Name(), f.name, f.preset)
			}
		}
	}
}

// The schema must accept what Parse accepts, and refuse what is plainly wrong.
func TestSchema(t *testing.T) {
	var schema jsonschema.Schema
	if err := json.Unmarshal(Schema, &schema); err != nil {
		t.Fatal(err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	validate := func(data []byte) error {
		var v any
		text, err := yaml.YAMLToJSON(data)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		return resolved.Validate(v)
	}
	for path, data := range examples(t) {
		if err := validate(data); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := validate([]byte(sample)); err != nil {
		t.Error(err)
	}
	for _, replace := range [][2]string{
		{"name: Sample", "nmae: Sample"},
		{"dialect: rfc", "dialect: auth1"},
		{"lifetime: 1h", "lifetime: 3600"},
		{"- GET /notes: read", "- GET notes: read"},
		{"secret: ${BATCH_SECRET}", "secret: hunter2"},
		{"connections: 500", "connections: 0"},
		{"  staging:\n    title", "  Staging:\n    title"},
	} {
		broken := strings.Replace(sample, replace[0], replace[1], 1)
		if broken == sample || validate([]byte(broken)) == nil {
			t.Errorf("the schema accepts %q", replace[1])
		}
	}
}
