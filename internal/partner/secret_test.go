package partner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

func TestImportedSecrets(t *testing.T) {
	const text = "a secret from elsewhere, 36 bytes"
	hash := "sha256:" + secret.HashOf(text).Hex()
	for name, n := range map[string]NewSecret{
		"clear text": {Text: secret.Of(text)},
		"hash":       {Hash: secret.Of(hash)},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t)
			id := f.created(t).Client.ID
			f.now = today.Add(time.Second)
			added, err := f.AddSecret(t.Context(), id, n, anna)
			if err != nil {
				t.Fatal(err)
			}
			if !added.Secret.IsEmpty() || len(added.Warnings) != 0 {
				t.Errorf("handed out %v, warned %q", added.Secret, added.Warnings)
			}
			if !f.accepts(t, id, added.SecretID, text) || f.accepts(t, id, added.SecretID, text+"x") {
				t.Error("the imported secret is not the one that is accepted")
			}
			stored, _ := f.db.Clients().Find(t.Context(), id)
			if v := stored.Secrets[1].Verifier; !strings.Contains(v, "$argon2id$") || stored.Secrets[1].Hint != "" {
				t.Error("an imported secret is kept under a fast hash, or its end is shown")
			}
		})
	}
}

func TestShortImportedSecretsAreWarnedOf(t *testing.T) {
	for n, want := range map[int]int{shortest - 1: 1, shortest: 0} {
		f := open(t)
		c := wanted()
		c.Secret.Text = secret.Of(strings.Repeat("x", n))
		made, err := f.Create(t.Context(), c, anna)
		if err != nil || len(made.Warnings) != want {
			t.Errorf("%d characters: %q, %v", n, made.Warnings, err)
		}
	}
}

func TestLimitOfLiveSecrets(t *testing.T) {
	f := open(t)
	id := f.created(t).Client.ID
	soon := NewSecret{ExpiresAt: today.Add(time.Hour)}
	var all sync.WaitGroup
	var mu sync.Mutex
	added, refused := 1, 0
	for range MaxLive { // one more than there is room for
		all.Go(func() {
			_, err := f.AddSecret(t.Context(), id, soon, anna)
			mu.Lock()
			defer mu.Unlock()
			if _, is := errors.AsType[Faults](err); is {
				refused++
			} else if err == nil {
				added++
			}
		})
	}
	all.Wait()
	if added != MaxLive || refused != 1 {
		t.Fatalf("%d added, %d refused", added, refused)
	}
	// Expired ones do not count as live, but are not kept without end.
	for day := 1; ; day++ {
		f.now = today.Add(time.Duration(day) * 24 * time.Hour)
		if _, err := f.AddSecret(t.Context(), id, NewSecret{ExpiresAt: f.now.Add(time.Hour)}, anna); err != nil {
			if _, is := errors.AsType[Faults](err); !is || day != MaxKept-MaxLive+1 {
				t.Errorf("day %d: %v", day, err)
			}
			break
		}
	}
}

func TestRevokeSecret(t *testing.T) {
	f := open(t)
	made := f.created(t)
	id := made.Client.ID
	second, err := f.AddSecret(t.Context(), id, NewSecret{}, anna)
	if err != nil {
		t.Fatal(err)
	}
	first, err := f.RevokeSecret(t.Context(), id, made.SecretID, anna)
	if err != nil || len(first.Warnings) != 0 || len(first.Client.Secrets) != 1 {
		t.Fatalf("%+v, %v", first, err)
	}
	if f.accepts(t, id, made.SecretID, made.Secret.Reveal()) {
		t.Error("a revoked secret is accepted")
	}
	last, err := f.RevokeSecret(t.Context(), id, second.SecretID, anna)
	if err != nil || len(last.Warnings) != 1 {
		t.Errorf("the last one: %+v, %v", last, err)
	}
	if _, err := f.RevokeSecret(t.Context(), id, second.SecretID, anna); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("revoked twice: %v", err)
	}
	changes, err := f.db.Changes().Since(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, c := range changes {
		said = append(said, c.Kind+" "+c.Actor+" "+c.Trace)
	}
	if got, want := fmt.Sprint(said), "[client.created anna 0123 secret.added anna 0123 secret.revoked anna 0123 secret.revoked anna 0123]"; got != want {
		t.Errorf("changes %s", got)
	}
}

func TestUnknownClients(t *testing.T) {
	f := open(t)
	ctx := t.Context()
	for name, step := range map[string]func() (Result, error){
		"disable": func() (Result, error) { return f.Disable(ctx, "nobody", anna) },
		"enable":  func() (Result, error) { return f.Enable(ctx, "nobody", anna) },
		"delete":  func() (Result, error) { return f.Delete(ctx, "nobody", anna) },
		"add":     func() (Result, error) { return f.AddSecret(ctx, "nobody", NewSecret{}, anna) },
		"revoke":  func() (Result, error) { return f.RevokeSecret(ctx, "nobody", "x", anna) },
	} {
		if _, err := step(); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is stored is not undone because this node could not wait to see it: the
// secret would be lost.
func TestFailureToSeeTheChangeIsAWarning(t *testing.T) {
	f := open(t)
	f.Sync = func(context.Context) error { return store.ErrUnavailable }
	made := f.created(t)
	if made.Secret.IsEmpty() || len(made.Warnings) != 1 {
		t.Errorf("%+v", made)
	}
}
