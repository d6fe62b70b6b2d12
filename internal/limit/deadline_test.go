package limit

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// pair is a connection of a bounded listener, and who is at its other end.
func pair(t *testing.T) (ours, theirs net.Conn) {
	t.Helper()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Listener(plain, 0, 0, nil)
	t.Cleanup(func() { l.Close() })
	if theirs, err = net.Dial("tcp", plain.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { theirs.Close() })
	if ours, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close() })
	return ours, theirs
}

const moment = 50 * time.Millisecond

// late is a deadline that is moved before it comes, on a busy machine too.
const late = 3 * time.Second

// TestReadDeadline: however deadlines were set before and during a read, it ends
// at the one that was set last, not before and not much later.
func TestReadDeadline(t *testing.T) {
	after := time.Now().Add
	past := time.Unix(1, 0)
	for _, c := range []struct {
		name           string
		before, during []time.Time
		earliest       time.Duration
	}{
		{"set before", []time.Time{after(moment)}, nil, moment},
		{"moved closer before", []time.Time{after(time.Hour), after(moment)}, nil, moment},
		{"moved away before", []time.Time{after(time.Millisecond), after(2 * moment)}, nil, 2 * moment},
		{"passed before", []time.Time{after(time.Hour), past}, nil, 0},
		{"passed and set again", []time.Time{past, after(moment)}, nil, moment},
		{"taken away and set again", []time.Time{after(time.Hour), {}, after(moment)}, nil, moment},
		{"set during", nil, []time.Time{after(2 * moment)}, 2 * moment},
		{"moved closer during", []time.Time{after(time.Hour)}, []time.Time{after(2 * moment)}, 2 * moment},
		{"moved away during", []time.Time{after(late)}, []time.Time{after(late + moment)}, late + moment},
		{"ended during", nil, []time.Time{past}, 0},
		{"ended during, with a deadline", []time.Time{after(time.Hour)}, []time.Time{past}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ours, _ := pair(t)
			began := time.Now()
			shift := func(at time.Time) time.Time {
				if at.IsZero() || at.Equal(past) {
					return at
				}
				return at.Add(began.Sub(after(0)))
			}
			for _, at := range c.before {
				if err := ours.SetReadDeadline(shift(at)); err != nil {
					t.Fatal(err)
				}
			}
			read := make(chan error, 1)
			go func() {
				_, err := ours.Read(make([]byte, 1))
				read <- err
			}()
			for _, at := range c.during {
				time.Sleep(moment / 2)
				if err := ours.SetReadDeadline(shift(at)); err != nil {
					t.Fatal(err)
				}
			}
			select {
			case err := <-read:
				if _, ok := err.(net.Error); !errors.Is(err, os.ErrDeadlineExceeded) || !ok || !err.(net.Error).Timeout() {
					t.Errorf("ended with %v", err)
				}
				if took := time.Since(began); took < c.earliest {
					t.Errorf("ended after %v, not %v", took, c.earliest)
				}
			case <-time.After(30 * time.Second):
				t.Error("did not end")
			}
		})
	}
}

// TestReadGoesOn: a deadline that was taken away does not end a read, and what
// comes is read once.
func TestReadGoesOn(t *testing.T) {
	ours, theirs := pair(t)
	read := make(chan string, 1)
	if err := ours.SetReadDeadline(time.Now().Add(late)); err != nil {
		t.Fatal(err)
	}
	go func() {
		b := make([]byte, 8)
		n, err := ours.Read(b)
		if err != nil {
			t.Error(err)
		}
		read <- string(b[:n])
	}()
	time.Sleep(moment / 2)
	if err := ours.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(late)
	if _, err := theirs.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if got := <-read; got != "hello" {
		t.Errorf("read %q", got)
	}
}

// TestWriteDeadline: a write to somebody who does not read ends at its deadline,
// one that is woken too soon goes on where it was, and all arrives once.
func TestWriteDeadline(t *testing.T) {
	ours, theirs := pair(t)
	large := make([]byte, 16<<20)
	for i := range large {
		large[i] = byte(i >> 8)
	}
	began := time.Now()
	if err := ours.SetWriteDeadline(began.Add(late)); err != nil {
		t.Fatal(err)
	}
	sent, err := ours.Write(large)
	if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) < late || sent == 0 || sent == len(large) {
		t.Fatalf("to somebody who does not read: %d, %v after %v", sent, err, time.Since(began))
	}
	if n, err := ours.Write(large[sent:]); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("after the deadline: %d, %v", n, err)
	}
	if err := ours.SetWriteDeadline(time.Now().Add(late)); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(moment/2, func() { ours.SetWriteDeadline(time.Now().Add(time.Minute)) })
	received := make(chan []byte, 1)
	time.AfterFunc(late+moment, func() {
		all, _ := io.ReadAll(theirs)
		received <- all
	})
	rest, err := ours.Write(large[sent:])
	if err != nil || sent+rest != len(large) {
		t.Fatalf("with a later deadline: %d of %d, %v", rest, len(large)-sent, err)
	}
	ours.Close()
	got := <-received
	if len(got) != len(large) {
		t.Fatalf("%d bytes arrived of %d", len(got), len(large))
	}
	for i := range got {
		if got[i] != large[i] {
			t.Fatalf("byte %d differs", i)
		}
	}
}
