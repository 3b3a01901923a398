package suite

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"rqdswarm/rqdcore/cuepb/rqdpb"
)

// logContract is check 25.
func logContract(s *Stage) {
	const runs, kept = 17, 15
	f := s.order("")
	f.LogDir = filepath.Join(s.dir, "missing", "as", "well")
	for n := 1; n <= runs; n++ {
		f = again(f)
		f.Command = fmt.Sprintf("echo run %d; head -c 3000 /dev/urandom; echo", n)
		s.launch(f)
		s.wantExit("each run", s.ended(f, patience), 0, 0)
	}
	base := logPath(f)
	files, _ := filepath.Glob(filepath.Join(f.GetLogDir(), "*"))
	if len(files) != kept+1 {
		s.Errorf("have %d files after %d runs, want the log and %d older ones", len(files), runs, kept)
	}
	for _, path := range files {
		suffix, _ := strings.CutPrefix(path, base)
		run := runs
		if n, err := strconv.Atoi(strings.TrimPrefix(suffix, ".")); err == nil && n >= 1 && n <= kept {
			run = n
			if n == kept {
				run = runs - 1 // Overwritten from there on.
			}
		} else if suffix != "" {
			s.Errorf("beside the log lies %s, want numbers only: CueGUI hides all old logs otherwise", filepath.Base(path))
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), fmt.Sprintf("\nrun %d\n", run)) {
			s.Errorf("%s is not the log of run %d (%v)", filepath.Base(path), run, err)
		}
		if !utf8.Valid(text) {
			s.Errorf("%s is not UTF-8", filepath.Base(path))
		}
	}
	s.wantHeader(f)
	s.wantFooter(f)
	if info, err := os.Stat(f.GetLogDir()); err == nil && info.Mode().Perm() != 0o777 {
		s.Errorf("the log directory has mode %v, want rwxrwxrwx", info.Mode().Perm())
	}
}

// limit is the line of 59 equals signs around header and footer.
const limit = "==========================================================="

func (s *Stage) wantHeader(f *rqdpb.RunFrame) {
	lines := strings.Split(s.log(f), "\n")
	if len(lines) < 5 || lines[0] != limit || !regexp.MustCompile(`^RenderQ JobSpec      \S{3} \S{3} [ \d]\d \d\d:\d\d:\d\d \d{4} $`).MatchString(lines[1]) || lines[2] != "" {
		s.Fatalf("the header begins %q", lines[:min(len(lines), 4)])
	}
	at := 3
	for _, key := range []string{"proxy", "command", "uid", "gid", "logDestination", "cwd", "renderHost", "jobId", "frameId", "env"} {
		value, ok := strings.CutPrefix(lines[at], fmt.Sprintf("%-21s", key))
		if !ok {
			s.Errorf("header line %d is %q, want the key %s in 21 columns", at+1, lines[at], key)
		}
		want := map[string]string{
			"command": f.GetCommand(), "uid": "1500", "gid": "0", "logDestination": logPath(f), "renderHost": s.name,
			"jobId": f.GetJobId(), "frameId": f.GetFrameId(),
		}[key]
		if want != "" && value != want {
			s.Errorf("header: %s is %q, want %q", key, value, want)
		}
		at++
	}
	var env []string
	for _, line := range lines {
		if v, ok := strings.CutPrefix(line, fmt.Sprintf("%-21s", "env")); ok {
			env = append(env, strings.SplitN(v, "=", 2)[0])
		}
	}
	if !slices.IsSorted(env) || !slices.Contains(env, "CUE_THREADS") {
		s.Errorf("the header's environment is not sorted or not complete: %v", env)
	}
}

func (s *Stage) wantFooter(f *rqdpb.RunFrame) {
	text := s.log(f)
	_, footer, ok := strings.Cut(text, "\n"+limit+"\nRenderQ Job Complete\n\n")
	if !ok {
		s.Fatalf("the log has no footer: %s", tail(text))
	}
	at := 0
	for _, key := range []string{
		"exitStatus          0\n", "exitSignal          0\n", "startTime           ", "endTime             ", "maxrss              ",
		"maxUsedGpuMemory    ", "utime               ", "stime               ", "renderhost          ", "maxrss (KB)         ", limit + "\n",
	} {
		i := strings.Index(footer[at:], key)
		if i < 0 {
			s.Errorf("the footer has no %q at its place: %q", key, footer)
			return
		}
		at += i + len(key)
	}
}

