package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grantway/grantway/internal/grant"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/sqlstore"
)

// names of the rows in which applications act for people.
const (
	codesSQLite     = "codes exchanged a second / durable writes"
	refreshSQLite   = "tokens refreshed a second / durable writes"
	codesPostgres   = "codes exchanged a second / durable writes, PostgreSQL"
	refreshPostgres = "tokens refreshed a second / durable writes, PostgreSQL"
)

const (
	callback = "https://bench.example/callback"
	verifier = "a-verifier-of-forty-three-characters-or-more"

	// codeRate is more codes than are exchanged in a second.
	codeRate = 15_000
)

// people measures what a person's consent leads to, beside writing single rows.
func (b *bench) people() error {
	if wanted(codesSQLite, refreshSQLite) {
		if err := b.acting(codesSQLite, refreshSQLite, "people", "", "sqlite:"+b.folder+"/people-durable.db"); err != nil {
			return err
		}
	}
	if !wanted(codesPostgres, refreshPostgres) {
		return nil
	}
	address, err := b.postgresAddress()
	if err != nil {
		return err
	}
	return b.acting(codesPostgres, refreshPostgres, "people-postgres", address+"#bench_people", address+"#bench_people_durable")
}

// acting measures both rows on one database. All three take turns.
func (b *bench) acting(exchange, refresh, name, dsn, control string) error {
	g, err := b.peopled(name, dsn)
	if err != nil {
		return err
	}
	if dsn == "" {
		dsn = "sqlite:" + g.database()
	}
	account, err := g.account()
	if err != nil {
		return err
	}
	if err := g.serve(); err != nil {
		return err
	}
	db, err := sqlstore.Open(context.Background(), dsn, sqlstore.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	stock := &stock{server: g, db: db, account: account}
	if err := stock.fill(codeRate/2 + connections); err != nil {
		return err
	}
	w, err := b.writer(control)
	if err != nil {
		return err
	}
	refreshing, err := g.refreshing(stock)
	if err != nil {
		return err
	}
	exchanging := g.exchanging(stock)
	trial, err := exchanging.measure(connections, 0, warm)
	if err != nil {
		return err
	}
	var exchanged, refreshed, written, exchangeCPU, refreshCPU []float64
	fastest := max(trial.rate(), codeRate/3) // the trial may have met a slow disk
	for round := range *rounds {
		bar(exchange, round, *rounds)
		if err := stock.fill(int(2 * fastest * (warm + *window).Seconds())); err != nil {
			return err
		}
		done, err := w.measure()
		if err != nil {
			return err
		}
		e, err := exchanging.measure(connections, warm, *window)
		if err != nil {
			return err
		}
		r, err := refreshing.measure(connections, warm, *window)
		if err != nil {
			return err
		}
		fastest = max(fastest, e.rate())
		written = append(written, float64(done.Stored)/done.Elapsed.Seconds())
		exchanged, refreshed = append(exchanged, e.rate()), append(refreshed, r.rate())
		exchangeCPU, refreshCPU = append(exchangeCPU, e.micros()), append(refreshCPU, r.micros())
	}
	b.report.add(reached(exchange, "/s", 0.7, exchanged, written))
	b.report.add(alone("  its CPU time", "µs", 0, exchangeCPU...))
	b.report.add(reached(refresh, "/s", 0.7, refreshed, written))
	b.report.add(alone("  its CPU time", "µs", 0, refreshCPU...))
	return nil
}

// peopled prepares a server where people sign in, with an application that acts for
// one.
func (b *bench) peopled(name, dsn string) (*grantway, error) {
	g, err := b.server(name, dsn, "127.0.0.1:1", "accounts: true")
	if err != nil {
		return nil, err
	}
	return g, g.register("--type", "web", "--scope", "op", "--redirect-uri", callback)
}

// account makes an account and returns its id.
func (g *grantway) account() (string, error) {
	c := exec.Command(g.b.folder+"/grantway", "accounts", "create", "anna", "--config", g.file, "--environment", "live", "--password-file", "-", "--json")
	c.Stdin = strings.NewReader("a summer on Terschelling")
	var told strings.Builder
	c.Stderr = &told
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("create an account: %w\n%s", err, told.String())
	}
	var made struct {
		ID      string `json:"id"`
		Account struct {
			ID string `json:"id"`
		} `json:"account"`
	}
	if err := json.Unmarshal(out, &made); err != nil || made.ID+made.Account.ID == "" {
		return "", fmt.Errorf("create an account: %w\n%s", err, out)
	}
	return made.ID + made.Account.ID, nil
}

