package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantway/grantway/client"
	"github.com/grantway/grantway/oauth"
)

// TestCacheIsShared: 50 clients with one cache are one for the issuer.
func TestCacheIsShared(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "tokens")
	for name, cache := range map[string]func() client.Cache{
		"memory": func() func() client.Cache { m := client.NewMemory(); return func() client.Cache { return m } }(),
		"files":  func() client.Cache { return client.NewFiles(folder) },
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(good)
			i.takes = 20 * time.Millisecond
			with := config(i)
			var wg sync.WaitGroup
			for range 50 {
				with.Cache = cache()
				c := made(t, with)
				wg.Go(func() {
					if got, err := c.Token(t.Context()); err != nil || got.Access != "t1" || time.Until(got.Expires) > time.Hour {
						t.Errorf("got %q, %v", got.Access.Reveal(), err)
					}
				})
			}
			wg.Wait()
			i.wasAsked(t, 1)
			with.Cache = cache()
			other := with
			other.ClientID = "another"
			has(t, made(t, other), "t2")

			// One of two that met a 401 asks, the other finds.
			a, b := made(t, with), made(t, with)
			old := has(t, a, "t1")
			has(t, b, "t1")
			for _, c := range []*client.Client{a, b} {
				if got, err := c.Renew(t.Context(), old); err != nil || got.Access != "t3" {
					t.Errorf("got %q, %v", got.Access.Reveal(), err)
				}
			}
			i.wasAsked(t, 3)
			if err := a.Forget(t.Context()); err != nil {
				t.Error(err)
			}
			has(t, a, "t4")
		})
	}
}

// TestFiles: what lies in the folder is for its owner alone, and what others could
// have written is not believed.
func TestFiles(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "tokens")
	i := instant(good)
	with := config(i)
	with.Cache = client.NewFiles(folder)
	has(t, made(t, with), "t1")
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder %v %v", info.Mode(), err)
	}
	found, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(found) != 2 {
		t.Fatalf("%v %v", found, err)
	}
	for _, path := range found {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
		if text, _ := os.ReadFile(path); strings.Contains(string(text), "s3cret") {
			t.Error("the client's secret is in the cache")
		}
	}
	path := found[0]
	if strings.HasSuffix(path, ".lock") {
		path = found[1]
	}
	has(t, made(t, with), "t1")
	for n, spoil := range []func() error{
		func() error { return os.Chmod(path, 0o644) },
		func() error { return os.WriteFile(path, []byte(`{"access_token":"x`), 0o600) },
		func() error { return os.WriteFile(path, []byte(`{"access_token":"a\nb","lifetime":99999999}`), 0o600) },
		func() error {
			return os.WriteFile(path, fmt.Appendf(nil, `{"access_token":"","lifetime":99999999,"asked":%d}`, time.Now().UnixMilli()), 0o600)
		},
		func() error {
			if os.Geteuid() != 0 { // who cannot give files away has none of others
				return os.Chmod(path, 0o660)
			}
			return os.Chown(path, 1, 1)
		},
		func() error {
			elsewhere := filepath.Join(filepath.Dir(folder), "elsewhere")
			return errors.Join(os.Rename(path, elsewhere), os.Symlink(elsewhere, path))
		},
		func() error { return os.Remove(path) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		has(t, made(t, with), fmt.Sprintf("t%d", n+2))
		has(t, made(t, with), fmt.Sprintf("t%d", n+2))
	}
	if left, _ := filepath.Glob(filepath.Join(folder, "*")); len(left) != 2 {
		t.Errorf("%v", left)
	}
}

// TestCacheFails: a cache that cannot be used costs a report, not the token.
func TestCacheFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var reported atomic.Int64
	with := config(instant(good))
	with.Cache = client.NewFiles(path)
	with.Report = func(error) { reported.Add(1) }
	has(t, made(t, with), "t1")
	if reported.Load() != 1 {
		t.Errorf("%d reports", reported.Load())
	}
}

// TestLockIsWaitedFor as long as the caller's time allows.
func TestLockIsWaitedFor(t *testing.T) {
	for _, cache := range []client.Cache{client.NewMemory(), client.NewFiles(t.TempDir())} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := cache.Update(t.Context(), "k", func([]byte) ([]byte, error) {
			err := cache.Update(ctx, "k", func([]byte) ([]byte, error) { t.Error("two at once"); return nil, nil })
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			return []byte("v"), nil
		})
		if err != nil {
			t.Error(err)
		}
		failed := errors.New("failed")
		if err := cache.Update(t.Context(), "k", func(kept []byte) ([]byte, error) { return nil, failed }); !errors.Is(err, failed) {
			t.Errorf("got %v", err)
		}
		_ = cache.Update(t.Context(), "k", func(kept []byte) ([]byte, error) {
			if string(kept) != "v" {
				t.Errorf("kept %q", kept)
			}
			return nil, nil
		})
	}
}

// TestRefreshRotates: the newest refresh token is used, also by a process that did
// not see it come, and what is over asks for the person.
func TestRefreshRotates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		valid := "r0"
		i := newIssuer(broken)
		server := func(r *http.Request) (*http.Response, error) {
			if err := r.ParseForm(); err != nil {
				t.Error(err)
			}
			if r.Form.Get("grant_type") != oauth.GrantRefreshToken || r.Form.Get("refresh_token") != valid {
				i.answer.Store(answers(func(int64) (int, http.Header, string) { return 400, nil, `{"error":"invalid_grant"}` }))
				return i.RoundTrip(r)
			}
			valid += "+"
			i.answer.Store(answers(func(n int64) (int, http.Header, string) {
				return 200, nil, fmt.Sprintf(`{"access_token":"t%d","refresh_token":%q,"expires_in":600}`, n, valid)
			}))
			return i.RoundTrip(r)
		}
		with := config(roundTrip(server))
		with.Grant, with.RefreshToken, with.Cache = oauth.GrantRefreshToken, "r0", client.NewMemory()
		a, b := made(t, with), made(t, with)
		has(t, a, "t1")
		time.Sleep(time.Hour)
		has(t, b, "t2")
		time.Sleep(time.Hour)
		if got := has(t, a, "t3"); got.Refresh != "r0+++" {
			t.Errorf("got %q", got.Refresh.Reveal())
		}
		valid = "none"
		time.Sleep(time.Hour)
		for range 3 {
			_, err := a.Token(t.Context())
			if !errors.Is(err, client.ErrSignIn) {
				t.Fatalf("got %v", err)
			}
		}
		i.wasAsked(t, 4)
	})
}

func broken(int64) (int, http.Header, string) { return 500, nil, "" }

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
