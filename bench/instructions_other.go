//go:build !linux

package main

import "errors"

// A counter counts nothing here.
type counter struct{}

func count(int) (counter, error) {
	return counter{}, errors.New("instructions are counted on Linux only")
}

func (counter) soFar() (uint64, error) { return 0, nil }

func (counter) close() {}
