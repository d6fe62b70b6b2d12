package admin

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
)

// A Tally is how often something happened in an hour or a day.
type Tally struct {
	At      time.Time `json:"at" doc:"The beginning of the hour or the day, in UTC."`
	Client  string    `json:"client,omitempty" doc:"The client, where clients are kept apart; absent: none that is registered."`
	Secret  string    `json:"secret,omitempty" doc:"The id of the secret, where secrets are kept apart; absent: none proved anything."`
	API     string    `json:"api,omitempty" doc:"The API, where APIs are kept apart; absent: the request was about none."`
	Event   string    `json:"event,omitempty" doc:"token.issued, token.reused, call.passed, token.introspected, token.revoked, revocations.read; absent: it was refused."`
	Refusal string    `json:"refusal,omitempty" doc:"The id of the reason, where it was refused."`
	Count   int64     `json:"count" doc:"How often."`
}

// ActivityPage is a page of what happened.
type ActivityPage struct {
	Activity []Tally `json:"activity" doc:"In the order of time; at most as many as limit says. What happened in the last seconds may be missing."`
	Next     string  `json:"next,omitempty" doc:"For after, to get the next page; absent on the last. It is good for an hour."`
}

// A RefusedRequest is one request that was refused.
type RefusedRequest struct {
	Trace  string    `json:"trace" doc:"The trace id, which the answer carried as X-Request-Id."`
	At     time.Time `json:"at" doc:"When it came."`
	Client string    `json:"client,omitempty" doc:"The client that it was, or claimed to be; absent: none that is registered."`
	Secret string    `json:"secret,omitempty" doc:"The id of the secret that proved it; absent: none did."`
	API    string    `json:"api,omitempty" doc:"The API that it was about."`
	Route  string    `json:"route" doc:"The endpoint or the route that refused it, as the catalogue spells it."`
	Reason Refusal   `json:"reason" doc:"Why it was refused, and what to do."`
}

// RefusedPage is requests that were refused.
type RefusedPage struct {
	Refused []RefusedRequest `json:"refused" doc:"The newest first, but the oldest first where a trace id is asked for."`
}

const defaultSince = 24 * time.Hour

func listActivity(c *call) (ActivityPage, error) {
	after, limit, err := c.page()
	if err != nil {
		return ActivityPage{}, err
	}
	q := store.TallyQuery{Client: c.sent.Get("client"), API: c.sent.Get("api"), Limit: limit + 1, After: parseAfter(after)}
	if q.Since, err = c.time("since", c.api.Now().Add(-defaultSince)); err != nil {
		return ActivityPage{}, err
	}
	if q.Until, err = c.time("until", time.Time{}); err != nil {
		return ActivityPage{}, err
	}
	switch c.sent.Get("step") {
	case "", "hour":
	case "day":
		q.Days = true
	default:
		return ActivityPage{}, badQuery("step", "is neither hour nor day", "")
	}
	for by := range strings.SplitSeq(c.sent.Get("by"), ",") {
		switch by {
		case "":
		case "client":
			q.ByClient = true
		case "secret":
			q.BySecret = true
		case "api":
			q.ByAPI = true
		default:
			return ActivityPage{}, badQuery("by", "holds something else than client, secret and api", "join them with commas: by=client,api")
		}
	}
	found, err := c.activity().Tallies(c.Context(), q)
	if err != nil {
		return ActivityPage{}, err
	}
	page := ActivityPage{Activity: []Tally{}}
	for _, t := range found[:min(len(found), limit)] {
		page.Activity = append(page.Activity, Tally{t.Hour, t.Client, t.Secret, t.API, t.Event, t.Refusal, t.Count})
	}
	if len(found) > limit {
		page.Next = c.api.cursors.after(c.list(), formatAfter(found[limit-1]))
	}
	return page, nil
}

func listRefused(c *call) (RefusedPage, error) {
	_, limit, err := c.page()
	if err != nil {
		return RefusedPage{}, err
	}
	var found []store.RefusedRequest
	if trace := c.sent.Get("trace"); trace != "" {
		found, err = c.activity().Refused(c.Context(), strings.ToLower(trace))
		if errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		if client := c.sent.Get("client"); client != "" {
			found = slices.DeleteFunc(found, func(r store.RefusedRequest) bool { return r.Client != client })
		}
	} else {
		found, err = c.activity().RefusedOf(c.Context(), c.sent.Get("client"), limit)
	}
	if err != nil {
		return RefusedPage{}, err
	}
	page := RefusedPage{Refused: []RefusedRequest{}}
	for _, r := range found[:min(len(found), limit)] {
		page.Refused = append(page.Refused, RefusedRequest{
			Trace: r.Trace, At: r.At, Client: r.Client, Secret: r.Secret, API: r.API, Route: r.Route, Reason: reason(r.Refusal),
		})
	}
	return page, nil
}

// reason is a row of the table; one that a newer or older version wrote has its
// id only.
func reason(id string) Refusal {
	if r := refusal.Find(id); r != nil {
		return shownRefusal(r)
	}
	return Refusal{ID: id}
}

// activity is that of the environment that the call is about.
func (c *call) activity() store.Activity { return c.api.Activity(c.clients.Environment.Name) }

// time reads a time of the query.
func (c *call) time(name string, otherwise time.Time) (time.Time, error) {
	text := c.sent.Get(name)
	if text == "" {
		return otherwise, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil && at.Year() >= 1970 {
			return at.UTC(), nil
		}
	}
	return time.Time{}, badQuery(name, "is no time", "such as 2027-03-31T18:00:00Z or 2027-03-31")
}

// formatAfter and parseAfter are a tally's place in the order, as a cursor seals
// it. No name holds a NUL: the stores take none.
func formatAfter(t store.Tally) string {
	return strings.Join([]string{strconv.FormatInt(t.Hour.Unix(), 10), t.Client, t.Secret, t.API, t.Event, t.Refusal}, "\x00")
}

func parseAfter(text string) store.Tally {
	part := strings.Split(text, "\x00")
	at, err := strconv.ParseInt(part[0], 10, 64)
	if err != nil || len(part) != 6 {
		return store.Tally{} // the first page
	}
	return store.Tally{Hour: time.Unix(at, 0).UTC(), Client: part[1], Secret: part[2], API: part[3], Event: part[4], Refusal: part[5]}
}
