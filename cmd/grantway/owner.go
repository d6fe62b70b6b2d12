package main

import (
	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/home"
)

func ownerCommand() *cobra.Command {
	f := &adminFlags{}
	owner := &cobra.Command{
		Use:   "owner",
		Short: "Invite the first owner of the deployment",
		Long: `Invite the first owner, who opens the console and invites the others there. Who
may run this on the server's machine owns the deployment already.`,
	}
	f.registerHome(owner)
	n := admin.NewOperator{Roles: []string{home.Owner}}
	var force bool
	invite := &cobra.Command{
		Use:   "invite EMAIL|NAME",
		Short: "Make somebody an owner, and print the link to sign in",
		Long: `Make somebody an owner: an account of home by that name or e-mail address,
which is made where there is none. Open the link within 15 minutes and choose a
password; a second factor is set up at the first sign-in to the console. The
link is printed on the terminal and nowhere else: whoever reads it owns
everything.`,
		Example: `  grantway owner invite olive@example.com
  grantway owner invite olive --name "Olive Owner" --config grantway.yaml`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: f.workAtHome(func(s *session, args []string) error {
			n.Name = args[0]
			return s.inviteOperator(n, force)
		}),
	}
	invite.Flags().StringVar(&n.FullName, "name", "", "the person's name, as it is shown")
	invite.Flags().BoolVar(&force, "force", false, "print the link although it goes to no terminal")
	owner.AddCommand(invite)
	return owner
}
