package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/admin"
)

func apiTokensCommand() *cobra.Command {
	f := &adminFlags{}
	tokens := &cobra.Command{
		Use:   "api-tokens",
		Short: "Create, list and revoke API tokens",
		Long: `Create, list and revoke API tokens: long-lived credentials of servers, for the
APIs that know them (api_tokens in grantway.yaml).

A plain one says which application calls, so that its calls can be counted and
limited. An elevated one also names the person it asks for: it is bound to
scopes, addresses and an end, and is not good before a second operator has
approved it.`,
	}
	f.register(tokens)
	tokens.AddCommand(apiTokensCreate(f), apiTokensList(f), apiTokensRevoke(f))
	return tokens
}

func apiTokensCreate(f *adminFlags) *cobra.Command {
	var n admin.NewAPIToken
	var expires string
	create := &cobra.Command{
		Use:   "create",
		Short: "Create an API token, which is printed once",
		Long: `Create an API token, which is printed once.

An elevated one needs scopes, addresses and an end, and is made on the server's
own machine or in the console. It is good when an operator has approved it in
the console.`,
		Example: `  grantway api-tokens create -e staging --name "Door signs" --api timetable
  grantway api-tokens create --name Sync --api timetable --needs-user
  grantway api-tokens create --name "Room planner" --api timetable --elevated \
    --scope timetable_read --address 192.0.2.0/24 --expires 90d`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: f.work(func(s *session, _ []string) error {
			if expires != "" {
				at, err := until("--expires", expires, time.Now())
				if err != nil {
					return &usageError{err}
				}
				n.EndsAt = &at
			}
			changed, err := s.apiTokenChange(http.MethodPost, s.path+"/api-tokens", n)
			if err != nil {
				return err
			}
			if f.json {
				return writeJSON(s.OutOrStdout(), changed)
			}
			t := changed.APIToken
			fields := [][2]string{{"environment", s.env}, {"id", t.ID}, {"API token", changed.Text}}
			if !t.EndsAt.IsZero() {
				fields = append(fields, [2]string{"expires", moment(t.EndsAt, "")})
			}
			if err := writeFields(s.OutOrStdout(), fields); err != nil {
				return err
			}
			fmt.Fprintln(s.ErrOrStderr(), "The token is shown this once and cannot be had again.")
			if t.State == admin.APITokenWaits {
				fmt.Fprintln(s.ErrOrStderr(), "It is good when an operator has approved it in the console, under API tokens.")
			}
			return nil
		}),
	}
	p := create.Flags()
	p.StringVar(&n.Name, "name", "", "the application that it is for")
	p.StringSliceVar(&n.APIs, "api", nil, "an `API` at which it is good; may be repeated")
	p.BoolVar(&n.NeedsUser, "needs-user", false, "it is good only together with an OAuth token")
	p.BoolVar(&n.Elevated, "elevated", false, "it may name a person to ask for")
	p.StringSliceVar(&n.Scopes, "scope", nil, "a `scope` that an elevated one has; may be repeated")
	p.StringSliceVar(&n.Addresses, "address", nil, "a `network` that an elevated one may come from, such as 192.0.2.0/24; may be repeated")
	p.StringVar(&expires, "expires", "", "when it ends: in so long (90d, 12h) or then (2027-03-31, 2027-03-31T18:00:00Z)")
	return create
}

// apiTokenChange sends a request about an API token, and warns of what it warns
// of.
func (s *session) apiTokenChange(method, path string, body any) (admin.APITokenChanged, error) {
	changed, err := ask[admin.APITokenChanged](s.Context(), s.to, method, path, body)
	for _, warning := range changed.Warnings {
		fmt.Fprintln(s.ErrOrStderr(), "warning:", printable(warning))
	}
	return changed, err
}

func (s *session) apiToken(id string) string { return s.path + "/api-tokens/" + url.PathEscape(id) }

// foundAPIToken is the API token of that id.
func (s *session) foundAPIToken(id string) (admin.APIToken, error) {
	all, err := allAPITokens(s.Context(), s.to, s.path)
	if err != nil {
		return admin.APIToken{}, err
	}
	for _, t := range all {
		if t.ID == id {
			return t, nil
		}
	}
	return admin.APIToken{}, fmt.Errorf("there is no API token %s in %s; 'grantway api-tokens list' shows those that there are", printable(id), s.env)
}

func allAPITokens(ctx context.Context, to *administrator, path string) ([]admin.APIToken, error) {
	all := []admin.APIToken{}
	for after := ""; ; {
		page, err := ask[admin.APITokenPage](ctx, to, http.MethodGet, path+"/api-tokens?limit=200"+after, nil)
		if err != nil {
			return nil, err
		}
		if all = append(all, page.APITokens...); page.Next == "" {
			return all, nil
		}
		after = "&after=" + url.QueryEscape(page.Next)
	}
}

func apiTokensList(f *adminFlags) *cobra.Command {
	return &cobra.Command{
		Use:               "list",
		Short:             "List the API tokens with their dates, revoked ones too",
		Example:           `  grantway api-tokens list -e staging`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: f.work(func(s *session, _ []string) error {
			all, err := allAPITokens(s.Context(), s.to, s.path)
			if err != nil {
				return err
			}
			if f.json {
				return writeJSON(s.OutOrStdout(), admin.APITokenPage{APITokens: all})
			}
			var rows [][]string
			for _, t := range all {
				kind := "plain"
				switch {
				case t.Elevated:
					kind = "elevated"
				case t.NeedsUser:
					kind = "needs user"
				}
				rows = append(rows, []string{t.ID, t.Name, kind, t.State, day(t.EndsAt, "never"), day(t.LastUsedAt, "never")})
			}
			if len(rows) == 0 {
				return s.none("There is no API token in " + s.env + ".")
			}
			return writeTable(s.OutOrStdout(), []string{"ID", "NAME", "KIND", "STATE", "EXPIRES", "LAST USED"}, 1, rows)
		}),
	}
}

func apiTokensRevoke(f *adminFlags) *cobra.Command {
	revoke := f.destroying(&cobra.Command{
		Use:     "revoke TOKEN",
		Short:   "Revoke an API token, by its id",
		Example: `  grantway api-tokens revoke -e staging 4mTq9ZbX01Lk`,
		RunE: f.work(func(s *session, args []string) error {
			t, err := s.foundAPIToken(args[0])
			if err != nil {
				return err
			}
			if err := s.confirm(fmt.Sprintf("The API token %s of %s (%s) stops working now.", t.ID, printable(t.Name), s.env)); err != nil {
				return err
			}
			changed, err := s.apiTokenChange(http.MethodDelete, s.apiToken(t.ID), nil)
			if err != nil {
				return err
			}
			return s.say(changed, "revoked "+t.ID)
		}),
	})
	revoke.ValidArgsFunction = f.apiTokenIDs
	return revoke
}

// apiTokenIDs completes the first argument.
func (f *adminFlags) apiTokenIDs(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return f.completeIn(c, func(ctx context.Context, to *administrator, path string) ([]cobra.Completion, error) {
		all, err := allAPITokens(ctx, to, path)
		var ids []cobra.Completion
		for _, t := range all {
			if t.State != admin.APITokenRevoked {
				ids = append(ids, cobra.CompletionWithDesc(t.ID, t.Name))
			}
		}
		return ids, err
	})
}
