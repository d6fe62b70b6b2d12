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
	"sync"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

const (
	// noticeLease is how long a notice is this process's alone. One that dies
	// leaves its notices to whoever claims them then.
	noticeLease  = 20 * time.Minute
	noticeClaims = 3 // the last tries are made when the lease has ended again and again

	noticesAtOnce = 50   // being sent
	noticesHeld   = 1000 // being sent or waiting for another try

	// logoutTokenLife is how long a logout token may be believed (row Q04).
	logoutTokenLife = 2 * time.Minute

	noticeEvery = 15 * time.Second // when no change says that a session has ended
)

// logoutEvent is the member that makes a token a logout token (OpenID Connect
// Back-Channel Logout §2.4).
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// logoutNotices tells clients that sessions have ended (OpenID Connect Back-Channel
// Logout 1.0). What is to be told lies in the store: it survives this process. A
// client that does not answer with success is told five times within an hour: after
// 20 seconds and 2 minutes by this process, and after 20 and 40 minutes by whichever
// claims the notice. Then it is given up, which is a change.
type logoutNotices struct {
	outbox store.LogoutNotices
	now    func() time.Time
	random io.Reader
	log    *slog.Logger
	pauses []time.Duration // between tries of the first claim

	// with returns what the catalogue says now; false: nothing can be told.
	with func() (notifier, bool)

	wake chan struct{}  // a session has ended, or there is room again
	held chan struct{}  // one for each notice that this process has
	send chan struct{}  // one for each that it is sending
	all  sync.WaitGroup // notices that are held
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
	return &logoutNotices{
		outbox: outbox, now: now, random: random, pauses: []time.Duration{20 * time.Second, 100 * time.Second},
		wake: make(chan struct{}, 1), held: make(chan struct{}, noticesHeld), send: make(chan struct{}, noticesAtOnce),
	}
}

// noteChange says that there may be something to tell. It never blocks.
func (n *logoutNotices) noteChange(c store.Change) {
	if strings.HasPrefix(c.Kind, "session.") || strings.HasPrefix(c.Kind, "account.") {
		n.again()
	}
}

func (n *logoutNotices) again() {
	select {
	case n.wake <- struct{}{}:
	default: // it was said, and not heard yet
	}
}

// run tells clients until the context ends. What is under way then is left to the
// next process.
func (n *logoutNotices) run(ctx context.Context) {
	defer n.all.Wait()
	tick := time.NewTicker(noticeEvery)
	defer tick.Stop()
	for {
		if with, ok := n.with(); ok {
			n.claim(ctx, with)
		}
		select {
		case <-n.wake:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// claim begins with everything that is due and that there is room for.
func (n *logoutNotices) claim(ctx context.Context, with notifier) {
	for room := cap(n.held) - len(n.held); room > 0; room = cap(n.held) - len(n.held) {
		now := n.now()
		some := min(room, noticesAtOnce)
		due, err := n.outbox.Claim(ctx, now, now.Add(noticeLease), some)
		if err != nil {
			n.failed(ctx, "logout notices not read", "", err)
			return
		}
		for _, notice := range due {
			n.held <- struct{}{}
			n.all.Go(func() {
				defer func() { <-n.held; n.again() }()
				n.settle(ctx, with, notice)
			})
		}
		if len(due) < some {
			return
		}
	}
}

// settle tells one client as often as one claim has it, and forgets the notice
// when it has arrived, nobody wants it, or it was the last try.
func (n *logoutNotices) settle(ctx context.Context, with notifier, notice store.LogoutNotice) {
	var err error
	for try := 0; notice.Tries <= noticeClaims; try++ {
		if err = n.tell(ctx, with, notice); err == nil {
			if err = n.outbox.Done(ctx, []string{notice.ID}); err != nil {
				n.failed(ctx, "logout notice not forgotten", notice.ClientID, err) // it is told twice, which does no harm
			}
			return
		}
		if ctx.Err() != nil {
			return
		}
		n.failed(ctx, "client not told of a logout", notice.ClientID, err)
		if notice.Tries > 1 || try >= len(n.pauses) {
			break
		}
		pause := time.NewTimer(n.pauses[try])
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return
		}
	}
	if notice.Tries < noticeClaims || errors.Is(err, store.ErrUnavailable) {
		return // it will be due again
	}
	err = n.outbox.GiveUp(ctx, notice.ID, store.By{Actor: "server", At: n.now()})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		n.failed(ctx, "logout notice not given up", notice.ClientID, err)
	}
}

func (n *logoutNotices) failed(ctx context.Context, what, client string, err error) {
	if ctx.Err() == nil {
		n.log.LogAttrs(ctx, slog.LevelWarn, what, slog.String("client_id", client), slog.Any("error", err))
	}
}

// tell makes a logout token and hands it to the client. Nil: it has it, or there
// is nobody who wants it.
func (n *logoutNotices) tell(ctx context.Context, with notifier, notice store.LogoutNotice) error {
	client, err := with.client(ctx, notice.ClientID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil || client.SignIn.LogoutNotice == "" {
		return err
	}
	select {
	case n.send <- struct{}{}:
		defer func() { <-n.send }()
	case <-ctx.Done():
		return ctx.Err()
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
