package partner

import (
	"context"
	"errors"

	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

var errNotYet = errors.New("not built yet")

// Asking is a request for a client. Who is signed in asks as an account, for a
// partner of theirs or one that is to be made; a stranger says who they are.
type Asking struct {
	PartnerID string // empty: a partner is made of Organised
	AccountID string // empty: a stranger

	Organised string // the organisation's name; needed without PartnerID
	Person    string // a stranger's name
	Email     string // a stranger's address, where the answer goes

	Environment string
	Application string // its name
	Type        string // empty: machine
	Purpose     string // why; people read it
	Redirects   []string
	APIs        []string // as of New
	Scopes      []string
}

// An Approval is what came of approving a request.
type Approval struct {
	Request   store.AccessRequest
	Partner   store.Partner
	AccountID string
	Link      secret.Secret // as of Invitation
}

// Ask stores a request. Every fault is reported at once, under the names
// organisation, person, email, environment, application, type, purpose,
// redirect_uris, apis and scopes. store.ErrSpent: there are too many open ones.
func (p *Partners) Ask(ctx context.Context, a Asking, by store.By) (store.AccessRequest, error) {
	return store.AccessRequest{}, errNotYet
}

// Approve decides that a request is granted and makes what it needs: a stranger's
// partner and account, and the client, without a secret. Scopes nil: everything
// that was asked for; else a part of it: names of scopes, and of APIs that have
// none. It can be repeated with the same words after a crash, or left to Resume.
func (p *Partners) Approve(ctx context.Context, id string, scopes []string, reason string, by store.By) (Approval, error) {
	return Approval{}, errNotYet
}

// Refuse decides that a request is not granted. People read the reason.
func (p *Partners) Refuse(ctx context.Context, id, reason string, by store.By) error {
	return errNotYet
}

// Withdraw takes a request back, for whoever asked.
func (p *Partners) Withdraw(ctx context.Context, id string, by store.By) error { return errNotYet }

// Requests returns the requests that q asks for, the newest first. More says
// whether there are further ones.
func (p *Partners) Requests(ctx context.Context, q store.AccessQuery) (requests []store.AccessRequest, more bool, err error) {
	return nil, false, errNotYet
}

// Request returns one request.
func (p *Partners) Request(ctx context.Context, id string) (store.AccessRequest, error) {
	return p.Access.Find(ctx, id)
}
