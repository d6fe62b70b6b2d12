package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"reflect"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/server"
)

func serveCommand() *cobra.Command {
	var file string
	serve := &cobra.Command{
		Use:   "serve",
		Short: "Run the server that a configuration describes",
		Long: `Run the server that a configuration describes. It refuses to start on anything
unsafe and names each thing with its cure. SIGHUP, or a change of the file or
of one that it names (OpenAPI documents, logos, translations), reads the
configuration again; a bad one is reported and the last good one stays. One
that cannot be put in force, such as while a database is down, is tried again
every 15 seconds. A change of listen, data, sealing_key or
limits.failures_per_minute needs a restart.`,
		Example: `  grantway serve --config /etc/grantway/grantway.yaml
  grantway config check --production /etc/grantway/grantway.yaml`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return runServe(c.Context(), file, c.ErrOrStderr())
		},
	}
	serve.Flags().StringVar(&file, "config", "grantway.yaml", "the configuration `file`")
	return serve
}

func runServe(ctx context.Context, file string, errOut io.Writer) (err error) {
	log, hangup, end := begin(errOut)
	defer end()
	read := reading{file: file, env: os.LookupEnv, check: catalogue.CheckServe}
	c, err := read.load(log)
	if err != nil {
		return err
	}
	unlock, err := lockFolder(c.Data)
	if err != nil {
		return err
	}
	defer unlock()
	seal, err := keys.ReadSeal(c.SealingKey, os.LookupEnv)
	if err != nil {
		return err
	}
	tracing, err := server.StartTracing(ctx, os.LookupEnv, rand.Reader, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tracing.Close()) }()
	s, err := server.New(ctx, server.Options{Catalogue: c, Seal: seal, Now: time.Now, Random: rand.Reader, Log: log, Tracing: tracing})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()

	certificates, err := readCertificates(c.Listen.TLS, c.Data, log)
	if err != nil {
		return err
	}
	go read.follow(ctx, c, s, hungUp(ctx, hangup, certificates), log)
	listeners, err := openListeners(c, certificates)
	if err != nil {
		return err
	}
	for _, e := range c.Environments {
		log.Info("environment", "environment", e.Name, "issuer", e.Issuer.String(), "api", e.Base.String())
	}
	listeners.log(log)
	answers := []func(context.Context) error{
		func(ctx context.Context) error { return listeners.serve(ctx, s) },
		func(ctx context.Context) error { return s.Serve(ctx, listeners.admin, s.Admin()) },
	}
	if listeners.operations != nil {
		answers = append(answers, func(ctx context.Context) error { return s.Serve(ctx, listeners.operations, s.Operations()) })
	}
	if listeners.console != nil {
		answers = append(answers, func(ctx context.Context) error { return s.ServeConsole(ctx, listeners.console, listeners.consoleTLS) })
	}
	if listeners.verify != nil {
		answers = append(answers, func(ctx context.Context) error { return s.ServeVerify(ctx, listeners.verify) })
	}
	return serveAll(ctx, answers...)
}

// begin is how every process that answers begins: its log, and first of all an
// ear for SIGHUP, which unheard would end it. The last lines are written at end.
func begin(errOut io.Writer) (log *slog.Logger, hangup <-chan os.Signal, end func()) {
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, syscall.SIGHUP)
	lines := newLogWriter(errOut)
	collectLater()
	return newLog(lines), heard, func() {
		signal.Stop(heard)
		lines.Close()
	}
}

// A reading says how a configuration is read, and what is unsafe about it.
type reading struct {
	file  string
	env   func(string) (string, bool)
	check func(*catalogue.Catalogue) catalogue.Faults
}

// load loads a configuration and refuses what is unsafe.
func (r reading) load(log *slog.Logger) (*catalogue.Catalogue, error) {
	c, err := catalogue.Load(r.file, r.env)
	if err != nil {
		return nil, err
	}
	found := r.check(c)
	if refused := found.Refused(); len(refused) > 0 {
		return nil, refused
	}
	for _, warning := range found {
		log.Warn("configuration", "warning", warning.String())
	}
	return c, nil
}

