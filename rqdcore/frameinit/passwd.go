package main

import (
	"bytes"
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
	if a.foreign(name) {
		return
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE|syscall.O_NOFOLLOW, 0o644)
	if err != nil {
		return
	}
	defer f.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(f); err != nil {
		return
	}
	line := missing(table{text.Bytes()})
	if line == "" {
		return
	}
	line += "\n"
	if n := text.Len(); n > 0 && text.Bytes()[n-1] != '\n' {
		line = "\n" + line
	}
	_, _ = f.WriteString(line) // Half a line is one more that no program understands.
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
