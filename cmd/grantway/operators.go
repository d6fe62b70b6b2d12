package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/home"
)

func operatorsCommand() *cobra.Command {
	f := &adminFlags{}
	operators := &cobra.Command{
		Use:   "operators",
		Short: "See, invite and change who operates the deployment",
		Long: `See, invite and change who operates the deployment: accounts of home with a
role. An owner may everything; an operator everything but who is an operator
and the removal of keys; support sees everything and helps people back in; an
auditor sees everything. The last owner stays one.`,
	}
	f.registerHome(operators)
	operators.AddCommand(operatorsList(f), operatorsInvite(f), operatorsRoles(f))
	return operators
}

func allOperators(ctx context.Context, to *administrator) ([]admin.Operator, error) {
	list, err := ask[admin.OperatorList](ctx, to, http.MethodGet, "/operators", nil)
	return list.Operators, err
}

func operatorsList(f *adminFlags) *cobra.Command {
	return &cobra.Command{
		Use:               "list",
		Short:             "List who operates the deployment",
		Example:           `  grantway operators list`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: f.workAtHome(func(s *session, _ []string) error {
			all, err := allOperators(s.Context(), s.to)
			if err != nil {
				return err
			}
			if f.json {
				return writeJSON(s.OutOrStdout(), admin.OperatorList{Operators: all})
			}
			var rows [][]string
			for _, o := range all {
				is := "enabled"
				if o.Disabled {
					is = "disabled"
				}
				rows = append(rows, []string{o.Name, o.FullName, strings.Join(o.Roles, " "), is, day(o.CreatedAt, "-")})
			}
			if len(rows) == 0 {
				return s.none("There is no operator yet; 'grantway owner invite' invites the first one.")
			}
			return writeTable(s.OutOrStdout(), []string{"ACCOUNT", "NAME", "ROLES", "STATE", "CREATED"}, 1, rows)
		}),
	}
}

func operatorsInvite(f *adminFlags) *cobra.Command {
	n := admin.NewOperator{}
	var force bool
	invite := &cobra.Command{
		Use:   "invite EMAIL|NAME",
		Short: "Make somebody an operator, with an account where they have none",
		Long: `Make somebody an operator: an account of home by that name or e-mail address
gets the role, and is made where there is none. Who was no operator yet gets a
link to choose a password, which is good for 15 minutes; the one that they had
ends. It is printed on the terminal for you to hand on, and nowhere else:
whoever reads it is an operator.`,
		Example: `  grantway operators invite bert@example.com --role auditor
  grantway operators invite carl --role operator --role support`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: f.workAtHome(func(s *session, args []string) error {
			n.Name = args[0]
			return s.inviteOperator(n, force)
		}),
	}
	p := invite.Flags()
	p.StringSliceVar(&n.Roles, "role", nil, "a `role`: owner, operator, support or auditor; may be repeated")
	p.StringVar(&n.FullName, "name", "", "the person's name, as it is shown")
	p.BoolVar(&force, "force", false, "print the link although it goes to no terminal")
	completeWords(invite, "role", home.Roles()...)
	return invite
}

// inviteOperator makes an operator and prints the link. It does neither where the
// link would be written into a file or a log, which others read.
func (s *session) inviteOperator(n admin.NewOperator, force bool) error {
	out, ok := s.OutOrStdout().(*os.File)
	if !force && (!ok || !term.IsTerminal(int(out.Fd()))) {
		return &usageError{errors.New("whoever reads the link is an operator, so that it goes to a terminal only\nRun the command in one, or add --force if nobody else reads what it prints")}
	}
	made, err := ask[admin.OperatorChanged](s.Context(), s.to, http.MethodPost, "/operators", n)
	s.warn(made.Warnings)
	if err != nil {
		return err
	}
	if s.json {
		return writeJSON(s.OutOrStdout(), made)
	}
	fields := [][2]string{{"account", made.Operator.Name}, {"roles", strings.Join(made.Operator.Roles, ", ")}}
	if made.Link != "" {
		fields = append(fields, [2]string{"link", made.Link}, [2]string{"good until", moment(made.LinkEndsAt, "")})
	}
	return writeFields(s.OutOrStdout(), fields)
}

func operatorsRoles(f *adminFlags) *cobra.Command {
	var roles admin.Edit
	change := f.destroying(&cobra.Command{
		Use:   "roles ACCOUNT",
		Short: "Change the roles of an operator; the last owner stays one",
		Long: `Change the roles of an operator, named by the name, the e-mail address or the
id of the account. Taking a role away ends the person's tokens; whoever has
none left is no operator any more.`,
		Example: `  grantway operators roles bert@example.com --add operator --remove auditor`,
		Args:    cobra.ExactArgs(1),
		RunE: f.workAtHome(func(s *session, args []string) error {
			if len(roles.Add)+len(roles.Remove) == 0 {
				return &usageError{errors.New("nothing is to be changed: --add or --remove")}
			}
			all, err := allOperators(s.Context(), s.to)
			if err != nil {
				return err
			}
			for _, o := range all {
				if o.Account != args[0] && !strings.EqualFold(o.Name, args[0]) && !strings.EqualFold(o.Email, args[0]) {
					continue
				}
				if len(roles.Remove) > 0 {
					if err := s.confirm(fmt.Sprintf("%s is %s no more, and all tokens of theirs end now.", printable(o.Name), strings.Join(roles.Remove, ", "))); err != nil {
						return err
					}
				}
				changed, err := ask[admin.OperatorChanged](s.Context(), s.to, http.MethodPatch, "/operators/"+url.PathEscape(o.Account), admin.OperatorChange{Roles: roles})
				s.warn(changed.Warnings)
				if err != nil {
					return err
				}
				return s.say(changed, "changed "+o.Name)
			}
			return fmt.Errorf("%s is no operator; 'grantway operators list' shows those that there are", printable(args[0]))
		}),
	})
	change.ValidArgsFunction = func(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return f.complete(c, func(ctx context.Context, to *administrator) ([]cobra.Completion, error) {
			all, err := allOperators(ctx, to)
			var names []cobra.Completion
			for _, o := range all {
				names = append(names, cobra.CompletionWithDesc(o.Name, o.FullName))
			}
			return names, err
		})
	}
	p := change.Flags()
	p.StringSliceVar(&roles.Add, "add", nil, "a `role` that they also have; may be repeated")
	p.StringSliceVar(&roles.Remove, "remove", nil, "a `role` that they have no more; may be repeated")
	completeWords(change, "add", home.Roles()...)
	completeWords(change, "remove", home.Roles()...)
	return change
}
