package runner

import (
	"maps"
	"strconv"
	"strings"

	"rqdswarm/rqdcore/frame"
)

// basePath is a frame's PATH before Cuebot's is appended.
const basePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Environment is what RQD contributes to a frame's environment.
type Environment struct {
	Path         string            // RQD's own PATH, when RQD_USE_PATH_ENV_VAR says so; else empty.
	TimeZone     string            // TZ as the frame sees it.
	HomePrefix   string            // RQD_CUSTOM_HOME_PREFIX.
	MailPrefix   string            // RQD_CUSTOM_MAIL_PREFIX.
	Named        map[string]string // [UseHostEnvVar], with RQD's values.
	All          map[string]string // RQD's whole environment, when RQD_USE_ALL_HOST_ENV_VARS says so.
	HyperThreads bool
	FreeGPU      func() int64 // kB of the host's cards at this moment; nil is none.
}

// of lays the sources over each other; what comes later wins, but a PATH is appended.
// Cuebot's word is the last one: the comment in Python's rqconstants says otherwise, its code does not.
func (e Environment) of(f frame.Frame, r frame.Reservation, hostName string) map[string]string {
	env := e.fixed(f, hostName)
	if len(e.Named) > 0 {
		maps.Copy(env, e.Named)
	} else {
		overlay(env, e.All)
	}
	overlay(env, f.Environment)
	if len(r.CPUs) > 0 {
		if given, ok := env["CUE_THREADS"]; ok {
			n, _ := strconv.Atoi(given) // Not a number counts as none.
			env["CUE_THREADS"] = itoa(max(n, len(r.CPUs)))
		}
		env["CUE_HT"] = "False"
		if e.HyperThreads {
			env["CUE_HT"] = "True"
		}
	}
	if len(r.GPUs) > 0 {
		env["CUE_GPU_CORES"] = joinInts(r.GPUs)
	}
	return env
}

func (e Environment) fixed(f frame.Frame, hostName string) map[string]string {
	var freeGPU int64
	if e.FreeGPU != nil {
		freeGPU = e.FreeGPU()
	}
	env := map[string]string{
		"PATH": basePath, "TERM": "unknown", "TZ": e.TimeZone,
		"USER": f.UserName, "LOGNAME": f.UserName,
		"mcp": "1", "show": f.Show, "shot": f.Shot,
		"jobid": f.JobName, "jobhost": hostName,
		"frame": f.Name, "zframe": f.Name, "logfile": f.LogFile(),
		"maxframetime": "0", "minspace": "200",
		"CUE3": "True", "CUE_GPU_MEMORY": strconv.FormatInt(freeGPU, 10), "SP_NOMYCSHRC": "1",
	}
	if e.Path != "" {
		env["PATH"] = e.Path
	}
	if e.HomePrefix != "" {
		env["HOME"] = e.HomePrefix + "/" + f.UserName
	}
	if e.MailPrefix != "" {
		env["MAIL"] = e.MailPrefix + "/" + f.UserName
	}
	return env
}

func overlay(env, over map[string]string) {
	path := env["PATH"]
	maps.Copy(env, over)
	if added, ok := over["PATH"]; ok {
		env["PATH"] = strings.TrimPrefix(path+":"+added, ":")
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
