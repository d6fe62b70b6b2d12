// Command grantway is the front door of a published API: authorization server,
// gateway and administration in one binary.
//
// One file for each subcommand; what they do is the work of the packages below
// internal/. `grantway --help` lists them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/keys"
)

func main() { os.Exit(run(os.Args[1:])) }

// Exit statuses: what a script may rely on.
const (
	exitRefused = 1 // it was understood and could not be done
	exitUsage   = 2 // the words of the command line are off
)

// run is main with a status that a test can look at.
func run(arguments []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl+C does not wait for what is under way
	root := newRoot()
	root.SetArgs(arguments)
	ran, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	var faults catalogue.Faults
	if errors.As(err, &faults) {
		fmt.Fprintln(os.Stderr, faults.Error())
		if ran.Flags().Lookup("data") != nil && ran.Flags().Lookup("server") != nil && strings.Contains(faults.Error(), "the environment variable ") {
			fmt.Fprintln(os.Stderr, "A server that runs is asked without its variables by --data FOLDER, its data folder")
		}
		return exitRefused
	}
	fmt.Fprintln(os.Stderr, "grantway:", err)
	if what := remedy(ran, err); what != "" {
		fmt.Fprintln(os.Stderr, what)
	}
	if errors.As(err, new(*usageError)) {
		return exitUsage
	}
	if coded, ok := errors.AsType[*statusError](err); ok {
		return coded.status
	}
	return exitRefused
}

// remedy is what to do about an error that whoever returned it knew no cure for.
func remedy(c *cobra.Command, err error) string {
	named := "--config FILE"
	if c.Flags().Lookup("config") == nil {
		named = "'" + c.CommandPath() + " FILE'"
	}
	switch {
	case errors.Is(err, catalogue.ErrNoFile) && strings.Contains(c.CommandPath(), " proxy"):
		return "Name another with " + named + "; docs/PROXY.md has one to begin with"
	case errors.Is(err, catalogue.ErrNoFile):
		return "Name another with " + named + "; 'grantway config example' prints one to begin with"
	case errors.As(err, new(*usageError)):
		return ""
	case errors.Is(err, syscall.EADDRINUSE) && c.Flags().Lookup("listen") == nil:
		return "Another program answers there already: stop it, or write another address into the configuration"
	case errors.Is(err, syscall.EACCES) && listening(err) && c.Name() != "dev":
		return "Ports below 1024 need a right that this user has not: CAP_NET_BIND_SERVICE, or a proxy in front and another port"
	case errors.As(err, new(*heldError)) && c.Name() == "serve":
		return "A folder is for one server: stop that one, or name another folder under data in the configuration"
	case errors.Is(err, keys.ErrSealed):
		return "Name the sealing key that the store was made with; docs/INCIDENTS.md says what to do where it is lost"
	case errors.Is(err, fs.ErrPermission) && errors.As(err, new(*fs.PathError)):
		return "Run it as a user who may do that, or name another place"
	}
	return ""
}

// listening reports whether an error is of opening a listener.
func listening(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "listen"
}

// usageError is an error in how a command was called.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "grantway",
		Short: "The front door of a published API: tokens, gateway and credentials in one binary",
		Long: `Grantway issues the tokens, guards the routes and hands out the credentials of a
published API.

Start with a demonstration:   grantway dev
Run one of the systems:       grantway dev --example timeback
Check a configuration:        grantway config check grantway.yaml
Run it for others:            grantway serve --config grantway.yaml`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
			if near := nearFlag(c, unknown.GetSpecifiedName()); near != "" {
				err = fmt.Errorf("%w; did you mean --%s?", err, near)
			}
		}
		return &usageError{fmt.Errorf("%w\nRun '%s --help' for the flags and examples", err, c.CommandPath())}
	})
	root.AddCommand(devCommand(), serveCommand(), gatewayCommand(), configCommand(), clientsCommand(), secretsCommand(), keysCommand(), denyCommand(), activityCommand(), whyCommand(), completionCommand())
	root.AddCommand(issuersCommand(), accountsCommand(), apiTokensCommand(), proxyCommand(), auditCommand())
	root.AddCommand(importCommand(), lintCommand())
	root.AddCommand(partnersCommand(), requestsCommand(), promoteCommand(), diffCommand(), exportCommand(), changesCommand(), ownerCommand(), operatorsCommand())
	root.AddCommand(tokenCommand(), loginCommand(), logoutCommand(), curlCommand())
	root.CompletionOptions.DisableDefaultCmd = true // ours is shorter
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages ", ".FlagUsagesWrapped 80 "))
	strict(root)
	return root
}

// strict makes every word that a command does not know a usage error, for all
// commands below one. The library would show the help and report success.
func strict(c *cobra.Command) {
	if c.HasSubCommands() && !c.Runnable() {
		c.Args = func(c *cobra.Command, words []string) error {
			if len(words) == 0 {
				return nil
			}
			c.SuggestionsMinimumDistance = 2
			err := fmt.Errorf("there is no command %q in %q", words[0], c.CommandPath())
			if near := c.SuggestionsFor(words[0]); len(near) > 0 {
				err = fmt.Errorf("%w; did you mean %s?", err, strings.Join(near, " or "))
			}
			return err
		}
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
		c.DisableFlagsInUseLine = true
	}
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, words []string) error {
			if err := check(c, words); err != nil {
				return &usageError{fmt.Errorf("%w\nRun '%s --help' for what it takes, and examples", named(c, words, err), c.CommandPath())}
			}
			return nil
		}
	}
	for _, below := range c.Commands() {
		strict(below)
	}
}

// named says which argument is missing, as the usage of the command calls it, or
// which word is one too many.
func named(c *cobra.Command, words []string, err error) error {
	names := strings.Fields(c.Use)[1:]
	switch {
	case len(words) > len(names) && !c.HasSubCommands():
		extra := words[len(names)]
		if c.Flags().Lookup("config") != nil && strings.HasSuffix(extra, ".yaml") {
			return fmt.Errorf("%q is a word too many; did you mean --config %s?", extra, extra)
		}
		return fmt.Errorf("%q is a word too many", extra)
	case len(words) >= len(names):
		return err
	case strings.Trim(names[len(words)], "ABCDEFGHIJKLMNOPQRSTUVWXYZ|.") == "":
		return fmt.Errorf("%s is missing", strings.NewReplacer("|", " or ", "...", "").Replace(names[len(words)]))
	case strings.HasPrefix(names[len(words)], "{"):
		return fmt.Errorf("which one? %s", strings.ReplaceAll(strings.Trim(names[len(words)], "{}"), "|", ", "))
	}
	return err
}

// nearFlag is the flag that was meant where another word stands, as far as that
// can be told.
func nearFlag(c *cobra.Command, word string) string {
	var flags []string
	c.Flags().VisitAll(func(f *pflag.Flag) { flags = append(flags, f.Name) })
	return catalogue.Nearest(word, flags)
}
