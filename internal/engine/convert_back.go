package engine

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/system"
)

func fromSummary(s container.Summary) Container {
	return Container{
		ID:      s.ID,
		Name:    ownName(s.Names),
		Image:   s.Image,
		ImageID: s.ImageID,
		Labels:  s.Labels,
		State:   State(s.State),
		Created: time.Unix(s.Created, 0),
		Mounts:  fromMounts(s.Mounts),
	}
}

// ownName picks the container's own name out of its names; links add others of the form /other/alias.
func ownName(names []string) string {
	for _, n := range names {
		if n = strings.TrimPrefix(n, "/"); !strings.Contains(n, "/") {
			return n
		}
	}
	return ""
}

func fromInspect(raw container.InspectResponse) Container {
	c := Container{Mounts: fromMounts(raw.Mounts)}
	if base := raw.ContainerJSONBase; base != nil {
		c.ID = base.ID
		c.Name = strings.TrimPrefix(base.Name, "/")
		c.ImageID = base.Image
		c.Created = parseTime(base.Created)
		addState(&c, base.State)
		addHost(&c, base.HostConfig)
	}
	if config := raw.Config; config != nil {
		c.Image = config.Image
		c.Hostname = config.Hostname
		c.Labels = config.Labels
		c.Env = config.Env
		c.Cmd = config.Cmd
		if config.StopTimeout != nil {
			c.StopTimeout = time.Duration(*config.StopTimeout) * time.Second
		}
	}
	return c
}

func addState(c *Container, s *container.State) {
	if s == nil {
		return
	}
	c.State = State(s.Status)
	c.PID = s.Pid
	c.ExitCode = s.ExitCode
	c.OOMKilled = s.OOMKilled
	c.Error = s.Error
	c.StartedAt = parseTime(s.StartedAt)
	c.FinishedAt = parseTime(s.FinishedAt)
	if s.Health != nil && s.Health.Status != container.NoHealthcheck {
		c.Health = s.Health.Status
	}
}

func addHost(c *Container, h *container.HostConfig) {
	if h == nil {
		return
	}
	c.Privileged = h.Privileged
	c.Namespaces = Namespaces{
		PIDMode:      string(h.PidMode),
		NetworkMode:  string(h.NetworkMode),
		IPCMode:      string(h.IpcMode),
		UTSMode:      string(h.UTSMode),
		UsernsMode:   string(h.UsernsMode),
		CgroupnsMode: string(h.CgroupnsMode),
	}
}

func fromMounts(points []container.MountPoint) []Mount {
	mounts := make([]Mount, 0, len(points))
	for _, p := range points {
		m := Mount{
			Type:        MountType(p.Type),
			Source:      p.Source,
			Target:      p.Destination,
			ReadOnly:    !p.RW,
			Propagation: string(p.Propagation),
		}
		if p.Type == mount.TypeVolume {
			m.Source = p.Name
		}
		mounts = append(mounts, m)
	}
	slices.SortFunc(mounts, func(a, b Mount) int { return strings.Compare(a.Target, b.Target) })
	return mounts
}

// parseTime reads the engine's time; its "never" (year 1) becomes the zero Time.
func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() <= 1 {
		return time.Time{}
	}
	return t
}

func fromImage(raw image.InspectResponse) Image {
	img := Image{ID: raw.ID, Tags: raw.RepoTags, Digests: raw.RepoDigests, Size: raw.Size}
	if raw.Config == nil {
		return img
	}
	img.Labels = raw.Config.Labels
	img.Env = raw.Config.Env
	img.Volumes = slices.Sorted(maps.Keys(raw.Config.Volumes))
	if check := raw.Config.Healthcheck; check != nil && len(check.Test) > 0 {
		img.HasHealthcheck = check.Test[0] != "NONE"
	}
	return img
}

func toInfo(raw system.Info) Info {
	info := Info{
		Name:           raw.Name,
		Version:        raw.ServerVersion,
		CgroupVersion:  1,
		DataRoot:       raw.DockerRootDir,
		NCPU:           raw.NCPU,
		MemTotal:       raw.MemTotal,
		SwarmNodeID:    raw.Swarm.NodeID,
		Runtimes:       slices.Sorted(maps.Keys(raw.Runtimes)),
		DefaultRuntime: raw.DefaultRuntime,
	}
	if raw.CgroupVersion == "2" {
		info.CgroupVersion = 2
	}
	for _, opt := range raw.SecurityOptions {
		name, _, _ := strings.Cut(opt, ",")
		info.Rootless = info.Rootless || name == "name=rootless"
		info.UsernsRemap = info.UsernsRemap || name == "name=userns"
	}
	return info
}
