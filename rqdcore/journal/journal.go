// Package journal keeps small JSON documents, one file each, that survive any death of the
// process or the machine: a document is either whole on the disk or not there.
//
// Two directories of the state volume use it: frames (what was promised to Cuebot) and
// outbox (what is owed to Cuebot). No file outlives its frame, and nothing expires by age.
package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

const (
	suffix    = ".json"
	setAside  = ".unreadable"
	temporary = ".tmp"
)

// Dir is one directory of documents. Its methods may be called from several goroutines as
// long as each document has one writer at a time.
type Dir struct {
	path  string
	fresh bool
	fault error
}

// Open makes the directory if needed and tries whether it can be written durably. On a disk that is full or read-only
// the directory can be used all the same: Fault says what is wrong, what it has can be loaded, and Put fails for as
// long as the disk does. The directory's parent has to be there.
func Open(path string) (*Dir, error) {
	_, lookup := os.Stat(path)
	d := &Dir{path: path, fresh: errors.Is(lookup, fs.ErrNotExist)}
	const probe = "write-test"
	err := d.Put(probe, struct{}{})
	if err == nil {
		err = d.Delete(probe)
	}
	if passes(err) {
		d.fault, err = err, nil
	}
	return d, err
}

// passes says whether err is the disk's, and may be over without anybody changing what RQD was told.
func passes(err error) bool {
	return slices.ContainsFunc([]error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO},
		func(fault error) bool { return errors.Is(err, fault) })
}

// Fault is why Open could not write; nil when it could.
func (d *Dir) Fault() error { return d.fault }

// Path is where the documents lie.
func (d *Dir) Path() string { return d.path }

// Fresh says that there was no directory when Open looked: an earlier one, if there was any, is lost.
func (d *Dir) Fresh() bool { return d.fresh }

// AsideError is a document that was set aside.
type AsideError struct {
	Name string // As Load gives it.
	Err  error
}

func (e *AsideError) Error() string {
	return fmt.Sprintf("journal document %s set aside as %[1]s%s: %v", e.Name+suffix, setAside, e.Err)
}

func (e *AsideError) Unwrap() error { return e.Err }

// Put writes the document name, replacing an older one, and returns when it is on the disk.
func (d *Dir) Put(name string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode journal document %s: %w", name, err)
	}
	if err := d.replace(name, raw); err != nil {
		return fmt.Errorf("write journal document %s: %w", name, err)
	}
	return nil
}

func (d *Dir) replace(name string, raw []byte) error {
	if err := os.Mkdir(d.path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	final := d.file(name)
	if err := writeSynced(final+temporary, raw); err != nil {
		_ = os.Remove(final + temporary) // The write's error says what is wrong.
		return err
	}
	if err := os.Rename(final+temporary, final); err != nil {
		return err
	}
	return d.sync()
}

// Delete removes the document; one that is not there is no error. It returns when the removal is on the disk.
func (d *Dir) Delete(name string) error {
	if err := os.Remove(d.file(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete journal document %s: %w", name, err)
	}
	if err := d.sync(); err != nil {
		return fmt.Errorf("delete journal document %s: %w", name, err)
	}
	return nil
}

// Load calls take for every document in the order of their file names; name is the file's, in
// which unusual characters of the document's own are escaped. A document that take
// refuses is set aside under another name, never deleted, and reported in aside; the rest goes on.
func (d *Dir) Load(take func(name string, raw []byte) error) (aside []error, err error) {
	entries, err := os.ReadDir(d.path)
	if errors.Is(err, fs.ErrNotExist) && d.fault != nil {
		return nil, nil // It could not be made yet.
	}
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	for _, e := range entries {
		name, isDocument := strings.CutSuffix(e.Name(), suffix)
		switch {
		case strings.HasSuffix(e.Name(), temporary):
			_ = os.Remove(filepath.Join(d.path, e.Name())) // A write that never finished was never promised.
		case isDocument:
			if err := d.loadOne(e.Name(), func(raw []byte) error { return take(name, raw) }); err != nil {
				aside = append(aside, &AsideError{name, err})
			}
		}
	}
	return aside, nil
}

func (d *Dir) loadOne(base string, take func([]byte) error) error {
	file := filepath.Join(d.path, base)
	raw, err := os.ReadFile(file)
	if err == nil {
		err = take(raw)
	}
	if err == nil {
		return nil
	}
	if rename := os.Rename(file, file+setAside); rename != nil {
		err = errors.Join(err, rename)
	}
	return err
}

func (d *Dir) file(name string) string { return filepath.Join(d.path, escape(name)+suffix) }

func (d *Dir) sync() error {
	f, err := os.Open(d.path)
	if err != nil {
		return err
	}
	defer f.Close()
	// Some network file systems cannot sync a directory; there the rename is already durable.
	if err := f.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}

func writeSynced(path string, raw []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// escape makes any id safe as a file name: ids come from the network.
func escape(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02x", name[i])
	}
	return b.String()
}
