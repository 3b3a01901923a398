package rqlog

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"rqdswarm/rqdcore/frame"
)

func exampleFooter() FooterInfo {
	end := time.Date(2026, 8, 12, 16, 17, 53, 0, time.UTC)
	return FooterInfo{
		Start: end.Add(-12345 * time.Millisecond), End: end, HostName: "node7",
		Figures: frame.Figures{MaxRSS: 123456, MaxUsedGPU: 0, UserTime: 11230 * time.Millisecond, SystemTime: 456 * time.Millisecond},
	}
}

// killMessage has the form of those that the real Cuebot sends: a line of who and why, then a dump.
func killMessage() string {
	return "User: artist, Pid: 1234, Hostname: ws1, Reason: Manual Job Kill Request\n\nframe {\n  id: \"8b5bc1b3\"\n  layer {\n    name: \"beauty\"\n  }\n}\n"
}

func TestFooter(t *testing.T) {
	t.Parallel()
	assertGolden(t, "footer.golden", Footer(exampleFooter()))

	killed := exampleFooter()
	killed.ExitStatus, killed.ExitSignal, killed.KillMessage = 1, 9, killMessage()
	killed.Children = []frame.Process{
		{PID: 7, Name: "bash", RSS: 3200, Cmdline: "/bin/bash -c povray\n+I", Started: killed.End.Add(-12345 * time.Millisecond)},
		{PID: 9, Name: "povray", RSS: 120000, Cmdline: "povray +Iscene.pov", Started: killed.End.Add(-12 * time.Second)},
	}
	assertGolden(t, "footer-killed.golden", Footer(killed))

	failed := exampleFooter()
	failed.ExitStatus, failed.Detail, failed.Start = 256, "pull image registry:5000/debian12:1.2: no such image\nasked of registry:5000", time.Time{}
	failed.Figures = frame.Figures{}
	assertGolden(t, "footer-failed.golden", Footer(failed))
}

func TestFooterBoundsKillMessages(t *testing.T) {
	t.Parallel()
	f := exampleFooter()
	f.KillMessage = strings.Repeat("é", maxKillMessage)
	footer := string(Footer(f))
	if !strings.Contains(footer, "\n                    (16384 more bytes left out)\nstartTime ") {
		t.Errorf("no word of what is left out in %.300s", footer)
	}
	if strings.ContainsRune(footer, '\ufffd') {
		t.Error("a character was cut in two")
	}
}

func TestTimedelta(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]time.Duration{
		"0:00:00":                0,
		"0:00:12.345000":         12345 * time.Millisecond,
		"0:00:00.000001":         1999 * time.Nanosecond,
		"23:59:59":               24*time.Hour - time.Second,
		"1 day, 0:00:00":         24 * time.Hour,
		"2 days, 3:04:05.500000": 51*time.Hour + 4*time.Minute + 5500*time.Millisecond,
	} {
		if have := timedelta(d); have != want {
			t.Errorf("%v: want %s, have %s", d, want, have)
		}
	}
}

// Whatever a kill message or a process's name says, it adds no line of its own to the footer.
func FuzzFooter(f *testing.F) {
	f.Add(killMessage(), "detail", "name", "cmd")
	f.Add("\n"+lineOfLimit+"\nexitStatus          0", "\r\nexitStatus 0", "na\nme\x00", "\xff\u2028")
	status := regexp.MustCompile(`(?m)^exitStatus +(-?[0-9]+)$`)
	f.Fuzz(func(t *testing.T, message, detail, name, cmdline string) {
		info := exampleFooter()
		info.ExitStatus, info.KillMessage, info.Detail, info.HostName = 287, message, detail, name
		info.Children = []frame.Process{{Name: name, Cmdline: cmdline}}
		footer := Footer(info)
		assertLines(t, footer, []string{
			lineOfLimit, "RenderQ Job Complete", "exitStatus  ", "exitSignal  ", "killMessage  ", "startTime  ", "endTime  ", "maxrss  ",
			"maxUsedGpuMemory  ", "utime  ", "stime  ", "renderhost  ", "maxrss (KB)  ", "exitDetail  ",
		})
		if found := status.FindAllSubmatch(footer, -1); len(found) != 1 || string(found[0][1]) != "287" {
			t.Errorf("exitStatus: want one 287, have %q", found)
		}
	})
}
