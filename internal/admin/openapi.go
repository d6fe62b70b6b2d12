package admin

import (
	"encoding/json"
	"net/http"
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
func describe(c *call) (object, error) {
	described := openAPI(c.api.routes)
	if c.api.Under != "" {
		described["servers"] = []object{{"url": c.api.Under}}
	}
	return described, nil
}

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
		answer := object{"description": "It was done.", "content": content(r.response, schemas)}
		headers := object{}
		if r.status == 201 {
			headers["Location"] = object{"description": "The path of what was made.", "schema": object{"type": "string"}}
		}
		if resources[r.path] != nil && r.method == http.MethodGet {
			headers["ETag"] = object{"description": "For If-Match, to change it only as it was seen.", "schema": object{"type": "string"}}
		}
		if len(headers) > 0 {
			answer["headers"] = headers
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
			"description": "Partners and what they ask for, clients, their secrets, people's accounts, API tokens, signing keys, denials, what happened and what was changed, environment by environment. Errors are problem details (RFC 9457). Bodies of requests are JSON of at most 1 MiB, in which unknown and repeated members are refused. A request that changes something and carries an Idempotency-Key is done once: the same request again gets the same answer for 24 hours, without the secrets in it.",
		},
		"paths": paths,
		"components": object{
			"schemas":         schemas,
			"securitySchemes": object{"token": object{"type": "http", "scheme": "bearer", "description": "An access token with the permission that the operation names."}},
		},
	}
}

// content is what an answer of a type holds.
func content(t reflect.Type, schemas object) object {
	if t == reflect.TypeFor[lines]() {
		return object{"application/jsonl": object{"itemSchema": schema(reflect.TypeFor[ExportedClient](), schemas)}}
	}
	return object{"application/json": object{"schema": schema(t, schemas)}}
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
	"partner":     {"The partner's id.", object{"type": "string"}},
	"member":      {"Only the partners of which this account is a member.", object{"type": "string"}},
	"request":     {"The request's id.", object{"type": "string"}},
	"open":        {"true: only those that are open.", object{"type": "string", "enum": []string{"true", "false"}}},
	"from":        {"The environment to compare with.", object{"type": "string"}},
	"before":      {"Only the changes before the one of this number.", object{"type": "integer", "minimum": 1}},
	"about":       {"Only the changes of which this is the id, or the client.", object{"type": "string"}},
	"kind":        {"Only the changes whose kind begins with this, as in secret. or secret.revoked.", object{"type": "string"}},
	"actor":       {"Only what this actor changed.", object{"type": "string"}},
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
	if r.method != http.MethodGet {
		found = append(found, object{"name": "Idempotency-Key", "in": "header", "description": "One word of at most 255 characters, a new one for each request: under it the request is done once.", "schema": object{"type": "string", "maxLength": longestKey}})
		if r.resource() != "" {
			found = append(found, object{"name": "If-Match", "in": "header", "description": "The ETag of what you saw: it is done only if that has not changed since, else the answer is 412.", "schema": object{"type": "string"}})
		}
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
	case reflect.Map:
		return object{"type": "object", "additionalProperties": schema(t.Elem(), schemas)}
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
