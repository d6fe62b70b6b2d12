package timeback

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/grantway/grantway/examples/demo"
)

// create answers 201 with the pair of ids, the one supplied and the one used.
// They are the same unless the request supplied none.
func (a *api) create(c *collection, w http.ResponseWriter, r *http.Request) error {
	o, err := a.read(c, w, r)
	if err != nil {
		return err
	}
	supplied, given := o["sourcedId"].(string)
	if given {
		created, err := c.objects.Create(supplied, o)
		if err != nil {
			return err
		}
		if !created {
			return unprocessable("An object with this sourcedId exists. Use PUT to replace it.")
		}
	} else if o, err = c.objects.Add(c.single+"-", o); err != nil {
		return err
	}
	return demo.Write(w, http.StatusCreated, demo.Object{"sourcedIdPairs": demo.Object{
		"suppliedSourcedId": supplied, "allocatedSourcedId": o["sourcedId"],
	}})
}

// replace answers 200 with the object as stored, or 201 when there was none.
func (a *api) replace(c *collection, w http.ResponseWriter, r *http.Request) error {
	o, err := a.read(c, w, r)
	if err != nil {
		return err
	}
	id := r.PathValue("sourcedId")
	if supplied, given := o["sourcedId"]; given && supplied != id {
		return unprocessable("The sourcedId in the body is not the one in the path.")
	}
	o["sourcedId"] = id
	created, err := c.objects.Put(id, o)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return demo.Write(w, status, demo.Object{c.single: o})
}

func (c *collection) remove(w http.ResponseWriter, r *http.Request) error {
	if !c.objects.Delete(r.PathValue("sourcedId")) {
		return unknown(c, r)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// read takes the object out of a body such as {"course":{…}}, checks it and
// fills in what the server owns.
func (a *api) read(c *collection, w http.ResponseWriter, r *http.Request) (demo.Object, error) {
	body, err := demo.ReadObject(w, r)
	if err != nil {
		return nil, err
	}
	o, ok := body[c.single].(demo.Object)
	if !ok {
		return nil, unprocessable(fmt.Sprintf("The body must hold the object in a member named %q.", c.single))
	}
	o = maps.Clone(o)
	if id, given := o["sourcedId"]; given {
		if s, ok := id.(string); !ok || s == "" {
			return nil, unprocessable("sourcedId must be a string that is not empty.")
		}
	}
	if status, given := o["status"]; !given {
		o["status"] = "active"
	} else if status != "active" && status != "tobedeleted" {
		return nil, unprocessable("status must be active or tobedeleted.")
	}
	if fault := c.check(o); fault != nil {
		return nil, fault
	}
	o["dateLastModified"] = timestamp(a.now())
	return o, nil
}

func (a *api) checkCourse(o demo.Object) *demo.Fault {
	if fault := needText(o, "title"); fault != nil {
		return fault
	}
	return a.needReference(o, "org", "orgs")
}

func (a *api) checkClass(o demo.Object) *demo.Fault {
	if fault := needText(o, "title"); fault != nil {
		return fault
	}
	if fault := a.needReference(o, "course", "courses"); fault != nil {
		return fault
	}
	return a.needReference(o, "school", "orgs")
}

func (a *api) checkUser(o demo.Object) *demo.Fault {
	if fault := needText(o, "givenName", "familyName"); fault != nil {
		return fault
	}
	for _, role := range values(o, "roles.role") {
		if role != "" {
			return nil
		}
	}
	return unprocessable("roles must hold at least one object with a role, such as student.")
}

func needText(o demo.Object, members ...string) *demo.Fault {
	for _, m := range members {
		if s, _ := o[m].(string); strings.TrimSpace(s) == "" {
			return unprocessable(m + " must be a string that is not empty.")
		}
	}
	return nil
}

// needReference wants a member such as {"sourcedId":"…"} that names an object
// that exists.
func (a *api) needReference(o demo.Object, member, list string) *demo.Fault {
	ref, _ := o[member].(demo.Object)
	id, _ := ref["sourcedId"].(string)
	if _, ok := a.stored[list].Get(id); !ok {
		return unprocessable(fmt.Sprintf("%s.sourcedId must name one of the %s.", member, list))
	}
	return nil
}

// unprocessable is a 422: the JSON is sound, its content is not.
func unprocessable(description string) *demo.Fault {
	return &demo.Fault{Status: http.StatusUnprocessableEntity, Code: "invaliddata", Description: description}
}

// timestamp is OneRoster's dateTime: UTC to the millisecond, so that strings
// sort as the times do.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
