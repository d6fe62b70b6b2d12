// Package quickstart is the smallest demo API, for a first look: notes to read
// and write, a stream of events, and a WebSocket that echoes.
//
// It checks no token; the gateway in front of it has done so, and passes
// streams and WebSockets through as they are. Notes are kept in memory only.
//
// Its stream is the event stream of the HTML standard, its WebSocket that of
// RFC 6455, its errors have the members of RFC 6749 §5.2.
package quickstart

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/grantway/grantway/examples/demo"
)

// room bounds the notes, in bytes: GET /notes answers with all of them.
const room = 4 << 20

// How a stream runs: so many events unasked and at most, one each interval.
const (
	usualEvents = 5
	mostEvents  = 100
	interval    = 200 * time.Millisecond
)

type api struct {
	now   func() time.Time
	notes *demo.Collection
}

// API builds the demo API with two notes. The handler is safe for concurrent
// use, and two of them share nothing.
func API() http.Handler { return newRoutes(time.Now) }

func newRoutes(now func() time.Time) *demo.Routes {
	created := time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC).Format(time.RFC3339)
	a := &api{now: now, notes: demo.NewCollection("id", room,
		demo.Object{"id": "note-1", "text": "A token opened this door.", "created": created},
		demo.Object{"id": "note-2", "text": "POST /notes adds a note of your own.", "created": created},
	)}
	routes := &demo.Routes{}
	routes.Handle("GET /health", health)
	routes.Handle("GET /notes", a.list)
	routes.Handle("POST /notes", a.create)
	routes.Handle("GET /notes/{id}", a.read)
	routes.Handle("DELETE /notes/{id}", a.remove)
	routes.Handle("GET /stream", stream)
	routes.Handle("GET /echo", echo)
	return routes
}

func health(w http.ResponseWriter, _ *http.Request) error {
	return demo.Write(w, http.StatusOK, demo.Object{"status": "ok"})
}

func (a *api) list(w http.ResponseWriter, _ *http.Request) error {
	return demo.Write(w, http.StatusOK, demo.Object{"notes": a.notes.List()})
}

func (a *api) create(w http.ResponseWriter, r *http.Request) error {
	body, err := demo.ReadObject(w, r)
	if err != nil {
		return err
	}
	text, _ := body["text"].(string)
	if strings.TrimSpace(text) == "" {
		return demo.Invalid(`The body must be like {"text":"…"}, with a text that is not empty.`)
	}
	note, err := a.notes.Add("note-", demo.Object{"text": text, "created": a.now().UTC().Format(time.RFC3339)})
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/notes/"+note["id"].(string))
	return demo.Write(w, http.StatusCreated, note)
}

func (a *api) read(w http.ResponseWriter, r *http.Request) error {
	note, ok := a.notes.Get(r.PathValue("id"))
	if !ok {
		return unknown(r)
	}
	return demo.Write(w, http.StatusOK, note)
}

func (a *api) remove(w http.ResponseWriter, r *http.Request) error {
	if !a.notes.Delete(r.PathValue("id")) {
		return unknown(r)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func unknown(r *http.Request) *demo.Fault {
	return demo.NotFound(fmt.Sprintf("There is no note %q.", r.PathValue("id")))
}

// stream sends server-sent events, the first at once and then one each
// interval, and ends after the last or when the client has gone.
func stream(w http.ResponseWriter, r *http.Request) error {
	count := usualEvents
	if s := r.URL.Query().Get("count"); s != "" {
		var err error
		if count, err = strconv.Atoi(s); err != nil || count < 1 || count > mostEvents {
			return demo.Invalid(fmt.Sprintf("count must be a whole number from 1 to %d.", mostEvents))
		}
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodHead {
		return nil
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	flusher := http.NewResponseController(w)
	for n := range count {
		if n > 0 {
			select {
			case <-r.Context().Done():
				return nil
			case <-tick.C:
			}
		}
		fmt.Fprintf(w, "id: %d\nevent: tick\ndata: {\"number\":%d,\"of\":%d}\n\n", n+1, n+1, count)
		if flusher.Flush() != nil { // the client has gone; there is nobody to tell
			return nil
		}
	}
	return nil
}
