package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"rqdswarm/internal/wire"
)

// accounts is where the image keeps its users. Root is "/" but in tests.
type accounts struct{ root string }

// add makes the artist known to the image, so that whoami, ~ and programs that look up their
// user work. Where that cannot be done the frame runs all the same: the kernel knows numbers only.
func (a accounts) add(o *wire.Order) {
	if !validName(o.UserName) {
		return
	}
	uid, gid := strconv.Itoa(o.UID), strconv.Itoa(o.GID)
	a.append("passwd", func(t table) string {
		if t.has(0, o.UserName) && t.has(2, uid) {
			return ""
		}
		return strings.Join([]string{o.UserName, "x", uid, gid, "", plainField(o.Home), plainField(o.Shell)}, ":")
	})
	a.append("group", func(t table) string {
		if t.has(2, gid) {
			return ""
		}
		name := o.UserName
		if t.has(0, name) {
			name = "gid" + gid
		}
		return strings.Join([]string{name, "x", gid, ""}, ":")
	})
}

// home is the directory that the image has for uid; empty when it has none.
func (a accounts) home(uid int) string {
	text, err := os.ReadFile(a.path("passwd"))
	if err != nil {
		return ""
	}
	if fields := (table{text}).find(2, strconv.Itoa(uid)); len(fields) > 5 {
		return fields[5]
	}
	return ""
}

// groups are those that the container's group file, which a studio may have mounted, lists the
// user as a member of. Root's is left out.
func (a accounts) groups(user string) []int {
	text, err := os.ReadFile(a.path("group"))
	if err != nil || !validName(user) {
		return nil
	}
	var list []int
	for line := range bytes.Lines(text) {
		fields := strings.Split(strings.TrimSpace(string(line)), ":")
		if len(fields) < 4 || !slices.Contains(strings.Split(fields[3], ","), user) {
			continue
		}
		if gid, err := strconv.ParseInt(fields[2], 10, 32); err == nil && gid > 0 {
			list = append(list, int(gid))
		}
	}
	return list[:min(len(list), maxGroups)]
}

// maxGroups is how many supplementary groups the kernel gives a process, less what the order adds.
const maxGroups = 65536 - 1024

func (a accounts) path(name string) string { return filepath.Join(a.root, "etc", name) }

// append adds the line that missing returns for the file's text, unless that is empty.
func (a accounts) append(name string, missing func(table) string) {
	path := a.path(name)
	text, info, err := readRegular(path)
	if err != nil {
		return
	}
	line := missing(table{text})
	if line == "" || a.foreign(name) {
		return
	}
	if n := len(text); n > 0 && text[n-1] != '\n' {
		line = "\n" + line
	}
	replace(path, info, string(text)+line+"\n")
}

// readRegular reads a file that may not be there: info is nil then. What is no ordinary file, a link for example, is not
// the container's own.
func readRegular(path string) (text []byte, info fs.FileInfo, err error) {
	info, err = os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, nil
	case err != nil:
		return nil, nil, err
	case !info.Mode().IsRegular():
		return nil, nil, fs.ErrInvalid
	}
	text, err = os.ReadFile(path)
	return text, info, err
}

// replace puts a new file in the place of the old one, with the mode and owner of old, which is nil where there is none. To
// open the old one for writing, the kernel would first copy it out of the image, and wait until the copy is on the disk.
func replace(path string, old fs.FileInfo, text string) {
	fresh, mode, uid, gid := path+".rqd", fs.FileMode(0o644), 0, 0
	if old != nil {
		mode = old.Mode().Perm()
		if s, ok := old.Sys().(*syscall.Stat_t); ok {
			uid, gid = int(s.Uid), int(s.Gid)
		}
	}
	err := os.WriteFile(fresh, []byte(text), mode)
	if err == nil {
		err = errors.Join(os.Chmod(fresh, mode), os.Lchown(fresh, uid, gid)) // The umask took of the mode.
	}
	if err == nil {
		err = os.Rename(fresh, path)
	}
	if err != nil {
		_ = os.Remove(fresh)
	}
}

// foreign says whether the file is not the container's own: studios mount their hosts' passwd
// into frames, and nothing may be added to that.
func (a accounts) foreign(name string) bool {
	mounts, err := readMounts(a.root, " / ", " /etc")
	if err != nil {
		return true
	}
	m, ok := mountOf(mounts, "/etc/"+name)
	return !ok || m.point != "/"
}

// table is the text of a file like passwd.
type table struct{ text []byte }

func (t table) has(field int, value string) bool { return t.find(field, value) != nil }

func (t table) find(field int, value string) []string {
	for line := range bytes.Lines(t.text) {
		fields := strings.Split(strings.TrimSuffix(string(line), "\n"), ":")
		if len(fields) > field && fields[field] == value {
			return fields
		}
	}
	return nil
}

// validName is false for names that would say something else in the files than what they are.
func validName(name string) bool {
	return name != "" && !strings.ContainsAny(name, ":\n\x00/") && !strings.ContainsAny(name[:1], "+-#")
}

func plainField(s string) string {
	if strings.ContainsAny(s, ":\n\x00") {
		return ""
	}
	return s
}
