package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/secret"
)

// A postOffice takes mails in the clear (RFC 5321), over real sockets, and says to
// whom they are.
type postOffice struct {
	address string
	took    chan string
}

func openPostOffice(t *testing.T) *postOffice {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &postOffice{address: listener.Addr().String(), took: make(chan string, 100)}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { p.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		all.Wait()
	})
	return p
}

func (p *postOffice) serve(conn net.Conn) {
	defer conn.Close() //nolint:errcheck // a test's
	lines := bufio.NewScanner(conn)
	to, text := "", false
	for answer := "220 ready"; ; {
		if answer != "" {
			if _, err := fmt.Fprintf(conn, "%s\r\n", answer); err != nil {
				return
			}
		}
		if !lines.Scan() {
			return
		}
		line := lines.Text()
		switch answer = "250 good"; {
		case text && line == ".":
			text = false
			p.took <- to
		case text:
			answer = ""
		case strings.HasPrefix(line, "RCPT TO:"):
			to = strings.Trim(strings.TrimPrefix(line, "RCPT TO:"), "<>")
		case line == "DATA":
			text, answer = true, "354 go on"
		}
	}
}

// mailedBy is the catalogue with another mail server for one environment, and perhaps a
// store for home that no reload can give it.
func (s *site) mailedBy(environment, server, homeStore string) *catalogue.Catalogue {
	c := *s.server.current.Load().catalogue
	c.Environments = append([]*catalogue.Environment(nil), c.Environments...)
	for i, e := range c.Environments {
		if e.Name != environment {
			continue
		}
		one, login := *e, *e.Login
		login.Mail = catalogue.Mail{Server: server, From: "desk@example.com", TLS: "none"}
		one.Login = &login
		c.Environments[i] = &one
	}
	if homeStore != "" {
		home := *c.Home
		home.Store = homeStore
		c.Home = &home
	}
	return &c
}

func (s *site) mails(t *testing.T, environment, to string) {
	t.Helper()
	mailer := s.environment(environment).accounts.Links.Mailer
	if err := mailer.Send(t.Context(), account.Message{To: to, Subject: "A link", Text: "Here it is."}); err != nil {
		t.Fatal(err)
	}
}

// TestMailsOverReloads: a reading that is not put in force changes nothing about
// mails, and what waited goes to the server of the one that is.
func TestMailsOverReloads(t *testing.T) {
	t.Parallel()
	first, second := openPostOffice(t), openPostOffice(t)
	s := start(t, setup{example: "mytimetable", home: true, api: http.NotFoundHandler(), change: func(c *catalogue.Catalogue) {
		c.Find("demo").Login.Mail = catalogue.Mail{Server: first.address, From: "desk@example.com", TLS: "none"}
	}})
	s.mails(t, "demo", "a@example.com")
	if to := <-first.took; to != "a@example.com" {
		t.Errorf("a mail to %s", to)
	}
	if err := s.server.Reload(t.Context(), s.mailedBy("demo", second.address, "sqlite:elsewhere.db")); err == nil {
		t.Fatal("a store was changed by a reload")
	}
	s.mails(t, "demo", "b@example.com")
	if to := <-first.took; to != "b@example.com" {
		t.Errorf("a mail to %s", to)
	}
	old := s.environment("demo").accounts.Links.Mailer
	if err := s.server.Reload(t.Context(), s.mailedBy("demo", second.address, "")); err != nil {
		t.Fatal(err)
	}
	s.mails(t, "demo", "c@example.com")
	if to := <-second.took; to != "c@example.com" {
		t.Errorf("a mail to %s", to)
	}
	// A request of before may still be under way.
	if err := old.Send(t.Context(), account.Message{To: "d@example.com", Subject: "A link", Text: "Here it is."}); err != nil {
		t.Fatal(err)
	}
	if to := <-second.took; to != "d@example.com" {
		t.Errorf("a mail to %s", to)
	}
}

// TestTheEndWaitsForMails: what goes on beside answers has a moment to hand its mails
// in before those are ended, and no longer.
func TestTheEndWaitsForMails(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		takes, waits time.Duration
		done         bool
	}{
		{time.Second, time.Second, true},
		{time.Minute, 3 * time.Second, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			done, began := make(chan struct{}), time.Now()
			kept := &pageKeys{room: make(chan struct{}, mostBeside)}
			kept.stop = func() {
				synctest.Wait()
				select {
				case <-done:
				default:
					if row.done {
						t.Error("mails were ended before the last one was handed in")
					}
				}
			}
			log := slog.New(slog.DiscardHandler)
			if err := kept.beside(log)(func(context.Context) error {
				time.Sleep(row.takes)
				close(done)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			kept.close()
			if took := time.Since(began); took != row.waits {
				t.Errorf("the end took %v", took)
			}
			if err := kept.beside(log)(nil); !errors.Is(err, secret.ErrBusy) {
				t.Errorf("afterwards: %v", err)
			}
			<-done
		})
	}
}
