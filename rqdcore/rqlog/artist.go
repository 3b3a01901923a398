package rqlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// mayBeArtist says whether the call that failed with err is worth repeating as the artist.
func (r Request) mayBeArtist(err error) bool {
	return errors.Is(err, fs.ErrPermission) && r.hasArtist() && os.Geteuid() == 0
}

func (r Request) hasArtist() bool { return r.UID > 0 && r.GID > 0 }

// asArtist calls op with the artist's rights to files. An NFS server with root_squash takes
// root for nobody, but believes the uid, gid and groups that a request carries.
func asArtist[T any](r Request, op func(path string) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		// Never unlocked: the thread ends with this goroutine, and the identity with the thread.
		runtime.LockOSThread()
		var res result
		if res.err = becomeArtist(r); res.err == nil {
			res.value, res.err = op(r.Path)
		}
		done <- res
	}()
	res := <-done
	return res.value, res.err
}

// becomeArtist changes this thread only, and with the fsuid also its capabilities over files.
func becomeArtist(r Request) error {
	if err := unix.Setgroups(r.Groups); err != nil {
		return fmt.Errorf("take the artist's groups: %w", err)
	}
	if err := unix.Setfsgid(r.GID); err != nil {
		return fmt.Errorf("take the artist's gid: %w", err)
	}
	if err := unix.Setfsuid(r.UID); err != nil {
		return fmt.Errorf("take the artist's uid: %w", err)
	}
	// The calls report no failure; what they left behind does.
	gid, _ := unix.SetfsgidRetGid(-1)
	uid, _ := unix.SetfsuidRetUid(-1)
	if uid != r.UID || gid != r.GID {
		return fmt.Errorf("become the artist %d:%d: %w", r.UID, r.GID, unix.EPERM)
	}
	return nil
}
