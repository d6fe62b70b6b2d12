package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/admin"
)

func accountsChange(f *adminFlags) *cobra.Command {
	var fullName, givenName, familyName, email, locale string
	var verified bool
	var roles admin.Edit
	change := &cobra.Command{
		Use:   "change ACCOUNT",
		Short: "Change a person's names, e-mail address, language and roles",
		Long: `Change a person's names, e-mail address, language and roles. What is not named
stays; '' takes something away. An address that changes is not verified any
more, unless --email-verified says so. Taking a role away ends the person's
tokens.`,
		Example: `  grantway accounts change -e staging anna --add-role chair
  grantway accounts change anna --email anna@example.com --email-verified`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: f.work(func(s *session, args []string) error {
			var sent admin.AccountChange
			some := false
			for _, flag := range []struct {
				name string
				text *string
				to   **string
			}{
				{"full-name", &fullName, &sent.FullName},
				{"given-name", &givenName, &sent.GivenName},
				{"family-name", &familyName, &sent.FamilyName},
				{"email", &email, &sent.Email},
				{"locale", &locale, &sent.Locale},
			} {
				if s.Flags().Changed(flag.name) {
					*flag.to, some = flag.text, true
				}
			}
			if s.Flags().Changed("email-verified") {
				sent.EmailVerified, some = &verified, true
			}
			if len(roles.Add) > 0 || len(roles.Remove) > 0 {
				sent.Roles, some = &roles, true
			}
			if !some {
				return &usageError{errors.New("nothing is to be changed: name what is, such as --add-role")}
			}
			a, err := s.account(args[0])
			if err != nil {
				return err
			}
			changed, err := s.accountChange(http.MethodPatch, s.accountPath(a), sent)
			if err != nil {
				return err
			}
			return s.say(changed, "changed "+a.Name)
		}),
	}
	p := change.Flags()
	p.StringVar(&email, "email", "", "the person's e-mail `address`")
	p.BoolVar(&verified, "email-verified", false, "we know that the address is theirs")
	p.StringVar(&fullName, "full-name", "", "the person's name, as it is shown")
	p.StringVar(&givenName, "given-name", "", "the first name")
	p.StringVar(&familyName, "family-name", "", "the last name")
	p.StringVar(&locale, "locale", "", "the person's `language`, such as en or nl-BE")
	p.StringSliceVar(&roles.Add, "add-role", nil, "a `role` that the person also has; may be repeated")
	p.StringSliceVar(&roles.Remove, "remove-role", nil, "a `role` that the person has no more; may be repeated")
	return change
}

// aboutAccount is a command about one account, which it asks to confirm unless
// what is nil.
func (f *adminFlags) aboutAccount(c *cobra.Command, method, after, done string, what func(*session, admin.Account) string) *cobra.Command {
	c.Args, c.ValidArgsFunction = cobra.ExactArgs(1), cobra.NoFileCompletions
	if what != nil {
		f.destroying(c)
	}
	c.RunE = f.work(func(s *session, args []string) error {
		a, err := s.account(args[0])
		if err != nil {
			return err
		}
		if what != nil {
			if err := s.confirm(what(s, a)); err != nil {
				return err
			}
		}
		changed, err := s.accountChange(method, s.accountPath(a)+after, nil)
		if err != nil {
			return err
		}
		return s.say(changed, done+" "+a.Name)
	})
	return c
}

func accountsDisable(f *adminFlags) *cobra.Command {
	return f.aboutAccount(&cobra.Command{
		Use:     "disable ACCOUNT",
		Short:   "Keep a person out until it is enabled, and end all tokens",
		Example: `  grantway accounts disable -e staging anna`,
	}, http.MethodPost, "/disable", "disabled", func(s *session, a admin.Account) string {
		return fmt.Sprintf("%s cannot sign in to %s any more; all sessions, tokens and what was allowed to applications end now.", printable(a.Name), s.env)
	})
}

func accountsEnable(f *adminFlags) *cobra.Command {
	return f.aboutAccount(&cobra.Command{
		Use:     "enable ACCOUNT",
		Short:   "Let a person sign in again; what ended stays ended",
		Example: `  grantway accounts enable -e staging anna`,
	}, http.MethodPost, "/enable", "enabled", nil)
}

func accountsDelete(f *adminFlags) *cobra.Command {
	return f.aboutAccount(&cobra.Command{
		Use:     "delete ACCOUNT",
		Short:   "Erase a person: everything that is known of them goes for ever",
		Example: `  grantway accounts delete -e staging anna`,
	}, http.MethodDelete, "", "deleted", func(s *session, a admin.Account) string {
		return fmt.Sprintf("Everything that %s knows of %s goes for ever, and all tokens end now. 'grantway accounts export' keeps a copy.", s.env, printable(a.Name))
	})
}

func accountsReset(f *adminFlags) *cobra.Command {
	var sent admin.AccountReset
	var mail bool
	reset := &cobra.Command{
		Use:   "reset ACCOUNT",
		Short: "Make a link with which a person chooses a new password",
		Long: `Make a link with which a person chooses a new password, and print it; --mail
sends it to the address of the account instead. The old password works until
then.

--factors also removes every second factor of somebody who has lost them. Make
sure who asks.`,
		Example: `  grantway accounts reset -e staging anna --mail
  grantway accounts reset anna --factors`,
		RunE: f.work(func(s *session, args []string) error {
			if err := s.mails(mail); err != nil {
				return err
			}
			a, err := s.account(args[0])
			if err != nil {
				return err
			}
			if sent.Factors {
				if err := s.confirm(fmt.Sprintf("Whoever knows the password of %s gets into %s without a second factor.", printable(a.Name), s.env)); err != nil {
					return err
				}
			}
			sent.By = admin.ResetLink
			if mail {
				sent.By = admin.ResetMail
			}
			changed, err := s.accountChange(http.MethodPost, s.accountPath(a)+"/reset", sent)
			if err != nil {
				return err
			}
			if f.json {
				return writeJSON(s.OutOrStdout(), changed)
			}
			return writeFields(s.OutOrStdout(), append([][2]string{{"account", a.Name}}, linkFields(changed)...))
		}),
		Args: cobra.ExactArgs(1), ValidArgsFunction: cobra.NoFileCompletions,
	}
	reset.Flags().BoolVar(&mail, "mail", false, "send the link to the address of the account instead of printing it")
	reset.Flags().BoolVar(&sent.Factors, "factors", false, "remove every second factor too")
	return f.destroying(reset)
}

func accountsExport(f *adminFlags) *cobra.Command {
	return &cobra.Command{
		Use:               "export ACCOUNT",
		Short:             "Print everything that is known of a person, as JSON",
		Example:           `  grantway accounts export -e staging anna > anna.json`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: f.work(func(s *session, args []string) error {
			a, err := s.account(args[0])
			if err != nil {
				return err
			}
			all, err := ask[json.RawMessage](s.Context(), s.to, http.MethodGet, s.accountPath(a)+"/export", nil)
			if err != nil {
				return err
			}
			var b bytes.Buffer
			if err := json.Indent(&b, all, "", "  "); err != nil {
				return err
			}
			fmt.Fprintln(s.OutOrStdout(), strings.TrimSpace(b.String()))
			return nil
		}),
	}
}
