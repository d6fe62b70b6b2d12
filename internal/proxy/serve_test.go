package proxy

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
)

// TestStop: what is under way when the proxy is told to stop is answered.
func TestStop(t *testing.T) {
	w := start(t, beside)
	reached, goOn := make(chan struct{}), make(chan struct{})
	w.answer = func(rw http.ResponseWriter, _ *http.Request) {
		close(reached)
		<-goOn
		io.WriteString(rw, "late")
	}
	text := strings.NewReplacer("ISSUER", w.issuer.URL, "API", w.api.URL).Replace(beside)
	c, err := catalogue.ParseProxy("proxy.yaml", []byte(text), func(string) (string, bool) { return clientSecret, true })
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(Settings{Config: c})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Serve(ctx, l, nil) }()
	got := make(chan string, 1)
	go func() {
		answer, err := http.Get("http://" + l.Addr().String() + "/notes")
		if err != nil {
			got <- err.Error()
			return
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		got <- string(body)
	}()
	<-reached
	stop()
	time.Sleep(20 * time.Millisecond)
	close(goOn)
	if text := <-got; text != "late" {
		t.Errorf("answered %q", text)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
