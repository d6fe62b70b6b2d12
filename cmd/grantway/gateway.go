package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/server"
)

// gatewayFlags are what `grantway gateway` can be told.
type gatewayFlags struct {
	config       string
	listen       string
	environments []string
	maxStale     time.Duration
}

func gatewayCommand() *cobra.Command {
	var flags gatewayFlags
	command := &cobra.Command{
		Use:   "gateway",
		Short: "Guard the APIs of a configuration, apart from the server",
		Long: `Guard the APIs of a configuration, apart from the server that issues tokens. It
opens no store and holds no signing key: the issuers tell it their keys and
what was revoked, and it goes on without them for as long as --max-stale says.
Until it has heard them, it answers every guarded call with 503.

It asks as a client of type resource, whose id and secret are in
GRANTWAY_FEED_CLIENT_ID and GRANTWAY_FEED_CLIENT_SECRET, or, for an
environment called staging, in GRANTWAY_FEED_CLIENT_ID_STAGING and
GRANTWAY_FEED_CLIENT_SECRET_STAGING. Other variables that the configuration
names need not be set.

Where listen.verify is set, it also answers other proxies that ask whether a
request may pass, as the server does.`,
		Example: `  grantway gateway --config grantway.yaml
  grantway gateway --environment staging --listen 127.0.0.1:8081 --max-stale 1h
  grantway clients create --type resource --name "Gateway 1" --api notes`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return runGateway(c.Context(), flags, c.ErrOrStderr())
		},
	}
	f := command.Flags()
	f.StringVar(&flags.config, "config", "grantway.yaml", "the configuration `file`")
	f.StringVar(&flags.listen, "listen", "", "`HOST:PORT` to answer on (default: listen.address of the configuration)")
	f.StringSliceVar(&flags.environments, "environment", nil, "guard the APIs of this environment only; may be said several times, by `name`")
	f.DurationVar(&flags.maxStale, "max-stale", 5*time.Minute, "how long to go on without a word from an issuer: 15s to 1h")
	return command
}

func runGateway(ctx context.Context, flags gatewayFlags, errOut io.Writer) (err error) {
	if flags.maxStale < 15*time.Second || flags.maxStale > time.Hour {
		return &usageError{fmt.Errorf("--max-stale is %v; it must be from 15s to 1h", flags.maxStale)}
	}
	if flags.listen != "" {
		if _, _, err := net.SplitHostPort(flags.listen); err != nil {
			return &usageError{fmt.Errorf("--listen: %w\nWrite HOST:PORT, such as 127.0.0.1:8080", err)}
		}
	}
	log, hangup, end := begin(errOut)
	defer end()
	read := reading{file: flags.config, env: withoutSecrets, check: func(c *catalogue.Catalogue) catalogue.Faults {
		if flags.listen != "" {
			c.Listen.Address = flags.listen
		}
		return catalogue.CheckGateway(c)
	}}
	c, err := read.load(log)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("the data folder: %w", err)
	}
	tracing, err := server.StartTracing(ctx, os.LookupEnv, rand.Reader, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tracing.Close()) }()
	g, err := server.NewGateway(ctx, server.GatewayOptions{
		Catalogue: c, Environments: flags.environments, Credentials: feedCredentials, MaxStale: flags.maxStale,
		Now: time.Now, Random: rand.Reader, Log: log, Tracing: tracing,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	certificates, err := readCertificates(c.Listen.TLS, c.Data, log)
	if err != nil {
		return err
	}
	go read.follow(ctx, c, g, hungUp(ctx, hangup, certificates), log)
	l, err := openPublic(c, certificates)
	if err != nil {
		return err
	}
	l.log(log)
	answers := []func(context.Context) error{func(ctx context.Context) error { return l.serve(ctx, g) }}
	if l.operations != nil {
		answers = append(answers, func(ctx context.Context) error { return g.Serve(ctx, l.operations, g.Operations()) })
	}
	if l.verify != nil {
		answers = append(answers, func(ctx context.Context) error { return g.ServeVerify(ctx, l.verify) })
	}
	return serveAll(ctx, answers...)
}

// feedCredentials are those of an environment's own variables, or of those that
// stand for all.
func feedCredentials(environment string) (server.Credentials, error) {
	const id, key = "GRANTWAY_FEED_CLIENT_ID", "GRANTWAY_FEED_CLIENT_SECRET"
	suffix := "_" + shellName(environment)
	if os.Getenv(id+suffix) == "" && os.Getenv(key+suffix) == "" {
		suffix = ""
	}
	made := server.Credentials{ClientID: os.Getenv(id + suffix), Secret: secret.Of(os.Getenv(key + suffix))}
	for name, value := range map[string]string{id + suffix: made.ClientID, key + suffix: made.Secret.Reveal()} {
		if value == "" {
			return made, fmt.Errorf("%s is not set: make a client for the gateway at the server, and put its id and secret there: grantway clients create -e %s --type resource --name Gateway --api API", name, environment)
		}
	}
	return made, nil
}

// withoutSecrets is os.LookupEnv for a process that makes no use of what the
// variables of a configuration hold, stores and the secrets of clients: those
// that are not set read as something that could be either.
func withoutSecrets(name string) (string, bool) {
	if value := os.Getenv(name); value != "" {
		return value, true
	}
	return "sqlite:" + name, true
}
