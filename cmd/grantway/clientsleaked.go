package main

import (
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/admin"
)

func clientsLeaked(f *adminFlags) *cobra.Command {
	var sent admin.Leak
	leaked := f.destroying(&cobra.Command{
		Use:   "leaked CLIENT",
		Short: "Replace a secret that others may know, and end its tokens",
		Long: `Replace a secret that others may know: another one is made, and the old one and
all tokens that it obtained end, in one step. The new secret is printed once.
Its other secrets stay. 'grantway activity --client CLIENT' shows what was
done.`,
		Example: `  grantway clients leaked -e staging acme
  grantway clients leaked -e staging acme --secret 4mTq9ZbX01Lk`,
		RunE: f.work(func(s *session, args []string) error {
			c, err := s.found(args[0])
			if err != nil {
				return err
			}
			if err := s.confirm(fmt.Sprintf("The secret of the client %s (%s) of %s stops working now, with the tokens that it obtained; its programs need the new one.", c.ID, printable(c.Name), s.env)); err != nil {
				return err
			}
			changed, err := s.change(http.MethodPost, s.client(c.ID)+"/leaked", sent)
			if err != nil {
				return err
			}
			defer s.sayOnce(changed)
			if f.json {
				return writeJSON(s.OutOrStdout(), changed)
			}
			fields := [][2]string{{"environment", s.env}, {"client id", c.ID}}
			return writeFields(s.OutOrStdout(), append(fields, shownSecret(changed)...))
		}),
	})
	leaked.Flags().StringVar(&sent.SecretID, "secret", "", "the `id` of the secret; not needed where one is live")
	_ = leaked.RegisterFlagCompletionFunc("secret", func(c *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) != 1 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return f.secretIDs(c, args, typed)
	})
	return leaked
}
