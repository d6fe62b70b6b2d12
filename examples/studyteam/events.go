package studyteam

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/grantway/grantway/examples/demo"
)

// How many events an answer holds, unasked and at most, and how many are kept
// before the oldest go.
const (
	usualEvents = 100
	mostEvents  = 1000
	keptEvents  = 10_000
)

// event tells that a referral came to a status.
type event struct {
	ID         string    `json:"id"`
	Type       string    `json:"eventType"`
	OccurredAt time.Time `json:"occurredAt"`
	TrialID    string    `json:"trialId"`
	SiteID     string    `json:"siteId"`
	SubjectID  string    `json:"subjectId"`
}

// events keeps the latest events, oldest first. It is safe for concurrent use.
type events struct {
	mu   sync.Mutex
	made int
	kept []event
}

func (e *events) add(at time.Time, referral demo.Object) {
	e.mu.Lock()
	defer e.mu.Unlock()
	text := func(member string) string { s, _ := referral[member].(string); return s }
	e.made++
	e.kept = append(e.kept, event{
		ID: fmt.Sprintf("event-%06d", e.made), Type: eventType(text("status")), OccurredAt: at.UTC(),
		TrialID: text("trialId"), SiteID: text("siteId"), SubjectID: text("subjectId"),
	})
	if len(e.kept) > keptEvents {
		e.kept = slices.Delete(e.kept, 0, len(e.kept)-keptEvents)
	}
}

func (e *events) list() []event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.kept)
}

func eventType(status string) string { return "referral." + status }

// listEvents answers with the oldest events that match. To go on, ask again
// with since set to the time of the last one: that event comes once more, and
// none that happened at the same time is missed.
func (a *api) listEvents(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	page, err := demo.ReadPage(url.Values{"limit": query["limit"]}, usualEvents, mostEvents)
	if err != nil {
		return err
	}
	var since time.Time
	if s := query.Get("since"); s != "" {
		if since, err = time.Parse(time.RFC3339, s); err != nil {
			return demo.Invalid("since must be a time as in 2026-09-01T09:00:00Z (RFC 3339).")
		}
	}
	types, trials := list(query["eventTypes"]), list(query["trialIds"])
	for _, t := range types {
		if !slices.ContainsFunc(statuses, func(s string) bool { return eventType(s) == t }) {
			return demo.Invalid(fmt.Sprintf("eventTypes names %q; there are: %s.", t, eventType(strings.Join(statuses, ", referral."))))
		}
	}
	found := []event{} // an empty list, never null
	for _, e := range a.events.list() {
		if len(found) < page.Limit && !e.OccurredAt.Before(since) && wanted(types, e.Type) && wanted(trials, e.TrialID) {
			found = append(found, e)
		}
	}
	return demo.Write(w, http.StatusOK, struct {
		Events []event `json:"events"`
	}{found})
}

// list reads a parameter that may be repeated, joined by commas, or both.
func list(given []string) []string {
	var all []string
	for part := range strings.SplitSeq(strings.Join(given, ","), ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// wanted holds for every value when nothing is asked for.
func wanted(asked []string, value string) bool {
	return len(asked) == 0 || slices.Contains(asked, value)
}
