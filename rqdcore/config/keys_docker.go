package config

import "rqdswarm/internal/engine"

func dockerKeys() []option {
	key := func(name, meaning string) Key {
		return Key{Section: sectionDocker, Name: name, Meaning: meaning}
	}
	gpu := key("DOCKER_GPU_MODE", "Give frames the graphics cards they are booked for.")
	gpu.Environment = "DOCKER_GPU_MODE"
	run := key("RUN_ON_DOCKER", "Frames run in containers in any case; RQD warns when this is not True.")
	run.Default = "not set"
	return []option{
		honour(run, boolean(), func(c *Config) *bool { return &c.runOnDocker }),
		honour(key("DOCKER_SHELL_PATH", "Shell in the images that runs a frame's command."),
			directory(), func(c *Config) *string { return &c.Docker.ShellPath }),
		honour(gpu, boolean(), func(c *Config) *bool { return &c.Docker.GPUMode }),
		honour(key("DOCKER_MIN_FREE_SPACE", "Below so much free space where the engine keeps its containers, frames are refused; 0 never refuses."),
			size(), func(c *Config) *int64 { return &c.Docker.MinFreeSpace }),
		honour(key("IMAGE_KEEP_DAYS", "Days after which an image that RQD has used, and that is neither configured nor needed any more, is removed; 0 removes none."),
			whole("days", 0, 3650), func(c *Config) *int64 { return &c.Docker.ImageKeepDays }),
		honour(key("FRAME_GROUPS", "Supplementary groups of every frame, as numbers."),
			groups(), func(c *Config) *[]int { return &c.Docker.FrameGroups }),
	}
}

// dockerRunKeys give frames what an ordinary container does not have; each is written as the
// flag of docker run with the same name.
func dockerRunKeys() []option {
	key := func(name, meaning string) Key {
		return Key{Section: sectionDocker, Name: name, Meaning: meaning}
	}
	security := honour(key("DOCKER_SECURITY_OPT", "Security options, separated by blanks. A seccomp profile is read by RQD."),
		words("list", checkSecurityOption), func(c *Config) *[]string { return &c.Docker.securityOpt })
	read := security.set
	security.set = func(c *Config, text string) error {
		if err := read(c, text); err != nil {
			return err
		}
		ready, err := securityOptions(c.Docker.securityOpt)
		c.Docker.SecurityOpt = ready
		return err
	}
	shm := key("DOCKER_SHM_SIZE", "Size of /dev/shm, for example 2g.")
	shm.Default = "the frame's hard memory limit"
	return []option{
		honour(key("DOCKER_PRIVILEGED", "Give every container the host's devices, without seccomp. The command gets no capability by it. Prefer the keys below."),
			boolean(), func(c *Config) *bool { return &c.Docker.Privileged }),
		honour(key("DOCKER_PID_MODE", "Pid namespace: private, host or container:NAME."),
			pidMode(), func(c *Config) *string { return &c.Docker.PIDMode }),
		honour(key("DOCKER_NETWORK_MODE", "Network: host, bridge, none, container:NAME or a network's name."),
			network(), func(c *Config) *string { return &c.Docker.NetworkMode }),
		optional(shm, size(), func(c *Config) *int64 { return &c.Docker.ShmSize }),
		honour(key("DOCKER_DEVICES", "Devices, `HOST[:CONTAINER][:rwm]`, for example /dev/fuse."),
			devices(), func(c *Config) *[]engine.Device { return &c.Docker.Devices }),
		honour(key("DOCKER_CAP_ADD", "Capabilities of the command, for example SYS_PTRACE."),
			capabilities(), func(c *Config) *[]string { return &c.Docker.CapAdd }),
		security,
		honour(key("DOCKER_ULIMITS", "Limits, `NAME=SOFT[:HARD]`, for example nofile=1024:65536."),
			ulimits(), func(c *Config) *[]engine.Ulimit { return &c.Docker.Ulimits }),
		honour(key("DOCKER_EXTRA_HOSTS", "Lines of /etc/hosts, `NAME:ADDRESS`."),
			extraHosts(), func(c *Config) *[]string { return &c.Docker.ExtraHosts }),
		honour(key("DOCKER_DNS", "Name servers, as addresses."),
			addresses(), func(c *Config) *[]string { return &c.Docker.DNS }),
		honour(key("DOCKER_TMPFS", "File systems in memory, `PATH[:OPTIONS]`, separated by blanks."),
			tmpfs(), func(c *Config) *map[string]string { return &c.Docker.Tmpfs }),
	}
}
