// Package fitness is the demo API of a fitness platform: members' accounts,
// their moves and biometrics, classes and bookings, challenges, facilities.
//
// It checks no token and no scope; the gateway in front of it has done both.
// Which scope opens which category and method stands in grantway.yaml beside
// this file: the API itself serves every method that a category knows. What is
// written through it is kept in memory only.
//
// Its errors have the members of RFC 6749 §5.2; its PATCH is the JSON merge
// patch of RFC 7396.
package fitness

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/grantway/grantway/examples/demo"
)

// Page sizes: what a list holds when the request names no limit, and the most
// that it may ask for.
const (
	usualLimit = 20
	mostLimit  = 100
)

// category is one path of the API. One that requires no members is read-only.
type category struct {
	path     string
	prefix   string // of the ids it makes
	requires []string
	objects  *demo.Collection
}

// API builds the demo API with its data. The handler is safe for concurrent
// use, and two of them share nothing.
func API() http.Handler {
	routes := &demo.Routes{}
	for _, c := range categories() {
		one := c.path + "/{id}"
		routes.Handle("GET "+c.path, c.answerList)
		routes.Handle("GET "+one, c.answerOne)
		if c.requires == nil {
			continue
		}
		routes.Handle("POST "+c.path, c.create)
		routes.Handle("PUT "+one, c.replace)
		routes.Handle("PATCH "+one, c.merge)
		routes.Handle("DELETE "+one, c.remove)
	}
	return routes
}

func categories() []*category {
	of := func(path, prefix string, objects []demo.Object, requires ...string) *category {
		return &category{path, prefix, requires, demo.NewCollection("id", 0, objects...)}
	}
	return []*category{
		of("/accounts", "account-new-", accounts(), "nickname"),
		of("/moves", "", moves()),
		of("/biometrics", "biometric-new-", biometrics(), "account_id", "measured_on"),
		of("/classes-and-bookings", "booking-new-", classesAndBookings(), "account_id", "class_id"),
		of("/challenges", "", challenges()),
		of("/facilities", "", facilities()),
	}
}

func (c *category) answerList(w http.ResponseWriter, r *http.Request) error {
	page, err := demo.ReadPage(r.URL.Query(), usualLimit, mostLimit)
	if err != nil {
		return err
	}
	all := c.objects.List()
	page.SetLinks(w.Header(), r, len(all))
	return demo.Write(w, http.StatusOK, struct {
		Items  []demo.Object `json:"items"`
		Total  int           `json:"total"`
		Limit  int           `json:"limit"`
		Offset int           `json:"offset"`
	}{page.Cut(all), len(all), page.Limit, page.Offset})
}

func (c *category) answerOne(w http.ResponseWriter, r *http.Request) error {
	o, ok := c.objects.Get(r.PathValue("id"))
	if !ok {
		return c.unknown(r)
	}
	return demo.Write(w, http.StatusOK, o)
}

// create makes the id itself: one in the body is refused rather than ignored.
func (c *category) create(w http.ResponseWriter, r *http.Request) error {
	o, err := demo.ReadObject(w, r)
	if err != nil {
		return err
	}
	if _, given := o["id"]; given {
		return demo.Invalid("Leave id out: the API makes it.")
	}
	if err := c.check(o); err != nil {
		return err
	}
	o, err = c.objects.Add(c.prefix, c.own(o))
	if err != nil {
		return err
	}
	w.Header().Set("Location", c.path+"/"+o["id"].(string))
	return demo.Write(w, http.StatusCreated, o)
}

func (c *category) replace(w http.ResponseWriter, r *http.Request) error {
	body, err := demo.ReadObject(w, r)
	if err != nil {
		return err
	}
	return c.change(w, r, func(demo.Object) demo.Object { return body })
}

func (c *category) merge(w http.ResponseWriter, r *http.Request) error {
	patch, err := demo.ReadObject(w, r)
	if err != nil {
		return err
	}
	return c.change(w, r, func(old demo.Object) demo.Object { return mergePatch(old, patch) })
}

// change answers with what becomes of a stored object, which keeps its id.
func (c *category) change(w http.ResponseWriter, r *http.Request, become func(demo.Object) demo.Object) error {
	id := r.PathValue("id")
	if err := c.writable(r); err != nil {
		return err
	}
	o, err := c.objects.Change(id, func(old demo.Object) (demo.Object, error) {
		o := c.own(become(old))
		if given, ok := o["id"]; ok && given != id {
			return nil, demo.Invalid("The id of an object cannot be changed.")
		}
		o["id"] = id
		return o, c.check(o)
	})
	if err != nil {
		return err
	}
	return demo.Write(w, http.StatusOK, o)
}

func (c *category) remove(w http.ResponseWriter, r *http.Request) error {
	if err := c.writable(r); err != nil {
		return err
	}
	if !c.objects.Delete(r.PathValue("id")) {
		return c.unknown(r)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// writable wants the object to be there, and to be the members' own.
func (c *category) writable(r *http.Request) error {
	o, ok := c.objects.Get(r.PathValue("id"))
	if !ok {
		return c.unknown(r)
	}
	if o["kind"] == "class" {
		return demo.Invalid("Classes belong to their facility. Only bookings can be changed or deleted.")
	}
	return nil
}

// check wants the required members as text.
func (c *category) check(o demo.Object) error {
	for _, member := range c.requires {
		if s, _ := o[member].(string); strings.TrimSpace(s) == "" {
			return demo.Invalid(fmt.Sprintf("%s must be a string that is not empty. Required are: %s.", member, strings.Join(c.requires, ", ")))
		}
	}
	return nil
}

// own copies an object and adds what the category says of all that is written
// to it: classes are the facility's, so that clients write bookings only.
func (c *category) own(o demo.Object) demo.Object {
	o = maps.Clone(o)
	if slices.Contains(c.requires, "class_id") {
		o["kind"] = "booking"
	}
	return o
}

func (c *category) unknown(r *http.Request) *demo.Fault {
	return demo.NotFound(fmt.Sprintf("%s holds no object with the id %q.", c.path, r.PathValue("id")))
}

// mergePatch gives the target with the patch applied (RFC 7396 §2): null
// removes a member, an object is merged, anything else replaces.
func mergePatch(target, patch demo.Object) demo.Object {
	merged := make(demo.Object, len(target)+len(patch))
	maps.Copy(merged, target)
	for name, value := range patch {
		switch value := value.(type) {
		case nil:
			delete(merged, name)
		case demo.Object:
			inner, _ := merged[name].(demo.Object)
			merged[name] = mergePatch(inner, value)
		default:
			merged[name] = value
		}
	}
	return merged
}
