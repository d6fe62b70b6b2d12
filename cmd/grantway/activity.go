package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/admin"
)

// activityFlags say what is asked for.
type activityFlags struct{ client, api, since string }

func activityCommand() *cobra.Command {
	f := &adminFlags{}
	var given activityFlags
	activity := &cobra.Command{
		Use:   "activity",
		Short: "Show how many tokens, calls and refusals there were",
		Long: `Show how many tokens were issued, how often a client was given the one that it
had, how many calls the gateway passed, and how many requests were refused, and
what for most of all: by the hour, and by the day where it is about more than
two days. What happened in the last seconds may be missing, and so is what a
gateway that runs apart did.

'grantway why' explains a single refusal.`,
		Example: `  grantway activity -e staging
  grantway activity -e staging --client acme --since 7d
  grantway activity -e staging --since 2027-03-01 --json`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: f.work(func(s *session, _ []string) error {
			now := time.Now().UTC()
			since, err := ago(given.since, now)
			if err != nil {
				return &usageError{err}
			}
			return s.activity(given, since, now)
		}),
	}
	f.register(activity)
	p := activity.Flags()
	p.StringVar(&given.client, "client", "", "only what this `client` did")
	p.StringVar(&given.api, "api", "", "only what was about this `API`")
	p.StringVar(&given.since, "since", "24h", "for so long (90m, 24h, 7d), or from a `time` on (2027-03-31, 2027-03-31T18:00:00Z)")
	_ = activity.RegisterFlagCompletionFunc("client", func(c *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return f.clientIDs(c, nil, typed)
	})
	_ = activity.RegisterFlagCompletionFunc("api", f.apiNames)
	_ = activity.RegisterFlagCompletionFunc("since", cobra.FixedCompletions([]string{"1h", "24h", "7d", "30d"}, cobra.ShellCompDirectiveNoFileComp))
	return activity
}

// apiNames completes the name of an API.
func (f *adminFlags) apiNames(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return f.complete(c, func(ctx context.Context, to *administrator) ([]cobra.Completion, error) {
		all, err := to.environments(ctx)
		var names []cobra.Completion
		for _, e := range all {
			for _, api := range e.APIs {
				if f.environment == "" || f.environment == e.Name {
					names = append(names, cobra.CompletionWithDesc(api.Name, api.Title))
				}
			}
		}
		return names, err
	})
}

// ago reads a time that has passed. A date means its beginning, in UTC.
func ago(text string, now time.Time) (time.Time, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil && n > 0 {
			return now.AddDate(0, 0, -int(n)), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil && at.Before(now) {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("--since %q is neither so long (90m, 24h, 7d) nor a time that has passed (2027-03-31, 2027-03-31T18:00:00Z)", text)
}

func (s *session) activity(given activityFlags, since, now time.Time) error {
	query := url.Values{"limit": {strconv.Itoa(admin.MaxPage)}, "since": {since.UTC().Format(time.RFC3339)}, "step": {"hour"}}
	if now.Sub(since) > 48*time.Hour {
		query.Set("step", "day")
	}
	for name, value := range map[string]string{"client": given.client, "api": given.api} {
		if value != "" {
			query.Set(name, value)
		}
	}
	var all admin.ActivityPage
	for {
		page, err := ask[admin.ActivityPage](s.Context(), s.to, http.MethodGet, s.path+"/activity?"+query.Encode(), nil)
		if err != nil {
			return err
		}
		all.Activity = append(all.Activity, page.Activity...)
		if page.Next == "" {
			break
		}
		query.Set("after", page.Next)
	}
	if s.json {
		if all.Activity == nil {
			all.Activity = []admin.Tally{}
		}
		return writeJSON(s.OutOrStdout(), all)
	}
	if len(all.Activity) == 0 {
		fmt.Fprintf(s.ErrOrStderr(), "nothing happened since %s\n", moment(since, ""))
		return nil
	}
	title, layout := "HOUR (UTC)", "2006-01-02 15:04"
	if query.Get("step") == "day" {
		title, layout = "DAY (UTC)", time.DateOnly
	}
	return writeTable(s.OutOrStdout(), []string{title, "ISSUED", "REUSED", "PASSED", "REFUSED", "MOST OFTEN FOR"}, 5, activityRows(all.Activity, layout))
}

// A period is the totals of an hour or a day.
type period struct {
	issued, reused, passed, refused int64
	reasons                         map[string]int64
}

func (p *period) add(t admin.Tally) {
	switch {
	case t.Refusal != "":
		p.refused += t.Count
		p.reasons[t.Refusal] += t.Count
	case t.Event == "token.issued":
		p.issued += t.Count
	case t.Event == "token.reused":
		p.reused += t.Count
	case t.Event == "call.passed":
		p.passed += t.Count
	}
}

// row is the line of a period. The reason is the most frequent, of several the
// first by name.
func (p *period) row(title string) []string {
	most := ""
	for id, n := range p.reasons {
		if most == "" || n > p.reasons[most] || n == p.reasons[most] && id < most {
			most = id
		}
	}
	if most == "" {
		most = "-"
	}
	return []string{title, digits(p.issued), digits(p.reused), digits(p.passed), digits(p.refused), most}
}

func digits(n int64) string { return strconv.FormatInt(n, 10) }

// activityRows are a line for each hour or day in which something happened, and
// one for all of them.
func activityRows(tallies []admin.Tally, layout string) (rows [][]string) {
	all, current := period{reasons: map[string]int64{}}, period{}
	for i, t := range tallies {
		if i == 0 || !t.At.Equal(tallies[i-1].At) {
			current = period{reasons: map[string]int64{}}
		}
		current.add(t)
		all.add(t)
		if i == len(tallies)-1 || !t.At.Equal(tallies[i+1].At) {
			rows = append(rows, current.row(inUTC(t.At, layout, "")))
		}
	}
	return append(rows, all.row("all"))
}
