package portal

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// about is what every form about a client has in common.
func (v *self) about(title, button string) (*Published, store.Client, *web.PortalPage, error) {
	e, c, err := v.mine()
	if err != nil {
		return nil, c, nil, err
	}
	if c.Declared {
		return nil, c, nil, partner.ErrDeclared
	}
	back := at("/application", "environment", e.Name, "id", c.ID)
	return e, c, &web.PortalPage{
		PortalFrame: web.PortalFrame{
			Title: title + " " + cmp.Or(c.Name, c.ID), Lead: "In " + cmp.Or(e.Title, e.Name) + ".",
			Trail: []web.ConsoleLink{{Text: "My applications", To: "/applications"}, {Text: cmp.Or(c.Name, c.ID), To: back}},
		},
		Form: &web.PortalForm{To: v.at.path, Hidden: [][2]string{{"environment", e.Name}, {"id", c.ID}}, Button: button, Back: back},
	}, nil
}

// aboutSecret is about for one of the client's secrets.
func (v *self) aboutSecret(title, button string) (*Published, store.Client, *store.Secret, *web.PortalPage, error) {
	e, c, p, err := v.about(title, button)
	if err != nil {
		return nil, c, nil, nil, err
	}
	i := slices.IndexFunc(c.Secrets, func(s store.Secret) bool { return s.ID == v.field("secret") })
	if i < 0 {
		return nil, c, nil, nil, home.ErrSecretGone
	}
	p.Form.Sharp = true
	p.Form.Hidden = append(p.Form.Hidden, [2]string{"secret", c.Secrets[i].ID})
	return e, c, &c.Secrets[i], p, nil
}

// secretName names a secret by what people see of it.
func secretName(s *store.Secret) string {
	if s.Hint == "" {
		return "the secret " + s.ID
	}
	return "the secret that ends in " + s.Hint
}

// lives are how long a new secret may be good, in days.
var lives = []int{30, 90, 180, 365}

func (v *self) secretPage() (*Published, store.Client, *web.PortalPage, error) {
	e, c, p, err := v.about("Generate a secret for", "Generate secret")
	if err != nil {
		return e, c, p, err
	}
	p.Text = []string{"You see it once, on the next page. Have the place open where it is to be kept."}
	if len(c.Secrets) > 0 {
		p.Text = append(p.Text, "The ones that there are stay good, so that your programs can change over one by one. Revoke the old one afterwards.")
	}
	pairs := []string{"", "when it is revoked"}
	for _, days := range lives {
		pairs = append(pairs, strconv.Itoa(days), "after "+strconv.Itoa(days)+" days")
	}
	p.Form.Fields = []web.ConsoleField{{
		Name: "expires_at", Label: "It ends", Kind: "select", Options: chosen(v.field("expires_at"), pairs...), Hint: "A mail tells of the end 90, 60, 30, 15 and 7 days and one day ahead, where mails are sent.",
	}}
	return e, c, p, nil
}

func (v *self) secretForm() error {
	_, _, p, err := v.secretPage()
	return v.form(p, err)
}

func (v *self) makeSecret() error {
	e, c, p, err := v.secretPage()
	if err != nil {
		return err
	}
	var n partner.NewSecret
	if days, err := strconv.Atoi(v.field("expires_at")); err == nil && slices.Contains(lives, days) {
		n.ExpiresAt = v.s.Now().UTC().Truncate(time.Second).AddDate(0, 0, days)
	}
	result, err := e.Clients.AddSecret(v.r.Context(), c.ID, n, v.by())
	if err != nil {
		return v.wrong(err, p)
	}
	return v.once(e, &result, "The secret is made", nil)
}

// once shows a secret, this once, with the sheet to keep beside it.
func (v *self) once(e *Published, result *partner.Result, title string, more []web.ConsoleSection) error {
	c := &result.Client
	here := at("/application", "environment", e.Name, "id", c.ID)
	return v.show(http.StatusOK, &web.PortalPage{
		PortalFrame: web.PortalFrame{Title: title, Lead: cmp.Or(c.Name, c.ID) + " in " + cmp.Or(e.Title, e.Name) + ".", Trail: []web.ConsoleLink{
			{Text: "My applications", To: "/applications"}, {Text: cmp.Or(c.Name, c.ID), To: here},
		}},
		Warnings: result.Warnings,
		Once:     &web.PortalOnce{Label: "Client secret", Secret: result.Secret.Reveal(), On: web.ConsoleLink{Text: "I have kept it", To: here}},
		Facts:    v.sheet(e, c), Sections: more,
	})
}

func (v *self) revokePage() (*Published, store.Client, *store.Secret, *web.PortalPage, error) {
	e, c, s, p, err := v.aboutSecret("Revoke a secret of", "Revoke the secret")
	if err != nil {
		return e, c, s, p, err
	}
	p.Form.Goes = []string{secretName(s), "every token that it obtained, within a second"}
	p.Text = []string{web.LastUse(s.LastUsedAt, s.LastUsedFrom)}
	if v.s.Now().Sub(s.LastUsedAt) < 24*time.Hour {
		p.Warnings = []string{"It was used within the last day: a program still has it, and stops when it is revoked."}
	}
	if len(c.Secrets) == 1 {
		p.Warnings = append(p.Warnings, "It is the only one: the application gets no tokens until it has another.")
	}
	return e, c, s, p, nil
}

func (v *self) revokeForm() error {
	_, _, _, p, err := v.revokePage()
	return v.form(p, err)
}

func (v *self) revoke() error {
	e, c, s, _, err := v.revokePage()
	if err != nil {
		return err
	}
	if _, err := e.Clients.RevokeSecret(v.r.Context(), c.ID, s.ID, v.by()); err != nil {
		return home.SecretGone(err)
	}
	return v.to("/application", "environment", e.Name, "id", c.ID, "done", "revoked")
}

func (v *self) leakedForm() error {
	_, _, s, p, err := v.aboutSecret("A secret leaked:", "Replace the secret now")
	if err != nil {
		return err
	}
	p.Text = []string{
		"If others may know " + secretName(s) + ", replace it now: it takes one step, and you see the new one at once.",
		"Until your programs have the new one they get no tokens. You also see what the old one did. " + web.LastUse(s.LastUsedAt, s.LastUsedFrom),
	}
	p.Form.Goes = []string{secretName(s), "every token that it obtained, within a second, everywhere"}
	return v.show(http.StatusOK, p)
}

func (v *self) leaked() error {
	e, c, s, _, err := v.aboutSecret("", "")
	if err != nil {
		return err
	}
	result, err := e.Clients.Leaked(v.r.Context(), c.ID, s.ID, v.by())
	if err != nil {
		return home.SecretGone(err)
	}
	return v.once(e, &result, "The secret is replaced", []web.ConsoleSection{v.deeds(e, &c, s)})
}

// deeds is what a secret did.
func (v *self) deeds(e *Published, c *store.Client, s *store.Secret) (section web.ConsoleSection) {
	err := e.Settle(v.r.Context())
	var all []store.Tally
	if err == nil {
		all, err = e.Activity.Tallies(v.r.Context(), home.Deeds(c.ID, s))
	}
	home.ShowDeeds(&section, all, s)
	section.Text += " What happened in the last seconds, at another server of the publisher, may be missing."
	if err != nil {
		section.Empty = "It cannot be read now. The page \"Why was I refused?\" and the chart of the application have a part of it."
	}
	return section
}
