package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/store"
)

func requestsCommand() *cobra.Command {
	f := &adminFlags{}
	requests := &cobra.Command{
		Use:   "requests",
		Short: "See who asks for access, approve, narrow or refuse it",
		Long: `See who asks for access to which APIs and what for, and approve it, approve a
part of it, or refuse it with a reason. People ask in the portal; what comes by
mail is entered with 'grantway requests ask'.`,
	}
	f.registerHome(requests)
	requests.AddCommand(requestsList(f), requestsShow(f), requestsAsk(f), requestsApprove(f), requestsRefuse(f))
	return requests
}

func requestPath(id string) string { return "/access-requests/" + url.PathEscape(id) }

func allRequests(ctx context.Context, to *administrator, open bool) ([]admin.AccessRequest, error) {
	all := []admin.AccessRequest{}
	err := pages(ctx, to, "/access-requests", url.Values{"open": {fmt.Sprint(open)}}, func(page admin.AccessPage) string {
		all = append(all, page.Requests...)
		return page.Next
	})
	return all, err
}

// requestIDs completes the first argument with the requests that are open.
func (f *adminFlags) requestIDs(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return f.complete(c, func(ctx context.Context, to *administrator) ([]cobra.Completion, error) {
		all, err := allRequests(ctx, to, true)
		var ids []cobra.Completion
		for _, r := range all {
			ids = append(ids, cobra.CompletionWithDesc(r.ID, r.Application))
		}
		return ids, err
	})
}

func requestsList(f *adminFlags) *cobra.Command {
	var all bool
	list := &cobra.Command{
		Use:   "list",
		Short: "List the requests that are open, the newest first",
		Example: `  grantway requests list
  grantway requests list --all`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: f.workAtHome(func(s *session, _ []string) error {
			found, err := allRequests(s.Context(), s.to, !all)
			if err != nil {
				return err
			}
			if f.json {
				return writeJSON(s.OutOrStdout(), admin.AccessPage{Requests: found})
			}
			var rows [][]string
			for _, r := range found {
				rows = append(rows, []string{r.ID, r.Application, r.Organisation, r.Environment, r.State, day(r.AskedAt, "-")})
			}
			switch {
			case len(rows) == 0 && all:
				return s.none("Nobody has asked for access.")
			case len(rows) == 0:
				return s.none("No request is open; --all shows those that were decided.")
			}
			return writeTable(s.OutOrStdout(), []string{"REQUEST", "APPLICATION", "ORGANISATION", "ENVIRONMENT", "STATE", "ASKED"}, 1, rows)
		}),
	}
	list.Flags().BoolVar(&all, "all", false, "also those that were decided")
	return list
}

func requestsShow(f *adminFlags) *cobra.Command {
	return &cobra.Command{
		Use:               "show REQUEST",
		Short:             "Show who asks for what, and why",
		Example:           `  grantway requests show 3kQm8vYw2LrTz5Nb`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.requestIDs,
		RunE: f.workAtHome(func(s *session, args []string) error {
			r, err := ask[admin.AccessRequest](s.Context(), s.to, http.MethodGet, requestPath(args[0]), nil)
			if err != nil {
				return err
			}
			if f.json {
				return writeJSON(s.OutOrStdout(), r)
			}
			return writeFields(s.OutOrStdout(), requestFields(&r))
		}),
	}
}

func requestFields(r *admin.AccessRequest) [][2]string {
	organisation := r.Organisation
	if r.Partner != "" {
		organisation = strings.TrimSpace(organisation + " (" + r.Partner + ")")
	}
	fields := [][2]string{
		{"request", r.ID},
		{"state", r.State},
		{"application", r.Application + ", " + r.Type},
		{"environment", r.Environment},
		{"organisation", organisation},
		{"person", strings.TrimSpace(r.Person + " " + r.Email)},
		{"asked", moment(r.AskedAt, "-")},
	}
	several := func(name string, lines []string) {
		for _, line := range lines {
			fields, name = append(fields, [2]string{name, line}), ""
		}
	}
	several("redirect URI", r.Redirects)
	several("wanted", scopesOf(r.Wanted))
	several("purpose", strings.Split(r.Purpose, "\n"))
	if d := r.Decision; d != nil {
		several("allowed", scopesOf(d.Allowed))
		if d.Reason != "" {
			several("reason", strings.Split(d.Reason, "\n"))
		}
		several("decided", []string{moment(d.DecidedAt, "-") + " by " + d.DecidedBy})
		if !d.DoneAt.IsZero() {
			several("client id", []string{r.Client})
		}
	}
	return fields
}

// scopesOf are scopes, and the APIs that have none.
func scopesOf(apis []admin.ClientAPI) []string {
	var all []string
	for _, api := range apis {
		if len(api.Scopes) == 0 {
			all = append(all, api.Name)
		}
		all = append(all, api.Scopes...)
	}
	return all
}

