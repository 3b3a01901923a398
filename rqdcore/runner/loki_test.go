package runner

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"rqdswarm/internal/wire"
	"rqdswarm/rqdcore/rqlog"
)

// lines is a Loki that keeps what is pushed.
type lines struct {
	mu   sync.Mutex
	text []string
}

func (l *lines) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var push struct {
		Streams []struct{ Values [][2]string }
	}
	if err := json.NewDecoder(r.Body).Decode(&push); err == nil {
		l.mu.Lock()
		for _, stream := range push.Streams {
			for _, v := range stream.Values {
				l.text = append(l.text, v[1])
			}
		}
		l.mu.Unlock()
	}
	w.WriteHeader(http.StatusNoContent)
}

func (l *lines) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.text, "\n")
}

// TestLokiInsteadOfFile runs a frame whose job names a Loki: header, output and footer come there, and no rqlog is made.
func TestLokiInsteadOfFile(t *testing.T) {
	t.Parallel()
	kept := &lines{}
	server := httptest.NewServer(kept)
	t.Cleanup(server.Close)
	s := newStage(t)
	s.loki = server.URL
	j := s.job()
	done := s.run(j)
	init := s.connect(hello(j, wire.PhaseWaiting))
	_, log := init.want(isOrder)
	if _, err := log.WriteString("output of the command\n"); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	init.send(wire.Message{Exit: &wire.Exit{Cause: wire.CauseExit, Code: 7}})
	receiveExit(t, done)
	for deadline := time.Now().Add(patience); !strings.Contains(kept.all(), "exitStatus") && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	text := kept.all()
	head, output, foot := strings.Index(text, "RenderQ JobSpec"), strings.Index(text, "output of the command"), strings.Index(text, "exitStatus          7")
	if head < 0 || output < head || foot < output {
		t.Errorf("have %q, want header, output and footer in this order", text)
	}
	if _, err := os.Stat(rqlog.Path(j.Promise().Frame)); err == nil {
		t.Error("a rqlog was made as well")
	}
}
