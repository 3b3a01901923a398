package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"

	"github.com/mattn/go-isatty"

	"rqdswarm/rqdcore/minicue/farm"
)

// textProgress is a line for each step of a frame and, on a terminal, colours and a last
// line that always says where the job stands.
type textProgress struct {
	out   io.Writer
	tty   bool
	job   farm.JobView
	what  string
	width int // Of the longest frame name.

	running      map[string]bool // By frame id.
	done, failed int
	why          string            // Why the rest waits, as last printed.
	refused      map[string]string // By frame id, as last printed.
}

func newProgress(out io.Writer, job farm.JobView, spec farm.Job) *textProgress {
	p := &textProgress{out: out, tty: isTerminal(out), job: job, running: map[string]bool{}, refused: map[string]string{}}
	for _, f := range job.Frames {
		p.width = max(p.width, len(f.Name))
	}
	p.what = plural(len(job.Frames), "frame")
	if spec.OS != "" {
		p.what += ", os " + spec.OS
	}
	p.what += ", " + plural(job.Cores, "core") + ", " + mib(job.Memory)
	if spec.GPUs > 0 {
		p.what += ", " + plural(spec.GPUs, "GPU")
	}
	if len(job.Frames) > 1 {
		p.what += " each"
	}
	return p
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd()) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// colour is one of a terminal's.
type colour string

const (
	plain  colour = ""
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
	grey   colour = "90"
)

func (p *textProgress) paint(c colour, s string) string {
	if !p.tty || c == plain {
		return s
	}
	return "\x1b[" + string(c) + "m" + s + "\x1b[0m"
}

