package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/wire"
)

func exportCommand() *cobra.Command {
	f := &adminFlags{}
	export := &cobra.Command{
		Use:   "export",
		Short: "Write the clients of an environment, one a line, never a secret",
		Long: `Write the clients that were registered in an environment as JSON, one a line,
without secrets; those of grantway.yaml are left out. 'grantway import clients'
reads it.`,
		Example:           `  grantway export -e staging > clients.jsonl`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: f.work(func(s *session, _ []string) error {
			return s.to.copy(s.Context(), s.path+"/export", s.OutOrStdout())
		}),
	}
	f.register(export)
	return export
}

// copy writes what the server answers, however long it is. What is cut off is an
// error: the server says beforehand how long it is.
func (a *administrator) copy(ctx context.Context, path string, to io.Writer) error {
	w, err := a.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer func() { _ = w.Body.Close() }() // it has been read
	if mediaType := w.Header.Get("Content-Type"); w.StatusCode != http.StatusOK || mediaType != "application/jsonl" {
		const longest = 1 << 20
		text, err := wire.ReadLimited(w.Body, longest)
		return errors.Join(err, a.refusal(mediaType, w.StatusCode, text))
	}
	if _, err := io.Copy(to, w.Body); err != nil {
		return fmt.Errorf("the server's answer: %w", err)
	}
	return nil
}

// A clientsReport says what became of a file.
type clientsReport struct {
	DryRun   bool                  `json:"dry_run"`
	Outcomes []admin.ClientOutcome `json:"outcomes"`
}

func importClientsCommand() *cobra.Command {
	f := &adminFlags{}
	var dry bool
	imports := &cobra.Command{
		Use:   "clients FILE",
		Short: "Make clients what 'grantway export' wrote of them",
		Long: `Make the clients of an environment what a file of 'grantway export' says of
them, - for standard input. One that is new gets no secret; one that is there
becomes what the file says, and what is taken away from it ends at once. What
is so already stays, so that the command can be repeated. Clients that are
refused are listed with the reason, and the exit status is 1 then.`,
		Example: `  grantway import clients -e production clients.jsonl --dry-run
  grantway export -e staging | grantway import clients -e test -`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return []cobra.Completion{"jsonl", "ndjson"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: f.work(func(s *session, args []string) error {
			file, _, err := openImport(s, args[0])
			if err != nil {
				return err
			}
			defer func() { _ = file.Close() }() // nothing was written
			report := clientsReport{DryRun: dry, Outcomes: []admin.ClientOutcome{}}
			failed := s.importClients(file, &report)
			return errors.Join(s.tellClients(&report), failed)
		}),
	}
	f.register(imports)
	imports.Flags().BoolVar(&dry, "dry-run", false, "say what would become of each client, and change nothing")
	return imports
}

// importClients sends the lines of a file, as many at a time as one request takes.
func (s *session) importClients(file io.Reader, report *clientsReport) error {
	const longest = 1 << 20
	sent, bytesOf := admin.ClientImport{DryRun: report.DryRun}, 0
	flush := func() error {
		if len(sent.Clients) == 0 {
			return nil
		}
		done, err := ask[admin.ClientsImported](s.Context(), s.to, http.MethodPost, s.path+"/import", sent)
		report.Outcomes = append(report.Outcomes, done.Outcomes...)
		sent.Clients, bytesOf = nil, 0
		return err
	}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, longest)
	for n := 1; lines.Scan(); n++ {
		line := lines.Bytes()
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff")) // as some editors begin a file
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		var one admin.ExportedClient
		// Strictly: what follows a first client on its line would be left out unseen.
		if err := wire.DecodeJSON(line, &one); err != nil {
			return errors.Join(flush(), fmt.Errorf("line %d is no client of 'grantway export': %w", n, err))
		}
		if len(sent.Clients) == admin.MaxImport || bytesOf+2*len(line) > admin.MaxBody/2 {
			if err := flush(); err != nil {
				return err
			}
		}
		sent.Clients, bytesOf = append(sent.Clients, one), bytesOf+2*len(line)
	}
	if err := lines.Err(); err != nil {
		return errors.Join(flush(), fmt.Errorf("read the file: %w", err))
	}
	return flush()
}

// tellClients says what became of a file. What was refused makes the command fail.
func (s *session) tellClients(report *clientsReport) error {
	count := map[string]int{}
	var rows [][]string
	for _, o := range report.Outcomes {
		count[o.Result]++
		var reasons []string
		for _, e := range o.Errors {
			reasons = append(reasons, e.Field+" "+e.Problem)
		}
		rows = append(rows, []string{o.ID, o.Result, strings.Join(reasons, "; ")})
	}
	switch {
	case s.json:
		if err := writeJSON(s.OutOrStdout(), report); err != nil {
			return err
		}
	default:
		if err := writeTable(s.OutOrStdout(), []string{"CLIENT ID", "RESULT", "REASON"}, 2, rows); err != nil {
			return err
		}
		would := ""
		if report.DryRun {
			would = "would be "
		}
		fmt.Fprintf(s.OutOrStdout(), "\n%s%d created, %d changed; %d same, %d refused\n", would, count["created"], count["changed"], count["same"], count[admin.ImportRefused])
	}
	if n := count[admin.ImportRefused]; n > 0 {
		return fmt.Errorf("%d of %d clients were refused", n, len(report.Outcomes))
	}
	return nil
}
