// Package mytimetable is the demo API of a timetable: rooms and modules for
// everybody, and for the person whom a token is about what is theirs: the name,
// the subscriptions, the timetable, what they may see of others', and messages.
//
// It checks no token and no scope; the gateway in front of it has done both, and
// says in headers who is asking. What that person may see, the API decides: a
// token for all timetables opens no more of them than its person may see. What is
// written through it is kept in memory only.
//
// Its errors have the members of RFC 6749 §5.2.
package mytimetable

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grantway/grantway/examples/demo"
)

// How many events a timetable holds when the request names no limit, and the most
// that it may ask for.
const (
	usualLimit = 50
	mostLimit  = 500
)

// mostSubscriptions is how many timetables one person may follow.
const mostSubscriptions = 100

type api struct {
	timetables    []timetable
	events        map[string][]demo.Object // by timetable
	subscriptions *demo.Collection         // by account and timetable
}

// API builds the demo API with its data. The handler is safe for concurrent use,
// and two of them share nothing.
func API() http.Handler { return newRoutes() }

func newRoutes() *demo.Routes {
	a := &api{timetables: timetables(), events: events(), subscriptions: demo.NewCollection("key", 0)}
	routes := &demo.Routes{}
	routes.Handle("GET /api/v0/timetabletypes", a.types)
	for path, kind := range map[string]string{"locations": "location", "modules": "module"} {
		routes.Handle("GET /api/v0/"+path, func(w http.ResponseWriter, _ *http.Request) error {
			return demo.Write(w, http.StatusOK, a.shown(func(t timetable) bool { return t.kind == kind }))
		})
		routes.Handle("GET /api/v0/"+path+"/{id}/timetable", func(w http.ResponseWriter, r *http.Request) error {
			return a.one(w, r, func(t timetable) bool { return t.kind == kind })
		})
	}
	routes.Handle("GET /api/v0/user", user)
	routes.Handle("GET /api/v0/timetable", a.own)
	routes.Handle("GET /api/v0/profile/subscriptions", a.subscribed)
	routes.Handle("POST /api/v0/profile/subscriptions", a.subscribe)
	routes.Handle("DELETE /api/v0/profile/subscriptions/{id}", a.unsubscribe)
	routes.Handle("GET /api/v0/alltimetables", a.all)
	routes.Handle("GET /api/v0/alltimetables/{id}", func(w http.ResponseWriter, r *http.Request) error {
		who, err := caller(r)
		if err != nil {
			return err
		}
		return a.one(w, r, who.sees)
	})
	routes.Handle("GET /api/v0/messages", messages)
	return routes
}

// A person is whom the token is about, as the gateway says it.
type person struct {
	id, name string
	roles    []string
	scope    []string
}

// caller is the person of a request. A token that is about nobody, such as a
// program's own, opens nothing personal.
func caller(r *http.Request) (*person, error) {
	p := &person{id: r.Header.Get("Grantway-Account"), scope: strings.Fields(r.Header.Get("Grantway-Scope"))}
	if p.id == "" {
		return nil, &demo.Fault{
			Status: http.StatusForbidden, Code: "access_denied", Description: "This is about a person, and the token is about none.",
		}
	}
	var err error
	if p.name, err = url.PathUnescape(r.Header.Get("Grantway-User")); err != nil {
		return nil, err
	}
	for role := range strings.FieldsSeq(r.Header.Get("Grantway-Roles")) {
		if role, err = url.PathUnescape(role); err != nil {
			return nil, err
		}
		p.roles = append(p.roles, role)
	}
	return p, nil
}

// sees reports whether a person may see a timetable: whatever the token allows, no
// more than this.
func (p *person) sees(t timetable) bool {
	return len(t.roles) == 0 || slices.ContainsFunc(t.roles, func(role string) bool { return slices.Contains(p.roles, role) })
}

// user tells the name; the roles too, for the scope that came later.
func user(w http.ResponseWriter, r *http.Request) error {
	who, err := caller(r)
	if err != nil {
		return err
	}
	said := demo.Object{"username": who.name}
	if slices.Contains(who.scope, "user_read") {
		said["roles"] = append([]string{}, who.roles...)
	}
	return demo.Write(w, http.StatusOK, said)
}

func (a *api) types(w http.ResponseWriter, _ *http.Request) error {
	var kinds []string
	for _, t := range a.timetables {
		if !slices.Contains(kinds, t.kind) {
			kinds = append(kinds, t.kind)
		}
	}
	return demo.Write(w, http.StatusOK, demo.Object{"timetableType": kinds})
}

