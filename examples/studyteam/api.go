// Package studyteam is the demo API of a platform for clinical trials: an
// endpoint that echoes, as the published guide calls it, and the referral API
// with its sites, referrals and events.
//
// It checks no token; the gateway in front of it has done so. Its data are
// invented, name no person, and what is written is kept in memory only.
//
// Its statuses are those that integrators know: 202 for what is taken in to be
// worked on, 400 and 404. Errors have the members of RFC 6749 §5.2.
package studyteam

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/grantway/grantway/examples/demo"
)

// statuses are what a referral can be, each also the type of the event that
// tells of it, as in referral.enrolled.
var statuses = []string{"received", "contacted", "screened", "enrolled", "declined"}

// mostSubjectID is the length of a subject's id at most, in bytes: every event
// carries one.
const mostSubjectID = 100

type api struct {
	now       func() time.Time
	sites     *demo.Collection
	referrals *demo.Collection // by subject id
	events    *events
}

// API builds the demo API with its data. The handler is safe for concurrent
// use, and two of them share nothing.
func API() http.Handler { return newRoutes(time.Now) }

func newRoutes(now func() time.Time) *demo.Routes {
	a := &api{now: now, events: &events{}}
	a.fill()
	routes := &demo.Routes{}
	routes.Handle("/api/something", echo)
	routes.Handle("GET /rpi/sites", a.listSites)
	routes.Handle("POST /rpi/sites/{id}/referrals", a.refer)
	routes.Handle("PUT /rpi/sites/{id}/referrals/subjects/{subjectId}", a.report)
	routes.Handle("GET /rpi/events", a.listEvents)
	return routes
}

// received is what the echo tells: of the body either the JSON or the text.
type received struct {
	Method      string          `json:"method"`
	Client      string          `json:"client,omitempty"` // as the gateway named it
	ContentType string          `json:"contentType"`
	Bytes       int             `json:"bytes"`
	JSON        json.RawMessage `json:"json,omitempty"`
	Text        string          `json:"text,omitempty"`
}

// echo answers any method and any body. The guide's own example sends a body
// that is not JSON under a JSON content type, so the type decides nothing.
func echo(w http.ResponseWriter, r *http.Request) error {
	body, err := demo.ReadBody(w, r)
	if err != nil {
		return err
	}
	got := received{
		Method: r.Method, Client: r.Header.Get("Grantway-Client"),
		ContentType: r.Header.Get("Content-Type"), Bytes: len(body),
	}
	if utf8.Valid(body) && json.Valid(body) {
		got.JSON = body
	} else {
		got.Text = strings.ToValidUTF8(string(body), "\uFFFD")
	}
	return demo.Write(w, http.StatusOK, struct {
		Received received `json:"received"`
	}{got})
}

func (a *api) listSites(w http.ResponseWriter, _ *http.Request) error {
	return demo.Write(w, http.StatusOK, demo.Object{"sites": a.sites.List()})
}

// refer takes in a referral such as {"trialId":"trial-a","subjectId":"s-1"}.
// Without a subjectId it makes one.
func (a *api) refer(w http.ResponseWriter, r *http.Request) error {
	site, err := a.site(r)
	if err != nil {
		return err
	}
	body, err := demo.ReadObject(w, r)
	if err != nil {
		return err
	}
	trial, _ := body["trialId"].(string)
	if !slices.Contains(site["trialIds"].([]string), trial) {
		return demo.Invalid("trialId must be one of this site's trialIds, which GET /rpi/sites lists.")
	}
	referral := demo.Object{"siteId": site["id"], "trialId": trial, "status": statuses[0]}
	if given, ok := body["subjectId"]; ok {
		id, _ := given.(string)
		if id == "" || len(id) > mostSubjectID {
			return demo.Invalid(fmt.Sprintf("subjectId must be a string of 1 to %d bytes, or be left out.", mostSubjectID))
		}
		referral["subjectId"] = id
		created, err := a.referrals.Create(id, referral)
		if err != nil {
			return err
		}
		if !created {
			return demo.Invalid("A referral with this subjectId exists. Use PUT to report on it.")
		}
	} else if referral, err = a.referrals.Add("subject-new-", referral); err != nil {
		return err
	}
	a.events.add(a.now(), referral)
	return demo.Write(w, http.StatusAccepted, referral)
}

// report takes in what became of a referral, such as {"status":"screened"}.
func (a *api) report(w http.ResponseWriter, r *http.Request) error {
	site, err := a.site(r)
	if err != nil {
		return err
	}
	body, err := demo.ReadObject(w, r)
	if err != nil {
		return err
	}
	subject := r.PathValue("subjectId")
	if old, ok := a.referrals.Get(subject); !ok || old["siteId"] != site["id"] {
		return demo.NotFound(fmt.Sprintf("This site has no referral of a subject %q.", subject))
	}
	status, _ := body["status"].(string)
	if !slices.Contains(statuses, status) {
		return demo.Invalid("status must be one of: " + strings.Join(statuses, ", ") + ".")
	}
	referral, err := a.referrals.Change(subject, func(old demo.Object) (demo.Object, error) {
		return demo.Object{"subjectId": subject, "siteId": old["siteId"], "trialId": old["trialId"], "status": status}, nil
	})
	if err != nil {
		return err
	}
	a.events.add(a.now(), referral)
	return demo.Write(w, http.StatusAccepted, referral)
}

func (a *api) site(r *http.Request) (demo.Object, error) {
	site, ok := a.sites.Get(r.PathValue("id"))
	if !ok {
		return nil, demo.NotFound(fmt.Sprintf("There is no site %q; GET /rpi/sites lists them.", r.PathValue("id")))
	}
	return site, nil
}

// fill makes four sites, three trials, and a referral with its history for
// each of forty subjects.
func (a *api) fill() {
	var sites []demo.Object
	for i, name := range []string{"Riverbend General Hospital", "Lakeside Clinic", "Northgate Research Centre", "Harbour Medical School"} {
		sites = append(sites, demo.Object{
			"id": fmt.Sprintf("site-%d", i+1), "name": name, "country": "US", "status": "open",
			"trialIds": [][]string{{"trial-a"}, {"trial-a", "trial-b"}, {"trial-b", "trial-c"}}[i%3],
		})
	}
	a.sites = demo.NewCollection("id", 0, sites...)
	a.referrals = demo.NewCollection("subjectId", 0)
	at := time.Date(2026, time.September, 1, 9, 0, 0, 0, time.UTC)
	for i := range 40 {
		site := sites[i%len(sites)]
		trials := site["trialIds"].([]string)
		id := fmt.Sprintf("subject-%03d", i+1)
		for _, status := range statuses[:1+i%len(statuses)] {
			referral := demo.Object{"subjectId": id, "siteId": site["id"], "trialId": trials[i%len(trials)], "status": status}
			a.referrals.Put(id, referral) // forty small objects fit
			a.events.add(at, referral)
			at = at.Add(3 * time.Hour)
		}
	}
}
