package rqlog

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestFieldKeepsValuesInTheirPlace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ value, want string }{
		{"plain", "key       plain\n"},
		{"", "key       \n"},
		{"tab\there", "key       tab\there\n"},
		{"two\nlines", "key       two\n          lines\n"},
		{"dos\r\nlines", "key       dos\\x0d\n          lines\n"},
		{"\x1b[31mred\x00", "key       \\x1b[31mred\\x00\n"},
		{"next\u0085line\u2028sep\u2029", "key       next\\u0085line\\u2028sep\\u2029\n"},
		{"bad \xff\xc3 utf8 é", "key       bad \ufffd\ufffd utf8 é\n"},
	} {
		var b bytes.Buffer
		field(&b, 10, "key", tt.value)
		if have := b.String(); have != tt.want {
			t.Errorf("%q: want %q, have %q", tt.value, tt.want, have)
		}
	}
}

func TestOneLine(t *testing.T) {
	t.Parallel()
	if want, have := `a b \x1b c`, oneLine("a\n\nb\r\n\x1b c\n"); have != want {
		t.Errorf("want %q, have %q", want, have)
	}
}

func TestShellWord(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"/bin/sh", "/bin/sh"},
		{"", "''"},
		{"echo $HOME", "'echo $HOME'"},
		{"it's", `'it'\''s'`},
		{"a\nb", `"$(printf 'a\nb')"`},
		{"-\t%d 'x' \\n\n", `"$(printf '\055\011%%d \047x\047 \\n\n')"`},
	} {
		if have := shellWord(tt.text); have != tt.want {
			t.Errorf("%q: want %s, have %s", tt.text, tt.want, have)
		}
	}
}

// What is printed can be copied into a terminal: a real shell reads the same text from it.
func FuzzShellWord(f *testing.F) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		f.Skip("no sh to ask")
	}
	for _, seed := range []string{
		"blender -b shot.blend -f 1", `echo "it's" $(id -u) \n %s`, "-e\nfor f in *; do\n\techo \"$f\"\ndone",
		"é \xff \x1b[0m", "'", "\\\n'", "%", "!history",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "\x00") {
			return // No command line can carry it.
		}
		word := shellWord(text)
		if strings.ContainsFunc(strings.ReplaceAll(word, "\t", ""), breaksLayout) {
			t.Errorf("%q: not on one line: %q", text, word)
		}
		cmd := exec.Command(sh, "-c", "printf '%s' "+word)
		cmd.Env = []string{"LC_ALL=C"}
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		// A command substitution drops the newlines at the end, which mean nothing to a shell.
		if want, have := strings.TrimRight(text, "\n"), strings.TrimRight(string(out), "\n"); have != want {
			t.Errorf("want %q, have %q from %s", want, have, word)
		}
	})
}

// assertGolden compares with testdata/name; UPDATE_GOLDEN=1 writes it.
func assertGolden(t *testing.T, name string, have []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		write(t, path, string(have))
	}
	if want := read(t, path); want != string(have) {
		t.Errorf("%s: want\n%s\nhave\n%s", name, want, have)
	}
}
