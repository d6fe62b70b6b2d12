package mail

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/secret"
)

const password = "correct horse battery staple"

func (s *smtpServer) config() Config {
	return Config{
		Server: s.address, From: "Grantway <noreply@grantway.example>", User: "sender", Password: secret.Of(password),
		Roots: s.roots, Now: time.Now, Random: rand.Reader,
	}
}

func TestDelivers(t *testing.T) {
	rows := []struct {
		name      string
		server    func(*smtpServer)
		change    func(*Config)
		protected bool
		user      string
	}{
		{"STARTTLS unless something else is said", nil, nil, true, "sender"},
		{"TLS from the first byte", func(s *smtpServer) { s.implicit = true }, func(c *Config) { c.TLS = TLS }, true, "sender"},
		{"AUTH LOGIN alone", func(s *smtpServer) { s.under = []string{"AUTH LOGIN"} }, nil, true, "sender"},
		{"without a name", nil, func(c *Config) { c.User = "" }, true, ""},
		{"in the clear, when told so", func(s *smtpServer) { s.offers = nil }, func(c *Config) { c.TLS, c.User = None, "" }, false, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			server := startSMTP(t, row.server)
			c := server.config()
			if row.change != nil {
				row.change(&c)
			}
			if err := c.deliver(t.Context(), good()); err != nil {
				t.Fatal(err)
			}
			got := server.mails()
			if len(got) != 1 {
				t.Fatalf("%d mails", len(got))
			}
			m := got[0]
			if m.protected != row.protected || m.user != row.user || row.user != "" && m.password != password ||
				!strings.HasPrefix(m.from, "FROM:<noreply@grantway.example>") || m.to != "TO:<jan@example.org>" || !strings.Contains(m.text, "Dag Jan,") {
				t.Errorf("%+v", m)
			}
		})
	}
}

