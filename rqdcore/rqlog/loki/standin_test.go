package loki

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// standIn is a small Loki: it holds every push against the protocol and keeps the lines. What
// it answers can be changed at any time.
type standIn struct {
	t      *testing.T
	labels map[string]string

	mu       sync.Mutex
	status   int           // Of the answers; 0 is success.
	after    string        // Retry-After.
	stalled  chan struct{} // Answers wait until it is closed; nil is no stall.
	dead     bool          // Connections break.
	lines    []string
	last     int64
	requests []time.Time
}

func (s *standIn) set(change func(*standIn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *standIn) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.lines...)
}

func (s *standIn) times() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Time(nil), s.requests...)
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, time.Now())
	status, after, stalled, dead := s.status, s.after, s.stalled, s.dead
	s.mu.Unlock()
	if r.Body == nil {
		r.Body = http.NoBody // A client's request, by RoundTrip.
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Errorf("read body: %v", err)
	}
	if stalled != nil {
		select {
		case <-stalled:
		case <-r.Context().Done():
			return
		}
	}
	if dead {
		panic(http.ErrAbortHandler)
	}
	if status != 0 {
		if after != "" {
			w.Header().Set("Retry-After", after)
		}
		if status/100 == 3 && r.Method == http.MethodPost {
			w.Header().Set("Location", "/ready") // As a proxy sends people to a page that always answers well.
		} else if status/100 == 3 {
			return
		}
		http.Error(w, "stand-in says no", status)
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "POST /loki/api/v1/push":
		s.push(r.Header.Get("Content-Type"), body)
		w.WriteHeader(http.StatusNoContent)
	default:
		s.t.Errorf("no such call: %s %s", r.Method, r.URL.Path)
		http.NotFound(w, r)
	}
}

func (s *standIn) push(contentType string, body []byte) {
	if want := "application/json"; contentType != want {
		s.t.Errorf("content type: want %s, have %s", want, contentType)
	}
	var message struct {
		Streams []struct {
			Stream map[string]string
			Values [][]string
		}
	}
	if err := json.Unmarshal(body, &message); err != nil || len(message.Streams) != 1 {
		s.t.Errorf("want one stream, have %.200s (%v)", body, err)
		return
	}
	stream := message.Streams[0]
	if want, have := fmt.Sprint(s.labels), fmt.Sprint(stream.Stream); have != want {
		s.t.Errorf("labels: want %s, have %s", want, have)
	}
	if len(stream.Values) == 0 {
		s.t.Error("an empty push")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, value := range stream.Values {
		if len(value) != 2 {
			s.t.Errorf("want [time, line], have %q", value)
			continue
		}
		at, err := strconv.ParseInt(value[0], 10, 64)
		if err != nil || at <= s.last || time.Since(time.Unix(0, at)) > time.Hour {
			s.t.Errorf("time: want one after %d, have %q (%v)", s.last, value[0], err)
		}
		if value[1] == "" || len(value[1]) > maxLine || !utf8.ValidString(value[1]) {
			s.t.Errorf("line: have %.200q", value[1])
		}
		s.last = at
		s.lines = append(s.lines, value[1])
	}
}

// RoundTrip lets a client talk to the stand-in without a network, whose waits a bubble's clock
// would not understand.
func (s *standIn) RoundTrip(r *http.Request) (*http.Response, error) {
	type result struct {
		response *http.Response
		err      error
	}
	done := make(chan result, 1)
	go func() {
		defer func() {
			switch cause := recover(); cause {
			case nil:
			case http.ErrAbortHandler:
				done <- result{err: io.ErrUnexpectedEOF}
			default:
				panic(cause)
			}
		}()
		recorder := httptest.NewRecorder()
		s.ServeHTTP(recorder, r)
		done <- result{response: recorder.Result()}
	}()
	select {
	case res := <-done:
		return res.response, res.err
	case <-r.Context().Done():
		return nil, context.Cause(r.Context())
	}
}
