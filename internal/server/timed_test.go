package server

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// TestHandlerTimeout: what an endpoint waits for, a store or a turn to hash, ends
// after fifteen seconds and not before.
func TestHandlerTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		timed(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			time.Sleep(15*time.Second - time.Nanosecond)
			if err := r.Context().Err(); err != nil {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
			<-r.Context().Done()
		})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
		if took := time.Since(began); took != 15*time.Second {
			t.Errorf("ended after %v", took)
		}
	})
}
