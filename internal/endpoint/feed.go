package endpoint

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/revocation"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/wire"
)

// Where the feed of revocations and the keys of its messages are, below the
// issuer.
const (
	FeedPath     = "/revocations"
	FeedKeysPath = "/.well-known/revocation-keys.json"
)

// Limits of streams. Zero fields of a Feed get them.
const (
	maxStreams          = 1000
	maxStreamsPerClient = 100
	longestStream       = 10 * time.Minute // then the reader comes again, and is authenticated again
	slowest             = 10 * time.Second // for a reader to take one message
)

// Feed tells verifiers what is revoked: as server-sent events (HTML §9.2) to who
// asks for text/event-stream, and one message at a time to everybody else. Each
// message is signed, so that it is worth as much from a file or through a proxy.
//
// It is for APIs: clients of type resource, by any method of authentication. The
// ids in it are no secrets, but which partner's client was switched off, and
// when, is no business of the other partners'.
//
// Mount it without deadlines: it keeps its own. Polling has no ETag, because an
// unsigned 304 would not prove that nothing was revoked.
type Feed struct {
	Clients clients
	Feed    *revocation.Feed
	Streams *Streams
	Answers *Answers

	longest, slowest time.Duration // zero: as above
}

// ServeHTTP answers GET.
func (f *Feed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	connection := http.NewResponseController(w)
	// An earlier request on the connection may have left its deadlines. One that
	// cannot keep time (in tests) is served all the same.
	_ = connection.SetReadDeadline(time.Time{})
	_ = connection.SetWriteDeadline(time.Now().Add(f.slow()))
	defer func() { _ = connection.SetWriteDeadline(time.Time{}) }()
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	client, err := f.reader(r)
	if err != nil {
		f.Answers.refuse(w, r, err)
		return
	}
	activity.Of(r.Context()).Event = "revocations.read"
	after := known(r)
	if !strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		f.answer(w, r, after)
		return
	}
	leave, ok := f.Streams.join(client.ID)
	if !ok {
		f.Answers.refuse(w, r, tooMany(time.Minute))
		return
	}
	defer leave()
	f.stream(w, r, connection, after)
}

// reader proves who is asking.
func (f *Feed) reader(r *http.Request) (*store.Client, error) {
	if r.URL.RawQuery != "" && secretIn(r.URL.RawQuery) {
		activity.Of(r.Context()).Note(activity.NoteSecretExposed)
		return nil, refusal.SecretInURL // row E03
	}
	client, _, err := f.Clients.Authenticate(r, wire.Parameters{})
	if err != nil {
		return nil, err
	}
	if client.Type != store.TypeResource {
		return nil, refusal.NotAnAPI
	}
	return client, nil
}

// known is the last change that the reader has heard of. What cannot be read is
// 0: the answer is then everything, which is never wrong.
func known(r *http.Request) int64 {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("after")
	}
	after, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return after
}

// answer writes one message.
func (f *Feed) answer(w http.ResponseWriter, r *http.Request, after int64) {
	m, err := f.Feed.Message(r.Context(), after)
	if err != nil {
		f.Answers.refuse(w, r, err)
		return
	}
	h := w.Header()
	noStore(h)
	h.Set("Content-Type", "application/jwt") // RFC 7519 §10.3.1
	h.Set("Content-Length", strconv.Itoa(len(m.Text)))
	w.Write([]byte(m.Text)) // who has gone asks again
}

// stream writes messages until the reader goes, does not take them, or has been
// here long enough.
func (f *Feed) stream(w http.ResponseWriter, r *http.Request, connection *http.ResponseController, after int64) {
	ctx, cancel := context.WithTimeout(r.Context(), cmp.Or(f.longest, longestStream))
	defer cancel()
	for first := true; ; first = false {
		moved := f.Feed.Moved()
		m, err := f.Feed.Message(ctx, after)
		if err != nil {
			if first {
				f.Answers.refuse(w, r, err)
			}
			return // a broken stream is a reader's sign to ask again
		}
		if first {
			h := w.Header()
			noStore(h)
			h.Set("Content-Type", "text/event-stream")
			h.Set("X-Accel-Buffering", "no") // nginx would collect what must not wait
		}
		_ = connection.SetWriteDeadline(time.Now().Add(f.slow()))
		if _, err := w.Write([]byte("id: " + strconv.FormatInt(m.Seq, 10) + "\ndata: " + m.Text + "\n\n")); err != nil {
			return
		}
		if err := connection.Flush(); err != nil {
			return
		}
		after = m.Seq
		if m.More {
			continue
		}
		select {
		case <-moved:
		case <-f.Feed.Closed():
			return
		case <-ctx.Done():
			return
		}
	}
}

func (f *Feed) slow() time.Duration { return cmp.Or(f.slowest, slowest) }

// Streams counts the streams that are open. The zero value is ready; it is safe
// for concurrent use, and one serves an environment over reloads.
type Streams struct {
	Most, MostPerClient int // zero: 1000 and 100

	mu  sync.Mutex
	all int
	by  map[string]int
}

// join counts a stream, unless there are too many. Call leave when it ends.
func (s *Streams) join(client string) (leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	most, mostPerClient := s.Most, s.MostPerClient
	if most == 0 {
		most, mostPerClient = maxStreams, maxStreamsPerClient
	}
	if s.all >= most || s.by[client] >= mostPerClient {
		return nil, false
	}
	if s.by == nil {
		s.by = map[string]int{}
	}
	s.all++
	s.by[client]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all--
		if s.by[client]--; s.by[client] == 0 {
			delete(s.by, client)
		}
	}, true
}
