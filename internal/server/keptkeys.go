package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/grantway/grantway/internal/disk"
	"github.com/grantway/grantway/internal/jose"
)

// keptKeys fetches the key set of an issuer and keeps the last good one in a
// file, so that a gateway that starts while the issuer is down can check
// signatures. For how long such keys serve is for the feed of revocations to
// say: it closes the gateway when the issuer was silent for too long, and it
// names keys that were removed.
type keptKeys struct {
	http.RoundTripper
	path string
	had  atomic.Bool // keys were returned

	mu   sync.Mutex
	last []byte // as it is in the file
}

// maxKeySet is how long a key set may be, in bytes.
const maxKeySet = 256 << 10

// RoundTrip is http.RoundTripper's. What the issuer answers is passed on where
// it is a key set; else what was kept is, as long as this process has had no
// keys: afterwards package resource holds those that it has, and knows how old
// they are.
func (k *keptKeys) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := k.RoundTripper.RoundTrip(r)
	if err == nil {
		var body []byte
		if body, err = k.read(response); err == nil {
			k.keep(body)
			k.had.Store(true)
			response.Body = io.NopCloser(bytes.NewReader(body))
			return response, nil
		}
	}
	if k.had.Load() {
		return nil, err
	}
	body, kept := readKeySet(k.path)
	if kept != nil {
		return nil, errors.Join(err, kept)
	}
	k.had.Store(true)
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header:        http.Header{"Cache-Control": {"no-cache"}}, // the issuer is asked again within a minute
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
	}, nil
}

func (k *keptKeys) read(response *http.Response) ([]byte, error) {
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the issuer answered with status %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxKeySet+1))
	if err != nil {
		return nil, err
	}
	_, err = jose.ParseJWKSet(body) // refuses what is too large, too
	return body, err
}

// keep writes a key set that differs from the last one. That it cannot be
// written harms the next start only, which then says so itself.
func (k *keptKeys) keep(body []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if bytes.Equal(body, k.last) {
		return
	}
	if err := disk.Write(k.path, body); err == nil {
		k.last = body
	}
}

// readKeySet reads a kept key set. Whoever can write the file could have tokens
// believed, so nobody else may have access to it.
func readKeySet(path string) ([]byte, error) {
	body, err := disk.ReadPrivate(path, maxKeySet)
	if err != nil {
		return nil, err
	}
	_, err = jose.ParseJWKSet(body)
	return body, err
}
