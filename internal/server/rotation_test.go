package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/keys"
)

// A cluster is several servers on the same stores, by the clock on the wall.
type cluster struct {
	nodes []*Server
	base  []string
}

func startCluster(t *testing.T, nodes int, announce time.Duration) *cluster {
	t.Helper()
	data := t.TempDir()
	if err := os.CopyFS(data, os.DirFS(prepare(t, "fitness"))); err != nil {
		t.Fatal(err)
	}
	made := &cluster{}
	for range nodes {
		var node *Server
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { node.Handler().ServeHTTP(w, r) }))
		// The issuer is the first one's: nodes stand behind one name.
		made.base = append(made.base, web.URL)
		o, err := options(setup{example: "fitness"}, made.base[0], data, time.Now, slog.New(slog.NewJSONHandler(&logbook{}, nil)))
		if err != nil {
			t.Fatal(err)
		}
		o.Announce = announce
		if node, err = New(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		made.nodes = append(made.nodes, node)
		t.Cleanup(func() {
			web.Close()
			if err := node.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return made
}

func (c *cluster) ring(node int) *keys.Ring { return c.nodes[node].ring("staging") }

func (c *cluster) active(t *testing.T, node int) string {
	t.Helper()
	signer, err := c.ring(node).Signer(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	return signer.KeyID()
}

// token asks a node for one.
func (c *cluster) token(node int) (string, error) {
	w, err := http.PostForm(c.base[node]+"/staging/auth/oauth2/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"YOUR_CLIENT_ID"}, "client_secret": {"YOUR_CLIENT_SECRET"}, "scope": {"read:moves"},
	})
	if err != nil {
		return "", err
	}
	defer w.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	text, err := io.ReadAll(w.Body)
	if err == nil {
		disclose(string(text))
		err = json.Unmarshal(text, &answer)
	}
	if err != nil || answer.AccessToken == "" {
		return "", fmt.Errorf("no token: %s: %v", text, err)
	}
	return answer.AccessToken, nil
}

// call passes a token to a node's gateway.
func (c *cluster) call(node int, token string) (status int, err error) {
	r, err := http.NewRequest(http.MethodGet, c.base[node]+"/staging/api/moves", nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer w.Body.Close()
	_, err = io.Copy(io.Discard, w.Body)
	return w.StatusCode, err
}

// A verifier checks tokens with another library and a copy of the key set, which
// it keeps for so long, whatever it meets meanwhile.
type verifier struct {
	address string
	keep    time.Duration
	read    time.Time
	set     gojose.JSONWebKeySet
}

func (v *verifier) check(token string) error {
	signed, err := gojose.ParseSignedCompact(token, []gojose.SignatureAlgorithm{gojose.ES256})
	if err != nil {
		return err
	}
	if time.Since(v.read) > v.keep {
		began := time.Now()
		w, err := http.Get(v.address)
		if err != nil {
			return err
		}
		defer w.Body.Close()
		v.set = gojose.JSONWebKeySet{}
		if err := json.NewDecoder(w.Body).Decode(&v.set); err != nil {
			return err
		}
		if len(v.set.Keys) < 2 {
			return fmt.Errorf("%d keys are published", len(v.set.Keys))
		}
		v.read = began
	}
	found := v.set.Key(signed.Signatures[0].Header.KeyID)
	if len(found) != 1 {
		return fmt.Errorf("a copy of the key set, %v old, has not the key %s", time.Since(v.read), signed.Signatures[0].Header.KeyID)
	}
	_, err = signed.Verify(found[0])
	return err
}

// A pool is tokens that are good: the newest ones and some of every key.
type pool struct {
	mu     sync.Mutex
	tokens []string
}

func (p *pool) add(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	const most = 2000
	if len(p.tokens) == most {
		p.tokens = slices.Delete(p.tokens, most/2, most/2+1)
	}
	p.tokens = append(p.tokens, token)
}

// pick returns the newest token and one of the others.
func (p *pool) pick(i int) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return []string{p.tokens[len(p.tokens)-1], p.tokens[i%len(p.tokens)]}
}

// TestRotationUnderLoad is row R11, and N04: keys are rotated as often as they may
// while tokens are issued and checked, and no good token is refused. Verifiers read
// the key set no sooner than they must, and never because a key is unknown.
//
// How long is announced is what a slow machine may take to hear of a key, and it goes
// on until there were rotations enough. With GRANTWAY_ROTATION=long (make rotation) it
// takes ten minutes.
func TestRotationUnderLoad(t *testing.T) {
	t.Parallel()
	type form struct {
		nodes          int
		announce, keep time.Duration
		lasts          time.Duration
	}
	forms := map[string]form{
		"one node":  {1, 200 * time.Millisecond, 50 * time.Millisecond, 4 * time.Second},
		"two nodes": {2, 4 * time.Second, 300 * time.Millisecond, 14 * time.Second},
	}
	if os.Getenv("GRANTWAY_ROTATION") == "long" {
		forms = map[string]form{"two nodes": {2, 10 * time.Second, 8 * time.Second, 10 * time.Minute}}
	}
	for name, f := range forms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startCluster(t, f.nodes, f.announce)
			last := f.nodes - 1
			good := &pool{}
			first, err := c.token(0)
			if err != nil {
				t.Fatal(err)
			}
			good.add(first)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			var work sync.WaitGroup
			again := func(pause time.Duration, do func(i int) error) {
				work.Go(func() {
					for i := 0; ctx.Err() == nil; i++ {
						if err := do(i); err != nil {
							t.Error(err)
							stop()
						}
						time.Sleep(pause)
					}
				})
			}
			var rotations atomic.Int64
			var checks [3]atomic.Int64
			again(0, func(int) error { // as soon as it may
				err := c.ring(0).Rotate(ctx, jose.ES256, false, c.nodes[0].by())
				if soon, ok := errors.AsType[*keys.TooSoonError](err); ok {
					time.Sleep(time.Until(soon.At))
					return nil
				}
				if err == nil {
					rotations.Add(1)
				}
				if ctx.Err() != nil {
					return nil
				}
				return err
			})
			again(5*time.Millisecond, func(i int) error {
				token, err := c.token(i % f.nodes)
				if err == nil {
					good.add(token)
				}
				return err
			})
			for who, node := range []int{0, last} {
				v := &verifier{address: c.base[node] + "/staging/auth/.well-known/jwks.json", keep: f.keep}
				again(time.Millisecond, func(i int) error {
					for _, token := range good.pick(i) {
						if err := v.check(token); err != nil {
							return fmt.Errorf("verifier %d: %w", who, err)
						}
						checks[who].Add(1)
					}
					return nil
				})
			}
			again(2*time.Millisecond, func(i int) error {
				for _, token := range good.pick(i) {
					if status, err := c.call(last, token); status != http.StatusOK {
						return fmt.Errorf("the gateway answers %d, %v", status, err)
					}
					checks[2].Add(1)
				}
				return nil
			})
			work.Go(func() {
				defer stop()
				for began := time.Now(); ctx.Err() == nil && time.Since(began) < f.lasts+time.Minute; time.Sleep(10 * time.Millisecond) {
					enough := rotations.Load() >= 3 && checks[0].Load() >= 100 && checks[1].Load() >= 100 && checks[2].Load() >= 100
					if enough && time.Since(began) >= f.lasts {
						return
					}
				}
			})
			work.Wait()
			t.Logf("%d rotations; checks: %d, %d and %d", rotations.Load(), checks[0].Load(), checks[1].Load(), checks[2].Load())
			if rotations.Load() < 3 {
				t.Errorf("only %d rotations", rotations.Load())
			}
			for who := range checks {
				if checks[who].Load() < 100 {
					t.Errorf("verifier %d checked only %d tokens", who, checks[who].Load())
				}
			}
		})
	}
}

