package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/storetest/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// under gives a request an idempotency key.
func under(key string) func(*http.Request) {
	return func(r *http.Request) { r.Header["Idempotency-Key"] = []string{key} }
}

func (f *fixture) clients(t *testing.T) int {
	t.Helper()
	return len(decoded[ClientPage](t, f.does(t, 200, "GET", clientsOfStaging+"?limit=200", "")).Clients) - 1 // one is declared
}

// TestOnce: of many requests under one key one is done, at two servers of the same
// environment, on both databases.
func TestOnce(t *testing.T) {
	files := func(t *testing.T) func(string) string {
		folder := t.TempDir()
		return func(name string) string { return "sqlite:" + filepath.Join(folder, name+".db") }
	}
	schemas := func(t *testing.T) func(string) string {
		made := map[string]string{}
		return func(name string) string {
			if made[name] == "" {
				made[name] = pgtest.Schema(t)
			}
			return made[name]
		}
	}
	for database, dsn := range map[string]func(*testing.T) func(string) string{"SQLite": files, "PostgreSQL": schemas} {
		t.Run(database, func(t *testing.T) {
			at := dsn(t)
			f, other := openAt(t, at), openAt(t, at)
			const many = 100
			answers := make([]*httptest.ResponseRecorder, many)
			var wg sync.WaitGroup
			for i := range many {
				wg.Go(func() {
					node := f
					if i%2 == 1 {
						node = other
					}
					answers[i] = patiently(func() *httptest.ResponseRecorder {
						return node.ask(writer, "POST", clientsOfStaging, wanted, under("the-key"))
					})
				})
			}
			wg.Wait()
			secrets, made := 0, map[string]bool{}
			for _, w := range answers {
				switch w.Code {
				case 201:
					changed := decoded[Changed](t, w)
					made[changed.Client.ID] = true
					if changed.Secret != "" {
						secrets++
					}
				case 409:
					if w.Header().Get("Retry-After") != "1" {
						t.Error("does not say when to try again")
					}
				default:
					t.Errorf("answers %d %s", w.Code, w.Body)
				}
			}
			if len(made) != 1 || secrets != 1 || f.clients(t) != 1 {
				t.Errorf("%d clients, %d secrets, %d stored", len(made), secrets, f.clients(t))
			}
		})
	}
}

// patiently asks again where the store could not say in time: of many callers at once
// on a busy machine, some are told so.
func patiently(ask func() *httptest.ResponseRecorder) *httptest.ResponseRecorder {
	w := ask()
	for deadline := time.Now().Add(time.Minute); w.Code == 503 && time.Now().Before(deadline); {
		w = ask()
	}
	return w
}

