package farm

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOrderIsAsARealCuebotSendsIt(t *testing.T) {
	t.Parallel()
	f, clk := newFarm(t)
	boot(t, f, "node7.farm.example")
	uid := int32(1500)
	j := submit(t, f, func(j *Job) {
		j.Range, j.UID, j.OS = "3-5", &uid, "rocky9"
		j.Memory = 262144
		j.Command = "render -f #IFRAME# -o out.#ZFRAME#.exr #LAYER# #JOB# #FRAME#"
		j.Env = map[string]string{"MY_LAYER": "x y", "CUE3": "overridden"}
	})
	have := book(t, f, "node7")
	want := Order{
		Host: "node7", ResourceID: "id-006", JobID: j.ID, JobName: "demo-sh010-artist_test",
		FrameID: j.Frames[0].ID, FrameName: "0003-render", LayerID: "id-002",
		Command: "render -f 3 -o out.0003.exr render demo-sh010-artist_test 0003-render",
		User:    "artist", UID: &uid, LogDir: "/logs/demo/sh010/logs/demo-sh010-artist_test--id-001",
		Show: "demo", Shot: "sh010", OS: "rocky9", StartTime: clk.Now().UnixMilli(), Cores: 100,
		SoftMemory: 419430, HardMemory: 524288,
		Environment: map[string]string{
			"CUE3": "1", "CUE_THREADS": "1", "CUE_MEMORY": "262144", "CUE_GPUS": "0", "CUE_GPU_MEMORY": "0",
			"CUE_LOG_PATH": "/logs/demo/sh010/logs/demo-sh010-artist_test--id-001",
			"CUE_RANGE":    "3-5", "CUE_CHUNK": "1", "CUE_IFRAME": "3", "CUE_LAYER": "render",
			"CUE_JOB": "demo-sh010-artist_test", "CUE_FRAME": "0003-render", "CUE_SHOW": "demo", "CUE_SHOT": "sh010",
			"CUE_USER": "artist", "CUE_JOB_ID": "id-001", "CUE_LAYER_ID": "id-002", "CUE_FRAME_ID": "id-003",
			"CUE_THREADABLE": "0", "MY_LAYER": "x y",
		},
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("order (-want +have):\n%s", diff)
	}
}

func TestBookedCores(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		wish            Points
		threadable      bool
		cores           Points
		threads, flag   string
		framesOnTheHost int
	}{
		{50, false, 50, "1", "0", 8},
		{50, true, 50, "1", "0", 8},
		{100, true, 100, "1", "1", 4},
		{150, true, 150, "1", "1", 2},
		{150, false, 100, "1", "0", 4},
		{200, true, 200, "2", "1", 2},
		{400, false, 400, "4", "0", 1},
		{500, false, 500, "", "", 0},
	} {
		f, _ := newFarm(t)
		boot(t, f, "render01")
		submit(t, f, func(j *Job) { j.Range, j.Cores, j.Threadable, j.Memory = "1-20", c.wish, c.threadable, 1 })
		n := 0
		for {
			o, ok := f.Book("render01")
			if !ok {
				break
			}
			n++
			env := o.Environment
			if o.Cores != c.cores || env["CUE_THREADS"] != c.threads || env["CUE_THREADABLE"] != c.flag {
				t.Errorf("%s cores, threadable %t: want %s, CUE_THREADS %s, CUE_THREADABLE %s; have %s, %s, %s", c.wish, c.threadable,
					c.cores, c.threads, c.flag, o.Cores, env["CUE_THREADS"], env["CUE_THREADABLE"])
			}
		}
		if n != c.framesOnTheHost {
			t.Errorf("%s cores, threadable %t: want %d frames booked, have %d", c.wish, c.threadable, c.framesOnTheHost, n)
		}
	}
}

func TestOSMatching(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		offered, wanted string
		want            bool
	}{
		{"rocky9,centos7", "centos7", true},
		{"rocky9, centos7", "centos7", false},
		{"rocky9", "Rocky9", false},
		{"rocky9", "", true},
		{"rocky9", "rocky", false},
	} {
		f, _ := newFarm(t)
		m := machine("render01")
		m.Attributes["SP_OS"] = c.offered
		f.Boot(Report{Machine: m})
		submit(t, f, func(j *Job) { j.OS = c.wanted })
		if _, have := f.Book("render01"); have != c.want {
			t.Errorf("host with %q, job for %q: want booked %t, have %t", c.offered, c.wanted, c.want, have)
		}
	}
}

func TestClosedHosts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Machine)
		why    string
	}{
		"no temporary space":     {func(m *Machine) { m.TotalMCP = 0 }, "REPAIR"},
		"temporary space full":   {func(m *Machine) { m.FreeMCP = 49 }, "REPAIR"},
		"hardly any memory free": {func(m *Machine) { m.FreeMemory = 524287 }, "511 MiB of memory free"},
		"nimby":                  {func(m *Machine) { m.NimbyLocked = true }, "nimby"},
		"down":                   {func(m *Machine) { m.State = Down }, "DOWN"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, _ := newFarm(t)
			boot(t, f, "render01")
			submit(t, f, nil)
			m := machine("render01")
			c.change(&m)
			f.Report(Report{Machine: m})
			bookNothing(t, f, "render01")
			if why := f.Frames()[0].Waiting; !strings.Contains(why, c.why) {
				t.Errorf("reason: want one with %q, have %q", c.why, why)
			}
			f.Report(Report{Machine: machine("render01")})
			book(t, f, "render01")
		})
	}
}

