package catalogue

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A ValueSchema is what a value looks like. What it does not say is left out: the
// document says more.
type ValueSchema struct {
	Ref         string // the name of one of OpenAPI.Schemas, which says all the rest; empty: this one does
	Type        string // string, number, integer, boolean, array, object or "string or null"; empty: not said
	Format      string
	Description string
	Enum        []string     // as JSON
	Default     string       // as JSON
	Example     string       // as JSON
	Items       *ValueSchema // of an array
	Properties  []Property
	How         string // of Parts: allOf, oneOf or anyOf
	Parts       []*ValueSchema
}

// A Property is a member of an object.
type Property struct {
	Name     string
	Required bool
	Schema   *ValueSchema
}

const (
	schemasAt     = "#/components/schemas/"
	maxParameters = 200 // of one operation
	longSample    = 8 << 10
)

// schemas reads the schemas that have a name.
func (r *openAPIReader) schemas() {
	all := r.root.get("components").get("schemas")
	if all == nil || !r.object(all, "components.schemas", nil) {
		return
	}
	for _, m := range all.members {
		r.doc.Schemas[m.key] = r.schema(m.value, join("components.schemas", m.key), 0)
	}
}

// schema reads one schema; those that it refers to by name are not read again.
func (r *openAPIReader) schema(e *element, path string, depth int) *ValueSchema {
	if e == nil || e.kind != anObject || depth > maxNesting/2 {
		return nil
	}
	if ref := e.get("$ref"); ref != nil && ref.kind == aText {
		name, named := strings.CutPrefix(ref.text, schemasAt)
		name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		if named && r.root.get("components").get("schemas").get(name) != nil {
			return &ValueSchema{Ref: name, Description: e.says("description")}
		}
		followed := r.follow(e, path)
		if followed == nil || followed == e {
			return nil
		}
		return r.schema(followed, path, depth+1)
	}
	s := &ValueSchema{
		Type: e.says("type"), Format: e.says("format"), Description: e.says("description"),
		Default: r.shown(e.get("default")), Example: r.shown(firstOf(e)),
	}
	if types := e.get("type").texts(); len(types) > 0 {
		s.Type = strings.Join(types, " or ") // JSON Schema 2020-12, in 3.1
	}
	if e.isTrue("nullable") {
		s.Type += " or null"
	}
	if enum := e.get("enum"); enum != nil {
		for _, item := range enum.items {
			s.Enum = append(s.Enum, r.shown(item))
		}
	}
	if fixed := e.get("const"); fixed != nil {
		s.Enum = []string{r.shown(fixed)}
	}
	s.Items = r.schema(e.get("items"), join(path, "items"), depth+1)
	required := map[string]bool{}
	for _, name := range e.get("required").texts() {
		required[name] = true
	}
	if properties := e.get("properties"); properties != nil {
		for _, m := range properties.members {
			if p := r.schema(m.value, join(join(path, "properties"), m.key), depth+1); p != nil {
				s.Properties = append(s.Properties, Property{m.key, required[m.key], p})
			}
		}
	}
	for _, how := range []string{"allOf", "oneOf", "anyOf"} {
		parts := e.get(how)
		if parts == nil || s.How != "" {
			continue
		}
		s.How = how
		for i, part := range parts.items {
			if p := r.schema(part, index(join(path, how), i), depth+1); p != nil {
				s.Parts = append(s.Parts, p)
			}
		}
	}
	return s
}

// firstOf is the example of an element, or the first of its examples.
func firstOf(e *element) *element {
	if one := e.get("example"); one != nil {
		return one
	}
	several := e.get("examples")
	if several == nil {
		return nil
	}
	if len(several.items) > 0 {
		return several.items[0] // of a schema, in 3.1
	}
	return nil
}

// shown is the element as JSON, while the document's examples are not too many.
func (r *openAPIReader) shown(e *element) string {
	if e == nil {
		return ""
	}
	return r.within(e.show)
}

// within makes an example as long as all together are not longer than documentation
// can be.
func (r *openAPIReader) within(example func() string) string {
	const most = 8 << 20 // bytes
	if r.examples > most {
		return ""
	}
	text := example()
	r.examples += len(text)
	return text
}

