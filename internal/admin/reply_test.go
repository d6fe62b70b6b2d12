package admin

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// A slow caller takes its time for each byte.
type slow struct {
	*httptest.ResponseRecorder
	deadline time.Time
}

func (s *slow) SetWriteDeadline(t time.Time) error { s.deadline = t; return nil }

func (s *slow) Write(b []byte) (int, error) {
	takes := 100 * time.Millisecond * time.Duration(len(b)) / 1024
	if left := time.Until(s.deadline); takes > left {
		time.Sleep(left)
		return 0, os.ErrDeadlineExceeded
	}
	time.Sleep(takes)
	return s.ResponseRecorder.Write(b)
}

// TestReplyToSlowCaller: an export of ten thousand clients reaches whoever reads on, on
// a slow line too.
func TestReplyToSlowCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &slow{httptest.NewRecorder(), time.Now().Add(30 * time.Second)} // as the server sets it
		y := &reply{Status: http.StatusOK, MediaType: "application/jsonl", Body: bytes.Repeat([]byte("{}\n"), 1<<20)}
		y.write(w, "")
		if !bytes.Equal(w.Body.Bytes(), y.Body) {
			t.Errorf("%d of %d bytes", w.Body.Len(), len(y.Body))
		}
	})
}
