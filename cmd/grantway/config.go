package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/catalogue"
)

func configCommand() *cobra.Command {
	config := &cobra.Command{
		Use:   "config",
		Short: "Check a configuration, or print one to begin with, or its schema",
	}
	config.AddCommand(configCheckCommand(), configExampleCommand(), configSchemaCommand())
	return config
}

func configCheckCommand() *cobra.Command {
	var production bool
	check := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Report every fault of a configuration at once",
		Long: `Report every fault of a configuration at once, each with file, line, path and a
hint. The status is 1 when there is one. Where an API names its OpenAPI
document, it also warns of routes that differ from it, as 'grantway lint' does.`,
		Example: `  grantway config check
  grantway config check --production deploy/grantway.yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			file := "grantway.yaml"
			if len(files) == 1 {
				file = files[0]
			}
			loaded, err := catalogue.Load(file, os.LookupEnv)
			if err != nil {
				return err
			}
			if production {
				found := catalogue.CheckServe(loaded)
				if refused := found.Refused(); len(refused) > 0 {
					return found
				}
				if len(found) > 0 {
					fmt.Fprintln(c.ErrOrStderr(), found.Error())
				}
			}
			for _, api := range loaded.Environments[0].APIs {
				if api.Document != nil {
					tellNotes(c.ErrOrStderr(), catalogue.Lint(loaded, api.Name))
				}
			}
			routes := 0
			for _, api := range loaded.Environments[0].APIs {
				routes += len(api.Routes)
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s is good: %s, %s, %s\n", file, count(len(loaded.Environments), "environment"),
				count(len(loaded.Environments[0].APIs), "API"), count(routes, "route"))
			return err
		},
	}
	check.Flags().BoolVar(&production, "production", false, "also report what 'grantway serve' would refuse or warn of")
	return check
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

func configExampleCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "example [SYSTEM]",
		Short: "Print a configuration to begin with",
		Long: `Print a configuration to begin with: the one of 'grantway dev', or that of one
of the other systems. Its addresses are yours to change, and upstream becomes
the URL of your API; 'grantway config check --production' says what else is.`,
		Example: `  grantway config example > grantway.yaml
  grantway config example mytimetable`,
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: exampleNames(),
		RunE: func(c *cobra.Command, systems []string) error {
			name := "quickstart"
			if len(systems) == 1 {
				name = systems[0]
			}
			example, err := findExample(name)
			if err != nil {
				return err
			}
			// In the source, the schema lies elsewhere than beside the file.
			text := regexp.MustCompile(`(?m)^(# yaml-language-server: \$schema=).*/`).ReplaceAll(example.Config, []byte("$1"))
			_, err = c.OutOrStdout().Write(text)
			return err
		},
	}
}

func configSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of grantway.yaml, for editors",
		Example: `  grantway config schema > grantway.schema.json`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if len(catalogue.Schema) == 0 {
				return errors.New("this binary was built without its schema")
			}
			_, err := c.OutOrStdout().Write(catalogue.Schema)
			return err
		},
	}
}
