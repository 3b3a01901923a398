package config

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// reload prints c and reads it back.
func reload(t *testing.T, c *Config) *Config {
	t.Helper()
	var printed bytes.Buffer
	if err := c.Print(&printed); err != nil {
		t.Fatal(err)
	}
	l := &loader{cfg: defaults(), env: map[string]string{}}
	l.cfg.Path, l.cfg.TempDir = c.Path, c.TempDir
	l.parse(printed.Bytes())
	if len(l.errs) > 0 || len(l.warnings) > 0 {
		t.Fatalf("have errors %v, warnings %v of what was printed:\n%s", l.errs, l.warnings, &printed)
	}
	return l.cfg
}

func TestPrint(t *testing.T) {
	t.Parallel()
	mounts := "[docker.mounts]\nA=type=bind,source=/a:b,target=/x,ro,bind-propagation=slave\nB:type:tmpfs,target:/t,tmpfs-size:1g,tmpfs-mode:1777\n[UseHostEnvVar]\nLICENCE\n"
	for name, text := range map[string]string{
		"every key": strings.Replace(everyKey, "RQD_USE_ALL_HOST_ENV_VARS = true", "", 1) + mounts,
		"defaults":  images,
	} {
		c, _ := mustLoad(t, text)
		if diff := cmp.Diff(c, reload(t, c), cmp.AllowUnexported(Config{}, Docker{})); diff != "" {
			t.Errorf("%s: want (-), have (+):\n%s", name, diff)
		}
	}
}

func TestMarkdownTables(t *testing.T) {
	t.Parallel()
	tables := MarkdownTables()
	for _, k := range Keys() {
		if strings.Count(tables, "| `"+k.Name+"` |") < 1 {
			t.Errorf("key %s is in no table", k.Name)
		}
		if k.Meaning == "" || k.Relevance == Honoured && k.Type == "" {
			t.Errorf("key %s lacks its type or meaning: %+v", k.Name, k)
		}
	}
	for line := range strings.SplitSeq(tables, "\n") {
		if n := strings.Count(line, "|"); n != 0 && n != 4 && n != 5 {
			t.Errorf("have a row of %d bars: %s", n, line)
		}
	}
}

// FuzzValue sets a key to some text: when that is taken, it is printed so that it is read as the same.
func FuzzValue(f *testing.F) {
	for line := range strings.SplitSeq(everyKey, "\n") {
		if name, value, ok := strings.Cut(line, " = "); ok {
			f.Add(name, value)
		}
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		for _, o := range options() {
			if o.Name != name || o.set == nil || strings.Contains(value, "seccomp=") {
				continue
			}
			c, again := defaults(), defaults()
			if o.set(c, value) != nil {
				return
			}
			text := o.get(c)
			if strings.Contains(text, "\n") && !strings.Contains(value, "\n") {
				t.Errorf("%s = %q: printed as %q, want one line", name, value, text)
			}
			if text == "" {
				return
			}
			if err := o.set(again, text); err != nil || !reflect.DeepEqual(c, again) {
				t.Errorf("%s = %q: printed as %q, have error %v, want the same value", name, value, text, err)
			}
		}
	})
}

// FuzzLoad reads any file: what is taken is printed so that it is read as the same.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(images))
	f.Add([]byte("[UseHostEnvVar]\nA\n[Override]\nRQD_TAGS: a\n b\n" + images))
	f.Add([]byte("[DEFAULT]\nA=b\n[docker.mounts]\nB=type:bind,source:/tmp,target:/tmp" + images))
	f.Fuzz(func(t *testing.T, text []byte) {
		if bytes.Contains(text, []byte("seccomp=")) {
			t.Skip("would read any file")
		}
		l := &loader{cfg: defaults(), env: map[string]string{}}
		l.cfg.Path = "rqd.conf"
		l.parse(text)
		if len(l.errs) > 0 {
			return
		}
		if diff := cmp.Diff(l.cfg, reload(t, l.cfg), cmp.AllowUnexported(Config{}, Docker{})); diff != "" {
			t.Errorf("want (-), have (+):\n%s", diff)
		}
	})
}
