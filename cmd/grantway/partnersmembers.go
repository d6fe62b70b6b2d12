package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/store"
)

func (s *session) members(id string) ([]admin.Member, error) {
	list, err := ask[admin.MemberList](s.Context(), s.to, http.MethodGet, partnerPath(id)+"/members", nil)
	return list.Members, err
}

func partnersMembers(f *adminFlags) *cobra.Command {
	var role string
	var remove bool
	members := &cobra.Command{
		Use:   "members PARTNER [ACCOUNT]",
		Short: "List a partner's people, or change what one of them may do",
		Long: `List a partner's people. With an account, named by its name or e-mail address
or by its id, --role says what its person may do and --remove takes them away;
the last admin stays one.`,
		Example: `  grantway partners members acme
  grantway partners members acme anna@acme.example --role developer
  grantway partners members acme anna@acme.example --remove`,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: f.partnerIDs,
		RunE: f.workAtHome(func(s *session, args []string) error {
			people, err := s.members(args[0])
			if err != nil {
				return err
			}
			if len(args) == 1 {
				if role != "" || remove {
					return &usageError{errors.New("whose role? Name an account")}
				}
				if f.json {
					return writeJSON(s.OutOrStdout(), admin.MemberList{Members: people})
				}
				var rows [][]string
				for _, m := range people {
					rows = append(rows, []string{m.Account, m.Name, m.Role, day(m.Since, "-")})
				}
				if len(rows) == 0 {
					return s.none("Nobody belongs to it yet; 'grantway partners invite' invites somebody.")
				}
				return writeTable(s.OutOrStdout(), []string{"ACCOUNT", "NAME", "ROLE", "SINCE"}, 1, rows)
			}
			return s.member(args[0], people, args[1], role, remove)
		}),
	}
	p := members.Flags()
	p.StringVar(&role, "role", "", "what the person may do: admin or developer")
	p.BoolVar(&remove, "remove", false, "take the person away")
	completeWords(members, "role", store.MemberAdmin, store.MemberDeveloper)
	members.MarkFlagsMutuallyExclusive("role", "remove")
	return members
}

// member gives a member another role, or none.
func (s *session) member(id string, people []admin.Member, named, role string, remove bool) error {
	for _, m := range people {
		if m.Account != named && !strings.EqualFold(m.Name, named) && !strings.EqualFold(m.Email, named) {
			continue
		}
		method, body, said := http.MethodPatch, any(admin.MemberChange{Role: role}), m.Name+" is "+role+" now"
		switch {
		case remove:
			method, body, said = http.MethodDelete, nil, "removed "+m.Name
		case role == "":
			return &usageError{errors.New("what is to become of them? --role admin, --role developer or --remove")}
		}
		changed, err := s.partnerChange(method, partnerPath(id)+"/members/"+url.PathEscape(m.Account), body)
		if err != nil {
			return err
		}
		return s.say(changed, said)
	}
	return fmt.Errorf("%s is no member of %s; 'grantway partners invite' makes somebody one", printable(named), id)
}

func partnersInvite(f *adminFlags) *cobra.Command {
	n := admin.NewMember{}
	invite := &cobra.Command{
		Use:   "invite PARTNER EMAIL",
		Short: "Make somebody a member, with an account where they have none",
		Long: `Make somebody a member of a partner. Who has no account of home gets one under
the e-mail address, and a link to choose a password: by mail, or where home
sends none it is printed for you to hand on. Nobody but them must read it.`,
		Example: `  grantway partners invite acme anna@acme.example
  grantway partners invite acme bert@acme.example --role admin --name "Bert B."`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: f.partnerIDs,
		RunE: f.workAtHome(func(s *session, args []string) error {
			n.Email = args[1]
			made, err := ask[admin.Invited](s.Context(), s.to, http.MethodPost, partnerPath(args[0])+"/members", n)
			s.warn(made.Warnings)
			if err != nil {
				return err
			}
			if f.json {
				return writeJSON(s.OutOrStdout(), made)
			}
			return writeFields(s.OutOrStdout(), append([][2]string{{"partner", args[0]}, {"account", made.Account}}, welcome(made.Link)...))
		}),
	}
	p := invite.Flags()
	p.StringVar(&n.Role, "role", store.MemberDeveloper, "what the person may do: admin or developer")
	p.StringVar(&n.FullName, "name", "", "the person's name, as it is shown")
	completeWords(invite, "role", store.MemberAdmin, store.MemberDeveloper)
	return invite
}

// welcome is the line about a link to choose a password.
func welcome(link string) [][2]string {
	if link == "" {
		return [][2]string{{"link", "none: it was mailed, or they have a password"}}
	}
	return [][2]string{{"link", link}}
}
