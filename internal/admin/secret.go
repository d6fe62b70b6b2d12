package admin

import (
	"fmt"
	"time"

	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// A ShownSecret is what is shown of a secret.
type ShownSecret struct {
	ID           string    `json:"id" doc:"What to revoke it by."`
	Hint         string    `json:"hint" doc:"Its last characters; empty for one that was not made here."`
	CreatedAt    time.Time `json:"created_at,omitzero" doc:"When it was added; absent for a client of grantway.yaml."`
	ExpiresAt    time.Time `json:"expires_at,omitzero" doc:"When it ends; absent: it does not."`
	LastUsedAt   time.Time `json:"last_used_at,omitzero" doc:"When it was last used, to within seconds; absent: never."`
	LastUsedFrom string    `json:"last_used_from,omitempty" doc:"The network from which it was used then, such as 203.0.113.0/24; absent: never, or unknown."`
	Live         bool      `json:"live" doc:"It has not expired."`
}

// A NewSecret is a secret to add. What is absent is the default.
type NewSecret struct {
	Secret    *string    `json:"secret,omitempty" doc:"A secret that the client's programs have already. Absent: one is made, unless there is a hash."`
	Hash      *string    `json:"hash,omitempty" doc:"The hash of a secret that the client's programs have already, as another product stored it."`
	ExpiresAt *time.Time `json:"expires_at,omitempty" doc:"When it ends. Absent: it does not."`
}

// SecretList is the secrets of a client.
type SecretList struct {
	Secrets []ShownSecret `json:"secrets" doc:"Live and expired ones, without their texts."`
}

func listSecrets(c *call) (SecretList, error) {
	found, err := c.clients.Find(c.Context(), c.id())
	if err != nil {
		return SecretList{}, err
	}
	return SecretList{Secrets: c.secrets(&found)}, nil
}

func addSecret(c *call, n NewSecret) (Changed, error) {
	secret, faults := newSecret(n.Secret, n.Hash, n.ExpiresAt)
	if len(faults) > 0 {
		return Changed{}, faults
	}
	result, err := c.clients.AddSecret(c.Context(), c.id(), secret, c.by())
	if err != nil {
		return Changed{}, err
	}
	c.location = c.below("clients", result.Client.ID, "secrets", result.SecretID)
	return c.changed(result, nil)
}

func revokeSecret(c *call) (Changed, error) {
	return c.changed(c.clients.RevokeSecret(c.Context(), c.id(), c.PathValue("secret"), c.by()))
}

// A Leak says which secret others may know.
type Leak struct {
	SecretID string `json:"secret_id,omitempty" doc:"The id of the secret. Absent: the only one that is live."`
}

func leakedClient(c *call, sent Leak) (Changed, error) {
	found, err := c.clients.Find(c.Context(), c.id())
	if err != nil {
		return Changed{}, err
	}
	var live []string
	for _, s := range found.Secrets {
		if s.Live(c.api.Now()) {
			live = append(live, s.ID)
		}
	}
	switch {
	case sent.SecretID != "":
	case len(live) == 1:
		sent.SecretID = live[0]
	default:
		return Changed{}, partner.Faults{{
			Field: "secret_id", Problem: fmt.Sprintf("is missing: the client has %d live secrets", len(live)), Hint: "name the one that others may know",
		}}
	}
	return c.changed(c.clients.Leaked(c.Context(), c.id(), sent.SecretID, c.by()))
}

func (c *call) secrets(client *store.Client) []ShownSecret {
	now := c.api.Now()
	shown := make([]ShownSecret, len(client.Secrets))
	for i, s := range client.Secrets {
		shown[i] = ShownSecret{
			ID: s.ID, Hint: s.Hint, CreatedAt: s.CreatedAt, ExpiresAt: s.ExpiresAt,
			LastUsedAt: s.LastUsedAt, LastUsedFrom: s.LastUsedFrom, Live: s.Live(now),
		}
	}
	return shown
}

// newSecret reads the members about a secret. One that is there and empty is a
// variable that was not set, and not a wish for the default.
func newSecret(text, hash *string, expires *time.Time) (partner.NewSecret, partner.Faults) {
	var faults partner.Faults
	n := partner.NewSecret{
		Text: secret.Of(given(text, "secret", &faults)), Hash: secret.Of(given(hash, "hash", &faults)), ExpiresAt: end(expires),
	}
	return n, faults
}

// end is the end of something, where absent means never.
func end(at *time.Time) time.Time {
	switch {
	case at == nil:
		return time.Time{}
	case at.IsZero():
		return time.Unix(0, 0) // long ago, where the zero time would mean never
	}
	return *at
}

// given is the text of a member that may be absent and must not be empty.
func given(text *string, field string, faults *partner.Faults) string {
	if text == nil {
		return ""
	}
	if *text == "" {
		*faults = append(*faults, partner.Fault{Field: field, Problem: "is empty", Hint: "leave it away for one that is made here"})
	}
	return *text
}
