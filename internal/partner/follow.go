package partner

import (
	"context"

	"github.com/grantway/grantway/internal/store"
)

// follow has the clients of a partner shown as the partner will be. They come first:
// as long as one is left, the partner itself says what they are to be told by.
func (p *Partners) follow(ctx context.Context, was, is *store.Partner, by store.By) error {
	if was.Name == is.Name && was.Homepage == is.Homepage && was.Verified == is.Verified {
		return nil
	}
	return p.each(ctx, is.ID, func(c *Clients, client *store.Client) error {
		known := client.SignIn
		change := Change{If: func(now *store.Client) bool { return now.Partner == is.ID && now.SignIn.Owner == known.Owner }}
		same := known.Owner == was.Name // else it is shown under a name of its own
		if same {
			change.Owner = &is.Name
		}
		if same && known.Homepage == was.Homepage {
			change.Homepage = &is.Homepage
		}
		if was.Verified != is.Verified && (same || !is.Verified) {
			change.Verified = &is.Verified
		}
		if change.Owner == nil && change.Verified == nil {
			return nil
		}
		_, err := c.Change(ctx, client.ID, change, by)
		return gone(err)
	})
}
