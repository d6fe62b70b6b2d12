package server

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestMain runs everything, and then looks for every secret and every token that
// was seen meanwhile in everything that was logged and counted (rows C14, U04).
func TestMain(m *testing.M) {
	inMemory()
	status := m.Run()
	removePrepared()
	if leaked := everything.leaks(); len(leaked) > 0 {
		fmt.Fprintf(os.Stderr, "C14, U04: the logs or metrics hold %d secrets or tokens:\n", len(leaked))
		for _, leak := range leaked {
			fmt.Fprintln(os.Stderr, "\t"+leak)
		}
		status = max(status, 1)
	}
	os.Exit(status)
}

// everything is what all servers of the test binary wrote for people to read,
// and what must not be in it.
var everything output

type output struct {
	mu      sync.Mutex
	written []byte
	secret  map[string]bool
}

func (o *output) keep(text []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.written = append(o.written, text...)
}

// disclosed notes a text that was given to a client or came from one as a proof.
func disclosed(text string) {
	if len(text) < 8 {
		return // too short to tell from a coincidence
	}
	everything.mu.Lock()
	defer everything.mu.Unlock()
	if everything.secret == nil {
		everything.secret = map[string]bool{}
	}
	everything.secret[text] = true
}

var (
	carriesSecret = regexp.MustCompile(`(?i)(?:client_secret|access_token|refresh_token|client_assertion|password|\bcode)"?\s*[=:]\s*"?([^&"\s]+)`)
	carriesProof  = regexp.MustCompile(`(?i)authorization:\s*\w+\s+(\S+)`)
)

// disclose notes every proof in a message.
func disclose(message string) {
	if len(message) > 1<<20 {
		return
	}
	for _, found := range carriesSecret.FindAllStringSubmatch(message, -1) {
		disclosed(found[1])
		if _, signature, ok := strings.Cut(found[1], "."); ok { // a token is no less secret in parts
			disclosed(signature[strings.LastIndexByte(signature, '.')+1:])
		}
	}
	for _, found := range carriesProof.FindAllStringSubmatch(message, -1) {
		disclosed(found[1])
		if plain, err := base64.StdEncoding.DecodeString(found[1]); err == nil {
			_, password, _ := strings.Cut(string(plain), ":")
			disclosed(password)
		}
	}
}

// leaks returns each secret that was written, with its line.
//
// There are tens of thousands of secrets and many megabytes of text: the text is
// gone through once, and what begins like a secret is compared. Which eight bytes
// begin one a small table answers for nearly every place, without the map.
func (o *output) leaks() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	begins := map[uint64][]string{}
	maybe := make([]bool, 1<<22)
	place := func(start uint64) uint64 { return start * 0x9e3779b97f4a7c15 >> 42 }
	for text := range o.secret {
		start := binary.LittleEndian.Uint64([]byte(text))
		begins[start] = append(begins[start], text)
		maybe[place(start)] = true
	}
	found := map[string]int{} // where it is written first
	for at := range max(0, len(o.written)-7) {
		start := binary.LittleEndian.Uint64(o.written[at:])
		if !maybe[place(start)] {
			continue
		}
		for _, text := range begins[start] {
			if _, known := found[text]; !known && bytes.HasPrefix(o.written[at:], []byte(text)) {
				found[text] = at
			}
		}
	}
	var leaked []string
	for text, at := range found {
		from := bytes.LastIndexByte(o.written[:at], '\n') + 1
		line, _, _ := bytes.Cut(o.written[from:], []byte{'\n'})
		leaked = append(leaked, text+" in "+string(line))
	}
	slices.Sort(leaked)
	return leaked
}

// TestLeaks: what is looked for is found wherever it stands.
func TestLeaks(t *testing.T) {
	var o output
	o.secret = map[string]bool{"12345678": true, "12345678-longer": true, "another-secret": true, "unwritten": true}
	o.keep([]byte("12345678 first\nthe 12345678-longer one\n"))
	o.keep([]byte("another-secre\nat the end another-secret"))
	want := []string{"12345678 in 12345678 first", "12345678-longer in the 12345678-longer one", "another-secret in at the end another-secret"}
	if got := o.leaks(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := new(output).leaks(); got != nil {
		t.Errorf("in nothing: %q", got)
	}
}

// keepMetrics adds what the server counted to what must hold no secret.
func (s *site) keepMetrics(t testing.TB) {
	w := httptest.NewRecorder()
	s.server.Operations().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Errorf("/metrics: %d", w.Code)
	}
	everything.keep(w.Body.Bytes())
}
