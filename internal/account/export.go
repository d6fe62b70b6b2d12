package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// A Record is what is known of people, beside their accounts: the roles that
// [Export] reads.
type Record struct {
	Accounts   store.Accounts
	Factors    store.Factors
	Identities store.Identities
	Sessions   store.Sessions
	Devices    store.Devices
	Consents   store.Consents
	Grants     store.Grants
	Partners   store.Partners       // home's; nil: there are none
	Access     store.AccessRequests // the same
	Now        func() time.Time
}

// Export returns all that is known of a person, as JSON for the person (GDPR
// article 15). It holds no secret, no hash and no handle.
func (r *Record) Export(ctx context.Context, accountID string) ([]byte, error) {
	a, err := r.Accounts.Find(ctx, accountID)
	if err != nil {
		return nil, err
	}
	now := r.Now()
	factors, err := r.Factors.Of(ctx, a.ID)
	identities, err2 := r.Identities.Of(ctx, a.ID)
	sessions, err3 := r.Sessions.List(ctx, a.ID, now)
	devices, err4 := r.Devices.List(ctx, a.ID, now)
	consents, err5 := r.Consents.List(ctx, a.ID)
	grants, err6 := r.Grants.List(ctx, a.ID, now)
	members, asked, err7 := r.organised(ctx, a.ID)
	if err := errors.Join(err, err2, err3, err4, err5, err6, err7); err != nil {
		return nil, fmt.Errorf("export account: %w", err)
	}
	return json.MarshalIndent(struct {
		ID         string             `json:"id"`
		Name       string             `json:"name"`
		Roles      []string           `json:"roles"`
		Profile    store.Profile      `json:"profile"`
		CreatedAt  time.Time          `json:"created_at"`
		DisabledAt time.Time          `json:"disabled_at,omitzero"`
		Factors    []Factor           `json:"factors"`
		Identities []exportedIdentity `json:"identities"`
		Sessions   []exportedSession  `json:"sessions"`
		Devices    []exportedDevice   `json:"devices"`
		Consents   []exportedConsent  `json:"consents"`
		Grants     []exportedGrant    `json:"grants"`
		Members    []exportedMember   `json:"memberships"`
		Asked      []exportedAsking   `json:"access_requests"`
		ExportedAt time.Time          `json:"exported_at"`
	}{
		a.ID, a.Name, append([]string{}, a.Roles...), a.Profile, a.CreatedAt, a.DisabledAt, shown(factors),
		each(identities, func(i store.Identity) exportedIdentity { return exportedIdentity{i.Issuer, i.Subject} }),
		each(sessions, func(s store.Session) exportedSession {
			return exportedSession{s.ID, s.Methods, s.Agent, s.CreatedAt, s.AuthenticatedAt, s.SeenAt, s.EndsAt}
		}),
		each(devices, func(d store.Device) exportedDevice { return exportedDevice{d.ID, d.Name, d.CreatedAt, d.EndsAt} }),
		each(consents, func(c store.Consent) exportedConsent {
			return exportedConsent{c.ClientID, c.Scope(), c.Allowed, c.GivenAt, c.UsedAt}
		}),
		each(grants, func(g store.Grant) exportedGrant {
			return exportedGrant{g.ID, g.ClientID, g.Scope, g.APIs, g.CreatedAt, g.EndsAt}
		}),
		members, asked,
		now,
	}, "", "  ")
}

// maxOrganised is how many partners and how many requests an export holds of one
// person; nobody comes near it.
const maxOrganised = 1000

// organised is what a person is to partners, and what they asked for.
func (r *Record) organised(ctx context.Context, accountID string) (members []exportedMember, asked []exportedAsking, err error) {
	members, asked = []exportedMember{}, []exportedAsking{}
	if r.Partners == nil || r.Access == nil {
		return members, asked, nil
	}
	partners, err := r.Partners.List(ctx, store.PartnerQuery{Member: accountID, Limit: maxOrganised})
	if err != nil {
		return nil, nil, err
	}
	for _, p := range partners {
		for _, m := range p.Members {
			if m.AccountID == accountID {
				members = append(members, exportedMember{p.ID, p.Name, m.Role, m.Since})
			}
		}
	}
	requests, err := r.Access.List(ctx, store.AccessQuery{AccountID: accountID, Limit: maxOrganised})
	return members, append(asked, each(requests, func(a store.AccessRequest) exportedAsking {
		return exportedAsking{a.ID, a.Person, a.Email, a.Organised, a.Environment, a.Application, a.Purpose, a.AskedAt, a.Decision, a.DecidedAt}
	})...), err
}

type (
	exportedMember struct {
		Partner string    `json:"partner"`
		Name    string    `json:"name"`
		Role    string    `json:"role"`
		Since   time.Time `json:"since"`
	}
	exportedAsking struct {
		ID           string    `json:"id"`
		Person       string    `json:"person"`
		Email        string    `json:"email"`
		Organisation string    `json:"organisation"`
		Environment  string    `json:"environment"`
		Application  string    `json:"application"`
		Purpose      string    `json:"purpose"`
		AskedAt      time.Time `json:"asked_at"`
		Decision     string    `json:"decision"`
		DecidedAt    time.Time `json:"decided_at,omitzero"`
	}
	exportedIdentity struct {
		Issuer  string `json:"issuer"`
		Subject string `json:"subject"`
	}
	exportedSession struct {
		ID              string    `json:"id"`
		Methods         []string  `json:"methods"`
		Browser         string    `json:"browser"`
		CreatedAt       time.Time `json:"created_at"`
		AuthenticatedAt time.Time `json:"authenticated_at"`
		SeenAt          time.Time `json:"seen_at"`
		EndsAt          time.Time `json:"ends_at"`
	}
	exportedDevice struct {
		ID        string    `json:"id"`
		Browser   string    `json:"browser"`
		CreatedAt time.Time `json:"created_at"`
		EndsAt    time.Time `json:"ends_at"`
	}
	exportedConsent struct {
		ClientID string              `json:"client_id"`
		Scope    []string            `json:"scope"`
		Allowed  map[string][]string `json:"allowed"` // by API name
		GivenAt  time.Time           `json:"given_at"`
		UsedAt   time.Time           `json:"used_at"`
	}
	exportedGrant struct {
		ID        string    `json:"id"`
		ClientID  string    `json:"client_id"`
		Scope     []string  `json:"scope"`
		APIs      []string  `json:"apis"`
		CreatedAt time.Time `json:"created_at"`
		EndsAt    time.Time `json:"ends_at"`
	}
)

// each is never nil: an export says [] where there is nothing.
func each[From, To any](all []From, to func(From) To) []To {
	out := make([]To, len(all))
	for i, one := range all {
		out[i] = to(one)
	}
	return out
}
