package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"rqdswarm/rqdcore/bench/chart"
)

// results are all figures and where they come from.
type results struct {
	Date    string   `json:"date"`
	Commit  string   `json:"commit"`
	CPU     string   `json:"cpu"`
	CPUs    int      `json:"cpus"`
	Memory  int64    `json:"memory_bytes"`
	Kernel  string   `json:"kernel"`
	Engine  string   `json:"engine"`
	Cgroup  int      `json:"cgroup_version"`
	Load    string   `json:"load_before"`
	LoadEnd string   `json:"load_after"`
	Peer    string   `json:"peer"`
	Figures []Figure `json:"figures"`
	Notes   []string `json:"notes,omitempty"`
}

func (w *world) newResults(ctx context.Context) *results {
	r := &results{
		Date: time.Now().UTC().Format("2006-01-02 15:04 UTC"), CPU: processor(), CPUs: w.info.NCPU, Memory: w.info.MemTotal,
		Kernel: firstLine("/proc/sys/kernel/osrelease"), Engine: w.info.Version, Cgroup: w.info.CgroupVersion, Load: firstLine("/proc/loadavg"),
	}
	if out, err := exec.CommandContext(ctx, w.opts.binary, "version").Output(); err == nil { // #nosec G204 -- what is measured.
		r.Commit = strings.TrimSpace(string(out))
	}
	r.Peer = pythonVersion + ", as published"
	if w.python == nil {
		r.Peer = "none: " + w.noPeer
	}
	return r
}

// print writes the table that a person reads.
func (r *results) print(out io.Writer) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range r.Figures {
		head := f.Name + ", " + f.Unit
		if f.Target != "" {
			head += " (want " + f.Target + ")"
		}
		fmt.Fprintf(table, "%s\n", head)
		for _, s := range f.summaries() {
			fmt.Fprintf(table, "  %s\t%s\t%s … %s\tn=%d\t%s\n", s.Subject, number(s.Median), number(s.Least), number(s.Most), s.Count, s.ratio())
		}
	}
	for _, note := range r.Notes {
		fmt.Fprintf(table, "%s\n", note)
	}
	_ = table.Flush() // As fmt.Fprintf above: what is printed for a person has nobody else to tell.
}

// write leaves the results in the directory, if there is one: as data, as a table, as a picture.
func (r *results) write(dir string) error {
	if dir == "" {
		return nil
	}
	raw, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "results.json"), append(raw, '\n'), publicFile); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "results.md"), []byte(r.markdown()), publicFile); err != nil {
		return err
	}
	return chart.Draw(filepath.Join(dir, "results.svg"), r.panels())
}

// publicFile is the mode of what goes into the repository.
const publicFile = 0o644

func (r *results) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured %s at commit `%s` on %d × %s, %.0f GB, kernel %s, engine %s, cgroup v%d.\n",
		r.Date, r.Commit, r.CPUs, r.CPU, float64(r.Memory)/1e9, r.Kernel, r.Engine, r.Cgroup)
	fmt.Fprintf(&b, "Load average before: %s; after: %s. Peer: %s.\n\n", r.Load, r.LoadEnd, r.Peer)
	b.WriteString("| figure | wanted | subject | median | least … most | n | ratio to the first (least … most) |\n|---|---|---|---:|---|---:|---|\n")
	for _, f := range r.Figures {
		for i, s := range f.summaries() {
			name, target := f.Name+", "+f.Unit, f.Target
			if i > 0 {
				name, target = "", ""
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s … %s | %d | %s |\n", name, target, s.Subject, number(s.Median), number(s.Least), number(s.Most), s.Count, s.ratio())
		}
	}
	for _, note := range r.Notes {
		b.WriteString("\n" + note + "\n")
	}
	return b.String()
}

func (s Summary) ratio() string {
	switch {
	case s.Ratio == 0:
		return ""
	case s.RatioLeast == s.RatioGreater:
		return fmt.Sprintf("%.2f", s.Ratio)
	}
	return fmt.Sprintf("%.2f (%.2f … %.2f)", s.Ratio, s.RatioLeast, s.RatioGreater)
}

// number has three digits that mean something.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// redraw writes the table and the picture of earlier results again.
func redraw(dir string) error {
	raw, err := os.ReadFile(filepath.Join(dir, "results.json")) // #nosec G304 -- where the results are.
	if err != nil {
		return err
	}
	var r results
	if err := json.Unmarshal(raw, &r); err != nil {
		return fmt.Errorf("read %s: %w", dir, err)
	}
	r.print(os.Stdout)
	return r.write(dir)
}

// panels are the figures with something to compare.
func (r *results) panels() []chart.Panel {
	var panels []chart.Panel
	for _, f := range r.Figures {
		sums := f.summaries()
		if len(sums) < 2 || len(sums) > 3 {
			continue
		}
		p := chart.Panel{Title: f.Name, Unit: f.Unit}
		for _, s := range sums {
			p.Bars = append(p.Bars, chart.Bar{Label: s.Subject, Colour: colourOf(s.Subject), Value: s.Median, Least: s.Least, Most: s.Most})
		}
		panels = append(panels, p)
	}
	return panels
}

// colourOf is the same for a subject in all panels.
func colourOf(subject string) int {
	switch subject {
	case floorName, scriptName:
		return 0
	case pythonName, pythonEnvironment:
		return 2
	}
	return 1
}

func firstLine(path string) string {
	text, err := os.ReadFile(path) // #nosec G304 -- files of the kernel.
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

// processor is the CPU's name, as the kernel knows it.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "CPU"
	}
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "CPU"
}
