package client_test

import (
	"context"
	"runtime"
	"testing"
)

// BenchmarkWarm is a token that is at hand, asked for by 1 000 goroutines.
func BenchmarkWarm(b *testing.B) {
	c := made(b, config(instant(good)))
	if _, err := c.Token(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetParallelism(1000 / runtime.GOMAXPROCS(0))
	b.RunParallel(func(p *testing.PB) {
		ctx := context.Background()
		for p.Next() {
			if _, err := c.Token(ctx); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkWarmAlone is the same for one goroutine.
func BenchmarkWarmAlone(b *testing.B) {
	c := made(b, config(instant(good)))
	ctx := context.Background()
	for b.Loop() {
		if _, err := c.Token(ctx); err != nil {
			b.Fatal(err)
		}
	}
}
