package main

import "github.com/spf13/cobra"

func importCommand() *cobra.Command {
	imports := &cobra.Command{
		Use:   "import",
		Short: "Take over an OpenAPI document, or what another product knows",
		Long: `Take over what is known elsewhere: the routes and scopes of an OpenAPI document
into grantway.yaml, or the clients and people of another product, with their ids
and secrets, so that partners change nothing but the base URL.

docs/MOVING_IN.md says what each product gives out, and how.`,
	}
	imports.AddCommand(importOpenAPICommand(), importClientsCommand())
	return imports
}