// all are the timetables that the person may see.
func (a *api) all(w http.ResponseWriter, r *http.Request) error {
	who, err := caller(r)
	if err != nil {
		return err
	}
	return demo.Write(w, http.StatusOK, a.shown(who.sees))
}

func (a *api) shown(is func(timetable) bool) []demo.Object {
	list := []demo.Object{}
	for _, t := range a.timetables {
		if is(t) {
			list = append(list, t.object())
		}
	}
	return list
}

func (a *api) find(id string, is func(timetable) bool) (timetable, error) {
	i := slices.IndexFunc(a.timetables, func(t timetable) bool { return t.id == id && is(t) })
	if i < 0 {
		return timetable{}, demo.NotFound(fmt.Sprintf("There is no timetable %q here for you.", id))
	}
	return a.timetables[i], nil
}

// one answers with the events of one timetable.
func (a *api) one(w http.ResponseWriter, r *http.Request, is func(timetable) bool) error {
	t, err := a.find(r.PathValue("id"), is)
	if err != nil {
		return err
	}
	return a.answer(w, r, []string{t.id})
}

// own answers with what the person follows, as one timetable.
func (a *api) own(w http.ResponseWriter, r *http.Request) error {
	who, err := caller(r)
	if err != nil {
		return err
	}
	return a.answer(w, r, a.follows(who))
}

// answer writes the events of timetables from startDate on, in order and each once.
func (a *api) answer(w http.ResponseWriter, r *http.Request, ids []string) error {
	limit, from := usualLimit, ""
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > mostLimit {
			return demo.Invalid(fmt.Sprintf("limit must be a number from 1 to %d.", mostLimit))
		}
		limit = n
	}
	if from = r.URL.Query().Get("startDate"); from != "" {
		if _, err := time.Parse(time.DateOnly, from); err != nil {
			return demo.Invalid("startDate must be a day such as 2026-11-23.")
		}
	}
	list := []demo.Object{}
	for _, id := range ids {
		for _, e := range a.events[id] {
			if e["startDate"].(string) >= from {
				list = append(list, e)
			}
		}
	}
	slices.SortFunc(list, func(x, y demo.Object) int {
		return strings.Compare(x["startDate"].(string)+x["id"].(string), y["startDate"].(string)+y["id"].(string))
	})
	list = slices.CompactFunc(list, func(x, y demo.Object) bool { return x["id"] == y["id"] })
	return demo.Write(w, http.StatusOK, list[:min(limit, len(list))])
}

// follows are the ids of the timetables that a person follows and may still see.
func (a *api) follows(who *person) []string {
	ids := []string{}
	for _, t := range a.timetables {
		if _, ok := a.subscriptions.Get(who.id + " " + t.id); ok && who.sees(t) {
			ids = append(ids, t.id)
		}
	}
	return ids
}

func (a *api) subscribed(w http.ResponseWriter, r *http.Request) error {
	who, err := caller(r)
	if err != nil {
		return err
	}
	ids := a.follows(who)
	return demo.Write(w, http.StatusOK, a.shown(func(t timetable) bool { return slices.Contains(ids, t.id) }))
}

// subscribe takes {"id":"module-1"}. Following twice is following once.
func (a *api) subscribe(w http.ResponseWriter, r *http.Request) error {
	who, err := caller(r)
	if err != nil {
		return err
	}
	body, err := demo.ReadObject(w, r)
	if err != nil {
		return err
	}
	id, _ := body["id"].(string)
	t, err := a.find(id, who.sees)
	if err != nil {
		return err
	}
	if len(a.follows(who)) >= mostSubscriptions {
		return demo.Invalid(fmt.Sprintf("You follow %d timetables already.", mostSubscriptions))
	}
	created, err := a.subscriptions.Put(who.id+" "+t.id, demo.Object{"id": t.id})
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return demo.Write(w, status, t.object())
}

func (a *api) unsubscribe(w http.ResponseWriter, r *http.Request) error {
	who, err := caller(r)
	if err != nil {
		return err
	}
	if !a.subscriptions.Delete(who.id + " " + r.PathValue("id")) {
		return demo.NotFound("You do not follow this timetable.")
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// messages are those for everybody and for the person's roles.
func messages(w http.ResponseWriter, r *http.Request) error {
	who, err := caller(r)
	if err != nil {
		return err
	}
	list := []demo.Object{}
	for _, m := range notices {
		if m.role == "" || slices.Contains(who.roles, m.role) {
			list = append(list, demo.Object{"id": m.id, "text": m.text})
		}
	}
	return demo.Write(w, http.StatusOK, list)
}