// describe reads what an operation takes and answers.
func (r *openAPIReader) describe(op *Operation, item, e *element, path string) {
	for _, from := range []*element{e, item} { // the operation's own come before its path's
		list := from.get("parameters")
		if list == nil {
			continue
		}
		for i, p := range list.items {
			at := index(join(path, "parameters"), i)
			if p = r.follow(p, at); p == nil {
				continue
			}
			read := Parameter{
				Name: p.says("name"), In: p.says("in"), Description: p.says("description"), Required: p.isTrue("required"),
				Deprecated: p.isTrue("deprecated"), Schema: r.schema(p.get("schema"), join(at, "schema"), 0), Example: r.shown(r.example(p, at)),
			}
			known := slices.ContainsFunc(op.Parameters, func(q Parameter) bool { return q.Name == read.Name && q.In == read.In })
			if len(op.Parameters) == maxParameters {
				r.note(p, at, fmt.Sprintf("is one of more than %d parameters: it is left out", maxParameters), "")
				break
			}
			if read.Name == "" || !slices.Contains([]string{"path", "query", "header", "cookie"}, read.In) {
				r.note(p, at, "has no name, or is in a place that is not known: it is left out", "")
			} else if !known {
				op.Parameters = append(op.Parameters, read)
			}
		}
	}
	if body := r.follow(e.get("requestBody"), join(path, "requestBody")); body != nil {
		op.Request = &Body{
			Description: body.says("description"), Required: body.isTrue("required"),
			Content: r.content(body.get("content"), join(join(path, "requestBody"), "content")),
		}
	}
	responses := e.get("responses")
	if responses == nil {
		return
	}
	for _, m := range responses.members {
		at := join(join(path, "responses"), m.key)
		if strings.HasPrefix(m.key, "x-") {
			continue
		}
		if answer := r.follow(m.value, at); answer != nil {
			op.Responses = append(op.Responses, Response{Status: m.key, Description: answer.says("description"), Content: r.content(answer.get("content"), join(at, "content"))})
		}
	}
}

// example is the one that a parameter or a content states.
func (r *openAPIReader) example(e *element, path string) *element {
	if one := firstOf(e); one != nil {
		return one
	}
	if several := e.get("examples"); several != nil && len(several.members) > 0 {
		return r.follow(several.members[0].value, join(path, "examples")).get("value")
	}
	return nil
}

func (r *openAPIReader) content(e *element, path string) []Content {
	if e == nil {
		return nil
	}
	var all []Content
	for _, m := range e.members {
		at := join(path, m.key)
		c := Content{Type: m.key, Schema: r.schema(m.value.get("schema"), join(at, "schema"), 0)}
		stated := r.example(m.value, at)
		switch {
		case stated != nil && stated.kind == aText && !strings.Contains(m.key, "json"):
			c.Example = stated.text
		case stated != nil:
			c.Example = r.shown(stated)
		case strings.Contains(m.key, "json"):
			c.Example = r.within(func() string { return r.doc.sample(c.Schema) })
		}
		all = append(all, c)
	}
	return all
}

// sample makes an example of a schema, empty where it cannot.
func (o *OpenAPI) sample(s *ValueSchema) string {
	if s == nil {
		return ""
	}
	left := 200
	var b bytes.Buffer
	o.sampled(&b, s, 0, &left)
	var shown bytes.Buffer
	if left <= 0 || json.Indent(&shown, b.Bytes(), "", "  ") != nil {
		return ""
	}
	return shown.String()
}

func (o *OpenAPI) sampled(b *bytes.Buffer, s *ValueSchema, depth int, left *int) {
	*left--
	if s != nil && s.Ref != "" {
		s = o.Schemas[s.Ref]
	}
	if b.Len() > longSample {
		*left = 0
	}
	if s == nil || depth > 8 || *left <= 0 {
		b.WriteString("null")
		return
	}
	kind, _, _ := strings.Cut(s.Type, " or ")
	switch {
	case s.Example != "":
		b.WriteString(s.Example)
	case s.Default != "":
		b.WriteString(s.Default)
	case len(s.Enum) > 0 && s.Enum[0] != "":
		b.WriteString(s.Enum[0])
	case len(s.Properties) > 0 || s.How == "allOf":
		b.WriteByte('{')
		o.sampledMembers(b, s, depth, left, map[string]bool{})
		b.WriteByte('}')
	case len(s.Parts) > 0:
		o.sampled(b, s.Parts[0], depth+1, left)
	case kind == "array" || s.Items != nil:
		b.WriteByte('[')
		if s.Items != nil {
			o.sampled(b, s.Items, depth+1, left)
		}
		b.WriteByte(']')
	case kind == "object":
		b.WriteString("{}")
	case kind == "integer" || kind == "number":
		b.WriteString("1")
	case kind == "boolean":
		b.WriteString("true")
	case kind == "null":
		b.WriteString("null")
	default:
		b.WriteString(jsonString(formats[s.Format]))
	}
}

// formats are texts that fit a format of JSON Schema; others are empty.
var formats = map[string]string{
	"date": "2026-01-31", "date-time": "2026-01-31T12:00:00Z", "email": "anna@example.org", "uri": "https://example.org/",
	"uuid": "0b8f6f2e-6f0c-4b7e-9a55-2f1f5f0f9d10", "": "text",
}

func (o *OpenAPI) sampledMembers(b *bytes.Buffer, s *ValueSchema, depth int, left *int, written map[string]bool) {
	if *left--; s.Ref != "" {
		s = o.Schemas[s.Ref]
	}
	if s == nil || depth > 8 || *left <= 0 {
		return
	}
	for _, p := range s.Properties {
		if written[p.Name] {
			continue
		}
		if len(written) > 0 {
			b.WriteByte(',')
		}
		written[p.Name] = true
		b.WriteString(jsonString(p.Name) + ":")
		o.sampled(b, p.Schema, depth+1, left)
	}
	if s.How == "allOf" {
		for _, part := range s.Parts {
			o.sampledMembers(b, part, depth+1, left, written)
		}
	}
}
