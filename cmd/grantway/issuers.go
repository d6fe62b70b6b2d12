package main

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/admin"
)

func issuersCommand() *cobra.Command {
	f := &adminFlags{}
	group := &cobra.Command{
		Use:   "issuers",
		Short: "See who still comes with tokens of other issuers",
		Long: `See who still comes with tokens of the issuers that APIs trust for a time, as
issuers in the configuration says. They are added and removed there.`,
	}
	f.register(group)
	group.AddCommand(issuersList(f))
	return group
}

func issuersList(f *adminFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the issuers with their end, their calls and their clients",
		Long: `List the issuers with their end, their calls and their clients, the latest
first. The figures are those of the server that answers, since it started: not
those of other nodes, nor of gateways apart, which tell theirs in the metric
grantway_other_issuer_calls_total and in the log.`,
		Example: `  grantway issuers list -e production
  grantway issuers list -e production --json`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: f.work(func(s *session, _ []string) error {
			list, err := ask[admin.IssuerList](s.Context(), s.to, http.MethodGet, s.path+"/issuers", nil)
			if err != nil {
				return err
			}
			return s.writeIssuers(list)
		}),
	}
}

func (s *session) writeIssuers(list admin.IssuerList) error {
	out := s.OutOrStdout()
	if s.json {
		return writeJSON(out, list)
	}
	for _, i := range list.Issuers {
		until := day(i.Until, "-")
		if i.Ended {
			until += ", ended: its tokens are refused"
		}
		calls := strconv.FormatInt(i.Calls, 10)
		if i.Calls > 0 {
			calls += ", the last " + moment(i.LastSeenAt, "-")
		}
		clients := strconv.Itoa(len(i.Clients))
		if i.More {
			clients += " and more"
		}
		if err := writeFields(out, [][2]string{{"API", i.API}, {"Issuer", i.Issuer}, {"Until", until}, {"Calls", calls}, {"Clients", clients}}); err != nil {
			return err
		}
		var rows [][]string
		for _, c := range i.Clients {
			rows = append(rows, []string{c.Client, strconv.FormatInt(c.Calls, 10), inUTC(c.LastSeenAt, "2006-01-02 15:04", "-")})
		}
		if len(rows) > 0 {
			if err := writeTable(out, []string{"CLIENT", "CALLS", "LAST SEEN (UTC)"}, 0, rows); err != nil {
				return err
			}
		}
		fmt.Fprintln(out)
	}
	if len(list.Issuers) == 0 {
		fmt.Fprintf(out, "No API of %s trusts another issuer.\n", s.env)
		return nil
	}
	fmt.Fprintf(out, "Counted by this server since %s.\n", moment(list.Since, "-"))
	return nil
}
