package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/catalogue"
)

func importOpenAPICommand() *cobra.Command {
	var config string
	var write bool
	o := catalogue.ProposeOptions{Env: os.LookupEnv}
	c := &cobra.Command{
		Use:   "openapi FILE",
		Short: "Propose scopes and routes from an OpenAPI document, as a diff",
		Long: `Propose the scopes and routes that grantway.yaml lacks, from an OpenAPI document
of version 3.0 or 3.1, in JSON or YAML. It prints a unified diff and changes
nothing; --write applies it. What the file says already stays as it is, with its
comments and order, and where it differs from the document a warning says so.
Without a file, a whole new one is proposed.

References are followed within the document only. A document or a file that
would not load is refused, with every fault and its line.`,
		Example: `  grantway import openapi openapi.yaml
  grantway import openapi openapi.json --api notes --write
  grantway import openapi openapi.yaml --upstream http://127.0.0.1:9000
  grantway import openapi openapi.yaml | patch -p0`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return []cobra.Completion{"json", "yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(c *cobra.Command, args []string) error {
			p, err := propose(c, config, args[0], o)
			if err != nil {
				return err
			}
			tellNotes(c.ErrOrStderr(), p.Notes)
			diff := p.Diff()
			if diff == "" {
				fmt.Fprintf(c.ErrOrStderr(), "%s has everything of %s\n", config, args[0])
				return nil
			}
			if _, err := io.WriteString(c.OutOrStdout(), diff); err != nil {
				return err
			}
			what := count(p.Scopes, "scope") + " and " + count(p.Routes, "route")
			if !write {
				fmt.Fprintf(c.ErrOrStderr(), "%s would be added to %s of %s; --write adds them\n", what, p.API, config)
				return nil
			}
			if err := replace(config, p.New); err != nil {
				return err
			}
			fmt.Fprintf(c.ErrOrStderr(), "%s were added to %s of %s\n", what, p.API, config)
			return nil
		},
	}
	c.Flags().StringVar(&config, "config", "grantway.yaml", "the configuration `file`")
	c.Flags().StringVar(&o.API, "api", "", "the `name` of the API, where there are several or it is a new one")
	c.Flags().StringVar(&o.Upstream, "upstream", "", "the `URL` of a new API, instead of the document's server")
	c.Flags().BoolVar(&write, "write", false, "apply the proposal")
	completeAPIs(c, &config)
	return c
}

func propose(c *cobra.Command, config, file string, o catalogue.ProposeOptions) (*catalogue.Proposal, error) {
	document, err := catalogue.LoadOpenAPI(file)
	if err != nil {
		return nil, err
	}
	old, err := os.ReadFile(config)
	if errors.Is(err, fs.ErrNotExist) && !c.Flags().Changed("config") {
		old, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	p, err := catalogue.Propose(config, old, document, o)
	if errors.Is(err, catalogue.ErrWhichAPI) {
		return nil, &usageError{fmt.Errorf("%s has several APIs: name one, or a new one, with --api", config)}
	}
	return p, err
}

// tellNotes writes warnings, some of them where they are many.
func tellNotes(out io.Writer, notes catalogue.Faults) {
	const most = 50
	if len(notes) == 0 {
		return
	}
	fmt.Fprintln(out, notes[:min(most, len(notes))].Error())
	if more := len(notes) - most; more > 0 {
		fmt.Fprintf(out, "and %d more; 'grantway lint' lists them all\n", more)
	}
}

// replace puts new content in a file's place at once, with its permissions.
func replace(name string, content []byte) error {
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(name); err == nil {
		mode = info.Mode().Perm()
	}
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	beside, err := os.CreateTemp(filepath.Dir(name), ".grantway-*.yaml")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(beside.Name()) }() // it is gone when all went well
	_, err = beside.Write(content)
	err = errors.Join(err, beside.Chmod(mode), beside.Sync(), beside.Close())
	if err != nil {
		return err
	}
	return os.Rename(beside.Name(), name)
}

// completeAPIs lets --api be completed by the names of the configuration.
func completeAPIs(c *cobra.Command, config *string) {
	_ = c.RegisterFlagCompletionFunc("api", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		loaded, err := catalogue.Load(*config, os.LookupEnv)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []cobra.Completion
		for _, a := range loaded.Environments[0].APIs {
			names = append(names, cobra.CompletionWithDesc(a.Name, a.Title))
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}) // the flag exists
}