func TestLockedHostTakesNothing(t *testing.T) {
	t.Parallel()
	f, _ := newFarm(t)
	boot(t, f, "render01")
	submit(t, f, nil)
	if err := f.Lock("render01", Locked); err != nil {
		t.Fatal(err)
	}
	f.Report(Report{Machine: machine("render01")})
	bookNothing(t, f, "render01")
	if err := f.Lock("render01", Open); err != nil {
		t.Fatal(err)
	}
	book(t, f, "render01")
	if err := f.Lock("render09", Locked); err == nil {
		t.Error("lock of an unknown host: want an error, have none")
	}
}

func TestRefusedOrderGoesBackAndTheHostRestsUntilItReports(t *testing.T) {
	t.Parallel()
	f, _ := newFarm(t)
	boot(t, f, "render01")
	j := submit(t, f, nil)
	o := book(t, f, "render01")
	k := f.Refused(o, "no cores")
	if k.Host != "render01" || k.FrameID != o.FrameID || k.Why != AfterRefusal {
		t.Errorf("kill after a refusal: have %+v", k)
	}
	wantState(t, f, o.FrameID, Waiting, 299)
	if have := frameOf(t, f, o.FrameID).Host; have != "" {
		t.Errorf("host of a frame that was refused: want none, have %s", have)
	}
	bookNothing(t, f, "render01")
	f.Report(Report{Machine: machine("render01")})
	again := book(t, f, "render01")
	if again.ResourceID == o.ResourceID {
		t.Error("want a new resource after a refusal, have the old one")
	}
	if have := frameOf(t, f, o.FrameID).Retries; have != 0 {
		t.Errorf("retries after a refusal: want 0, have %d", have)
	}
	f.Launched(o) // A late word of the first order says nothing about the second.
	if have := kinds(t, f, j.ID); have != "refused" {
		t.Errorf("events: want refused, have %s", have)
	}
	f.Launched(again)
	if have := kinds(t, f, j.ID); have != "refused started" {
		t.Errorf("events: want refused started, have %s", have)
	}
}

func TestLoadRule(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		load int32
		want int
	}{{0, 8}, {500, 3}, {900, 0}} { // Seen with a real Cuebot and 8 cores.
		f := New(Config{ObeyLoad: true})
		m := machine("render01")
		m.CoresPerProc, m.Load = 800, c.load
		f.Boot(Report{Machine: m})
		submit(t, f, func(j *Job) { j.Range = "1-20" })
		n := 0
		for ; n <= 20; n++ {
			if _, ok := f.Book("render01"); !ok {
				break
			}
		}
		if n != c.want {
			t.Errorf("load %d: want %d frames, have %d", c.load, c.want, n)
		}
	}
}

func TestWhyWaitingNamesHosts(t *testing.T) {
	t.Parallel()
	f, _ := newFarm(t)
	submit(t, f, func(j *Job) { j.OS = "debian12" })
	if have, want := f.Frames()[0].Waiting, "no host has reported yet"; have != want {
		t.Errorf("want %q, have %q", want, have)
	}
	boot(t, f, "render01")
	if have, want := f.Frames()[0].Waiting, "render01 has os rocky9,centos7, not debian12"; have != want {
		t.Errorf("want %q, have %q", want, have)
	}
}

func TestSubmitNamesAllThatIsWrong(t *testing.T) {
	t.Parallel()
	f, _ := newFarm(t)
	_, err := f.Submit(Job{Show: "../x", Shot: "s", User: "u", Name: "n", Layer: "l", Range: "1-", LogDir: "logs", Cores: 5, Retries: -1, Env: map[string]string{"A=": ""}})
	if err == nil {
		t.Fatal("want an error, have none")
	}
	for _, want := range []string{`show "../x"`, `"1-"`, "command", `"logs"`, "cores 0.05", "memory 0", "retries -1", `"A="`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("want %s named, have:\n%v", want, err)
		}
	}
}

func TestForgetsOldJobsOnly(t *testing.T) {
	t.Parallel()
	f, _ := newFarm(t)
	boot(t, f, "render01")
	first := submit(t, f, func(j *Job) { j.Range = "1-20001" })
	if _, err := f.KillJob(first.ID); err != nil {
		t.Fatal(err)
	}
	second := submit(t, f, nil)
	if _, err := f.Events(first.ID, 0); err == nil {
		t.Error("want the first job forgotten")
	}
	if _, err := f.Events(second.ID, 0); err != nil {
		t.Errorf("want the second job kept: %v", err)
	}
}

func TestChangedWakes(t *testing.T) {
	t.Parallel()
	f, _ := newFarm(t)
	woken := f.Changed()
	boot(t, f, "render01")
	select {
	case <-woken:
	case <-time.After(time.Second):
		t.Error("want a boot report to wake those who wait")
	}
}

func TestMemoryAndGPUsBoundWhatIsBooked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Job)
		frames int
		why    string
	}{
		"memory": {func(j *Job) { j.Memory = 7 * gibibyte }, 2, "1536 of 15872 MiB idle, 7168 needed"},
		"gpus":   {func(j *Job) { j.GPUs = 1 }, 3, "0 of 3 GPUs idle, 1 needed"},
		"cores":  {func(j *Job) { j.Cores = 200 }, 2, "0 of 4 cores idle, 2 needed"},
	} {
		f, _ := newFarm(t)
		m := machine("render01")
		m.GPUs = 3
		f.Boot(Report{Machine: m})
		j := submit(t, f, func(j *Job) {
			j.Range = "1-9"
			c.change(j)
		})
		n := 0
		for ; n < 9; n++ {
			if _, ok := f.Book("render01"); !ok {
				break
			}
		}
		page, err := f.Events(j.ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		if n != c.frames || page.Waiting != "render01 "+c.why {
			t.Errorf("%s: want %d frames and %q, have %d and %q", name, c.frames, c.why, n, page.Waiting)
		}
	}
}
