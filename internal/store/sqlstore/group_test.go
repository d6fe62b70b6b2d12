package sqlstore

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

func TestGroupDoesNotBeginForOneWhoHasGone(t *testing.T) {
	hold, begun := make(chan struct{}), make(chan struct{}, 9)
	ran := make(chan string, 9)
	g := newGroup(func(work []string) []error {
		begun <- struct{}{}
		<-hold
		for _, w := range work {
			ran <- w
		}
		return make([]error, len(work))
	})
	first := make(chan error)
	go func() { first <- g.do(context.Background(), "first") }()
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := g.do(ctx, "second"); !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the one who left: %v", err)
	}
	close(hold)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if err := g.do(t.Context(), "third"); err != nil {
		t.Error(err)
	}
	g.close()
	close(ran)
	for w := range ran {
		if w == "second" {
			t.Error("it was run although its caller had gone")
		}
	}
}

// TestGroupDoesNotBeginAfterTheEnd: also where nobody listened when the context
// ended.
func TestGroupDoesNotBeginAfterTheEnd(t *testing.T) {
	hold, begun := make(chan struct{}), make(chan struct{}, 9)
	ran := make(chan string, 9)
	g := newGroup(func(work []string) []error {
		begun <- struct{}{}
		<-hold
		for _, w := range work {
			ran <- w
		}
		return make([]error, len(work))
	})
	first, second := make(chan error), make(chan error)
	go func() { first <- g.do(context.Background(), "first") }()
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	go func() { second <- g.do(ctx, "second") }()
	for n := 0; n == 0; time.Sleep(time.Millisecond) {
		g.mu.Lock()
		n = len(g.waiting)
		g.mu.Unlock()
	}
	cancel()
	close(hold)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if err := <-second; !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("the one whose context ended: %v", err)
	}
	g.close()
	close(ran)
	for w := range ran {
		if w == "second" {
			t.Error("it was run although its context had ended")
		}
	}
}

func TestGroupGathersWhoeverIsReady(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var sizes []int
	g := newGroup(func(work []int) []error {
		sizes = append(sizes, len(work))
		return make([]error, len(work))
	})
	const callers, rounds = 16, 100
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for i := range rounds {
				if err := g.do(t.Context(), i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	g.close()
	if len(sizes) > callers*rounds/8 || slices.Max(sizes) > callers {
		t.Errorf("%d calls took %d commits of up to %d: %v", callers*rounds, len(sizes), slices.Max(sizes), sizes)
	}
}

func TestGroupTakesAtMostItsSize(t *testing.T) {
	hold, begun := make(chan struct{}), make(chan struct{}, 9)
	var sizes []int
	g := newGroup(func(work []int) []error {
		begun <- struct{}{}
		<-hold
		sizes = append(sizes, len(work))
		return make([]error, len(work))
	})
	var all sync.WaitGroup
	all.Go(func() { g.do(t.Context(), 0) })
	<-begun
	for range groupSize + 1 {
		all.Go(func() { g.do(t.Context(), 0) })
	}
	for n := 0; n <= groupSize; time.Sleep(time.Millisecond) {
		g.mu.Lock()
		n = len(g.waiting)
		g.mu.Unlock()
	}
	close(hold)
	all.Wait()
	g.close()
	if want := []int{1, groupSize, 1}; !slices.Equal(sizes, want) {
		t.Errorf("commits of %v, want %v", sizes, want)
	}
}

// TestGroupThatIsStuck: who waits behind a commit that does not end is told so in
// time, and so are all when the store is closed.
func TestGroupThatIsStuck(t *testing.T) {
	hold, begun := make(chan struct{}), make(chan struct{}, 9)
	ran := 0
	g := newGroup(func(work []string) []error {
		begun <- struct{}{}
		<-hold
		ran += len(work)
		return make([]error, len(work))
	})
	first := make(chan error)
	go func() { first <- g.do(context.Background(), "first") }()
	<-begun
	began := time.Now()
	err := g.do(t.Context(), "second")
	if took := time.Since(began); !errors.Is(err, store.ErrUnavailable) || took < turnWithin || took > turnWithin+20*time.Second {
		t.Errorf("%v after %v, want unavailable after %v", err, took, turnWithin)
	}
	third := make(chan error)
	go func() { third <- g.do(context.Background(), "third") }()
	for n := 0; n == 0; time.Sleep(time.Millisecond) {
		g.mu.Lock()
		n = len(g.waiting)
		g.mu.Unlock()
	}
	closed := make(chan struct{})
	go func() { g.close(); close(closed) }()
	if err := <-third; !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("waiting while the store was closed: %v", err)
	}
	close(hold)
	if err := <-first; err != nil {
		t.Error(err)
	}
	<-closed
	if err := g.do(t.Context(), "fourth"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("after the store was closed: %v", err)
	}
	if ran != 1 {
		t.Errorf("%d calls were run, want the first alone", ran)
	}
}
