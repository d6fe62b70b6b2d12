package server

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// SocketPath is where the server of a data folder listens for its own machine's
// command line. A path that the system would find too long for a socket gives
// way to one in the folder for temporary files.
func SocketPath(data string) string {
	path, err := filepath.Abs(filepath.Join(data, "admin.sock"))
	const longest = 100 // bytes; the systems allow 103 to 107
	if err == nil && len(path) <= longest {
		return path
	}
	sum := sha256.Sum256([]byte(path))
	return filepath.Join(os.TempDir(), "grantway-"+hex.EncodeToString(sum[:8])+".sock")
}

// AdminSocket listens for the command line. Only the user that the server runs
// as can connect. The caller holds the lock of the data folder, so a socket that
// is there already was left by a server that is gone.
func AdminSocket(data string) (net.Listener, error) {
	path := SocketPath(data)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	// The mode is set before anybody can connect, not after.
	old := syscall.Umask(0o177)
	defer syscall.Umask(old)
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	return l, nil
}
