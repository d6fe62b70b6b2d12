package admin

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/keys"
)

// object is a JSON object that is written down here.
type object map[string]any

// describe is this API in OpenAPI 3.1, made of the route table and of the types
// that the routes read and write, so that it says what they do.
func describe(c *call) (object, error) { return openAPI(c.api.routes), nil }

func openAPI(routes []route) object {
	schemas, paths := object{}, object{}
	problem := object{"description": "It was not done.", "content": object{
		"application/problem+json": object{"schema": schema(reflect.TypeFor[Problem](), schemas)},
	}}
	for _, r := range routes {
		at, ok := paths[r.path].(object)
		if !ok {
			at = object{}
			paths[r.path] = at
		}
		answer := object{"description": "It was done.", "content": object{
			"application/json": object{"schema": schema(r.response, schemas)},
		}}
		if r.status == 201 {
			answer["headers"] = object{"Location": object{"description": "The path of what was made.", "schema": object{"type": "string"}}}
		}
		operation := object{
			"operationId": r.name, "summary": r.summary, "description": "Needs the permission " + strings.Join(r.permissions(), " or ") + ".",
			"parameters": parameters(&r), "security": security(&r),
			"responses": object{strconv.Itoa(r.status): answer, "default": problem},
		}
		if r.request != nil {
			operation["requestBody"] = object{"required": true, "content": object{
				"application/json": object{"schema": schema(r.request, schemas)},
			}}
		}
		at[strings.ToLower(r.method)] = operation
	}
	return object{
		"openapi": "3.1.0",
		"info": object{
			"title": "Grantway administration", "version": "1",
			"description": "Clients, their secrets, people's accounts, API tokens, signing keys, denials, and what happened, environment by environment. Errors are problem details (RFC 9457). Bodies of requests are JSON of at most 1 MiB, in which unknown and repeated members are refused.",
		},
		"paths": paths,
		"components": object{
			"schemas":         schemas,
			"securitySchemes": object{"token": object{"type": "http", "scheme": "bearer", "description": "An access token with the permission that the operation names."}},
		},
	}
}

// about says what each parameter is.
var about = map[string]struct {
	text   string
	schema object
}{
	"environment": {"The environment's name.", object{"type": "string"}},
	"client":      {"The client's id.", object{"type": "string", "maxLength": 128}},
	"secret":      {"The secret's id.", object{"type": "string"}},
	"key":         {"The key's id, the kid.", object{"type": "string"}},
	"account":     {"The account's id.", object{"type": "string"}},
	"name":        {"Only the account of this name or verified e-mail address.", object{"type": "string"}},
	"token":       {"The API token's id.", object{"type": "string"}},
	"since":       {"From the hour of this time on; absent: the last 24 hours.", object{"type": "string"}},
	"until":       {"Until before this time; absent: until now.", object{"type": "string"}},
	"step":        {"What is added up: hour (the default) or day, in UTC.", object{"type": "string", "enum": []string{"hour", "day"}}},
	"by":          {"What is kept apart, joined by commas: client, secret, api. Absent: all are added up.", object{"type": "string"}},
	"api":         {"Only what is about this API.", object{"type": "string"}},
	"trace":       {"Only what was answered with this X-Request-Id.", object{"type": "string"}},
	"purpose":     {"What the keys sign: access tokens, ID tokens (where people sign in), or the feed of revocations.", object{"type": "string", "enum": purposes, "default": keys.AccessToken}},
	"limit":       {"Entries of the page.", object{"type": "integer", "minimum": 1, "maximum": MaxPage, "default": defaultPage}},
	"after":       {"next of the page before; absent: the first page.", object{"type": "string"}},
}

// security names the permissions of which one is needed.
func security(r *route) (one []object) {
	for _, permission := range r.permissions() {
		one = append(one, object{"token": []string{permission}})
	}
	return one
}

func parameters(r *route) []object {
	found := []object{}
	for segment := range strings.SplitSeq(r.path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			name = strings.TrimSuffix(name, "}")
			found = append(found, object{"name": name, "in": "path", "required": true, "description": about[name].text, "schema": about[name].schema})
		}
	}
	for _, name := range r.query {
		found = append(found, object{"name": name, "in": "query", "description": about[name].text, "schema": about[name].schema})
	}
	return found
}

// schema is the JSON Schema of a type; structures go into schemas under their
// names.
func schema(t reflect.Type, schemas object) object {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[object](), t == reflect.TypeFor[json.RawMessage]():
		return object{"type": "object"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schema(t.Elem(), schemas)
	case reflect.Slice:
		return object{"type": "array", "items": schema(t.Elem(), schemas)}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer"}
	case reflect.Struct:
		if _, known := schemas[t.Name()]; !known {
			schemas[t.Name()] = object{} // it may hold itself
			schemas[t.Name()] = structure(t, schemas)
		}
		return object{"$ref": "#/components/schemas/" + t.Name()}
	default:
		return object{"type": "string"}
	}
}

func structure(t reflect.Type, schemas object) object {
	members, required := object{}, []string{}
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			continue
		}
		member := object{}
		for k, v := range schema(f.Type, schemas) {
			member[k] = v
		}
		member["description"] = f.Tag.Get("doc")
		members[name] = member
		if !strings.Contains(options, "omit") {
			required = append(required, name)
		}
	}
	return object{"type": "object", "properties": members, "required": required, "additionalProperties": false}
}
