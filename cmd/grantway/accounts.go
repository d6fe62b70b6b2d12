package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/grantway/grantway/internal/admin"
)

func accountsCommand() *cobra.Command {
	f := &adminFlags{}
	accounts := &cobra.Command{
		Use:   "accounts",
		Short: "Create, import, change, disable and delete people's accounts",
		Long: `Create, import, list, change, disable, reset and delete the accounts of the
people who sign in to an environment. An account is named by what its person
types, by the verified e-mail address, or by its id.`,
	}
	f.register(accounts)
	accounts.AddCommand(accountsCreate(f), accountsImport(f), accountsList(f), accountsShow(f), accountsChange(f), accountsDisable(f), accountsEnable(f),
		accountsReset(f), accountsExport(f), accountsDelete(f))
	return accounts
}

func accountsCreate(f *adminFlags) *cobra.Command {
	var n admin.NewAccount
	var fromFile string
	var link, mail bool
	create := &cobra.Command{
		Use:   "create NAME",
		Short: "Create an account, with a password or a link to choose one",
		Long: `Create an account. The password is asked for on the terminal, or read from a
file or standard input (--password-file); or the person chooses one: --link
prints a link for that, --mail sends it.`,
		Example: `  grantway accounts create -e staging anna --full-name "Anna Arends"
  grantway accounts create anna --email anna@example.org --role teacher --link
  grantway accounts create anna --email anna@example.org --email-verified --mail
  grantway accounts create anna --password-file - < anna.password`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: f.work(func(s *session, args []string) error {
			n.Name = args[0]
			if err := s.mails(mail); err != nil {
				return err
			}
			switch {
			case link:
				n.Reset = admin.ResetLink
			case mail:
				n.Reset = admin.ResetMail
			default:
				password, err := s.newPassword(fromFile)
				if err != nil {
					return err
				}
				n.Password = &password
			}
			changed, err := s.accountChange(http.MethodPost, s.path+"/accounts", n)
			if err != nil {
				return err
			}
			if f.json {
				return writeJSON(s.OutOrStdout(), changed)
			}
			fields := [][2]string{{"environment", s.env}, {"account", changed.Account.Name}, {"id", changed.Account.ID}}
			return writeFields(s.OutOrStdout(), append(fields, linkFields(changed)...))
		}),
	}
	p := create.Flags()
	p.StringVar(&n.Email, "email", "", "the person's e-mail `address`")
	p.BoolVar(&n.EmailVerified, "email-verified", false, "we know that the address is theirs")
	p.StringVar(&n.FullName, "full-name", "", "the person's name, as it is shown")
	p.StringVar(&n.GivenName, "given-name", "", "the first name")
	p.StringVar(&n.FamilyName, "family-name", "", "the last name")
	p.StringVar(&n.Locale, "locale", "", "the person's `language`, such as en or nl-BE")
	p.StringSliceVar(&n.Roles, "role", nil, "a `role`, for APIs to know; may be repeated")
	p.StringVar(&fromFile, "password-file", "", "a `file` with the password, - for standard input")
	p.BoolVar(&link, "link", false, "print a link with which the person chooses a password")
	p.BoolVar(&mail, "mail", false, "send that link to --email")
	create.MarkFlagsMutuallyExclusive("password-file", "link", "mail")
	return create
}

// mails refuses to send a mail where no server runs that would.
func (s *session) mails(wanted bool) error {
	if wanted && s.to.own {
		return errors.New("no server runs that would send the mail\nStart it, or print the link and hand it over")
	}
	return nil
}

// newPassword reads a password from a file, or asks for it twice.
func (s *session) newPassword(file string) (string, error) {
	if file != "" {
		text, err := readSecret(file, s.InOrStdin())
		if err != nil {
			return "", errors.New(strings.Replace(err.Error(), "--secret-file", "--password-file", 1))
		}
		return text, nil
	}
	in, ok := s.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", &usageError{errors.New("nobody can be asked for the password here\nGive it by --password-file -, or let the person choose one by --link or --mail")}
	}
	ask := func(prompt string) (string, error) {
		fmt.Fprint(s.ErrOrStderr(), prompt)
		text, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(s.ErrOrStderr())
		return string(text), err
	}
	first, err := ask("Password: ")
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	again, err := ask("Again: ")
	switch {
	case err != nil:
		return "", fmt.Errorf("read the password: %w", err)
	case first != again:
		return "", errors.New("the two are not the same; nothing was created")
	}
	return first, nil
}

// accountChange sends a request about an account, and warns of what it warns of.
func (s *session) accountChange(method, path string, body any) (admin.AccountChanged, error) {
	changed, err := ask[admin.AccountChanged](s.Context(), s.to, method, path, body)
	for _, warning := range changed.Warnings {
		fmt.Fprintln(s.ErrOrStderr(), "warning:", printable(warning))
	}
	return changed, err
}

