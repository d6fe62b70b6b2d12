package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	oauthclient "github.com/grantway/grantway/client"
)

func logoutCommand() *cobra.Command {
	f := &profileFlags{}
	command := &cobra.Command{
		Use:   "logout",
		Short: "Forget your token, and have the server end it",
		Long: `Forget your token, and have the server end it, where its metadata says how
(RFC 7009). It is forgotten here in any case. You stay signed in in the browser.

` + exitHelp,
		Example: `  grantway logout
  grantway logout --profile me`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			a, err := f.ask(c)
			if err != nil {
				return err
			}
			err = a.client.Revoke(c.Context())
			switch {
			case errors.Is(err, oauthclient.ErrNoRevocation):
				fmt.Fprintln(c.ErrOrStderr(), "warning: forgotten here; the server names no way to end a token before its time")
				return nil
			case err != nil:
				return a.kept(err)
			}
			return nil
		},
	}
	f.register(command)
	return command
}

// kept is an error of ending a token that was forgotten nevertheless.
func (a *asking) kept(err error) error {
	explained := a.explain(err)
	status := exitRefused
	if coded, ok := errors.AsType[*statusError](explained); ok {
		status = coded.status
	}
	return &statusError{fmt.Errorf("the token is forgotten here, and may go on at the server: %w", explained), status}
}
