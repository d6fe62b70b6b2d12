package partner

import (
	"context"

	"github.com/grantway/grantway/internal/store"
)

// Kinds of notices.
const (
	NoticeAsked    = "access.asked"    // to the publisher: somebody asks for access
	NoticeApproved = "access.approved" // to who asked
	NoticeRefused  = "access.refused"  // to who asked
	NoticeEnding   = "secret.ending"   // to the partner, else the publisher
	NoticeKey      = "key.ending"      // to the publisher
	NoticeLeaked   = "secret.leaked"   // to the partner and the publisher
	NoticeDisabled = "client.disabled" // to the partner
	NoticeInvited  = "member.invited"  // to who was invited
)

// Ending queues notices about secrets that end within 90, 60, 30, 15, 7 and 1
// days, in every environment; each once. Call it daily, or more often.
func (p *Partners) Ending(ctx context.Context) error { return errNotYet }

// Leaked tells a client's partner and the publisher that a secret was replaced
// since it had leaked. It is for whoever called [Clients.Leaked].
func (p *Partners) Leaked(ctx context.Context, environment string, client store.Client, secretID string) error {
	return errNotYet
}
