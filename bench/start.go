package main

import (
	"fmt"
	"time"
)

const (
	firstToken = "start to first token, 100 000 clients"
	idle       = "memory when idle"
)

// rest is how long a server is left alone before it counts as idle.
const rest = 3 * time.Second

// startAndIdle measures a server that has just started.
func (b *bench) startAndIdle() error {
	if !wanted(firstToken, idle) {
		return nil
	}
	g, err := b.machine("many", "", "127.0.0.1:1")
	if err != nil {
		return err
	}
	if err := fill(g.database(), 100_000, 100_000); err != nil {
		return err
	}
	var took, memory []float64
	for round := range *rounds {
		bar(firstToken, round, *rounds)
		t, m, err := g.start(rest)
		if err != nil {
			return err
		}
		took, memory = append(took, t), append(memory, m)
	}
	b.report.add(alone(firstToken, "ms", 100, took...))
	b.report.add(alone(idle, "MiB", 30, memory...))
	return nil
}

// start starts the server, asks for tokens until there is one, lets it come to
// rest, and stops it. It returns milliseconds and mebibytes.
func (g *grantway) start(rest time.Duration) (took, memory float64, err error) {
	began := time.Now()
	if err := g.begin(); err != nil {
		return 0, 0, err
	}
	for {
		if _, err = g.token(); err == nil {
			break
		}
		if time.Since(began) > 30*time.Second {
			return 0, 0, fmt.Errorf("no token after half a minute: %w", err)
		}
		time.Sleep(time.Millisecond)
	}
	took = float64(time.Since(began).Microseconds()) / 1000
	time.Sleep(rest)
	memory = mebibytes(residentMemory(g.process.Process.Pid))
	return took, memory, g.end()
}
