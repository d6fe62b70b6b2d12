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
	imports.AddCommand(importOpenAPICommand(), importClientsCommand(),
		importProductCommand(cognito, `what describe-user-pool-client and list-users of its command line say (JSON),
or users as CSV with its column names.`,
			"grantway import cognito -e staging client.json --dry-run",
			"grantway import cognito -e staging clients.json users.json",
			"grantway import cognito users.csv --json > report.json"),
		importProductCommand(auth0, `clients and client grants of its Management API (JSON), and the export of users
with password hashes that its support gives out (an object a line).`,
			"grantway import auth0 -e staging clients.json client-grants.json --dry-run",
			"grantway import auth0 -e staging users.ndjson",
			"grantway import auth0 clients.json --map-scope read:notes=notes:read"),
		importProductCommand(spring, `its tables oauth_client_details, users and authorities, as CSV with a line of
names, or as JSON.`,
			"grantway import spring -e staging oauth_client_details.csv --dry-run",
			"grantway import spring -e staging users.csv authorities.csv",
			"grantway import spring clients.json --map-scope read=notes:read"))
	return imports
}
