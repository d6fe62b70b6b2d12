package admin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/wire"
)

// A route is one line of the table: what is asked for, what it takes to be
// allowed, and what answers. OpenAPI is made of the same lines.
type route struct {
	method, path string
	permission   string // or readAny
	name         string // the operation's, in OpenAPI
	summary      string
	status       int      // when it goes well
	query        []string // parameters that the route knows; others are refused
	operation
}

// An operation is what answers, with the types of what it reads and writes.
type operation struct {
	request, response reflect.Type // request: nil where none is read
	do                func(*call) (any, error)
}

// readAny is any of the permissions to read, for what whoever looks after anything
// has to know first: which environments there are, and what words mean.
const readAny = ""

// permissions are those of which a caller needs one.
func (r *route) permissions() []string {
	if r.permission == readAny {
		return []string{ReadClients, ReadKeys, ReadAccounts, ReadAPITokens}
	}
	return []string{r.permission}
}

func table() []route {
	const (
		clients = Prefix + "/environments/{environment}/clients"
		client  = clients + "/{client}"
		secrets = client + "/secrets"
		denials = Prefix + "/environments/{environment}/denials"
		keys    = Prefix + "/environments/{environment}/keys"
		here    = Prefix + "/environments/{environment}"

		accounts  = here + "/accounts"
		account   = accounts + "/{account}"
		apiTokens = here + "/api-tokens"
		apiToken  = apiTokens + "/{token}"
	)
	read, write := ReadClients, WriteClients
	return []route{
		{"GET", Prefix + "/environments", readAny, "listEnvironments", "The environments with their APIs and scopes", 200, nil, plain(listEnvironments)},
		{"GET", Prefix + "/refusals", readAny, "listRefusals", "Every reason to refuse a request: cause and cure", 200, nil, plain(listRefusals)},
		{"GET", Prefix + "/openapi.json", readAny, "describe", "This description", 200, nil, plain(describe)},

		{"GET", clients, read, "listClients", "The clients, in the order of their ids", 200, []string{"limit", "after"}, plain(listClients)},
		{"POST", clients, write, "createClient", "Register a client with one secret; the answer is the only one that holds it", 201, nil, reading(createClient)},
		{"GET", client, read, "getClient", "One client", 200, nil, plain(getClient)},
		{"PATCH", client, write, "changeClient", "Change what it is named and may do; what was given by what is taken away ends", 200, nil, reading(changeClient)},
		{"DELETE", client, write, "deleteClient", "Delete the client and its secrets, end its tokens, and never use its id again", 200, nil, plain(deleteClient)},
		{"POST", client + "/disable", write, "disableClient", "Make the client unusable and end its tokens", 200, nil, plain(disableClient)},
		{"POST", client + "/enable", write, "enableClient", "Make a disabled client usable; tokens that ended stay ended", 200, nil, plain(enableClient)},

		{"GET", secrets, read, "listSecrets", "The client's secrets, without their texts", 200, nil, plain(listSecrets)},
		{"POST", secrets, write, "addSecret", "Add a secret beside the others; the answer is the only one that holds it", 201, nil, reading(addSecret)},
		{"DELETE", secrets + "/{secret}", write, "revokeSecret", "Revoke a secret and end the tokens that it obtained", 200, nil, plain(revokeSecret)},

		{"GET", denials, read, "listDenials", "The denials that are in force and not in the store yet", 200, nil, plain(listDenials)},
		{"POST", denials, write, "deny", "End tokens at once, also while the store does not answer; the answer is signed for other nodes", 200, nil, reading(deny)},
		{"POST", denials + "/signed", write, "acceptDenial", "Do what another node has signed", 200, nil, reading(acceptDenial)},

		{"GET", keys, ReadKeys, "listKeys", "The keys that sign for the environment, the oldest first", 200, []string{"purpose"}, plain(listKeys)},
		{"POST", keys + "/rotate", WriteKeys, "rotateKeys", "Let the next key sign, and publish the one of before until its last token has expired", 200, []string{"purpose"}, reading(rotateKeys)},
		{"DELETE", keys + "/{key}", WriteKeys, "removeKey", "Remove a key that somebody else may have: its tokens end at once", 200, []string{"purpose"}, plain(removeKey)},
		{"POST", keys + "/{key}/deny", WriteKeys, "denyKey", "Do the same while the store does not answer", 200, nil, plain(denyKey)},

		{"GET", accounts, ReadAccounts, "listAccounts", "People's accounts, in the order of their ids, or the one of a name or verified e-mail address", 200, []string{"limit", "after", "name"}, plain(listAccounts)},
		{"POST", accounts, WriteAccounts, "createAccount", "Create an account, with a password or a link to choose one", 201, nil, reading(createAccount)},
		{"POST", accounts + "/import", WriteAccounts, "importAccounts", "Create accounts as another product exported them; what is named already stays as it is", 200, nil, reading(importAccounts)},
		{"GET", account, ReadAccounts, "getAccount", "One account, and with what its person signs in", 200, nil, plain(getAccount)},
		{"GET", account + "/export", ReadAccounts, "exportAccount", "Everything that is known of a person, without secrets", 200, nil, plain(exportAccount)},
		{"PATCH", account, WriteAccounts, "changeAccount", "Change names, e-mail address, language and roles", 200, nil, reading(changeAccount)},
		{"DELETE", account, WriteAccounts, "deleteAccount", "Erase a person, end all sessions and tokens, and never use the id again", 200, nil, plain(deleteAccount)},
		{"POST", account + "/disable", WriteAccounts, "disableAccount", "Keep a person out, and end all sessions, grants and tokens", 200, nil, plain(disableAccount)},
		{"POST", account + "/enable", WriteAccounts, "enableAccount", "Let a person sign in again; what ended stays ended", 200, nil, plain(enableAccount)},
		{"POST", account + "/reset", WriteAccounts, "resetAccount", "Make a link with which the person chooses a new password", 200, nil, reading(resetAccount)},

		{"GET", apiTokens, ReadAPITokens, "listAPITokens", "The API tokens, in the order of their ids, revoked ones too", 200, []string{"limit", "after"}, plain(listAPITokens)},
		{"POST", apiTokens, WriteAPITokens, "createAPIToken", "Create an API token; the answer is the only one that holds it", 201, nil, reading(createAPIToken)},
		{"POST", apiToken + "/approve", WriteAPITokens, "approveAPIToken", "Make an elevated API token good that somebody else created", 200, nil, plain(approveAPIToken)},
		{"DELETE", apiToken, WriteAPITokens, "revokeAPIToken", "End an API token", 200, nil, plain(revokeAPIToken)},

		{"GET", here + "/activity", read, "listActivity", "What happened, added up by the hour or the day", 200, []string{"limit", "after", "since", "until", "step", "by", "client", "api"}, plain(listActivity)},
		{"GET", here + "/refusals", read, "listRefused", "The requests that were refused last, or those of a trace id: why, and what to do", 200, []string{"limit", "trace", "client"}, plain(listRefused)},
		{"GET", here + "/issuers", read, "listIssuers", "The other issuers that APIs trust for a time, and who comes with their tokens", 200, nil, plain(listIssuers)},
	}
}

