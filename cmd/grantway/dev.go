package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/examples"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/disk"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/server"
	"github.com/grantway/grantway/internal/store"
)

// devFlags are what `grantway dev` can be told.
type devFlags struct {
	example string
	config  string // a configuration of one's own instead; "": none
	listen  string
	data    string
	envFile string
	quiet   bool
}

func devCommand() *cobra.Command {
	var flags devFlags
	dev := &cobra.Command{
		Use:   "dev",
		Short: "Run a demonstration, with credentials to paste",
		Long: `Run a demonstration on one loopback port: a store, keys, two environments, a
demo API behind the gateway, and credentials that are printed in public
documents. Everything that it makes is marked, and 'grantway serve' refuses it.

With --config it is your own configuration that runs, with its addresses moved
to this machine, in a store of its own, without mail servers and webhooks. It is
followed as you write.`,
		Example: `  grantway dev
  grantway dev --example timeback
  grantway dev --config grantway.yaml
  grantway dev --example studyteam --listen 127.0.0.1:0 \
      --env-file studyteam.env`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if flags.config != "" && c.Flags().Changed("example") {
				return &usageError{errors.New("--config and --example each say what to run: name one of them")}
			}
			return runDev(c.Context(), flags, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := dev.Flags()
	f.StringVar(&flags.example, "example", "quickstart", "the `system` to run: "+strings.Join(exampleNames(), ", "))
	f.StringVar(&flags.config, "config", "", "a configuration `file` of yours to run instead")
	f.StringVar(&flags.listen, "listen", "127.0.0.1:8080", "`HOST:PORT` to answer on; port 0 picks a free one; anything but loopback gives random credentials")
	f.StringVar(&flags.data, "data", "", "`folder` for stores and keys (default: one for each example, below the user's data folder)")
	f.StringVar(&flags.envFile, "env-file", "", "write shell export lines to this `file` when the server is ready")
	f.BoolVar(&flags.quiet, "quiet", false, "no log line for each request")
	_ = dev.RegisterFlagCompletionFunc("example", cobra.FixedCompletions(exampleNames(), cobra.ShellCompDirectiveNoFileComp))
	return dev
}

func exampleNames() []string {
	var names []string
	for _, e := range examples.All() {
		names = append(names, e.Name)
	}
	return names
}

func findExample(name string) (examples.Example, error) {
	example, ok := examples.Find(name)
	if !ok {
		return example, &usageError{fmt.Errorf("there is no example %q; there are: %s", name, strings.Join(exampleNames(), ", "))}
	}
	return example, nil
}

func runDev(ctx context.Context, flags devFlags, out, errOut io.Writer) (err error) {
	shown, err := findShown(flags)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", flags.listen)
	if err != nil {
		return listenError(flags.listen, err)
	}
	defer listener.Close()
	data, unlock, err := devData(flags.data, shown.name, errOut)
	if err != nil {
		return err
	}
	defer unlock()

	if flags.envFile != "" { // one of an earlier run tells of a server that is gone
		if err := os.Remove(flags.envFile); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("--env-file: %w", err)
		}
	}
	c, err := shown.at(listener.Addr(), data)
	if err != nil {
		return err
	}
	sealing := filepath.Join(data, "sealing.key")
	if err := keys.CreateSealFile(sealing); err != nil {
		return fmt.Errorf("make a sealing key: %w", err)
	}
	seal, err := keys.ReadSeal("file:"+sealing, os.LookupEnv)
	if err != nil {
		return err
	}
	level := slog.LevelInfo
	if flags.quiet {
		level = slog.LevelError
	}
	log, demo := slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: level})), shown.demo
	s, err := server.New(ctx, server.Options{
		Catalogue: c, Seal: seal, Mark: store.MarkDev, AnyHost: true, Demo: shown.api(), Now: time.Now, Random: rand.Reader,
		Log: log, Demonstration: demo.credentials(c), Personas: demo.personas, Member: &demo.member,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()

	admin, err := server.AdminSocket(data)
	if err != nil {
		return err
	}
	if flags.envFile != "" { // the listeners are open: whoever reads the file can connect
		if err := writeEnvFile(flags.envFile, demo.exports(c)); err != nil {
			return err
		}
	}
	demo.print(out, c, data)
	shown.follow(ctx, s, listener.Addr(), data, log)
	return serveAll(ctx,
		func(ctx context.Context) error { return s.Serve(ctx, listener, devHandler(s, demo.welcome(c))) },
		func(ctx context.Context) error { return s.Serve(ctx, admin, s.Admin()) },
	)
}

// devHandler is everything on one port: what a production server keeps apart
// lies under paths here, and the pages for people at the root.
func devHandler(s *server.Server, welcome http.Handler) http.Handler {
	public, operations := s.Handler(), s.Operations()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case slices.Contains([]string{"/metrics", "/healthz", "/readyz"}, r.URL.Path):
			operations.ServeHTTP(w, r)
		case r.URL.Path == "/" || strings.HasPrefix(r.URL.Path, "/assets/"):
			welcome.ServeHTTP(w, r)
		default:
			public.ServeHTTP(w, r)
		}
	})
}

