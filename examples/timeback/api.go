// Package timeback is the demo API of a learning platform: the OneRoster 1.2
// rostering service of an invented school district.
//
// It checks no token and no scope; the gateway in front of it has done both.
// Which routes need which scope stands in grantway.yaml beside this file, and
// openapi.yaml describes what is served. What is written through it is kept in
// memory only.
//
// It follows the 1EdTech OneRoster Rostering Service 1.2, REST/JSON binding:
// its paths, payloads, paging, sorting, filtering and error envelope.
package timeback

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/grantway/grantway/examples/demo"
)

// Base is the path under which the rostering service answers.
const Base = "/ims/oneroster/rostering/v1p2"

// Page sizes: what a list holds when the request names no limit, and the most
// that it may ask for.
const (
	usualLimit = 100
	mostLimit  = 3000
)

//go:embed openapi.yaml
var description []byte

// collection is one path of the service. Several may show parts of the same
// stored objects: students and teachers are users.
type collection struct {
	path    string // as in /courses
	list    string // the member of a list's payload
	single  string // the member of one object's payload
	objects *demo.Collection
	shows   func(demo.Object) bool // nil shows all
	fields  map[string]bool        // what filter and fields may name
	check   func(demo.Object) *demo.Fault
}

type api struct {
	now    func() time.Time
	stored map[string]*demo.Collection // by list member
}

// API builds the demo API with its data. The handler is safe for concurrent
// use, and two of them share nothing.
func API() http.Handler { return newRoutes(time.Now) }

func newRoutes(now func() time.Time) *demo.Routes {
	a := &api{now: now, stored: district()}
	routes := &demo.Routes{Refuse: refuse}
	routes.Handle("GET /openapi.yaml", describe)
	for _, c := range a.collections() {
		c.fields = fieldsOf(c.objects.List())
		routes.Handle("GET "+Base+"/"+c.path, c.answerList)
		routes.Handle("GET "+Base+"/"+c.path+"/{sourcedId}", c.answerOne)
		if c.check == nil {
			continue
		}
		routes.Handle("POST "+Base+"/"+c.path, func(w http.ResponseWriter, r *http.Request) error {
			return a.create(c, w, r)
		})
		routes.Handle("PUT "+Base+"/"+c.path+"/{sourcedId}", func(w http.ResponseWriter, r *http.Request) error {
			return a.replace(c, w, r)
		})
		routes.Handle("DELETE "+Base+"/"+c.path+"/{sourcedId}", c.remove)
	}
	return routes
}

// collections lists what is served. Those with a check can be written to.
func (a *api) collections() []*collection {
	of := func(path, list, single string) *collection {
		return &collection{path: path, list: list, single: single, objects: a.stored[list]}
	}
	part := func(path, list, single, field string, values ...string) *collection {
		c := of(path, list, single)
		c.shows = func(o demo.Object) bool { return holdsAny(o, field, values) }
		return c
	}
	writable := func(c *collection, check func(demo.Object) *demo.Fault) *collection {
		c.check = check
		return c
	}
	return []*collection{
		writable(of("courses", "courses", "course"), a.checkCourse),
		writable(of("classes", "classes", "class"), a.checkClass),
		writable(of("users", "users", "user"), a.checkUser),
		part("students", "users", "user", "roles.role", "student"),
		part("teachers", "users", "user", "roles.role", "teacher"),
		of("orgs", "orgs", "org"),
		part("schools", "orgs", "org", "type", "school"),
		of("enrollments", "enrollments", "enrollment"),
		of("academicSessions", "academicSessions", "academicSession"),
		part("terms", "academicSessions", "academicSession", "type", "term", "semester"),
		part("gradingPeriods", "academicSessions", "academicSession", "type", "gradingPeriod"),
		of("demographics", "demographics", "demographics"),
	}
}

func describe(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml") // RFC 9512
	w.Header().Set("Content-Length", strconv.Itoa(len(description)))
	w.Write(description)
	return nil
}

func (c *collection) answerList(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	page, err := demo.ReadPage(query, usualLimit, mostLimit)
	if err != nil {
		return err
	}
	keep, err := readFilter(query.Get("filter"), c.fields)
	if err != nil {
		return err
	}
	selected, err := readFields(query, c.fields)
	if err != nil {
		return err
	}
	var rows []demo.Object
	for _, o := range c.objects.List() {
		if (c.shows == nil || c.shows(o)) && keep.match(o) {
			rows = append(rows, o)
		}
	}
	if err := order(rows, query.Get("sort"), query.Get("orderBy")); err != nil {
		return err
	}
	cut := page.Cut(rows)
	shown := make([]demo.Object, len(cut))
	for i, o := range cut {
		shown[i] = selected.of(o)
	}
	page.SetLinks(w.Header(), r, len(rows))
	return demo.Write(w, http.StatusOK, listing{c.list, shown, len(rows), page})
}

func (c *collection) answerOne(w http.ResponseWriter, r *http.Request) error {
	selected, err := readFields(r.URL.Query(), c.fields)
	if err != nil {
		return err
	}
	o, ok := c.objects.Get(r.PathValue("sourcedId"))
	if !ok || c.shows != nil && !c.shows(o) {
		return unknown(c, r)
	}
	return demo.Write(w, http.StatusOK, demo.Object{c.single: selected.of(o)})
}

func unknown(c *collection, r *http.Request) *demo.Fault {
	return demo.NotFound("The " + c.path + " hold no object with the sourcedId " + strconv.Quote(r.PathValue("sourcedId")) + ".")
}

// listing is the payload of a list. Clients read its members by name, people
// read them in the documentation in this order, with the rows first.
type listing struct {
	member string
	rows   []demo.Object
	total  int
	page   demo.Page
}

// MarshalJSON writes the rows under the collection's name, then the counts.
func (l listing) MarshalJSON() ([]byte, error) {
	rows, err := json.Marshal(l.rows)
	if err != nil {
		return nil, err
	}
	counts, err := json.Marshal(struct {
		TotalCount int `json:"totalCount"`
		PageCount  int `json:"pageCount"`
		PageNumber int `json:"pageNumber"`
		Offset     int `json:"offset"`
		Limit      int `json:"limit"`
	}{l.total, (l.total + l.page.Limit - 1) / l.page.Limit, l.page.Offset/l.page.Limit + 1, l.page.Offset, l.page.Limit})
	if err != nil {
		return nil, err
	}
	body := append([]byte(`{"`+l.member+`":`), rows...)
	body = append(body, ',')
	return append(body, counts[1:]...), nil
}

// refuse answers in the envelope of the 1EdTech services, imsx_StatusInfo.
func refuse(w http.ResponseWriter, f *demo.Fault) {
	demo.Write(w, f.Status, demo.Object{ // strings always encode
		"imsx_codeMajor":   "failure",
		"imsx_severity":    "error",
		"imsx_description": f.Description,
		"imsx_CodeMinor": demo.Object{"imsx_codeMinorField": []demo.Object{{
			"imsx_codeMinorFieldName":  "TargetEndSystem",
			"imsx_codeMinorFieldValue": codeMinor(f),
		}}},
	})
}

// codeMinor gives the word of the OneRoster vocabulary for a fault.
func codeMinor(f *demo.Fault) string {
	switch {
	case f.Code == badFilter || f.Code == badSelection:
		return f.Code
	case f.Status == http.StatusNotFound:
		return "unknownobject"
	case f.Status == http.StatusInsufficientStorage:
		return "server_busy"
	case f.Status == http.StatusInternalServerError:
		return "internal_server_error"
	}
	return "invaliddata"
}
