package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/grantway/grantway/examples"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/server"
)

// shown is what `grantway dev` runs: an example, or a configuration of one's own.
type shown struct {
	name string // of its folder for data
	file string // that is followed; "": it is an example
	read *catalogue.Catalogue
	demo *demonstration
	api  func() http.Handler // behind the upstream "demo"
}

func findShown(flags devFlags) (*shown, error) {
	if flags.config != "" {
		return ownShown(flags.config)
	}
	example, err := findExample(flags.example)
	if err != nil {
		return nil, err
	}
	demo, err := devDemo(example.Name)
	if err != nil {
		return nil, err
	}
	read, err := catalogue.Parse(example.Name+"/grantway.yaml", example.Config, os.LookupEnv)
	if err != nil {
		return nil, fmt.Errorf("the example's own configuration: %w", err)
	}
	if example.Says != nil {
		document, err := catalogue.ParseOpenAPI(example.Name+"/openapi.yaml", example.Says)
		if err != nil {
			return nil, fmt.Errorf("the example's own OpenAPI document: %w", err)
		}
		read = read.WithDocument(read.Environments[0].APIs[0].Name, document)
	}
	return &shown{name: example.Name, read: read, demo: demo, api: example.API}, nil
}

// ownShown is the configuration of a file. Its folder for data is that file's own.
func ownShown(file string) (*shown, error) {
	read, err := catalogue.Load(file, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	path, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	which := sha256.Sum256([]byte(path))
	first, _ := examples.Find("quickstart")
	demo := &demonstration{variable: "GRANTWAY", own: true, call: firstCall(read), clients: map[string]server.Credentials{}, personas: map[string]server.Persona{}}
	for i, e := range read.Environments {
		prefix := "YOUR_"
		if i > 0 {
			prefix += shellName(e.Name) + "_"
		}
		demo.clients[e.Name] = server.Credentials{ClientID: prefix + "CLIENT_ID", Secret: secret.Of(prefix + "CLIENT_SECRET")}
	}
	demo.personas[catalogue.HomeName], demo.member = owner(), member()
	return &shown{name: "own-" + hex.EncodeToString(which[:4]), file: file, read: read, demo: demo, api: first.API}, nil
}

// firstCall is a call that can be pasted as it stands: a route for GET of the first
// API, without a name in its path. Where there is none, it is empty.
func firstCall(c *catalogue.Catalogue) string {
	for _, r := range c.Environments[0].APIs[0].Routes {
		if r.Access != catalogue.Public && r.Allows(http.MethodGet) && !strings.ContainsAny(r.Path, "{…") {
			return "GET " + r.Path
		}
	}
	return ""
}

// at is the configuration as it is served at an address. Whoever is on the network
// reaches anything but loopback: the demonstration then has credentials of its own,
// and stores in which those of the documents never were.
func (x *shown) at(address net.Addr, data string) (*catalogue.Catalogue, error) {
	c, loopback := x.moved(x.read, address, data)
	if loopback {
		return c, nil
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, err
	}
	return c, x.demo.randomise(c, rand.Reader)
}

func (x *shown) moved(c *catalogue.Catalogue, address net.Addr, data string) (moved *catalogue.Catalogue, loopback bool) {
	base, loopback := devBase(address)
	if !loopback {
		data = filepath.Join(data, "open")
	}
	return c.Silent().ForDev(base, data), loopback
}

// follow puts every good reading of one's own file in force, until the context ends.
func (x *shown) follow(ctx context.Context, s *server.Server, address net.Addr, data string, log *slog.Logger) {
	if x.file == "" {
		return
	}
	here := &elsewhere{s, func(c *catalogue.Catalogue) *catalogue.Catalogue {
		moved, _ := x.moved(c, address, data)
		return moved
	}}
	read := reading{file: x.file, env: os.LookupEnv, check: func(*catalogue.Catalogue) catalogue.Faults { return nil }}
	go read.follow(ctx, x.read, here, nil, log)
}

// elsewhere is a server whose configuration says other addresses than its own.
type elsewhere struct {
	*server.Server
	moved func(*catalogue.Catalogue) *catalogue.Catalogue
}

// Reload is Server's, of the configuration as it is served here.
func (e *elsewhere) Reload(ctx context.Context, c *catalogue.Catalogue) error {
	return e.Server.Reload(ctx, e.moved(c))
}
