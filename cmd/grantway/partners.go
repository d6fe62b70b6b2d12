package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/admin"
)

func partnersCommand() *cobra.Command {
	f := &adminFlags{}
	partners := &cobra.Command{
		Use:   "partners",
		Short: "Make, list, change, disable and delete partners and their people",
		Long: `Make, list, change, disable and delete partners: the organisations that own
clients. Their people are accounts of home, and help themselves in the portal.`,
	}
	f.registerHome(partners)
	partners.AddCommand(partnersList(f), partnersCreate(f), partnersShow(f), partnersChange(f), partnersDisable(f), partnersEnable(f),
		partnersDelete(f), partnersMembers(f), partnersInvite(f))
	return partners
}

// workAtHome is work for commands about home: no environment is chosen.
func (f *adminFlags) workAtHome(do func(*session, []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) (err error) {
		to, err := f.connect(c.Context(), c.ErrOrStderr(), false)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, to.close()) }()
		return unknown(c, args, "", do(&session{Command: c, adminFlags: f, to: to}, args))
	}
}

// pages asks for a list page by page; each takes one and says what comes after it.
func pages[P any](ctx context.Context, to *administrator, path string, query url.Values, each func(P) (next string)) error {
	q := url.Values{"limit": {strconv.Itoa(admin.MaxPage)}}
	for name, values := range query {
		if values[0] != "" {
			q[name] = values
		}
	}
	for {
		page, err := ask[P](ctx, to, http.MethodGet, path+"?"+q.Encode(), nil)
		if err != nil {
			return err
		}
		next := each(page)
		if next == "" {
			return nil
		}
		q.Set("after", next)
	}
}

func allPartners(ctx context.Context, to *administrator) ([]admin.Partner, error) {
	all := []admin.Partner{}
	err := pages(ctx, to, "/partners", nil, func(page admin.PartnerPage) string {
		all = append(all, page.Partners...)
		return page.Next
	})
	return all, err
}

// partnerIDs completes the first argument.
func (f *adminFlags) partnerIDs(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return f.complete(c, func(ctx context.Context, to *administrator) ([]cobra.Completion, error) {
		all, err := allPartners(ctx, to)
		var ids []cobra.Completion
		for _, p := range all {
			ids = append(ids, cobra.CompletionWithDesc(p.ID, p.Name))
		}
		return ids, err
	})
}

func partnersList(f *adminFlags) *cobra.Command {
	return &cobra.Command{
		Use:               "list",
		Short:             "List the partners in the order of their ids",
		Example:           `  grantway partners list`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: f.workAtHome(func(s *session, _ []string) error {
			all, err := allPartners(s.Context(), s.to)
			if err != nil {
				return err
			}
			if f.json {
				return writeJSON(s.OutOrStdout(), admin.PartnerPage{Partners: all})
			}
			var rows [][]string
			for _, p := range all {
				rows = append(rows, []string{p.ID, p.Name, partnerState(&p), strconv.Itoa(len(p.Members)), day(p.CreatedAt, "-")})
			}
			if len(rows) == 0 {
				return s.none("There is no partner; 'grantway partners create' makes one.")
			}
			return writeTable(s.OutOrStdout(), []string{"PARTNER", "NAME", "STATE", "PEOPLE", "CREATED"}, 1, rows)
		}),
	}
}

func partnerState(p *admin.Partner) string {
	switch {
	case p.Disabled:
		return "disabled"
	case p.Verified:
		return "verified"
	}
	return "enabled"
}

func partnersCreate(f *adminFlags) *cobra.Command {
	var n admin.NewPartner
	create := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a partner, before its people are invited",
		Example: `  grantway partners create "Acme Ltd" --homepage https://acme.example
  grantway partners create "Acme Ltd" --id acme --email api@acme.example`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: f.workAtHome(func(s *session, args []string) error {
			n.Name = args[0]
			changed, err := s.partnerChange(http.MethodPost, "/partners", n)
			if err != nil {
				return err
			}
			if f.json {
				return writeJSON(s.OutOrStdout(), changed)
			}
			return writeFields(s.OutOrStdout(), [][2]string{{"partner", changed.Partner.ID}, {"name", changed.Partner.Name}})
		}),
	}
	p := create.Flags()
	p.StringVar(&n.ID, "id", "", "the `id` that it is to have; without one, it gets a new one")
	p.StringVar(&n.Email, "email", "", "the `address` that notices go to; without one, to its admins")
	p.StringVar(&n.Homepage, "homepage", "", "the `URL` of its page")
	p.BoolVar(&n.Verified, "verified", false, "we know that it is who it says")
	p.StringSliceVar(&n.Admins, "admin", nil, "the id of an `account` of home that is its admin; may be repeated")
	return create
}

// partnerChange sends a request about a partner, and warns of what it warns of.
func (s *session) partnerChange(method, path string, body any) (admin.PartnerChanged, error) {
	changed, err := ask[admin.PartnerChanged](s.Context(), s.to, method, path, body)
	s.warn(changed.Warnings)
	return changed, err
}

func (s *session) warn(warnings []string) {
	for _, warning := range warnings {
		fmt.Fprintln(s.ErrOrStderr(), "warning:", printable(warning))
	}
}

func partnerPath(id string) string { return "/partners/" + url.PathEscape(id) }

func (s *session) foundPartner(id string) (admin.Partner, error) {
	return ask[admin.Partner](s.Context(), s.to, http.MethodGet, partnerPath(id), nil)
}

