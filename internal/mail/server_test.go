package mail

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// A smtpServer speaks as much of RFC 5321 as mails need, over real sockets.
type smtpServer struct {
	address  string
	roots    *x509.CertPool
	tls      *tls.Config
	implicit bool     // TLS from the first byte
	offers   []string // extensions, before TLS
	under    []string // extensions under TLS
	answer   func(verb string) string

	mu   sync.Mutex
	got  []received
	said []string // commands, in the clear and not
}

type received struct {
	from, to, text string
	protected      bool
	user, password string
}

func startSMTP(t *testing.T, change func(*smtpServer)) *smtpServer {
	t.Helper()
	s := &smtpServer{offers: []string{"STARTTLS"}, under: []string{"AUTH LOGIN PLAIN", "8BITMIME", "SMTPUTF8"}}
	s.tls, s.roots = certificate(t)
	if change != nil {
		change(s)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = listener.Addr().String()
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		all.Wait()
	})
	return s
}

func (s *smtpServer) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	var mail received
	if s.implicit {
		conn, mail.protected = tls.Server(conn, s.tls), true
	}
	lines := bufio.NewReader(conn)
	say := func(format string, about ...any) { _, _ = fmt.Fprintf(conn, format+"\r\n", about...) }
	read := func() (string, bool) {
		line, err := lines.ReadString('\n')
		return strings.TrimSuffix(line, "\r\n"), err == nil
	}
	say("220 test ESMTP")
	for {
		line, ok := read()
		if !ok {
			return
		}
		s.mu.Lock()
		s.said = append(s.said, line)
		s.mu.Unlock()
		verb, rest, _ := strings.Cut(line, " ")
		verb = strings.ToUpper(verb)
		if s.answer != nil {
			if text := s.answer(verb); text != "" {
				say("%s", text)
				continue
			}
		}
		switch verb {
		case "EHLO":
			offered := s.offers
			if mail.protected {
				offered = s.under
			}
			say("250-test")
			for _, extension := range offered {
				say("250-%s", extension)
			}
			say("250 SIZE 1000000")
		case "STARTTLS":
			say("220 go")
			under := tls.Server(conn, s.tls)
			conn, lines, mail.protected = under, bufio.NewReader(under), true
		case "AUTH":
			mechanism, initial, _ := strings.Cut(rest, " ")
			if mechanism == "PLAIN" {
				text, _ := base64.StdEncoding.DecodeString(initial)
				parts := strings.Split(string(text), "\x00")
				mail.user, mail.password = parts[1], parts[2]
			} else {
				say("334 VXNlcm5hbWU6")
				user, _ := read()
				say("334 UGFzc3dvcmQ6")
				password, _ := read()
				name, _ := base64.StdEncoding.DecodeString(user)
				word, _ := base64.StdEncoding.DecodeString(password)
				mail.user, mail.password = string(name), string(word)
			}
			say("235 welcome")
		case "MAIL":
			mail.from = rest
			say("250 ok")
		case "RCPT":
			mail.to = rest
			say("250 ok")
		case "DATA":
			say("354 go on")
			var text strings.Builder
			for {
				line, ok := read()
				if !ok {
					return
				}
				if line == "." {
					break
				}
				text.WriteString(strings.TrimPrefix(line, ".") + "\n")
			}
			mail.text = text.String()
			s.mu.Lock()
			s.got = append(s.got, mail)
			s.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("502 what")
		}
	}
}

func (s *smtpServer) mails() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received(nil), s.got...)
}

func (s *smtpServer) commands() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.said, "\n")
}

func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(made)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, roots
}