func requestsAsk(f *adminFlags) *cobra.Command {
	var n admin.NewAccess
	ask := &cobra.Command{
		Use:   "ask APPLICATION",
		Short: "Enter a request that came by another way",
		Long: `Enter a request that came by mail or telephone. It is decided like any other:
the person gets an account, and generates the secret in the portal.`,
		Example: `  grantway requests ask "Acme export" -e staging --scope notes:read \
    --organisation "Acme Ltd" --person "Anna A." --email anna@acme.example \
    --purpose "Copies the notes of our customers each night"`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: f.workAtHome(func(s *session, args []string) error {
			n.Application = args[0]
			return s.decide("/access-requests", n, "asked")
		}),
	}
	p := ask.Flags()
	p.StringVarP(&n.Environment, "environment", "e", "", "the `environment` in which the client is wanted")
	p.StringVar(&n.Partner, "partner", "", "the id of the `partner`, with --account; or else")
	p.StringVar(&n.Organisation, "organisation", "", "the name of the organisation that becomes the partner")
	p.StringVar(&n.Account, "account", "", "the id of the `account` of home of who asks; or else")
	p.StringVar(&n.Person, "person", "", "the name of who asks")
	p.StringVar(&n.Email, "email", "", "the e-mail `address` of who asks")
	p.StringVar(&n.Type, "type", "", "machine (the default), web, native or browser")
	p.StringSliceVar(&n.Redirects, "redirect-uri", nil, "a `URL` to which people are sent back; may be repeated")
	p.StringSliceVar(&n.APIs, "api", nil, "an `API` that it wants to use; may be repeated")
	p.StringSliceVar(&n.Scopes, "scope", nil, "a `scope` that it wants; may be repeated")
	p.StringVar(&n.Purpose, "purpose", "", "what for")
	completeWords(ask, "type", store.TypeMachine, store.TypeWeb, store.TypeNative, store.TypeBrowser)
	_ = ask.RegisterFlagCompletionFunc("environment", f.environmentNames)
	return ask
}

// decide sends what becomes of a request.
func (s *session) decide(path string, body any, done string) error {
	changed, err := ask[admin.AccessChanged](s.Context(), s.to, http.MethodPost, path, body)
	s.warn(changed.Warnings)
	if err != nil {
		return err
	}
	if s.json {
		return writeJSON(s.OutOrStdout(), changed)
	}
	r := &changed.Request
	if r.State != store.DecisionApproved {
		return s.say(changed, done+" "+r.ID)
	}
	fields := [][2]string{{"request", r.ID}, {"partner", changed.Partner}, {"environment", r.Environment}, {"client id", r.Client}, {"account", changed.Account}}
	return writeFields(s.OutOrStdout(), append(fields, welcome(changed.Link)...))
}

func requestsApprove(f *adminFlags) *cobra.Command {
	var sent admin.AccessApproval
	approve := &cobra.Command{
		Use:   "approve REQUEST",
		Short: "Grant a request, or a part of it: partner and client are made",
		Long: `Grant a request, or with --scope a part of it. The partner, the account and the
client are made; the client gets no secret, which the person generates in the
portal. Where home sends no mail, the link to choose a password is printed for
you to hand on: nobody but them must read it.`,
		Example: `  grantway requests approve 3kQm8vYw2LrTz5Nb
  grantway requests approve 3kQm8vYw2LrTz5Nb --scope notes:read \
    --reason "Reading is enough for an export."`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.requestIDs,
		RunE: f.workAtHome(func(s *session, args []string) error {
			return s.decide(requestPath(args[0])+"/approve", sent, "approved")
		}),
	}
	p := approve.Flags()
	p.StringSliceVar(&sent.Scopes, "scope", nil, "a `scope` of those wanted, or an API that has none; may be repeated; without one, all of them")
	p.StringVar(&sent.Reason, "reason", "", "why it was narrowed; they read it")
	return approve
}

func requestsRefuse(f *adminFlags) *cobra.Command {
	var sent admin.AccessRefusal
	refuse := &cobra.Command{
		Use:               "refuse REQUEST",
		Short:             "Refuse a request, with a reason that they read",
		Example:           `  grantway requests refuse 3kQm8vYw2LrTz5Nb --reason "Ask your own university."`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.requestIDs,
		RunE: f.workAtHome(func(s *session, args []string) error {
			if sent.Reason == "" {
				return &usageError{errors.New("say why, and what would help: --reason")}
			}
			return s.decide(requestPath(args[0])+"/refuse", sent, "refused")
		}),
	}
	refuse.Flags().StringVar(&sent.Reason, "reason", "", "why, and what would help; they read it")
	return refuse
}
