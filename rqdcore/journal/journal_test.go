package journal_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rqdswarm/rqdcore/journal"
)

type doc struct{ Text string }

func open(t *testing.T) *journal.Dir {
	t.Helper()
	d, err := journal.Open(filepath.Join(t.TempDir(), "frames"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func load(t *testing.T, d *journal.Dir) (map[string]string, []error) {
	t.Helper()
	have := make(map[string]string)
	aside, err := d.Load(func(name string, raw []byte) error {
		var v doc
		if err := json.Unmarshal(raw, &v); err != nil {
			return err
		}
		have[name] = v.Text
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return have, aside
}

func TestDocumentsSurvive(t *testing.T) {
	t.Parallel()
	d := open(t)
	for _, v := range []doc{{"first"}, {"second"}} {
		if err := d.Put("frame-1", v); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Put("frame-2", doc{"other"}); err != nil {
		t.Fatal(err)
	}
	if err := d.Delete("frame-2"); err != nil {
		t.Fatal(err)
	}
	if err := d.Delete("frame-2"); err != nil {
		t.Errorf("delete of what is gone: %v", err)
	}
	again, err := journal.Open(d.Path())
	if err != nil {
		t.Fatal(err)
	}
	have, aside := load(t, again)
	if len(have) != 1 || have["frame-1"] != "second" || len(aside) != 0 {
		t.Errorf("have %v and %v set aside, want only frame-1 with its second text", have, aside)
	}
}

func TestUnreadableIsSetAside(t *testing.T) {
	t.Parallel()
	d := open(t)
	if err := d.Put("good", doc{"kept"}); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(d.Path(), "broken.json")
	unfinished := filepath.Join(d.Path(), "half.json.tmp")
	for _, path := range []string{broken, unfinished} {
		if err := os.WriteFile(path, []byte(`{"Text": "trunc`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	have, aside := load(t, d)
	if len(have) != 1 || have["good"] != "kept" {
		t.Errorf("have %v, want the good document only", have)
	}
	if len(aside) != 1 || !strings.Contains(aside[0].Error(), "broken") {
		t.Errorf("have %v, want one word about the broken document", aside)
	}
	if raw, err := os.ReadFile(broken + ".unreadable"); err != nil || len(raw) == 0 {
		t.Errorf("broken document not kept: %v", err)
	}
	if _, err := os.Stat(unfinished); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("unfinished write still there: %v", err)
	}
}

// TestNamesStayInside gives ids as they may come from the network.
func TestNamesStayInside(t *testing.T) {
	t.Parallel()
	d := open(t)
	for _, name := range []string{"../outside", "a/b", "new\nline", "nul\x00", ".", "..", "ünïcode"} {
		if err := d.Put(name, doc{name}); err != nil {
			t.Errorf("put %q: %v", name, err)
		}
	}
	have, _ := load(t, d)
	if len(have) != 7 {
		t.Errorf("have %d documents, want 7", len(have))
	}
	entries, err := os.ReadDir(filepath.Dir(d.Path()))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the journal: have %v (%v), want nothing", entries, err)
	}
}

// TestDiskThatCannotBeWritten opens a journal on a disk that is read-only: what it has is read, and nothing else goes wrong.
func TestDiskThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("mounts need root")
	}
	disk := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=1m"))
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	before, err := journal.Open(filepath.Join(disk, "frames"))
	must(err)
	must(before.Put("frame-1", doc{"kept"}))
	must(syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	d, err := journal.Open(before.Path())
	must(err)
	missing, err := journal.Open(filepath.Join(disk, "outbox"))
	must(err)
	if have, _ := load(t, d); have["frame-1"] != "kept" || d.Fresh() || d.Fault() == nil {
		t.Errorf("have %v, fresh %t, fault %v, want the document and the disk's fault", have, d.Fresh(), d.Fault())
	}
	if have, _ := load(t, missing); len(have) != 0 || !missing.Fresh() {
		t.Errorf("have %v, fresh %t, want nothing, and a journal that is not there", have, missing.Fresh())
	}
	if err := missing.Put("frame-2", doc{"new"}); !errors.Is(err, syscall.EROFS) {
		t.Errorf("put: have %v, want %v", err, syscall.EROFS)
	}
	must(syscall.Mount("", disk, "", syscall.MS_REMOUNT, ""))
	must(missing.Put("frame-2", doc{"new"}))
	if have, _ := load(t, missing); have["frame-2"] != "new" {
		t.Errorf("have %v, want what was put after the disk was writable again", have)
	}
}

func TestOpenRefusesWhatCannotBeWritten(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Open(filepath.Join(file, "frames")); err == nil {
		t.Error("opened a journal below a file")
	}
}
