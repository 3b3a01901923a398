package runner

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rqdswarm/rqdcore/frame"
)

func testFrame() frame.Frame {
	uid := int32(1500)
	return frame.Frame{
		ID: "f1", ResourceID: "r1", JobID: "j1", LayerID: "l1", JobName: "show-shot-artist_job", Name: "0001-beauty",
		UserName: "artist", Show: "show", Shot: "sh010", UID: &uid, Cores: 200, Command: "render 1",
		SoftMemory: 1600000, HardMemory: 2000000,
		Environment: map[string]string{"CUE3": "1", "CUE_THREADS": "2", "CUE_GPU_MEMORY": "77", "PATH": "/opt/show/bin"},
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"PATH": basePath + ":/opt/show/bin", "TERM": "unknown", "TZ": "PST8PDT", "USER": "artist", "LOGNAME": "artist",
		"mcp": "1", "show": "show", "shot": "sh010", "jobid": "show-shot-artist_job", "jobhost": "render01",
		"frame": "0001-beauty", "zframe": "0001-beauty", "logfile": "show-shot-artist_job.0001-beauty.rqlog",
		"maxframetime": "0", "minspace": "200", "CUE3": "1", "CUE_GPU_MEMORY": "77", "SP_NOMYCSHRC": "1", "CUE_THREADS": "2",
	}
	have := Environment{TimeZone: "PST8PDT"}.of(testFrame(), frame.Reservation{}, "render01")
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("want- have+\n%s", diff)
	}
}

// TestFreeGPUMemory asks for the host's free memory at each plan: it is not that of RQD's start.
func TestFreeGPUMemory(t *testing.T) {
	t.Parallel()
	free := int64(1000)
	e := Environment{FreeGPU: func() int64 { return free }}
	f := testFrame()
	f.Environment = nil
	for _, want := range []string{"1000", "400"} {
		if have := e.of(f, frame.Reservation{}, "render01")["CUE_GPU_MEMORY"]; have != want {
			t.Errorf("have %s, want %s", have, want)
		}
		free = 400
	}
}

func TestEnvironmentPrecedence(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		env  Environment
		res  frame.Reservation
		key  string
		want string
	}{
		"RQD's own PATH comes first":            {Environment{Path: "/rqd/bin"}, frame.Reservation{}, "PATH", "/rqd/bin:/opt/show/bin"},
		"whole host environment, PATH is added": {Environment{All: map[string]string{"PATH": "/host"}}, frame.Reservation{}, "PATH", basePath + ":/host:/opt/show/bin"},
		"whole host environment wins over ours": {Environment{All: map[string]string{"TERM": "xterm"}}, frame.Reservation{}, "TERM", "xterm"},
		"Cuebot wins over the host":             {Environment{All: map[string]string{"CUE3": "host"}}, frame.Reservation{}, "CUE3", "1"},
		"named variables replace all of it":     {Environment{Named: map[string]string{"LIC": "5053@lic"}, All: map[string]string{"TERM": "xterm"}}, frame.Reservation{}, "TERM", "unknown"},
		"named variable":                        {Environment{Named: map[string]string{"LIC": "5053@lic"}}, frame.Reservation{}, "LIC", "5053@lic"},
		"home prefix":                           {Environment{HomePrefix: "/home"}, frame.Reservation{}, "HOME", "/home/artist"},
		"mail prefix":                           {Environment{MailPrefix: "/mail"}, frame.Reservation{}, "MAIL", "/mail/artist"},
		"pinned: threads are raised":            {Environment{}, frame.Reservation{CPUs: []int{0, 1, 4, 5}}, "CUE_THREADS", "4"},
		"pinned to fewer than asked: kept":      {Environment{}, frame.Reservation{CPUs: []int{0}}, "CUE_THREADS", "2"},
		"hyper-threads":                         {Environment{HyperThreads: true}, frame.Reservation{CPUs: []int{0, 4}}, "CUE_HT", "True"},
		"no hyper-threads":                      {Environment{}, frame.Reservation{CPUs: []int{0}}, "CUE_HT", "False"},
		"unpinned frames are not told":          {Environment{HyperThreads: true}, frame.Reservation{}, "CUE_HT", ""},
		"reserved cards":                        {Environment{}, frame.Reservation{GPUs: []int{1, 3}}, "CUE_GPU_CORES", "1,3"},
		"Cuebot's memory of cards wins":         {Environment{FreeGPU: func() int64 { return 5 }}, frame.Reservation{}, "CUE_GPU_MEMORY", "77"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if have := tc.env.of(testFrame(), tc.res, "render01")[tc.key]; have != tc.want {
				t.Errorf("%s: have %q, want %q", tc.key, have, tc.want)
			}
		})
	}
}
