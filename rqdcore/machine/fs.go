package machine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// FS is the root below which proc, sys and the temporary directory lie; "/" on a real machine.
type FS string

// path is an absolute path of the machine, as it is found here.
func (fs FS) path(name string) string { return filepath.Join(string(fs), name) }

// read returns the content of a file of the machine.
func (fs FS) read(name string) ([]byte, error) {
	return os.ReadFile(fs.path(name)) // #nosec G304 -- names are ours.
}

// line returns the one line that files of /sys hold.
func (fs FS) line(name string) (string, error) {
	text, err := fs.read(name)
	return strings.TrimSpace(string(text)), err
}

// parsed reads a file and says in an error which one could not be understood.
func parsed[T any](fs FS, name string, parse func([]byte) (T, error)) (T, error) {
	var none T
	text, err := fs.read(name)
	if err != nil {
		return none, err
	}
	v, err := parse(text)
	if err != nil {
		return none, fmt.Errorf("read %s: %w", fs.path(name), err)
	}
	return v, nil
}
