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
	root.AddCommand(devCommand(), serveCommand(), configCommand())
	return root
}
