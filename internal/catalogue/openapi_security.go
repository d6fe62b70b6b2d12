package catalogue

import (
	"slices"
	"strings"

	"github.com/grantway/grantway/oauth"
)

// A schemeKind is what a security scheme means for a route.
type schemeKind int

const (
	withScopes schemeKind = iota + 1 // oauth2, openIdConnect
	withToken                        // http bearer: any good token
	unlike                           // something that a route does not ask for
)

// schemes reads the security schemes, and the scopes that they declare.
func (r *openAPIReader) schemes() {
	r.scheme = map[string]schemeKind{}
	all := r.root.get("components").get("securitySchemes")
	if all == nil {
		return
	}
	const path = "components.securitySchemes"
	if !r.object(all, path, nil) {
		return
	}
	for _, m := range all.members {
		at := join(path, m.key)
		e := r.follow(m.value, at)
		if e == nil {
			continue
		}
		switch kind := e.says("type"); kind {
		case "oauth2":
			r.scheme[m.key] = withScopes
			flows := e.get("flows")
			if flows == nil {
				r.wrong(m.value, join(at, "flows"), "is missing", "")
				continue
			}
			for _, flow := range flows.members {
				r.declared(flow.value.get("scopes"), join(join(join(at, "flows"), flow.key), "scopes"))
			}
		case "openIdConnect":
			r.scheme[m.key] = withScopes
		case "http":
			if r.scheme[m.key] = withToken; !strings.EqualFold(e.says("scheme"), "bearer") {
				r.scheme[m.key] = unlike
			}
		case "apiKey", "mutualTLS":
			r.scheme[m.key] = unlike
		default:
			r.wrong(e, join(at, "type"), quote(kind)+" is not a type of security scheme", didYouMean(kind, []string{"oauth2", "openIdConnect", "http", "apiKey", "mutualTLS"}))
		}
	}
}

func (r *openAPIReader) declared(scopes *element, path string) {
	if scopes == nil {
		return
	}
	for _, m := range scopes.members {
		if m.value.kind != aText {
			r.wrong(m.value, join(path, m.key), "is not a description", "")
			continue
		}
		r.scope(m.key, m.value, join(path, m.key), m.value.text, true)
	}
}

// scope notes a scope, once.
func (r *openAPIReader) scope(name string, e *element, path, description string, declared bool) {
	if !oauth.ValidScope(name) || name == wordPublic || name == wordToken || name == wordAll {
		r.wrong(e, path, quote(name)+" cannot be the name of a scope here", "see apis.NAME.scopes in docs/reference/grantway.yaml.md")
		return
	}
	if i, ok := r.scopes[name]; ok {
		s := &r.doc.Scopes[i]
		if s.Description == "" {
			s.Description = description
		}
		s.Declared = s.Declared || declared
		return
	}
	r.scopes[name] = len(r.doc.Scopes)
	r.doc.Scopes = append(r.doc.Scopes, OpenAPIScope{Name: name, Description: description, Declared: declared})
}

// security reads requirements: one of the list, of which all schemes hold. Of
// several alternatives that a route cannot say at once the strictest part is
// taken, so that nothing is open that the document closes.
func (r *openAPIReader) security(e *element, path string) (access, bool) {
	if e.kind != aList {
		r.wrong(e, path, "is not a list", "")
		return access{kind: Bearer}, false
	}
	needed := access{kind: Bearer}
	read := 0
	for i, item := range e.items {
		at := index(path, i)
		if item.kind != anObject {
			r.wrong(item, at, "is not an object", "")
			continue
		}
		scopes, known := r.requirement(item, at)
		if !known {
			continue
		}
		if len(item.members) == 0 {
			r.note(item, at, "makes the token optional: the operation counts as public", "")
			return access{kind: Public}, true
		}
		if read++; len(scopes) == 0 {
			return access{kind: Bearer}, true // any good token is enough
		}
		needed.anyOf = append(needed.anyOf, scopes)
	}
	if len(e.items) == 0 {
		return access{kind: Public}, true
	}
	if read == 0 {
		r.note(e, path, "asks for nothing that a route can ask for: it counts as any good token", "")
		return needed, true
	}
	if len(needed.anyOf) > 1 && slices.ContainsFunc(needed.anyOf, func(a []string) bool { return len(a) > 1 }) {
		r.note(e, path, "has alternatives of several scopes, which a route cannot say: the first counts alone", "write a | b, or [a, b]")
		needed.anyOf = needed.anyOf[:1]
	}
	return needed, true
}

// requirement reads the schemes of one alternative. It is not known where none of
// them is anything that a route can ask for.
func (r *openAPIReader) requirement(e *element, path string) (scopes []string, known bool) {
	known = len(e.members) == 0
	for _, m := range e.members {
		at := join(path, m.key)
		kind, ok := r.scheme[m.key]
		if !ok {
			r.wrong(m.value, at, quote(m.key)+" is not a security scheme of the document", "declare it under components.securitySchemes")
			continue
		}
		if kind == unlike {
			r.note(m.value, at, quote(m.key)+" is no OAuth token: a route does not ask for it", "")
			continue
		}
		known = true
		for i, item := range m.value.items {
			switch {
			case item.kind != aText:
				r.wrong(item, index(at, i), "is not a scope", "")
			case kind == withToken:
				r.note(item, index(at, i), quote(item.text)+" is a role, for which a route does not ask", "")
			case openIDScope(item.text):
				r.note(item, index(at, i), quote(item.text)+" is a scope of OpenID Connect itself, and not of the API", "")
			default:
				r.scope(item.text, item, index(at, i), "", false)
				if !slices.Contains(scopes, item.text) {
					scopes = append(scopes, item.text)
				}
			}
		}
	}
	return scopes, known
}

// openIDScope reports whether a scope is one of OpenID Connect Core §5.4 and §11.
func openIDScope(name string) bool {
	return slices.Contains([]string{
		oauth.ScopeOpenID, oauth.ScopeProfile, oauth.ScopeEmail, oauth.ScopePhone, oauth.ScopeAddress, oauth.ScopeOfflineAccess,
	}, name)
}
