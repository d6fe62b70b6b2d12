package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/audit"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/fetch"
	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store/sqlstore"
)

const (
	// auditEvery is how often it is looked for changes to seal and to pass on.
	auditEvery = 5 * time.Second

	// auditWithin is how long one look may take.
	auditWithin = time.Minute
)

// auditing keeps an environment's changes from being altered unseen.
type auditing struct {
	ring      *keys.Ring
	sealer    *audit.Sealer
	retention func() catalogue.Retention
}

func (s *Server) openAudit(ctx context.Context, e *catalogue.Environment, db *sqlstore.Store) (*auditing, error) {
	ring, err := keys.Open(ctx, keys.Settings{
		Environment: e.Name, Purpose: keys.Audit, Keys: db.Keys(), Seal: s.options.Seal, Header: audit.Header, Now: s.options.Now,
		Announce: s.options.Announce,
	}, []jose.Algorithm{jose.ES256}, s.by())
	if err != nil {
		return nil, err
	}
	return &auditing{
		ring: ring,
		sealer: &audit.Sealer{
			Environment: e.Name, Issuer: issuerOf(e), Changes: db.Changes(), Seals: db.Seals(), Now: s.options.Now,
			Signer: func() (*jose.Signer, error) { return ring.Signer(jose.ES256) },
		},
		retention: func() catalogue.Retention {
			if g := s.current.Load(); g != nil && g.catalogue.Retention != (catalogue.Retention{}) {
				return g.catalogue.Retention
			}
			return catalogue.DefaultRetention
		},
	}, nil
}

// keepAudit seals what happened, and passes it on, until the context ends. What it
// has not done by then the next process does.
func (s *Server) keepAudit(ctx context.Context, r *resources) {
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() {
		s.look(ctx, r, "changes not sealed", func(ctx context.Context) error {
			_, err := r.audit.sealer.Seal(ctx)
			return err
		})
	})
	all.Go(func() {
		s.look(ctx, r, "checkpoints not written", func(ctx context.Context) error {
			return s.ledgers.follow(ctx, s.audit().Checkpoints, r)
		})
	})
	told := map[string]func(catalogue.Audit) *catalogue.Webhook{
		audit.MarkChanges:     func(a catalogue.Audit) *catalogue.Webhook { return a.Webhook },
		audit.MarkCheckpoints: func(a catalogue.Audit) *catalogue.Webhook { return a.Told },
	}
	holder, err := secret.NewID(s.options.Random, 22)
	if err != nil {
		s.options.Log.LogAttrs(ctx, slog.LevelError, "changes not passed on", slog.Any("error", err))
		return
	}
	for mark, receiver := range told {
		sender := &audit.Sender{
			Issuer: r.issuer, Environment: r.environment, Mark: mark, Changes: r.store.Changes(), Seals: r.store.Seals(),
			Marks: r.store.Marks(), Holder: holder, Now: s.options.Now,
		}
		all.Go(func() {
			s.look(ctx, r, mark+" not passed on", func(ctx context.Context) error {
				to := receiver(s.audit())
				if to == nil {
					return nil
				}
				sender.Secret = to.Secret
				sender.Post = func(ctx context.Context, signature string, body []byte) (int, error) {
					return postJSON(ctx, s.current.Load().outbound.Client(fetch.Want{}), to.URL.String(), signature, body)
				}
				_, err := sender.Send(ctx)
				return err
			})
		})
	}
}

// look does something every auditEvery, and more rarely after it failed.
func (s *Server) look(ctx context.Context, r *resources, failed string, do func(context.Context) error) {
	failures := 0
	wait := time.NewTimer(auditEvery)
	defer wait.Stop()
	for {
		select {
		case <-wait.C:
		case <-ctx.Done():
			return
		}
		inTime, cancel := context.WithTimeout(ctx, auditWithin)
		err := do(inTime)
		cancel()
		if err == nil {
			failures = 0
			wait.Reset(auditEvery)
			continue
		}
		if ctx.Err() != nil {
			return
		}
		failures++
		level := slog.LevelWarn
		if errors.Is(err, audit.ErrAhead) {
			level = slog.LevelError
		}
		s.options.Log.LogAttrs(ctx, level, failed, slog.String("environment", r.environment), slog.Any("error", err))
		wait.Reset(audit.Pause(failures))
	}
}

// audit is where it is known what happened, as the catalogue says now.
func (s *Server) audit() catalogue.Audit {
	if g := s.current.Load(); g != nil {
		return g.catalogue.Audit
	}
	return catalogue.Audit{} // it is being started
}

// ledgers are the files of checkpoints, by their paths: all environments share one.
type ledgers struct {
	mu   sync.Mutex
	open map[string]*audit.Ledger
}

// follow adds an environment's checkpoints to the file that the catalogue names.
func (l *ledgers) follow(ctx context.Context, path string, r *resources) error {
	if path == "" {
		return nil
	}
	file, err := l.at(path)
	if err != nil {
		return err
	}
	_, err = file.Follow(ctx, r.environment, r.store.Seals())
	return err
}

func (l *ledgers) at(path string) (*audit.Ledger, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if file := l.open[path]; file != nil {
		return file, nil
	}
	file, err := audit.OpenLedger(path)
	if err != nil {
		return nil, err
	}
	if l.open == nil {
		l.open = map[string]*audit.Ledger{}
	}
	l.open[path] = file
	return file, nil
}

// postJSON sends signed JSON, and returns the status of the answer.
func postJSON(ctx context.Context, client *http.Client, address, signature string, body []byte) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(secret.SignatureHeader, signature)
	answer, err := client.Do(r)
	if err != nil {
		// The error names the whole URL, and who knows that can often post there.
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = fmt.Errorf("%s: %w", r.URL.Host, failed.Err)
		}
		return 0, err
	}
	defer answer.Body.Close() //nolint:errcheck // it was read
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}

// audited is what an environment's chain is verified by, nil when there is none of
// that name.
func (s *Server) audited(environment string) *admin.Audited {
	r := s.current.Load().resources(environment)
	if r == nil {
		return nil
	}
	a := s.audit()
	return &admin.Audited{
		Changes: r.store.Changes(), Seals: r.store.Seals(), Marks: r.store.Marks(), Keys: r.audit.ring,
		Ledger: a.Checkpoints, Told: a.Told != nil, Webhook: a.Webhook != nil,
	}
}
