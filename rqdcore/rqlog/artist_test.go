package rqlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	artistUID   = 61500
	artistGID   = 61020
	artistGroup = 61400
)

// The tests of this file play a server with root_squash: on one thread, root loses its power
// over other people's files.

func TestCreateAsTheArtistWhereRootMayNot(t *testing.T) {
	t.Parallel()
	home := dirOf(t, 0o700, artistUID, artistGID)
	r := Request{Path: filepath.Join(home, "show", "logs", "a.1.rqlog"), UID: artistUID, GID: artistGID}
	for _, text := range []string{"first", "second"} {
		squashed(t, func() error {
			f, err := Create(r)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteString(text)
			return err
		})
	}
	squashed(t, func() error {
		f, err := Reopen(r)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = f.WriteString(" footer")
		return err
	})
	assertFiles(t, filepath.Dir(r.Path), map[string]string{"a.1.rqlog": "second footer", "a.1.rqlog.1": "first"})
	for _, path := range []string{r.Path, filepath.Dir(r.Path)} {
		if uid, gid := owner(t, path); uid != artistUID || gid != artistGID {
			t.Errorf("%s: want owner %d:%d, have %d:%d", path, artistUID, artistGID, uid, gid)
		}
	}
	if want, have := fs.ModeDir|0o777, modeOf(t, filepath.Dir(r.Path)); have != want {
		t.Errorf("log directory: want %v, have %v", want, have)
	}
}

func TestCreateByTheArtistsGroups(t *testing.T) {
	t.Parallel()
	project := dirOf(t, 0o070, artistUID+1, artistGroup)
	r := Request{Path: filepath.Join(project, "a.1.rqlog"), UID: artistUID, GID: artistGID}
	squashed(t, func() error {
		if _, err := Create(r); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("without the group: want a permission error, have %v", err)
		}
		r.Groups = []int{artistGroup}
		f, err := Create(r)
		if err != nil {
			return err
		}
		return f.Close()
	})
}

func TestCreateSaysWhoWasRefused(t *testing.T) {
	t.Parallel()
	dir := dirOf(t, 0o500, artistUID, artistGID)
	path := filepath.Join(dir, "a.1.rqlog")
	squashed(t, func() error {
		_, err := Create(Request{Path: path, UID: artistUID, GID: artistGID})
		assertProblem(t, err, path, "permission denied in "+dir+" for RQD (uid 0) and for the artist (uid 61500, gid 61020)")
		_, err = Create(Request{Path: path})
		assertProblem(t, err, path, "permission denied in "+dir+" for RQD (uid 0)")
		return nil
	})
}

// The artist's identity must not leak into threads that other frames use.
func TestArtistsThreadIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	needRoot(t)
	whoAmI := func(string) (int, error) {
		uid, err := unix.SetfsuidRetUid(-1)
		return uid, err
	}
	for range 50 {
		if uid, err := asArtist(Request{UID: artistUID, GID: artistGID}, whoAmI); err != nil || uid != artistUID {
			t.Fatalf("as the artist: want fsuid %d, have %d (%v)", artistUID, uid, err)
		}
		seen := make(chan int)
		go func() {
			uid, _ := whoAmI("")
			seen <- uid
		}()
		if uid := <-seen; uid != 0 {
			t.Fatalf("another goroutine: want fsuid 0, have %d", uid)
		}
	}
	groups, err := os.Getgroups()
	if err != nil || slices.Contains(groups, artistGroup) {
		t.Errorf("groups of the process: have %v (%v)", groups, err)
	}
}

func TestLookAtLogOfTheArtist(t *testing.T) {
	t.Parallel()
	home := dirOf(t, 0o700, artistUID, artistGID)
	r := Request{Path: filepath.Join(home, "a.1.rqlog"), UID: artistUID, GID: artistGID}
	write(t, r.Path, "12345")
	squashed(t, func() error {
		found, err := lookAt(r)
		if err == nil && found.size != 5 {
			t.Errorf("size: want 5, have %d", found.size)
		}
		return err
	})
}

func TestCreateOnReadOnlyAndFullFileSystems(t *testing.T) {
	t.Parallel()
	needRoot(t)
	for _, tt := range []struct{ name, options, want string }{
		{"read-only", "ro", "the file system of %s is read-only"},
		{"full", "nr_inodes=1", "no space left on the file system of %s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "a.1.rqlog")
			var refused, have error
			onThread(t, func() error {
				if refused = mountHere(dir, tt.options); refused == nil {
					_, have = Create(Request{Path: path, UID: artistUID, GID: artistGID})
				}
				return nil
			})
			if refused != nil {
				t.Skipf("a mount of one's own is not allowed here: %v", refused)
			}
			assertProblem(t, have, path, fmt.Sprintf(tt.want, dir))
		})
	}
}

// mountHere mounts a tmpfs that only this thread sees.
func mountHere(dir, options string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	flags := uintptr(0)
	if options == "ro" {
		flags, options = unix.MS_RDONLY, ""
	}
	return unix.Mount("tmpfs", dir, "tmpfs", flags, options)
}

// squashed runs fn on a thread of root's that has no power over other people's files.
func squashed(t *testing.T, fn func() error) {
	t.Helper()
	onThread(t, func() error {
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var caps [2]unix.CapUserData
		if err := unix.Capget(&header, &caps[0]); err != nil {
			return err
		}
		for _, c := range []uint{unix.CAP_DAC_OVERRIDE, unix.CAP_DAC_READ_SEARCH, unix.CAP_FOWNER} {
			caps[0].Effective &^= 1 << c
		}
		if err := unix.Capset(&header, &caps[0]); err != nil {
			return err
		}
		return fn()
	})
}

// onThread runs fn on a thread that ends with it.
func onThread(t *testing.T, fn func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := errors.New("the test's goroutine ended early")
		defer func() { done <- err }()
		err = fn()
	}()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func dirOf(t *testing.T, mode fs.FileMode, uid, gid int) string {
	t.Helper()
	needRoot(t)
	parent := t.TempDir()
	dir := filepath.Join(parent, "dir")
	for _, err := range []error{
		os.Chmod(filepath.Dir(parent), 0o755), // Go makes it for the caller only.
		os.Chmod(parent, 0o755),
		os.Mkdir(dir, 0o755), os.Chmod(dir, mode), os.Chown(dir, uid, gid),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root has privileges to drop")
	}
}

func owner(t *testing.T, path string) (uid, gid int) {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return int(st.Uid), int(st.Gid)
}
