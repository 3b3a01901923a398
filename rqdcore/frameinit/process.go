package main

import (
	"bytes"
	native "encoding/binary"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"rqdswarm/internal/wire"
)

const (
	// ticksPerSecond is what /proc counts times in (USER_HZ), on every Linux that Go runs on.
	ticksPerSecond = 100
	maxProcesses   = 100 // A list for people: a frame of thousands of processes is cut.
	maxCmdline     = 512
)

// processStat is what /proc/PID/stat says of a process.
type processStat struct {
	pid, parent int
	name        string
	state       string
	user        int64 // Ticks.
	system      int64
	start       int64 // Ticks since the machine started.
	vsize       int64 // Bytes.
	rss         int64 // Pages.
}

// parseStat reads the text of /proc/PID/stat. The name may hold anything, blanks and brackets too.
func parseStat(text []byte) (processStat, error) {
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return processStat{}, errors.New("stat has no name in brackets")
	}
	var fields [22][]byte
	n := 0
	for field := range bytes.FieldsSeq(text[end+1:]) {
		if n == len(fields) {
			break
		}
		fields[n] = field
		n++
	}
	if n < len(fields) {
		return processStat{}, errors.New("stat is short")
	}
	var err error
	number := func(s []byte) int64 {
		n, e := strconv.ParseInt(string(s), 10, 64)
		if e != nil && !errors.Is(e, strconv.ErrRange) {
			err = e
		}
		return n
	}
	p := processStat{
		pid:  int(number(bytes.TrimSpace(text[:open]))),
		name: string(text[open+1 : end]), state: string(fields[0]), parent: int(number(fields[1])),
		user: number(fields[11]), system: number(fields[12]), start: number(fields[19]),
		vsize: number(fields[20]), rss: number(fields[21]),
	}
	return p, err
}

// procfs reads the process table.
type procfs struct{ dir string }

// smallFile holds a stat of any process; what is longer is cut.
const smallFile = 1 << 10

// read reads a small file of a process into buf. Package os would ask the poller about each
// descriptor first, which takes twice as many system calls: there are as many frameinits as frames.
func (p procfs) read(pid int, name string, buf []byte) ([]byte, error) {
	fd, err := openFile(filepath.Join(p.dir, strconv.Itoa(pid), name))
	if err != nil {
		return nil, err
	}
	defer func() { _ = syscall.Close(fd) }()
	n, err := syscall.Read(fd, buf)
	if err != nil {
		return nil, err
	}
	return buf[:n], nil
}

func openFile(path string) (int, error) {
	return syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
}

func (p procfs) stat(pid int) (processStat, error) {
	var buf [smallFile]byte
	text, err := p.read(pid, "stat", buf[:])
	if err != nil {
		return processStat{}, err
	}
	return parseStat(text)
}

// pids are all that the pid namespace has.
func (p procfs) pids() []int {
	fd, err := openFile(p.dir)
	if err != nil {
		return nil
	}
	defer func() { _ = syscall.Close(fd) }()
	var list []int
	var buf [4 * smallFile]byte
	for {
		n, err := syscall.ReadDirent(fd, buf[:])
		if err != nil || n == 0 { // What was read up to an error is all there is to go by.
			return list
		}
		list = appendPIDs(list, buf[:n])
	}
}

// appendPIDs adds those of the directory's entries (struct linux_dirent64) that are numbers.
// Package syscall would make a string of every name.
func appendPIDs(list []int, entries []byte) []int {
	const lengthAt, nameAt = 16, 19
	for len(entries) > nameAt {
		length := int(native.NativeEndian.Uint16(entries[lengthAt:]))
		if length <= nameAt || length > len(entries) {
			return list
		}
		name, _, _ := bytes.Cut(entries[nameAt:length], []byte{0})
		entries = entries[length:]
		if len(name) == 0 || name[0] < '0' || name[0] > '9' {
			continue
		}
		if pid, err := strconv.Atoi(string(name)); err == nil {
			list = append(list, pid)
		}
	}
	return list
}

// descendants are the children of pid, their children, and so on. As a subreaper frameinit
// keeps them below itself whatever they do.
func (p procfs) descendants(pid int) []int {
	children := make(map[int][]int)
	for _, other := range p.pids() {
		if s, err := p.stat(other); err == nil && s.state != "Z" {
			children[s.parent] = append(children[s.parent], other)
		}
	}
	var list []int
	for next := children[pid]; len(next) > 0; {
		child := next[0]
		list = append(list, child)
		next = append(next[1:], children[child]...)
		delete(children, child)
	}
	return list
}

// commandLine is the arguments of a process, for people.
func (p procfs) commandLine(pid int) string {
	var buf [maxCmdline]byte
	raw, err := p.read(pid, "cmdline", buf[:])
	if err != nil {
		return ""
	}
	// It is empty for a kernel thread or a zombie.
	text := bytes.ReplaceAll(bytes.TrimRight(raw, "\x00"), []byte{0}, []byte{' '})
	return strings.ToValidUTF8(string(text), "\uFFFD")
}

// bootTime is when the clock that process starts are counted by was 0.
func bootTime() time.Time {
	const clockBootTime = 7
	var ts syscall.Timespec
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockBootTime, uintptr(unsafe.Pointer(&ts)), 0); errno != 0 {
		return time.Time{}
	}
	return time.Now().Add(-time.Duration(ts.Nano()))
}

func (s processStat) process(boot time.Time, pageSize int64) wire.Process {
	return wire.Process{
		PID: s.pid, Name: strings.ToValidUTF8(s.name, "\uFFFD"), State: s.state,
		RSS: s.rss * pageSize / 1024, VSize: s.vsize / 1024,
		UnixMillis: boot.UnixMilli() + s.start*1000/ticksPerSecond,
	}
}
