package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// logoutTokenLife is how long a logout token may be believed (row Q04).
const logoutTokenLife = 2 * time.Minute

// logoutEvent is the member that makes a token a logout token (OpenID Connect
// Back-Channel Logout §2.4).
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// logoutNotices tells clients that sessions have ended (OpenID Connect Back-Channel
// Logout 1.0). What is to be told lies in the store: it survives this process. A
// client that does not answer with success is told five times within an hour, as a
// courier does; then it is given up, which is a change.
type logoutNotices struct {
	courier[store.LogoutNotice]
	random io.Reader

	// with returns what the catalogue says now; false: nothing can be told.
	with func() (notifier, bool)

	post func(ctx context.Context, address string, form url.Values) (status int, err error)
}

// A notifier is what a notice is made with.
type notifier struct {
	issuer string
	client func(ctx context.Context, id string) (*store.Client, error)
	signer func(jose.Algorithm) (*jose.Signer, error)
}

// newLogoutNotices returns what tells the clients of one environment. Run it.
func (s *Server) newLogoutNotices(r *resources) *logoutNotices {
	n := newNotices(r.store.LogoutNotices(), s.options.Now, s.options.Random)
	n.log = s.options.Log.With(slog.String("issuer", r.issuer))
	n.post = s.tell
	n.with = func() (notifier, bool) {
		env, p := s.current.Load().of(r), r.people.Load()
		if env == nil || p == nil {
			return notifier{}, false
		}
		return notifier{issuer: env.issuer(), client: env.Find, signer: p.ids.Signer}, true
	}
	return n
}

func newNotices(outbox store.LogoutNotices, now func() time.Time, random io.Reader) *logoutNotices {
	n := &logoutNotices{random: random}
	n.courier = newCourier[store.LogoutNotice](outbox, now)
	n.what = "logout notice"
	n.of = func(l store.LogoutNotice) errand { return errand{l.ID, l.ClientID, l.Tries} }
	n.done = func(ctx context.Context, id string) error { return outbox.Done(ctx, []string{id}) }
	n.ready = func() bool { _, ok := n.with(); return ok }
	n.deliver = n.tell
	return n
}

// noteChange says that there may be something to tell. It never blocks.
func (n *logoutNotices) noteChange(c store.Change) {
	if strings.HasPrefix(c.Kind, "session.") || strings.HasPrefix(c.Kind, "account.") {
		n.again()
	}
}

// tell makes a logout token and hands it to the client. Nil: it has it, or there
// is nobody who wants it.
func (n *logoutNotices) tell(ctx context.Context, notice store.LogoutNotice) error {
	with, ok := n.with()
	if !ok {
		return errors.New("nobody signs in here now")
	}
	client, err := with.client(ctx, notice.ClientID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil || client.SignIn.LogoutNotice == "" {
		return err
	}
	token, err := n.token(ctx, with, client, notice)
	if err != nil {
		return err
	}
	status, err := n.post(ctx, client.SignIn.LogoutNotice, url.Values{"logout_token": {token}}) // §2.5
	if err != nil {
		return err
	}
	if status < 200 || status > 299 { // §2.8 says 200; many answer 204
		return fmt.Errorf("it answered with status %d", status)
	}
	return nil
}

// token makes a logout token (§2.4): of a type, and with an event, that no ID token
// has, and without the nonce that each of those may have (row Q04).
func (n *logoutNotices) token(ctx context.Context, with notifier, client *store.Client, notice store.LogoutNotice) (string, error) {
	signer, err := with.signer(cmp.Or(jose.Algorithm(client.SignIn.IDTokenAlg), jose.RS256)) // §2.6
	if err != nil {
		return "", err
	}
	signer, err = signer.Under(fmt.Appendf(nil, `{"kid":%q,"alg":%q,"typ":"logout+jwt"}`, signer.KeyID(), signer.Algorithm()))
	if err != nil {
		return "", err
	}
	id, err := secret.NewID(n.random, 22)
	if err != nil {
		return "", err
	}
	now := n.now()
	claims, err := json.Marshal(logoutClaims{
		Issuer: with.issuer, Audience: client.ID, IssuedAt: now.Unix(), ExpiresAt: now.Add(logoutTokenLife).Unix(), ID: id,
		Subject: notice.AccountID, SessionID: notice.SessionID, Events: map[string]struct{}{logoutEvent: {}},
	})
	if err != nil {
		return "", err
	}
	return signer.Sign(ctx, claims)
}

type logoutClaims struct {
	Issuer    string              `json:"iss"`
	Subject   string              `json:"sub"`
	Audience  string              `json:"aud"`
	IssuedAt  int64               `json:"iat"`
	ExpiresAt int64               `json:"exp"`
	ID        string              `json:"jti"`
	SessionID string              `json:"sid"`
	Events    map[string]struct{} `json:"events"`
}
