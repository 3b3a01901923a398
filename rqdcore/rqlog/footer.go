package rqlog

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rqdswarm/rqdcore/frame"
)

// footerHead is how every footer begins; it ends with one more lineOfLimit.
const footerHead = "\n" + lineOfLimit + "\nRenderQ Job Complete\n\n"

// maxKillMessage bounds what a caller of KillRunningFrame can put into a log; Cuebot's own messages stay below 1 kB.
const maxKillMessage = 16 << 10

// FooterInfo is what stands below the command's output.
type FooterInfo struct {
	ExitStatus  int32 // As reported to Cuebot.
	ExitSignal  int32
	KillMessage string    // From KillRunningFrame; often dozens of lines.
	Detail      string    // Why the infrastructure ended the frame, or could not start it.
	Start       time.Time // Zero when the command never ran.
	End         time.Time // Both are printed in their own zone, which should be RQD's.
	Figures     frame.Figures
	HostName    string
	Children    []frame.Process // The frame's processes as last seen.
}

// Footer is the text below the output. It starts with a newline and ends in one. Labels,
// widths and order are the Python RQD's; exitDetail is ours and follows them.
//
// The first line of a kill message stands on the line of its label, for the tools that read
// one line; the others follow in the column of the values.
func Footer(f FooterInfo) []byte {
	b := &bytes.Buffer{}
	b.WriteString(footerHead)
	start := f.Start
	if start.IsZero() {
		start = f.End
	}
	line := func(label, value string) { field(b, footerWidth, label, value) }
	line("exitStatus", strconv.Itoa(int(f.ExitStatus)))
	line("exitSignal", strconv.Itoa(int(f.ExitSignal)))
	if message := compact(f.KillMessage); message != "" {
		line("killMessage", message)
	}
	line("startTime", start.Format(time.ANSIC))
	line("endTime", f.End.Format(time.ANSIC))
	line("maxrss", strconv.FormatInt(f.Figures.MaxRSS, 10))
	line("maxUsedGpuMemory", strconv.FormatInt(f.Figures.MaxUsedGPU, 10))
	line("utime", seconds(f.Figures.UserTime))
	line("stime", seconds(f.Figures.SystemTime))
	line("renderhost", f.HostName)
	line("maxrss (KB)", strconv.FormatInt(f.Figures.MaxRSS, 10))
	if detail := compact(f.Detail); detail != "" {
		line("exitDetail", detail)
	}
	f.children(b)
	fmt.Fprintln(b, lineOfLimit)
	return b.Bytes()
}

// children writes three lines for each recorded process, the youngest first.
func (f FooterInfo) children(b *bytes.Buffer) {
	age := func(p frame.Process) time.Duration {
		if p.Started.IsZero() {
			return 0
		}
		return max(0, f.End.Sub(p.Started))
	}
	sorted := slices.SortedFunc(slices.Values(f.Children), func(a, b frame.Process) int {
		return cmp.Or(cmp.Compare(age(a), age(b)), cmp.Compare(a.PID, b.PID))
	})
	for _, p := range sorted {
		for _, line := range [][2]string{
			{p.Name, strconv.FormatInt(p.RSS, 10)},
			{"start_time", timedelta(age(p))},
			{"cmdline", p.Cmdline},
		} {
			fmt.Fprintf(b, "\t%-*s%s\n", footerWidth, oneLine(line[0]), oneLine(line[1]))
		}
	}
}

// compact drops empty lines, which would tear the footer apart, and what nobody will read.
func compact(text string) string {
	cut := len(text) - maxKillMessage
	if cut > 0 {
		text = strings.ToValidUTF8(text[:maxKillMessage], "")
	}
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, " \t\r\n"); line != "" {
			lines = append(lines, line)
		}
	}
	if cut > 0 {
		lines = append(lines, fmt.Sprintf("(%d more bytes left out)", cut))
	}
	return strings.Join(lines, "\n")
}

// seconds is a time as `time -p` prints it.
func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) }

// timedelta is a duration as Python prints it: 0:00:12.345000, or 1 day, 2:03:04.
func timedelta(d time.Duration) string {
	d = d.Truncate(time.Microsecond)
	var b strings.Builder
	const day = 24 * time.Hour
	switch days := d / day; {
	case days == 1:
		b.WriteString("1 day, ")
	case days > 1:
		fmt.Fprintf(&b, "%d days, ", days)
	}
	d %= day
	fmt.Fprintf(&b, "%d:%02d:%02d", d/time.Hour, d/time.Minute%60, d/time.Second%60)
	if micros := d % time.Second / time.Microsecond; micros != 0 {
		fmt.Fprintf(&b, ".%06d", micros)
	}
	return b.String()
}
