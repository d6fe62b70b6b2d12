package sqlstore_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// cpu is what this process has used, user and system.
func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkFsync is the control for BenchmarkSave: what the disk takes to make
// one page durable. A virtual disk may answer in microseconds, and then the rates
// of BenchmarkSave say nothing about a disk that takes milliseconds.
func BenchmarkFsync(b *testing.B) {
	file, err := os.Create(filepath.Join(b.TempDir(), "file"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	page := make([]byte, 4096)
	for b.Loop() {
		if _, err := file.Write(page); err != nil {
			b.Fatal(err)
		}
		if err := file.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}

// onBoth runs a benchmark on both databases.
func onBoth(b *testing.B, run func(b *testing.B, dsn string)) {
	for name, dsn := range databases {
		b.Run(name, func(b *testing.B) { run(b, dsn(b)) })
	}
}

func fresh() store.Token {
	now := time.Now()
	t := store.Token{
		ID: rand.Text(), ClientID: "client", Subject: "client", Audience: []string{"https://api.example"},
		Scope: []string{"read", "write"}, IssuedAt: now, ExpiresAt: now.Add(time.Hour),
	}
	rand.Read(t.Hash[:])
	return t
}

// BenchmarkSave counts durable inserts.
func BenchmarkSave(b *testing.B) {
	for name, writers := range map[string]int{"1 writer": 1, "16 writers": 16, "64 writers": 64} {
		b.Run(name, func(b *testing.B) {
			onBoth(b, func(b *testing.B, dsn string) {
				tokens := open(b, dsn).Tokens()
				var left atomic.Int64
				left.Store(int64(b.N))
				done := make(chan error)
				b.ResetTimer()
				before := cpu()
				for range writers {
					go func() {
						for left.Add(-1) >= 0 {
							if err := tokens.Save(b.Context(), fresh()); err != nil {
								done <- err
								return
							}
						}
						done <- nil
					}()
				}
				for range writers {
					if err := <-done; err != nil {
						b.Error(err)
					}
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "inserts/s")
				b.ReportMetric(float64(cpu()-before)/float64(b.N)/1000, "cpu-µs/insert")
			})
		})
	}
}

func BenchmarkFindToken(b *testing.B) {
	onBoth(b, func(b *testing.B, dsn string) {
		tokens := open(b, dsn).Tokens()
		one := fresh()
		if err := tokens.Save(b.Context(), one); err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := tokens.Find(b.Context(), one.Hash, one.IssuedAt); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkFindClient(b *testing.B) {
	onBoth(b, func(b *testing.B, dsn string) {
		clients := open(b, dsn).Clients()
		c := store.Client{ID: "c", Secrets: []store.Secret{{ID: "s1"}, {ID: "s2"}}}
		if err := clients.Create(b.Context(), c, store.By{Actor: "benchmark", At: time.Now()}); err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := clients.Find(b.Context(), "c"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
