package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/fetch"
	"github.com/grantway/grantway/internal/mail"
	"github.com/grantway/grantway/internal/store"
)

// keepNotices is for how long it is remembered that somebody was told: longer than
// the longest time between two notices of one end.
const keepNotices = 100 * 24 * time.Hour

// notices deliver what waits in home's outbox: by mail, or to the publisher's
// webhook.
type notices struct {
	courier[store.Notice]

	// with returns what the catalogue says now; nil: nothing can be delivered.
	with func() *delivering
}

// delivering is what a notice is delivered with.
type delivering struct {
	compose func(store.Notice) (account.Message, error)
	mailer  account.Mailer     // nil: there is no mail
	webhook *catalogue.Webhook // nil: there is none
	client  *http.Client
}

// newPartnerNotices returns what delivers home's notices. Run it.
func (s *Server) newPartnerNotices(r *resources) *notices {
	n := openNotices(r.store.Notices(), s.options.Now)
	n.log = s.options.Log
	n.with = func() *delivering {
		g := s.current.Load()
		if g == nil || g.partners == nil {
			return nil
		}
		return &delivering{
			compose: g.partners.Compose, mailer: g.partners.Links.Mailer, webhook: g.catalogue.Webhook, client: g.outbound.Client(fetch.Want{}),
		}
	}
	return n
}

func openNotices(outbox store.Notices, now func() time.Time) *notices {
	n := &notices{}
	n.courier = newCourier[store.Notice](outbox, now)
	n.what = "notice"
	n.of = func(w store.Notice) errand { return errand{w.ID, w.Kind, w.Tries} } // its id names no person, and its kind says enough
	n.done = func(ctx context.Context, id string) error { return outbox.Sent(ctx, []string{id}, now()) }
	n.ready = func() bool { return n.with() != nil }
	n.deliver = n.tell
	return n
}

// tell delivers one notice. Nil: it arrived, or there is nothing it could be
// delivered with.
func (n *notices) tell(ctx context.Context, notice store.Notice) error {
	with := n.with()
	switch {
	case with == nil:
		return errors.New("there is no home now")
	case strings.Contains(notice.To, "://"):
		if with.webhook == nil || notice.To != hookName(with.webhook.URL) && notice.To != with.webhook.URL.String() { // as older versions wrote it
			return nil // it is another one now, whose secret is not this one's
		}
		return n.post(ctx, with, notice)
	case with.mailer == nil:
		return nil
	}
	message, err := with.compose(notice)
	if err != nil {
		return err
	}
	if m, ok := with.mailer.(mailed); ok {
		if queue, ok := m.to.(*mail.Queue); ok { // it waits in the store already
			return queue.Deliver(ctx, mail.Message{To: message.To, Subject: message.Subject, Text: message.Text})
		}
	}
	return with.mailer.Send(ctx, message)
}

// hookName stands for the URL of a webhook in the store: who knows the whole of it
// can often post there, so it is not written down.
func hookName(at *url.URL) string {
	sum := sha256.Sum256([]byte(at.String()))
	return at.Scheme + "://" + at.Host + "/#" + hex.EncodeToString(sum[:8])
}

// A hooked is what a webhook is told.
type hooked struct {
	ID     string          `json:"id"`
	Kind   string          `json:"kind"`
	At     time.Time       `json:"at"`
	Detail json.RawMessage `json:"detail"`
}

// post tells the webhook.
func (n *notices) post(ctx context.Context, with *delivering, notice store.Notice) error {
	body, err := json.Marshal(hooked{notice.ID, notice.Kind, notice.QueuedAt, json.RawMessage(notice.Detail)})
	if err != nil {
		return err
	}
	status, err := postJSON(ctx, with.client, with.webhook.URL.String(), with.webhook.Secret.Signature(n.now(), body), body)
	if err == nil && (status < 200 || status > 299) {
		err = fmt.Errorf("it answered with status %d", status)
	}
	return err
}

// keepPartners finishes what a crash cut off, each minute, and four times a day
// looks for secrets that end.
func (s *Server) keepPartners(ctx context.Context, r *resources) {
	var looked time.Time
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		select {
		case <-wait.C:
		case <-ctx.Done():
			return
		}
		g := s.current.Load()
		if g == nil || g.partners == nil {
			wait.Reset(time.Second) // it is being started
			continue
		}
		wait.Reset(time.Minute)
		now := s.options.Now()
		s.keep(ctx, "what a crash cut off not finished", g.partners.Resume)
		if now.Sub(looked) >= 6*time.Hour {
			looked = now
			s.keep(ctx, "ends of secrets not told", g.partners.Ending)
			s.keep(ctx, "old notices not forgotten", func(ctx context.Context) error {
				_, err := r.store.Notices().Purge(ctx, now.Add(-keepNotices), 10000)
				return err
			})
		}
	}
}

// keep does something that may take a while.
func (s *Server) keep(ctx context.Context, failed string, do func(context.Context) error) {
	inTime, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	if err := do(inTime); err != nil && ctx.Err() == nil {
		s.options.Log.LogAttrs(ctx, slog.LevelWarn, failed, slog.Any("error", err))
	}
}