// devBase is the URL that a listener is reached at. A listener on every address
// is reached at the first one that is not loopback.
func devBase(address net.Addr) (base string, loopback bool) {
	at := address.(*net.TCPAddr)
	ip := at.IP
	if ip.IsUnspecified() {
		known, _ := net.InterfaceAddrs()
		for _, a := range known {
			if network, ok := a.(*net.IPNet); ok && network.IP.IsGlobalUnicast() {
				ip = network.IP
				break
			}
		}
	}
	return "http://" + net.JoinHostPort(ip.String(), fmt.Sprint(at.Port)), at.IP.IsLoopback()
}

// listenError adds the cure.
func listenError(address string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w\nAnother program answers at %s already. --listen 127.0.0.1:0 picks a free port", err, address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%w\n%s is not an address of this machine. --listen 127.0.0.1:8080 is always one", err, address)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w\nPorts below 1024 need rights that this user has not. --listen 127.0.0.1:8080 needs none", err)
	}
	return &usageError{fmt.Errorf("--listen: %w\nWrite HOST:PORT, such as 127.0.0.1:8080", err)}
}

// devData picks the folder and takes its lock. The folder that nobody asked for
// gives way to a temporary one when another server runs in it.
func devData(asked, example string, errOut io.Writer) (string, func(), error) {
	folder := asked
	if folder == "" {
		folder = filepath.Join(userData(), "grantway", "dev", example)
	}
	unlock, err := lockFolder(folder)
	if err == nil {
		return folder, unlock, nil
	}
	if asked != "" {
		return "", nil, err
	}
	folder, temporary := os.MkdirTemp("", "grantway-dev-"+example+"-")
	if temporary != nil {
		return "", nil, errors.Join(err, temporary)
	}
	fmt.Fprintf(errOut, "%v; using %s, which goes when the server stops\n", err, folder)
	unlock, err = lockFolder(folder)
	if err != nil {
		return "", nil, err
	}
	return folder, func() {
		unlock()
		os.RemoveAll(folder)
	}, nil
}

// userData is the user's folder for data that programs keep.
func userData() string {
	if folder := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(folder) {
		return folder
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".local", "share")
	}
	return os.TempDir()
}

// writeEnvFile writes the file as a whole or not at all: who waits for it reads
// all of it.
func writeEnvFile(path string, lines []string) error {
	if err := disk.Write(path, []byte(strings.Join(lines, "\n")+"\n")); err != nil {
		return fmt.Errorf("--env-file: %w", err)
	}
	return nil
}

// randomise replaces credentials that anybody can read in a document.
func (d *demonstration) randomise(c *catalogue.Catalogue, random io.Reader) error {
	d.open = true
	for _, e := range c.Environments {
		id, err := secret.NewID(random, 20)
		if err != nil {
			return err
		}
		made, err := secret.New(e.Name, random)
		if err != nil {
			return err
		}
		d.clients[e.Name] = server.Credentials{ClientID: id, Secret: made}
		if p, ok := d.personas[e.Name]; ok {
			token, err := secret.NewAPIToken(e.Name, random)
			if err != nil {
				return err
			}
			if p, err = anew(p, e.Name, random); err != nil {
				return err
			}
			p.APIToken = token.Reveal()
			d.personas[e.Name] = p
		}
	}
	owner, err := anew(d.personas[catalogue.HomeName], catalogue.HomeName, random)
	if err != nil {
		return err
	}
	d.personas[catalogue.HomeName] = owner
	if d.member.Person, err = anew(d.member.Person, catalogue.HomeName, random); err != nil {
		return err
	}
	d.member.ID = d.member.Person.Name
	return nil
}

// anew gives a person a password that nobody can read anywhere, and a name of their
// own: the store knows that of an earlier run by another password.
func anew(p server.Persona, environment string, random io.Reader) (server.Persona, error) {
	id, err := secret.NewID(random, 8)
	if err != nil {
		return server.Persona{}, err
	}
	if p.Password, err = secret.New(environment, random); err != nil {
		return server.Persona{}, err
	}
	_, host, _ := strings.Cut(p.Email, "@")
	p.Name += "-" + strings.ToLower(id)
	p.Email = p.Name + "@" + host
	return p, nil
}
