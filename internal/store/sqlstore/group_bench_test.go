package sqlstore

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"
)

// BenchmarkGroupOnASlowDisk is 16 callers, each of whom thinks for a while after
// an answer, as one does who answers a request, and a commit that takes as long as
// a disk's. One alone does not wait for anybody.
func BenchmarkGroupOnASlowDisk(b *testing.B) {
	for _, callers := range []int{1, 16} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			g := newGroup(func(work []int) []error {
				time.Sleep(5 * time.Millisecond)
				return make([]error, len(work))
			})
			defer g.close()
			var wg sync.WaitGroup
			began := time.Now()
			for range callers {
				wg.Go(func() {
					for range b.N {
						_ = g.do(context.Background(), 0)
						time.Sleep(200 * time.Microsecond)
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N*callers)/time.Since(began).Seconds(), "commits/s")
		})
	}
}
