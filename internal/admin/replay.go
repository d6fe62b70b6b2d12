package admin

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/store"
)

// KeepReplays is how long the answer to a request with an Idempotency-Key is given
// again; the server purges what is older.
const KeepReplays = 24 * time.Hour

// The longest idempotency key, and how long a request may be under way before it
// must have been cut off.
const (
	longestKey = 255
	longestDo  = 2 * time.Minute
)

// once does what is asked for, and for a request with an Idempotency-Key at most
// once: the same request again gets the same answer, but never a secret a second
// time. The key is bound to who asks, to the route and to everything that was sent.
func (c *call) once(do func() (*reply, error)) (*reply, error) {
	text, err := c.idempotencyKey()
	if err != nil {
		return nil, err
	}
	if text == "" {
		return do()
	}
	asked, err := c.asked(text)
	if err != nil {
		return nil, err
	}
	replays, err := c.replays()
	if err != nil {
		return nil, err
	}
	there, err := replays.Begin(c.Context(), asked)
	if errors.Is(err, store.ErrConflict) && there.At.Before(asked.At.Add(-KeepReplays)) {
		if err = forgetOver(c.Context(), replays, asked.At); err == nil {
			there, err = replays.Begin(c.Context(), asked)
		}
	}
	switch {
	case errors.Is(err, store.ErrConflict):
		return again(&there, &asked)
	case err != nil:
		return nil, err
	}
	done, failed := do()
	kept := done
	if failed != nil {
		p := problemOf(failed)
		if p.Status < http.StatusInternalServerError || p.Status == http.StatusServiceUnavailable {
			kept = &reply{} // nothing was done: the key is free again
		} else {
			p.complete(activity.Of(c.Context()).Trace)
			kept = &reply{Status: p.Status, MediaType: problemType, Body: encoded(p)}
		}
	}
	// Also for whoever has gone meanwhile. When it fails the answer is right all the
	// same, and the key stays as one that is under way.
	_ = replays.Finish(context.WithoutCancel(c.Context()), asked.Key, kept.Status, kept.stored())
	return done, failed
}

// forgetOver forgets the answers that are given no more.
func forgetOver(ctx context.Context, replays store.Replays, now time.Time) error {
	const some = 1000
	for {
		if n, err := replays.Purge(ctx, now.Add(-KeepReplays), some); err != nil || n < some {
			return err
		}
	}
}

// again answers a request whose key is known.
func again(there, asked *store.Replay) (*reply, error) {
	switch {
	case there.Request != asked.Request:
		return nil, &Problem{Status: http.StatusUnprocessableEntity, Detail: "The Idempotency-Key belongs to another request: use a new key for a new request."}
	case there.Status == 0 && asked.At.Sub(there.At) > longestDo:
		return nil, &Problem{Status: http.StatusConflict, Detail: "The request with this Idempotency-Key was cut off, and nobody knows whether it was done: look, and use a new key."}
	case there.Status == 0:
		return nil, &Problem{Status: http.StatusConflict, Detail: "The request with this Idempotency-Key is still under way.", retry: 1}
	}
	var made reply
	if err := json.Unmarshal(there.Answer, &made); err != nil {
		return nil, err
	}
	made.replay = true
	return &made, nil
}

// stored is a reply as it is kept: without secrets.
func (y *reply) stored() []byte {
	if y.Status == 0 {
		return nil
	}
	kept := *y
	if y.bare != nil {
		kept.Body = y.bare
	}
	return encoded(&kept)
}

// idempotencyKey is the key of a request that changes something, empty where there
// is none. It may be quoted, as a structured field is.
func (c *call) idempotencyKey() (string, error) {
	sent := c.Header["Idempotency-Key"]
	if len(sent) == 0 || !c.changes() {
		return "", nil
	}
	text := sent[0]
	if quoted, ok := strings.CutPrefix(text, `"`); ok {
		text, ok = strings.CutSuffix(quoted, `"`)
		if !ok {
			text = ""
		}
	}
	unfit := strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' })
	if len(sent) > 1 || text == "" || len(text) > longestKey || unfit {
		return "", &Problem{Status: http.StatusBadRequest, Detail: "The Idempotency-Key is not one word of at most 255 visible ASCII characters."}
	}
	return text, nil
}

// changes reports whether the request is one that changes something.
func (c *call) changes() bool { return c.route.method != http.MethodGet }

// asked is the request as it is remembered. Of what was sent there is a hash that
// needs the key, which is not stored: a password in it cannot be guessed by it.
func (c *call) asked(key string) (store.Replay, error) {
	body, err := c.body()
	if err != nil {
		return store.Replay{}, err
	}
	c.read = &body
	r := store.Replay{At: c.api.Now().UTC().Truncate(time.Microsecond)}
	r.Key = sha256.Sum256([]byte(strings.Join([]string{c.actor, c.route.method, c.route.path, key}, "\x00")))
	h := hmac.New(sha256.New, []byte(key))
	for _, part := range []string{c.URL.EscapedPath(), c.URL.RawQuery, strings.Join(c.Header["If-Match"], ","), c.Header.Get("Content-Type")} {
		_, _ = h.Write(append([]byte(part), 0)) // a hash takes everything
	}
	_, _ = h.Write(body)
	r.Request = [32]byte(h.Sum(nil))
	return r, nil
}

// replays remember the requests to the environment that the call is about.
func (c *call) replays() (store.Replays, error) {
	if has := c.remembered(); has != nil && has.Replays != nil {
		return has.Replays, nil
	}
	return nil, &Problem{Status: http.StatusBadRequest, Detail: "Nothing remembers an Idempotency-Key here: leave it away."}
}

// remembered is what the environment that the call is about remembers; nil where that
// is nothing.
func (c *call) remembered() *Remembered {
	name := catalogue.HomeName
	if c.clients != nil {
		name = c.clients.Environment.Name
	}
	if c.api.Remembered == nil {
		return nil
	}
	return c.api.Remembered(name)
}

// withoutSecrets is an answer without the members that it holds this once, which
// its warnings then say. It is false for an answer that holds none.
func withoutSecrets(body any) (any, bool) {
	is := reflect.ValueOf(body)
	if is.Kind() != reflect.Struct {
		return body, false
	}
	bare := reflect.New(is.Type()).Elem()
	bare.Set(is)
	var said []string
	for _, f := range reflect.VisibleFields(is.Type()) {
		if _, ok := f.Tag.Lookup("once"); ok && !bare.FieldByIndex(f.Index).IsZero() {
			bare.FieldByIndex(f.Index).SetZero()
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			said = append(said, name+" stood in the first answer to this Idempotency-Key and is kept nowhere: make another one if that answer is lost")
		}
	}
	if said == nil {
		return body, false
	}
	warnings := bare.FieldByName("Warnings")
	warnings.Set(reflect.AppendSlice(reflect.ValueOf([]string{}), reflect.AppendSlice(warnings, reflect.ValueOf(said))))
	return bare.Interface(), true
}
