package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

func TestDialNegotiates(t *testing.T) {
	t.Parallel()
	for offered, spoken := range map[string]string{"1.41": "1.41", "1.44": "1.44", "1.999": ""} {
		c := mustDialStub(t, stub{api: offered})
		have := c.api.ClientVersion()
		if spoken != "" && have != spoken || have == "1.999" {
			t.Errorf("engine offers %s: want %s, have %s", offered, spoken, have)
		}
	}
}

func TestDialRefusesAnOldEngine(t *testing.T) {
	t.Parallel()
	_, err := dialStub(t, stub{api: "1.40"})
	if !errors.Is(err, ErrInvalid) || !containsText(err, "speaks API 1.40; 1.41 (Docker 20.10) or newer is needed") {
		t.Errorf("want ErrInvalid naming both versions, have %v", err)
	}
}

func TestDialWithoutAnEngineIsUnavailable(t *testing.T) {
	t.Parallel()
	_, err := Dial(t.Context(), Options{Host: "unix://" + t.TempDir() + "/none.sock"})
	if !errors.Is(err, ErrUnavailable) || !containsText(err, "none.sock") {
		t.Errorf("want ErrUnavailable naming the socket, have %v", err)
	}
	if _, err := Dial(t.Context(), Options{Host: "nonsense"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("want ErrInvalid, have %v", err)
	}
}

func TestStatusBecomesASentinel(t *testing.T) {
	t.Parallel()
	sentinels := []error{ErrNotFound, ErrConflict, ErrInvalid, ErrUnauthorized, ErrUnavailable, ErrRemoving}
	for status, want := range map[int]error{
		http.StatusBadRequest:          ErrInvalid,
		http.StatusUnauthorized:        ErrUnauthorized,
		http.StatusForbidden:           ErrUnauthorized,
		http.StatusNotFound:            ErrNotFound,
		http.StatusConflict:            ErrConflict,
		http.StatusInternalServerError: nil,
		http.StatusServiceUnavailable:  ErrUnavailable,
	} {
		mux := http.NewServeMux()
		mux.HandleFunc("POST /v1.41/containers/x/start", func(w http.ResponseWriter, _ *http.Request) {
			answer(w, status, map[string]string{"message": "the engine's own words"})
		})
		err := mustDialStub(t, stub{api: "1.41", mux: mux}).Start(t.Context(), "x")
		if !containsText(err, "start container: Error response from daemon: the engine's own words") {
			t.Errorf("%d: want the engine's words, have %v", status, err)
		}
		for _, s := range sentinels {
			if errors.Is(err, s) != (s == want) {
				t.Errorf("%d: want %v only, have %v", status, want, s)
			}
		}
	}
}

func TestEndOfContextIsNotMistaken(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1.41/containers/x/start", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	c := mustDialStub(t, stub{api: "1.41", mux: mux})

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := c.Start(ctx, "x"); !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("want the deadline and ErrUnavailable, have %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if err := c.Start(ctx, "x"); errors.Is(err, ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("want context.Canceled only, have %v", err)
	}
}

func TestConflictOfARemovalIsLookedInto(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state string // Empty is not there any more.
		force bool
		gone  bool
	}{
		{"running", false, false},
		{"running", true, true}, // Another forced removal is killing it.
		{"paused", false, false},
		{"removing", false, true},
		{"dead", false, true},
		{"", false, true},
	} {
		mux := http.NewServeMux()
		mux.HandleFunc("DELETE /v1.41/containers/x", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("v") != "1" {
				t.Errorf("want the anonymous volumes removed, have query %v", r.URL.Query())
			}
			answer(w, http.StatusConflict, map[string]string{"message": "conflict"})
		})
		mux.HandleFunc("GET /v1.41/containers/x/json", func(w http.ResponseWriter, _ *http.Request) {
			if c.state == "" {
				answer(w, http.StatusNotFound, map[string]string{"message": "No such container"})
				return
			}
			answer(w, http.StatusOK, map[string]any{"Id": "x", "State": map[string]string{"Status": c.state}})
		})
		err := mustDialStub(t, stub{api: "1.41", mux: mux}).Remove(t.Context(), "x", RemoveOptions{Force: c.force})
		if IsGone(err) != c.gone || !errors.Is(err, ErrConflict) {
			t.Errorf("%+v: want a conflict that counts as gone: %v, have %v", c, c.gone, err)
		}
	}
}

// killStub is an engine whose container ends at the given signal and which records what it is sent.
func killStub(version, endsAt string) (stub, *[]string) {
	var got []string
	ended := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1.43/containers/x/json", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"Id": "x", "Config": map[string]string{"StopSignal": "SIGHUP"}})
	})
	mux.HandleFunc("POST /v1.43/containers/x/wait", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		select {
		case <-ended:
			_, _ = fmt.Fprintln(w, `{"StatusCode":0}`)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /v1.43/containers/x/kill", func(_ http.ResponseWriter, r *http.Request) {
		got = append(got, r.URL.Query().Get("signal"))
		if got[len(got)-1] == endsAt {
			close(ended)
		}
	})
	mux.HandleFunc("POST /v1.43/containers/x/stop", func(w http.ResponseWriter, r *http.Request) {
		got = append(got, "stop t="+r.URL.Query().Get("t"))
		w.WriteHeader(http.StatusNoContent)
	})
	return stub{api: "1.43", version: version, mux: mux}, &got
}

func TestStopKeepsTheTimeItselfWhereTheEngineForgetsIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		version, endsAt string
		want            []string
	}{
		{"24.0.1", "SIGHUP", []string{"SIGHUP"}},
		{"23.0.6", "SIGKILL", []string{"SIGHUP", "SIGKILL"}},
		{"24.0.3", "", []string{"stop t=1"}},
	} {
		s, got := killStub(c.version, c.endsAt)
		if err := mustDialStub(t, s).Stop(t.Context(), "x", 30*time.Millisecond); err != nil {
			t.Errorf("%s: %v", c.version, err)
		}
		if !slices.Equal(*got, c.want) {
			t.Errorf("%s: want %q, have %q", c.version, c.want, *got)
		}
	}
}

func TestOnlySomeEnginesForgetTheTime(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{
		"20.10.24+dfsg1": false, "22.06.0-beta.0": false, "23.0.0": true, "23.0.6": true, "23.0.7": false,
		"24.0.0": true, "24.0.2": true, "24.0.3": false, "25.0.0": false, "26.1.0": false, "dev": false, "": false,
	} {
		if have := stopDiesWithClient(version); have != want {
			t.Errorf("%q: want %v, have %v", version, want, have)
		}
	}
}
