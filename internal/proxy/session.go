package proxy

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"sync"
	"time"

	"github.com/grantway/grantway/client"
)

// A session is one person in one browser. What it holds never leaves the process.
type session struct {
	key     string // hash of the handle that the browser has; says nothing to others
	client  *client.Client
	calls   http.RoundTripper // with the client's token
	claims  map[string]any    // what the page may see
	subject string
	sid     string // the issuer's name of its own session; empty: it gave none
	made    time.Time
	used    time.Time
	open    int // calls under way; guarded as sessions are
	at      *list.Element

	over context.Context // ends with it
	end  context.CancelFunc
}

// sessions are those of all browsers, in memory: bounded, ended when they are not
// used and at the latest after a time. It is safe for concurrent use.
type sessions struct {
	most       int
	idle, life time.Duration
	now        func() time.Time

	mu    sync.Mutex
	byKey map[string]*session
	order *list.List // the one used last in front
}

func newSessions(most int, idle, life time.Duration, now func() time.Time) *sessions {
	return &sessions{most: most, idle: idle, life: life, now: now, byKey: map[string]*session{}, order: list.New()}
}

// keyOf is under what a handle is found: who reads the memory's keys has no handle.
func keyOf(handle string) string {
	sum := sha256.Sum256([]byte(handle))
	return hex.EncodeToString(sum[:])
}

// add puts a session in. The one that was not used for longest makes room.
func (s *sessions) add(handle string, made *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for last := s.order.Back(); last != nil; last = s.order.Back() {
		if old := last.Value.(*session); len(s.byKey) < s.most && !s.over(old, now) {
			break
		}
		s.drop(last.Value.(*session))
	}
	made.key, made.made, made.used = keyOf(handle), now, now
	made.over, made.end = context.WithCancel(context.Background())
	made.at = s.order.PushFront(made)
	s.byKey[made.key] = made
}

func (s *sessions) over(x *session, now time.Time) bool {
	return x.open == 0 && now.Sub(x.used) >= s.idle || now.Sub(x.made) >= s.life
}

// during returns the context of a call, which ends when the session does. A session
// is in use as long as a call is; done says that it no longer is.
func (s *sessions) during(ctx context.Context, x *session) (_ context.Context, done func()) {
	ctx, cancel := context.WithCancel(ctx)
	unlink := context.AfterFunc(x.over, cancel)
	s.mu.Lock()
	x.open++
	left := s.life - s.now().Sub(x.made)
	s.mu.Unlock()
	end := time.AfterFunc(left, func() { s.remove(x) })
	return ctx, func() {
		end.Stop()
		unlink()
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		x.open--
		x.used = s.now()
		if s.byKey[x.key] == x {
			s.order.MoveToFront(x.at)
		}
	}
}

// find returns the session of a handle, which is used now; nil: there is none.
func (s *sessions) find(handle string) *session {
	key := keyOf(handle)
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.byKey[key]
	if x == nil {
		return nil
	}
	now := s.now()
	if s.over(x, now) {
		s.drop(x)
		return nil
	}
	x.used = now
	s.order.MoveToFront(x.at)
	return x
}

// remove ends a session; nil is none.
func (s *sessions) remove(x *session) {
	if x == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(x)
}

// end ends the sessions that an issuer means: of its session, or, where one of the
// two has no name for that, of the person.
func (s *sessions) end(subject, sid string) (ended int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.byKey {
		of := subject != "" && x.subject == subject
		if sid != "" && x.sid != "" {
			of = x.sid == sid && (of || subject == "")
		}
		if of {
			s.drop(x)
			ended++
		}
	}
	return ended
}

// drop takes a session out; s.mu is held. The second time does nothing.
func (s *sessions) drop(x *session) {
	if s.byKey[x.key] == x {
		x.end()
		delete(s.byKey, x.key)
		s.order.Remove(x.at)
	}
}

// left is after how long a session ends that is used at once.
func (s *sessions) left(x *session) time.Duration { return min(s.idle, s.life-s.now().Sub(x.made)) }
