package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseCommand(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]command{
		"":                           {},
		"-c /a":                      {config: "/a"},
		"-c/a":                       {config: "/a"},
		"-c /a -c /b":                {config: "/b"},
		"check -c /a":                {name: "check", config: "/a"},
		"-c /a health":               {name: "health", config: "/a"},
		"-h":                         {name: "help"},
		"--help":                     {name: "help"},
		"--nimbyoff --update -c /a":  {config: "/a"},
		"version":                    {name: "version"},
		"-c --nimbyoff":              {config: "--nimbyoff"},
		"--nimbyoff -c version help": {name: "help", config: "version"},
	} {
		have, err := parseCommand(strings.Fields(line))
		if err != nil {
			t.Errorf("%q: have %v", line, err)
		}
		if diff := cmp.Diff(want, have, cmp.AllowUnexported(command{})); diff != "" {
			t.Errorf("%q: want (-), have (+):\n%s", line, diff)
		}
	}
	for _, daemon := range []string{"-d", "--daemon"} {
		if c, err := parseCommand([]string{daemon}); err != nil || len(c.warnings) != 1 || !strings.HasPrefix(c.warnings[0], daemon+" is ignored") {
			t.Errorf("%s: have %+v, %v, want a warning", daemon, c, err)
		}
	}
	for line, want := range map[string]string{
		"-c": "-c needs the path", "--frobnicate": `unknown argument "--frobnicate"`, "check health": `unknown argument "health"`,
	} {
		if _, err := parseCommand(strings.Fields(line)); !errors.Is(err, errUsage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: have %v, want %q", line, err, want)
		}
	}
}

func TestDispatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good"), filepath.Join(dir, "bad")
	for path, text := range map[string]string{good: "[docker.images]\na=b\n", bad: "[docker.images]\na=B\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for line, want := range map[string]string{
		"help": "usage: rqdcore", "-h": "usage: rqdcore", "version": "\n", "check -c " + good: "# warning: ",
	} {
		var out bytes.Buffer
		if err := dispatch(t.Context(), strings.Fields(line), nil, &out); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%q: have %q, %v, want %q", line, &out, err, want)
		}
	}
	for _, line := range []string{"check -c " + bad, "health -c " + bad, "-c " + bad, "-c /nowhere", "frobnicate"} {
		if err := dispatch(t.Context(), strings.Fields(line), nil, &bytes.Buffer{}); !errors.Is(err, errUsage) {
			t.Errorf("%q: have %v, want it called a bad configuration", line, err)
		}
	}
}
