package rqlog

import (
	"path/filepath"
	"strings"
)

// mountPoint is the longest mount point above path, from the text of /proc/self/mountinfo.
// It touches no file system, so it cannot hang; a symbolic link on the way is not seen.
func mountPoint(mountinfo, path string) string {
	path = filepath.Clean(path)
	longest := "/"
	for line := range strings.Lines(mountinfo) {
		const mountPointField = 4
		fields := strings.Fields(line)
		if len(fields) <= mountPointField {
			continue
		}
		point := unescape(fields[mountPointField])
		if len(point) > len(longest) && (path == point || strings.HasPrefix(path, point+"/")) {
			longest = point
		}
	}
	return longest
}

// unescape reads the kernel's octal spelling of blank, tab, newline and backslash.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}
