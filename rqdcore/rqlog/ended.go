package rqlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// footerReach is how far from the end of a log its footer begins at most.
const footerReach = 256 << 10

// Ended says whether the log at path ends with a footer. An RQD that takes over a frame asks:
// the one before may have died after it wrote the footer, or before it made a log for the
// frame's new run, in which case this is still that of the last one. No log has no footer.
func Ended(path string) (bool, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for footer: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, fmt.Errorf("look for footer: %w", err)
	}
	if !info.Mode().IsRegular() {
		return false, fmt.Errorf("look for footer of %s: %w", path, errNotRegular)
	}
	from := max(0, info.Size()-footerReach)
	tail, err := io.ReadAll(io.NewSectionReader(f, from, footerReach))
	if err != nil {
		return false, fmt.Errorf("look for footer: %w", err)
	}
	return bytes.HasSuffix(tail, []byte(lineOfLimit+"\n")) && bytes.Contains(tail, []byte(footerHead)), nil
}
