package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckLogs(t *testing.T) {
	t.Parallel()
	const (
		header = "RenderQ JobSpec  now\nenv  CHAOS_RUN=a\n"
		output = "@a 1.\n@a 2.\n@a end.\n"
		footer = "RenderQ Job Complete\nexitStatus          3\n"
	)
	for name, tc := range map[string]struct {
		text string
		want string // What the complaint begins with; empty for none.
	}{
		"whole":             {header + output + footer, ""},
		"a line twice":      {header + "@a 1.\n@a 1.\n@a 2.\n@a end.\n" + footer, `has "@a 1." after line 1`},
		"a line missing":    {header + "@a 2.\n@a end.\n" + footer, `has "@a 2." after line 0`},
		"the end missing":   {header + "@a 1.\n@a 2.\n" + footer, "2 lines, end false"},
		"torn":              {header + "@a 1.\n@a 2\n@a end.\n" + footer, "1 torn"},
		"another's line":    {header + "@b 1.\n" + output + footer, "has a line of b"},
		"two headers":       {header + header + output + footer, "2 headers"},
		"two footers":       {header + output + footer + footer, "1 headers and 2 footers"},
		"no footer":         {header + output, "1 headers and 0 footers"},
		"footer says other": {header + output + "RenderQ Job Complete\nexitStatus          0\n", "footer says status 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "chaos.0001-a.rqlog"), []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			logs, err := readLogs(dir)
			if err != nil {
				t.Fatal(err)
			}
			r := &run{id: "a", stage: accepted, work: work{lines: 2, status: 3}, first: &outcome{status: 3}}
			have := strings.Join(r.checkLogs(logs["a"]), "; ")
			if !strings.HasPrefix(have, tc.want) || (have == "") != (tc.want == "") {
				t.Errorf("have %q, want %q", have, tc.want)
			}
		})
	}
}
