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
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/catalogue"
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
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var faults catalogue.Faults
	if errors.As(err, &faults) {
		fmt.Fprintln(os.Stderr, faults.Error())
		return exitRefused
	}
	fmt.Fprintln(os.Stderr, "grantway:", err)
	if errors.As(err, new(*usageError)) {
		return exitUsage
	}
	if coded, ok := errors.AsType[*statusError](err); ok {
		return coded.status
	}
	return exitRefused
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

// named says which argument is missing, as the usage of the command calls it.
func named(c *cobra.Command, words []string, err error) error {
	names := strings.Fields(c.Use)[1:]
	if len(words) < len(names) && strings.Trim(names[len(words)], "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		return fmt.Errorf("%s is missing", names[len(words)])
	}
	return err
}