func TestSentAgain(t *testing.T) {
	f := open(t)
	first := f.ask(writer, "POST", clientsOfStaging, wanted, under("k"))
	again := f.ask(writer, "POST", clientsOfStaging, wanted, under(`"k"`)) // quoted, as a structured field is
	made, replayed := decoded[Changed](t, first), decoded[Changed](t, again)
	if again.Code != 201 || replayed.Client.ID != made.Client.ID || replayed.SecretID != made.SecretID || again.Header().Get("Location") != first.Header().Get("Location") {
		t.Errorf("it was %d %s, and again %d %s", first.Code, first.Body, again.Code, again.Body)
	}
	if first.Header().Get("Idempotency-Replayed") != "" || again.Header().Get("Idempotency-Replayed") != "true" {
		t.Error("does not say which is which")
	}
	if replayed.Secret != "" || len(replayed.Warnings) != 1 || !strings.HasPrefix(replayed.Warnings[0], "secret stood in the first answer") {
		t.Errorf("again it says %+v", replayed)
	}
	for name, row := range map[string]struct {
		role, method, path, body string
		want                     int
	}{
		"another body":          {writer, "POST", clientsOfStaging, `{"name":"Other","scopes":["all"]}`, 422},
		"another environment":   {writer, "POST", Prefix + "/environments/production/clients", wanted, 201},
		"another person":        {second, "POST", clientsOfStaging, wanted, 201},
		"another route":         {writer, "POST", clientsOfStaging + "/" + made.Client.ID + "/disable", "", 200},
		"a route, another path": {writer, "POST", clientsOfStaging + "/nobody/disable", "", 422},
		"who may no more":       {reader, "POST", clientsOfStaging, wanted, 403},
		"who only looks":        {writer, "GET", clientsOfStaging, "", 200},
	} {
		if name == "a route, another path" {
			continue // after the one before
		}
		if w := f.ask(row.role, row.method, row.path, row.body, under("k")); w.Code != row.want || w.Header().Get("Idempotency-Replayed") != "" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := f.ask(writer, "POST", clientsOfStaging+"/nobody/disable", "", under("k")); w.Code != 422 {
		t.Errorf("another path: %d %s", w.Code, w.Body)
	}
	if w := f.ask(writer, "POST", clientsOfStaging+"/"+made.Client.ID+"/disable", "", under("k"), func(r *http.Request) { r.Header.Set("If-Match", "*") }); w.Code != 422 {
		t.Errorf("another condition: %d %s", w.Code, w.Body)
	}
	if n := f.clients(t); n != 2 {
		t.Errorf("%d clients", n)
	}
}

// The answer is given again for a day, and what it belongs to may be gone.
func TestSentAgainLater(t *testing.T) {
	f := open(t)
	made := decoded[Changed](t, f.ask(writer, "POST", clientsOfStaging, wanted, under("k")))
	f.does(t, 200, "DELETE", clientsOfStaging+"/"+made.Client.ID, "")
	f.now = today.Add(KeepReplays)
	if w := f.ask(writer, "POST", clientsOfStaging, wanted, under("k")); decoded[Changed](t, w).Client.ID != made.Client.ID {
		t.Errorf("after a day: %d %s", w.Code, w.Body)
	}
	f.now = today.Add(KeepReplays + time.Microsecond)
	if w := f.ask(writer, "POST", clientsOfStaging, wanted, under("k")); decoded[Changed](t, w).Client.ID == made.Client.ID {
		t.Errorf("after more than a day: %d %s", w.Code, w.Body)
	}
}

// A request that did nothing leaves its key free; one of which nobody knows keeps it.
func TestRefusedUnderAKey(t *testing.T) {
	f := open(t)
	ask := func() *httptest.ResponseRecorder { return f.ask(writer, "POST", clientsOfStaging, wanted, under("k")) }
	if w := f.ask(writer, "POST", clientsOfStaging, `{"name":"a","scopes":["moves:fly"]}`, under("k")); w.Code != 422 {
		t.Fatalf("answers %d", w.Code)
	}
	was := f.environments[0].Store
	f.environments[0].Store = failing{was, store.ErrUnavailable}
	if w := ask(); w.Code != 503 {
		t.Fatalf("answers %d", w.Code)
	}
	f.environments[0].Store = failing{was, errors.New("a fault of ours")}
	if w := ask(); w.Code != 500 {
		t.Fatalf("answers %d", w.Code)
	}
	f.environments[0].Store = was
	w := ask()
	isProblem(t, w, 500)
	if w.Header().Get("Idempotency-Replayed") != "true" || f.clients(t) != 0 {
		t.Error("it was done after all")
	}
	if w := f.ask(writer, "POST", clientsOfStaging, wanted, under("l")); w.Code != 201 {
		t.Errorf("under another key: %d", w.Code)
	}
}

type failing struct {
	store.Clients
	with error
}

func (f failing) Create(context.Context, store.Client, store.By) error { return f.with }

// What a crash cut off is neither done again nor under way for ever.
func TestCutOffUnderAKey(t *testing.T) {
	f := open(t)
	replays := f.remembered["staging"].Replays
	f.remembered["staging"].Replays = forgetful{replays}
	if w := f.ask(writer, "POST", clientsOfStaging, wanted, under("k")); w.Code != 201 {
		t.Fatalf("answers %d: it was done, whether that was written down or not", w.Code)
	}
	f.remembered["staging"].Replays = replays
	for after, want := range map[time.Duration]string{0: "still under way", longestDo: "still under way", longestDo + time.Microsecond: "was cut off"} {
		f.now = today.Add(after)
		w := f.ask(writer, "POST", clientsOfStaging, wanted, under("k"))
		isProblem(t, w, 409)
		if !strings.Contains(w.Body.String(), want) || (w.Header().Get("Retry-After") == "1") != (want == "still under way") {
			t.Errorf("after %v: %s", after, w.Body)
		}
	}
}

type forgetful struct{ store.Replays }

func (forgetful) Finish(context.Context, [32]byte, int, []byte) error { return store.ErrUnavailable }

func TestIdempotencyKeys(t *testing.T) {
	f := open(t)
	long := strings.Repeat("x", longestKey)
	for key, want := range map[string]int{
		"": 201, "k": 201, long: 201, `"` + long[1:] + `"`: 201, long + "x": 400, "two words": 400, "k\tl": 400, "schlüssel": 400,
		`"`: 400, `""`: 400, `"k`: 400, `k"`: 400, `"k"l"`: 400, `k\`: 400, "k\x7f": 400, "~": 201, "!": 201,
	} {
		change := under(key)
		if key == "" {
			change = func(*http.Request) {}
		}
		if w := f.ask(writer, "POST", clientsOfStaging, wanted, change); w.Code != want {
			t.Errorf("%q: %d %s", key, w.Code, w.Body)
		}
	}
	w := f.ask(writer, "POST", clientsOfStaging, wanted, func(r *http.Request) { r.Header["Idempotency-Key"] = []string{"a", "b"} })
	isProblem(t, w, 400)
	w = f.ask(writer, "POST", clientsOfStaging, strings.Repeat(" ", MaxBody+1), under("long"))
	isProblem(t, w, 413)
	f.options.Remembered = nil
	f.restart(t)
	isProblem(t, f.ask(writer, "POST", clientsOfStaging, wanted, under("k")), 400)
}

// O15: of everything that is shown once, nothing is stored under a key.
func TestO15ReplaysHoldNoSecret(t *testing.T) {
	f := open(t)
	kept := &listening{Replays: f.remembered["staging"].Replays}
	home := &listening{Replays: f.remembered["home"].Replays}
	f.remembered["staging"].Replays, f.remembered["home"].Replays = kept, home
	once := 0
	i := 0
	f.walk(t, func(r route, path, body string) {
		if r.method == "GET" {
			return
		}
		i++
		key := fmt.Sprintf("key-%d", i)
		first := f.ask(writer, r.method, path, body, under(key))
		if first.Code != r.status {
			return // it is about the same thing as another; others see to that
		}
		again := f.ask(writer, r.method, path, body, under(key))
		if again.Code != first.Code || again.Header().Get("Idempotency-Replayed") != "true" {
			t.Errorf("%s sent again answers %d: %s", r.name, again.Code, again.Body)
		}
		var members map[string]any
		if err := json.Unmarshal(first.Body.Bytes(), &members); err != nil {
			return
		}
		for name, value := range members {
			if text, ok := value.(string); ok && (name == "secret" || name == "link" || name == "text") && text != "" {
				once++
				for _, stored := range append(kept.stored, home.stored...) {
					if strings.Contains(stored, text) {
						t.Errorf("%s: its %s is stored", r.name, name)
					}
				}
				if strings.Contains(again.Body.String(), text) || !strings.Contains(again.Body.String(), name+" stood in the first answer") {
					t.Errorf("%s sent again answers %s", r.name, again.Body)
				}
			}
		}
	})
	if once < 5 {
		t.Errorf("only %d secrets were looked for", once)
	}
	for _, r := range table() {
		if r.response.Kind() != reflect.Struct {
			continue
		}
		for _, field := range reflect.VisibleFields(r.response) {
			_, tagged := field.Tag.Lookup("once")
			if shown := strings.Contains(field.Tag.Get("doc"), "shown this once"); shown != tagged {
				t.Errorf("%s: %s is said to be shown once, or is tagged so", r.name, field.Name)
			}
			if warnings, ok := r.response.FieldByName("Warnings"); tagged && (!ok || warnings.Type != reflect.TypeFor[[]string]()) {
				t.Errorf("%s has no warnings", r.name)
			}
		}
	}
}

// listening keeps what is stored.
type listening struct {
	store.Replays
	stored []string
}

func (l *listening) Finish(ctx context.Context, key [32]byte, status int, answer []byte) error {
	var kept reply
	if json.Unmarshal(answer, &kept) == nil {
		l.stored = append(l.stored, string(kept.Body))
	}
	l.stored = append(l.stored, string(answer))
	return l.Replays.Finish(ctx, key, status, answer)
}
