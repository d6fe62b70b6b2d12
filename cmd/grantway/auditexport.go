package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/audit"
	"github.com/grantway/grantway/internal/store"
)

// An exportLine is one line of an export: a change, or the seal over those before it.
type exportLine struct {
	Change *audit.Entry `json:"change,omitempty"`
	Seal   *audit.Seal  `json:"seal,omitempty"`
}

func auditExport(f *adminFlags) *cobra.Command {
	var since, output string
	export := &cobra.Command{
		Use:   "export",
		Short: "Write changes and their seals as JSON lines",
		Long: `Write the changes of an environment, the oldest first, as JSON lines: a line
{"change": …} for each change, and {"seal": …} after the last one that a seal
covers. With --output, a file that is there already is continued: what was
interrupted goes on, and a job each night adds what is new.

Kept elsewhere, it lets 'grantway audit verify --export' say of each change what
it was.`,
		Example: `  grantway audit export -e production --since 30d > changes.jsonl
  grantway audit export -e production --output /backup/changes.jsonl`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: f.work(func(s *session, _ []string) error {
			var from time.Time
			if since != "" {
				var err error
				if from, err = ago(since, time.Now().UTC()); err != nil {
					return &usageError{err}
				}
			}
			e := exporting{session: s, since: from, out: s.OutOrStdout()}
			if output == "" {
				return e.run()
			}
			file, err := os.OpenFile(output, os.O_RDWR|os.O_CREATE, 0o600)
			if err != nil {
				return fmt.Errorf("--output: %w", err)
			}
			if err = e.resume(file); err == nil {
				e.out = file
				err = e.run()
			}
			if err == nil {
				err = file.Sync()
			}
			if err = errors.Join(err, file.Close()); err == nil {
				fmt.Fprintf(s.ErrOrStderr(), "%s and %s added to %s\n", count(e.changes, "change"), count(e.seals, "seal"), output)
			}
			return err
		}),
	}
	export.Flags().StringVar(&since, "since", "", "the changes of so long (24h, 7d), or from a `time` on (2027-03-31)")
	export.Flags().StringVar(&output, "output", "", "the `file` to write, or to continue")
	return export
}

// exporting is one export on its way.
type exporting struct {
	*session
	since          time.Time
	out            io.Writer
	change, seal   int64 // the last ones that were written: a seq, and a from
	first          int64 // that was written, where the file is new
	resumed        bool
	changes, seals int // that were written now
}

// resume finds out what stands in a file, cuts off what an interruption left of a
// line, and goes to its end.
func (e *exporting) resume(file *os.File) error {
	in, whole := bufio.NewReader(file), int64(0)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("--output: %w", err)
		}
		var one exportLine
		if err := json.Unmarshal(line, &one); err != nil || one.Change == nil && one.Seal == nil {
			return errors.New("--output: the file is there and is no export")
		}
		if one.Change != nil {
			e.change, e.resumed = one.Change.Seq, true
		} else {
			e.seal = one.Seal.From
		}
		whole += int64(len(line))
	}
	if err := file.Truncate(whole); err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	_, err := file.Seek(whole, io.SeekStart)
	return err
}

// run writes what is not written yet.
func (e *exporting) run() error {
	from := chain{e.session}
	newest, err := from.Newest(e.Context())
	if err != nil {
		return err
	}
	show, finish := e.bar("changes")
	defer finish()
	out := bufio.NewWriter(e.out)
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	seals := sealsOf{from: from, after: e.seal}
	after, begun := int64(math.MinInt64), e.since.IsZero() || e.resumed
	if e.resumed {
		after = e.change
	}
	for {
		some, err := from.Changes(e.Context(), after, admin.MaxSealedPage)
		if err != nil {
			return err
		}
		for _, c := range some {
			after = c.Seq
			if begun = begun || !c.At.Before(e.since); !begun {
				continue
			}
			if e.first == 0 && !e.resumed {
				e.first = c.Seq
			}
			// Seals that became known since the last time stand behind what they cover.
			if err := e.sealed(lines, &seals, c.Seq-1); err != nil {
				return err
			}
			one := audit.EntryOf(c)
			if err := lines.Encode(exportLine{Change: &one}); err != nil {
				return err
			}
			e.changes, e.change = e.changes+1, c.Seq
		}
		show(after, max(newest, after))
		if len(some) < admin.MaxSealedPage {
			break
		}
	}
	if e.change > 0 {
		if err := e.sealed(lines, &seals, e.change); err != nil {
			return err
		}
	}
	return out.Flush()
}

// sealed writes the seals over what is written, through a change.
func (e *exporting) sealed(lines *json.Encoder, seals *sealsOf, through int64) error {
	for {
		s, err := seals.next(through)
		if s == nil || err != nil {
			return err
		}
		if s.Through < e.first {
			continue // nothing of what it covers is written
		}
		one := audit.SealOf(*s)
		if err := lines.Encode(exportLine{Seal: &one}); err != nil {
			return err
		}
		e.seals++
	}
}

// sealsOf reads seals one by one.
type sealsOf struct {
	from  chain
	after int64
	held  []store.Seal
	over  bool
}

// next returns the next seal that covers nothing beyond a change; nil: there is
// none.
func (s *sealsOf) next(through int64) (*store.Seal, error) {
	if len(s.held) == 0 && !s.over {
		some, err := s.from.Seals(s.from.Context(), s.after, admin.MaxSealedPage)
		if err != nil {
			return nil, err
		}
		s.held, s.over = some, len(some) < admin.MaxSealedPage
	}
	if len(s.held) == 0 || s.held[0].Through > through {
		return nil, nil
	}
	one := &s.held[0]
	s.held, s.after = s.held[1:], one.From
	return one, nil
}
