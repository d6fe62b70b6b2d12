package resource

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/wire"
	"github.com/grantway/grantway/oauth"
)

// Limits of introspection.
const (
	answerLife   = 5 * time.Second // that "active" is believed
	refusalLife  = time.Second     // that "not active" is
	maxAsking    = 64              // requests on their way to the issuer
	maxWaiting   = 4096            // tokens that wait for an answer, whoever waits still: strangers make them up
	maxPresented = 16 << 10        // bytes of a token
)

// An Introspection asks an issuer whether tokens are good (RFC 7662). "Active"
// is believed for five seconds and never beyond the token's end, "not active"
// for one second, so a revoked token may be accepted for five seconds. However
// many present a token at once, the issuer is asked once. It is safe for
// concurrent use, and several checkers may share one.
type Introspection struct {
	url       string
	client    *http.Client
	authorize func(*http.Request) // holds the secret, which so is never printed
	memory    *memory
	asking    chan struct{} // one for each request on its way

	mu      sync.Mutex
	flights map[string]*question // by the token
}

// A question is one request to the issuer, for all who wait for it.
type question struct {
	done chan struct{}
	v    *verified // after done, as err
	err  error
}

var errBusy = errors.New("too many questions are on their way to the issuer")

// Introspect returns the introspection at a URL: https, or http on the loopback
// interface. The API authenticates with a client id and secret by Basic. About
// client see JWKS.
func Introspect(endpoint, clientID, secret string, client *http.Client) *Introspection {
	return &Introspection{
		url: endpoint, client: outbound(client), memory: newMemory(0),
		asking: make(chan struct{}, maxAsking), flights: map[string]*question{},
		authorize: func(r *http.Request) {
			r.SetBasicAuth(url.QueryEscape(clientID), url.QueryEscape(secret)) // RFC 6749 §2.3.1
		},
	}
}

func (i *Introspection) check() error {
	if i.client == nil {
		return errors.New("resource: an Introspection comes from Introspect")
	}
	if _, err := checkURL(i.url); err != nil {
		return fmt.Errorf("resource: where introspection is: %w", err)
	}
	return nil
}

// ask returns what the issuer says about a token, or ErrUnknown when it says that
// the token is not active.
func (i *Introspection) ask(ctx context.Context, presented string) (*verified, error) {
	if len(presented) > maxPresented {
		return nil, ErrUnknown
	}
	v := i.memory.find(presented)
	if v != nil && !time.Now().Before(v.until) {
		i.memory.drop(v)
		v = nil
	}
	if v == nil {
		q := i.question(presented)
		select {
		case <-q.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if v = q.v; q.err != nil {
			return nil, q.err
		}
	}
	if v.unknown {
		return nil, ErrUnknown
	}
	return v, nil
}

// question returns the request about a token that is on its way, or sends one.
func (i *Introspection) question(presented string) *question {
	i.mu.Lock()
	defer i.mu.Unlock()
	if q := i.flights[presented]; q != nil {
		return q
	}
	q := &question{done: make(chan struct{})}
	if len(i.flights) >= maxWaiting {
		q.err = errBusy
		close(q.done)
		return q
	}
	text := strings.Clone(presented)
	i.flights[text] = q
	go i.answer(q, text)
	return q
}

func (i *Introspection) answer(q *question, presented string) {
	ctx, cancel := context.WithTimeout(context.Background(), totalTimeout)
	defer cancel()
	asked := time.Now()
	q.v, q.err = i.send(ctx, presented)
	if q.err == nil {
		life := answerLife
		if q.v.unknown {
			life = refusalLife
		}
		until := asked.Add(life)
		if end := q.v.token.ExpiresAt; end.IsZero() {
			q.v.token.ExpiresAt = until // the issuer keeps its end to itself
		}
		i.memory.put(q.v, until, asked)
	}
	i.mu.Lock()
	delete(i.flights, presented)
	i.mu.Unlock()
	close(q.done)
}

func (i *Introspection) send(ctx context.Context, presented string) (*verified, error) {
	select {
	case i.asking <- struct{}{}:
		defer func() { <-i.asking }()
	case <-ctx.Done():
		return nil, errBusy
	}
	form := url.Values{"token": {presented}, "token_type_hint": {"access_token"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, i.url, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	i.authorize(r)
	body, _, err := fetch(i.client, r, maxMetadata)
	if err != nil {
		return nil, err
	}
	v, err := readIntrospection(body)
	if err != nil {
		return nil, fmt.Errorf("the answer of %s: %w", i.url, err)
	}
	v.presented = presented
	return v, nil
}

// readIntrospection reads an answer of RFC 7662 §2.2.
func readIntrospection(body []byte) (*verified, error) {
	var also struct {
		Active       *bool  `json:"active"`
		Type         string `json:"token_type"`
		Confirmation any    `json:"cnf"`
	}
	if err := wire.DecodeOpenJSON(body, &also); err != nil {
		return nil, err
	}
	if also.Active == nil {
		return nil, errors.New("it does not say whether the token is active")
	}
	if !*also.Active {
		return &verified{unknown: true}, nil
	}
	claims, err := jose.ParseClaims(body)
	if err != nil {
		return nil, err
	}
	return &verified{
		other: also.Confirmation != nil || // bound to a key, and nobody here checks the proof
			also.Type != "" && !strings.EqualFold(also.Type, oauth.TokenTypeBearer) ||
			claims.TokenUse != "" && claims.TokenUse != "access" && claims.TokenUse != "access_token", // Hydra's refresh tokens are active, too
		notBefore: claims.NotBefore,
		token: Token{
			ID: claims.ID, Issuer: claims.Issuer, Subject: claims.Subject, ClientID: claims.ClientID,
			Audience: claims.Audience, Scope: strings.Fields(claims.Scope),
			IssuedAt: claims.IssuedAt, ExpiresAt: claims.Expiry, source: strings.TrimSpace(string(body)),
		},
	}, nil
}
