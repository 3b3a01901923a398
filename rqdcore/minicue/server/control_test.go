package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"rqdswarm/rqdcore/minicue/farm"
)

// ask does one call to the control API and decodes its answer into out.
func (b *bench) ask(t *testing.T, method, path, body string, out any) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+b.ControlAddr().String()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	return do(t, req, out)
}

func do(t *testing.T, req *http.Request, out any) int {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

func TestControlRunsAJob(t *testing.T) {
	t.Parallel()
	rqd := newRQD(t)
	b := start(t, map[string]*scriptedRQD{"render01": rqd}, nil)
	b.boot(t, "render01")
	body, err := json.Marshal(job(nil))
	if err != nil {
		t.Fatal(err)
	}
	var v farm.JobView
	if code := b.ask(t, "POST", "/v1/jobs", string(body), &v); code != http.StatusOK || len(v.Frames) != 1 {
		t.Fatalf("submit: have %d, %+v", code, v)
	}
	f := next(t, "a launch", rqd.launches)
	go func() { _ = b.complete(t, "render01", f, 7) }()
	var kinds []string
	for at, over := 0, false; !over; {
		var page farm.EventPage
		b.ask(t, "GET", "/v1/jobs/"+v.ID+"/events?wait=10&after="+jsonNumber(at), "", &page)
		for _, e := range page.Events {
			kinds = append(kinds, string(e.Kind))
		}
		at, over = page.Next, page.Over
	}
	if have := strings.Join(kinds, " "); have != "started failed" {
		t.Errorf("events: want started failed, have %s", have)
	}
	var frames []farm.FrameView
	if b.ask(t, "GET", "/v1/frames", "", &frames); len(frames) != 1 || frames[0].Status != 7 {
		t.Errorf("frames: have %+v", frames)
	}
	var hosts []farm.HostView
	if b.ask(t, "GET", "/v1/hosts", "", &hosts); len(hosts) != 1 || hosts[0].Name != "render01" {
		t.Errorf("hosts: have %+v", hosts)
	}
}

func jsonNumber(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}

func TestControlKills(t *testing.T) {
	t.Parallel()
	rqd := newRQD(t)
	b := start(t, map[string]*scriptedRQD{"render01": rqd}, nil)
	b.boot(t, "render01")
	b.submit(t, nil)
	f := next(t, "a launch", rqd.launches)
	for _, c := range []struct {
		answer error
		want   string
	}{{nil, "killed"}, {status.Error(codes.NotFound, ""), "not running"}, {status.Error(codes.Unavailable, ""), "unclear"}} {
		rqd.script(func() { rqd.kill = c.answer })
		var out []KillResult
		b.ask(t, "POST", "/v1/frames/kill", `{"frames":["0001-render"]}`, &out)
		want := KillResult{FrameID: f.GetFrameId(), Frame: "0001-render", Host: "render01", Answer: c.want}
		if len(out) != 1 || out[0] != want {
			t.Errorf("want %+v, have %+v", want, out)
		}
		next(t, "the kill", rqd.kills)
	}
}

func TestControlRefuses(t *testing.T) {
	t.Parallel()
	rqd := newRQD(t)
	rqd.lock = status.Error(codes.Unavailable, "busy")
	b := start(t, map[string]*scriptedRQD{"render01": rqd}, nil)
	b.boot(t, "render01")
	for _, c := range []struct {
		method, path, body string
		code               int
		text               string
	}{
		{"POST", "/v1/jobs", `{"shew":"x"}`, 400, `unknown field "shew"`},
		{"POST", "/v1/jobs", `{}`, 400, "command is empty"},
		{"POST", "/v1/frames/kill", `{"frames":["0009-x"]}`, 404, `frame "0009-x": no such frame`},
		{"POST", "/v1/jobs/x/kill", `{}`, 404, `job "x"`},
		{"GET", "/v1/jobs/x/events", "", 404, `job "x"`},
		{"GET", "/v1/jobs/x/events?after=y", "", 400, `after "y"`},
		{"GET", "/v1/jobs/x/events?wait=y", "", 400, `wait "y"`},
		{"POST", "/v1/hosts/render09/lock", `{}`, 404, `host "render09"`},
		{"POST", "/v1/hosts/render01/lock", `{"cores":-100}`, 400, "cores -1"},
		{"POST", "/v1/hosts/render01/lock", `{}`, 502, "lock host render01: Unavailable: busy"},
	} {
		var out Failure
		if code := b.ask(t, c.method, c.path, c.body, &out); code != c.code || !strings.Contains(out.Error, c.text) {
			t.Errorf("%s %s %s: want %d with %s, have %d with %s", c.method, c.path, c.body, c.code, c.text, code, out.Error)
		}
	}
}

func TestControlKeepsWebPagesOut(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	for name, c := range map[string]struct {
		change func(*http.Request)
		code   int
	}{
		"a form":         {func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, http.StatusUnsupportedMediaType},
		"a rebound name": {func(r *http.Request) { r.Host = "evil.example" }, http.StatusForbidden},
		"localhost":      {func(r *http.Request) { r.Host = "localhost:8442" }, http.StatusBadRequest},
		"::1":            {func(r *http.Request) { r.Host = "[::1]:8442" }, http.StatusBadRequest},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+b.ControlAddr().String()+"/v1/jobs", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		c.change(req)
		var out Failure
		if code := do(t, req, &out); code != c.code {
			t.Errorf("%s: want %d, have %d (%s)", name, c.code, code, out.Error)
		}
	}
}

func TestEventsWaitNoLongerThanAsked(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	v := b.submit(t, nil)
	began := time.Now()
	var page farm.EventPage
	b.ask(t, "GET", "/v1/jobs/"+v.ID+"/events?wait=0.05", "", &page)
	if page.Over || len(page.Events) > 0 || page.Waiting != "no host has reported yet" || time.Since(began) < 50*time.Millisecond {
		t.Errorf("have %+v after %s", page, time.Since(began))
	}
}