func partnersShow(f *adminFlags) *cobra.Command {
	return &cobra.Command{
		Use:               "show PARTNER",
		Short:             "Show a partner, its people and its clients everywhere",
		Example:           `  grantway partners show acme`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.partnerIDs,
		RunE: f.workAtHome(func(s *session, args []string) error {
			p, err := s.foundPartner(args[0])
			if err != nil {
				return err
			}
			if f.json {
				return writeJSON(s.OutOrStdout(), p)
			}
			clients, err := ask[admin.PartnerClientList](s.Context(), s.to, http.MethodGet, partnerPath(p.ID)+"/clients", nil)
			if err != nil {
				return err
			}
			people, err := s.members(p.ID)
			if err != nil {
				return err
			}
			fields := [][2]string{{"partner", p.ID}, {"name", p.Name}, {"state", partnerState(&p)}, {"created", moment(p.CreatedAt, "-")}}
			for _, field := range [][2]string{{"disabled", moment(p.DisabledAt, "")}, {"notices to", p.Email}, {"homepage", p.Homepage}} {
				if field[1] != "" {
					fields = append(fields, field)
				}
			}
			name := "people"
			for _, m := range people {
				fields, name = append(fields, [2]string{name, cmp.Or(m.Name, m.Account) + ", " + m.Role}), ""
			}
			if err := writeFields(s.OutOrStdout(), fields); err != nil || len(clients.Clients) == 0 {
				return err
			}
			fmt.Fprintln(s.OutOrStdout())
			var rows [][]string
			for _, c := range clients.Clients {
				rows = append(rows, []string{c.Environment, c.Client.ID, c.Client.Name, state(&c.Client)})
			}
			return writeTable(s.OutOrStdout(), []string{"ENVIRONMENT", "CLIENT ID", "NAME", "STATE"}, 2, rows)
		}),
	}
}

func partnersChange(f *adminFlags) *cobra.Command {
	var name, email, homepage string
	var verified bool
	change := &cobra.Command{
		Use:   "change PARTNER",
		Short: "Change what is known of a partner",
		Long:  `Change what is known of a partner. What is not named stays; '' takes it away.`,
		Example: `  grantway partners change acme --name "Acme Holding"
  grantway partners change acme --verified --homepage ''`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.partnerIDs,
		RunE: f.workAtHome(func(s *session, args []string) error {
			var sent admin.PartnerChange
			some := false
			for _, flag := range []struct {
				name string
				text *string
				to   **string
			}{{"name", &name, &sent.Name}, {"email", &email, &sent.Email}, {"homepage", &homepage, &sent.Homepage}} {
				if s.Flags().Changed(flag.name) {
					*flag.to, some = flag.text, true
				}
			}
			if s.Flags().Changed("verified") {
				sent.Verified, some = &verified, true
			}
			if !some {
				return &usageError{errors.New("nothing is to be changed: name what is, such as --name")}
			}
			changed, err := s.partnerChange(http.MethodPatch, partnerPath(args[0]), sent)
			if err != nil {
				return err
			}
			return s.say(changed, "changed "+changed.Partner.ID)
		}),
	}
	p := change.Flags()
	p.StringVar(&name, "name", "", "what people call it")
	p.StringVar(&email, "email", "", "the `address` that notices go to; '' for its admins")
	p.StringVar(&homepage, "homepage", "", "the `URL` of its page; '' for none")
	p.BoolVar(&verified, "verified", false, "we know that it is who it says; --verified=false: not any more")
	return change
}

// aboutPartner is a command about one partner, which it asks to confirm unless what
// is empty.
func (f *adminFlags) aboutPartner(c *cobra.Command, method, after, done, what string) *cobra.Command {
	if what != "" {
		f.destroying(c)
	}
	c.Args, c.ValidArgsFunction = cobra.ExactArgs(1), f.partnerIDs
	c.RunE = f.workAtHome(func(s *session, args []string) error {
		p, err := s.foundPartner(args[0])
		if err != nil {
			return err
		}
		if what != "" {
			if err := s.confirm(fmt.Sprintf(what, p.ID, printable(p.Name))); err != nil {
				return err
			}
		}
		changed, err := s.partnerChange(method, partnerPath(p.ID)+after, nil)
		if err != nil {
			return err
		}
		return s.say(changed, done+" "+p.ID)
	})
	return c
}

func partnersDisable(f *adminFlags) *cobra.Command {
	return f.aboutPartner(&cobra.Command{
		Use:     "disable PARTNER",
		Short:   "Keep its people out and disable its clients everywhere",
		Example: `  grantway partners disable acme`,
	}, http.MethodPost, "/disable", "disabled", "The people of %s (%s) are kept out of the portal, and its clients in every environment get no more tokens; those that they have end now.")
}

func partnersEnable(f *adminFlags) *cobra.Command {
	return f.aboutPartner(&cobra.Command{
		Use:     "enable PARTNER",
		Short:   "Undo disabling, but for clients that were disabled before",
		Example: `  grantway partners enable acme`,
	}, http.MethodPost, "/enable", "enabled", "")
}

func partnersDelete(f *adminFlags) *cobra.Command {
	return f.aboutPartner(&cobra.Command{
		Use:     "delete PARTNER",
		Short:   "Delete a partner with its clients everywhere, for ever",
		Example: `  grantway partners delete acme`,
	}, http.MethodDelete, "", "deleted", "The partner %s (%s) goes for ever, with its clients in every environment; their tokens end now, and no id of them can ever be used again. The accounts of its people stay.")
}
