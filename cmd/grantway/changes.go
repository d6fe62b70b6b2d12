package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/admin"
)

func changesCommand() *cobra.Command {
	f := &adminFlags{}
	var about, kind, actor string
	var most int
	changes := &cobra.Command{
		Use:   "changes",
		Short: "Show who changed what, when, and what was before and after",
		Long: `Show what was changed in an environment, the newest first: when, by whom, about
what, and what was before and after. What concerns partners and operators is in
the environment home. --json holds everything, with the trace ids.`,
		Example: `  grantway changes -e staging
  grantway changes -e staging --about acme --kind secret.
  grantway changes -e home --actor pipeline --most 500 --json`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: f.work(func(s *session, _ []string) error {
			all := []admin.ChangeRecord{}
			query := url.Values{"about": {about}, "kind": {kind}, "actor": {actor}, "limit": {strconv.Itoa(min(max(most, 1), admin.MaxPage))}}
			err := pages(s.Context(), s.to, s.path+"/changes", query, func(page admin.ChangePage) string {
				if all = append(all, page.Changes...); len(all) >= most {
					return ""
				}
				return page.Next
			})
			if err != nil {
				return err
			}
			all = all[:min(max(most, 1), len(all))]
			if f.json {
				return writeJSON(s.OutOrStdout(), admin.ChangePage{Changes: all})
			}
			if len(all) == 0 {
				return s.none("No such change was made in " + s.env + ".")
			}
			return writeChanges(s.OutOrStdout(), all)
		}),
	}
	f.register(changes)
	p := changes.Flags()
	p.StringVar(&about, "about", "", "only what is about this client, secret, account or partner, by its `id`")
	p.StringVar(&kind, "kind", "", "only changes of a `kind`: secret. or secret.revoked")
	p.StringVar(&actor, "actor", "", "only what this `actor` changed")
	p.IntVar(&most, "most", 50, "how many at most")
	completeWords(changes, "kind", "client.", "secret.", "key.", "account.", "partner.", "access.", "session.", "token.")
	return changes
}

// writeChanges writes changes as a table; what was before and after stands below
// each.
func writeChanges(out io.Writer, all []admin.ChangeRecord) error {
	rows := make([][]string, len(all))
	for i, c := range all {
		about := c.ID
		if c.Client != "" {
			about += " of " + c.Client
		}
		rows[i] = []string{inUTC(c.At, "2006-01-02 15:04:05", "-"), c.Actor, c.Kind, about}
	}
	var table bytes.Buffer
	if err := writeTable(&table, []string{"WHEN (UTC)", "WHO", "WHAT", "ABOUT"}, 3, rows); err != nil {
		return err
	}
	i := -1
	for line := range strings.Lines(table.String()) {
		if _, err := io.WriteString(out, line); err != nil {
			return err
		}
		if i >= 0 {
			if text := detail(all[i].Detail); text != "" {
				fmt.Fprintln(out, shortened("    "+printable(text), tableWidth))
			}
		}
		i++
	}
	return nil
}

// detail is the detail of a change in one line.
func detail(text json.RawMessage) string {
	var members map[string]any
	if json.Unmarshal(text, &members) != nil {
		return string(text)
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		shown, err := json.Marshal(members[name])
		if err != nil {
			shown = fmt.Append(nil, members[name])
		}
		parts = append(parts, name+" "+strings.Trim(string(shown), `"`))
	}
	return strings.Join(parts, ", ")
}