// TestNothingIsSaidInTheClear: a server, or whoever stands before it, that takes
// the protection away gets neither the mail nor the password.
func TestNothingIsSaidInTheClear(t *testing.T) {
	rows := []struct {
		name   string
		server func(*smtpServer)
		change func(*Config)
	}{
		{"STARTTLS is not offered", func(s *smtpServer) { s.offers = []string{"AUTH PLAIN"} }, nil},
		{"STARTTLS is refused", func(s *smtpServer) {
			s.answer = func(verb string) string {
				if verb == "STARTTLS" {
					return "454 not now"
				}
				return ""
			}
		}, nil},
		{"another one's certificate", nil, func(c *Config) { c.Roots = x509.NewCertPool() }},
		{"a password without TLS", func(s *smtpServer) { s.offers = []string{"AUTH PLAIN LOGIN"} }, func(c *Config) { c.TLS = None }},
		{"no AUTH that we know", func(s *smtpServer) { s.under = []string{"AUTH CRAM-MD5"} }, nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			server := startSMTP(t, row.server)
			c := server.config()
			if row.change != nil {
				row.change(&c)
			}
			err := c.deliver(t.Context(), good())
			if err == nil || len(server.mails()) != 0 {
				t.Errorf("delivered: %v", err)
			}
			if said := server.commands(); strings.Contains(said, "AUTH") || strings.Contains(said, "MAIL") || strings.Contains(said, "RCPT") {
				t.Errorf("it said:\n%s", said)
			}
			if err != nil && strings.Contains(err.Error(), password) {
				t.Errorf("the password stands in: %v", err)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for _, row := range []struct {
		verb, answer string
		permanent    bool
	}{
		{"MAIL", "451 try later", false},
		{"RCPT", "550 <jan@example.org> is unknown", true},
		{"RCPT", "450 <jan@example.org> is busy", false},
		{"DATA", "554 no", true},
		{"AUTH", "535 wrong", true},
	} {
		server := startSMTP(t, func(s *smtpServer) {
			s.answer = func(verb string) string {
				if verb == row.verb {
					return row.answer
				}
				return ""
			}
		})
		err := server.config().deliver(t.Context(), good())
		if err == nil || permanent(err) != row.permanent {
			t.Errorf("%s %s: %v", row.verb, row.answer, err)
			continue
		}
		if strings.Contains(err.Error(), "jan@") {
			t.Errorf("the person's address stands in: %v", err)
		}
	}
	server := startSMTP(t, func(s *smtpServer) { s.under = nil })
	c := server.config()
	c.User = ""
	m := good()
	m.To = "zoë@example.org"
	if err := c.deliver(t.Context(), m); !permanent(err) {
		t.Errorf("an address that the server cannot take: %v", err)
	}
}

func TestSilentServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // a test's
	for _, protection := range []string{StartTLS, TLS} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		c := Config{Server: listener.Addr().String(), From: "a@b.example", TLS: protection, Now: time.Now, Random: rand.Reader}
		began := time.Now()
		if err := c.deliver(ctx, good()); err == nil || time.Since(began) > 20*time.Second {
			t.Errorf("%s: %v after %v", protection, err, time.Since(began))
		}
	}
}

func TestQueue(t *testing.T) {
	var refused atomic.Int32 // the first six times
	server := startSMTP(t, func(s *smtpServer) {
		s.answer = func(verb string) string {
			if verb == "RCPT" && refused.Add(1) <= 6 {
				return "450 not now"
			}
			return ""
		}
	})
	q := NewQueue(server.config())
	q.retry = []time.Duration{time.Millisecond, time.Millisecond, 5 * time.Millisecond}
	if err := q.Send(t.Context(), Message{To: "x\n"}); !errors.Is(err, ErrMessage) {
		t.Errorf("a bad message: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var (
		all             sync.WaitGroup
		failures, given atomic.Int32
	)
	all.Go(func() {
		q.Run(ctx, func(_ error, last bool) {
			failures.Add(1)
			if last {
				given.Add(1)
			}
		})
	})
	// The first is given up after four tries; of the second the third try succeeds.
	send(t, q, good())
	until(t, func() bool { return given.Load() == 1 && failures.Load() == 4 && q.Waiting() == 0 })
	if failures.Load() != 4 || len(server.mails()) != 0 {
		t.Errorf("%d tries, %d mails", failures.Load(), len(server.mails()))
	}
	send(t, q, good())
	until(t, func() bool { return failures.Load() == 6 && q.Waiting() == 0 })
	if given.Load() != 1 || failures.Load() != 6 || len(server.mails()) != 1 {
		t.Errorf("%d given up, %d tries failed, %d mails", given.Load(), failures.Load(), len(server.mails()))
	}
	for range 20 {
		send(t, q, good())
	}
	until(t, func() bool { return q.Waiting() == 0 })
	if len(server.mails()) != 21 {
		t.Errorf("%d mails", len(server.mails()))
	}
	stop()
	all.Wait()
}

// What is due when the process ends is sent; what waits for another try is not
// waited for.
func TestWhatIsDueAtTheEnd(t *testing.T) {
	var refuses atomic.Bool
	server := startSMTP(t, func(s *smtpServer) {
		s.answer = func(verb string) string {
			if verb == "RCPT" && refuses.Load() {
				return "450 not now"
			}
			return ""
		}
	})
	q := NewQueue(server.config())
	q.parting = time.Minute
	ended, end := context.WithCancel(t.Context())
	end()
	for range 2 * senders {
		send(t, q, good())
	}
	q.Run(ended, func(err error, _ bool) { t.Error(err) })
	if got := len(server.mails()); got != 2*senders || q.Waiting() != 0 {
		t.Errorf("%d mails arrived, %d wait", got, q.Waiting())
	}
	refuses.Store(true)
	send(t, q, good())
	q.Run(ended, func(error, bool) {})
	if q.Waiting() != 1 {
		t.Errorf("%d wait", q.Waiting())
	}
}

// What waits goes to the server that is named later, at once.
func TestAnotherServerTakesWhatWaits(t *testing.T) {
	server := startSMTP(t, nil)
	gone := server.config()
	gone.Server = "127.0.0.1:1"
	q := NewQueue(gone)
	q.parting, q.retry = time.Minute, []time.Duration{time.Hour}
	ended, end := context.WithCancel(t.Context())
	end()
	send(t, q, good())
	q.Run(ended, func(error, bool) {})
	if q.Waiting() != 1 {
		t.Fatalf("%d wait", q.Waiting())
	}
	q.Use(server.config())
	q.Run(ended, func(err error, _ bool) { t.Error(err) })
	if got := len(server.mails()); got != 1 || q.Waiting() != 0 {
		t.Errorf("%d mails arrived, %d wait", got, q.Waiting())
	}
	if err := q.Deliver(t.Context(), good()); err != nil {
		t.Error(err)
	}
}

// What is delivered at once is not queued, and says whether it arrived.
func TestDeliverNow(t *testing.T) {
	s := startSMTP(t, nil)
	q := NewQueue(s.config())
	if err := q.Deliver(t.Context(), good()); err != nil || len(s.mails()) != 1 || q.Waiting() != 0 {
		t.Error(err, len(s.mails()), q.Waiting())
	}
	bad := good()
	bad.Subject = "two\nlines"
	if err := q.Deliver(t.Context(), bad); !errors.Is(err, ErrMessage) || len(s.mails()) != 1 {
		t.Error(err)
	}
}

func TestQueueIsBounded(t *testing.T) {
	q := NewQueue(Config{Now: time.Now})
	for range maxWaiting {
		send(t, q, good())
	}
	if err := q.Send(t.Context(), good()); !errors.Is(err, ErrFull) {
		t.Errorf("one more: %v", err)
	}
}

func send(t *testing.T, q *Queue, m Message) {
	t.Helper()
	if err := q.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

func until(t *testing.T, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !so(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come to pass")
		}
	}
}