// logTrouble is check 26.
func logTrouble(s *Stage) {
	var parts sync.WaitGroup
	for _, part := range []func(){s.fullDisk, s.readOnlyLogs, s.removedLogs, s.failingLoki} {
		parts.Go(func() { s.perform(part) })
	}
	parts.Wait()
}

func (s *Stage) fullDisk() {
	dir := filepath.Join(s.dir, "small")
	if !s.mount(dir, "tmpfs", 0, "size=256k,mode=777") {
		return
	}
	f := s.order("head -c 2000000 /dev/zero | tr '\\0' x | fold; sleep 1; exit 4", func(f *rqdpb.RunFrame) { f.LogDir = dir })
	s.launch(f)
	s.wantExit("a full disk", s.ended(f, patience), 4, 0)
}

func (s *Stage) readOnlyLogs() {
	f := s.order("echo begun; sleep 2; echo more; sleep 1; exit 5")
	s.launch(f)
	s.logs(f, "begun\n")
	dir := f.GetLogDir()
	if err := unix.Mount(dir, dir, "", unix.MS_BIND, ""); err != nil {
		s.Notef("a log directory that becomes read-only: %v", err)
		return
	}
	s.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	if err := unix.Mount("", dir, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		s.Notef("a log directory that becomes read-only: %v", err)
		return
	}
	s.wantExit("a log directory that becomes read-only", s.ended(f, patience), 5, 0)
}

func (s *Stage) removedLogs() {
	f := s.order("echo begun; sleep 1; echo more; sleep 1; exit 6")
	s.launch(f)
	s.logs(f, "begun\n")
	if err := os.RemoveAll(f.GetLogDir()); err != nil {
		s.Errorf("remove the log directory: %v", err)
	}
	s.wantExit("a log directory that vanishes", s.ended(f, patience), 6, 0)
}

// failingLoki is a Loki that is ready, takes the first lines, and fails from then on.
func (s *Stage) failingLoki() {
	var pushes atomic.Int64
	address := s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // Only that it came counts.
		switch {
		case !strings.HasSuffix(r.URL.Path, "/push"):
			w.WriteHeader(http.StatusOK)
		case pushes.Add(1) == 1:
			w.WriteHeader(http.StatusNoContent)
		default:
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	f := s.order("i=0; while [ $i -lt 8 ]; do i=$((i+1)); echo line $i; sleep 0.5; done; exit 7", func(f *rqdpb.RunFrame) { f.LokiUrl = "http://" + address })
	s.launch(f)
	s.wantExit("a Loki that fails", s.ended(f, 2*patience), 7, 0)
	if pushes.Load() < 2 {
		s.Errorf("Loki got %d pushes, want some before it failed and some after", pushes.Load())
	}
}

// mount mounts a file system until the check is over. Where that is not allowed the part is left out.
func (s *Stage) mount(dir, kind string, flags uintptr, data string) bool {
	err := os.MkdirAll(dir, 0o777) // #nosec G301 -- as a studio's.
	if err = errors.Join(err, unix.Mount(kind, dir, kind, flags, data)); err != nil {
		s.Notef("a full disk: %v", err)
		return false
	}
	s.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return true
}

// logLimit is check 27.
func logLimit(s *Stage) {
	const most = 1000000
	f := s.launch(s.order("yes 'a line of output of a frame that says too much' | head -c 50000000; sleep 60"))
	s.wantExit("a log beyond its limit", s.ended(f, patience), 287, 0)
	text := s.log(f)
	if len(text) > most*3/2 {
		s.Errorf("the log has %d bytes, want little more than the limit of %d", len(text), most)
	}
	if end := text[max(0, len(text)-3000):]; !strings.Contains(end, strconv.Itoa(most)) || !strings.Contains(end, "RenderQ Job Complete") {
		s.Errorf("the log does not tell of its limit, or has no footer: %s", tail(text))
	}
	s.gone(removal)
	s.sleep(500 * time.Millisecond)
	s.wantOnce(f)
}
