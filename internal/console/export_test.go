package console

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantway/grantway/internal/limit"
)

// A slow reader takes its time for each byte, or stands still.
type slow struct {
	*httptest.ResponseRecorder
	still    bool
	deadline time.Time
}

func (s *slow) SetWriteDeadline(t time.Time) error { s.deadline = t; return nil }

func (s *slow) Write(b []byte) (int, error) {
	takes, left := 100*time.Millisecond*time.Duration(len(b))/1024, time.Until(s.deadline)
	if s.still || takes > left {
		time.Sleep(left)
		return 0, os.ErrDeadlineExceeded
	}
	time.Sleep(takes)
	return s.ResponseRecorder.Write(b)
}

// TestExportToSlowReader: who reads an export on a slow line gets all of it, though all
// of it takes longer than a request may; for who stands still nothing more is read.
func TestExportToSlowReader(t *testing.T) {
	for _, still := range []bool{false, true} {
		for _, format := range []string{"csv", "jsonl"} {
			synctest.Test(t, func(t *testing.T) {
				w := &slow{ResponseRecorder: httptest.NewRecorder(), still: still}
				s := &sheet{out: limit.NewSteady(w), names: []string{"row", "text", "more"}}
				if format == "csv" {
					s.csv = csv.NewWriter(s.out)
				} else {
					s.lines = json.NewEncoder(s.out)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
				defer cancel()
				began, read := time.Now(), 0
				err := pages(ctx, s, changesAtOnce, func(ctx context.Context, limit int) (int, bool, error) {
					read++
					if ctx.Err() != nil { // the store would say so
						return 0, false, ctx.Err()
					}
					for range limit {
						s.row(int64(read), strings.Repeat("x", 300), "")
					}
					return limit, read < 5, nil
				})
				s.end(err)
				took, rows := time.Since(began), strings.Count(w.Body.String(), "\n")
				switch {
				case still && (read > 1 || took > limit.SteadyTime || rows > 0):
					t.Errorf("%s: %d times more was read for who stands still, in %v", format, read-1, took)
				case !still && (err != nil || rows != 5*changesAtOnce || took < 2*time.Minute):
					t.Errorf("%s: %d rows in %v: %v", format, rows, took, err)
				}
			})
		}
	}
}

// TestExportToGoneReader: for who has gone nothing more is read.
func TestExportToGoneReader(t *testing.T) {
	s := &sheet{out: limit.NewSteady(httptest.NewRecorder()), names: []string{"row"}}
	s.lines = json.NewEncoder(s.out)
	ctx, leave := context.WithCancel(t.Context())
	read := 0
	err := pages(ctx, s, 10, func(context.Context, int) (int, bool, error) {
		read++
		leave()
		return 10, true, nil
	})
	if read != 1 || err != nil {
		t.Errorf("%d reads, %v", read, err)
	}
}
