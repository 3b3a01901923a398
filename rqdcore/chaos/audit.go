package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"rqdswarm/rqdcore/cuepb/rqdpb"
)

const (
	// drainLimit is what the frames that run at the end get, and the completions that are owed.
	drainLimit = 90 * time.Second
	// cleanLimit is what RQD gets to clean up. It looks for leftovers of a dead RQD after a minute.
	cleanLimit = 150 * time.Second
	lookPause  = 200 * time.Millisecond
	// namelessVolume is the length of the random name that the engine gives.
	namelessVolume = 64
)

// heal ends all trouble.
func (c *chaos) heal(ctx context.Context) {
	c.later.Wait()
	c.atLaunch.Store(nil)
	c.afterLaunch.Store(nil)
	c.cue.disarm()
	if err := c.cue.up(ctx); err != nil {
		c.books.wrong("%v", err)
	}
	c.restart()
}

// audit looks at everything that must be true when nothing is broken and nothing runs.
func (c *chaos) audit(ctx context.Context) result {
	c.auditRQD(ctx)
	c.rqd.stop(syscall.SIGTERM)
	c.auditFiles()
	out := result{runs: len(c.books.runs), kinds: make(map[string]int)}
	logs, err := readLogs(c.logDir())
	if err != nil {
		c.books.wrong("read rqlogs: %v", err)
	}
	for _, r := range c.books.runs {
		if problem := r.judge(); problem != "" {
			c.books.wrong("%s: %s", r.id, problem)
		}
		for _, problem := range r.checkLogs(logs[r.id]) {
			c.books.wrong("%s: rqlog: %s", r.id, problem)
		}
		for _, l := range logs[r.id] {
			out.lines += l.lines
			out.logs++
		}
		out.add(r)
	}
	return out
}

// auditRQD asks RQD and the engine whether anything is left.
func (c *chaos) auditRQD(ctx context.Context) {
	var left []string
	for deadline := time.Now().Add(cleanLimit); ; c.pause(ctx, lookPause) {
		left = c.left(ctx)
		if len(left) == 0 || ctx.Err() != nil {
			return
		}
		if time.Now().After(deadline) {
			break
		}
	}
	for _, l := range left {
		c.books.wrong("left over: %s", l)
	}
}

// left lists what RQD still has although no frame runs.
func (c *chaos) left(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	answer, err := c.client.ReportStatus(ctx, &rqdpb.RqdStaticReportStatusRequest{})
	if err != nil {
		return []string{fmt.Sprintf("RQD does not answer: %v", err)}
	}
	var left []string
	for _, f := range answer.GetHostReport().GetFrames() {
		left = append(left, "frame "+f.GetFrameId()+" in RQD's report")
	}
	if cores := answer.GetHostReport().GetCoreInfo(); cores.GetIdleCores() != cores.GetTotalCores() {
		left = append(left, fmt.Sprintf("booked cores: %v", cores))
	}
	for _, x := range c.containers(ctx, "") {
		left = append(left, fmt.Sprintf("container %s, %s", x.Name, x.State))
	}
	// RQD's own volumes have names; an image's VOLUME has made those without, and they go with their container.
	volumes, err := c.ground.docker(ctx, "volume", "ls", "--quiet")
	if err != nil {
		left = append(left, err.Error())
	}
	for name := range strings.FieldsSeq(volumes) {
		if len(name) == namelessVolume {
			left = append(left, "volume "+name)
		}
	}
	for _, name := range c.volume.leftovers() {
		left = append(left, "state file "+name)
	}
	return left
}

// auditFiles looks at the run directory and at RQD's own words after its end.
func (c *chaos) auditFiles() {
	entries, err := os.ReadDir(filepath.Join(c.dir, "run"))
	if err != nil {
		c.books.wrong("%v", err)
	}
	for _, e := range entries {
		if e.Name() != "rqd.sock" && !strings.HasPrefix(e.Name(), "frameinit-") {
			c.books.wrong("left over: run file %s", e.Name())
		}
	}
	text, err := os.ReadFile(filepath.Join(c.dir, "rqdcore.log"))
	if err != nil {
		c.books.wrong("%v", err)
	}
	for _, word := range []string{"DATA RACE", "panic: ", "fatal error: "} {
		if bytes.Contains(text, []byte(word)) {
			c.books.wrong("rqdcore said %q", word)
		}
	}
}
