package admin

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// A ChangeRecord is a fact that altered state.
type ChangeRecord struct {
	Seq    int64           `json:"seq" doc:"1, 2, 3, … in the order in which they were done."`
	At     time.Time       `json:"at" doc:"When."`
	Kind   string          `json:"kind" doc:"What: a noun, a dot, a verb, as in secret.revoked."`
	ID     string          `json:"id,omitempty" doc:"The id of what it is about."`
	Client string          `json:"client,omitempty" doc:"Whose secret it is, where the kind is a secret's."`
	Actor  string          `json:"actor" doc:"Who did it."`
	Trace  string          `json:"trace,omitempty" doc:"The trace id of the request that did it."`
	Detail json.RawMessage `json:"detail" doc:"What was before and what is after, as far as it is of use; never a secret."`
}

// A ChangePage is a page of changes.
type ChangePage struct {
	Changes []ChangeRecord `json:"changes" doc:"The newest first; at most as many as limit says."`
	Next    string         `json:"next,omitempty" doc:"For after, to get the next page; absent on the last. It is good for an hour."`
}

func listChanges(c *call) (ChangePage, error) {
	after, limit, err := c.page()
	if err != nil {
		return ChangePage{}, err
	}
	remembered := c.remembered()
	if remembered == nil {
		return ChangePage{}, &Problem{Status: http.StatusNotFound, Detail: "This environment remembers no changes."}
	}
	q := store.ChangeQuery{About: c.sent.Get("about"), Kind: c.sent.Get("kind"), Actor: c.sent.Get("actor"), Limit: limit + 1}
	if text := c.sent.Get("before"); text != "" {
		if q.Before, err = strconv.ParseInt(text, 10, 64); err != nil || q.Before < 1 || strconv.FormatInt(q.Before, 10) != text {
			return ChangePage{}, badQuery("before", "is not the number of a change", "take a seq")
		}
	}
	if after != "" { // a cursor of this list holds nothing else
		if q.Before, err = strconv.ParseInt(after, 10, 64); err != nil {
			return ChangePage{}, err
		}
	}
	found, err := remembered.History.Search(c.Context(), q)
	if err != nil {
		return ChangePage{}, err
	}
	page := ChangePage{Changes: []ChangeRecord{}}
	for _, one := range found[:min(limit, len(found))] {
		page.Changes = append(page.Changes, ChangeRecord{
			Seq: one.Seq, At: one.At, Kind: one.Kind, ID: one.ID, Client: one.Client, Actor: one.Actor, Trace: one.Trace, Detail: json.RawMessage(one.Detail),
		})
	}
	if len(found) > limit {
		page.Next = c.api.cursors.after(c.list(), strconv.FormatInt(found[limit-1].Seq, 10))
	}
	return page, nil
}
