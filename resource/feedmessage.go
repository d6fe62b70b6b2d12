package resource

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/jose"
)

const (
	feedType = "grantway-revocations+jwt"

	// maxEntries bounds what a server can make us remember: some 200 MB.
	maxEntries = 1 << 20

	// maxChain is how many messages may follow a snapshot until a new one is
	// fetched, which is shorter.
	maxChain = 512
)

// A message is what one word of the server says, once its signature has been
// checked. Times are Unix seconds.
type message struct {
	text    string
	at      time.Time
	Seq     int64 `json:"seq"`   // it is complete up to this change
	After   int64 `json:"after"` // from this one on; 0: from the beginning
	More    bool  `json:"more"`  // another message follows that belongs to it
	Ahead   bool  `json:"ahead"` // the server's store does not know all of it yet: no later snapshot need repeat it
	news    bool  // it said what was not known, once it was taken
	Entries []struct {
		Kind   string `json:"kind"`
		ID     string `json:"id"`
		Before int64  `json:"before"`
		Forget int64  `json:"forget"`
	} `json:"entries"`
}

// Why a message was not believed.
var (
	errForged  = errors.New("resource: a message of the feed is not the server's")
	errOld     = errors.New("resource: a message of the feed is older than one that was taken")
	errGap     = errors.New("resource: a message of the feed is missing")
	errTooMany = errors.New("resource: the feed has more entries than can be remembered")
	errFeedKey = errors.New("resource: a message of the feed is signed with an unknown key")
)

// verify reads a message signed with one of the keys. Nothing that it claims is
// looked at before (RFC 8725 §3.3).
func (f *Feed) verify(text string, keys []jose.PublicKey) (*message, error) {
	parsed, err := jose.Parse(text) // 16 KiB at most
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errForged, err)
	}
	if parsed.Type() != feedType {
		return nil, fmt.Errorf("%w: its typ is another one", errForged)
	}
	i := slices.IndexFunc(keys, func(k jose.PublicKey) bool { return k.KeyID == parsed.KeyID() })
	if i < 0 {
		return nil, errFeedKey
	}
	if f.KeyEnded(parsed.KeyID()) {
		return nil, fmt.Errorf("%w: its key was removed", errForged)
	}
	body, err := parsed.Verify(keys[i])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errForged, err)
	}
	claims, err := jose.ParseClaims(body) // no name twice
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errForged, err)
	}
	m := &message{text: text, at: claims.IssuedAt}
	if err := json.Unmarshal(body, m); err != nil {
		return nil, fmt.Errorf("%w: %w", errForged, err)
	}
	if claims.Issuer != f.config.Issuer || m.at.IsZero() || m.After < 0 || m.Seq < m.After {
		return nil, fmt.Errorf("%w: it is not from this issuer, or its claims make no sense", errForged)
	}
	return m, nil
}

// take learns what a message says. What is refused leaves everything as it was.
func (f *Feed) take(m *message) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case m.at.Before(f.heard.Add(-skew)):
		// Replayed. Servers' clocks may differ a little, so an older word counts
		// below; it just does not prove that anything is known until now.
		return errOld
	case m.After > f.position:
		return errGap
	case m.After > 0 && m.Seq < f.position:
		return errOld
	case len(f.ended)+len(m.Entries) > maxEntries:
		return errTooMany
	}
	f.learn(m)
	f.position = m.Seq
	f.status.Problem = nil
	if m.More {
		return nil
	}
	// A clock that is ahead of ours must not keep us open for longer.
	at, now := m.at, f.config.Now()
	if at.After(now) {
		at = now
	}
	if at.After(f.heard) {
		f.heard = at
	}
	return nil
}

// learn is called under mu. What a message adds is never wrong, whatever it
// continues.
func (f *Feed) learn(m *message) {
	for _, e := range m.Entries {
		about, said := subject{e.Kind, e.ID}, ending{e.Before, e.Forget}
		old, known := f.ended[about]
		if known {
			said.before = max(old.before, said.before)
			if said.forget == 0 || old.forget == 0 {
				said.forget = 0
			} else {
				said.forget = max(old.forget, said.forget)
			}
		}
		if !known || said != old {
			m.news = true
			f.ended[about] = said
		}
	}
}

// until is when nothing that a message says matters any more, in Unix seconds.
func (m *message) until() int64 {
	var last int64
	for _, e := range m.Entries {
		if e.Forget == 0 {
			return math.MaxInt64
		}
		last = max(last, e.Forget)
	}
	return last
}

// forget drops what no token can be about any more.
func (f *Feed) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	late := f.config.Now().Add(-skew).Unix() // our clock may be ahead
	for about, e := range f.ended {
		if e.forget != 0 && e.forget < late {
			delete(f.ended, about)
		}
	}
}

// refused counts a message that was not believed.
func (f *Feed) refused(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status.Refused++
	f.status.Problem = err
}
