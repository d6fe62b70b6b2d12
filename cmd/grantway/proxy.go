package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/proxy"
)

func proxyCommand() *cobra.Command {
	var file string
	command := &cobra.Command{
		Use:   "proxy",
		Short: "Be the safe backend of a front-end or a hosted program",
		Long: `Be the safe backend between an application and an API of any issuer: only the
routes of the configuration pass, with a token that the application never sees.

A front-end's files are served beside them, and people can sign in. With
inject, it stands beside a program on the same machine, which then needs no
code for tokens at all. docs/PROXY.md is the guide.`,
		Example: `  grantway proxy --config proxy.yaml
  grantway proxy check proxy.yaml`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runProxy(c.Context(), file, c.ErrOrStderr()) },
	}
	command.Flags().StringVar(&file, "config", "proxy.yaml", "the configuration `file`")
	command.AddCommand(&cobra.Command{
		Use:   "check [FILE]",
		Short: "Report every fault of a proxy's configuration at once",
		Long: `Report every fault of a proxy's configuration at once, each with file, line,
path and a hint. The status is 1 when there is one. Nobody is asked for a token.`,
		Example: `  grantway proxy check
  grantway proxy check deploy/proxy.yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			file := "proxy.yaml"
			if len(files) == 1 {
				file = files[0]
			}
			p, err := catalogue.LoadProxy(file, os.LookupEnv)
			if err == nil {
				_, err = proxy.New(proxy.Settings{Config: p})
			}
			if err == nil {
				_, err = fmt.Fprintf(c.OutOrStdout(), "%s is good: %s to %s\n", file, count(len(p.Routes), "route"), p.API)
			}
			return err
		},
	})
	return command
}

func runProxy(ctx context.Context, file string, errOut io.Writer) error {
	log, hangup, end := begin(errOut)
	defer end()
	c, err := catalogue.LoadProxy(file, os.LookupEnv)
	if err != nil {
		return err
	}
	p, err := proxy.New(proxy.Settings{Config: c, Log: log, Now: time.Now, Random: rand.Reader})
	if err != nil {
		return err
	}
	certificates, err := readCertificates(c.Listen.TLS, "", log)
	if err != nil {
		return err
	}
	go func() {
		for {
			select {
			case <-hangup:
				certificates.Reload()
			case <-ctx.Done():
				return
			}
		}
	}()
	l, err := net.Listen("tcp", c.Listen.Address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if c.Client != nil && c.SignIn == nil && !c.Inject {
		log.Warn("whoever opens the page has the client's rights on the routes of the file; sign_in asks who they are")
	}
	log.Info("ready", "address", l.Addr().String(), "tls", c.Listen.TLS.Enabled(), "api", c.API.String(), "inject", c.Inject)
	return p.Serve(ctx, l, certificates.Config())
}
