package enginetest

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"syscall"
)

// ProcessesNaming are the machine's processes that have text among their arguments, and the base names of their
// programs.
func ProcessesNaming(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		lines, _ := filepath.Glob("/proc/[0-9]*/cmdline") // The pattern is good.
		for _, l := range lines {
			line, _ := os.ReadFile(l) // It may have ended.
			program, args, _ := bytes.Cut(line, []byte{0})
			var pid int
			if n, _ := fmt.Sscanf(l, "/proc/%d", &pid); n != 1 || !bytes.Contains(args, []byte(text)) {
				continue
			}
			if !yield(pid, filepath.Base(string(program))) {
				return
			}
		}
	}
}

// UnmountBelow unmounts everything below dir, what was mounted last first.
func UnmountBelow(dir string) error {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	lines := bytes.Split(text, []byte("\n"))
	for i := len(lines) - 1; i >= 0; i-- {
		const mountPoint = 4
		fields := bytes.Fields(lines[i])
		if len(fields) > mountPoint && bytes.HasPrefix(fields[mountPoint], []byte(dir+"/")) {
			err = errors.Join(err, syscall.Unmount(string(fields[mountPoint]), syscall.MNT_DETACH))
		}
	}
	return err
}
