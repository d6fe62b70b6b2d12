package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/store"
)

// adminFlags are what every command about clients and secrets can be told.
type adminFlags struct {
	server, config, data string
	configGiven          bool
	environment          string
	json, yes            bool
}

// registerHome gives a group of commands about home the flags.
func (f *adminFlags) registerHome(group *cobra.Command) {
	p := group.PersistentFlags()
	p.StringVar(&f.config, "config", "grantway.yaml", "the configuration `file`")
	p.StringVar(&f.data, "data", "", "the data `folder` of a server that runs on this machine, instead of --config")
	p.StringVar(&f.server, "server", "", "the `URL` of home on another machine, instead of --config; "+tokenVariable+" holds the access token")
	p.BoolVar(&f.json, "json", false, "print what the admin API answers")
	group.PersistentPreRun = func(c *cobra.Command, _ []string) { f.configGiven = c.Flags().Changed("config") }
}

// register gives a group of commands the flags, and their completion.
func (f *adminFlags) register(group *cobra.Command) {
	group.PersistentFlags().StringVarP(&f.environment, "environment", "e", "", "the `environment` to work on; not needed where there is one")
	f.registerHome(group)
	_ = group.RegisterFlagCompletionFunc("environment", f.environmentNames)
}

// environmentNames completes the name of an environment.
func (f *adminFlags) environmentNames(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return f.complete(c, func(ctx context.Context, to *administrator) ([]cobra.Completion, error) {
		all, err := to.environments(ctx)
		var names []cobra.Completion
		for _, e := range all {
			names = append(names, cobra.CompletionWithDesc(e.Name, e.Title))
		}
		return names, err
	})
}

// complete asks a server that runs for words. It starts nothing.
func (f *adminFlags) complete(c *cobra.Command, words func(context.Context, *administrator) ([]cobra.Completion, error)) ([]cobra.Completion, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	f.configGiven = c.Flags().Changed("config")
	to, err := f.connect(ctx, io.Discard, true)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer func() { _ = to.close() }() // nobody reads an error while typing
	found, err := words(ctx, to)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}

// completeIn is complete with words of the environment that is chosen, at its path.
func (f *adminFlags) completeIn(c *cobra.Command, words func(ctx context.Context, to *administrator, path string) ([]cobra.Completion, error)) ([]cobra.Completion, cobra.ShellCompDirective) {
	return f.complete(c, func(ctx context.Context, to *administrator) ([]cobra.Completion, error) {
		_, path, err := to.choose(ctx, f.environment)
		if err != nil {
			return nil, err
		}
		return words(ctx, to, path)
	})
}

// clientIDs completes the first argument.
func (f *adminFlags) clientIDs(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return f.completeIn(c, func(ctx context.Context, to *administrator, path string) ([]cobra.Completion, error) {
		page, err := ask[admin.ClientPage](ctx, to, http.MethodGet, path+"/clients?limit=200", nil)
		var ids []cobra.Completion
		for _, client := range page.Clients {
			ids = append(ids, cobra.CompletionWithDesc(client.ID, client.Name))
		}
		return ids, err
	})
}

// A session is one command at work on one environment.
type session struct {
	*cobra.Command
	*adminFlags
	to   *administrator
	env  string
	path string // of the environment
}

// work connects, does the work and disconnects.
func (f *adminFlags) work(do func(*session, []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) (err error) {
		to, err := f.connect(c.Context(), c.ErrOrStderr(), false)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, to.close()) }()
		name, path, err := to.choose(c.Context(), f.environment)
		if err != nil {
			return err
		}
		return unknown(c, args, name, do(&session{c, f, to, name, path}, args))
	}
}

// unknown says which of the words is none that the server knows, where one alone
// can be meant.
func unknown(c *cobra.Command, args []string, environment string, err error) error {
	no, ok := errors.AsType[*refused](err)
	if !ok || no.Status != http.StatusNotFound || len(args) != 1 || c.Flags().Changed("secret") {
		return err
	}
	switch what := strings.Fields(c.Use)[1]; {
	case what == "CLIENT" && environment != "":
		return fmt.Errorf("there is no client %s in %s; 'grantway clients list -e %s' shows those that there are", printable(args[0]), environment, environment)
	case what == "PARTNER":
		return fmt.Errorf("there is no partner %s; 'grantway partners list' shows those that there are", printable(args[0]))
	case what == "REQUEST":
		return fmt.Errorf("there is no request %s; 'grantway requests list' shows those that there are", printable(args[0]))
	}
	return err
}

