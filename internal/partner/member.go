package partner

import (
	"context"

	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// What a member of a partner may be let do.
const (
	MaySee     = "see"     // the partner, its clients and their activity
	MayTry     = "try"     // call the API with a token of its clients
	MaySecrets = "secrets" // make, rotate and replace secrets
	MayAsk     = "ask"     // for access to more
	MayMembers = "members" // say who is a member
	MayDelete  = "delete"  // clients, and disable and enable them
)

// MemberMay reports whether a member with that role may do what the word says. An
// admin may everything; who has no role may nothing.
func MemberMay(role, what string) bool {
	switch role {
	case store.MemberAdmin:
		return true
	case store.MemberDeveloper:
		return what == MaySee || what == MayTry || what == MaySecrets || what == MayAsk
	}
	return false
}

// An Invitation is what came of inviting somebody.
type Invitation struct {
	AccountID string
	Link      secret.Secret // where they choose a password; empty when it was mailed, or they have one
}

// Invite makes somebody a member of a partner. Who has no account at home gets one
// under the e-mail address, and a link to choose a password. To invite again sends
// another link, as long as there is no password.
func (p *Partners) Invite(ctx context.Context, id, email, name, role string, by store.By) (Invitation, error) {
	return Invitation{}, errNotYet
}

// SetMember gives an account a role at a partner, or none with an empty one.
func (p *Partners) SetMember(ctx context.Context, id, accountID, role string, by store.By) error {
	return errNotYet
}
