//go:build swarm

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// updatesVariable names the file for the samples of TestUpdates, updateRoundsVariable how many there shall be.
const (
	updatesVariable      = "UPDATES"
	updateRoundsVariable = "UPDATE_ROUNDS"
)

// guideScript is the wrapper of OpenCue's guide for RQD on a Swarm, but for what a lab cannot do: the pull, and a published
// port. It and our service run the same RQD without privileges, from the same rqd.conf.
const guideScript = `docker stop -t $STOP_GRACE_SECONDS guide
docker rm guide
trap 'docker stop -t $STOP_GRACE_SECONDS guide || true' INT TERM
exec docker run --rm --name guide --label ` + labelRQD + `=guide --hostname $(hostname) --pid host --network host \
 --mount type=bind,source=/tmp,target=/tmp --mount type=bind,source=/var/run/docker.sock,target=/var/run/docker.sock,readonly \
 --mount type=volume,source=guide-run,target=/run/rqd --mount type=volume,source=guide-state,target=/var/lib/rqd \
 --mount type=bind,source=%[1]s,target=/etc/opencue/rqd.conf,readonly --env CUEBOT_HOSTNAME=` + cuebot + ` $RQD_IMAGE`

// keeper is a service that keeps RQD running on each node: ours, or the guide's.
type keeper struct {
	name   string
	create func(t *testing.T)
	update func(t *testing.T, order string)
	remove func(t *testing.T)
}

// TestUpdates measures for how long an update takes RQD away, with our service and with the guide's, in turns. It is for
// the benchmark, which names the file for the samples: seconds by kind of update and keeper.
func TestUpdates(t *testing.T) {
	path := os.Getenv(updatesVariable)
	if path == "" {
		t.Skip("only for the benchmark, which sets " + updatesVariable)
	}
	rounds, err := strconv.Atoi(os.Getenv(updateRoundsVariable))
	if err != nil || rounds < 1 {
		t.Fatalf("%s=%q: want a number of rounds", updateRoundsVariable, os.Getenv(updateRoundsVariable))
	}
	f := theFarm
	f.build(t, imageA, "FROM rqdcore:dev\nLABEL e2e=a\n")
	f.build(t, imageB, "FROM rqdcore:dev\nLABEL e2e=b\n")
	f.serve(t)
	w := f.watch(t)[0]
	samples := map[string]map[string][]float64{}
	for range rounds {
		for _, k := range []keeper{f.guide(t), f.ours(t)} {
			k.create(t)
			w.stays(t)
			for _, order := range []string{"start-first", "stop-first"} {
				from := time.Now()
				k.update(t, order)
				w.stays(t)
				if samples[order] == nil {
					samples[order] = map[string][]float64{}
				}
				samples[order][k.name] = append(samples[order][k.name], w.sum(from, time.Now()).Seconds())
			}
			k.remove(t)
		}
	}
	text, err := json.Marshal(samples)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// ours is the service as the scripts make it.
func (f *farm) ours(t *testing.T) keeper {
	s, next := f.fleet(t, "updates"), imageB
	return keeper{
		name: "supervisor",
		create: func(t *testing.T) {
			s.create(t, imageA, "--cuebot", cuebot, "--conf", conf(t), "--grace", "10", "--env", "RQD_RUN_ARGS=--privileged=false --mount type=bind,source=/tmp,target=/tmp")
			s.runs(t, imageA)
		},
		update: func(t *testing.T, order string) {
			s.update(t, "--image", next, "--order", order)
			s.runs(t, next)
			next = imageA
		},
		remove: s.remove,
	}
}

// guide is the guide's service. Its task needs docker's client: that of this machine, in an image that has a C library.
func (f *farm) guide(t *testing.T) keeper {
	client, err := exec.LookPath("docker")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(shared, "guide")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "rqd.conf")
	if err := os.WriteFile(file, []byte(rqdConf), 0o644); err != nil {
		t.Fatal(err)
	}
	s, manager, next := &fleet{farm: f, name: "guide", container: "guide"}, f.nodes[0], imageB
	script := fmt.Sprintf(guideScript, file)
	remove := func(t *testing.T) {
		if !strings.Contains(manager.docker(t, "", "service", "ls", "--format", "{{.Name}}"), s.name) {
			return
		}
		manager.docker(t, "", "service", "rm", s.name)
		s.gone(t)
	}
	remove(t)
	t.Cleanup(func() { remove(t) })
	return keeper{
		name: "the guide's script",
		create: func(t *testing.T) {
			manager.docker(t, "", "service", "create", "--quiet", "--no-resolve-image", "--name", s.name, "--mode", "global", "--network", "host",
				"--hostname", "{{.Node.Hostname}}", "--env", "STOP_GRACE_SECONDS=10", "--env", "RQD_IMAGE="+imageA, "--stop-grace-period", "20s",
				// With start-first the script now and then fails on the name of the container that it has just stopped, and is started again.
				"--restart-delay", "1s", "--update-monitor", "2s", "--update-failure-action", "continue",
				"--mount", "type=bind,source=/var/run/docker.sock,target=/var/run/docker.sock",
				"--mount", "type=bind,source="+client+",target=/usr/local/bin/docker,readonly",
				"--entrypoint", "/bin/sh", guideImage, "-c", script)
			s.runs(t, imageA)
		},
		update: func(t *testing.T, order string) {
			manager.docker(t, "", "service", "update", "--quiet", "--no-resolve-image", "--update-order", order, "--env-add", "RQD_IMAGE="+next, s.name)
			s.runs(t, next)
			next = imageA
		},
		remove: remove,
	}
}

// guideImage is one with a shell and a C library that a node may have.
const guideImage = "rqd-frame-debian12:dev"

// stays waits until the port has been open for a while: an update may still have a second blow to deal.
func (w *watcher) stays(t *testing.T) {
	t.Helper()
	const calm = 6 * time.Second
	eventually(t, "RQD's port stays open", 2*time.Minute, func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if n := len(w.changes); n == 0 || !w.changes[n-1].up || time.Since(w.changes[n-1].at) < calm {
			return fmt.Errorf("its last changes: %v", w.changes[max(0, n-2):])
		}
		return nil
	})
}

// sum is for how long the port was closed.
func (w *watcher) sum(from, to time.Time) (all time.Duration) {
	for _, gap := range w.absent(from, to) {
		all += gap
	}
	return all
}
