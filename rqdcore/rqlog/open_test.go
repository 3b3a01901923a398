package rqlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"rqdswarm/rqdcore/frame"
)

func TestPath(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ dir, job, name, want string }{
		{"/shots/s1/logs", "job-a", "0001-beauty", "/shots/s1/logs/job-a.0001-beauty.rqlog"},
		{"/shots/s1/logs/", "job-a", "0001-beauty", "/shots/s1/logs/job-a.0001-beauty.rqlog"},
		{"/logs", "../../etc/x", "0001", "/logs/.._.._etc_x.0001.rqlog"},
	} {
		if have := Path(frame.Frame{LogDir: tt.dir, JobName: tt.job, Name: tt.name}); have != tt.want {
			t.Errorf("want %s, have %s", tt.want, have)
		}
	}
}

func TestCreateMakesDirectoriesAndModes(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	dir := filepath.Join(root, "show", "shot", "logs")
	mustCreate(t, filepath.Join(dir, "a.1.rqlog"))
	for path, want := range map[string]fs.FileMode{
		dir:                             fs.ModeDir | 0o777,
		filepath.Join(root, "show"):     fs.ModeDir | 0o777&^umask(t),
		filepath.Join(dir, "a.1.rqlog"): 0o666,
	} {
		if have := modeOf(t, path); have != want {
			t.Errorf("%s: want %v, have %v", path, want, have)
		}
	}

	// A directory that was there keeps its mode: it is the studio's.
	private := filepath.Join(root, "private")
	if err := os.Mkdir(private, 0o750); err != nil {
		t.Fatal(err)
	}
	mustCreate(t, filepath.Join(private, "a.1.rqlog"))
	if want, have := fs.ModeDir|0o750, modeOf(t, private); have != want {
		t.Errorf("existing directory: want %v, have %v", want, have)
	}
}

func TestCreateRotates(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.1.rqlog")
	for run := 1; run <= 17; run++ {
		f := mustCreate(t, path)
		fmt.Fprintf(f, "run %d", run)
	}
	want := map[string]string{"a.1.rqlog": "run 17", "a.1.rqlog.15": "run 16"}
	for n := 1; n <= 14; n++ {
		want["a.1.rqlog."+strconv.Itoa(n)] = "run " + strconv.Itoa(n)
	}
	assertFiles(t, filepath.Dir(path), want)
}

func TestCreateRotatesToTheSmallestFreeNumber(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"a.1.rqlog", "a.1.rqlog.1", "a.1.rqlog.3"} {
		write(t, filepath.Join(dir, name), name)
	}
	mustCreate(t, filepath.Join(dir, "a.1.rqlog"))
	assertFiles(t, dir, map[string]string{
		"a.1.rqlog": "", "a.1.rqlog.1": "a.1.rqlog.1", "a.1.rqlog.2": "a.1.rqlog", "a.1.rqlog.3": "a.1.rqlog.3",
	})
}

func TestReopenAppendsToWhatOthersWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.1.rqlog")
	first := mustCreate(t, path)
	second, err := Reopen(Request{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	for i, f := range []*os.File{first, second, first, second} {
		fmt.Fprintf(f, "%d", i)
	}
	assertFiles(t, filepath.Dir(path), map[string]string{"a.1.rqlog": "0123"})
}

func TestReopenMakesAVanishedLogAgain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "logs")
	path := filepath.Join(dir, "a.1.rqlog")
	mustCreate(t, path)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	f, err := Reopen(Request{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if want, have := fs.FileMode(0o666), modeOf(t, path); have != want {
		t.Errorf("mode: want %v, have %v", want, have)
	}
}

func TestDescriptorsBlockAndAppend(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.1.rqlog")
	created := mustCreate(t, path)
	reopened, err := Reopen(Request{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer reopened.Close()
	for name, f := range map[string]*os.File{"created": created, "reopened": reopened} {
		flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0)
		if err != nil {
			t.Fatal(err)
		}
		if flags&unix.O_APPEND == 0 || flags&unix.O_NONBLOCK != 0 {
			t.Errorf("%s: want O_APPEND without O_NONBLOCK, have %#o", name, flags)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "")
	write(t, filepath.Join(dir, "target"), "untouched")
	for _, err := range []error{
		os.Symlink("target", filepath.Join(dir, "link.rqlog")),
		os.Symlink("nowhere", filepath.Join(dir, "broken")),
		os.Symlink("circle", filepath.Join(dir, "circle")),
		os.Mkdir(filepath.Join(dir, "dir.rqlog"), 0o755),
		unix.Mkfifo(filepath.Join(dir, "fifo.rqlog"), 0o666),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	long := strings.Repeat("j", 250) + ".rqlog"
	for _, tt := range []struct {
		path string
		open func(Request) (*os.File, error)
		want string
	}{
		{"logs/a.rqlog", Create, "the log directory must be an absolute path"},
		{dir + "/file/a.rqlog", Create, dir + "/file is a file, not a directory"},
		{dir + "/file/b/c/a.rqlog", Create, dir + "/file is a file, not a directory"},
		{dir + "/file/b/c/a.rqlog", Reopen, dir + "/file is a file, not a directory"},
		{dir + "/broken/a.rqlog", Create, dir + "/broken exists, but is no directory"},
		{dir + "/circle/a.rqlog", Create, "it is a symbolic link, which RQD does not follow, or its directory is a circle of them"},
		{dir + "/link.rqlog", Reopen, "it is a symbolic link, which RQD does not follow, or its directory is a circle of them"},
		{dir + "/dir.rqlog", Reopen, "it is not a regular file"},
		{dir + "/fifo.rqlog", Reopen, "it is not a regular file"},
		{dir + "/" + long, Create, "the name is too long: 256 bytes and up to 3 for a rotated log's number, where file systems take 255"},
		{dir + "/a\x00b.rqlog", Create, "the path contains a NUL byte"},
	} {
		f, err := tt.open(Request{Path: tt.path, UID: 1500, GID: 20})
		if err == nil {
			f.Close()
		}
		assertProblem(t, err, tt.path, tt.want)
	}
	if have := read(t, filepath.Join(dir, "target")); have != "untouched" {
		t.Errorf("target of a link: want untouched, have %q", have)
	}
}

// A planted link is rotated away like any other log: root never writes through it.
func TestCreateDoesNotFollowAPlantedLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "target"), "untouched")
	if err := os.Symlink("target", filepath.Join(dir, "a.1.rqlog")); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(mustCreate(t, filepath.Join(dir, "a.1.rqlog")), "header")
	assertFiles(t, dir, map[string]string{"a.1.rqlog": "header", "a.1.rqlog.1": "untouched", "target": "untouched"})
}

func TestProblemNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	r := Request{Path: "/shots/logs/a.1.rqlog", UID: 1500, GID: 20}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{unix.EROFS, "the file system of /shots/logs is read-only"},
		{unix.ENOSPC, "no space left on the file system of /shots/logs"},
		{unix.EDQUOT, "the disk quota for /shots/logs is used up"},
		{unix.ESTALE, "/shots/logs is a stale file handle: it was removed on, or exported anew by, its file server"},
		{unix.EIO, "open: input/output error"},
		{fmt.Errorf("%w: %w", errComesBack, unix.EEXIST), "another process makes the log again as often as RQD rotates it away: the frame runs twice, or its job name is in use"},
		{errors.New("odd"), "open: odd"},
	} {
		err := explain(r, &fs.PathError{Op: "open", Path: r.Path, Err: tt.err})
		assertProblem(t, err, r.Path, tt.want)
		if !errors.Is(err, tt.err) {
			t.Errorf("%v: the cause is lost", err)
		}
	}
	if want, have := "odd", problem(r, errors.New("odd")); have != want {
		t.Errorf("want %q, have %q", want, have)
	}
}
