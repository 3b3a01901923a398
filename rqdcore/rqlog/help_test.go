package rqlog

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func assertProblem(t *testing.T, err error, path, want string) {
	t.Helper()
	var open *OpenError
	if !errors.As(err, &open) {
		t.Errorf("%s: want an OpenError, have %v", path, err)
		return
	}
	if open.Path != path || open.Problem != want {
		t.Errorf("%s: want %q, have %q of %s", path, want, open.Problem, open.Path)
	}
}

func mustCreate(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := Create(Request{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func assertFiles(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]string{}
	for _, e := range entries {
		have[e.Name()] = read(t, filepath.Join(dir, e.Name()))
	}
	var wantNames, haveNames []string
	for name := range want {
		wantNames = append(wantNames, name)
	}
	for name := range have {
		haveNames = append(haveNames, name)
	}
	slices.Sort(wantNames)
	slices.Sort(haveNames)
	if !slices.Equal(wantNames, haveNames) {
		t.Errorf("files: want %v, have %v", wantNames, haveNames)
	}
	for name, text := range want {
		if have[name] != text {
			t.Errorf("%s: want %q, have %q", name, text, have[name])
		}
	}
}

func modeOf(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

// umask reads the process's without changing it.
func umask(t *testing.T) fs.FileMode {
	t.Helper()
	for line := range strings.Lines(read(t, "/proc/self/status")) {
		if text, found := strings.CutPrefix(line, "Umask:"); found {
			mask, err := strconv.ParseUint(strings.TrimSpace(text), 8, 32)
			if err != nil {
				t.Fatal(err)
			}
			return fs.FileMode(mask)
		}
	}
	t.Fatal("no Umask in /proc/self/status")
	return 0
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
