package runner

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"rqdswarm/internal/capability"
	"rqdswarm/internal/engine"
	"rqdswarm/internal/wire"
	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/rqlog"
)

// Labels of a frame's container. They are what a frame is recovered by when the state volume is
// lost, and no more: every event of the engine repeats all of them and cAdvisor exports them.
const (
	LabelRole     = "org.rqdswarm.role" // "frame".
	LabelHost     = "org.rqdswarm.host"
	LabelFrame    = "org.rqdswarm.frame"
	LabelJob      = "org.rqdswarm.job"
	LabelLayer    = "org.rqdswarm.layer"
	LabelResource = "org.rqdswarm.resource"
	LabelInit     = "org.rqdswarm.frameinit" // File name of the frameinit that it was started from.
	LabelCores    = "org.rqdswarm.cores"     // Core points.
	LabelCPUs     = "org.rqdswarm.cpus"      // Logical CPUs that it is pinned to; missing when it is not.
	LabelGPUs     = "org.rqdswarm.gpus"      // Ids of its cards; missing without any.
	LabelStart    = "org.rqdswarm.start"     // Cuebot's start_time, epoch milliseconds.
	LabelJobName  = "org.rqdswarm.job_name"
	LabelName     = "org.rqdswarm.frame_name"
	LabelLogDir   = "org.rqdswarm.log_dir"
	LabelUID      = "org.rqdswarm.uid" // Missing when Cuebot named none.
	RoleFrame     = "frame"
	RoleGPUQuery  = "gpu-query" // Runs nvidia-smi for RQD, see package gpu.
)

const (
	kib = 1024
	// smallestLimit is the least memory a container may have; below it Cuebot's value is none.
	smallestLimit = 6 * 1024 * kib
	defaultHard   = 2 << 30
	defaultSoft   = 1 << 30
	oomScoreAdj   = 500 // The kernel shall kill the render, not RQD or the engine.
	// figuresInterval is about that of host reports, which carry the figures on.
	figuresInterval = 10 * time.Second
)

// Plan is everything that is decided about a frame before anything is done.
type Plan struct {
	Image string
	Spec  engine.Spec
	Order wire.Order
}

// Plan decides, without any I/O, how the promised frame runs. Without an image there is the order all the same: the
// log needs the artist's identity, and a frame that was started before the image left the configuration needs all of it.
func (p Policy) Plan(pr Promise) (Plan, error) {
	f := pr.Frame
	uid, gid := p.Identity.user(f)
	if uid == 0 || gid == 0 {
		return Plan{}, fmt.Errorf("frame would run as uid %d, gid %d: RQD runs no frame as root; set LAUNCH_FRAME_USER_GID and the job's uid", uid, gid)
	}
	env := p.Env.of(f, pr.Reservation, p.HostName)
	log := p.Log
	if f.LokiURL != "" { // It keeps its own time, and its own house.
		log.Timestamps, log.MaxBytes = false, 0
	}
	plan := Plan{Order: wire.Order{
		Shell: p.ShellPath, Command: f.Command, Environment: env, WorkingDir: p.WorkingDir,
		UserName: f.UserName, UID: uid, GID: gid, Groups: p.Identity.Groups, Capabilities: capability.Set(p.Container.CapAdd), Home: env["HOME"], Nice: p.Identity.Nice,
		Timestamps: log.Timestamps, Zone: wire.ZoneAt(pr.Accepted, log.Location),
		LogPath: rqlog.Path(f), LogMaxBytes: log.MaxBytes,
		LeaseSeconds:    int(p.Lease / time.Second),
		KillGraceMillis: int(p.KillGrace / time.Millisecond),
		FiguresMillis:   int(figuresInterval / time.Millisecond),
	}}
	image, err := p.image(f.OS)
	if err != nil {
		return plan, err
	}
	plan.Image, plan.Order.Image, plan.Spec = image, image, p.spec(pr, image)
	return plan, nil
}

