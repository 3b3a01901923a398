package rqlog_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/rqlog"
)

func TestEnded(t *testing.T) {
	t.Parallel()
	header := string(rqlog.Header(rqlog.HeaderInfo{HostName: "render01"}))
	footer := string(rqlog.Footer(rqlog.FooterInfo{HostName: "render01", KillMessage: "User: td\nReason: wrong camera", Detail: "killed"}))
	long := string(rqlog.Footer(rqlog.FooterInfo{Children: []frame.Process{{Name: "maya", Cmdline: strings.Repeat("x", 100_000)}}}))
	for name, tc := range map[string]struct {
		text string
		want bool
	}{
		"nothing":                     {"", false},
		"header":                      {header, false},
		"output":                      {header + "line 1\n", false},
		"output without its newline":  {header + "line 1", false},
		"footer":                      {header + "line 1\n" + footer, true},
		"footer without output":       {header + footer, true},
		"long footer":                 {header + long, true},
		"much output":                 {header + strings.Repeat("line\n", 200_000) + footer, true},
		"an old log that was printed": {header + footer + "and more\n", false},
		"half a footer":               {header + "line 1\n" + footer[:len(footer)/2], false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "a.rqlog")
			if err := os.WriteFile(path, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			have, err := rqlog.Ended(path)
			if err != nil || have != tc.want {
				t.Errorf("have %t (%v), want %t", have, err, tc.want)
			}
		})
	}
}

func TestEndedWithoutLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if have, err := rqlog.Ended(filepath.Join(dir, "none.rqlog")); have || err != nil {
		t.Errorf("no file: have %t (%v), want false", have, err)
	}
	link := filepath.Join(dir, "link.rqlog")
	if err := os.Symlink("/etc/passwd", link); err != nil {
		t.Fatal(err)
	}
	if _, err := rqlog.Ended(link); err == nil {
		t.Error("a symbolic link was followed")
	}
}
