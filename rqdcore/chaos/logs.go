package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// rqlog is what one file says.
type rqlog struct {
	path             string
	run              string
	headers, footers int
	lines            int // Of the command, without the end.
	ended            bool
	torn             int // Lines that are not whole.
	status           string
	problems         []string
}

// readLogs reads every rqlog in the directory, rotated ones as well, by the run that wrote it.
func readLogs(dir string) (map[string][]*rqlog, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.rqlog*"))
	if err != nil {
		return nil, err
	}
	logs := make(map[string][]*rqlog)
	for _, file := range files {
		l, err := readLog(file)
		if err != nil {
			return nil, err
		}
		logs[l.run] = append(logs[l.run], l)
	}
	return logs, nil
}

func readLog(path string) (*rqlog, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	l := &rqlog{path: path}
	for s := bufio.NewScanner(f); s.Scan(); {
		l.take(s.Text())
	}
	return l, nil
}

func (l *rqlog) take(line string) {
	switch {
	case strings.HasPrefix(line, "RenderQ JobSpec"):
		l.headers++
	case strings.HasPrefix(line, "RenderQ Job Complete"):
		l.footers++
	case strings.HasPrefix(line, "env ") && strings.Contains(line, runVariable+"="):
		_, l.run, _ = strings.Cut(line, runVariable+"=")
	case strings.HasPrefix(line, "exitStatus "):
		l.status = strings.TrimSpace(strings.TrimPrefix(line, "exitStatus "))
	case strings.HasPrefix(line, "@"):
		l.takeOutput(line)
	}
}

// takeOutput counts one line of the command. Only the next one is right.
func (l *rqlog) takeOutput(line string) {
	run, rest, _ := strings.Cut(strings.TrimPrefix(line, "@"), " ")
	word, whole := strings.CutSuffix(rest, ".")
	if !whole {
		l.torn++
		return
	}
	if run != l.run {
		l.complain("has a line of %s: %q", run, line)
		return
	}
	if word == "end" {
		l.ended = true
		return
	}
	if n, err := strconv.Atoi(word); err != nil || n != l.lines+1 {
		l.complain("has %q after line %d", line, l.lines)
	}
	l.lines++
}

func (l *rqlog) complain(format string, args ...any) {
	const enough = 3
	if len(l.problems) < enough {
		l.problems = append(l.problems, fmt.Sprintf(format, args...))
	}
}

// checkLogs says what is wrong with the logs of a run, given how it ended.
func (r *run) checkLogs(logs []*rqlog) []string {
	own := r.first != nil && r.judge() == "" && r.first.status == r.work.status && r.first.signal == r.work.signal && !r.work.endless()
	if len(logs) == 0 {
		if own {
			return []string{"no rqlog"}
		}
		return nil
	}
	var wrong []string
	if len(logs) > 1 {
		wrong = append(wrong, fmt.Sprintf("%d rqlogs, want one", len(logs)))
	}
	for _, l := range logs {
		wrong = append(wrong, l.problems...)
		if l.headers != 1 || l.footers != 1 && r.first != nil {
			wrong = append(wrong, fmt.Sprintf("%d headers and %d footers, want one each", l.headers, l.footers))
		}
		if l.torn > 0 && r.struck == "" {
			wrong = append(wrong, fmt.Sprintf("%d torn lines", l.torn))
		}
		if own && (l.lines != r.work.lines || !l.ended) {
			wrong = append(wrong, fmt.Sprintf("%d lines, end %t; want %d lines and the end", l.lines, l.ended, r.work.lines))
		}
		if r.unstarted && r.first != nil && r.first.status == 256 && l.lines > 0 {
			wrong = append(wrong, fmt.Sprintf("%d lines of a command that was reported as never begun (%s)", l.lines, r.struck))
		}
		// A full disk, RQD's death and a prune together leave the footer as the only word of an end; RQD does not trust it.
		lost := r.first != nil && r.first.status == 256 && r.struck != ""
		if r.first != nil && !lost && l.footers == 1 && l.status != strconv.Itoa(int(r.first.status)) {
			wrong = append(wrong, fmt.Sprintf("footer says status %s, cuebot was told %v", l.status, *r.first))
		}
	}
	return wrong
}
