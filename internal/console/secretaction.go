package console

import (
	"slices"

	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

var addSecret = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		_, _, form, err := v.aboutClient("Add a secret to", "Make the secret")
		if err != nil {
			return nil, err
		}
		form.Text = []string{"Both work until you revoke the old one, so that programs can change over one by one."}
		form.Fields = []web.ConsoleField{endField(v)}
		return form, nil
	},
	do: func(v *visit) error {
		e, c, _, err := v.aboutClient("", "")
		if err != nil {
			return err
		}
		end, err := v.end()
		if err != nil {
			return err
		}
		result, err := e.Clients.AddSecret(v.r.Context(), c.ID, partner.NewSecret{ExpiresAt: end}, v.by())
		if err != nil {
			return err
		}
		v.secretShown(e, &result, "The secret is made", nil)
		return nil
	},
}

// aboutSecret is aboutClient for one of its secrets.
func (v *visit) aboutSecret(title, button string) (*Environment, store.Client, store.Secret, *web.ConsoleForm, error) {
	e, c, form, err := v.aboutClient(title, button)
	if err != nil {
		return nil, c, store.Secret{}, nil, err
	}
	i := slices.IndexFunc(c.Secrets, func(s store.Secret) bool { return s.ID == v.field("secret") })
	if i < 0 {
		return nil, c, store.Secret{}, nil, home.ErrSecretGone
	}
	form.Sharp = true
	form.Hidden = append(form.Hidden, [2]string{"secret", c.Secrets[i].ID})
	return e, c, c.Secrets[i], form, nil
}

func called(s *store.Secret) string {
	if s.Hint == "" {
		return s.ID
	}
	return "that ends in " + s.Hint
}

var revokeSecret = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		_, c, s, form, err := v.aboutSecret("Revoke a secret of", "Revoke the secret")
		if err != nil {
			return nil, err
		}
		form.Goes = []string{"the secret " + called(&s), "every token that it obtained, within a second"}
		form.Text = []string{web.LastUse(s.LastUsedAt, s.LastUsedFrom)}
		if len(c.Secrets) == 1 {
			form.Text = append(form.Text, "It is the last one: the client gets no tokens until it has another.")
		}
		return form, nil
	},
	do: func(v *visit) error {
		e, c, s, _, err := v.aboutSecret("", "")
		if err != nil {
			return err
		}
		if _, err := e.Clients.RevokeSecret(v.r.Context(), c.ID, s.ID, v.by()); err != nil {
			return home.SecretGone(err)
		}
		return v.done("secret-revoked", "/client", "environment", e.Name, "id", c.ID)
	},
}

var leaked = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		_, _, s, form, err := v.aboutSecret("A secret leaked:", "Replace the secret now")
		if err != nil {
			return nil, err
		}
		form.Text = []string{
			"Another secret takes the place of the one " + called(&s) + ", in one step. The client cannot get tokens until its programs have the new one.",
			"You are shown the new secret once, and a list of what the old one did. " + web.LastUse(s.LastUsedAt, s.LastUsedFrom),
		}
		form.Goes = []string{"the secret " + called(&s), "every token that it obtained, within a second, everywhere"}
		return form, nil
	},
	do: func(v *visit) error {
		e, c, s, _, err := v.aboutSecret("", "")
		if err != nil {
			return err
		}
		result, err := e.Clients.Leaked(v.r.Context(), c.ID, s.ID, v.by())
		if err != nil {
			return home.SecretGone(err)
		}
		did, err := v.deeds(e, &c, &s)
		if err != nil {
			did.Empty = "What it did could not be read now; the client's page has it."
		}
		v.secretShown(e, &result, "The secret is replaced", []web.ConsoleSection{did})
		return nil
	},
}

// deeds is what a secret did.
func (v *visit) deeds(e *Environment, c *store.Client, s *store.Secret) (section web.ConsoleSection, err error) {
	all, err := e.Activity.Tallies(v.r.Context(), home.Deeds(c.ID, s))
	home.ShowDeeds(&section, all, s)
	section.Text += " What happened in the last seconds may be missing."
	return section, err
}
