package main

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/admin"
)

func promoteCommand() *cobra.Command {
	f := &adminFlags{}
	var to string
	var scopes []string
	promote := &cobra.Command{
		Use:   "promote CLIENT",
		Short: "Register a client of one environment in another",
		Long: `Register a client of one environment in another, under the same id. It gets no
secret there: one of its partner's people generates it in the portal, or you
add one with 'grantway secrets add'. It may use what it may use here, or with
--scope a part of that. To promote again changes nothing, or adds what it lacks
there.`,
		Example: `  grantway promote acme --from staging --to production
  grantway promote acme --from staging --to production --scope notes:read`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(c *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return f.clientIDs(c, args, typed)
		},
		RunE: f.work(func(s *session, args []string) error {
			if to == "" {
				return &usageError{errors.New("where to? --to production")}
			}
			changed, err := s.change(http.MethodPost, s.client(args[0])+"/promote", admin.Promotion{To: to, Scopes: scopes})
			if err != nil {
				return err
			}
			if f.json {
				return writeJSON(s.OutOrStdout(), changed)
			}
			fields := [][2]string{{"environment", to}, {"client id", changed.Client.ID}}
			name := "scopes"
			for _, scope := range scopesOf(changed.Client.APIs) {
				fields, name = append(fields, [2]string{name, scope}), ""
			}
			if len(changed.Client.Secrets) == 0 && len(changed.Client.AuthMethods) == 0 {
				fields = append(fields, [2]string{"secret", "none yet: it is generated in the portal"})
			}
			return writeFields(s.OutOrStdout(), fields)
		}),
	}
	f.registerHome(promote)
	p := promote.Flags()
	p.StringVar(&f.environment, "from", "", "the `environment` that it is in")
	p.StringVar(&to, "to", "", "the `environment` that it is to be in, too")
	p.StringSliceVar(&scopes, "scope", nil, "a `scope` that it may use there; may be repeated; without one, those that it has")
	_ = promote.RegisterFlagCompletionFunc("from", f.environmentNames)
	_ = promote.RegisterFlagCompletionFunc("to", f.environmentNames)
	return promote
}

func diffCommand() *cobra.Command {
	f := &adminFlags{}
	diff := &cobra.Command{
		Use:   "diff FROM TO",
		Short: "Show in what the clients of two environments differ",
		Long: `Show in what the clients of two environments differ: those that are in one of
them only, and where both have one, each member that is another. Secrets are
never compared.`,
		Example: `  grantway diff staging production
  grantway diff staging production --json`,
		Args: cobra.ExactArgs(2),
		ValidArgsFunction: func(c *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 1 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return f.environmentNames(c, args, typed)
		},
		RunE: f.workAtHome(func(s *session, args []string) error {
			if _, _, err := s.to.choose(s.Context(), args[0]); err != nil {
				return err
			}
			_, path, err := s.to.choose(s.Context(), args[1])
			if err != nil {
				return err
			}
			list, err := ask[admin.DifferenceList](s.Context(), s.to, http.MethodGet, path+"/differences?from="+url.QueryEscape(args[0]), nil)
			if err != nil {
				return err
			}
			if f.json {
				return writeJSON(s.OutOrStdout(), list)
			}
			if len(list.Differences) == 0 {
				return s.say(list, "no differences")
			}
			var rows [][]string
			for _, d := range list.Differences {
				rows = append(rows, []string{d.Client, cmp.Or(d.Member, "(the client)"), cmp.Or(d.From, "-"), cmp.Or(d.Here, "-")})
			}
			return writeTable(s.OutOrStdout(), []string{"CLIENT ID", "MEMBER", args[0], args[1]}, 2, rows)
		}),
	}
	f.registerHome(diff)
	return diff
}
