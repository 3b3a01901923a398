package initbin

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
)

func TestBinaryOfAFreshClone(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]fstest.MapFS{
		"nothing": {"bin/.gitignore": {Data: []byte("*")}}, "an empty file": {"bin/frameinit": {}},
	} {
		if _, err := binary(files); !errors.Is(err, ErrMissing) {
			t.Errorf("%s: have %v, want %v", name, err, ErrMissing)
		}
	}
	if text, err := binary(fstest.MapFS{"bin/frameinit": {Data: []byte("x")}}); err != nil || string(text) != "x" {
		t.Errorf("have %q, error %v, want the binary", text, err)
	}
}

func TestInstall(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const want = "frameinit-2d711642b726" // Of the SHA-256 of "x".
	text := []byte("x")
	install1 := func() os.FileInfo {
		t.Helper()
		name, err := install(dir, text)
		if err != nil || name != want {
			t.Fatalf("have %q, error %v, want %s", name, err, want)
		}
		have, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(have) != "x" {
			t.Errorf("have %q, error %v, want x", have, err)
		}
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode() != 0o755 {
			t.Fatalf("have mode %v, error %v, want 0755", info.Mode(), err)
		}
		return info
	}
	first := install1()
	if again := install1(); !os.SameFile(first, again) {
		t.Error("an intact file was written again")
	}
	path := filepath.Join(dir, want)
	for name, damage := range map[string]func() error{
		"half":         func() error { return os.Truncate(path, 0) },
		"other text":   func() error { return os.WriteFile(path, []byte("y"), 0o755) },
		"not to start": func() error { return os.Chmod(path, 0o644) },
		"a link":       func() error { return errors.Join(os.Remove(path), os.Symlink("/dev/null", path)) },
	} {
		if err := damage(); err != nil {
			t.Fatal(name, err)
		}
		install1()
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("have %v, error %v, want nothing but frameinit", left, err)
	}
}

func TestInstallFails(t *testing.T) {
	t.Parallel()
	if _, err := install(filepath.Join(t.TempDir(), "missing"), []byte("x")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("have %v, want that the directory is missing", err)
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"frameinit-ours", "frameinit-used", "frameinit-old", ".frameinit-123", "rqd.sock"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	removed, err := Prune(dir, []string{"frameinit-ours", "frameinit-used", ""})
	if want := []string{"frameinit-old", ".frameinit-123"}; err != nil || !slices.Equal(removed, want) {
		t.Errorf("have %v (%v), want %v", removed, err, want)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 3 {
		t.Errorf("have %v (%v), want the two that are used, and the socket", left, err)
	}
}
