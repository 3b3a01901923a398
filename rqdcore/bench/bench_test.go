package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"rqdswarm/rqdcore/bench/chart"
)

func TestSummaries(t *testing.T) {
	t.Parallel()
	var f Figure
	for i, ours := range []float64{5, 20, 9} { // Beside 10, 10, 30: ratios of 0.5, 2 and 0.3.
		f.add(rqdName, ours)
		f.add(floorName, []float64{10, 10, 30}[i])
	}
	f.add(pythonName, 30) // Without pairs: the ratio of the medians.
	f.order()
	have := f.summaries()
	want := []Summary{
		{Subject: floorName, Median: 10, Least: 10, Most: 30, Count: 3},
		{Subject: rqdName, Median: 9, Least: 5, Most: 20, Count: 3, Ratio: 0.5, RatioLeast: 0.3, RatioGreater: 2},
		{Subject: pythonName, Median: 30, Least: 30, Most: 30, Count: 1, Ratio: 3, RatioLeast: 3, RatioGreater: 3},
	}
	for i := range want {
		if i >= len(have) || have[i] != want[i] {
			t.Errorf("series %d: want %+v, have %+v", i, want[i], have)
		}
	}
}

func TestSettleDropsTheFirstRound(t *testing.T) {
	t.Parallel()
	f := Figure{Series: []Series{{rqdName, []float64{99, 1, 2}}, {floorName, []float64{99, 3, 4}}}}
	f.settle()
	if s := f.Series[0]; s.Subject != floorName || len(s.Samples) != 2 || s.Samples[0] != 3 {
		t.Errorf("want the floor's 3 and 4 first, have %+v", f.Series)
	}
}

func TestReadUpdates(t *testing.T) {
	t.Parallel()
	have, err := readUpdates([]byte(`{"start-first":{"supervisor":[0.25,0.3],"the guide's script":[0.5,0.6]},
		"stop-first":{"supervisor":[1],"the guide's script":[2]}}`))
	if err != nil || len(have) != 2 {
		t.Fatalf("want two figures, have %+v (%v)", have, err)
	}
	if s := have[0].summaries(); s[0].Subject != guideName || s[1].Subject != supervisorName || s[1].Ratio != 0.5 {
		t.Errorf("start-first: want the guide's first and ours half of it, have %+v", s)
	}
	for _, bad := range []string{"", `{"start-first":{"supervisor":[1]}}`} {
		if f, err := readUpdates([]byte(bad)); err == nil {
			t.Errorf("%q: want an error, have %+v", bad, f)
		}
	}
}

func TestMeterCountsWhatAProcessUsed(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "while :; do :; done")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	m := newMeter(func() []int { return []int{cmd.Process.Pid} })
	for deadline := time.Now().Add(time.Minute); m.seconds() < 0.01; time.Sleep(10 * time.Millisecond) {
		if m.look(); time.Now().After(deadline) {
			t.Fatal("a busy process has used less than 10 ms in a minute")
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // Killed.
	before := m.seconds()
	if m.look(); m.seconds() != before {
		t.Errorf("a process that is gone: want %v s kept, have %v s", before, m.seconds())
	}
}

func TestMemoryOfThisProcess(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]func(int) (float64, error){"resident": rssOf, "share": shareOf} {
		if have, err := of(os.Getpid()); err != nil || have < 0.5 || have > 10_000 {
			t.Errorf("%s: want some MB, have %v, %v", name, have, err)
		}
	}
}

func TestContainsMount(t *testing.T) {
	t.Parallel()
	const info = "22 1 254:0 / / rw - ext4 /dev/vda rw\n611 602 254:0 /tmp/rqd-bench-1/rqdcore/run /.rqd ro - ext4 /dev/vda rw\n"
	for dir, want := range map[string]bool{"/tmp/rqd-bench-1/rqdcore/run": true, "/tmp/rqd-bench-2/rqdcore/run": false} {
		if have := containsMount([]byte(info), dir); have != want {
			t.Errorf("%s: want %v, have %v", dir, want, have)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"-quick", "-rounds", "7", "-only", "latency,log"})
	if err != nil || o.rounds != 7 || o.frames != quick().frames || len(o.only) != 2 {
		t.Errorf("want the quick program with 7 rounds of two measurements, have %+v, %v", o, err)
	}
	if _, err := parse([]string{"-only", "speed"}); err == nil {
		t.Error("a measurement that there is not: want an error")
	}
}

func TestResults(t *testing.T) {
	t.Parallel()
	r := results{Commit: "abc", Figures: []Figure{{Name: "latency", Unit: "ms", Target: "less", Series: []Series{
		{floorName, []float64{100, 101}}, {rqdName, []float64{50, 60}},
	}}}}
	dir := t.TempDir()
	if err := r.write(dir); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"results.md": "|  |  | rqdcore | 50.0 | 50.0 … 60.0 | 2 | 0.50 (0.50 … 0.59) |", "results.json": `"commit": "abc"`, "results.svg": "<svg",
	} {
		text, err := os.ReadFile(dir + "/" + file)
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: want %q in it, have %s, %v", file, want, text, err)
		}
	}
	if err := redraw(dir); err != nil {
		t.Errorf("write them again: %v", err)
	}
	var out strings.Builder
	r.print(&out)
	if !strings.Contains(out.String(), "0.50 (0.50 … 0.59)") {
		t.Errorf("want the ratio in the table, have:\n%s", out.String())
	}
	if err := chart.Draw(dir+"/none.svg", nil); err != nil {
		t.Errorf("nothing to draw: %v", err)
	}
}

func TestPauseEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := pause(ctx, time.Hour); err == nil {
		t.Error("want the context's error")
	}
}
