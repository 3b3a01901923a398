// Package single keeps two RQDs from being one host at the same time: each would adopt, and
// report as its own, what the other one runs.
package single

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Claim is what only one RQD may have. The kernel gives it back when the process dies, however it dies.
type Claim struct {
	lock   *os.File
	socket net.Listener
}

// Identity names the RQD that there may be only one of.
type Identity struct {
	HostName string
	Engine   string // The engine's address.
	StateDir string
}

const (
	// patience is for an RQD that is just ending: its successor may be started a moment early.
	patience = 3 * time.Second
	retry    = 100 * time.Millisecond
)

// ErrTaken means that another RQD is alive that is the same host.
var ErrTaken = errors.New("another RQD is running")

// Take claims the state directory, and the host name on this engine, for this process. The
// first guards against two RQDs on one volume, the second against two that know nothing of
// each other: RQDs on the host's network see each other's abstract sockets.
func Take(ctx context.Context, id Identity) (*Claim, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		claim, err := take(id)
		if !errors.Is(err, ErrTaken) {
			return claim, err
		}
		select {
		case <-time.After(retry):
		case <-ctx.Done():
			return nil, err
		}
	}
}

func take(id Identity) (*Claim, error) {
	lock, err := openLock(id.StateDir)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w on the state directory %s: stop it first", ErrTaken, id.StateDir)
		}
		return nil, fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	socket, err := net.Listen("unix", socketName(id))
	if err != nil {
		_ = lock.Close()
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("%w as host %q on the engine %s: stop it, or give this one another OVERRIDE_HOSTNAME",
				ErrTaken, id.HostName, id.Engine)
		}
		return nil, fmt.Errorf("claim host name %q: %w", id.HostName, err)
	}
	return &Claim{lock: lock, socket: socket}, nil
}

// openLock opens what is locked: a file, which some network file systems want to be open for writing. On a disk that
// is full or read-only reading has to do, and the directory where no earlier RQD has left the file.
func openLock(dir string) (*os.File, error) {
	path := filepath.Join(dir, "rqd.lock")
	lock, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	for _, instead := range []string{path, dir} {
		if err == nil {
			break
		}
		if readable, failed := os.Open(instead); failed == nil {
			lock, err = readable, nil
		}
	}
	return lock, err
}

// socketName is abstract, and hashed: socket names have to be short and host names need not be.
func socketName(id Identity) string {
	sum := sha256.Sum256([]byte(id.Engine + "\x00" + id.HostName))
	return "@rqdswarm-" + hex.EncodeToString(sum[:16])
}

// Close gives the claim back.
func (c *Claim) Close() error { return errors.Join(c.socket.Close(), c.lock.Close()) }
