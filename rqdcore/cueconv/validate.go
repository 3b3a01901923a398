package cueconv

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"rqdswarm/rqdcore/cuepb/rqdpb"
	"rqdswarm/rqdcore/frame"
)

// Limits of the kernel, which would otherwise show as a frame that cannot start.
const (
	// maxArgument is what one argument or variable may have (MAX_ARG_STRLEN), without its NUL.
	maxArgument = 128<<10 - 1
	// maxArguments is what command and environment may have together, with a NUL and a pointer
	// each: a quarter of the 8 MiB stack that container engines give a process.
	maxArguments = 2 << 20
	// reservedArguments of them are left to the variables that RQD and the image add.
	reservedArguments = 64 << 10
	// maxFileName is what one name in a directory may have (NAME_MAX).
	maxFileName = 255
	maxPath     = 4096
)

const (
	maxID   = 128
	maxName = 255
	maxURL  = 2048
	// maxKiB keeps a size in bytes far from overflow: 8 PiB.
	maxKiB = 1 << 43
	// rotated is the longest suffix that an older rqlog gets.
	rotated = ".15"
)

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{frame.ErrInvalid}, args...)...)
}

// short quotes a value from the network so that no error grows beyond a line.
func short(s string) string {
	if len(s) > 64 {
		return fmt.Sprintf("%.64q… (%d bytes)", s, len(s))
	}
	return fmt.Sprintf("%q", s)
}

// validate checks names before numbers. Cuebot's own tools leave out all ids but the
// frame's and the job's; only the frame's is needed to run.
func validate(order *rqdpb.RunFrame) error {
	if order == nil {
		return invalid("run_frame is missing")
	}
	for _, check := range []func(*rqdpb.RunFrame) error{ids, names, logFile, numbers, arguments} {
		if err := check(order); err != nil {
			return err
		}
	}
	return nil
}

func ids(order *rqdpb.RunFrame) error {
	if order.GetFrameId() == "" {
		return invalid("frame_id is empty")
	}
	for _, id := range []struct{ field, value string }{
		{"frame_id", order.GetFrameId()},
		{"resource_id", order.GetResourceId()},
		{"job_id", order.GetJobId()},
		{"layer_id", order.GetLayerId()},
	} {
		if len(id.value) > maxID {
			return invalid("%s is %s, want %d bytes at most", id.field, short(id.value), maxID)
		}
		if strings.ContainsFunc(id.value, notInID) {
			return invalid("%s is %s, want letters, digits and any of -_.:", id.field, short(id.value))
		}
	}
	return nil
}

func notInID(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	digit := r >= '0' && r <= '9'
	return !letter && !digit && !strings.ContainsRune("-_.:", r)
}

// names are those that are written to logs, labels and the frame's passwd.
func names(order *rqdpb.RunFrame) error {
	for _, n := range []struct {
		field, value, refused string
		needed                bool
		max                   int
	}{
		{"job_name", order.GetJobName(), "/", true, maxName},
		{"frame_name", order.GetFrameName(), "/", true, maxName},
		{"user_name", order.GetUserName(), "/:", true, maxName},
		{"show", order.GetShow(), "", false, maxName},
		{"shot", order.GetShot(), "", false, maxName},
		{"os", order.GetOs(), "", false, maxName},
		{"loki_url", order.GetLokiUrl(), "", false, maxURL},
	} {
		switch {
		case n.needed && n.value == "":
			return invalid("%s is empty", n.field)
		case len(n.value) > n.max:
			return invalid("%s is %s, want %d bytes at most", n.field, short(n.value), n.max)
		case strings.ContainsFunc(n.value, isControl):
			return invalid("%s is %s, want no control characters", n.field, short(n.value))
		case strings.ContainsAny(n.value, n.refused):
			return invalid("%s is %s, want none of %s in it", n.field, short(n.value), n.refused)
		case n.needed && (n.value == "." || n.value == ".."):
			return invalid("%s is %s, want a name", n.field, short(n.value))
		}
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// logFile keeps the rqlog inside the log directory, under a name that still fits when rotated.
// A frame whose log goes to Loki needs no directory.
func logFile(order *rqdpb.RunFrame) error {
	dir := order.GetLogDir()
	file := frame.Frame{JobName: order.GetJobName(), Name: order.GetFrameName()}.LogFile() + rotated
	switch {
	case len(file) > maxFileName:
		return invalid("job_name and frame_name make the log file name %s, want %d bytes at most", short(file), maxFileName)
	case dir == "" && order.GetLokiUrl() != "":
		return nil
	case !path.IsAbs(dir):
		return invalid("log_dir is %s, want an absolute path", short(dir))
	case len(dir)+1+len(file) > maxPath:
		return invalid("log_dir is %s, want %d bytes at most", short(dir), maxPath-1-len(file))
	case strings.ContainsFunc(dir, isControl):
		return invalid("log_dir is %s, want no control characters", short(dir))
	case slices.Contains(strings.Split(dir, "/"), ".."):
		return invalid("log_dir is %s, want no \"..\" in it", short(dir))
	}
	return nil
}

func numbers(order *rqdpb.RunFrame) error {
	if order.GetUidOptional() != nil && order.GetUid() <= 0 {
		return invalid("uid is %d, want above 0: no frame runs as root", order.GetUid())
	}
	if order.GetNumCores() <= 0 {
		return invalid("num_cores is %d, want above 0", order.GetNumCores())
	}
	for _, n := range []struct {
		field string
		value int64
	}{
		{"gid", int64(order.GetGid())},
		{"num_gpus", int64(order.GetNumGpus())},
		{"soft_memory_limit", order.GetSoftMemoryLimit()},
		{"hard_memory_limit", order.GetHardMemoryLimit()},
	} {
		if n.value < 0 || n.value > maxKiB {
			return invalid("%s is %d, want 0 to %d", n.field, n.value, int64(maxKiB))
		}
	}
	return nil
}

// arguments is the kernel's arithmetic for execve: the command is one argument of a shell.
func arguments(order *rqdpb.RunFrame) error {
	command := order.GetCommand()
	switch {
	case command == "":
		return invalid("command is empty")
	case strings.ContainsRune(command, 0):
		return invalid("command has a NUL")
	case len(command) > maxArgument:
		return invalid("command is %d bytes, the kernel takes %d (128 KiB) in one argument", len(command), maxArgument)
	}
	total := size(command)
	for name, value := range order.GetEnvironment() {
		switch entry := len(name) + 1 + len(value); {
		case name == "" || strings.ContainsAny(name, "=\x00"):
			return invalid("environment has a variable named %s, want a name without = and NUL", short(name))
		case strings.ContainsRune(value, 0):
			return invalid("environment variable %s has a NUL", short(name))
		case entry > maxArgument:
			return invalid("environment variable %s is %d bytes, the kernel takes %d (128 KiB) in one", short(name), entry, maxArgument)
		default:
			total += entry + 1 + pointer
		}
	}
	if total > maxArguments-reservedArguments {
		return invalid("command and environment are %d bytes, the kernel takes %d (2 MiB) in all, %d of them are left to RQD",
			total, maxArguments, reservedArguments)
	}
	return nil
}

// pointer is what the kernel counts for each argument beside its bytes.
const pointer = 8

func size(argument string) int { return len(argument) + 1 + pointer }
