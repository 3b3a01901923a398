package main

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// mount is one line of mountinfo, as far as frameinit needs it.
type mount struct {
	root   string // Of the file system, what is mounted.
	point  string
	fstype string
	super  []string // Options of the file system; for cgroup v1, the controllers.
}

// readMounts reads those lines of the mountinfo below root that have one of the words: a host
// has many more, and only few are of interest.
func readMounts(root string, words ...string) ([]mount, error) {
	file, err := os.Open(filepath.Join(root, "proc/self/mountinfo"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var list []mount
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		for _, word := range words {
			if bytes.Contains(lines.Bytes(), []byte(word)) {
				list = append(list, parseMounts(lines.Bytes())...)
				break
			}
		}
	}
	return list, lines.Err()
}

// parseMounts reads the text of /proc/self/mountinfo. Lines that it does not understand are left out.
func parseMounts(text []byte) []mount {
	var list []mount
	for line := range bytes.Lines(text) {
		before, after, ok := strings.Cut(strings.TrimSpace(string(line)), " - ")
		fields, rest := strings.Fields(before), strings.Fields(after)
		if !ok || len(fields) < 6 || len(rest) < 3 {
			continue
		}
		list = append(list, mount{
			root: unescape(fields[3]), point: unescape(fields[4]),
			fstype: rest[0], super: strings.Split(rest[2], ","),
		})
	}
	return list
}

// mountOf finds the mount that path lies on: the deepest, and of those the last.
func mountOf(list []mount, path string) (mount, bool) {
	var best mount
	found := false
	for _, m := range list {
		if within(path, m.point) && (!found || len(m.point) >= len(best.point)) {
			best, found = m, true
		}
	}
	return best, found
}

// within says whether path is dir or below it.
func within(path, dir string) bool {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(dir, "/"))
	return ok && (rest == "" || rest[0] == '/')
}

// unescape undoes mountinfo's octal escapes of blanks and backslashes.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				out.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}
