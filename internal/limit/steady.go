package limit

import (
	"net/http"
	"time"
)

// What a reader of a long answer has to keep up: less than ten kilobytes a second.
const (
	SteadyPart = 256 << 10 // bytes
	SteadyTime = 30 * time.Second
)

// A Steady writes an answer that may be long to a reader who may be slow. For each
// SteadyPart of it there is SteadyTime anew, in place of one time for all of it: who
// reads on gets it to its end, and who stands still is cut off. It is for the one
// goroutine that answers.
type Steady struct {
	w          http.ResponseWriter
	connection *http.ResponseController
	left       int // bytes of the part
}

// NewSteady returns what writes to w.
func NewSteady(w http.ResponseWriter) *Steady {
	return &Steady{w: w, connection: http.NewResponseController(w)}
}

// Again begins a part: the reader is not to pay for what took long to find.
func (s *Steady) Again() {
	s.left = SteadyPart
	// A connection that cannot keep time (in tests) is served all the same.
	_ = s.connection.SetWriteDeadline(time.Now().Add(SteadyTime))
}

// Write is io.Writer's.
func (s *Steady) Write(b []byte) (written int, err error) {
	for len(b) > 0 {
		if s.left == 0 {
			s.Again()
		}
		n, err := s.w.Write(b[:min(len(b), s.left)])
		written, s.left, b = written+n, s.left-n, b[n:]
		if err != nil {
			return written, err
		}
	}
	return written, nil
}
