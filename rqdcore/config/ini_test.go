package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pairs is the part of a section that the dialect's rules decide.
func pairs(f *ini, name string) []string {
	var out []string
	for _, e := range f.entries(name) {
		text := e.Key + "=" + e.Value
		if e.Bare {
			text = e.Key
		}
		out = append(out, text)
	}
	return out
}

func TestINIDialect(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text string
		want []string // Of section [s].
	}{
		"equals":                        {"[s]\nA=1", []string{"A=1"}},
		"colon":                         {"[s]\nA: 1", []string{"A=1"}},
		"first delimiter counts":        {"[s]\nA=b:c=d\nB:c=d", []string{"A=b:c=d", "B=c=d"}},
		"blanks are trimmed":            {"[s]\nA \t=  1 \t", []string{"A=1"}},
		"case is kept":                  {"[s]\na=1\nA=2", []string{"a=1", "A=2"}},
		"no inline comment":             {"[s]\nA=1 ; x\nB=2 # y", []string{"A=1 ; x", "B=2 # y"}},
		"comment lines":                 {"# a\n; b\n[s]\n  # c\nA=1\n ; d\nB=2", []string{"A=1", "B=2"}},
		"continuation":                  {"[s]\nA=1\n  2\n\t3\nB=4", []string{"A=1\n2\n3", "B=4"}},
		"comment inside a continuation": {"[s]\nA=1\n# c\n  2", []string{"A=1\n2"}},
		"blank line inside a value":     {"[s]\nA=1\n\n  2\n\nB=3", []string{"A=1\n\n2", "B=3"}},
		"continuation of nothing":       {"[s]\nA=\n  2", []string{"A=\n2"}},
		"header in a continuation":      {"[s]\nA=1\n  [t]\nB=2", []string{"A=1\n[t]", "B=2"}},
		"indented key after a header":   {"[s]\n  A=1\n  B=2\n    3\n C=4", []string{"A=1", "B=2\n3", "C=4"}},
		"indented header":               {"  [s]\nA=1", []string{"A=1"}},
		"text after a header":           {"[s] # mine\nA=1", []string{"A=1"}},
		"key alone":                     {"[s]\nA\nB=\n", []string{"A", "B="}},
		"percent and dollar":            {"[s]\nA=%(b)s $HOME", []string{"A=%(b)s $HOME"}},
		"carriage returns":              {"[s]\r\nA=1\r\nB=2\rC=3", []string{"A=1", "B=2", "C=3"}},
		"no newline at the end":         {"[s]\nA=1\n  ", []string{"A=1"}},
		"defaults come last":            {"[DEFAULT]\nD=0\nA=0\n[s]\nA=1", []string{"A=1", "D=0"}},
		"defaults after the section":    {"[s]\nA=1\n[DEFAULT]\nD=0", []string{"A=1", "D=0"}},
		"defaults in two parts":         {"[DEFAULT]\nD=0\n[s]\n[DEFAULT]\nE=1", []string{"D=0", "E=1"}},
		"default is case sensitive":     {"[default]\nD=0\n[s]\nA=1", []string{"A=1"}},
		"section is case sensitive":     {"[S]\nA=1", nil},
		"not a header":                  {"[s]\n[]\nA=1", []string{"[]", "A=1"}},
		"empty file":                    {"", nil},
		"same key in two sections":      {"[t]\nA=0\n[s]\nA=1", []string{"A=1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, errs := parseINI("rqd.conf", []byte(tc.text))
			if len(errs) > 0 {
				t.Fatalf("have error %v, want none", errs[0])
			}
			if diff := cmp.Diff(tc.want, pairs(f, "s")); diff != "" {
				t.Errorf("want (-), have (+):\n%s", diff)
			}
		})
	}
}

func TestINIErrors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text string
		want []string // One for each error.
	}{
		"section twice":          {"[s]\nA=1\n[t]\n[s]\nB=2", []string{"rqd.conf:4: [s]: section comes again, it began in line 1"}},
		"key twice":              {"[s]\nA=1\nA=2", []string{"rqd.conf:3: [s] A: comes twice"}},
		"key twice in DEFAULT":   {"[DEFAULT]\nA=1\n[s]\n[DEFAULT]\nA=2", []string{"rqd.conf:5: [DEFAULT] A: comes twice"}},
		"key before a section":   {"\nA=1\nB=2\n[s]", []string{`rqd.conf:2: "A=1" stands before the first section`}},
		"byte order mark":        {"\ufeff[s]\nA=1", []string{"rqd.conf:1: starts with a byte order mark"}},
		"no key":                 {"[s]\n= 1", []string{`rqd.conf:2: [s]: "= 1" has no key`}},
		"a line below a key":     {"[s]\nA\n  1", []string{"rqd.conf:3: [s] A: line \"1\" continues a key without a value"}},
		"not UTF-8":              {"[s]\nA=\xff", []string{"rqd.conf:2: [s]: has bytes that are not UTF-8"}},
		"NUL":                    {"[s]\nA=\x00", []string{"rqd.conf:2: [s]: has the control character U+0000"}},
		"all of them are listed": {"[s]\nA=1\nA=2\n=\n[s]", []string{"A: comes twice", "has no key", "section comes again"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, errs := parseINI("rqd.conf", []byte(tc.text))
			if len(errs) != len(tc.want) {
				t.Fatalf("have %d errors, want %d: %v", len(errs), len(tc.want), errs)
			}
			for i, want := range tc.want {
				if !strings.Contains(errs[i].Error(), want) {
					t.Errorf("have %q, want %q in it", errs[i], want)
				}
			}
		})
	}
}

func FuzzINI(f *testing.F) {
	f.Add([]byte("[Override]\nRQD_GRPC_PORT: 8444\n"))
	f.Add([]byte("[DEFAULT]\nA\n[docker.mounts]\nTEMP=type:bind,\n  source:/tmp,\n\n  target:/tmp\n"))
	f.Add([]byte("\ufeffA=1\r\n[s\n[s]\r[s]\n=\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		parsed, errs := parseINI("rqd.conf", text)
		for _, e := range errs {
			if e.Line < 1 || strings.Contains(e.Error(), "\n") {
				t.Errorf("have error %q of line %d, want one line and its place", e, e.Line)
			}
		}
		lines := strings.Count(string(text), "\n") + strings.Count(string(text), "\r") + 1
		for _, s := range append(parsed.Sections, &parsed.Defaults) {
			for _, e := range s.Entries {
				if e.Key == "" || e.Key != strings.TrimSpace(e.Key) || e.Value != strings.TrimSpace(e.Value) && !strings.HasPrefix(e.Value, "\n") {
					t.Errorf("have entry %+v, want key and value trimmed", e)
				}
				if e.Line < 1 || e.Line > lines || e.Home != s.Name {
					t.Errorf("have entry %+v of section %q in %d lines, want its place", e, s.Name, lines)
				}
			}
		}
	})
}
