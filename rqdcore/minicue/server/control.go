package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"rqdswarm/rqdcore/minicue/farm"
)

// The control API is HTTP with JSON on a port of its own: the RQD port stays exactly what a
// Cuebot offers, curl and jq can drive it from any language, and a port (other than a unix
// socket) is reached alike from the host and from a container with host networking.

// KillRequest names frames to kill, by id or by name.
type KillRequest struct {
	Frames []string `json:"frames"`
}

// KillResult is what became of a kill.
type KillResult struct {
	FrameID string `json:"frame_id"`
	Frame   string `json:"frame"`
	Host    string `json:"host"`
	Answer  string `json:"answer"` // killed, not running, unclear.
}

// LockRequest says how much of a host is meant; 0 core points are the whole host.
type LockRequest struct {
	Cores farm.Points `json:"cores"`
}

// Failure is the body of every answer that is not 2xx.
type Failure struct {
	Error string `json:"error"`
}

const (
	maxBody = 8 << 20
	maxWait = 60 * time.Second // Of a call that waits for events.
)

func (s *Server) controlHandler() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, fn func(*http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			reply(w, r, fn)
		})
	}
	handle("GET /v1/hosts", func(*http.Request) (any, error) { return s.farm.Hosts(), nil })
	handle("GET /v1/frames", func(*http.Request) (any, error) { return s.farm.Frames(), nil })
	handle("POST /v1/jobs", s.postJob)
	handle("GET /v1/jobs/{job}/events", s.getEvents)
	handle("POST /v1/jobs/{job}/kill", func(r *http.Request) (any, error) {
		kills, err := s.farm.KillJob(r.PathValue("job"))
		return s.killNow(kills), err
	})
	handle("POST /v1/frames/kill", s.postKill)
	handle("POST /v1/hosts/{host}/lock", func(r *http.Request) (any, error) { return s.postLock(r, s.LockHost) })
	handle("POST /v1/hosts/{host}/unlock", func(r *http.Request) (any, error) { return s.postLock(r, s.UnlockHost) })
	return s.guard(mux)
}

// guard keeps web pages that a person has open from giving orders: a browser sends JSON to
// another site only when asked nicely, and its Host header tells a name that was rebound to this machine.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost && r.Header.Get("Content-Type") != "application/json":
			writeJSON(w, http.StatusUnsupportedMediaType, Failure{"want Content-Type: application/json"})
		case s.controlIsLocal() && !localName(r.Host):
			writeJSON(w, http.StatusForbidden, Failure{fmt.Sprintf("host %q: this port is for localhost", r.Host)})
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (s *Server) controlIsLocal() bool {
	a, ok := s.ControlAddr().(*net.TCPAddr)
	return ok && a.IP.IsLoopback()
}

func localName(hostport string) bool {
	name, _, err := net.SplitHostPort(hostport)
	if err != nil {
		name = hostport
	}
	ip := net.ParseIP(name)
	return name == "localhost" || ip != nil && ip.IsLoopback()
}

func (s *Server) postJob(r *http.Request) (any, error) {
	var spec farm.Job
	if err := readJSON(r, &spec); err != nil {
		return nil, err
	}
	return s.Submit(spec)
}

// Submit takes a job in and starts to book it.
func (s *Server) Submit(spec farm.Job) (farm.JobView, error) {
	v, err := s.farm.Submit(spec)
	if err != nil {
		return v, err
	}
	s.log.Info().Str("job", v.Name).Str("job_id", v.ID).Int("frames", len(v.Frames)).Str("os", spec.OS).Msg("job submitted")
	s.BookAll()
	return v, nil
}

// getEvents answers at once when there is something new after ?after=N, else when there is
// or when ?wait=SECONDS are over.
func (s *Server) getEvents(r *http.Request) (any, error) {
	after, err := strconv.Atoi(r.FormValue("after"))
	if err != nil && r.FormValue("after") != "" {
		return nil, fmt.Errorf("after %q: want a number", r.FormValue("after"))
	}
	wait, err := strconv.ParseFloat(r.FormValue("wait"), 64)
	if err != nil && r.FormValue("wait") != "" {
		return nil, fmt.Errorf("wait %q: want seconds", r.FormValue("wait"))
	}
	over := time.NewTimer(min(time.Duration(wait*float64(time.Second)), maxWait))
	defer over.Stop()
	for {
		changed := s.farm.Changed()
		page, err := s.farm.Events(r.PathValue("job"), after)
		if err != nil || len(page.Events) > 0 || page.Over {
			return page, err
		}
		select {
		case <-changed:
		case <-over.C:
			return page, nil
		case <-r.Context().Done():
			return page, nil
		case <-s.ctx.Done():
			return page, nil
		}
	}
}

func (s *Server) postKill(r *http.Request) (any, error) {
	var in KillRequest
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	kills, err := s.farm.KillFrames(in.Frames)
	if err != nil {
		return nil, err
	}
	return s.killNow(kills), nil
}

// killNow carries kills out at the same time and waits for the answers.
func (s *Server) killNow(kills []farm.Kill) []KillResult {
	out := make([]KillResult, len(kills))
	var wg sync.WaitGroup
	for i, k := range kills {
		wg.Go(func() {
			out[i] = KillResult{FrameID: k.FrameID, Frame: k.Frame, Host: k.Host, Answer: outcomeText(s.kill(s.ctx, k))}
		})
	}
	wg.Wait()
	return out
}

func outcomeText(o farm.KillOutcome) string {
	switch o {
	case farm.WillDie:
		return "killed"
	case farm.NotRunning:
		return "not running"
	default:
		return "unclear"
	}
}

func (s *Server) postLock(r *http.Request, do func(context.Context, string, farm.Points) error) (any, error) {
	var in LockRequest
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	if in.Cores < 0 {
		return nil, fmt.Errorf("cores %s: want 0 or more", in.Cores)
	}
	return struct{}{}, do(r.Context(), r.PathValue("host"), in.Cores)
}

// errBody is a request that is not what the API reads.
var errBody = errors.New("request body is no such JSON")

func readJSON(r *http.Request, v any) error {
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%w: %w", errBody, err)
	}
	return nil
}

func reply(w http.ResponseWriter, r *http.Request, fn func(*http.Request) (any, error)) {
	v, err := fn(r)
	host := (*hostError)(nil)
	switch {
	case err == nil:
		writeJSON(w, http.StatusOK, v)
	case errors.Is(err, farm.ErrUnknown):
		writeJSON(w, http.StatusNotFound, Failure{err.Error()})
	case errors.Is(err, farm.ErrAmbiguous):
		writeJSON(w, http.StatusConflict, Failure{err.Error()})
	case errors.As(err, &host):
		writeJSON(w, http.StatusBadGateway, Failure{err.Error()})
	default:
		writeJSON(w, http.StatusBadRequest, Failure{err.Error()})
	}
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // The caller is gone if this fails.
}
