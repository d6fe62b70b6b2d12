package server

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/fetch"
	"github.com/grantway/grantway/internal/store"
)

// maxCA is how many bytes a file of certification authorities may have.
const maxCA = 1 << 20

// fetcher makes what asks addresses that somebody else supplied: providers, and
// clients' logout endpoints. An authority that cannot be read is an error, since
// to go on without it would leave people outside.
func (s *Server) fetcher(o catalogue.Outbound) (*fetch.Fetcher, error) {
	roots, err := authorities(o.CA)
	if err != nil {
		return nil, fmt.Errorf("outbound.ca: %w", err)
	}
	return fetch.New(fetch.Config{Networks: o.Networks, Loopback: s.options.Mark == store.MarkDev, Roots: roots}), nil
}

// authorities are those that the machine knows, and those of a PEM file; nil where
// there is no file.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // nothing was written
	pem, err := io.ReadAll(io.LimitReader(f, maxCA+1))
	if err != nil {
		return nil, err
	}
	if len(pem) > maxCA {
		return nil, fmt.Errorf("%s is larger than 1 MiB", file)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, err
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate is in " + file + ": it is to be PEM")
	}
	return roots, nil
}

// tell posts to a client as the catalogue says now. There is one by the time that
// anybody is told.
func (s *Server) tell(ctx context.Context, address string, form url.Values) (status int, err error) {
	return s.current.Load().outbound.Post(ctx, address, form)
}
