// Package clientauth finds out which client is asking and proves it, one file
// for each of token_endpoint_auth_methods_supported (RFC 6749 §2.3).
//
// It decides nothing about what the client may do: that is the endpoint's and
// the grant's. Secrets are compared by package secret; clients come from memory
// by way of package store/cached.
package clientauth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/wire"
	"github.com/grantway/grantway/oauth"
)

// A Method is one way for a client to say who it is and prove it.
type Method interface {
	// Name is the method's name in metadata.
	Name() string

	// Read returns the credentials that the request presents in this way. ok is
	// false when it presents none in this way.
	Read(r *http.Request, body wire.Parameters) (c Credentials, ok bool, err error)
}

// Methods are all methods that are served, in the order in which they are looked
// for. Metadata lists them.
func Methods() []Method { return []Method{Basic{}, Post{}, None{}} }

// Names returns the names of all methods by which a client proves itself; None
// proves nothing.
func Names() []string {
	var names []string
	for _, m := range Methods() {
		if m != (None{}) {
			names = append(names, m.Name())
		}
	}
	return names
}

// Credentials are an id and a secret as they were presented. Some libraries
// form-encode both before they make the header of them and some do not; where
// that makes a difference there are two readings, and both are one attempt.
type Credentials struct {
	Method   string
	Readings []Reading // one or two
}

// A Reading is one way to read presented credentials.
type Reading struct {
	ClientID string
	Secret   secret.Secret
}

// Remembered is the name under which secret.Checker remembers that a slow secret
// was right. One checker serves all environments, and every client of
// grantway.yaml calls its secret the same: by less they would push each other out
// of memory, and each would be hashed again at every request.
func Remembered(environment, clientID, secretID string) string {
	return environment + " " + clientID + " " + secretID
}

// Authenticator authenticates clients. It is safe for concurrent use.
type Authenticator struct {
	Environment string // whose clients they are

	Clients interface {
		Find(ctx context.Context, id string) (*store.Client, error)
	}
	Secrets  *secret.Checker
	Failures *limit.Budget // of wrong credentials, by client and address
	Key      []byte        // random, of this process: presented secrets are told apart under it
	Trusted  []netip.Prefix
	Now      func() time.Time

	// Failing is how long a failure takes at least; what takes longer ends with a
	// multiple of it. An id that nobody asked for lately is looked for in the store and
	// a known one is in memory: that would be heard in the answers (row E04). Zero: a
	// failure takes what it takes.
	Failing time.Duration

	// Elsewhere says which other environment of the deployment knows the client,
	// or has made the secret; empty: none. It is asked for the log only, when the
	// answer is out. Nil: there is no other.
	Elsewhere func(ctx context.Context, clientID string, s secret.Secret) string
}

// Authenticate returns the client that the request proves to be. It also returns
// the secret that proved it; nil for a client that keeps none and only says who it
// is, which the caller must know what to do with. A refusal spends nothing but the
// failure budget.
func (a *Authenticator) Authenticate(r *http.Request, body wire.Parameters) (*store.Client, *store.Secret, error) {
	began := time.Now() // monotonic: what is heard is real time, also under another clock
	client, used, err := a.authenticate(r, body)
	if a.Failing > 0 && errors.Is(err, oauth.InvalidClient) {
		left := time.NewTimer(a.Failing - time.Since(began)%a.Failing)
		defer left.Stop()
		select {
		case <-left.C:
		case <-r.Context().Done():
		}
	}
	return client, used, err
}

func (a *Authenticator) authenticate(r *http.Request, body wire.Parameters) (*store.Client, *store.Secret, error) {
	presented, err := read(r, body)
	if err != nil {
		return nil, nil, err
	}
	fact := activity.Of(r.Context())
	fact.Client = claimed(presented.Readings[0].ClientID)

	if presented.Method == oauth.AuthNone {
		client, err := a.public(r.Context(), presented.Readings[0].ClientID)
		return client, nil, err
	}
	from := limit.ClientAddress(r, a.Trusted)
	budgets := budgets(from, presented)
	for _, budget := range budgets {
		if ok, wait := a.Failures.Allow(budget); !ok {
			if len(fact.Client) > usualID { // nothing is looked at any more, and it may be a secret
				fact.Client = ""
			}
			return nil, nil, &RetryAfter{Err: refusal.TooManyFailures, Wait: wait}
		}
	}
	var why error
	for _, reading := range presented.Readings {
		var client *store.Client
		var used *store.Secret
		client, used, why = a.prove(r.Context(), reading)
		if why == nil {
			fact.Client, fact.Secret, fact.From = client.ID, used.ID, limit.CoarseNetwork(from)
			if err := permitted(client, used, presented.Method, a.Now()); err != nil {
				return nil, nil, err
			}
			return client, used, nil
		}
		if !errors.Is(why, oauth.InvalidClient) {
			return nil, nil, why // the store or the hashing could not say: not the client's failure
		}
	}
	last := presented.Readings[len(presented.Readings)-1]
	if errors.Is(why, refusal.ClientUnknown) && a.swapped(r.Context(), last) {
		fact.Client = ""
		fact.Note(activity.NoteSwapped)
	}
	for _, budget := range budgets {
		a.Failures.Fail(budget, a.fingerprint(last.Secret), presented.Method)
	}
	if a.Elsewhere != nil {
		fact.After = func(ctx context.Context) {
			if environment := a.Elsewhere(ctx, last.ClientID, last.Secret); environment != "" {
				fact.Note(activity.NoteOtherEnvironment + ":" + environment)
				fact.Refusal = refusal.SecretOfAnotherEnvironment.From(why)
			}
		}
	}
	return nil, nil, why
}

