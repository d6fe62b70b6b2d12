//go:build unix

package client_test

import (
	"context"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// BenchmarkWarm is a token that is at hand: asked for by 1 000 goroutines, by one,
// and, as a measure of the machine, the reading of its clock, which each is in
// part. cpu-ns/op is what the process used, whoever else is on the machine.
func BenchmarkWarm(b *testing.B) {
	c := made(b, config(instant(good)))
	ctx := context.Background()
	if _, err := c.Token(ctx); err != nil {
		b.Fatal(err)
	}
	b.Run("1000", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(1000 / runtime.GOMAXPROCS(0))
		began := used()
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				if _, err := c.Token(ctx); err != nil {
					b.Error(err)
				}
			}
		})
		b.ReportMetric(float64(used()-began)/float64(b.N), "cpu-ns/op")
	})
	b.Run("one", func(b *testing.B) {
		began := used()
		for range b.N {
			if _, err := c.Token(ctx); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(used()-began)/float64(b.N), "cpu-ns/op")
	})
	b.Run("clock", func(b *testing.B) {
		began := used()
		for range b.N {
			instants = time.Now()
		}
		b.ReportMetric(float64(used()-began)/float64(b.N), "cpu-ns/op")
	})
}

var instants time.Time

// used is the processor time of this process.
func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
