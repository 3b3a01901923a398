package doctor

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"rqdswarm/internal/engine"
	"rqdswarm/supervisor/swarm"
)

// engineVersion names the versions that matter: the API, and the engines that kill a container at once when the client
// that stops it goes away.
func engineVersion(info engine.Info) Finding {
	found := fmt.Sprintf("Docker %s, API %s", info.Version, info.APIVersion)
	if stopDiesWithClient(info.Version) {
		return Finding{"engine", Warning, found + " ends a stop when its client does", "update to 23.0.7, 24.0.3 or newer; until then the supervisor keeps RQD's grace itself, and it is lost if the supervisor is killed"}
	}
	return Finding{"engine", OK, found, ""}
}

// stopDiesWithClient names 23.0.0 to 23.0.6 and 24.0.0 to 24.0.2.
func stopDiesWithClient(version string) bool {
	var major, minor, patch int
	if _, err := fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch); err != nil {
		return false
	}
	return minor == 0 && (major == 23 && patch <= 6 || major == 24 && patch <= 2)
}

func rootless(info engine.Info) Finding {
	switch {
	case info.Rootless:
		return Finding{"root", Failure, "the engine is rootless", "use an engine that runs as root: frames run as the artists, whose ids a rootless engine cannot take, and files would belong to nobody"}
	case info.UsernsRemap:
		return Finding{"root", OK, "the engine remaps users; RQD and its frames are exempt", ""}
	default:
		return Finding{"root", OK, "the engine runs as root", ""}
	}
}

func cgroups(info engine.Info) Finding {
	switch info.CgroupVersion {
	case 2:
		return Finding{"cgroups", OK, "version 2; RQD gets the host's namespace", ""}
	case 1:
		return Finding{"cgroups", OK, "version 1", ""}
	default:
		return Finding{"cgroups", Warning, fmt.Sprintf("version %d", info.CgroupVersion), "memory and CPU of frames may not be measured"}
	}
}

// gpuRuntime compares what RQD is to get with what the engine can give.
func gpuRuntime(info engine.Info, spec engine.Spec) Finding {
	installed := slices.ContainsFunc(info.Runtimes, func(r string) bool { return strings.HasPrefix(r, "nvidia") })
	switch {
	case installed:
		return Finding{"gpu", OK, "the engine has the NVIDIA runtime", ""}
	case len(spec.GPUs) > 0:
		return Finding{"gpu", Failure, "RQD_RUN_ARGS asks for --gpus, and the engine has no NVIDIA runtime", "install the NVIDIA container toolkit and run `nvidia-ctk runtime configure`"}
	default:
		return Finding{"gpu", OK, "no GPU runtime, and none asked for", ""}
	}
}

func self(s swarm.Self) Finding {
	switch {
	case !s.InContainer():
		return Finding{"supervisor", Warning, "not in a container of this engine", "run the supervisor as a container, so that others of the same RQD see it"}
	case s.Container.Labels[swarm.RoleLabel] != swarm.RoleSupervisor:
		return Finding{"supervisor", Warning, fmt.Sprintf("container %s has no label %s=%s", s.ShortID(), swarm.RoleLabel, swarm.RoleSupervisor), "give the image that label"}
	default:
		return Finding{"supervisor", OK, "container " + s.ShortID(), ""}
	}
}

func swarmNode(info engine.Info) Finding {
	if info.SwarmNodeID == "" {
		return Finding{"swarm", OK, "not part of a Swarm", ""}
	}
	return Finding{"swarm", OK, "node " + info.SwarmNodeID, ""}
}

// clock asks the kernel whether anything keeps its clock in step: Cuebot compares times of many hosts.
func clock() Finding {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return clockOf(state, t.Status, err)
}

func clockOf(state int, status int32, err error) Finding {
	switch {
	case err != nil:
		return Finding{"clock", Warning, "cannot be read: " + err.Error(), ""}
	case state == unix.TIME_ERROR || status&unix.STA_UNSYNC != 0:
		return Finding{"clock", Warning, "nothing keeps the host's clock in step", "run chrony or systemd-timesyncd on the host"}
	default:
		return Finding{"clock", OK, "kept in step", ""}
	}
}

// littleSpace is when images and logs are about to fill the engine's disk.
const littleSpace = 5 << 30

// space looks at our own root, which lies on the engine's disk.
func space(root string, info engine.Info) Finding {
	var s unix.Statfs_t
	if err := unix.Statfs(root, &s); err != nil {
		return Finding{"space", Warning, "cannot be read: " + err.Error(), ""}
	}
	return spaceOf(s.Bavail*uint64(s.Bsize), info)
}

func spaceOf(free uint64, info engine.Info) Finding {
	found := fmt.Sprintf("%.1f GiB free in %s", float64(free)/(1<<30), info.DataRoot)
	if free < littleSpace {
		return Finding{"space", Warning, found, "make room: `docker system df`, `docker image prune`"}
	}
	return Finding{"space", OK, found, ""}
}
