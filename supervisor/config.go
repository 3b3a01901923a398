package main

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/kelseyhightower/envconfig"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/logging"
	"rqdswarm/supervisor/pull"
)

// settings are the environment variables as they are written. Each is one row of the README's table: name, default, desc.
type settings struct {
	Image          string `envconfig:"RQD_IMAGE" desc:"image of RQD; required"`
	StopGrace      string `envconfig:"STOP_GRACE_SECONDS" default:"10" desc:"seconds between SIGTERM and SIGKILL when RQD is stopped"`
	Pull           string `envconfig:"RQD_PULL" default:"always" desc:"always, missing or never; always falls back to the local image with a warning"`
	Name           string `envconfig:"RQD_NAME" default:"rqd" desc:"name of RQD's container; its volumes are called after it"`
	Hostname       string `envconfig:"RQD_HOSTNAME" desc:"host name RQD reports by; else the service's --hostname, else the engine's"`
	RunArgs        string `envconfig:"RQD_RUN_ARGS" desc:"more docker run flags for RQD's container, see docs/run-args.md"`
	Files          string `envconfig:"RQD_FILES" desc:"more files to copy into RQD's container, as PATH or PATH:TARGET; /etc/opencue always is"`
	ReadyTimeout   string `envconfig:"RQD_READY_TIMEOUT" default:"30s" desc:"how long a ready RQD may be away before the supervisor ends; 0 is for ever"`
	RegistryConfig string `envconfig:"RQD_REGISTRY_CONFIG" desc:"docker config.json with the registry's credentials, for example a Swarm secret; RQD gets a copy"`
	RemoveOldImage string `envconfig:"RQD_REMOVE_OLD_IMAGE" default:"false" desc:"true removes the image of a replaced RQD once nothing uses it"`
	HealthSocket   string `envconfig:"SUPERVISOR_HEALTH_SOCKET" default:"/run/supervisor/health.sock" desc:"where supervisor health asks"`
	LogLevel       string `envconfig:"SUPERVISOR_LOG_LEVEL" default:"info" desc:"debug, info, warning or error"`
	LogFormat      string `envconfig:"SUPERVISOR_LOG_FORMAT" default:"text" desc:"text or json"`
}

// config is what the settings mean.
type config struct {
	Image          string
	StopGrace      time.Duration
	Pull           pull.Policy
	Name           string
	Hostname       string
	RunArgs        string
	Files          []string
	ReadyTimeout   time.Duration
	RegistryConfig string
	RemoveOldImage bool
	HealthSocket   string
	LogLevel       string
	LogFormat      logging.Format
}

// loadConfig reads the process's environment. The error names every problem there is, one a line.
func loadConfig(environ []string) (config, error) {
	var s settings
	if err := envconfig.Process("", &s); err != nil {
		return config{}, err
	}
	cfg, err := s.parse()
	return cfg, errors.Join(append(misspelt(environ), err)...)
}

var (
	validName     = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]+$`)
	validHostname = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,251}[a-zA-Z0-9])?$`)
)

// parse checks each setting and collects what is wrong. A variable that is set but empty is as good as not set: compose
// files hand variables on in that way.
func (s settings) parse() (config, error) {
	s = withDefaults(s)
	var problems []error
	bad := func(name, value, want string) {
		problems = append(problems, fmt.Errorf("%s=%q: want %s", name, value, want))
	}
	cfg := config{
		Image: s.Image, Pull: pull.Policy(s.Pull), Name: s.Name, Hostname: s.Hostname, RunArgs: s.RunArgs,
		Files:          strings.FieldsFunc(s.Files, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' }),
		RegistryConfig: s.RegistryConfig, HealthSocket: s.HealthSocket, LogLevel: s.LogLevel, LogFormat: logging.Format(s.LogFormat),
	}
	if s.Image == "" {
		problems = append(problems, errors.New("RQD_IMAGE is not set: want the image of RQD, for example RQD_IMAGE=opencue/rqd:latest"))
	} else if _, err := engine.ParseReference(s.Image); err != nil {
		bad("RQD_IMAGE", s.Image, "an image reference such as registry.example.com/rqd:1.4")
	}
	var err error
	if cfg.StopGrace, err = seconds(s.StopGrace); err != nil {
		bad("STOP_GRACE_SECONDS", s.StopGrace, "a whole number of seconds, 0 or more")
	}
	if cfg.ReadyTimeout, err = secondsOrDuration(s.ReadyTimeout); err != nil {
		bad("RQD_READY_TIMEOUT", s.ReadyTimeout, "a time such as 30s, 0 or more")
	}
	if cfg.RemoveOldImage, err = strconv.ParseBool(s.RemoveOldImage); err != nil {
		bad("RQD_REMOVE_OLD_IMAGE", s.RemoveOldImage, "true or false")
	}
	if !cfg.Pull.Valid() {
		bad("RQD_PULL", s.Pull, "always, missing or never")
	}
	if !validName.MatchString(s.Name) {
		bad("RQD_NAME", s.Name, "a container name: letters, digits, '_', '.' and '-', two at least")
	}
	if s.Hostname != "" && !validHostname.MatchString(s.Hostname) {
		bad("RQD_HOSTNAME", s.Hostname, "a host name: letters, digits, '.' and '-'")
	}
	if _, err := logging.ParseLevel(s.LogLevel); err != nil {
		bad("SUPERVISOR_LOG_LEVEL", s.LogLevel, "debug, info, warning or error")
	}
	if cfg.LogFormat != logging.Text && cfg.LogFormat != logging.JSON {
		bad("SUPERVISOR_LOG_FORMAT", s.LogFormat, "text or json")
	}
	return cfg, errors.Join(problems...)
}

// withDefaults fills in the default of every variable that is empty.
func withDefaults(s settings) settings {
	v := reflect.ValueOf(&s).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.String() == "" {
			f.SetString(v.Type().Field(i).Tag.Get("default"))
		}
	}
	return s
}

// maxSeconds bounds every time in the configuration: more than a day is a slip.
const maxSeconds = 24 * 60 * 60

func seconds(text string) (time.Duration, error) {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 0 || n > maxSeconds {
		return 0, fmt.Errorf("parse seconds %q", text)
	}
	return time.Duration(n) * time.Second, nil
}

func secondsOrDuration(text string) (time.Duration, error) {
	if d, err := seconds(text); err == nil {
		return d, nil
	}
	d, err := time.ParseDuration(strings.TrimSpace(text))
	if err != nil || d < 0 || d > maxSeconds*time.Second {
		return 0, fmt.Errorf("parse duration %q", text)
	}
	return d, nil
}