// TestRemovedKey is row N05: within a second of its removal on one node, no node
// publishes a key or lets a token of it through, and all issue good ones.
func TestRemovedKey(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2, 0)
	for range 3 {
		bad := c.active(t, 0)
		tokens := make([]string, 2)
		for i := range tokens {
			var err error
			if tokens[i], err = c.token(i); err != nil {
				t.Fatal(err)
			}
			if status, err := c.call(1-i, tokens[i]); status != 200 {
				t.Fatalf("before: %d, %v", status, err)
			}
		}
		began := time.Now()
		if err := c.ring(0).Remove(t.Context(), bad, c.nodes[0].by()); err != nil {
			t.Fatal(err)
		}
		if status, err := c.call(0, tokens[1]); status != 401 {
			t.Errorf("the node that removed the key: %d, %v", status, err)
		}
		publishes := func(i int) bool {
			return slices.ContainsFunc(c.ring(i).Public(), func(k jose.PublicKey) bool { return k.KeyID == bad })
		}
		for {
			status, err := c.call(1, tokens[0])
			// It hears of the tokens and of the key each by itself.
			if status == 401 && !publishes(1) {
				break
			}
			if time.Since(began) > promptly {
				t.Fatalf("after %v the other node: %d, %v", time.Since(began), status, err)
			}
			time.Sleep(5 * time.Millisecond)
		}
		for i := range tokens {
			if publishes(i) || len(c.ring(i).Public()) != 2 {
				t.Errorf("node %d publishes %v", i, c.ring(i).Public())
			}
			token, err := c.token(i)
			if err != nil {
				t.Fatal(err)
			}
			if status, err := c.call(1-i, token); status != 200 {
				t.Errorf("a new token of node %d: %d, %v", i, status, err)
			}
		}
	}
}
