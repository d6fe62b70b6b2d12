// Package mail sends short plain-text messages to people through one SMTP server
// (RFC 5321), under TLS unless the configuration says otherwise.
//
// What a message says is written by its caller, package account. A message is
// text and nothing else, so that a name that somebody chose can never become
// markup in it. Nothing is received here.
package mail

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Message is what one person is told.
type Message struct {
	To      string // an address, without a name
	Subject string // one line
	Text    string // lines separated by \n
}

// A Sender takes messages and returns before they are delivered, after the same
// time whatever the address is. Queue and Kept are Senders.
type Sender interface {
	// Send accepts a message. It returns ErrMessage for one that cannot be sent
	// and ErrFull when too many wait.
	Send(ctx context.Context, m Message) error
}

var (
	// ErrMessage: the message has an address or a subject that no mail may have.
	ErrMessage = errors.New("cannot be a mail")

	// ErrFull: too many mails wait for the server.
	ErrFull = errors.New("too many mails wait")
)

// Limits of a message.
const (
	maxAddress = 254      // bytes (RFC 5321 §4.5.3.1.3, less the angle brackets)
	maxSubject = 256      // bytes
	maxText    = 16 << 10 // bytes
)

// check refuses what could say more than one message to one address: whoever can
// put a line break into a header can add any other.
func (m Message) check() error {
	if err := CheckAddress(m.To); err != nil {
		return err
	}
	switch {
	case m.Subject == "" || len(m.Subject) > maxSubject || !utf8.ValidString(m.Subject) || strings.ContainsFunc(m.Subject, breaks):
		return fmt.Errorf("%w: its subject is empty, too long or not one line", ErrMessage)
	case m.Text == "" || len(m.Text) > maxText || !utf8.ValidString(m.Text) || strings.ContainsAny(m.Text, "\x00\r"):
		return fmt.Errorf("%w: its text is empty, too long or not text", ErrMessage)
	}
	return nil
}

// CheckAddress returns ErrMessage unless the text is one bare address: exactly
// one @, no name beside it, no quotation, no comment, no route (RFC 5321 §4.1.2
// without what nobody's address has).
func CheckAddress(address string) error {
	local, domain, found := strings.Cut(address, "@")
	parsed, err := mail.ParseAddress(address)
	switch {
	case !found || local == "" || domain == "" || strings.Contains(domain, "@"),
		len(address) > maxAddress || len(local) > 64, // RFC 5321 §4.5.3.1.1
		err != nil || parsed.Name != "" || parsed.Address != address,
		strings.ContainsFunc(address, func(r rune) bool { return breaks(r) || unicode.IsSpace(r) || strings.ContainsRune(`"(),:;<>[\]`, r) }):
		return fmt.Errorf("%w: that is no e-mail address", ErrMessage)
	}
	return nil
}

// breaks are characters that end a line for some reader, or are read otherwise
// than they look.
func breaks(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r)
}

// write writes the message as RFC 5322 has it, with CRLF.
func (m Message) write(w io.Writer, from *mail.Address, id string, now time.Time) error {
	_, domain, _ := strings.Cut(from.Address, "@")
	header := []string{
		"From: " + from.String(),
		"To: <" + m.To + ">",
		"Subject: " + strings.ReplaceAll(mime.QEncoding.Encode("utf-8", m.Subject), "?= =?", "?=\r\n =?"),
		"Date: " + now.UTC().Format(time.RFC1123Z),
		"Message-ID: <" + id + "@" + domain + ">",
		"MIME-Version: 1.0",
		"Content-Type: text/plain; charset=utf-8",
		"Content-Transfer-Encoding: quoted-printable",
		"Auto-Submitted: auto-generated", // RFC 3834 §5: so that no vacation notice answers
	}
	if _, err := io.WriteString(w, strings.Join(header, "\r\n")+"\r\n\r\n"); err != nil {
		return err
	}
	body := quotedprintable.NewWriter(w)
	if _, err := io.WriteString(body, strings.ReplaceAll(strings.TrimSuffix(m.Text, "\n")+"\n", "\n", "\r\n")); err != nil {
		return err
	}
	return body.Close()
}

// newID makes what stands before the @ of a Message-ID.
func newID(random io.Reader) (string, error) {
	var id [16]byte
	if _, err := io.ReadFull(random, id[:]); err != nil {
		return "", fmt.Errorf("make the id of a mail: %w", err)
	}
	return hex.EncodeToString(id[:]), nil
}

// ascii reports whether the address needs no SMTPUTF8 (RFC 6531).
func ascii(address string) bool {
	return !slices.ContainsFunc([]byte(address), func(b byte) bool { return b >= utf8.RuneSelf })
}
