package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
)

// updateScript makes a Swarm of one node beside this machine's engine, and takes it away.
const updateScript = "scripts/e2e-swarm.sh"

// guideName is the service of OpenCue's guide.
const guideName = "the guide's script"

// updates are for how long a service's update takes RQD away: the port is asked every 20 ms. The end-to-end test of the
// service measures it, on a Swarm of its own.
func (w *world) updates(ctx context.Context) ([]Figure, error) {
	if _, err := os.Stat(updateScript); err != nil {
		w.notes = append(w.notes, "updates: only from the repository's root: "+err.Error())
		return nil, nil
	}
	file := filepath.Join(w.dir, "updates.json")
	cmd := exec.CommandContext(ctx, updateScript, "--if-possible", "1", "--", "-run", "^TestUpdates$")
	cmd.Env = append(os.Environ(), "UPDATES="+file, "UPDATE_ROUNDS="+strconv.Itoa(w.opts.longRounds))
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w", updateScript, err)
	}
	text, err := os.ReadFile(file) // #nosec G304 -- our own directory.
	if errors.Is(err, os.ErrNotExist) {
		w.notes = append(w.notes, "updates: no Swarm can be made on this machine")
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return readUpdates(text)
}

// readUpdates turns the samples, seconds by order of the update and keeper of RQD, into figures.
func readUpdates(text []byte) ([]Figure, error) {
	var samples map[string]map[string][]float64
	if err := json.Unmarshal(text, &samples); err != nil {
		return nil, fmt.Errorf("samples of updates: %w", err)
	}
	targets := map[string]string{"start-first": "at most 0.3 s"}
	var figures []Figure
	for _, order := range []string{"start-first", "stop-first"} {
		f := Figure{Name: "docker service update, " + order + ": without RQD on a node", Unit: "s", Target: targets[order]}
		for _, name := range []string{guideName, supervisorName} {
			for _, v := range samples[order][name] {
				f.add(name, v)
			}
		}
		if len(f.Series) != 2 || slices.ContainsFunc(f.Series, func(s Series) bool { return len(s.Samples) == 0 }) {
			return nil, fmt.Errorf("samples of updates: %s has those of %d keepers of RQD, want 2", order, len(f.Series))
		}
		figures = append(figures, f)
	}
	return figures, nil
}
