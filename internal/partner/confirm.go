package partner

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// Limits of what strangers ask for.
const (
	ConfirmLife    = 24 * time.Hour // how long they may take to confirm it
	MaxOfAddress   = 3              // of one address that are open or not confirmed
	MaxUnconfirmed = 1000           // not confirmed, together: of more the oldest go
	MaxOfNetwork   = 5              // open ones from one network, where nobody can confirm
	MaxConfirmed   = 20             // open ones from one network that were confirmed
)

// ConfirmPath is the page of the portal on which a stranger confirms, below its URL.
const ConfirmPath = "/ask/confirm"

// Confirms reports whether strangers confirm by a link in a mail: where there are
// mails, and a portal that the link leads to.
func (p *Partners) Confirms() bool { return p.Links.Mailer != nil && p.PortalURL != "" }

// AskUnknown takes what a stranger asks for by themselves. Where they can be sent a
// mail, the request is open once they confirm what the link in it leads to; until then
// it is nobody's to see. Where they cannot, it is open at once. Faults and errors are
// those of Ask.
//
// Of an address that has its share already nothing is kept and no mail is sent, and
// that is no error: whoever types an address is not told what else is known of it.
func (p *Partners) AskUnknown(ctx context.Context, a Asking, by store.By) error {
	by = p.stamp(by)
	a.AccountID = ""
	r, err := p.judged(ctx, a, by)
	if err != nil {
		return err
	}
	if !p.Confirms() {
		return p.open(ctx, r, store.AccessLimits{Open: MaxUnknown, OfNetwork: MaxOfNetwork, Network: a.Network}, by)
	}
	handle, err := secret.NewOpaque(p.Random)
	if err != nil {
		return err
	}
	u := store.Unconfirmed{Hash: handle.Hash(), Request: r, Network: a.Network, EndsAt: by.At.Add(ConfirmLife)}
	err = p.Unconfirmed.Add(ctx, u, MaxOfAddress, MaxUnconfirmed)
	if errors.Is(err, store.ErrSpent) {
		return nil
	}
	if err != nil {
		return err
	}
	link := strings.TrimSuffix(p.PortalURL, "/") + ConfirmPath + "?link=" + url.QueryEscape(handle.Reveal())
	return p.Links.Mailer.Send(ctx, p.written(confirming, r.Email, a.Language, map[string]string{
		"environment": p.title(r.Environment), "link": link,
	}))
}

// Confirming is what the link of a mail is about. Nothing is done by looking. A link
// that is unknown, used or older than ConfirmLife is store.ErrNotFound.
func (p *Partners) Confirming(ctx context.Context, link string) (store.AccessRequest, error) {
	return p.Unconfirmed.Find(ctx, secret.HashOf(link), p.Now())
}

// Confirm opens the request of a link, once; the publisher is told. Errors are those of
// Confirming, and store.ErrSpent as of Ask: the link stays good then.
func (p *Partners) Confirm(ctx context.Context, link string, by store.By) (store.AccessRequest, error) {
	r, err := p.Unconfirmed.Confirm(ctx, secret.HashOf(link), store.AccessLimits{Open: MaxUnknown, OfNetwork: MaxConfirmed}, p.stamp(by))
	if err == nil {
		p.announce(ctx, &r)
	}
	return r, err
}

// Waiting is how many requests wait for strangers to confirm them.
func (p *Partners) Waiting(ctx context.Context) (int, error) {
	return p.Unconfirmed.Count(ctx, p.Now())
}
