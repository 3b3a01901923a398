package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rqdswarm/internal/logging"
	"rqdswarm/supervisor/pull"
)

func TestParse(t *testing.T) {
	t.Parallel()
	have, err := settings{
		Image: "registry:5000/rqd:1", StopGrace: "0", Pull: "never", Files: "/run/secrets/a, /run/secrets/b:/etc/b",
		ReadyTimeout: "90", LogFormat: "json",
	}.parse()
	if err != nil {
		t.Fatal(err)
	}
	want := config{
		Image: "registry:5000/rqd:1", Pull: pull.Never, Name: "rqd", Files: []string{"/run/secrets/a", "/run/secrets/b:/etc/b"},
		ReadyTimeout: 90 * time.Second, HealthSocket: "/run/supervisor/health.sock", LogLevel: "info", LogFormat: logging.JSON,
	}
	if diff := cmp.Diff(want, have, cmp.AllowUnexported()); diff != "" {
		t.Errorf("config (-want +have):\n%s", diff)
	}
}

func TestParseDefaults(t *testing.T) {
	t.Parallel()
	have, err := settings{Image: "rqd"}.parse()
	if err != nil {
		t.Fatal(err)
	}
	if have.StopGrace != 10*time.Second || have.ReadyTimeout != 30*time.Second || have.Pull != pull.Always || have.Name != "rqd" {
		t.Errorf("want the documented defaults, have %+v", have)
	}
}

// TestParseNamesEveryProblem has one wrong value in each setting: every line names the variable and the value.
func TestParseNamesEveryProblem(t *testing.T) {
	t.Parallel()
	wrong := settings{
		Image: "Not An Image", StopGrace: "ten", Pull: "sometimes", Name: "-x", Hostname: "a b", ReadyTimeout: "-1s",
		LogLevel: "loud", LogFormat: "xml",
	}
	_, err := wrong.parse()
	if err == nil {
		t.Fatal("want an error, have none")
	}
	lines := strings.Split(err.Error(), "\n")
	for i, want := range []string{
		`RQD_IMAGE="Not An Image": want `, `STOP_GRACE_SECONDS="ten": want `, `RQD_READY_TIMEOUT="-1s": want `, `RQD_PULL="sometimes": want always, missing or never`,
		`RQD_NAME="-x": want `, `RQD_HOSTNAME="a b": want `, `SUPERVISOR_LOG_LEVEL="loud": want `, `SUPERVISOR_LOG_FORMAT="xml": want `,
	} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d: want %q, have %q", i, want, lines)
		}
	}
	if _, err := (settings{}).parse(); err == nil || !strings.Contains(err.Error(), "RQD_IMAGE is not set") {
		t.Errorf("want RQD_IMAGE named, have %v", err)
	}
}

func TestMisspelt(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"RQD_IMAGES":          "RQD_IMAGE",
		"RQD_IAMGE":           "RQD_IMAGE",
		"RQD_IMAG":            "RQD_IMAGE",
		"STOP_GRACE_SECOND":   "STOP_GRACE_SECONDS",
		"STOP_GRCE_SECOND":    "STOP_GRACE_SECONDS",
		"SUPERVISOR_LOGLEVEL": "SUPERVISOR_LOG_LEVEL",
		"SUPERVISOR_X":        "the supervisor knows",
		// Not ours, and not like ours.
		"RQD_CONFIG_FILE": "", "RQD_USE_PATH_ENV_VAR": "", "RQD_HOME": "", "CUEBOT_HOSTNAME": "", "PATH": "", "RQD_IMAGE": "",
	} {
		problems := misspelt([]string{name + "=x"})
		switch {
		case want == "" && len(problems) > 0:
			t.Errorf("%s: want nothing, have %v", name, problems)
		case want != "" && (len(problems) != 1 || !strings.Contains(problems[0].Error(), want)):
			t.Errorf("%s: want %q, have %v", name, want, problems)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		env  map[string]string
		code int
		want string
	}{
		"no image":          {nil, map[string]string{"RQD_IMAGE": ""}, 2, "supervisor: RQD_IMAGE is not set"},
		"misspelt":          {nil, map[string]string{"RQD_IMAGE": "x", "RQD_IMAGES": "x"}, 2, "is RQD_IMAGE meant"},
		"no engine":         {nil, map[string]string{"RQD_IMAGE": "x", "DOCKER_HOST": "unix:///nonexistent.sock"}, 1, "docker engine does not answer"},
		"unknown command":   {[]string{"halth"}, nil, 2, `unknown command "halth"`},
		"health of nobody":  {[]string{"health"}, map[string]string{"SUPERVISOR_HEALTH_SOCKET": "/nonexistent"}, 1, "ask supervisor for its health"},
		"help":              {[]string{"--help"}, nil, 0, "STOP_GRACE_SECONDS"},
		"version":           {[]string{"version"}, nil, 0, "dev"},
		"engine is no path": {nil, map[string]string{"RQD_IMAGE": "x", "DOCKER_HOST": "nonsense"}, 1, "nonsense"},
	} {
		t.Run(name, func(t *testing.T) {
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			var out, errOut buffer
			if code := program(c.args, &out, &errOut); code != c.code {
				t.Errorf("want exit code %d, have %d: %s", c.code, code, &errOut)
			}
			text := out.String() + errOut.String()
			if !strings.Contains(text, c.want) {
				t.Errorf("want %q, have %q", c.want, text)
			}
			if c.code != 0 && strings.Count(errOut.String(), "\n") != 1 {
				t.Errorf("want one line, have %q", &errOut)
			}
		})
	}
}
