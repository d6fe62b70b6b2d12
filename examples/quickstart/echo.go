package quickstart

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/grantway/grantway/examples/demo"
)

// idle is how long a WebSocket may say nothing, or take to accept a frame.
const idle = time.Minute

// Frame opcodes, RFC 6455 §5.2. From 8 on they control the connection.
const (
	opContinue = 0x0
	opText     = 0x1
	opBinary   = 0x2
	opClose    = 0x8
	opPing     = 0x9
	opPong     = 0xA
)

// closing is a status with which the server ends a connection, RFC 6455 §7.4.1.
type closing uint16

const (
	protocolError closing = 1002
	notUTF8       closing = 1007
	tooLarge      closing = 1009
)

func (c closing) Error() string { return "the peer broke RFC 6455" }

// echo opens a WebSocket and sends every message back whole.
func echo(w http.ResponseWriter, r *http.Request) error {
	key, err := base64.StdEncoding.DecodeString(r.Header.Get("Sec-WebSocket-Key"))
	switch {
	case r.Method != http.MethodGet || r.ProtoMajor != 1,
		!names(r.Header, "Connection", "upgrade"), !names(r.Header, "Upgrade", "websocket"),
		r.Header.Get("Sec-WebSocket-Version") != "13":
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Sec-WebSocket-Version", "13") // RFC 6455 §4.4
		return &demo.Fault{Status: http.StatusUpgradeRequired, Code: "upgrade_required", Description: "Open a WebSocket here, version 13."}
	case err != nil || len(key) != 16:
		return demo.Invalid("Sec-WebSocket-Key must be 16 bytes in base64.") // RFC 6455 §4.2.1
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(r.Context(), func() { conn.Close() })()

	accept := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	conn.SetDeadline(time.Now().Add(idle))
	if _, err := io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "+
		base64.StdEncoding.EncodeToString(accept[:])+"\r\n\r\n"); err != nil {
		return nil // the connection is no longer HTTP's to answer on
	}
	if code, ok := errors.AsType[closing](echoMessages(conn, buffered.Reader)); ok {
		write(conn, opClose, binary.BigEndian.AppendUint16(nil, uint16(code)))
		// To close with bytes unread resets the connection, and the peer may then
		// never see the close frame: give it a moment to finish.
		conn.SetDeadline(time.Now().Add(time.Second))
		io.CopyN(io.Discard, conn, 2*demo.MaxBody)
	}
	return nil
}

// names tells whether a header's list holds a token, in any case.
func names(h http.Header, name, token string) bool {
	for part := range strings.SplitSeq(strings.Join(h.Values(name), ","), ",") {
		if strings.EqualFold(strings.TrimSpace(part), token) {
			return true
		}
	}
	return false
}

// echoMessages gathers the fragments of each message and sends it back, until
// the peer closes (nil), breaks the protocol (a closing) or is lost.
func echoMessages(conn net.Conn, in io.Reader) error {
	var kind byte // of the message begun, or 0
	var message []byte
	for {
		conn.SetDeadline(time.Now().Add(idle))
		final, op, payload, err := read(in, demo.MaxBody-len(message))
		if err != nil {
			return err
		}
		switch {
		case op == opClose && len(payload) == 1: // a status has two bytes
			return protocolError
		case op == opClose:
			return write(conn, opClose, payload[:min(2, len(payload))])
		case op == opPing:
			if err := write(conn, opPong, payload); err != nil {
				return err
			}
			continue
		case op == opPong:
			continue
		case (op == opContinue) == (kind == 0): // a part of nothing, or a beginning within a message
			return protocolError
		case op != opContinue:
			kind = op
		}
		message = append(message, payload...)
		if !final {
			continue
		}
		if kind == opText && !utf8.Valid(message) {
			return notUTF8
		}
		if err := write(conn, kind, message); err != nil {
			return err
		}
		kind, message = 0, nil
	}
}

// read reads one frame from a client, of at most so many bytes (RFC 6455 §5.2).
func read(in io.Reader, most int) (final bool, op byte, payload []byte, err error) {
	var head [8]byte
	if _, err = io.ReadFull(in, head[:2]); err != nil {
		return false, 0, nil, err
	}
	final, op = head[0]&0x80 != 0, head[0]&0x0F
	size := uint64(head[1] & 0x7F)
	known := op <= opBinary || op >= opClose && op <= opPong
	control := op >= opClose
	// No extension is agreed, a client masks, a control frame is short and whole.
	if head[0]&0x70 != 0 || head[1]&0x80 == 0 || !known || control && (!final || size > 125) {
		return false, 0, nil, protocolError
	}
	if more := map[uint64]int{126: 2, 127: 8}[size]; more > 0 {
		clear(head[:])
		if _, err = io.ReadFull(in, head[8-more:]); err != nil {
			return false, 0, nil, err
		}
		size = binary.BigEndian.Uint64(head[:])
	}
	if !control && size > uint64(most) {
		return false, 0, nil, tooLarge
	}
	var mask [4]byte
	if _, err = io.ReadFull(in, mask[:]); err != nil {
		return false, 0, nil, err
	}
	payload = make([]byte, size)
	if _, err = io.ReadFull(in, payload); err != nil {
		return false, 0, nil, err
	}
	for i := range payload {
		payload[i] ^= mask[i%4]
	}
	return final, op, payload, nil
}

// write sends one whole frame, unmasked as a server does (RFC 6455 §5.1).
func write(conn net.Conn, op byte, payload []byte) error {
	frame := []byte{0x80 | op}
	switch size := len(payload); {
	case size < 126:
		frame = append(frame, byte(size))
	case size <= 0xFFFF:
		frame = binary.BigEndian.AppendUint16(append(frame, 126), uint16(size))
	default:
		frame = binary.BigEndian.AppendUint64(append(frame, 127), uint64(size))
	}
	_, err := conn.Write(append(frame, payload...))
	return err
}
