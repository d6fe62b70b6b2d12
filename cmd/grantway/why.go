package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/refusal"
)

func whyCommand() *cobra.Command {
	f := &adminFlags{}
	why := &cobra.Command{
		Use:   "why TRACE",
		Short: "Explain why a request was refused, by the trace id of its answer",
		Long: `Explain why a request was refused, and what to do about it. Every answer carries
a trace id as X-Request-Id. It is looked for in all environments, unless one is
named.

Refused requests are known for 30 days, of each client the last thousand. Of a
client that is refused very often some are only counted ('grantway activity').`,
		Example: `  grantway why 4bf92f3577b34da6a3ce929d0e0e4736
  grantway why 4bf92f3577b34da6a3ce929d0e0e4736 -e production --json`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) (err error) {
			if digits, err := hex.DecodeString(args[0]); err != nil || len(digits) != 16 {
				return &usageError{errors.New("a trace id has 32 hexadecimal digits; it stands in the answer's X-Request-Id")}
			}
			to, err := f.connect(c.Context(), c.ErrOrStderr(), false)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, to.close()) }()
			return (&session{Command: c, adminFlags: f, to: to}).why(args[0])
		},
	}
	f.register(why)
	return why
}

// An explained request is where it was refused, beside what the admin API says.
type explained struct {
	Environment string `json:"environment"`
	admin.RefusedRequest
}

func (s *session) why(trace string) error {
	names := []string{s.environment}
	if s.environment == "" {
		names = nil
		all, err := s.to.environments(s.Context())
		if err != nil {
			return err
		}
		for _, e := range all {
			names = append(names, e.Name)
		}
	}
	var found []explained
	for _, name := range names {
		_, path, err := s.to.choose(s.Context(), name)
		if err != nil {
			return err
		}
		page, err := ask[admin.RefusedPage](s.Context(), s.to, http.MethodGet, path+"/refusals?trace="+url.QueryEscape(trace), nil)
		if err != nil {
			return err
		}
		for _, r := range page.Refused {
			found = append(found, explained{name, r})
		}
	}
	if len(found) == 0 {
		return fmt.Errorf("no refusal of %s is known under this trace id\nA request that was not refused is in the log only; so is one to a gateway that runs apart.\nWhat happened in the last two seconds may be missing", strings.Join(names, ", "))
	}
	if s.json {
		return writeJSON(s.OutOrStdout(), found)
	}
	for i, one := range found {
		if i > 0 {
			fmt.Fprintln(s.OutOrStdout())
		}
		if err := one.write(s.OutOrStdout()); err != nil {
			return err
		}
	}
	return nil
}

func (e *explained) write(out io.Writer) error {
	fields := [][2]string{
		{"when", inUTC(e.At, "2006-01-02 15:04:05 UTC", "")},
		{"environment", e.Environment},
		{"client", e.Client},
		{"secret id", e.Secret},
		{"API", e.API},
		{"route", e.Route},
		{"refused for", e.Reason.ID},
	}
	if e.Client == "" {
		fields[2][1] = "none that is registered"
	}
	if e.Reason.ShownAs != "" {
		fields = append(fields, [2]string{"client was told", e.Reason.ShownAs})
	}
	kept := fields[:0]
	for _, f := range fields {
		if f[1] != "" {
			kept = append(kept, f)
		}
	}
	if err := writeFields(out, kept); err != nil {
		return err
	}
	// Which names the answer held is not kept.
	text := strings.Replace(e.Reason.Text, refusal.NamesMark, "(named in the answer)", 1)
	more := ""
	switch {
	case e.Reason.Status >= http.StatusInternalServerError:
		more = "The log of the server says more, in the line with this trace id."
	case e.Reason.ID == refusal.RedirectUnknown.ID:
		more = "The log of the server says how it differs from what is registered, in the line with this trace id."
	}
	for _, paragraph := range []string{text, e.Reason.Cause, e.Reason.Cure, more} {
		if paragraph != "" {
			fmt.Fprintln(out)
			wrap(out, paragraph)
		}
	}
	return nil
}

// wrap writes a paragraph in lines of the width of a table.
func wrap(out io.Writer, paragraph string) {
	line := ""
	for word := range strings.FieldsSeq(printable(paragraph)) {
		if line != "" && len(line)+1+len(word) > tableWidth {
			fmt.Fprintln(out, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	fmt.Fprintln(out, line)
}
