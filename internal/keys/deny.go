package keys

import (
	"github.com/grantway/grantway/internal/jose"
)

// Holds reports whether the ring has a key of that id, which is not gone.
func (r *Ring) Holds(kid string) bool { return r.open.Load().byID[kid] != nil }

// Deny makes a key useless in this process at once, without the store: it is
// neither published nor signed with from now on, and where it was the active key,
// the standby signs. It lasts as long as the process; Remove does the same for
// all, and for ever. A key that the ring has not is remembered, should it come.
func (r *Ring) Deny(kid string) error {
	r.loading.Lock()
	defer r.loading.Unlock()
	if r.denied == nil {
		r.denied = map[string]bool{}
	}
	r.denied[kid] = true
	before := r.open.Load()
	next, _ := r.read(before.stored, before) // Reload reports what does not open
	var err error
	if next.jwks, err = jose.MarshalJWKSet(next.public); err != nil {
		return err
	}
	r.open.Store(next)
	return nil
}

// SignerAs is Signer for words of another kind: the same key, under a header of
// its own that says so.
func (r *Ring) SignerAs(algorithm jose.Algorithm, header func(algorithm, kid string) []byte) (*jose.Signer, error) {
	signer, err := r.Signer(algorithm)
	if err != nil {
		return nil, err
	}
	return signer.Under(header(string(algorithm), signer.KeyID()))
}
