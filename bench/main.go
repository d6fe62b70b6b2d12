// Command bench measures Grantway beside plain controls in one run and prints
// ratios. A machine's speed, and its other tenants, change from minute to minute;
// the ratio of two figures that were measured by turns does not.
//
// Each server runs on one core (GOMAXPROCS=1) and is loaded over 16 keep-alive
// connections. What counts is the server's CPU time, user and system, for one
// good answer; the figure is the median of the rounds' ratios.
//
//	go run ./bench                   everything but growth
//	go run ./bench -only gateway     the rows whose name holds a word
//	go run ./bench -growth           a store of a million clients and ten million changes beside an empty one
package main

import (
	"flag"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

var (
	rounds       = flag.Int("rounds", 5, "how often each pair is measured")
	window       = flag.Duration("window", 2*time.Second, "how long each measurement lasts")
	only         = flag.String("only", "", "measure the rows whose name holds this")
	growth       = flag.Bool("growth", false, "compare a large store with an empty one instead; takes minutes and two gigabytes of disk")
	clients      = flag.Int("clients", 1_000_000, "with -growth: how many clients the large store has")
	changes      = flag.Int("changes", 10_000_000, "with -growth: how many changes the large store has")
	instructions = flag.Bool("instructions", false, "count instructions in place of CPU time for what is compared with the plain control: they repeat on a busy machine, too")
	asJSON       = flag.Bool("json", false, "print JSON")
	postgres     = flag.String("postgres", "", "a postgres:// address for the rows that need one; empty: start a server of its own")
	durable      = flag.String("durable", "", "be the control that stores tokens in this store; bench starts it itself")
)

const connections = 16

func main() {
	flag.Parse()
	log.SetFlags(0)
	if *durable != "" {
		if err := storeTokens(*durable); err != nil {
			log.Fatal(err)
		}
		return
	}
	folder, err := os.MkdirTemp("", "grantway-bench-")
	if err != nil {
		log.Fatal(err)
	}
	r := &report{}
	b := &bench{folder: folder, report: r}
	// What was started is stopped when the run is broken off, too.
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-broken
		b.close()
		os.Exit(1)
	}()
	if *growth {
		err = b.grow()
	} else {
		err = b.run()
	}
	b.close()
	r.print()
	if err != nil {
		log.Fatal(err)
	}
}

// A bench is one run.
type bench struct {
	folder string
	report *report
	undo   []func() // last first
}

func (b *bench) close() {
	for len(b.undo) > 0 {
		last := b.undo[len(b.undo)-1]
		b.undo = b.undo[:len(b.undo)-1]
		last()
	}
	os.RemoveAll(b.folder)
}

// wanted reports whether any of the names is to be measured.
func wanted(names ...string) bool {
	for _, name := range names {
		if strings.Contains(name, *only) {
			return true
		}
	}
	return false
}

// run measures everything but growth.
func (b *bench) run() error {
	if err := b.build(); err != nil {
		return err
	}
	for _, part := range []func() error{b.pairs, b.proxy, b.people, b.startAndIdle, b.library} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}