// hungUp reads the certificates at each SIGHUP and passes it on.
func hungUp(ctx context.Context, hangup <-chan os.Signal, certificates *server.TLS) <-chan struct{} {
	poke := make(chan struct{})
	go func() {
		for {
			select {
			case <-hangup:
				certificates.Reload()
			case <-ctx.Done():
				return
			}
			select {
			case poke <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return poke
}

// readCertificates prepares the certificates of the public listener.
func readCertificates(c catalogue.TLS, data string, log *slog.Logger) (*server.TLS, error) {
	return server.Certificates(c, data, func(err error) {
		log.Error("certificate not read; the last good one stays", "error", err)
	})
}

// An answering is what answers by a configuration.
type answering interface {
	Reload(context.Context, *catalogue.Catalogue) error
	Handler() http.Handler
	Serve(context.Context, net.Listener, http.Handler) error
	ServeTLS(context.Context, net.Listener, *tls.Config, http.Handler) error
}

// follow puts every good configuration in force and reports bad ones.
func (r reading) follow(ctx context.Context, started *catalogue.Catalogue, s answering, poke <-chan struct{}, log *slog.Logger) {
	report := func(err error) { log.Error("configuration not read; the last good one stays", "error", err) }
	catalogue.Watch(ctx, r.file, started, catalogue.Options{Poke: poke, Env: r.env}, func(next *catalogue.Catalogue) error {
		if refused := r.check(next).Refused(); len(refused) > 0 {
			return refused
		}
		if err := s.Reload(ctx, next); err != nil {
			return err
		}
		log.Info("configuration read")
		if !reflect.DeepEqual(next.Listen, started.Listen) || next.Data != started.Data || next.SealingKey != started.SealingKey ||
			next.Limits.FailuresPerMinute != started.Limits.FailuresPerMinute {
			log.Warn("listen, data, sealing_key and limits.failures_per_minute are as they were at the start; a change of them needs a restart")
		}
		return nil
	}, report)
}

// listeners are where a production server answers.
type listeners struct {
	public     net.Listener
	tls        *tls.Config // of the public one; nil: plain HTTP
	operations net.Listener
	verify     net.Listener
	admin      net.Listener
	console    net.Listener
	consoleTLS *tls.Config // of the console's; nil: plain HTTP
}

// close closes what is open.
func (l *listeners) close() {
	for _, open := range []net.Listener{l.public, l.operations, l.verify, l.admin, l.console} {
		if open != nil {
			open.Close()
		}
	}
}

// openPublic opens the listeners that a gateway apart has, too.
func openPublic(c *catalogue.Catalogue, certificates *server.TLS) (l listeners, err error) {
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if l.public, err = net.Listen("tcp", c.Listen.Address); err != nil {
		return l, fmt.Errorf("listen.address: %w", err)
	}
	l.tls = certificates.Config()
	if c.Listen.Metrics != "" {
		if l.operations, err = net.Listen("tcp", c.Listen.Metrics); err != nil {
			return l, fmt.Errorf("listen.metrics: %w", err)
		}
	}
	if c.Listen.Verify != "" {
		if l.verify, err = net.Listen("tcp", c.Listen.Verify); err != nil {
			return l, fmt.Errorf("listen.verify: %w", err)
		}
	}
	return l, nil
}

func openListeners(c *catalogue.Catalogue, certificates *server.TLS) (l listeners, err error) {
	if l, err = openPublic(c, certificates); err != nil {
		return l, err
	}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if at := c.Console; at != nil {
		if l.console, err = net.Listen("tcp", at.Listen); err != nil {
			return l, fmt.Errorf("home.console.listen: %w", err)
		}
		// On loopback whoever takes TLS off is in front of us, where there is TLS at all.
		if heard, ok := l.console.Addr().(*net.TCPAddr); ok && !heard.IP.IsLoopback() && at.URL.Scheme == "https" {
			l.consoleTLS = l.tls
		}
	}
	l.admin, err = server.AdminSocket(c.Data)
	return l, err
}

// log says where the server answers, with the ports that were picked for 0.
func (l *listeners) log(log *slog.Logger) {
	at := []any{"address", l.public.Addr().String(), "tls", l.tls != nil}
	if l.operations != nil {
		at = append(at, "metrics", l.operations.Addr().String())
	}
	if l.verify != nil {
		at = append(at, "verify", l.verify.Addr().String())
	}
	if l.console != nil {
		at = append(at, "console", l.console.Addr().String())
	}
	log.Info("ready", at...)
}

// serve answers the public. The limits on connections count before a handshake
// costs anything.
func (l *listeners) serve(ctx context.Context, s answering) error {
	if l.tls != nil {
		return s.ServeTLS(ctx, l.public, l.tls, s.Handler())
	}
	return s.Serve(ctx, l.public, s.Handler())
}

// serveAll answers on all listeners until the context ends or one of them fails.
func serveAll(ctx context.Context, answers ...func(context.Context) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	done := make(chan error, len(answers))
	for _, answer := range answers {
		go func() {
			err := answer(ctx)
			if err != nil {
				stop(err)
			}
			done <- err
		}()
	}
	var err error
	for range answers {
		err = errors.Join(err, <-done)
	}
	return err
}

// collectLater trades memory for time: a token request leaves some kilobytes
// behind and little lives on, so that with Go's default the collector runs many
// times a second. GOGC, where it is set, decides instead.
func collectLater() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}