func (p Policy) image(os string) (string, error) {
	if len(p.Images) == 0 {
		return "", errors.New("no image is configured in [docker.images]")
	}
	if os == "" {
		return p.Images[0].Reference, nil
	}
	known := make([]string, len(p.Images))
	for i, image := range p.Images {
		if image.OS == os {
			return image.Reference, nil
		}
		known[i] = image.OS
	}
	return "", fmt.Errorf("no image for os %q: [docker.images] has %s", os, strings.Join(known, ", "))
}

func (p Policy) spec(pr Promise, image string) engine.Spec {
	f := pr.Frame
	return engine.Spec{
		Name: pr.Container, Image: image, Hostname: p.containerHostname(), User: "0:0",
		Entrypoint: []string{wire.MountPoint + "/" + p.FrameInit},
		Env:        []string{wire.TokenEnv + "=" + pr.Token},
		Labels:     p.labels(pr),
		StopSignal: "SIGTERM", DisableHealthcheck: true,
		Mounts:     p.mounts(),
		Privilege:  p.privilege(),
		Namespaces: engine.Namespaces{PIDMode: p.Namespaces.PID, NetworkMode: p.Namespaces.Network, UsernsMode: "host"},
		Limits:     p.limits(f, pr.Reservation),
		GPUs:       p.gpus(pr.Reservation),
		Devices:    p.Container.Devices,
		DNS:        p.Container.DNS, ExtraHosts: p.Container.ExtraHosts, Tmpfs: p.Container.Tmpfs,
		// The crash path of frameinit's record; the daemon's default driver may not be readable.
		Log: engine.LogConfig{Driver: "json-file", Options: map[string]string{"max-size": "1m", "max-file": "1"}},
	}
}

// containerHostname is the host's name as licence servers know it; an address is no host name.
func (p Policy) containerHostname() string {
	if net.ParseIP(p.HostName) != nil {
		return ""
	}
	return p.HostName
}

func (p Policy) mounts() []engine.Mount {
	run := p.Run
	run.Target, run.ReadOnly = wire.MountPoint, true
	return append([]engine.Mount{run}, p.Mounts...)
}

// privilege leaves frameinit the right to become the artist, and the command nothing but what
// DOCKER_CAP_ADD names; frameinit sees to that also in a privileged container.
// labels are off as in the Python RQD's privileged frames: SELinux would refuse the log's descriptor.
func (p Policy) privilege() engine.Privilege {
	if p.Container.Privileged {
		return engine.Privilege{Privileged: true, SecurityOpt: p.Container.SecurityOpt}
	}
	return engine.Privilege{
		CapDrop: []string{"ALL"}, CapAdd: append([]string{"SETUID", "SETGID"}, p.Container.CapAdd...),
		NoNewPrivileges: true, SecurityOpt: append([]string{"label=disable"}, p.Container.SecurityOpt...),
	}
}

func (p Policy) limits(f frame.Frame, r frame.Reservation) engine.Limits {
	hard, soft := f.HardMemory*kib, f.SoftMemory*kib
	if hard <= smallestLimit {
		hard = defaultHard
	}
	if soft <= smallestLimit {
		soft = defaultSoft
	}
	shm := p.Container.ShmSize
	if shm == 0 {
		shm = hard
	}
	return engine.Limits{
		Memory: hard, MemoryReservation: min(soft, hard), ShmSize: shm, CPUSet: joinInts(r.CPUs),
		OOMScoreAdj: oomScoreAdj, Ulimits: slices.Clone(p.Container.Ulimits),
	}
}

// gpus asks for the reserved cards only; a frame without any sees none.
func (p Policy) gpus(r frame.Reservation) []engine.GPURequest {
	if len(r.GPUs) == 0 || !p.Container.GPUs {
		return nil
	}
	ids := make([]string, len(r.GPUs))
	for i, id := range r.GPUs {
		ids[i] = itoa(id)
	}
	return []engine.GPURequest{{IDs: ids, Capabilities: []string{"gpu", "compute", "utility", "graphics", "video", "display"}}}
}