// read returns what the request presents; exactly one method may present
// anything (RFC 6749 §2.3).
func read(r *http.Request, body wire.Parameters) (Credentials, error) {
	var found Credentials
	for _, m := range Methods() {
		presented, ok, err := m.Read(r, body)
		switch {
		case found.Method != "" && (ok || err != nil):
			return Credentials{}, refusal.TwoMethods
		case err != nil:
			return Credentials{}, err
		case ok:
			found = presented
		}
	}
	if found.Method == "" {
		if body.Get("client_id") != "" {
			return Credentials{}, refusal.SecretMissing
		}
		return Credentials{}, refusal.ClientUnauthenticated
	}
	// A body may repeat the id beside an Authorization header, but not another one.
	if id := body.Get("client_id"); id != "" && !slices.ContainsFunc(found.Readings, func(r Reading) bool { return r.ClientID == id }) {
		return Credentials{}, refusal.TwoMethods
	}
	return found, nil
}

// MethodOf is the method of a request by which its client has proven itself with
// a secret: it presents no other.
func MethodOf(r *http.Request) string {
	if len(r.Header["Authorization"]) > 0 {
		return Basic{}.Name()
	}
	return Post{}.Name()
}

// public finds a client that keeps no secret. Any other must prove itself, also
// when it refreshes (row E07).
func (a *Authenticator) public(ctx context.Context, id string) (*store.Client, error) {
	client, err := a.Clients.Find(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, refusal.SecretMissing.From(err)
	case err != nil:
		return nil, err
	case !client.Public():
		return nil, refusal.SecretMissing
	case client.Disabled():
		return nil, refusal.ClientDisabled // row E22
	}
	return client, nil
}

// prove finds the client and the secret of it that was presented. A client that
// does not exist costs the same as a wrong secret (row E04).
func (a *Authenticator) prove(ctx context.Context, presented Reading) (*store.Client, *store.Secret, error) {
	client, err := a.Clients.Find(ctx, presented.ClientID)
	if errors.Is(err, store.ErrNotFound) {
		a.Secrets.Dummy(ctx, presented.Secret.Reveal())
		return nil, nil, refusal.ClientUnknown
	}
	if err != nil {
		return nil, nil, err
	}
	if len(client.Secrets) == 0 {
		a.Secrets.Dummy(ctx, presented.Secret.Reveal())
	}
	for i := range client.Secrets {
		s := &client.Secrets[i]
		verifier, err := secret.Parse(s.Verifier)
		if err != nil {
			return nil, nil, fmt.Errorf("secret %s of client %s: %w", s.ID, client.ID, err)
		}
		remembered := ""
		if verifier.IsSlow() {
			remembered = Remembered(a.Environment, client.ID, s.ID)
		}
		good, err := a.Secrets.Check(ctx, remembered, verifier, presented.Secret.Reveal())
		if err != nil {
			return nil, nil, err
		}
		if good {
			return client, s, nil
		}
	}
	return nil, nil, refusal.SecretWrong
}

// permitted refuses a client that has proven itself and may not be used all the
// same. Only the holder of a right secret learns why.
func permitted(client *store.Client, used *store.Secret, method string, now time.Time) error {
	switch {
	case client.Disabled():
		return refusal.ClientDisabled // row E22
	case !used.Live(now):
		return refusal.SecretExpired // row E23
	case len(client.AuthMethods) > 0 && !slices.Contains(client.AuthMethods, method):
		return refusal.MethodNotRegistered // row E06
	}
	return nil
}

// budgets are the keys under which failures are counted: guessing at one client
// from one network must not lock it out for others. There is one for each id that
// the credentials can mean; counting one spelling only would give a new budget
// to every other spelling (row E16).
func budgets(from netip.Addr, presented Credentials) []string {
	network := limit.AddressKey(from)
	keys := make([]string, 0, 2)
	for _, reading := range presented.Readings {
		id := reading.ClientID[:min(len(reading.ClientID), maxIDBytes)] // no longer id exists, and a key is kept in memory
		if key := network + " " + id; !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

const maxIDBytes = 128

// usualID is how long ids usually are at most, in bytes: as long as a UUID. Secrets are
// longer.
const usualID = 36

// claimed is a claimed id for the log: not what is longer than any id, nor a
// secret that stands in the id's place.
func claimed(id string) string {
	if _, secret := secret.Environment(id); secret || len(id) > maxIDBytes {
		return ""
	}
	return id
}

// swapped reports whether a secret stands in the id's place and the id in the
// secret's. What others made, and is only imported here, does not look like a secret.
// What does is no id, and is not asked for: unknown ids are kept in memory for a while.
func (a *Authenticator) swapped(ctx context.Context, presented Reading) bool {
	id := claimed(presented.Secret.Reveal())
	if id == "" {
		return false
	}
	_, err := a.Clients.Find(ctx, id)
	return err == nil
}

// fingerprint tells two presented secrets apart without keeping them.
func (a *Authenticator) fingerprint(s secret.Secret) limit.Fingerprint {
	mac := hmac.New(sha256.New, a.Key)
	mac.Write([]byte(s.Reveal()))
	return limit.Fingerprint(mac.Sum(nil)[:16])
}

// RetryAfter is a refusal that passes by itself.
type RetryAfter struct {
	Err  error
	Wait time.Duration
}

func (e *RetryAfter) Error() string { return e.Err.Error() }
func (e *RetryAfter) Unwrap() error { return e.Err }
