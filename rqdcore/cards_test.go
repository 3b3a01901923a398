//go:build integration

package main_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/cuepb/rqdpb"
	"rqdswarm/rqdcore/minicue/farm"
)

// TestCards gives RQD a stand-in of nvidia-smi with two cards: frames that run beside each other get different ones, are told which,
// and what is used of them is reported; a third has to wait.
func TestCards(t *testing.T) {
	t.Parallel()
	s := closedStudio(t, "GPU=True")
	tools := filepath.Join(s.dir, "tools")
	const smi = "#!/bin/sh\n" + `test "$*" = "--query-gpu=index,memory.total,memory.free --format=csv,noheader,nounits" || exit 9` + "\necho '0, 16000, 15000'\necho '1, 16000, 12000'\n"
	if err := os.Mkdir(tools, 0o755); err != nil { // #nosec G301 -- programs.
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tools, "nvidia-smi"), []byte(smi), 0o755); err != nil { // #nosec G306 -- a program.
		t.Fatal(err)
	}
	s.env = []string{"PATH=" + tools + ":" + os.Getenv("PATH")}
	s.start()
	command := "echo cards $CUE_GPU_CORES; while ! test -e " + filepath.Join(s.dir, "gate") + "; do sleep 0.1; done"
	job := s.submit(farm.Job{Command: command, Range: "1-2", GPUs: 1})
	var report *reportpb.HostReport
	client, err := s.cue.Client(s.name)
	if err != nil {
		t.Fatal(err)
	}
	if !await(func() bool {
		answer, err := client.ReportStatus(t.Context(), &rqdpb.RqdStaticReportStatusRequest{})
		report = answer.GetHostReport()
		return err == nil && len(report.GetFrames()) == 2
	}) {
		t.Fatalf("two frames never ran: %v", report)
	}
	if h := report.GetHost(); h.GetNumGpus() != 2 || h.GetTotalGpuMem() != 33554432 || h.GetFreeGpuMem() != 28311552 {
		t.Errorf("have %d cards, %d of %d kB free; want 2 and 28311552 of 33554432", h.GetNumGpus(), h.GetFreeGpuMem(), h.GetTotalGpuMem())
	}
	used := map[string]int64{"0": 1048576, "1": 4194304}
	for _, f := range report.GetFrames() {
		card := f.GetAttributes()["GPU_LIST"]
		if want, ok := used[card]; !ok || f.GetUsedGpuMemory() != want || f.GetMaxUsedGpuMemory() != want || f.GetNumGpus() != 1 {
			t.Errorf("have card %q with %d kB used, want a card of its own and what is used of it", card, f.GetUsedGpuMemory())
		}
		delete(used, card)
	}
	third := &rqdpb.RunFrame{
		FrameId: "third", ResourceId: "third", JobName: "job", FrameName: "0001-layer", UserName: "artist", Command: "true", LogDir: s.dir,
		NumCores: 100, NumGpus: 1,
	}
	if _, err := client.LaunchFrame(t.Context(), &rqdpb.RqdStaticLaunchFrameRequest{RunFrame: third}); err == nil || !strings.Contains(err.Error(), "0 of 2 are free") {
		t.Errorf("a third frame with a card: have %v, want a refusal that says why", err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "gate"), nil, 0o644); err != nil { // #nosec G306 -- the artist looks for it.
		t.Fatal(err)
	}
	seen := ""
	for _, f := range s.finish(job) {
		for card := range 2 {
			if strings.Contains(s.log(f), "\ncards "+strconv.Itoa(card)+"\n") {
				seen += strconv.Itoa(card)
			}
		}
	}
	if seen != "01" && seen != "10" {
		t.Errorf("the frames were told the cards %q, want 0 and 1", seen)
	}
}
