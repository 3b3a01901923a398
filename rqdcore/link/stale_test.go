package link

import (
	"os"
	"path/filepath"
	"testing"

	"rqdswarm/internal/wire"
)

// TestStaleSockets listens where an earlier rqdcore died before its socket was in place.
func TestStaleSockets(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "link") //nolint:usetesting // Its paths are too long for a socket's.
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.WriteFile(filepath.Join(dir, wire.SocketName+".4711"), nil, 0o600))
	server, err := Listen(dir, Options{})
	must(t, err)
	t.Cleanup(func() { _ = server.Close() })
	files, err := os.ReadDir(dir)
	must(t, err)
	if len(files) != 1 || files[0].Name() != wire.SocketName {
		t.Errorf("have %v, want the socket alone", files)
	}
}
