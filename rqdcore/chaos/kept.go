package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"rqdswarm/internal/engine"
)

const (
	rqdName        = "rqd"
	supervisorRole = "org.rqdswarm.role"
	// keptLimit is what a supervisor gets to do anything on a busy machine.
	keptLimit = 3 * time.Minute
	keptPause = 20 * time.Millisecond
)

// kept is rqdcore in a container that a real supervisor keeps, in a container as well. The engine starts a
// supervisor anew that ended by itself, as compose does: docker run --restart always.
type kept struct {
	pardon

	ground  *ground
	dir     string
	books   *books
	stopped func() // Called between one rqdcore and the next.

	control sync.Mutex // Held by those who start and stop.
	made    int        // Supervisors so far.
	labels  int        // Specs of RQD so far: with another label it is another RQD.
}

func (k *kept) start() error {
	k.control.Lock()
	defer k.control.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), keptLimit)
	defer cancel()
	if len(k.supervisors(ctx)) > 0 {
		return nil
	}
	_, err := k.supervise(ctx)
	return err
}

// supervise starts one more supervisor and returns its name.
func (k *kept) supervise(ctx context.Context) (string, error) {
	k.made++
	name := fmt.Sprintf("supervisor-%d", k.made)
	mount := func(source, target string) string { return " --mount type=bind,source=" + source + ",target=" + target }
	args := "--privileged=false --label chaos=" + strconv.Itoa(k.labels) +
		mount(filepath.Join(k.dir, "run"), "/run/rqd") + mount(filepath.Join(k.dir, "state"), "/var/lib/rqd") +
		mount(filepath.Join(k.dir, "logs"), filepath.Join(k.dir, "logs")) + mount(filepath.Join(k.dir, "engine.sock"), "/var/run/docker.sock")
	_, err := k.ground.docker(ctx, "run", "--detach", "--name", name, "--restart", "always", "--network", "host",
		"--volume", k.ground.Socket()+":/var/run/docker.sock", "--volume", filepath.Join(k.dir, "etc")+":/etc/opencue:ro",
		"--env", "RQD_IMAGE="+rqdImage, "--env", "RQD_PULL=never", "--env", "RQD_RUN_ARGS="+args, "--env", "SUPERVISOR_LOG_LEVEL=debug", supervisorImage)
	return name, err
}

// supervisors are the names of those that live or will be started anew.
func (k *kept) supervisors(ctx context.Context) []string {
	list, err := k.ground.client.List(ctx, map[string]string{supervisorRole: "supervisor"})
	if err != nil {
		return nil
	}
	var names []string
	for _, c := range list {
		names = append(names, c.Name)
	}
	return names
}

// stop ends RQD and every supervisor, and returns when RQD is gone.
func (k *kept) stop(s syscall.Signal) {
	k.control.Lock()
	defer k.control.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), keptLimit)
	defer cancel()
	names := k.supervisors(ctx)
	if s == syscall.SIGKILL {
		k.killRQD(ctx)
	} else if len(names) > 0 {
		k.stopSupervisors(ctx, names)
	}
	for _, name := range names {
		k.remove(ctx, name)
	}
	for k.rqdPID(ctx) != 0 && ctx.Err() == nil { // The supervisor was quicker.
		k.killRQD(ctx)
	}
	k.stopped()
	if ctx.Err() != nil {
		k.books.wrong("rqdcore's container does not end within %v of %v", keptLimit, s)
	}
}

// stopSupervisors stops all. The last one takes RQD along, unless it is dead or has hardly begun: a process 1 that
// handles no signal yet is not even ended by one.
func (k *kept) stopSupervisors(ctx context.Context, names []string) {
	grown := true
	for _, name := range names {
		c, err := k.ground.client.Inspect(ctx, name)
		grown = grown && err == nil && c.State == engine.StateRunning && time.Since(c.StartedAt) > youth
	}
	if _, err := k.ground.docker(ctx, append([]string{"stop", "--time", "20"}, names...)...); err != nil {
		k.books.wrong("%v", err)
	}
	if grown && k.rqdPID(ctx) != 0 && !k.isExcused() {
		k.books.wrong("rqdcore runs on though its last supervisor was stopped")
	}
}

