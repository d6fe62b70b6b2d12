package server

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// An http2Pair is one header as it is sent, whatever is wrong with it.
type http2Pair struct{ name, value string }

// http2Frame is a frame of RFC 9113 §4.1.
func http2Frame(kind, flags byte, stream uint32, payload []byte) []byte {
	frame := append([]byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags}, 0, 0, 0, 0)
	binary.BigEndian.PutUint32(frame[5:], stream)
	return append(frame, payload...)
}

// http2Asks sends the headers as a request of its own connection and says what
// came back: the first byte of the answer's headers (0x88 is status 200, RFC 7541
// appendix A), "reset" or "closed".
func http2Asks(t *testing.T, address string, headers []http2Pair) string {
	t.Helper()
	c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	var block []byte
	for _, h := range headers { // literals that are not indexed, without Huffman (RFC 7541 §6.2.2)
		for i, text := range []string{h.name, h.value} {
			if i == 0 {
				block = append(block, 0)
			}
			if len(text) < 127 {
				block = append(block, byte(len(text)))
			} else {
				block = append(append(block, 127), byte((len(text)-127)&127|128), byte((len(text)-127)>>7))
			}
			block = append(block, text...)
		}
	}
	const kindHeaders, kindReset, kindSettings, endOfHeadersAndStream = 1, 3, 4, 5
	request := append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), http2Frame(kindSettings, 0, 0, nil)...)
	if _, err := c.Write(append(request, http2Frame(kindHeaders, endOfHeadersAndStream, 1, block)...)); err != nil {
		return "closed"
	}
	head := make([]byte, 9)
	for {
		if _, err := io.ReadFull(c, head); err != nil {
			return "closed"
		}
		body := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		if _, err := io.ReadFull(c, body); err != nil {
			return "closed"
		}
		switch head[3] {
		case kindHeaders:
			if len(body) > 0 && body[0]&0xe0 == 0x20 { // a new size of the table comes first
				body = body[1:]
			}
			return fmt.Sprintf("%#x", body[0])
		case kindReset:
			return "reset"
		}
	}
}

// TestHTTP2 is row S12: what HTTP/2 allows to be sent, and HTTP/1.1 could be read
// as something else, does not reach the API.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	behind := &upstream{}
	s := start(t, setup{example: "fitness", api: behind, change: openPath("/open")})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.server.ServeTLS(t.Context(), l, &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}, NextProtos: []string{"h2"}}, s.server.Handler())
	address := l.Addr().String()
	good := []http2Pair{{":method", "GET"}, {":scheme", "https"}, {":authority", address}, {":path", "/staging/api/open"}, {"x-a", "b"}}
	with := func(more ...http2Pair) []http2Pair { return append(append([]http2Pair{}, good...), more...) }
	without := func(name string, instead ...http2Pair) (all []http2Pair) {
		for _, h := range good {
			if h.name == name {
				all = append(all, instead...)
				continue
			}
			all = append(all, h)
		}
		return all
	}
	if got := http2Asks(t, address, good); got != "0x88" || len(behind.take()) != 1 {
		t.Fatalf("the request that the rows break: %s", got)
	}
	for what, headers := range map[string][]http2Pair{
		"a name with capitals":             with(http2Pair{"X-B", "c"}),
		"an identity header with capitals": with(http2Pair{"Grantway-Client", "forged"}),
		"LF in a value":                    with(http2Pair{"x-b", "c\nGrantway-Client: forged"}),
		"CR in a value":                    with(http2Pair{"x-b", "c\r"}),
		"NUL in a value":                   with(http2Pair{"x-b", "c\x00"}),
		"CRLF in a name":                   with(http2Pair{"x-b\r\nx-c", "d"}),
		"a colon in a name":                with(http2Pair{"x:b", "c"}),
		"a space in a name":                with(http2Pair{"x b", "c"}),
		"no name":                          with(http2Pair{"", "c"}),
		"transfer-encoding":                with(http2Pair{"transfer-encoding", "chunked"}),
		"connection":                       with(http2Pair{"connection", "x-a"}),
		"a pseudo-header behind others":    append(without(":path"), http2Pair{":path", "/staging/api/open"}),
		"a path twice":                     with(http2Pair{":path", "/staging/api/moves"}),
		"an unknown pseudo-header":         append([]http2Pair{{":x", "y"}}, good...),
		"no path":                          without(":path"),
		"a path without a slash":           without(":path", http2Pair{":path", "staging/api/open"}),
		"a path with CRLF":                 without(":path", http2Pair{":path", "/staging/api/open HTTP/1.1\r\nX-B: c"}),
		"a path with a space":              without(":path", http2Pair{":path", "/staging/api/open x"}),
		"a method with a space":            without(":method", http2Pair{":method", "GET /staging/api/open"}),
	} {
		got := http2Asks(t, address, headers)
		seen := behind.take()
		if got == "0x88" || len(seen) > 0 {
			t.Errorf("S12: %s: %s, and the API saw %d requests", what, got, len(seen))
		}
	}
	// RFC 9113 §8.3.1: what Host says beside :authority counts for nothing.
	got := http2Asks(t, address, with(http2Pair{"host", "forged.example"}))
	for _, seen := range behind.take() {
		if all := fmt.Sprint(seen.Host, seen.Header); strings.Contains(all, "forged") {
			t.Errorf("S12: another Host than :authority: %s, and the API saw %s", got, all)
		}
	}
}
