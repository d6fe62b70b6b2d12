package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/secret"
)

// What Config.TLS says.
const (
	StartTLS = "starttls" // begins in the clear and goes under TLS before anything is said; required
	TLS      = "tls"      // under TLS from the first byte
	None     = "none"     // in the clear: for a server on this machine or a private network
)

// Config says which server takes the mails.
type Config struct {
	Server   string // host:port
	From     string // an address, with or without a name
	User     string // empty: the server wants no name
	Password secret.Secret
	TLS      string         // StartTLS, TLS or None; empty: StartTLS
	Roots    *x509.CertPool // that vouch for the server; nil: the system's
	Now      func() time.Time
	Random   io.Reader
}

const (
	connectTimeout = 5 * time.Second
	totalTimeout   = 30 * time.Second
)

// A refusedError is the server's word that a mail will never be taken. It does
// not repeat what the server said, in which addresses of people may stand.
type refusedError struct {
	step string
	code int
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("the mail server answered %d to %s", e.code, e.step)
}

// permanent reports that trying again makes no sense (RFC 5321 §4.2.1).
func permanent(err error) bool {
	refused, ok := errors.AsType[*refusedError](err)
	return ok && refused.code >= 500 || errors.Is(err, ErrMessage)
}

// deliver hands one message to the server.
func (c Config) deliver(ctx context.Context, m Message) (err error) {
	ctx, cancel := context.WithTimeout(ctx, totalTimeout)
	defer cancel()
	from, err := mail.ParseAddress(c.From)
	if err != nil {
		return fmt.Errorf("%w: the sender is no address", ErrMessage)
	}
	id, err := newID(c.Random)
	if err != nil {
		return err
	}
	client, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close() //nolint:errcheck // what matters was answered before
	if !ascii(m.To) || !ascii(from.Address) {
		if ok, _ := client.Extension("SMTPUTF8"); !ok {
			return fmt.Errorf("%w: the mail server takes no addresses beyond ASCII", ErrMessage)
		}
	}
	if err := client.Mail(from.Address); err != nil {
		return said("MAIL", err)
	}
	if err := client.Rcpt(m.To); err != nil {
		return said("RCPT", err)
	}
	data, err := client.Data()
	if err != nil {
		return said("DATA", err)
	}
	if err := m.write(data, from, id, c.Now()); err != nil {
		return said("the text", err) // without its end the server forgets it
	}
	if err := data.Close(); err != nil {
		return said("the text", err)
	}
	_ = client.Quit() // the mail has been taken
	return nil
}

// connect returns a client that has said hello, is under TLS where that is asked
// for, and has said who we are.
func (c Config) connect(ctx context.Context) (_ *smtp.Client, err error) {
	host, _, err := net.SplitHostPort(c.Server)
	if err != nil {
		return nil, fmt.Errorf("the mail server: %w", err)
	}
	dialled, err := (&net.Dialer{Timeout: connectTimeout}).DialContext(ctx, "tcp", c.Server)
	if err != nil {
		return nil, fmt.Errorf("the mail server: %w", err)
	}
	conn := dialled // and dialled stays what it is, for whoever sees the context end
	stop := context.AfterFunc(ctx, func() { _ = dialled.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		if err != nil {
			stop()
			_ = conn.Close()
		}
	}()
	settings := &tls.Config{ServerName: host, RootCAs: c.Roots, MinVersion: tls.VersionTLS12}
	if c.TLS == TLS {
		conn = tls.Client(conn, settings)
	}
	client, err := smtp.NewClient(conn, host)
	if err != nil {
		return nil, said("the connection", err)
	}
	_, domain, _ := strings.Cut(strings.TrimSuffix(c.From, ">"), "@")
	if err := client.Hello(domain); err != nil {
		return nil, said("EHLO", err)
	}
	if c.TLS == StartTLS || c.TLS == "" {
		// Whoever can take the offer out of the answer must not get the mail.
		if ok, _ := client.Extension("STARTTLS"); !ok {
			return nil, errors.New("the mail server offers no STARTTLS")
		}
		if err := client.StartTLS(settings); err != nil {
			return nil, said("STARTTLS", err)
		}
	}
	if c.User == "" {
		return client, nil
	}
	if _, protected := client.TLSConnectionState(); !protected {
		return nil, errors.New("the mail server wants a password, which is only said under TLS")
	}
	_, offered := client.Extension("AUTH")
	mechanism, err := c.mechanism(strings.Fields(strings.ToUpper(offered)))
	if err != nil {
		return nil, err
	}
	if err := client.Auth(mechanism); err != nil {
		return nil, said("AUTH", err)
	}
	return client, nil
}

// mechanism is how the password is said: PLAIN (RFC 4616), or LOGIN, which some
// servers have alone.
func (c Config) mechanism(offered []string) (smtp.Auth, error) {
	switch {
	case slices.Contains(offered, "PLAIN"):
		return plain{c}, nil
	case slices.Contains(offered, "LOGIN"):
		return &login{Config: c}, nil
	}
	return nil, errors.New("the mail server knows neither AUTH PLAIN nor AUTH LOGIN")
}

type plain struct{ Config }

// Start implements smtp.Auth.
func (p plain) Start(*smtp.ServerInfo) (string, []byte, error) {
	return "PLAIN", []byte("\x00" + p.User + "\x00" + p.Password.Reveal()), nil
}

// Next implements smtp.Auth.
func (p plain) Next(_ []byte, more bool) ([]byte, error) {
	if more {
		return nil, errors.New("the mail server asks for more than AUTH PLAIN has")
	}
	return nil, nil
}

type login struct {
	Config
	asked int
}

// Start implements smtp.Auth.
func (l *login) Start(*smtp.ServerInfo) (string, []byte, error) { return "LOGIN", nil, nil }

// Next implements smtp.Auth. The server asks twice, in words of its own.
func (l *login) Next(_ []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	l.asked++
	switch l.asked {
	case 1:
		return []byte(l.User), nil
	case 2:
		return []byte(l.Password.Reveal()), nil
	}
	return nil, errors.New("the mail server asks for more than AUTH LOGIN has")
}

// said takes the server's words out of an error.
func said(step string, err error) error {
	if answer, ok := errors.AsType[*textproto.Error](err); ok {
		return &refusedError{step, answer.Code}
	}
	return fmt.Errorf("the mail server, at %s: %w", step, err)
}