// A stock holds codes that nobody has presented yet. They are made through the
// store, by a process that is not measured.
type stock struct {
	server  *grantway
	db      *sqlstore.Store
	account string
	codes   []string
	next    atomic.Int64
}

// take returns a code that nobody else gets, or an empty text.
func (s *stock) take() string {
	if i := int(s.next.Add(1)) - 1; i < len(s.codes) {
		return s.codes[i]
	}
	return ""
}

// fill makes codes until there are so many.
func (s *stock) fill(many int) error {
	s.codes = s.codes[min(int(s.next.Swap(0)), len(s.codes)):]
	missing := make([]string, max(0, many-len(s.codes)))
	var (
		next   atomic.Int64
		failed atomic.Pointer[error]
		all    sync.WaitGroup
	)
	for range 64 {
		all.Go(func() {
			for failed.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(missing) {
					return
				}
				code, err := s.allow()
				for tries := 0; errors.Is(err, store.ErrUnavailable) && tries < 10; tries++ {
					code, err = s.allow() // the disk is slow: another one, since that one may be there
				}
				if err != nil {
					failed.Store(&err)
					return
				}
				if missing[i] = code; i%1000 == 0 {
					bar("making codes", i, len(missing))
				}
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return fmt.Errorf("make codes: %w", *err)
	}
	s.codes = append(s.codes, missing...)
	return nil
}

// allow has the person allow the application what it wants, and returns the code.
func (s *stock) allow() (string, error) {
	ctx, now, client := context.Background(), time.Now(), s.server.client
	code, err := secret.NewID(rand.Reader, 43)
	if err != nil {
		return "", err
	}
	id, err := secret.NewID(rand.Reader, 22)
	if err != nil {
		return "", err
	}
	challenge := sha256.Sum256([]byte(verifier))
	kept := (&grant.Kept{RedirectURI: callback, Challenge: base64.RawURLEncoding.EncodeToString(challenge[:]), ACR: "urn:grantway:acr:1"}).Encode()
	request := store.Request{Hash: secret.HashOf(id), ClientID: client, Asked: kept, CreatedAt: now, EndsAt: now.Add(time.Hour)}
	if err := s.db.Requests().Save(ctx, request); err != nil {
		return "", err
	}
	return code, s.db.Grants().Start(ctx, request.Hash, store.Grant{
		ID: id, ClientID: client, AccountID: s.account, Offline: true, Scope: []string{"op"}, APIs: []string{"opaque"}, Asked: kept,
		Methods: []string{"pwd"}, AuthenticatedAt: now, Code: store.GrantCode{Hash: secret.HashOf(code), EndsAt: now.Add(time.Hour)},
		CreatedAt: now, EndsAt: now.Add(24 * time.Hour),
	}, nil, store.By{Actor: s.account, At: now})
}

func (g *grantway) exchange(code string) []byte {
	return post(g.address, "/oauth2/token", credentials(g.client, g.secret)+"&grant_type=authorization_code&redirect_uri="+
		url.QueryEscape(callback)+"&code_verifier="+verifier+"&code="+code)
}

// exchanging exchanges codes, each once.
func (g *grantway) exchanging(from *stock) *target {
	t := g.target(nil)
	t.talk = func() talk {
		return func([]byte) ([]byte, error) {
			code := from.take()
			if code == "" {
				return nil, errors.New("there are no codes left")
			}
			return g.exchange(code), nil
		}
	}
	return &t
}

// refreshing refreshes a token over each connection, with the refresh token that
// came last.
func (g *grantway) refreshing(from *stock) (*target, error) {
	newest := make([]string, connections)
	t := g.target(nil)
	for i := range newest {
		answer, err := t.once(g.exchange(from.take()))
		if err != nil {
			return nil, err
		}
		newest[i] = refreshToken(answer)
	}
	var next atomic.Int64
	t.talk = func() talk {
		mine := &newest[int(next.Add(1)-1)%len(newest)] // no two at a time: there are as many as connections
		return func(answer []byte) ([]byte, error) {
			if answer != nil {
				*mine = refreshToken(answer)
			}
			if *mine == "" {
				return nil, fmt.Errorf("no refresh token in %s", answer)
			}
			return post(g.address, "/oauth2/token", credentials(g.client, g.secret)+"&grant_type=refresh_token&refresh_token="+*mine), nil
		}
	}
	return &t, nil
}

// refreshToken finds the refresh token of an answer.
func refreshToken(answer []byte) string {
	_, after, _ := bytes.Cut(answer, []byte(`"refresh_token":"`))
	token, _, _ := bytes.Cut(after, []byte(`"`))
	return string(token)
}
