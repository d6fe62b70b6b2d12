package server

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/wire"
	"github.com/grantway/grantway/resource"
)

// A trust is what a process knows of the issuers that its catalogue trusts
// besides its own environments: their keys, and who comes with their tokens. It
// is kept over reloads. It is safe for concurrent use.
type trust struct {
	now   func() time.Time
	log   *slog.Logger
	calls *prometheus.CounterVec
	since time.Time

	mu       sync.Mutex
	keys     map[keysAt]*otherKeys
	uses     map[usedAt]*use
	told     map[usedAt]string        // the day on which the log last said that it ends
	trusting []*catalogue.Environment // of the present reading

	begun sync.Once
	ctx   context.Context
	stop  context.CancelFunc
	all   sync.WaitGroup
	again chan struct{} // there is another reading
}

// keysAt is where keys come from, usedAt what uses are counted by.
type (
	keysAt struct{ issuer, jwks string }
	usedAt struct{ environment, api, issuer string }
)

// otherKeys are the keys of one issuer.
type otherKeys struct {
	*resource.KeySet
	stop context.CancelFunc // nil: nobody keeps them fresh
}

func newTrust(now func() time.Time, log *slog.Logger, registry *prometheus.Registry) *trust {
	t := &trust{
		now: now, log: log, since: now(), keys: map[keysAt]*otherKeys{}, uses: map[usedAt]*use{}, told: map[usedAt]string{},
		again: make(chan struct{}, 1),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "grantway_other_issuer_calls_total",
			Help: "Calls with a good token of another issuer that an API trusts for a time, by environment, API and issuer.",
		}, []string{"environment", "api", "issuer"}),
	}
	registry.MustRegister(t.calls)
	t.ctx, t.stop = context.WithCancel(context.Background())
	return t
}

// checker adds to the checker of an API's own tokens those of the other issuers
// that it trusts.
func (t *trust) checker(e *catalogue.Environment, api *catalogue.API, own *resource.Checker) (*either, error) {
	made := &either{own: own, others: map[string]*other{}}
	for _, i := range api.Issuers {
		config := resource.Config{
			Issuer: i.URL, Audience: i.Audience, Shape: resource.Shape(i.Shape), Keys: t.keysOf(i).KeySet, Remember: othersRemembered, Now: t.now,
		}
		for _, s := range api.Scopes {
			config.Scopes = append(append(config.Scopes, s.Name), s.Aliases...)
		}
		checker, err := resource.New(config)
		if err != nil {
			return nil, err
		}
		made.hosts = append(made.hosts, []byte(hostOf(i.URL)))
		made.others[i.URL] = &other{checker: checker, issuer: i, api: api, now: t.now, use: t.use(usedAt{e.Name, api.Name, i.URL})}
	}
	return made, nil
}

