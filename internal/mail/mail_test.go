package mail

import (
	"crypto/rand"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"
)

var at = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func good() Message {
	return Message{To: "jan@example.org", Subject: "Nieuw wachtwoord", Text: "Dag Jan,\n\nKlik: https://login.example/reset?x=1\n"}
}

// TestHeaderInjection is row R06's other half: nothing that is put into a mail
// can become a header, a second recipient or a second mail.
func TestHeaderInjection(t *testing.T) {
	if err := good().check(); err != nil {
		t.Fatalf("the fixture is refused: %v", err)
	}
	rows := map[string]func(*Message){
		"no recipient":           func(m *Message) { m.To = "" },
		"line feed in To":        func(m *Message) { m.To = "a@b.example\nBcc: x@evil.example" },
		"carriage return in To":  func(m *Message) { m.To = "a@b.example\rBcc: x@evil.example" },
		"two recipients":         func(m *Message) { m.To = "a@b.example, x@evil.example" },
		"a name":                 func(m *Message) { m.To = "Jan <a@b.example>" },
		"angle brackets":         func(m *Message) { m.To = "<a@b.example>" },
		"two @":                  func(m *Message) { m.To = "a@b@c.example" },
		"quoted local part":      func(m *Message) { m.To = `"a@x"@b.example` },
		"comment":                func(m *Message) { m.To = "a(x)@b.example" },
		"SMTP command":           func(m *Message) { m.To = "a@b.example> SIZE=1" },
		"domain literal":         func(m *Message) { m.To = "a@[127.0.0.1]" },
		"no domain":              func(m *Message) { m.To = "a@" },
		"no local part":          func(m *Message) { m.To = "@b.example" },
		"long local part":        func(m *Message) { m.To = strings.Repeat("a", 65) + "@b.example" },
		"NUL in To":              func(m *Message) { m.To = "a\x00@b.example" },
		"no subject":             func(m *Message) { m.Subject = "" },
		"line feed in Subject":   func(m *Message) { m.Subject = "x\nBcc: x@evil.example" },
		"return in Subject":      func(m *Message) { m.Subject = "x\rBcc: x@evil.example" },
		"separator in Subject":   func(m *Message) { m.Subject = "x\u2028Bcc: x@evil.example" },
		"right-to-left override": func(m *Message) { m.Subject = "x\u202ey" },
		"long Subject":           func(m *Message) { m.Subject = strings.Repeat("x", maxSubject+1) },
		"ill-formed Subject":     func(m *Message) { m.Subject = "x\xff" },
		"no text":                func(m *Message) { m.Text = "" },
		"long text":              func(m *Message) { m.Text = strings.Repeat("x", maxText+1) },
		"return in text":         func(m *Message) { m.Text = "x\r\n.\r\nMAIL FROM:<a@b>" },
		"NUL in text":            func(m *Message) { m.Text = "x\x00" },
		"ill-formed text":        func(m *Message) { m.Text = "x\xff" },
	}
	for name, spoil := range rows {
		m := good()
		spoil(&m)
		if err := m.check(); !errors.Is(err, ErrMessage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLimitsAreReached(t *testing.T) {
	local := strings.Repeat("a", 64)
	rows := []Message{
		{To: local + "@b.example", Subject: strings.Repeat("s", maxSubject), Text: strings.Repeat("t", maxText)},
		{To: local + "@" + strings.Repeat("b", maxAddress-65-8) + ".example", Subject: "s", Text: "t"},
		{To: "zoë@straße.example", Subject: "Ünïcode ✓ 漢字", Text: "é"},
		{To: "o'brien+tag@example.org", Subject: "s", Text: "t"},
	}
	for _, m := range rows {
		if err := m.check(); err != nil {
			t.Errorf("%q: %v", m.To, err)
		}
	}
	long := rows[1]
	long.To = strings.Replace(long.To, ".example", "b.example", 1)
	if err := long.check(); !errors.Is(err, ErrMessage) {
		t.Errorf("one byte more: %v", err)
	}
}

// TestWritten reads what was written as another program does.
func TestWritten(t *testing.T) {
	from, err := mail.ParseAddress("Fontys Ünie <noreply@fontys.example>")
	if err != nil {
		t.Fatal(err)
	}
	m := Message{
		To: "jan@example.org", Subject: strings.Repeat("Één nieuw wachtwoord ✓ ", 8),
		Text: "Dag José,\n\n.\n" + strings.Repeat("lang ", 40) + "\n<b>geen opmaak</b> = 漢字",
	}
	id, err := newID(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := m.write(&text, from, id, at); err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(text.String(), "\r\n") {
		if len(line) > 78+20 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("a line of %d bytes: %q", len(line), line)
		}
	}
	read, err := mail.ReadMessage(strings.NewReader(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(read.Header.Get("Subject"))
	if err != nil || subject != m.Subject {
		t.Errorf("subject %q, %v", subject, err)
	}
	if a, err := read.Header.AddressList("From"); err != nil || a[0].Name != "Fontys Ünie" || a[0].Address != "noreply@fontys.example" {
		t.Errorf("from %v, %v", a, err)
	}
	if when, err := read.Header.Date(); err != nil || !when.Equal(at) {
		t.Errorf("date %v, %v", when, err)
	}
	if got := read.Header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
		t.Errorf("type %q", got)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(read.Body))
	if err != nil || strings.ReplaceAll(string(body), "\r\n", "\n") != m.Text+"\n" {
		t.Errorf("text %q, %v", body, err)
	}
}

func TestKeptKeepsTheLastFifty(t *testing.T) {
	kept := &Kept{Now: func() time.Time { return at }}
	for i := range maxKept + 1 {
		m := good()
		m.Subject = strings.Repeat("x", i+1)
		if err := kept.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	all := kept.Messages()
	if len(all) != maxKept || len(all[0].Subject) != maxKept+1 || len(all[maxKept-1].Subject) != 2 || all[0].At != at {
		t.Errorf("%d kept, the newest %q, the oldest %q", len(all), all[0].Subject, all[len(all)-1].Subject)
	}
	if err := kept.Send(t.Context(), Message{To: "x"}); !errors.Is(err, ErrMessage) {
		t.Errorf("a bad message: %v", err)
	}
	if err := (Unsent{}).Send(t.Context(), good()); !errors.Is(err, ErrNone) {
		t.Errorf("without a server: %v", err)
	}
}
