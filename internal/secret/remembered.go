package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"
)

// proof is an HMAC-SHA-256 over an id, a verifier and a presented secret, under
// a key that only this process has and never writes anywhere. Unlike a plain
// hash of the secret, it is of no use outside this process.
type proof [sha256.Size]byte

// prover makes proofs. Safe for concurrent use.
type prover struct{ pool sync.Pool }

// proving is what one proof needs, kept because setting up an HMAC costs more
// than the HMAC.
type proving struct {
	mac     hash.Hash
	message []byte
	sum     []byte
}

func newProver(key []byte) *prover {
	return &prover{pool: sync.Pool{New: func() any { return &proving{mac: hmac.New(sha256.New, key)} }}}
}

func (p *prover) prove(id, verifier, presented string) (result proof) {
	w := p.pool.Get().(*proving)
	w.message = w.message[:0]
	// Lengths first, so that no two triples make the same message.
	for _, part := range [...]string{id, verifier, presented} {
		w.message = binary.AppendUvarint(w.message, uint64(len(part)))
		w.message = append(w.message, part...)
	}
	w.mac.Reset()
	w.mac.Write(w.message)
	w.sum = w.mac.Sum(w.sum[:0])
	copy(result[:], w.sum)
	clear(w.message)
	p.pool.Put(w)
	return result
}

// remembered holds one proof per id: that of the secret last found correct. It
// keeps at most 2·half ids, dropping the older half of them when it is full.
// Safe for concurrent use.
type remembered struct {
	mu      sync.RWMutex
	half    int
	young   map[string]proof
	old     map[string]proof
	forgets uint64 // how often forget was called
}

func newRemembered(limit int) *remembered {
	return &remembered{half: max(limit/2, 1), young: map[string]proof{}}
}

// get returns what is remembered of id, which stays so for another generation.
func (r *remembered) get(id string) (proof, bool) {
	r.mu.RLock()
	p, ok := r.young[id]
	if ok {
		r.mu.RUnlock()
		return p, true
	}
	_, ok = r.old[id]
	r.mu.RUnlock()
	if !ok {
		return proof{}, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	// Again, since it may have been forgotten between the locks.
	if p, ok = r.old[id]; ok {
		r.insert(id, p)
	} else {
		p, ok = r.young[id]
	}
	return p, ok
}

// generation is to be taken before a check and given to put after it.
func (r *remembered) generation() uint64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.forgets
}

// put remembers p, unless something was forgotten since generation: it may have
// been this id, whose check was under way.
func (r *remembered) put(id string, p proof, generation uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.forgets == generation {
		r.insert(id, p)
	}
}

func (r *remembered) insert(id string, p proof) {
	delete(r.old, id)
	if _, known := r.young[id]; !known && len(r.young) >= r.half {
		r.old, r.young = r.young, make(map[string]proof)
	}
	r.young[id] = p
}

func (r *remembered) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forgets++
	delete(r.young, id)
	delete(r.old, id)
}

func (r *remembered) len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.young) + len(r.old)
}
