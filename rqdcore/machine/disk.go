package machine

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// space is a file system's size, in KiB.
type space struct{ total, free int64 }

// tempPath is /mcp/ where studios have such a directory, else the temporary directory; with a slash at its end.
func tempPath(fs FS, tempDir string) string {
	if info, err := os.Stat(fs.path("/mcp")); err == nil && info.IsDir() {
		return "/mcp/"
	}
	if tempDir == "" {
		tempDir = "/tmp"
	}
	return strings.TrimRight(tempDir, "/") + "/"
}

// spaceOf measures the file system of a directory. Cuebot puts a host without any space into
// REPAIR, so a file system that does not tell its size gives way to the root's.
func spaceOf(fs FS, dir string) (space, error) {
	var errs []error
	for _, name := range []string{dir, "/"} {
		var st syscall.Statfs_t
		if err := syscall.Statfs(fs.path(name), &st); err != nil {
			errs = append(errs, fmt.Errorf("measure %s: %w", name, err))
			continue
		}
		fragment := st.Frsize
		if fragment == 0 {
			fragment = st.Bsize
		}
		// #nosec G115 -- file systems are smaller than 8 EiB.
		s := space{total: int64(st.Blocks) * fragment / 1024, free: int64(st.Bavail) * st.Bsize / 1024}
		if s.total > 0 {
			return s, nil
		}
		errs = append(errs, fmt.Errorf("measure %s: file system has no size", name))
	}
	return space{}, errors.Join(errs...)
}
