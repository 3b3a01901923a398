package suite

import (
	"fmt"
	"strings"
)

// Setup is what an RQD is started with beyond the usual.
type Setup struct {
	Override string // More lines of [Override].
	Docker   string // More lines of [docker.config].
	// Images are [docker.images] instead of the usual one. $FIRST is its reference.
	Images func(*Stage) []ImageKey
	Mounts string // More lines of [docker.mounts]. $DIR is the check's directory.
	// Unstarted leaves the start to the check.
	Unstarted bool
}

// ImageKey is a line of [docker.images].
type ImageKey struct{ OS, Reference string }

// special says that only an RQD started for the check will do.
func (s Setup) special() bool {
	return s.Override != "" || s.Docker != "" || s.Images != nil || s.Mounts != ""
}

// killGrace is what our RQD gives a killed frame; the Python RQD does not know the key.
const killGrace = 1

// cores is what every RQD of ours reports, whatever the machine has.
const cores = 8

// config is the whole rqd.conf.
func (s *Stage) config(setup Setup) string {
	var b strings.Builder
	host, port := splitAddress(s.Cue.Addr())
	fmt.Fprintf(&b, `[Override]
RQD_GRPC_PORT=%s
OVERRIDE_CUEBOT=%s
CUEBOT_GRPC_PORT=%s
OVERRIDE_HOSTNAME=%s
OVERRIDE_CORES=%d
RQD_TAGS=%s
RQD_RUN_DIR=%s/run
RQD_STATE_DIR=%s/state
KILL_GRACE_SECONDS=%d
CONSOLE_LOG_LEVEL=DEBUG
%s
[docker.config]
RUN_ON_DOCKER=True
%s
[docker.images]
`, portOf(s.address), host, port, s.name, cores, strings.Join(tags, " "), s.own, s.own, killGrace, setup.Override, setup.Docker)
	for _, i := range s.images {
		fmt.Fprintf(&b, "%s=%s\n", i.OS, i.Reference)
	}
	fmt.Fprintf(&b, "[docker.mounts]\nCHECK=type:bind,source:%[1]s,target:%[1]s,bind-propagation:slave\n%s\n",
		s.dir, strings.ReplaceAll(setup.Mounts, "$DIR", s.dir))
	return b.String()
}

// tags are what RQD_TAGS gives our RQDs.
var tags = []string{"conformance", "second-word"}
