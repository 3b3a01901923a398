package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/docker/docker/api/types/events"
)

func TestSlowReaderIsToldThatItMissedEvents(t *testing.T) {
	t.Parallel()
	out := make(chan Event, 3)
	in := make(chan events.Message)
	failed := make(chan error)
	done := make(chan error)
	go func() { done <- forwardEvents(out, in, failed) }()
	for i := range 10 {
		in <- events.Message{Action: events.Action(fmt.Sprintf("a%d", i))}
	}
	failed <- io.EOF
	if err := <-done; !errors.Is(err, io.EOF) {
		t.Errorf("want the stream's own error, have %v", err)
	}
	close(out)
	var have []string
	for e := range out {
		have = append(have, e.Action)
	}
	if want := "[a0 a1 missed]"; fmt.Sprint(have) != want {
		t.Errorf("want %s, have %v", want, have)
	}
}

func TestEventsLeaveOutProbesAndEndUnavailable(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1.41/events", func(w http.ResponseWriter, _ *http.Request) {
		for _, action := range []string{"exec_create: true", "exec_die", "health_status: healthy"} {
			_ = json.NewEncoder(w).Encode(map[string]any{
				"Type": "container", "Action": action, "timeNano": 5,
				"Actor": map[string]any{"ID": "x", "Attributes": map[string]string{"name": "n", "image": "i", "rqd.kind": "k"}},
			})
		}
	})
	got, failed := mustDialStub(t, stub{api: "1.41", mux: mux}).Events(t.Context(), nil)
	e := <-got
	if e.Action != "health_status: healthy" || e.ID != "x" || e.Name != "n" || len(e.Labels) != 1 || !e.Time.Equal(time.Unix(0, 5)) {
		t.Errorf("want the health event with one label, have %+v", e)
	}
	if more, ok := <-got; ok {
		t.Errorf("want no more, have %+v", more)
	}
	if err := <-failed; !errors.Is(err, ErrUnavailable) {
		t.Errorf("want ErrUnavailable, have %v", err)
	}
}

func TestPullFindsTheErrorInTheStream(t *testing.T) {
	t.Parallel()
	const head = `{"status":"Pulling from x","id":"1"}` + "\n" + `{"status":"Downloading","id":"l","progressDetail":{"current":1,"total":2}}` + "\n"
	for name, c := range map[string]struct {
		stream string
		want   error
	}{
		"good":            {head + `{"status":"Digest: sha256:` + fmt.Sprintf("%064d", 7) + `"}`, nil},
		"broken blob":     {head + `{"errorDetail":{"message":"unexpected EOF"},"error":"unexpected EOF"}`, ErrUnavailable},
		"coded not found": {head + `{"errorDetail":{"code":404,"message":"gone"},"error":"gone"}`, ErrNotFound},
		"coded refusal":   {head + `{"errorDetail":{"code":401,"message":"who are you"}}`, ErrUnauthorized},
		"prose refusal":   {head + `{"error":"unauthorized: authentication required"}`, ErrUnauthorized},
		"cut":             {head + `{"status":`, ErrUnavailable},
	} {
		mux := http.NewServeMux()
		mux.HandleFunc("POST /v1.41/images/create", func(w http.ResponseWriter, r *http.Request) {
			if q := r.URL.Query(); q.Get("fromImage") != "registry:5000/x" || q.Get("tag") != "1" {
				t.Errorf("%s: want registry:5000/x and 1, have %v", name, q)
			}
			_, _ = io.WriteString(w, c.stream)
		})
		var steps []PullProgress
		digest, err := mustDialStub(t, stub{api: "1.41", mux: mux}).Pull(t.Context(), PullRequest{
			Reference: "registry:5000/x:1",
			Progress:  func(p PullProgress) { steps = append(steps, p) },
		})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: want %v, have %v", name, c.want, err)
		}
		if (c.want == nil) != (digest == "sha256:"+fmt.Sprintf("%064d", 7)) {
			t.Errorf("%s: want a digest only of a pull that worked, have %q", name, digest)
		}
		if want := (PullProgress{Layer: "l", Status: "Downloading", Current: 1, Total: 2}); len(steps) < 2 || steps[1] != want {
			t.Errorf("%s: want %+v as second step, have %+v", name, want, steps)
		}
	}
}