// plain is an operation that reads no body.
func plain[A any](do func(*call) (A, error)) operation {
	return operation{response: reflect.TypeFor[A](), do: func(c *call) (any, error) {
		body, err := c.body()
		if err != nil {
			return nil, err
		}
		if len(body) > 0 {
			return nil, &Problem{Status: http.StatusBadRequest, Detail: "This request takes no body."}
		}
		return do(c)
	}}
}

// reading is an operation that reads a JSON body.
func reading[Q, A any](do func(*call, Q) (A, error)) operation {
	return operation{request: reflect.TypeFor[Q](), response: reflect.TypeFor[A](), do: func(c *call) (any, error) {
		var q Q
		if kind, err := wire.MediaType(c.Header.Get("Content-Type")); kind != wire.JSON || err != nil || len(c.Header["Content-Type"]) != 1 {
			return nil, &Problem{Status: http.StatusUnsupportedMediaType, Detail: "Send the body as application/json."}
		}
		body, err := c.body()
		if err != nil {
			return nil, err
		}
		if err := wire.DecodeJSON(body, &q); err != nil {
			return nil, err
		}
		return do(c, q)
	}}
}

// body reads the body. Failing is the connection's, but for what is too long.
func (c *call) body() ([]byte, error) {
	body, err := wire.ReadBody(c.Request, MaxBody)
	if err != nil && !errors.Is(err, wire.ErrTooLarge) {
		return nil, &Problem{Status: http.StatusBadRequest, Detail: "The body could not be read to its end."}
	}
	return body, err
}

// find returns the route of a request and gives the request its path values. A
// path has one spelling, and nothing is redirected.
func (a *api) find(r *http.Request) (*route, error) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	var allowed []string
	for i := range a.routes {
		candidate := &a.routes[i]
		values, ok := match(candidate.path, r.URL.EscapedPath())
		if !ok {
			continue
		}
		if candidate.method != method {
			allowed = append(allowed, candidate.method)
			continue
		}
		for name, value := range values {
			r.SetPathValue(name, value)
		}
		return candidate, nil
	}
	if allowed == nil {
		return nil, &Problem{Status: http.StatusNotFound, Detail: "There is nothing at this path; " + Prefix + "/openapi.json lists what there is."}
	}
	return nil, &Problem{Status: http.StatusMethodNotAllowed, Detail: "This path answers " + strings.Join(allowed, " and ") + ".", allow: strings.Join(allowed, ", ")}
}

// match compares an escaped path with a route's, segment by segment.
func match(pattern, path string) (map[string]string, bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	values := map[string]string{}
	for i, w := range want {
		name, variable := strings.CutPrefix(w, "{")
		if !variable {
			if w != got[i] {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(got[i])
		if err != nil || value == "" {
			return nil, false
		}
		values[strings.TrimSuffix(name, "}")] = value
	}
	return values, true
}

// checkQuery refuses parameters that the route does not know: a misspelt limit
// is not to be taken for none.
func (c *call) checkQuery() error {
	sent, err := wire.ParseQuery(c.URL.RawQuery)
	if err != nil {
		detail := "The query is not well formed."
		if errors.Is(err, wire.ErrDuplicate) {
			detail = "The query holds a parameter twice."
		}
		return &Problem{Status: http.StatusBadRequest, Detail: detail}
	}
	c.sent = sent
	for _, name := range sent.Names() {
		if !slices.Contains(c.route.query, name) {
			return &Problem{Status: http.StatusBadRequest, Detail: "The query holds a parameter that this route does not know.", Errors: []Fault{{Field: name, Problem: "is unknown here", Hint: known(c.route.query)}}}
		}
	}
	return nil
}

func known(names []string) string {
	if len(names) == 0 {
		return "this route has no parameters"
	}
	return fmt.Sprintf("known are %s", strings.Join(names, ", "))
}

// below is the path of something of the environment that the call is about.
func (c *call) below(segments ...string) string {
	path := Prefix + "/environments/" + url.PathEscape(c.clients.Environment.Name)
	for _, s := range segments {
		path += "/" + url.PathEscape(s)
	}
	return path
}
