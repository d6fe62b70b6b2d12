package secret

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
)

// ErrBusy says that too many slow checks are waiting. Nothing is known about
// the secret; the answer is 503 with Retry-After.
var ErrBusy = errors.New("too many secrets are being checked")

// Limits bounds the work of a [Checker]. Zero in a field means its default.
type Limits struct {
	Parallel   int // slow hashes at once; the number of usable cores
	Queue      int // slow hashes waiting beyond those; 64
	Remembered int // secrets remembered as correct, at least 2; 100,000
}

// Checker checks presented secrets, bounds what that may cost, and remembers
// which slow ones are correct. One serves a whole process. Safe for concurrent
// use; it needs no closing.
type Checker struct {
	prover     *prover
	remembered *remembered
	admitted   chan struct{} // one token for each running or waiting hash
	running    chan struct{} // one token for each running hash
	hashings   atomic.Uint64

	mu      sync.Mutex
	flights map[proof]*flight

	hash func(v Verifier, presented string) (bool, error) // replaced in tests
}

// flight is one slow check that any number of identical requests wait for.
type flight struct {
	id        string
	proof     proof
	verifier  Verifier
	presented string

	generation uint64             // of what was remembered when it began
	cancel     context.CancelFunc // gives up its place in the queue
	waiting    int                // requests; under Checker.mu
	hashing    bool               // it has left the queue; under Checker.mu

	done    chan struct{} // closed when correct and err are set
	correct bool
	err     error
}

// NewChecker returns a Checker whose key for remembering is read from rand. It
// fails when rand fails and when a limit is negative.
func NewChecker(rand io.Reader, limits Limits) (*Checker, error) {
	if limits.Parallel < 0 || limits.Queue < 0 || limits.Remembered < 0 {
		return nil, errors.New("the limits of checking secrets cannot be negative")
	}
	orDefault := func(n, otherwise int) int {
		if n == 0 {
			return otherwise
		}
		return n
	}
	key := make([]byte, 32)
	if _, err := io.ReadFull(rand, key); err != nil {
		return nil, fmt.Errorf("read randomness for remembering secrets: %w", err)
	}
	parallel := orDefault(limits.Parallel, runtime.GOMAXPROCS(0))
	return &Checker{
		prover:     newProver(key),
		remembered: newRemembered(orDefault(limits.Remembered, 100_000)),
		admitted:   make(chan struct{}, parallel+orDefault(limits.Queue, 64)),
		running:    make(chan struct{}, parallel),
		flights:    map[proof]*flight{},
		hash:       func(v Verifier, presented string) (bool, error) { return v.load().slow.matches(presented) },
	}, nil
}

// Check reports whether presented is the secret that v was made of. The id
// names the secret and its version; what is remembered is remembered under it
// and gone after [Checker.Forget]. Whether the secret is expired or revoked is
// for the caller to know.
//
// A generated secret is checked at once, in constant time and without
// allocating. For any other, a correct secret costs one slow hash and from
// then on an HMAC; a wrong one costs a slow hash each time, so the caller
// limits how often a client may try. An empty secret and one above
// [MaxPresented] are wrong without hashing.
//
// The error is [ErrBusy], the error of ctx if it ends before the slow hash
// does, or, for a hash that cannot be computed, another one; then the result
// is false and means nothing.
func (c *Checker) Check(ctx context.Context, id string, v Verifier, presented string) (bool, error) {
	if presented == "" || len(presented) > MaxPresented {
		return false, nil
	}
	kept := v.load()
	if kept.slow == nil {
		return HashOf(presented).Equal(kept.sum), nil
	}
	p := c.prover.prove(id, kept.text, presented)
	if c.remembers(id, p) {
		return true, nil
	}
	return c.share(ctx, &flight{id: id, proof: p, verifier: v, presented: presented})
}

// Dummy does what [Checker.Check] does for a wrong generated secret and takes
// the same time. Call it for a client that does not exist, so that the time of
// the answer does not say so.
func (c *Checker) Dummy(ctx context.Context, presented string) {
	_, _ = c.Check(ctx, "", Verifier{}, presented)
}

// Forget drops what is remembered under id. Call it when the secret is revoked
// or replaced. A check that is under way will not be remembered either.
func (c *Checker) Forget(id string) { c.remembered.forget(id) }

// Hashings returns how many slow hashes have been started, for a counter.
func (c *Checker) Hashings() uint64 { return c.hashings.Load() }

// FromChosen is [FromChosen] within the bounds of c: it waits for its turn among
// the checks. Errors as for FromChosen, [ErrBusy], and that of ctx.
func (c *Checker) FromChosen(ctx context.Context, s Secret, rand io.Reader) (Verifier, error) {
	leave, err := c.enter(ctx)
	if err != nil {
		return Verifier{}, err
	}
	defer leave()
	return FromChosen(s, rand)
}

// Import is [Import] within the bounds of c, like [Checker.FromChosen].
func (c *Checker) Import(ctx context.Context, text string, rand io.Reader) (Verifier, error) {
	leave, err := c.enter(ctx)
	if err != nil {
		return Verifier{}, err
	}
	defer leave()
	return Import(text, rand)
}

func (c *Checker) remembers(id string, p proof) bool {
	known, ok := c.remembered.get(id)
	return ok && subtle.ConstantTimeCompare(known[:], p[:]) == 1
}

// share waits for the identical check that is under way, or else for f.
func (c *Checker) share(ctx context.Context, f *flight) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	c.mu.Lock()
	if running, ok := c.flights[f.proof]; ok {
		f = running
	} else if c.remembers(f.id, f.proof) {
		// It landed after Check looked.
		c.mu.Unlock()
		return true, nil
	} else {
		c.start(ctx, f)
	}
	f.waiting++
	c.mu.Unlock()

	select {
	case <-f.done:
		return f.correct, f.err
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.waiting--; f.waiting == 0 && !f.hashing {
		f.cancel()
		c.end(f) // the next one to ask must not join what was given up
	}
	return false, ctx.Err()
}

// start begins f; c.mu is held.
func (c *Checker) start(ctx context.Context, f *flight) {
	// Not to end with the request that happens to be the first.
	ctx, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
	f.done = make(chan struct{})
	f.generation = c.remembered.generation()
	c.flights[f.proof] = f
	go c.fly(ctx, f)
}

// end lets nobody join f any more; c.mu is held.
func (c *Checker) end(f *flight) {
	if c.flights[f.proof] == f {
		delete(c.flights, f.proof)
	}
}

// fly computes one slow hash when it is its turn.
func (c *Checker) fly(ctx context.Context, f *flight) {
	defer close(f.done)
	defer f.cancel()
	leave, err := c.enter(ctx)
	if err == nil {
		c.mu.Lock()
		f.hashing = true
		c.mu.Unlock()
		f.correct, err = c.hash(f.verifier, f.presented)
		leave()
	}
	if f.err = err; err != nil {
		f.correct = false
	}
	if f.correct {
		c.remembered.put(f.id, f.proof, f.generation)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end(f)
}

// enter waits for the right to compute one slow hash, which leave gives back.
func (c *Checker) enter(ctx context.Context) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case c.admitted <- struct{}{}:
	default:
		return nil, ErrBusy
	}
	select {
	case c.running <- struct{}{}:
	case <-ctx.Done():
		<-c.admitted
		return nil, ctx.Err()
	}
	c.hashings.Add(1)
	return func() { <-c.running; <-c.admitted }, nil
}
