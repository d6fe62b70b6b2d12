package limit

import (
	"bytes"
	"net/http/httptest"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// A slow writer takes its time for each byte, and keeps the deadline that it has.
type slow struct {
	*httptest.ResponseRecorder
	each     time.Duration // for a kilobyte; negative: it stands still
	deadline time.Time
}

func (s *slow) SetWriteDeadline(t time.Time) error { s.deadline = t; return nil }

func (s *slow) Write(b []byte) (int, error) {
	takes := s.each * time.Duration(len(b)) / 1024
	if left := time.Until(s.deadline); takes < 0 || takes > left {
		time.Sleep(left)
		return 0, os.ErrDeadlineExceeded
	}
	time.Sleep(takes)
	return s.ResponseRecorder.Write(b)
}

// TestSteady: who reads slowly gets all of a long answer, who stands still is cut off
// after half a minute, and one who reads a drop at a time is, too.
func TestSteady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long := bytes.Repeat([]byte("row\n"), 2<<20) // 8 MB
		w := &slow{ResponseRecorder: httptest.NewRecorder(), each: 100 * time.Millisecond}
		began := time.Now()
		if n, err := NewSteady(w).Write(long); n != len(long) || err != nil || !bytes.Equal(w.Body.Bytes(), long) {
			t.Errorf("a slow reader got %d of %d bytes: %v", n, len(long), err)
		}
		if took := time.Since(began); took < 10*time.Minute {
			t.Errorf("it took %v: the reader was not slow", took)
		}
		for _, each := range []time.Duration{-1, 120 * time.Millisecond} {
			w = &slow{ResponseRecorder: httptest.NewRecorder(), each: each}
			began = time.Now()
			if n, err := NewSteady(w).Write(long); n != 0 || err == nil || time.Since(began) != SteadyTime {
				t.Errorf("%v for a kilobyte: %d bytes in %v, %v", each, n, time.Since(began), err)
			}
		}
	})
}

// TestSteadyAgain: what took long to find is the reader's to take as long as anything.
func TestSteadyAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &slow{ResponseRecorder: httptest.NewRecorder(), each: time.Second}
		s := NewSteady(w)
		for i := range 100 {
			time.Sleep(15 * time.Second)
			s.Again()
			if _, err := s.Write(make([]byte, 20<<10)); err != nil {
				t.Fatalf("after %d: %v", i, err)
			}
		}
	})
}