// remove takes a supervisor's container away and keeps what it said, which is also what RQD said.
func (k *kept) remove(ctx context.Context, name string) {
	f, err := os.OpenFile(filepath.Join(k.dir, "rqdcore.log"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil { // An engine that was killed may have lost the container's log.
		_ = k.ground.client.Logs(ctx, name, engine.LogOptions{}, func(l engine.LogLine) error {
			_, err := fmt.Fprintf(f, "%s: %s\n", name, l.Text)
			return err
		})
		_ = f.Close()
	}
	if gone := k.ground.client.Remove(ctx, name, engine.RemoveOptions{Force: true}); gone != nil && !engine.IsGone(gone) {
		err = gone
	}
	if err != nil && !k.isExcused() {
		k.books.wrong("remove %s: %v", name, err)
	}
}

// rqdPID is RQD's process; 0 when there is none.
func (k *kept) rqdPID(ctx context.Context) int {
	c, err := k.ground.client.Inspect(ctx, rqdName)
	if err != nil || c.State != engine.StateRunning {
		return 0
	}
	return c.PID
}

// killRQD ends the process by SIGKILL, as an out-of-memory killer does, and waits until the engine knows.
func (k *kept) killRQD(ctx context.Context) {
	pid := k.rqdPID(ctx)
	if pid == 0 {
		return
	}
	_ = syscall.Kill(pid, syscall.SIGKILL) // It may have ended just now.
	for k.rqdPID(ctx) == pid && ctx.Err() == nil {
		time.Sleep(keptPause)
	}
	k.stopped()
}

// hit kills RQD or its supervisor and leaves the rest to the engine's restart policy.
func (k *kept) hit(ctx context.Context, kind faultKind) bool {
	k.control.Lock()
	defer k.control.Unlock()
	ctx, cancel := context.WithTimeout(ctx, keptLimit)
	defer cancel()
	if kind == rqdKilledKept {
		k.killRQD(ctx)
		return true
	}
	names, rqd := k.supervisors(ctx), k.rqdPID(ctx)
	if len(names) == 0 || rqd == 0 {
		return false
	}
	before, err := k.ground.client.Inspect(ctx, names[0])
	if err != nil || before.State != engine.StateRunning {
		return false
	}
	_ = syscall.Kill(before.PID, syscall.SIGKILL) // It may have ended just now.
	k.await(ctx, "the engine starts the killed supervisor anew", func() bool {
		c, err := k.ground.client.Inspect(ctx, names[0])
		return err == nil && c.State == engine.StateRunning && c.PID != before.PID
	})
	if now := k.rqdPID(ctx); now != rqd && !k.isExcused() {
		k.books.wrong("rqdcore was replaced (process %d, was %d) though only its supervisor was killed", now, rqd)
	}
	return true
}

// handOver starts a newer supervisor beside the old one and stops the old one when RQD is the newer's, as an
// update with order start-first does. The newer one may bring another RQD, or die on the way.
func (k *kept) handOver(ctx context.Context, f fault) bool {
	k.control.Lock()
	defer k.control.Unlock()
	ctx, cancel := context.WithTimeout(ctx, keptLimit)
	defer cancel()
	old := k.supervisors(ctx)
	before, err := k.ground.client.Inspect(ctx, rqdName)
	if len(old) == 0 || err != nil || before.State != engine.StateRunning {
		return false
	}
	other := f.repeat > 1 // One time in four the new supervisor wants the same RQD.
	if other {
		k.labels++
	}
	name, err := k.supervise(ctx)
	if err != nil {
		k.books.wrong("%v", err)
		return false
	}
	switch {
	case other && f.pick < 0.3: // The update fails on the way: the old one takes RQD back.
		for end := time.Now().Add(time.Duration(f.pick * float64(5*time.Second))); time.Now().Before(end); time.Sleep(keptPause) {
			k.stopped()
		}
		k.labels--
		k.remove(ctx, name)
		return true
	case other:
		k.await(ctx, "the newer supervisor replaces rqdcore", func() bool {
			k.stopped()
			c, err := k.ground.client.Inspect(ctx, rqdName)
			return err == nil && c.ID != before.ID && c.State == engine.StateRunning
		})
	}
	if _, err := k.ground.docker(ctx, append([]string{"stop", "--time", "20"}, old...)...); err != nil {
		k.books.wrong("%v", err)
	}
	for _, o := range old {
		k.remove(ctx, o)
	}
	if c, err := k.ground.client.Inspect(ctx, rqdName); !other && !k.isExcused() && (err != nil || c.ID != before.ID) {
		k.books.wrong("rqdcore was replaced though the newer supervisor wants the same: %v", err)
	}
	return true
}

// await waits until something is so, which is wrong when it never is.
func (k *kept) await(ctx context.Context, what string, is func() bool) {
	for !is() {
		if ctx.Err() != nil {
			k.books.wrong("not seen within %v: %s", keptLimit, what)
			return
		}
		time.Sleep(keptPause)
	}
}

// freeze stops RQD's clock for a while.
func (k *kept) freeze(d time.Duration) {
	k.control.Lock()
	defer k.control.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), keptLimit)
	defer cancel()
	pid := k.rqdPID(ctx)
	if pid == 0 {
		return
	}
	_ = syscall.Kill(pid, syscall.SIGSTOP) // It may have ended just now.
	time.Sleep(d)
	_ = syscall.Kill(pid, syscall.SIGCONT)
}

// count is how many supervisors there were.
func (k *kept) count() int {
	k.control.Lock()
	defer k.control.Unlock()
	return k.made
}
