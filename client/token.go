package client

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/grantway/grantway/oauth"
)

// A Token is what a server issued. It prints without its secrets.
type Token struct {
	Access  Secret
	Refresh Secret    // empty where there is none
	ID      Secret    // OpenID Connect's; not checked here
	Scopes  []string  // that were granted; not to be altered
	Expires time.Time // when it ends, by this machine's clock
}

// Header returns the value of the Authorization header (RFC 6750 §2.1).
func (t Token) Header() string { return oauth.TokenTypeBearer + " " + string(t.Access) }

// Lifetimes.
const (
	assumedLifetime = 5 * time.Minute // of tokens whose server does not say (RFC 6749 §5.1 recommends it)
	maxLifetime     = 366 * 24 * time.Hour
	maxEarly        = 5 * time.Minute
	maxMargin       = 10 * time.Second
)

// held is a token in use. Instants are compared by the monotonic clock, which no
// correction of the wall clock moves; renewWall is for machines that slept, where
// that clock stood still.
type held struct {
	token     Token
	header    string
	asked     time.Time
	renew     time.Time // from here a renewal begins behind the callers
	hard      time.Time // from here callers wait for it
	ends      time.Time
	life      time.Duration // from asked to renew
	renewWall int64         // Unix seconds
	looked    atomic.Int64  // age in nanoseconds when the wall clock was last read
}

// hold says when a token that was asked for at an instant is renewed. spread is
// from 0 to 1: processes that began together do not renew together.
func hold(t Token, asked time.Time, lifetime time.Duration, spread float64) *held {
	early := min(lifetime/5, maxEarly)
	early += time.Duration(spread * float64(early) / 2)
	h := &held{
		token: t, header: t.Header(), asked: asked,
		renew: asked.Add(lifetime - early),
		hard:  asked.Add(lifetime - min(lifetime/10, maxMargin)),
		ends:  asked.Add(lifetime),
	}
	h.life, h.renewWall = h.renew.Sub(asked), h.renew.Unix()
	h.token.Expires = h.ends
	return h
}

// fresh is on the path of every call, and reading a clock is most of what it
// costs: the monotonic one alone costs half of what time.Now does, so the wall
// clock is read once a second. Where it is set forward, a renewal comes early,
// which does no harm.
func (h *held) fresh() bool {
	age := time.Since(h.asked)
	if age >= h.life {
		return false
	}
	if age-time.Duration(h.looked.Load()) < time.Second {
		return true
	}
	if time.Now().Unix() > h.renewWall {
		return false
	}
	h.looked.Store(int64(age))
	return true
}

func (h *held) alive(now time.Time) bool { return h != nil && now.Before(h.ends) }

// An answer is a token endpoint's, of either kind (RFC 6749 §5.1, §5.2).
type answer struct {
	Access      string          `json:"access_token"`
	Type        string          `json:"token_type"`
	Expires     json.RawMessage `json:"expires_in"`
	Refresh     string          `json:"refresh_token"`
	ID          string          `json:"id_token"`
	Scope       scope           `json:"scope"`
	Code        oauth.ErrorCode `json:"error"`
	Description string          `json:"error_description"`
	URI         string          `json:"error_uri"`
}

// A scope is one of an answer: words (RFC 6749 §3.3), or a list, as some servers send
// it. What is neither is as if it was not said.
type scope []string

// UnmarshalJSON is json.Unmarshaler's.
func (s *scope) UnmarshalJSON(text []byte) error {
	var words string
	if json.Unmarshal(text, &words) == nil {
		*s = strings.Fields(words)
	} else if json.Unmarshal(text, (*[]string)(s)) != nil {
		*s = nil
	}
	return nil
}

// wrong says what keeps the answer from being a token; empty: nothing.
func (a *answer) wrong() string {
	switch {
	case a.Access == "":
		return "answers without an access_token"
	case !headerSafe(a.Access):
		return "answers with an access_token that no header can carry"
	case a.Type != "" && !strings.EqualFold(a.Type, oauth.TokenTypeBearer): // RFC 6749 §7.1
		return "answers with a token that is not a bearer token"
	}
	return ""
}

func headerSafe(s string) bool {
	for i := range len(s) {
		if s[i] <= 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// lifetime reads expires_in, which servers also send as a string or a fraction.
// One that is missing, or no length of time, is as if it was not said.
func (a *answer) lifetime() time.Duration {
	text := strings.TrimSpace(strings.Trim(string(a.Expires), `"`))
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(seconds) || seconds <= 0 {
		return assumedLifetime
	}
	if seconds >= maxLifetime.Seconds() {
		return maxLifetime
	}
	return time.Duration(seconds * float64(time.Second))
}

// token is the answer as callers see it. What the answer leaves out is as before
// (RFC 6749 §5.1, §6).
func (a *answer) token(asked []string, before Token) Token {
	t := Token{Access: Secret(a.Access), Refresh: Secret(a.Refresh), ID: Secret(a.ID), Scopes: asked}
	if len(a.Scope) > 0 {
		t.Scopes = a.Scope
	}
	if t.Refresh == "" {
		t.Refresh = before.Refresh
	}
	if t.ID == "" {
		t.ID = before.ID
	}
	return t
}
