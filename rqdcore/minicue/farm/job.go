package farm

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// Job is what a person submits: one layer of frames with one command.
type Job struct {
	Show       string            `json:"show"`
	Shot       string            `json:"shot"`
	User       string            `json:"user"`
	UID        *int32            `json:"uid,omitempty"` // nil: a job without uid, as Cuebot knows them.
	Name       string            `json:"name"`          // The last part of the full name show-shot-user_name.
	Layer      string            `json:"layer"`
	Command    string            `json:"command"` // A shell command line, with tokens such as #IFRAME#.
	OS         string            `json:"os,omitempty"`
	Range      string            `json:"range"`
	Cores      Points            `json:"cores"`
	Memory     int64             `json:"memory"` // KiB, the layer's minimum.
	GPUs       int32             `json:"gpus,omitempty"`
	Threadable bool              `json:"threadable,omitempty"`
	Env        map[string]string `json:"env,omitempty"`
	LogDir     string            `json:"log_dir,omitempty"` // Empty: below the farm's log root, as Cuebot builds it.
	Retries    int               `json:"retries"`
	Timeout    int               `json:"timeout,omitempty"`     // Minutes a run may take.
	LogTimeout int               `json:"log_timeout,omitempty"` // Minutes the log may stay silent.
	// MaxRuns ends a frame after so many completed runs, also where Cuebot would try for ever
	// (memory failures, skip-retry). 0 is Cuebot's own way: no bound.
	MaxRuns int `json:"max_runs,omitempty"`
}

const (
	minCores  Points = 10         // Cuebot's least booking.
	minMemory int64  = 256 * 1024 // KiB; Cuebot's least reservation.
)

var namePattern = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

// normal returns the job as Cuebot would store it, with its frame numbers, or all that is wrong with it.
func (j Job) normal() (Job, []int, error) {
	var errs []error
	for _, n := range []struct{ field, value string }{
		{"show", j.Show}, {"shot", j.Shot}, {"user", j.User}, {"job", j.Name}, {"layer", j.Layer},
	} {
		if !namePattern.MatchString(n.value) {
			errs = append(errs, fmt.Errorf("%s %q: want letters, digits, dots, dashes or underscores", n.field, n.value))
		}
	}
	numbers, err := ParseRange(j.Range)
	errs = append(errs, err)
	if strings.TrimSpace(j.Command) == "" {
		errs = append(errs, errors.New("command is empty"))
	}
	if j.LogDir != "" && !path.IsAbs(j.LogDir) {
		errs = append(errs, fmt.Errorf("log directory %q: want an absolute path, RQD's working directory is another one", j.LogDir))
	}
	if j.Cores < minCores {
		errs = append(errs, fmt.Errorf("cores %s: want at least %s", j.Cores, minCores))
	}
	if j.Memory < 1 {
		errs = append(errs, fmt.Errorf("memory %d KiB: want more than 0", j.Memory))
	}
	errs = append(errs, j.checkCounts())
	if err := errors.Join(errs...); err != nil {
		return j, nil, err
	}
	j.Cores, j.Threadable = bookedCores(j.Cores, j.Threadable)
	j.Memory = max(j.Memory, minMemory)
	return j, numbers, nil
}

func (j Job) checkCounts() error {
	var errs []error
	for _, n := range []struct {
		field string
		value int
	}{
		{"gpus", int(j.GPUs)},
		{"retries", j.Retries},
		{"max runs", j.MaxRuns},
		{"timeout", j.Timeout},
		{"log timeout", j.LogTimeout},
	} {
		if n.value < 0 {
			errs = append(errs, fmt.Errorf("%s %d: want 0 or more", n.field, n.value))
		}
	}
	for name := range j.Env {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			errs = append(errs, fmt.Errorf("environment variable %q: want a name without =", name))
		}
	}
	return errors.Join(errs...)
}

// bookedCores is what Cuebot makes of a layer's wish: less than a core is never threadable,
// and a frame that cannot use threads gets whole cores.
func bookedCores(wish Points, threadable bool) (Points, bool) {
	switch {
	case wish < 100:
		return wish, false
	case threadable:
		return wish, true
	default:
		return wish - wish%100, false
	}
}

// fullName is the job's name as Cuebot composes it.
func (j Job) fullName() string {
	return strings.ToLower(j.Show + "-" + j.Shot + "-" + j.User + "_" + j.Name)
}

// LogPath is where the rqlog of a frame will be, when the job says so itself; else it is known
// only once the job is submitted.
func (j Job) LogPath(number int) (string, bool) {
	return logPath(j.LogDir, j.fullName(), j.frameName(number)), j.LogDir != ""
}

func logPath(dir, job, frame string) string { return path.Join(dir, job+"."+frame+".rqlog") }

// frameName is for example 0001-render.
func (j Job) frameName(n int) string { return padded(n) + "-" + j.Layer }

func padded(n int) string { return fmt.Sprintf("%04d", n) }

// substituted fills in Cuebot's command tokens for one frame.
func (j Job) substituted(n int) string {
	iframe := strconv.Itoa(n)
	return strings.NewReplacer(
		"#ZFRAME#", padded(n),
		"#IFRAME#", iframe,
		"#FRAME_START#", iframe,
		"#FRAME_END#", iframe,
		"#FRAME_CHUNK#", "1",
		"#FRAMESPEC#", iframe,
		"#LAYER#", j.Layer,
		"#JOB#", j.fullName(),
		"#FRAME#", j.frameName(n),
	).Replace(j.Command)
}