// hostOf is the host of an issuer's URL, as the URL spells it.
func hostOf(issuer string) string {
	_, rest, _ := strings.Cut(issuer, "://")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

// othersRemembered is how many tokens of one other issuer an API remembers.
const othersRemembered = 10_000

func (t *trust) keysOf(i *catalogue.Issuer) *otherKeys {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := keysAt{i.URL, i.JWKS}
	if t.keys[at] == nil {
		made := &otherKeys{KeySet: resource.Discover(i.URL, nil)}
		if i.JWKS != "" {
			made.KeySet = resource.JWKS(i.JWKS, nil)
		}
		t.keys[at] = made
	}
	return t.keys[at]
}

// An either checks the tokens of an API that come from its environment or from
// another issuer. What a token claims to be its issuer chooses who checks it, and
// proves nothing: that one checks everything, its issuer and with its keys only.
type either struct {
	own    *resource.Checker
	others map[string]*other // by iss
	hosts  [][]byte          // of the others
}

// Authenticate is resource.Checker's.
func (e *either) Authenticate(r *http.Request) (*resource.Token, error) {
	if chosen := e.others[e.claimed(r.Header["Authorization"])]; chosen != nil {
		return chosen.Authenticate(r)
	}
	return e.own.Authenticate(r)
}

// claimed is the issuer that the token of an Authorization header says. It is
// empty where that cannot be read; who checks the token then says why.
func (e *either) claimed(headers []string) string {
	if len(headers) != 1 {
		return ""
	}
	presented, err := wire.Bearer(headers[0])
	if err != nil {
		return ""
	}
	if !e.mentioned(presented) {
		return ""
	}
	parsed, err := jose.Parse(presented)
	if err != nil {
		return ""
	}
	issuer, err := parsed.UnverifiedIssuer()
	if err != nil {
		return ""
	}
	return issuer
}

// mentioned reports whether another issuer's host stands in what a token says.
// It spares the environment's own tokens the reading of their claims, which costs
// ten times what a token costs that is known already.
func (e *either) mentioned(presented string) bool {
	_, rest, _ := strings.Cut(presented, ".")
	payload, _, _ := strings.Cut(rest, ".")
	var room [2 << 10]byte
	said, err := base64.RawURLEncoding.AppendDecode(room[:0], []byte(payload))
	return err == nil && slices.ContainsFunc(e.hosts, func(host []byte) bool { return bytes.Contains(said, host) })
}

// An other is another issuer at one API.
type other struct {
	checker *resource.Checker
	issuer  *catalogue.Issuer
	api     *catalogue.API
	now     func() time.Time
	use     *use
}

// Authenticate is resource.Checker's, until the issuer ends. What it returns can
// be taken for nothing of the environment's: ids carry the issuer, there is no
// jti (which among ours names a secret), and scopes are those of the API.
func (o *other) Authenticate(r *http.Request) (*resource.Token, error) {
	now := o.now()
	if o.issuer.Ended(now) {
		return nil, refusal.IssuerEnded
	}
	good, err := o.checker.Authenticate(r)
	if err != nil {
		return nil, err
	}
	if good.ClientID == "" || len(good.ClientID) > maxOtherClient {
		return nil, refusal.TokenForAnotherAPI.From(errNoClient)
	}
	client := o.within(good.ClientID)
	o.use.note(client, now)
	seen := &resource.Token{
		Issuer: good.Issuer, Subject: o.within(good.Subject), ClientID: client, Audience: good.Audience,
		IssuedAt: good.IssuedAt, ExpiresAt: good.ExpiresAt,
	}
	if o.issuer.Until.Before(seen.ExpiresAt) {
		seen.ExpiresAt = o.issuer.Until // streams end with the token
	}
	for _, name := range good.Scope {
		if s := o.api.Scope(name); s != nil && !seen.Has(s.Name) {
			seen.Scope = append(seen.Scope, s.Name)
		}
	}
	return seen, nil
}

// maxOtherClient is how long a client's id may be at another issuer, in bytes.
const maxOtherClient = 255

var errNoClient = errors.New("it names no client, or one with an id that is too long")

// within is an id of the issuer's where those of all issuers stand together. No
// issuer has a fragment, so that the first # ends it; what follows is escaped.
func (o *other) within(id string) string { return o.issuer.URL + "#" + url.PathEscape(id) }

// begin begins to keep the keys of the issuers and to say in the log when they
// end. It is for processes that answer calls.
func (t *trust) begin() {
	t.begun.Do(func() { t.all.Go(t.follow) })
}

// set makes another reading of the catalogue the present one.
func (t *trust) set(trusting []*catalogue.Environment) {
	t.mu.Lock()
	t.trusting = trusting
	t.mu.Unlock()
	select {
	case t.again <- struct{}{}:
	default: // it has not been looked at since the last one
	}
}

func (t *trust) close() {
	t.stop()
	t.all.Wait()
}

// look is how often the time is looked at: a day and its end are noticed within it.
const look = time.Hour

func (t *trust) follow() {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		t.keep()
		t.tell()
		select {
		case <-t.ctx.Done():
			return
		case <-t.again:
		case <-tick.C:
		}
	}
}

// keep has the keys of every issuer kept fresh that is trusted now, and of no
// other.
func (t *trust) keep() {
	t.mu.Lock()
	defer t.mu.Unlock()
	wanted := map[keysAt]bool{}
	for _, e := range t.trusting {
		for _, api := range e.APIs {
			for _, i := range api.Issuers {
				at := keysAt{i.URL, i.JWKS}
				wanted[at] = wanted[at] || !i.Ended(t.now())
			}
		}
	}
	for at, k := range t.keys {
		switch {
		case wanted[at] && k.stop == nil:
			var ctx context.Context
			ctx, k.stop = context.WithCancel(t.ctx)
			t.all.Go(func() { t.fetch(ctx, at.issuer, k.KeySet) })
		case !wanted[at] && k.stop != nil:
			k.stop()
			k.stop = nil
		}
	}
}

// fetch fetches keys before anybody calls, and keeps them fresh until ctx ends.
func (t *trust) fetch(ctx context.Context, issuer string, keys *resource.KeySet) {
	starter, err := resource.New(resource.Config{
		Issuer: issuer, Audience: []string{issuer}, Shape: resource.Plain, Keys: keys, Remember: -1,
	})
	if err == nil {
		err = starter.Start(ctx)
	}
	if err != nil && ctx.Err() == nil {
		t.log.LogAttrs(ctx, slog.LevelError, "keys of another issuer not fetched; calls with its tokens are refused with 503 until they are",
			slog.String("issuer", issuer), slog.Any("error", err))
	}
}