// client is the path of a client.
func (s *session) client(id string) string { return s.path + "/clients/" + url.PathEscape(id) }

// found is the client of that id.
func (s *session) found(id string) (admin.Client, error) {
	return ask[admin.Client](s.Context(), s.to, http.MethodGet, s.client(id), nil)
}

// change sends a request that changes something, and warns of what it warns of.
func (s *session) change(method, path string, body any) (admin.Changed, error) {
	changed, err := ask[admin.Changed](s.Context(), s.to, method, path, body)
	s.warn(changed.Warnings)
	return changed, err
}

// none says that a list is empty.
func (s *session) none(what string) error {
	_, err := fmt.Fprintln(s.OutOrStdout(), what)
	return err
}

// sayOnce says, beside a secret, that it is the last time it is seen.
func (s *session) sayOnce(changed admin.Changed) {
	if changed.Secret != "" {
		fmt.Fprintln(s.ErrOrStderr(), "The secret is shown this once and cannot be had again.")
	}
}

// confirm asks before something is destroyed. Where nobody can answer, --yes has
// to be said beforehand.
func (s *session) confirm(what string) error {
	if s.yes {
		return nil
	}
	in, ok := s.InOrStdin().(*os.File)
	if ok {
		info, err := in.Stat()
		ok = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	if !ok {
		return &usageError{fmt.Errorf("%s\nNobody can be asked here: add --yes to do it", what)}
	}
	fmt.Fprintf(s.ErrOrStderr(), "%s\nGo on? [y/N] ", what)
	line, _ := bufio.NewReader(in).ReadString('\n')
	if !strings.HasSuffix(line, "\n") { // nobody answered
		fmt.Fprintln(s.ErrOrStderr())
	}
	if reply := strings.ToLower(strings.TrimSpace(line)); reply != "y" && reply != "yes" {
		return errors.New("nothing was changed")
	}
	return nil
}

func clientsCommand() *cobra.Command {
	f := &adminFlags{}
	clients := &cobra.Command{
		Use:   "clients",
		Short: "Register, list, change, disable and delete clients",
		Long: `Register, list, change, disable and delete the clients of an environment.

They are kept by the server that runs in the data folder of --config, or by the
one that --server names; where none runs, this command does the work itself.`,
	}
	f.register(clients)
	clients.AddCommand(clientsCreate(f), clientsList(f), clientsShow(f), clientsChange(f), clientsDisable(f), clientsEnable(f), clientsLeaked(f), clientsDelete(f))
	return clients
}

func clientsList(f *adminFlags) *cobra.Command {
	return &cobra.Command{
		Use:               "list",
		Short:             "List the clients in the order of their ids",
		Example:           `  grantway clients list -e staging`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: f.work(func(s *session, _ []string) error {
			all := []admin.Client{}
			for after := ""; ; {
				page, err := ask[admin.ClientPage](s.Context(), s.to, http.MethodGet, s.path+"/clients?limit=200"+after, nil)
				if err != nil {
					return err
				}
				all = append(all, page.Clients...)
				if page.Next == "" {
					break
				}
				after = "&after=" + url.QueryEscape(page.Next)
			}
			if f.json {
				return writeJSON(s.OutOrStdout(), admin.ClientPage{Clients: all})
			}
			var rows [][]string
			for _, c := range all {
				live, used := 0, time.Time{}
				for _, secret := range c.Secrets {
					if secret.Live {
						live++
					}
					if secret.LastUsedAt.After(used) {
						used = secret.LastUsedAt
					}
				}
				rows = append(rows, []string{c.ID, c.Name, state(&c), fmt.Sprintf("%d live", live), day(used, "never")})
			}
			if len(rows) == 0 {
				return s.none("No client is registered in " + s.env + ".")
			}
			return writeTable(s.OutOrStdout(), []string{"CLIENT ID", "NAME", "STATE", "SECRETS", "LAST USED"}, 1, rows)
		}),
	}
}

func state(c *admin.Client) string {
	switch {
	case c.Disabled:
		return "disabled"
	case c.Declared:
		return "declared"
	}
	return "enabled"
}

func clientsShow(f *adminFlags) *cobra.Command {
	return &cobra.Command{
		Use:               "show CLIENT",
		Short:             "Show a client: what it may use, and its secrets' dates",
		Example:           `  grantway clients show -e staging acme`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.clientIDs,
		RunE: f.work(func(s *session, args []string) error {
			c, err := s.found(args[0])
			if err != nil {
				return err
			}
			if f.json {
				return writeJSON(s.OutOrStdout(), c)
			}
			methods := "every way that takes a secret"
			switch {
			case c.Type == store.TypeNative || c.Type == store.TypeBrowser:
				methods = "none: it keeps no secret"
			case len(c.AuthMethods) > 0:
				methods = strings.Join(c.AuthMethods, ", ")
			}
			fields := [][2]string{
				{"client id", c.ID},
				{"name", c.Name},
				{"environment", s.env},
				{"partner", cmp.Or(c.Partner, "none: the publisher's own")},
				{"state", state(&c)},
				{"created", moment(c.CreatedAt, "in grantway.yaml")},
			}
			if c.Disabled {
				fields = append(fields, [2]string{"disabled", moment(c.DisabledAt, "")})
			}
			fields = append(fields, [2]string{"type", c.Type}, [2]string{"grants", strings.Join(grantsWithEnds(&c), ", ")}, [2]string{"authentication", methods})
			fields = append(fields, signInFields(c.SignIn)...)
			for _, api := range c.APIs {
				fields = append(fields, [2]string{"API", api.Name})
				for _, scope := range api.Scopes {
					fields = append(fields, [2]string{"", scope})
				}
			}
			fields = append(fields, s.unused(&c)...)
			if err := writeFields(s.OutOrStdout(), fields); err != nil || len(c.Secrets) == 0 {
				return err
			}
			fmt.Fprintln(s.OutOrStdout())
			return writeSecrets(s.OutOrStdout(), c.Secrets)
		}),
	}
}

func clientsDisable(f *adminFlags) *cobra.Command {
	return f.destroying(&cobra.Command{
		Use:     "disable CLIENT",
		Short:   "Make a client unusable and end its tokens, until it is enabled",
		Example: `  grantway clients disable -e staging acme`,
		RunE: f.work(func(s *session, args []string) error {
			c, err := s.found(args[0])
			if err != nil {
				return err
			}
			if err := s.confirm(fmt.Sprintf("The client %s (%s) of %s gets no more tokens, and those that it has end now.", c.ID, printable(c.Name), s.env)); err != nil {
				return err
			}
			return s.done(http.MethodPost, s.client(c.ID)+"/disable", "disabled "+c.ID)
		}),
	})
}

func clientsEnable(f *adminFlags) *cobra.Command {
	return &cobra.Command{
		Use:               "enable CLIENT",
		Short:             "Make a disabled client usable; tokens that ended stay ended",
		Example:           `  grantway clients enable -e staging acme`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.clientIDs,
		RunE: f.work(func(s *session, args []string) error {
			return s.done(http.MethodPost, s.client(args[0])+"/enable", "enabled "+args[0])
		}),
	}
}

func clientsDelete(f *adminFlags) *cobra.Command {
	return f.destroying(&cobra.Command{
		Use:     "delete CLIENT",
		Short:   "Delete a client and its secrets for ever, and its id with them",
		Example: `  grantway clients delete -e staging acme`,
		RunE: f.work(func(s *session, args []string) error {
			c, err := s.found(args[0])
			if err != nil {
				return err
			}
			what := fmt.Sprintf("The client %s (%s) of %s goes for ever, with its secrets (%d); its tokens end now, and its id can never be used again.",
				c.ID, printable(c.Name), s.env, len(c.Secrets))
			if err := s.confirm(what); err != nil {
				return err
			}
			return s.done(http.MethodDelete, s.client(c.ID), "deleted "+c.ID)
		}),
	})
}

// destroying gives a command about one client what it needs to ask first.
func (f *adminFlags) destroying(c *cobra.Command) *cobra.Command {
	if c.Args == nil {
		c.Args, c.ValidArgsFunction = cobra.ExactArgs(1), f.clientIDs
	}
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do it without asking")
	return c
}

// done changes something and says so.
func (s *session) done(method, path, said string) error {
	changed, err := s.change(method, path, nil)
	if err != nil {
		return err
	}
	return s.say(changed, said)
}

// say says what was done, or what the server answered.
func (s *session) say(answer any, said string) error {
	if s.json {
		return writeJSON(s.OutOrStdout(), answer)
	}
	fmt.Fprintln(s.OutOrStdout(), printable(said))
	return nil
}
