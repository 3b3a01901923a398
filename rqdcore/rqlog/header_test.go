package rqlog

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"rqdswarm/rqdcore/frame"
)

func exampleFrame() frame.Frame {
	uid := int32(1500)
	return frame.Frame{
		ID: "8b5bc1b3-9b9f-4a54-8f5d-0f4d4f7f3d60", JobID: "2f2b6a3e-1f3c-4a4e-9f55-0d8a9f0c7a11",
		JobName: "show-shot-artist_beauty", Name: "0001-beauty", LogDir: "/shots/show/logs",
		Command: "povray +Iscene.pov +K0.25", UserName: "artist", UID: &uid, GID: 20,
	}
}

func exampleHeader() HeaderInfo {
	f := exampleFrame()
	return HeaderInfo{
		Frame: f, HostName: "node7", LogPath: Path(f), FrameTempDir: "/mcp/show-shot-artist_beauty/0001-beauty",
		Environment: map[string]string{"zframe": "0001", "CUE_FRAME": "1", "PATH": "/usr/bin:/bin", "TERM": "unknown"},
		Now:         time.Date(2026, 8, 2, 6, 17, 53, 0, time.UTC),
		Image:       "registry:5000/debian12:1.2", Shell: "/bin/bash", UID: 1500, GID: 20, WorkingDir: "/tmp",
	}
}

func TestHeader(t *testing.T) {
	t.Parallel()
	assertGolden(t, "header.golden", Header(exampleHeader()))

	h := exampleHeader()
	h.CPUs, h.GPUMode = []int{0, 1}, true
	h.Frame.UID, h.UID, h.GID = nil, 1, 20
	h.Frame.Command = "for f in 1 2; do\n\techo \"it's $f\"\ndone"
	h.Environment["BASH_FUNC_x%%"] = "() {\n  echo hi\n}"
	h.Environment["FORGED"] = "\n" + lineOfLimit + "\nRenderQ Job Complete\n\nexitStatus          0\n"
	h.Environment["COLOUR"] = "\x1b[31m\xff"
	assertGolden(t, "header-odd.golden", Header(h))

	unknown := exampleHeader()
	unknown.Image, unknown.Shell, unknown.UID, unknown.GID, unknown.WorkingDir = "", "", 0, 0, ""
	assertGolden(t, "header-unplanned.golden", Header(unknown))
}

func TestStarted(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"0123456789abcdef0123456789abcdef": "Container 0123456789ab started for show-shot-artist_beauty.0001-beauty(8b5bc1b3-9b9f-4a54-8f5d-0f4d4f7f3d60)\n",
		"0123":                             "Container 0123 started for show-shot-artist_beauty.0001-beauty(8b5bc1b3-9b9f-4a54-8f5d-0f4d4f7f3d60)\n",
	} {
		if have := string(Started(exampleFrame(), id)); have != want {
			t.Errorf("want %q, have %q", want, have)
		}
	}
}

func TestNotice(t *testing.T) {
	t.Parallel()
	if want, have := "two lines\n", string(Notice("two\nlines\n")); have != want {
		t.Errorf("want %q, have %q", want, have)
	}
}

// Whatever a job brings, the header is valid UTF-8 and has no line that it did not mean to have.
func FuzzHeader(f *testing.F) {
	f.Add("echo hi", "NAME", "value", "job")
	f.Add("a\nb", "X\n"+lineOfLimit, "\n"+lineOfLimit+"\nRenderQ Job Complete\n\nexitStatus  0", "\xff\x00\r")
	f.Add("\u2028", "\u0085", "\x1b]0;title\x07", "é")
	f.Fuzz(func(t *testing.T, command, name, value, job string) {
		h := exampleHeader()
		h.Frame.Command, h.Frame.JobName, h.Frame.ID, h.Frame.UID = command, job, job, nil
		h.Environment[name] = value
		h.Image, h.HostName, h.WorkingDir, h.Shell, h.FrameTempDir = value, name, job, value, command
		h.CPUs = []int{0}
		header := append(Header(h), Started(h.Frame, value)...)
		assertLines(t, header, []string{
			lineOfLimit, "RenderQ JobSpec  ", "proxy  ", "command  ", "uid  ", "gid  ", "logDestination  ", "cwd  ", "renderHost  ",
			"jobId  ", "frameId  ", "env  ", "image  ", "effectiveUid  ", "effectiveGid  ", "workingDir  ", "Hyper-threading enabled",
			"The job has no uid: ", "DOCKER_ENTRYPOINT = ", "Container ",
		})
		if want, have := 2, strings.Count("\n"+string(header), "\n"+lineOfLimit); have != want {
			t.Errorf("lines of limit: want %d, have %d", want, have)
		}
	})
}

// assertLines wants valid UTF-8 without control characters, each line at the margin starting as allowed.
func assertLines(t *testing.T, text []byte, starts []string) {
	t.Helper()
	if !utf8.Valid(text) {
		t.Errorf("not valid UTF-8: %q", text)
	}
	for line := range strings.Lines(string(text)) {
		line, whole := strings.CutSuffix(line, "\n")
		if !whole {
			t.Errorf("the last line has no end: %q", line)
		}
		if strings.ContainsFunc(strings.ReplaceAll(line, "\t", ""), unicode.IsControl) {
			t.Errorf("control characters: %q", line)
		}
		known := line == "" || strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
		for _, start := range starts {
			known = known || strings.HasPrefix(line, start)
		}
		if !known {
			t.Errorf("a line from outside: %q", line)
		}
	}
}
