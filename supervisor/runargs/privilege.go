package runargs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/docker/cli/opts"

	"rqdswarm/internal/engine"
)

func privileged(value string, _ Context) (change, error) {
	return boolean(value, func(s *engine.Spec, on bool) { s.Privileged = on })
}

func readOnly(value string, _ Context) (change, error) {
	return boolean(value, func(s *engine.Spec, on bool) { s.ReadonlyRootfs = on })
}

func boolean(value string, set func(*engine.Spec, bool)) (change, error) {
	on, err := strconv.ParseBool(value)
	if err != nil {
		return nil, errors.New("want true or false")
	}
	return func(s *engine.Spec) { set(s, on) }, nil
}

func capAdd(value string, _ Context) (change, error) {
	return func(s *engine.Spec) { s.CapAdd = append(s.CapAdd, strings.Split(value, ",")...) }, nil
}

func capDrop(value string, _ Context) (change, error) {
	return func(s *engine.Spec) { s.CapDrop = append(s.CapDrop, strings.Split(value, ",")...) }, nil
}

// securityOpt takes docker run's options. A seccomp profile is a file of the task's; the engine wants its text.
func securityOpt(value string, c Context) (change, error) {
	if !strings.ContainsAny(value, "=:") && value != "no-new-privileges" {
		return nil, errors.New("want NAME=value or no-new-privileges")
	}
	key, profile, ok := strings.Cut(value, "=")
	if ok && key == "seccomp" && profile != "unconfined" && profile != "builtin" {
		content, err := c.ReadFile(profile)
		if err != nil {
			return nil, err
		}
		text, err := compact(content)
		if err != nil {
			return nil, err
		}
		value = "seccomp=" + text
	}
	return func(s *engine.Spec) { s.SecurityOpt = append(s.SecurityOpt, value) }, nil
}

func compact(profile []byte) (string, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, profile); err != nil {
		return "", fmt.Errorf("seccomp profile: %w", err)
	}
	return b.String(), nil
}

func sysctl(value string, _ Context) (change, error) {
	value, err := opts.ValidateSysctl(value)
	if err != nil {
		return nil, err
	}
	name, text, _ := strings.Cut(value, "=")
	return func(s *engine.Spec) {
		if s.Sysctls == nil {
			s.Sysctls = map[string]string{}
		}
		s.Sysctls[name] = text
	}, nil
}

func pid(value string, _ Context) (change, error) {
	if name, ok := strings.CutPrefix(value, "container:"); value != "" && value != "host" && (!ok || name == "") {
		return nil, errors.New("want host, container:NAME or nothing")
	}
	return func(s *engine.Spec) { s.PIDMode = value }, nil
}

func ipc(value string, _ Context) (change, error) {
	return func(s *engine.Spec) { s.IPCMode = value }, nil
}

// uts with "host" gives RQD the host's name itself; the engine refuses another one beside it.
func uts(value string, _ Context) (change, error) {
	if value != "" && value != "host" {
		return nil, errors.New("want host or nothing")
	}
	return func(s *engine.Spec) {
		s.UTSMode = value
		if value == "host" {
			s.Hostname = ""
		}
	}, nil
}

func userns(value string, _ Context) (change, error) {
	if value != "" && value != "host" {
		return nil, errors.New("want host or nothing")
	}
	return func(s *engine.Spec) { s.UsernsMode = value }, nil
}

func cgroupns(value string, _ Context) (change, error) {
	if value != "" && value != "host" && value != "private" {
		return nil, errors.New("want host or private")
	}
	return func(s *engine.Spec) { s.CgroupnsMode = value }, nil
}
