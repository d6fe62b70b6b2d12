package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/catalogue"
)

// A finding is what lint says, as JSON.
type finding struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Path    string `json:"path,omitempty"`
	Problem string `json:"problem"`
	Hint    string `json:"hint,omitempty"`
}

func lintCommand() *cobra.Command {
	var document, api string
	var asJSON bool
	lint := &cobra.Command{
		Use:   "lint [FILE]",
		Short: "Say which routes nobody guards, and which nobody needs",
		Long: `Say which routes nobody guards, and which nobody needs: where a configuration
and the OpenAPI documents of its APIs differ, scopes that no route asks for, and
routes by which everybody may alter something.

An API's document is the one under its key openapi, or the one of --openapi. The
status is 1 when there is something to say.`,
		Example: `  grantway lint
  grantway lint --openapi openapi.yaml
  grantway lint deploy/grantway.yaml --openapi openapi.json --api notes --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			file := "grantway.yaml"
			if len(files) == 1 {
				file = files[0]
			}
			found, err := lintFile(file, document, api)
			if err != nil {
				return err
			}
			if asJSON {
				all := make([]finding, len(found))
				for i, f := range found {
					all[i] = finding{f.File, f.Line, f.Column, f.Path, f.Problem, f.Hint}
				}
				if err := writeJSON(c.OutOrStdout(), all); err != nil {
					return err
				}
			} else if len(found) == 0 {
				fmt.Fprintf(c.OutOrStdout(), "%s: every route is guarded as it says, and needed\n", file)
			} else {
				fmt.Fprintln(c.OutOrStdout(), found.Error())
			}
			if len(found) > 0 {
				return fmt.Errorf("%s to look at", count(len(found), "finding"))
			}
			return nil
		},
	}
	lint.Flags().StringVar(&document, "openapi", "", "the OpenAPI `document` of the API, instead of the configuration's")
	lint.Flags().StringVar(&api, "api", "", "the `name` of the API to look at; without one, all")
	lint.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	completeAPIs(lint, new("grantway.yaml"))
	return lint
}

func lintFile(file, document, api string) (catalogue.Faults, error) {
	loaded, err := catalogue.Load(file, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	if api != "" && loaded.Environments[0].API(api) == nil {
		return nil, &usageError{fmt.Errorf("there is no API %q in %s", api, file)}
	}
	if document != "" {
		if apis := loaded.Environments[0].APIs; api == "" && len(apis) > 1 {
			return nil, &usageError{errors.New("which API is the document of? Name it with --api")}
		} else if api == "" {
			api = apis[0].Name
		}
		o, err := catalogue.LoadOpenAPI(document)
		if err != nil {
			return nil, err
		}
		loaded = loaded.WithDocument(api, o)
	}
	found := catalogue.Faults{}
	for _, a := range loaded.Environments[0].APIs {
		if a.Document != nil && (api == "" || a.Name == api) {
			found = append(found, a.Document.Notes...)
		}
	}
	return append(found, catalogue.Lint(loaded, api)...), nil
}
