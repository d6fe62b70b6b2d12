package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// A Server is a PostgreSQL server in a temporary folder.
type Server struct {
	folder string
	bin    string              // the folder of PostgreSQL's programs
	as     *syscall.Credential // the user it runs as; nil: ours
	cmd    *exec.Cmd
	done   chan struct{} // closed when the process has ended
}

func start() (*Server, error) {
	bin, err := find()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "pg")
	if err != nil {
		return nil, err
	}
	s := &Server{folder: folder, bin: bin}
	if err := s.create(); err != nil {
		os.RemoveAll(folder)
		return nil, err
	}
	if err := s.Run(); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// find looks for PostgreSQL's programs where Debian puts them and in PATH.
func find() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			found = append(found, path)
		}
	}
	for _, path := range found {
		if _, err := os.Stat(filepath.Join(filepath.Dir(path), "postgres")); err == nil {
			return filepath.Dir(path), nil
		}
	}
	return "", errors.New("this test needs PostgreSQL: apt-get install -y postgresql")
}

func version(initdb string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(initdb))))
	return n
}

// create makes the cluster. PostgreSQL refuses to run as root, so root hands the
// folder to another user.
func (s *Server) create() error {
	if os.Geteuid() == 0 {
		who, err := user.Lookup("postgres")
		if err != nil {
			who, err = user.Lookup("nobody")
		}
		if err != nil {
			return err
		}
		uid, _ := strconv.Atoi(who.Uid)
		gid, _ := strconv.Atoi(who.Gid)
		s.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(s.folder, uid, gid); err != nil {
			return err
		}
	}
	// An order of words that is not that of bytes, as real servers have it.
	cmd := s.command("initdb", "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync",
		"--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.folder
	// Should the tests be killed, the server stops at once.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Pdeathsig: syscall.SIGQUIT}
	return cmd
}

// Address is the server's address, without a schema.
func (s *Server) Address() string {
	return "postgres://postgres@/postgres?host=" + url.QueryEscape(s.folder)
}

// Run starts the process, after Kill too, and returns once it answers.
func (s *Server) Run() error {
	if err := s.launch(); err != nil {
		return err
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		conn, err := pgx.Connect(ctx, s.Address())
		if err == nil {
			err = conn.Close(ctx)
			cancel()
			return err
		}
		cancel()
		if time.Now().After(deadline) {
			out, _ := os.ReadFile(filepath.Join(s.folder, "log"))
			return fmt.Errorf("PostgreSQL does not start: %w\n%s", err, out)
		}
		select {
		case <-s.done:
			// It does not start while a process of one that was killed is left.
			if err := s.launch(); err != nil {
				return err
			}
		default:
		}
	}
}

// launch starts the process.
func (s *Server) launch() error {
	log, err := os.OpenFile(filepath.Join(s.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := s.command("postgres", "-D", s.data(), "-k", s.folder, "-c", "listen_addresses=", "-c", "fsync=on",
		"-c", "shared_buffers=64MB", "-c", "max_connections=100")
	cmd.Stdout, cmd.Stderr = log, log
	s.cmd, s.done = cmd, make(chan struct{})
	started := make(chan error)
	go func() {
		// The signal at our death is tied to the thread, which must not end before.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
		}
		close(s.done)
	}()
	return <-started
}

// SignalAll sends a signal, such as SIGSTOP, to the server's processes: the first
// one, which lets connections in, and those that serve them.
func (s *Server) SignalAll(sig syscall.Signal) error {
	first := s.cmd.Process.Pid
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", first, first))
	if err != nil {
		return err
	}
	for _, field := range strings.Fields(string(children)) {
		child, err := strconv.Atoi(field)
		if err != nil {
			return err
		}
		// One that has ended meanwhile does not matter.
		if err := syscall.Kill(child, sig); err != nil && err != syscall.ESRCH {
			return err
		}
	}
	return s.cmd.Process.Signal(sig)
}

// Kill ends the server as a crash would: no process of it writes anything more.
func (s *Server) Kill() {
	s.cmd.Process.Signal(syscall.SIGKILL)
	<-s.done
	// What it leaves behind belongs to the processes that are ending now.
	time.Sleep(100 * time.Millisecond)
}

func (s *Server) stop() {
	if s.cmd != nil {
		s.cmd.Process.Signal(syscall.SIGQUIT)
		select {
		case <-s.done:
		case <-time.After(30 * time.Second):
			s.Kill()
		}
	}
	os.RemoveAll(s.folder)
}
