package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/catalogue"
)

func importProductCommand(from product, forms string, examples ...string) *cobra.Command {
	f := &adminFlags{}
	var mapped []string
	var o movingOptions
	c := &cobra.Command{
		Use:   from.name + " FILE...",
		Short: "Take over clients and people of " + from.title,
		Long: `Take over clients and people of ` + from.title + `. Read are
` + forms + `

Ids, secrets or their hashes, scopes, redirect URIs and people are kept, so that
partners change nothing but the base URL. What cannot be kept is listed with the
reason; what is there already stays as it is, so the command can be repeated. No
secret is printed. The status is 1 when something was refused.

docs/MOVING_IN.md says how to get the files, and what comes along.`,
		Example: "  " + strings.Join(examples, "\n  "),
		Args:    cobra.MinimumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return []cobra.Completion{"json", "jsonl", "ndjson", "csv"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: f.work(func(s *session, names []string) error {
			var err error
			if o.scopes, err = mappings(mapped); err != nil {
				return err
			}
			files, err := readMoving(s, names)
			if err != nil {
				return err
			}
			m, err := from.read(files)
			if err != nil {
				return err
			}
			return s.moveIn(m, o)
		}),
	}
	f.register(c)
	c.Flags().StringArrayVar(&mapped, "map-scope", nil, "`old=new`: what a scope is called here; 'old=' leaves it; may be repeated")
	c.Flags().BoolVar(&o.dry, "dry-run", false, "say what would become of each, and create nothing")
	c.Flags().BoolVar(&o.strict, "require-pkce", false, "refuse web clients that send neither PKCE nor state, as old ones do")
	return c
}

// movingOptions say how clients and people come.
type movingOptions struct {
	scopes map[string]string
	dry    bool
	strict bool // web clients have to send PKCE
}

func mappings(texts []string) (map[string]string, error) {
	all := map[string]string{}
	for _, text := range texts {
		old, here, ok := strings.Cut(text, "=")
		if i := strings.LastIndex(text, "="); i >= 0 && strings.Contains(text, "://") {
			old, here = text[:i], text[i+1:] // a URL may have one
		}
		if !ok || old == "" {
			return nil, &usageError{fmt.Errorf("--map-scope takes old=new, and not %q", text)}
		}
		all[old] = here
	}
	return all, nil
}

// A movingReport says what became of everything. It never holds a secret.
type movingReport struct {
	Environment string        `json:"environment"`
	DryRun      bool          `json:"dry_run"`
	Created     int           `json:"clients_created"`
	Existed     int           `json:"clients_existed"`
	Refused     int           `json:"clients_refused"`
	Clients     []movedClient `json:"clients"`
	People      *importReport `json:"people,omitempty"`
	Left        []leftOut     `json:"left"`
}

// A movedClient is what became of a client.
type movedClient struct {
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Type   string   `json:"type,omitempty"`
	Scopes []string `json:"scopes"`
	Result string   `json:"result"`
	Reason string   `json:"reason,omitempty"`
	Left   []string `json:"left"`
}

// moveIn takes everything over, clients first.
func (s *session) moveIn(m *moving, o movingOptions) error {
	list, err := s.to.environments(s.Context())
	if err != nil {
		return err
	}
	var apis []*catalogue.API
	for _, e := range list {
		if e.Name == s.env {
			apis = apisOf(e.APIs)
		}
	}
	for old, here := range o.scopes {
		if m := catalogue.Mean(here, apis); here != "" && m.Scope == "" {
			return &usageError{fmt.Errorf("--map-scope %s=%s: %s has no such scope", old, here, s.env)}
		}
	}
	report := movingReport{Environment: s.env, DryRun: o.dry, Clients: []movedClient{}, Left: slices.Concat([]leftOut{}, m.left)}
	shown := s.countingBar(len(m.clients), "clients")
	for i := range m.clients {
		moved, err := s.moveClient(&m.clients[i], apis, o)
		if err != nil {
			shown(-1)
			return errors.Join(s.tellMoved(&report), fmt.Errorf("the client %s: %w\nRun the command again to go on: what is there already stays as it is", printable(m.clients[i].id), err))
		}
		report.Clients = append(report.Clients, moved)
		switch moved.Result {
		case account.Created:
			report.Created++
		case account.Exists:
			report.Existed++
		default:
			report.Refused++
		}
		shown(i + 1)
	}
	shown(-1)
	failed := s.movePeople(m, o, &report)
	if err := errors.Join(s.tellMoved(&report), failed); err != nil {
		return err
	}
	if report.Refused > 0 || report.People != nil && report.People.Refused > 0 {
		return errors.New("some were refused; run the command again when that is put right: what is there already stays as it is")
	}
	return nil
}

// apisOf are the APIs of an environment, as far as scopes are found in them.
func apisOf(shown []admin.API) []*catalogue.API {
	var apis []*catalogue.API
	for _, a := range shown {
		api := &catalogue.API{Name: a.Name, Audience: a.Audience}
		for _, scope := range a.Scopes {
			api.Scopes = append(api.Scopes, &catalogue.Scope{Name: scope.Name, Aliases: scope.Aliases})
		}
		apis = append(apis, api)
	}
	return apis
}

// moveClient takes one client over, or says why not.
func (s *session) moveClient(c *coming, apis []*catalogue.API, o movingOptions) (movedClient, error) {
	n := c.judged(apis, o)
	moved := movedClient{ID: c.id, Name: n.Name, Type: n.Type, Scopes: slices.Concat([]string{}, n.Scopes), Result: account.Refused, Reason: c.refused, Left: slices.Concat([]string{}, c.left)}
	if c.refused != "" {
		return moved, nil
	}
	_, err := s.found(c.id)
	no, answered := errors.AsType[*refused](err)
	switch {
	case err == nil:
		moved.Result = account.Exists
		return moved, nil
	case !answered || no.Status != http.StatusNotFound:
		return moved, err
	case o.dry:
		if moved.Result = account.Created; n.SignIn != nil && !s.signsIn() {
			moved.Result, moved.Reason = account.Refused, "nobody signs in to "+s.env+": write accounts: true for it in grantway.yaml"
		}
		return moved, nil
	}
	_, err = s.create(n)
	if no, ok := errors.AsType[*refused](err); ok && no.Status/100 == 4 && no.Status != http.StatusUnauthorized && no.Status != http.StatusForbidden {
		moved.Reason = strings.Join(strings.Fields(no.Error()), " ")
		return moved, nil
	}
	if err == nil {
		moved.Result = account.Created
	}
	return moved, err
}

// signsIn reports whether people sign in to the environment.
func (s *session) signsIn() bool {
	_, err := ask[admin.AccountPage](s.Context(), s.to, http.MethodGet, s.path+"/accounts?limit=1", nil)
	no, answered := errors.AsType[*refused](err)
	return !answered || no.Status != http.StatusNotFound
}

// create registers a client. A server that is busy is asked again: hashing many
// secrets takes its time.
func (s *session) create(n admin.NewClient) (admin.Changed, error) {
	const tries = 5
	for try := 1; ; try++ {
		changed, err := ask[admin.Changed](s.Context(), s.to, http.MethodPost, s.path+"/clients", n)
		if busy, ok := errors.AsType[*refused](err); !ok || busy.Status != http.StatusServiceUnavailable || try == tries {
			return changed, err
		}
		select {
		case <-s.Context().Done():
			return changed, s.Context().Err()
		case <-time.After(time.Duration(try) * time.Second):
		}
	}
}

// movePeople takes the people over, file by file, as `accounts import` does.
func (s *session) movePeople(m *moving, o movingOptions, report *movingReport) error {
	for _, file := range m.people {
		i := &importing{session: s, dry: o.dry, seen: map[string]bool{}, report: importReport{DryRun: o.dry, Rows: []admin.Outcome{}}}
		i.progress(nil, -1)
		err := i.run(file.rows)
		i.bar(nil)
		for row := range i.report.Rows {
			i.report.Rows[row].Reason = file.name + ": " + i.report.Rows[row].Reason
		}
		if report.People == nil {
			report.People = &i.report
		} else {
			report.People.add(&i.report)
		}
		report.Left = append(report.Left, *file.left...)
		if err != nil {
			return fmt.Errorf("%s: %w", file.name, err)
		}
	}
	return nil
}

// add adds what became of another file.
func (r *importReport) add(other *importReport) {
	r.Created += other.Created
	r.Existed += other.Existed
	r.Refused += other.Refused
	r.Rows = append(r.Rows, other.Rows...)
}

// countingBar shows how many of so many are done, where somebody looks; -1: it is over.
func (s *session) countingBar(most int, what string) func(done int) {
	out, ok := s.ErrOrStderr().(*os.File)
	if !ok || most == 0 || !term.IsTerminal(int(out.Fd())) {
		return func(int) {}
	}
	bar := progressbar.NewOptions(most, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(what),
		progressbar.OptionSetWidth(30), progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	return func(done int) {
		if done < 0 {
			_ = bar.Finish() // nothing depends on what is shown
			return
		}
		_ = bar.Set(done)
	}
}

// tellMoved prints the report.
func (s *session) tellMoved(r *movingReport) error {
	if s.json {
		return writeJSON(s.OutOrStdout(), r)
	}
	out := s.OutOrStdout()
	var rows [][]string
	var left [][2]string
	for _, c := range r.Clients {
		result := c.Result
		if r.DryRun && result == account.Created {
			result = "would be created"
		}
		rows = append(rows, []string{c.ID, cmp.Or(c.Name, c.ID), cmp.Or(c.Type, "–"), result})
		if c.Reason != "" {
			left = append(left, [2]string{c.ID, "refused: " + c.Reason})
		}
		for _, why := range c.Left {
			left = append(left, [2]string{c.ID, "left: " + why})
		}
	}
	for _, l := range r.Left {
		left = append(left, [2]string{l.What, "left: " + l.Why})
	}
	if r.People != nil {
		for _, o := range r.People.Rows {
			left = append(left, [2]string{cmp.Or(o.Name, fmt.Sprintf("line %d", o.Line)), "refused: " + o.Reason})
		}
	}
	if len(rows) > 0 {
		if err := writeTable(out, []string{"CLIENT ID", "NAME", "TYPE", "RESULT"}, 1, rows); err != nil {
			return err
		}
		fmt.Fprintln(out)
	}
	if len(left) > 0 {
		if err := writeFields(out, left); err != nil {
			return err
		}
		fmt.Fprintln(out)
	}
	verb := "created"
	if r.DryRun {
		verb = "would be created"
	}
	fmt.Fprintf(out, "clients: %d %s, %d are there already, %d refused\n", r.Created, verb, r.Existed, r.Refused)
	if p := r.People; p != nil {
		fmt.Fprintf(out, "people:  %d %s, %d are there already, %d refused\n", p.Created, verb, p.Existed, p.Refused)
	}
	return nil
}
