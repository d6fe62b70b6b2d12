package server

import (
	"encoding/base64"
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
	written strings.Builder
	secret  map[string]bool
}

func (o *output) keep(text []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.written.Write(text)
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

func (o *output) leaks() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	written := o.written.String()
	var leaked []string
	for text := range o.secret {
		if at := strings.Index(written, text); at >= 0 {
			from := max(0, strings.LastIndexByte(written[:at], '\n'))
			line, _, _ := strings.Cut(written[from:][1:], "\n")
			leaked = append(leaked, text+" in "+line)
		}
	}
	slices.Sort(leaked)
	return leaked
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
