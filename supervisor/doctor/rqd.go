package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/supervisor/runline"
)

// name looks who has RQD's name.
func name(ctx context.Context, p Patient) Finding {
	c, err := p.Engine.Inspect(ctx, p.Name)
	switch {
	case errors.Is(err, engine.ErrNotFound) || (err == nil && c.Name != p.Name):
		return Finding{"rqd", OK, fmt.Sprintf("no container %s yet", p.Name), ""}
	case err != nil:
		return Finding{"rqd", Failure, err.Error(), ""}
	case c.Labels[runline.LabelRQD] != p.Name:
		return Finding{"rqd", Failure, fmt.Sprintf("container %s (%.12s) was not made by a supervisor", c.Name, c.ID), fmt.Sprintf("`docker rm -f %s`, or set another RQD_NAME", c.Name)}
	case c.State == engine.StateRunning && !supervised(ctx, p):
		return Finding{"rqd", Warning, fmt.Sprintf("container %s runs without a supervisor: the last one was killed", c.Name), "start the service again, and its supervisor adopts it; or stop it with `supervisor remove`"}
	case c.Health == "unhealthy":
		return Finding{"rqd", Warning, fmt.Sprintf("container %s is unhealthy", c.Name), fmt.Sprintf("`docker logs %s`", c.Name)}
	default:
		return Finding{"rqd", OK, strings.TrimSpace(fmt.Sprintf("container %s is %s %s", c.Name, c.State, c.Health)), ""}
	}
}

// supervised is true as well when it cannot be found out.
func supervised(ctx context.Context, p Patient) bool {
	found, err := p.Supervised(ctx)
	return found || err != nil
}

// dialTime bounds the knock on RQD's port.
const dialTime = 2 * time.Second

// port knocks on RQD's port, which nobody but our RQD may have.
func port(ctx context.Context, p Patient) Finding {
	ours := false
	if c, err := p.Engine.Inspect(ctx, p.Name); err == nil {
		ours = c.State == engine.StateRunning && c.Labels[runline.LabelRQD] == p.Name
	}
	for _, address := range p.Addresses {
		ctx, cancel := context.WithTimeout(ctx, dialTime)
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		cancel()
		if err != nil {
			continue
		}
		_ = c.Close()
		if ours {
			return Finding{"port", OK, "RQD answers at " + address, ""}
		}
		return Finding{"port", Failure, "something else answers at " + address, "stop it: another RQD, for example, that systemd or a wrapper script started"}
	}
	if ours {
		return Finding{"port", Warning, "RQD runs, and its port does not answer from here", "look at RQD's log; a firewall between containers and the host may be the reason as well"}
	}
	return Finding{"port", OK, "free, as far as can be seen from here", ""}
}

func imageOf(ref string, image engine.Image, err error) Finding {
	switch {
	case errors.Is(err, engine.ErrUnauthorized):
		return Finding{"image", Failure, err.Error(), "mount a docker config.json with the registry's credentials and name it by RQD_REGISTRY_CONFIG"}
	case err != nil:
		return Finding{"image", Failure, err.Error(), "check RQD_IMAGE and RQD_PULL, and whether the engine reaches the registry"}
	}
	found := fmt.Sprintf("%s is here, %s", ref, runline.Digest(image))
	if !image.HasHealthcheck {
		return Finding{"image", Warning, found + ", without HEALTHCHECK", "its port is tried instead, where it can be reached from the supervisor"}
	}
	return Finding{"image", OK, found, ""}
}

// rights tries what the host grants of RQD's spec: privileges, and mounts that follow the host's.
func rights(ctx context.Context, p Patient) []Finding {
	lost, err := p.Preflight(ctx, p.Spec)
	if err != nil {
		return []Finding{{"rights", Failure, err.Error(), "the engine refuses RQD's container as it is; check RQD_RUN_ARGS and the mounts' sources"}}
	}
	if len(lost) == 0 {
		return []Finding{{"rights", OK, "the host grants all that RQD asks for", ""}}
	}
	var findings []Finding
	for _, l := range lost {
		advice := "RQD runs with less"
		if strings.Contains(l, "shared mount") {
			advice = "`mount --make-rshared /` on the host, so that RQD sees what is mounted later"
		}
		findings = append(findings, Finding{"rights", Warning, l, advice})
	}
	return findings
}
