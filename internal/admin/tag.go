package admin

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"

	"github.com/grantway/grantway/internal/store"
)

// A stable is what a GET of one thing shows, without what moves by itself: when it
// was last used says nothing about who changed it.
type stable interface{ stable() any }

// resources are the paths of things that have an entity tag, with what shows them.
var resources = map[string]func(*call) (any, error){
	oneClient:   func(c *call) (any, error) { return getClient(c) },
	oneAccount:  func(c *call) (any, error) { return getAccount(c) },
	apiToken:    func(c *call) (any, error) { return getAPIToken(c) },
	onePartner:  func(c *call) (any, error) { return getPartner(c) },
	oneRequest:  func(c *call) (any, error) { return getRequest(c) },
	oneOperator: func(c *call) (any, error) { return getOperator(c) },
}

// tagOf is the entity tag of what is shown (RFC 9110 §8.8.3).
func tagOf(shown any) string {
	if s, ok := shown.(stable); ok {
		shown = s.stable()
	}
	sum := sha256.Sum256(encoded(shown))
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
}

// tagged is the entity tag of an answer that shows one thing, empty for others.
func (c *call) tagged(body any) string {
	if _, ok := resources[c.route.path]; !ok || c.changes() {
		return ""
	}
	return tagOf(body)
}

// resource is the path of the thing that a route is about, empty where it is none.
func (r *route) resource() string {
	for path := r.path; path != ""; path = path[:strings.LastIndexByte(path, '/')] {
		if resources[path] != nil {
			return path
		}
	}
	return ""
}

// conditionally does something if what If-Match names is so (RFC 9110 §13.1.1): the
// store makes no change of it where another one came after the look, on whatever
// server. Whoever changes one thing waits for others at this server who do, so that
// those who say nothing are done one after the other.
func (c *call) conditionally(do func() (any, error)) (any, error) {
	if !c.changes() {
		return do()
	}
	wanted := c.Header["If-Match"]
	pattern := c.route.resource()
	if pattern == "" {
		if len(wanted) > 0 {
			return nil, &Problem{Status: http.StatusPreconditionFailed, Detail: "There is nothing at this path that has an entity tag: leave If-Match away."}
		}
		return do()
	}
	path := strings.Split(c.URL.EscapedPath(), "/")[:strings.Count(pattern, "/")+1]
	defer c.api.turns.take(strings.Join(path, "/"))()
	if len(wanted) == 0 {
		return do()
	}
	before, err := c.newest(pattern)
	if err != nil {
		return nil, err
	}
	shown, err := resources[pattern](c)
	if err != nil {
		return nil, err
	}
	matches, ok := matched(strings.Join(wanted, ","), tagOf(shown))
	switch {
	case !ok:
		return nil, &Problem{Status: http.StatusBadRequest, Detail: `If-Match is no list of entity tags, as in "xyzzy".`}
	case !matches:
		return nil, store.ErrMoved
	}
	c.unless = before
	return do()
}

// newest is what has happened until now where the thing lies that the path names.
func (c *call) newest(pattern string) (*store.Moved, error) {
	remembered := c.remembered()
	if remembered == nil {
		return nil, nil
	}
	last, err := remembered.History.Search(c.Context(), store.ChangeQuery{Limit: 1})
	if err != nil {
		return nil, err
	}
	name := strings.Trim(pattern[strings.LastIndexByte(pattern, '/')+1:], "{}")
	now := &store.Moved{About: c.PathValue(name), Of: remembered.History}
	for _, change := range last {
		now.After = change.Seq
	}
	return now, nil
}

// matched compares a tag with those of If-Match by the strong comparison; ok is
// false where they are none.
func matched(sent, tag string) (matches, ok bool) {
	sent = strings.Trim(sent, " \t,")
	if sent == "*" {
		return true, true
	}
	if sent == "" {
		return false, false
	}
	for sent != "" {
		strong, weak := strings.CutPrefix(sent, "W/")
		text, quoted := strings.CutPrefix(strong, `"`)
		inner, rest, closed := strings.Cut(text, `"`)
		if !quoted || !closed {
			return false, false
		}
		matches = matches || !weak && `"`+inner+`"` == tag
		after := strings.TrimLeft(rest, " \t")
		sent = strings.TrimLeft(after, " \t,")
		if sent != "" && !strings.HasPrefix(after, ",") {
			return false, false
		}
	}
	return matches, true
}

// turns let one after the other change a thing.
type turns struct {
	mu    sync.Mutex
	taken map[string]*turn
}

type turn struct {
	sync.Mutex
	wanted int
}

// take waits for the turn at a thing and returns what ends it.
func (t *turns) take(path string) func() {
	t.mu.Lock()
	one := t.taken[path]
	if one == nil {
		one = &turn{}
		t.taken[path] = one
	}
	one.wanted++
	t.mu.Unlock()
	one.Lock()
	return func() {
		one.Unlock()
		t.mu.Lock()
		defer t.mu.Unlock()
		if one.wanted--; one.wanted == 0 {
			delete(t.taken, path)
		}
	}
}
