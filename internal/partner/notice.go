package partner

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// Kinds of notices.
const (
	NoticeAsked    = "access.asked"     // to the publisher: somebody asks for access
	NoticeApproved = "access.approved"  // to who asked
	NoticeRefused  = "access.refused"   // to who asked
	NoticeEnding   = "secret.ending"    // to the partner, or the publisher whose own client it is
	NoticeLeaked   = "secret.leaked"    // the same
	NoticeClient   = "client.disabled"  // the same
	NoticeDisabled = "partner.disabled" // to the partner
	NoticeInvited  = "member.invited"   // to who was invited
)

// said is what a notice is made of. Nothing in it is a secret or a link, and of
// names that others typed only the partner's.
type said struct {
	Language    string    `json:"language,omitempty"`
	Environment string    `json:"environment,omitempty"`
	Partner     string    `json:"partner,omitempty"`
	Client      string    `json:"client_id,omitempty"`
	Secret      string    `json:"secret_id,omitempty"`
	Request     string    `json:"request,omitempty"`
	EndsAt      time.Time `json:"ends_at,omitzero"`
	Days        int       `json:"days,omitempty"`   // until then, at most
	Others      int       `json:"others,omitempty"` // secrets that the client has beside it
	Reason      string    `json:"reason,omitempty"`
}

// An addressee is somebody who is told.
type addressee struct {
	id       string // what notices are told apart by; no address
	to       string
	language string
}

// tell queues a notice about something for everybody whom it concerns, and for the
// webhook. One that was queued before is not queued again.
func (p *Partners) tell(ctx context.Context, kind, about string, what said, to []addressee) error {
	if p.Notify == nil {
		return nil
	}
	if p.Webhook != "" {
		to = append(to, addressee{"webhook", p.Webhook, ""})
	}
	now := p.Now().UTC().Truncate(time.Microsecond)
	var notices []store.Notice
	for _, one := range to {
		if one.to == "" {
			continue
		}
		what.Language = one.language
		detail, err := json.Marshal(what)
		if err != nil {
			return err
		}
		notices = append(notices, store.Notice{
			ID: kind + "/" + about + "/" + one.id, Kind: kind, To: one.to, Detail: string(detail), QueuedAt: now, DueAt: now,
		})
	}
	if len(notices) == 0 {
		return nil
	}
	return p.Notify(ctx, notices...)
}

// publisher is who is told of what is nobody else's.
func (p *Partners) publisher() []addressee { return []addressee{{"publisher", p.Contact, ""}} }

// people are who is told of what concerns a partner: its own address, else its
// admins.
func (p *Partners) people(ctx context.Context, is store.Partner) []addressee {
	if is.Email != "" {
		return []addressee{{"partner", is.Email, ""}}
	}
	var all []addressee
	for _, m := range is.Members {
		if m.Role == store.MemberAdmin {
			all = append(all, p.account(ctx, m.AccountID)...)
		}
	}
	return all
}

// whoAsked is where the answer to a request goes.
func (p *Partners) whoAsked(ctx context.Context, r store.AccessRequest) []addressee {
	if r.AccountID != "" { // what it says of its address anybody may have written
		return p.account(ctx, r.AccountID)
	}
	return []addressee{{"asker", r.Email, ""}}
}

// account is where a person reads what they are told: at an address that is known
// to be theirs, or that they were invited by. Nowhere, where it cannot be said.
func (p *Partners) account(ctx context.Context, id string) []addressee {
	if id == "" {
		return nil
	}
	a, err := p.Accounts.Find(ctx, id)
	if err != nil || !a.Profile.EmailVerified && !strings.EqualFold(a.Profile.Email, a.Name) {
		return nil
	}
	return []addressee{{a.ID, a.Profile.Email, a.Profile.Locale}}
}

// owners are who is told of what concerns a client.
func (p *Partners) owners(ctx context.Context, client *store.Client) ([]addressee, error) {
	if client.Partner == "" {
		return p.publisher(), nil
	}
	is, err := p.Store.Find(ctx, client.Partner)
	if err != nil {
		return nil, gone(err)
	}
	return p.people(ctx, is), nil
}

// Tell tells whose client it is that it was disabled (NoticeClient), or that a
// secret of it was replaced since others may know it (NoticeLeaked). It is for
// Clients.Tell.
func (p *Partners) Tell(ctx context.Context, kind, environment string, client store.Client, secretID string) error {
	to, err := p.owners(ctx, &client)
	if err != nil {
		return err
	}
	about := environment + "/" + client.ID + "/" + secretID
	if kind == NoticeClient {
		about += stampOf(client.DisabledAt)
		if client.DisabledBy != "" { // so that it is told again when the publisher takes over
			about += "/own"
		}
	}
	return p.tell(ctx, kind, about, said{Environment: environment, Client: client.ID, Secret: secretID}, to)
}

// windows are the days before its end at which a secret's people are told, the
// shortest first.
var windows = []int{1, 7, 15, 30, 60, 90}

// window is the one that a secret is in; 0: none, or one that is longer than the
// secret lives, since who makes one for a week knows.
func window(s *store.Secret, now time.Time) int {
	for _, days := range windows {
		if within := time.Duration(days) * 24 * time.Hour; s.ExpiresAt.Sub(now) <= within {
			if s.ExpiresAt.Sub(s.CreatedAt) <= within {
				return 0
			}
			return days
		}
	}
	return 0
}

// Ending queues notices about secrets that end within 90, 60, 30, 15, 7 and 1
// days, in every environment; each once. Call it daily, or more often.
func (p *Partners) Ending(ctx context.Context) error {
	now := p.Now().UTC().Truncate(time.Microsecond)
	before := now.AddDate(0, 0, windows[len(windows)-1])
	for _, c := range p.Environments() {
		var after time.Time
		var id string
		for {
			some, err := c.Secrets.Ending(ctx, now, before, after, id, page)
			if err != nil {
				return fmt.Errorf("environment %s: %w", c.Environment.Name, err)
			}
			for i := range some {
				if err := p.ending(ctx, c, &some[i], now); err != nil {
					return fmt.Errorf("environment %s: %w", c.Environment.Name, err)
				}
				after, id = some[i].ExpiresAt, some[i].ID
			}
			if len(some) < page {
				break
			}
		}
	}
	return nil
}

// ending tells of one secret, unless nobody can use it.
func (p *Partners) ending(ctx context.Context, c *Clients, s *store.Secret, now time.Time) error {
	days := window(s, now)
	if days == 0 {
		return nil
	}
	client, err := c.own(ctx, s.ClientID)
	if err != nil || client.Disabled() {
		return gone(err)
	}
	to, err := p.owners(ctx, &client)
	if err != nil {
		return err
	}
	return p.tell(ctx, NoticeEnding, fmt.Sprintf("%s/%s/%dd", c.Environment.Name, s.ID, days), said{
		Environment: c.Environment.Name, Client: client.ID, Secret: s.ID, EndsAt: s.ExpiresAt, Days: days, Others: live(&client, now) - 1,
	}, to)
}

// stampOf tells notices of different times apart.
func stampOf(at time.Time) string { return at.UTC().Format("20060102T150405") }
