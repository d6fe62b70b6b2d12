package quickstart

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/examples/demo"
)

// The key and the answer to it are those of RFC 6455 §1.3.
const (
	opening = "GET /echo HTTP/1.1\r\nHost: api.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
	accepted = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

type peer struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// open sends an opening and the bytes after it in one piece, as a client may
// that is in a hurry, and reads the answer's head.
func open(t *testing.T, head string, after ...byte) (*peer, *http.Response) {
	t.Helper()
	server := httptest.NewServer(API())
	t.Cleanup(server.Close)
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	p := &peer{t, conn, bufio.NewReader(conn)}
	p.send(append([]byte(head), after...))
	response, err := http.ReadResponse(p.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p, response
}

// send is written beside the test: the server may answer, and close, before it
// has read all of a message that it refuses.
func (p *peer) send(b []byte) { go p.conn.Write(b) }

// receive reads one frame of the server.
func (p *peer) receive() (head byte, payload []byte) {
	p.t.Helper()
	var b [10]byte
	if _, err := io.ReadFull(p.in, b[:2]); err != nil {
		p.t.Fatal(err)
	}
	size := uint64(b[1])
	switch b[1] {
	case 126:
		io.ReadFull(p.in, b[8:])
		size = uint64(binary.BigEndian.Uint16(b[8:]))
	case 127:
		io.ReadFull(p.in, b[2:])
		size = binary.BigEndian.Uint64(b[2:])
	}
	payload = make([]byte, size)
	if _, err := io.ReadFull(p.in, payload); err != nil {
		p.t.Fatal(err)
	}
	return b[0], payload
}

// frame is a frame as a client sends it, masked.
func frame(head byte, payload []byte) []byte {
	b := []byte{head}
	switch size := len(payload); {
	case size < 126:
		b = append(b, 0x80|byte(size))
	case size <= 0xFFFF:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(size))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(size))
	}
	mask := []byte{7, 77, 177, 255}
	b = append(b, mask...)
	for i, c := range payload {
		b = append(b, c^mask[i%4])
	}
	return b
}

const (
	final       = 0x80
	text        = final | opText
	binaryWhole = final | opBinary
	lastPart    = final | opContinue
)

func TestEcho(t *testing.T) {
	p, response := open(t, opening, frame(text, []byte("in a hurry"))...)
	if response.StatusCode != http.StatusSwitchingProtocols || response.Header.Get("Sec-WebSocket-Accept") != accepted {
		t.Fatalf("%d %v", response.StatusCode, response.Header)
	}
	expect := func(head byte, payload []byte) {
		t.Helper()
		gotHead, got := p.receive()
		if gotHead != head || !bytes.Equal(got, payload) {
			t.Fatalf("received %#x with %d bytes %.40q, want %#x with %d", gotHead, len(got), got, head, len(payload))
		}
	}
	expect(text, []byte("in a hurry"))
	for _, size := range []int{0, 1, 125, 126, 0xFFFF, 0x10000, demo.MaxBody} {
		payload := bytes.Repeat([]byte{0xFE}, size)
		p.send(frame(binaryWhole, payload))
		expect(binaryWhole, payload)
	}
	// A message in three parts, cut within a letter, with a ping between them.
	p.send(bytes.Join([][]byte{
		frame(opText, []byte("caf\xc3")), frame(final|opPing, []byte("there?")), frame(opContinue, []byte("\xa9")), frame(lastPart, []byte("!")),
	}, nil))
	expect(final|opPong, []byte("there?"))
	expect(text, []byte("café!"))
	p.send(append(frame(final|opPong, nil), frame(final|opClose, []byte("\x03\xe8bye"))...))
	expect(final|opClose, []byte("\x03\xe8"))
	if _, err := p.in.ReadByte(); err != io.EOF {
		t.Errorf("after the close: %v", err)
	}
}

func TestEchoRefusesFrames(t *testing.T) {
	unmasked := []byte{text, 1, 'x'}
	large := bytes.Repeat([]byte("x"), demo.MaxBody)
	for name, row := range map[string]struct {
		sent []byte
		code closing
	}{
		"not masked":                  {unmasked, protocolError},
		"reserved bit":                {frame(text|0x40, nil), protocolError},
		"unknown opcode":              {frame(final|3, nil), protocolError},
		"unknown control opcode":      {frame(final|11, nil), protocolError},
		"part of nothing":             {frame(lastPart, nil), protocolError},
		"beginning within a message":  {append(frame(opText, nil), frame(text, nil)...), protocolError},
		"ping in parts":               {frame(opPing, nil), protocolError},
		"ping of 126 bytes":           {frame(final|opPing, large[:126]), protocolError},
		"close with half a status":    {frame(final|opClose, []byte{3}), protocolError},
		"text that is not UTF-8":      {frame(text, []byte{0xFF}), notUTF8},
		"one byte too many":           {frame(binaryWhole, append(large, 'x')), tooLarge},
		"one byte too many, in parts": {append(frame(opBinary, large), frame(lastPart, []byte("x"))...), tooLarge},
		"a size beyond all bounds":    {[]byte{binaryWhole, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, tooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := open(t, opening)
			p.send(row.sent)
			head, payload := p.receive()
			if want := binary.BigEndian.AppendUint16(nil, uint16(row.code)); head != final|opClose || !bytes.Equal(payload, want) {
				t.Errorf("received %#x %v, want a close with %d", head, payload, row.code)
			}
		})
	}
}

func TestEchoRefusesOpenings(t *testing.T) {
	for _, row := range []struct {
		old, new string
		status   int
	}{
		{"", "", 101},
		{"Upgrade: WebSocket", "Upgrade: h2c", 426},
		{"keep-alive, Upgrade", "keep-alive", 426},
		{"Version: 13", "Version: 8", 426},
		{"GET", "HEAD", 426},
		{"GET", "POST", 405},
		{"dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=", 400},
		{"dGhlIHNhbXBsZSBub25jZQ==", "not base64", 400},
	} {
		_, response := open(t, strings.Replace(opening, row.old, row.new, 1))
		if response.StatusCode != row.status {
			t.Errorf("%q for %q: %d, want %d", row.new, row.old, response.StatusCode, row.status)
		}
		if row.status == 426 && response.Header.Get("Sec-WebSocket-Version") != "13" {
			t.Errorf("%q: %v", row.new, response.Header)
		}
	}
}