// linkFields are the lines about a link that was made.
func linkFields(changed admin.AccountChanged) [][2]string {
	var fields [][2]string
	if changed.Link != "" {
		fields = append(fields, [2]string{"link", changed.Link})
	}
	if changed.MailedTo != "" {
		fields = append(fields, [2]string{"mailed to", changed.MailedTo})
	}
	if !changed.LinkEndsAt.IsZero() {
		fields = append(fields, [2]string{"good until", moment(changed.LinkEndsAt, "")})
	}
	return fields
}

// account finds the account that somebody means.
func (s *session) account(named string) (admin.Account, error) {
	page, err := ask[admin.AccountPage](s.Context(), s.to, http.MethodGet, s.path+"/accounts?name="+url.QueryEscape(named), nil)
	if err != nil {
		return admin.Account{}, err
	}
	if len(page.Accounts) == 1 {
		return page.Accounts[0], nil
	}
	found, err := ask[admin.Account](s.Context(), s.to, http.MethodGet, s.path+"/accounts/"+url.PathEscape(named), nil)
	if no, ok := errors.AsType[*refused](err); ok && no.Status == http.StatusNotFound {
		return admin.Account{}, fmt.Errorf("there is no account %s in %s; 'grantway accounts list' shows those that there are", printable(named), s.env)
	}
	return found, err
}

func (s *session) accountPath(a admin.Account) string {
	return s.path + "/accounts/" + url.PathEscape(a.ID)
}

func accountsList(f *adminFlags) *cobra.Command {
	return &cobra.Command{
		Use:               "list",
		Short:             "List the accounts in the order of their ids",
		Example:           `  grantway accounts list -e staging`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: f.work(func(s *session, _ []string) error {
			all := []admin.Account{}
			for after := ""; ; {
				page, err := ask[admin.AccountPage](s.Context(), s.to, http.MethodGet, s.path+"/accounts?limit=200"+after, nil)
				if err != nil {
					return err
				}
				all = append(all, page.Accounts...)
				if page.Next == "" {
					break
				}
				after = "&after=" + url.QueryEscape(page.Next)
			}
			if f.json {
				return writeJSON(s.OutOrStdout(), admin.AccountPage{Accounts: all})
			}
			var rows [][]string
			for _, a := range all {
				rows = append(rows, []string{a.Name, a.Email, strings.Join(a.Roles, " "), accountState(&a), day(a.CreatedAt, "-")})
			}
			if len(rows) == 0 {
				return s.none("There is no account in " + s.env + ".")
			}
			return writeTable(s.OutOrStdout(), []string{"ACCOUNT", "E-MAIL", "ROLES", "STATE", "CREATED"}, 1, rows)
		}),
	}
}

func accountState(a *admin.Account) string {
	if a.Disabled {
		return "disabled"
	}
	return "enabled"
}

func accountsShow(f *adminFlags) *cobra.Command {
	return &cobra.Command{
		Use:               "show ACCOUNT",
		Short:             "Show an account, and how its person signs in",
		Example:           `  grantway accounts show -e staging anna`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions, // names of people do not belong in a list of words
		RunE: f.work(func(s *session, args []string) error {
			found, err := s.account(args[0])
			if err != nil {
				return err
			}
			a, err := ask[admin.Account](s.Context(), s.to, http.MethodGet, s.accountPath(found), nil)
			if err != nil {
				return err
			}
			if f.json {
				return writeJSON(s.OutOrStdout(), a)
			}
			email := a.Email
			if email != "" && !a.EmailVerified {
				email += " (not verified)"
			}
			fields := [][2]string{{"account", a.Name}, {"id", a.ID}, {"environment", s.env}, {"state", accountState(&a)}, {"created", moment(a.CreatedAt, "-")}}
			for _, field := range [][2]string{
				{"disabled", moment(a.DisabledAt, "")},
				{"name", strings.TrimSpace(cmp.Or(a.FullName, a.GivenName+" "+a.FamilyName))},
				{"e-mail", email},
				{"language", a.Locale},
				{"roles", strings.Join(a.Roles, ", ")},
			} {
				if field[1] != "" {
					fields = append(fields, field)
				}
			}
			name := "signs in with"
			for _, factor := range a.Factors {
				text := factor.Method
				if factor.Name != "" {
					text += " (" + factor.Name + ")"
				}
				fields, name = append(fields, [2]string{name, text + ", last used " + day(factor.LastUsedAt, "never")}), ""
			}
			return writeFields(s.OutOrStdout(), fields)
		}),
	}
}