// line prints one line that stays, above the one that moves.
func (p *textProgress) line(s string) {
	if p.tty {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
	fmt.Fprintln(p.out, s)
	p.status()
}

// status is the moving line: only for several frames, a single one's log would run through it.
func (p *textProgress) status() {
	if total := len(p.job.Frames); p.tty && total > 1 {
		left := total - p.done - p.failed - len(p.running)
		fmt.Fprintf(p.out, "\r\x1b[K%s", p.paint(grey, fmt.Sprintf("%d of %d over, %d running, %d waiting", p.done+p.failed, total, len(p.running), left)))
	}
}

func (p *textProgress) begin() {
	p.line(fmt.Sprintf("job %s: %s", p.job.Name, p.what))
	p.line("logs in " + p.job.LogDir)
}

func (p *textProgress) event(e farm.Event) {
	p.count(e)
	frame := fmt.Sprintf("%-*s  ", p.width, e.Frame)
	switch e.Kind {
	case farm.EventStarted:
		delete(p.refused, e.FrameID)
		p.line(frame + p.paint(grey, "started on "+e.Host))
	case farm.EventDone:
		p.line(frame + p.paint(green, "done") + " on " + e.Host + " in " + seconds(e.Seconds) + peak(e))
	case farm.EventRefused:
		if p.refused[e.FrameID] != e.Text { // Once until it changes: it comes again with every report of the host.
			p.refused[e.FrameID] = e.Text
			p.line(frame + p.paint(yellow, "refused by "+e.Host) + ": " + e.Text)
		}
	case farm.EventRetry:
		p.line(frame + p.paint(yellow, "failed") + " on " + e.Host + " in " + seconds(e.Seconds) + peak(e) + ": " + reason(e) + "; tries again")
	case farm.EventLost:
		p.line(frame + p.paint(yellow, "lost") + ": " + e.Text + "; tries again")
	case farm.EventKilled:
		p.line(frame + p.paint(red, "killed") + killedHow(e))
	case farm.EventFailed:
		p.line(frame + p.paint(red, "failed") + " on " + e.Host + " in " + seconds(e.Seconds) + peak(e) + ": " + reason(e))
	}
}

// count keeps the moving line's figures.
func (p *textProgress) count(e farm.Event) {
	switch {
	case e.Kind == farm.EventStarted:
		p.running[e.FrameID] = true
		return
	case e.Kind == farm.EventDone:
		p.done++
	case e.Final:
		p.failed++
	}
	delete(p.running, e.FrameID)
}

func (p *textProgress) waiting(why string) {
	if why != "" && why != p.why && len(p.running) == 0 {
		p.line(p.paint(yellow, "waiting") + ": " + why)
	}
	p.why = why
}

func (p *textProgress) note(s string) { p.line(s) }

func (p *textProgress) end(final []farm.Event, took time.Duration) {
	if p.tty {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
	if len(p.job.Frames) == 1 {
		return
	}
	done, killed, bad := sorted(final)
	text := fmt.Sprintf("%d of %s done", done, plural(len(p.job.Frames), "frame"))
	if killed > 0 {
		text += fmt.Sprintf(", %d killed", killed)
	}
	fmt.Fprintln(p.out, text+" in "+seconds(took.Seconds()))
	const listed = 10
	for i, e := range bad {
		if i == listed {
			fmt.Fprintf(p.out, "  and %d more that did not succeed\n", len(bad)-listed)
			break
		}
		fmt.Fprintf(p.out, "  %s: %s, log %s\n", e.Frame, reason(e), path.Join(p.job.LogDir, p.job.Name+"."+e.Frame+".rqlog"))
	}
}

// reason says how a run ended, and what OpenCue's own statuses mean.
func reason(e farm.Event) string {
	known := map[int32]string{
		33: "out of memory", 137: "out of memory, or killed with SIGKILL", 256: "could not be launched, see its log",
		286: "asks not to be counted", 287: "its log grew too large", 301: "its host forgot it", 399: "its host is down",
	}
	text := fmt.Sprintf("exit status %d", e.Status)
	if e.Signal != 0 {
		text += fmt.Sprintf(", signal %d", e.Signal)
	}
	if why, ok := known[e.Status]; ok && e.Signal == 0 {
		text += " (" + why + ")"
	}
	if e.Text != "" {
		text += ": " + e.Text
	}
	return text
}

func killedHow(e farm.Event) string {
	switch {
	case e.Seconds > 0:
		return " on " + e.Host + " after " + seconds(e.Seconds) + peak(e)
	case e.Text != "":
		return ": " + e.Text
	}
	return ""
}

func peak(e farm.Event) string {
	if e.MaxRSS <= 0 {
		return ""
	}
	return ", " + mib(e.MaxRSS)
}

func seconds(s float64) string {
	switch d := time.Duration(s * float64(time.Second)); {
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", s)
	default:
		return strings.TrimSuffix(d.Round(time.Second).String(), "0s")
	}
}

// mib writes KiB for people.
func mib(kib int64) string {
	switch {
	case kib >= 10<<20:
		return fmt.Sprintf("%d GiB", kib>>20)
	case kib >= 1<<20 && kib%(1<<20) == 0:
		return fmt.Sprintf("%d GiB", kib>>20)
	case kib >= 1<<20:
		return fmt.Sprintf("%.1f GiB", float64(kib)/(1<<20))
	case kib >= 1<<10:
		return fmt.Sprintf("%d MiB", kib>>10)
	default:
		return fmt.Sprintf("%d KiB", kib)
	}
}

// plural is for example 1 frame, 2 frames, 0.5 cores.
func plural[N any](n N, what string) string {
	if text := fmt.Sprint(n); text != "1" {
		return text + " " + what + "s"
	}
	return "1 " + what
}

// jsonProgress prints events as they come, for programs.
type jsonProgress struct{ out io.Writer }

func (p *jsonProgress) begin() {}

func (p *jsonProgress) event(e farm.Event) {
	_ = json.NewEncoder(p.out).Encode(e) // A closed pipe ends the program anyway.
}

func (p *jsonProgress) waiting(string)                  {}
func (p *jsonProgress) note(string)                     {}
func (p *jsonProgress) end([]farm.Event, time.Duration) {}
