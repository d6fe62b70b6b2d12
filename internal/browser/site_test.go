package browser

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantway/grantway/examples"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/installed"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/server"
	"github.com/grantway/grantway/internal/store"
)

// clients stands below the example's own configuration.
//
//go:embed testdata/clients.yaml
var clients string

// single is the page of an application that runs in the browser.
//
//go:embed testdata/single.html
var single []byte

// person is the one whose browser it is, dutchPerson another.
const person, dutchPerson, password, plannerSecret, universitySecret = "ann", "bram", "a term in Leiden", "of the planner, in these tests", "of the university, in these tests"

// A site is the server with its people, and the application that sends them to it.
type site struct {
	issuer string // on localhost, where passkeys can be made
	brand  string // the issuer of an environment with a look of its own, at which issuer is a provider
	app    string
	ahead  atomic.Int64 // of the real time, in nanoseconds
	log    installed.Output

	library string // the folder of the library that single.html uses
}

// start runs a site until the test is over. The libraries of applications are in
// node_modules below folder.
func start(t *testing.T, folder string) *site {
	t.Helper()
	s := &site{library: filepath.Join(folder, "node_modules", "oidc-client-ts", "dist", "browser")}
	app := httptest.NewServer(s.application())
	t.Cleanup(app.Close)
	s.app = app.URL
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	base := "http://localhost:" + port
	s.issuer, s.brand = base+"/demo", base+"/university"

	example, _ := examples.Find("mytimetable")
	variables := map[string]string{"PLANNER_SECRET": plannerSecret, "UNIVERSITY_SECRET": universitySecret}
	below := strings.NewReplacer("$APPLICATION", s.app, "$BRAND", s.brand).Replace(clients)
	c, err := catalogue.Parse("grantway.yaml", append(example.Config, below...), func(name string) (string, bool) {
		value, ok := variables[name]
		return value, ok
	})
	if err != nil {
		t.Fatal(err)
	}
	s.decorate(c)
	data := t.TempDir()
	sealing := filepath.Join(data, "sealing.key")
	if err := keys.CreateSealFile(sealing); err != nil {
		t.Fatal(err)
	}
	seal, err := keys.ReadSeal("file:"+sealing, os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	running, err := server.New(t.Context(), server.Options{
		Catalogue: c.ForDev(base, data), Seal: seal, Mark: store.MarkDev, AnyHost: true, Demo: example.API(), Random: rand.Reader,
		Now: func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) },
		Log: slog.New(slog.NewTextHandler(&s.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.enrol(t, running.Admin(), person, "Ann Example", "")
	s.enrol(t, running.Admin(), dutchPerson, "Bram Voorbeeld", "nl-NL")
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- running.Serve(ctx, l, running.Handler()) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := running.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// decorate gives an environment its look, and two providers: one where whoever comes
// gets an account, and one where nobody does.
func (s *site) decorate(c *catalogue.Catalogue) {
	for _, e := range c.Environments {
		if e.Name != "university" {
			continue
		}
		e.Login.Theme = catalogue.Theme{Name: "Universitas Borealis", Logo: filepath.Join("testdata", "logo.svg"), Accent: "#ffd200"}
		academy := catalogue.Provider{
			Name: "academy", Title: "The Academy", Issuer: s.issuer, ClientID: "university", Secret: secret.Of(universitySecret),
			Scopes: []string{"profile", "email"}, Create: true,
		}
		registry := academy
		registry.Name, registry.Title, registry.Create = "registry", "The Registry of All Students of the Northern Provinces", false
		e.Login.Providers = []catalogue.Provider{academy, registry}
	}
}

// enrol makes an account.
func (s *site) enrol(t *testing.T, admin http.Handler, name, fullName, locale string) {
	t.Helper()
	body, _ := json.Marshal(map[string]any{ // strings always encode
		"name": name, "password": password, "full_name": fullName, "email": name + "@example.com", "locale": locale, "roles": []string{"student"},
	})
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/admin/v1/environments/demo/accounts", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	admin.ServeHTTP(w, r)
	if w.Code != http.StatusCreated {
		t.Fatalf("the account: %d %s", w.Code, w.Body)
	}
}

// application is what people come from and are sent back to. Its pages say what it
// was told.
func (s *site) application() http.Handler {
	mux := http.NewServeMux()
	page := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			io.WriteString(w, "<!doctype html><html lang=en><link rel=icon href=data:,><title>Application</title>"+text)
		}
	}
	mux.HandleFunc("/{$}", page("<main><h1>Application</h1></main>"))
	mux.HandleFunc("/signedout", page("<main><h1>Signed out</h1></main>"))
	mux.HandleFunc("/cb", func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		got := map[string]string{"method": r.Method, "referer": r.Referer(), "origin": r.Header.Get("Origin")}
		for name := range r.Form {
			got[name] = r.Form.Get(name)
		}
		told, _ := json.Marshal(got) // strings always encode, and escape what HTML knows
		page(`<main><h1>Back</h1><pre id=got>`+strings.ReplaceAll(string(told), "&", "&amp;")+
			`</pre></main><script>window.opener?.postMessage("back", "*")</script>`)(w, r)
	})
	mux.HandleFunc("/single", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(single)
	})
	mux.HandleFunc("/oidc-client-ts.min.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(s.library, "oidc-client-ts.min.js"))
	})
	mux.HandleFunc("POST /clock", func(w http.ResponseWriter, r *http.Request) {
		by, err := time.ParseDuration(r.FormValue("by"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.ahead.Add(int64(by))
	})
	return mux
}
