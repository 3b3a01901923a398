package loki

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rqdswarm/rqdcore/frame"
)

func exampleLabels() map[string]string {
	f := frame.Frame{ID: "8b5bc1b3", JobName: "show-shot-artist_beauty", Name: "0001-beauty", UserName: "artist"}
	return Labels(f, "node7", time.Date(2026, 8, 12, 16, 17, 53, 250_000_000, time.UTC))
}

func TestLabels(t *testing.T) {
	t.Parallel()
	want := "map[frame_id:8b5bc1b3 frame_name:0001-beauty host:node7 job_name:show-shot-artist_beauty session_start_time:1786551473.250000 username:artist]"
	if have := fmt.Sprint(exampleLabels()); have != want {
		t.Errorf("want %s, have %s", want, have)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "loki:3100", "ftp://loki", "http://", "http://a b", "/loki"} {
		if _, err := New(Options{URL: address}); err == nil {
			t.Errorf("%q: want an error", address)
		}
	}
	if _, err := New(Options{URL: "ftp://user:secret@loki"}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("want an error without the password, have %v", err)
	}
}

// troubles keeps what the pusher tells.
type troubles struct {
	mu   sync.Mutex
	told []string
}

func (o *troubles) tell(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.told = append(o.told, fmt.Sprint(err))
}

func (o *troubles) all() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.told)
}

// bubble is a pusher whose Run is at work, a stand-in and a clock of their own.
type bubble struct {
	*Pusher
	loki     *standIn
	troubles *troubles
	ran      chan error
	stop     context.CancelCauseFunc
}

func inBubble(t *testing.T, body func(t *testing.T, b bubble)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bubble{loki: &standIn{t: t, labels: exampleLabels()}, troubles: &troubles{}, ran: make(chan error, 1)}
		var err error
		b.Pusher, err = New(Options{
			URL: "http://loki:3100/", Labels: exampleLabels(), HTTPClient: &http.Client{Transport: b.loki}, Trouble: b.troubles.tell,
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancelCause(t.Context())
		b.stop = stop
		defer stop(nil)
		go func() { b.ran <- b.Run(ctx) }()
		body(t, b)
	})
}

func TestPusherSendsAFrame(t *testing.T) {
	inBubble(t, func(t *testing.T, b bubble) {
		if b.Updated() != 0 {
			t.Errorf("Updated before the first line: want 0, have %d", b.Updated())
		}
		fmt.Fprint(b, "====\ncommand  x\n\n====\n")
		output, frame := io.Pipe()
		go func() {
			fmt.Fprint(frame, "one\n  two, indent")
			time.Sleep(time.Minute)
			fmt.Fprint(frame, "ed  \r\n \t\n\nthree \xff")
			frame.Close()
		}()
		if err := b.Consume(output); err != nil {
			t.Errorf("Consume: %v", err)
		}
		if want, have := time.Now().Unix(), b.Updated(); have != want {
			t.Errorf("Updated: want %d, have %d", want, have)
		}
		fmt.Fprint(b, "\n====\nexitStatus  0\n")
		b.Close()
		b.Close() // Twice is once.
		if err := <-b.ran; err != nil {
			t.Errorf("Run: %v", err)
		}
		assertLines(t, b, "====", "command  x", "====", "one", "  two, indented", "three \ufffd", "====", "exitStatus  0")
		if told := b.troubles.all(); len(told) > 0 {
			t.Errorf("troubles: want none, have %q", told)
		}
	})
}

func TestPusherBatches(t *testing.T) {
	inBubble(t, func(t *testing.T, b bubble) {
		started := time.Now()
		for i := range 10 {
			fmt.Fprintln(b, i)
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(5 * time.Second)
		if times := b.loki.times(); len(times) != 1 || times[0].Sub(started) != batchWait {
			t.Errorf("want one push after %s, have %v", batchWait, times)
		}
		// Much output does not wait for the clock, and comes in pushes of a bounded size.
		line := strings.Repeat("x", 1000) + "\n"
		fmt.Fprint(b, strings.Repeat(line, 2*maxBatch/len(line)))
		synctest.Wait()
		if have := len(b.loki.times()); have != 3 {
			t.Errorf("pushes: want two full ones at once, have %d in all", have)
		}
		b.Close()
		if err := <-b.ran; err != nil {
			t.Errorf("Run: %v", err)
		}
		if want, have := 10+2*maxBatch/len(line), len(b.loki.got()); have != want {
			t.Errorf("lines: want %d, have %d", want, have)
		}
		if have := len(b.loki.times()); have != 4 {
			t.Errorf("pushes: want one more for the rest, have %d in all", have)
		}
	})
}

// The same over a real network: Loki breaks the connection, refuses, and comes back.
func TestPusherOverHTTP(t *testing.T) {
	t.Parallel()
	loki := &standIn{t: t, labels: exampleLabels(), dead: true}
	server := httptest.NewServer(loki)
	defer server.Close()
	recovering := make(chan error, 10)
	p, err := New(Options{URL: server.URL, Labels: exampleLabels(), Trouble: func(err error) {
		recovering <- err
		loki.set(func(s *standIn) { s.dead = false })
	}})
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error)
	go func() { ran <- p.Run(t.Context()) }()
	if err := p.Consume(strings.NewReader("one\ntwo")); err != nil {
		t.Error(err)
	}
	p.Close()
	if err := <-ran; err != nil {
		t.Errorf("Run: %v", err)
	}
	if want, have := []string{"one", "two"}, loki.got(); !slices.Equal(want, have) {
		t.Errorf("want %q, have %q", want, have)
	}
	if first, second := <-recovering, <-recovering; first == nil || second != nil {
		t.Errorf("troubles: want one and its end, have %v, %v", first, second)
	}
}

func TestConsumePassesReadErrorsOn(t *testing.T) {
	inBubble(t, func(t *testing.T, b bubble) {
		output, frame := io.Pipe()
		broken := errors.New("broken")
		go func() {
			fmt.Fprint(frame, "kept")
			frame.CloseWithError(broken)
		}()
		if err := b.Consume(output); !errors.Is(err, broken) {
			t.Errorf("want the reader's error, have %v", err)
		}
		b.Close()
		if err := <-b.ran; err != nil {
			t.Errorf("Run: %v", err)
		}
		assertLines(t, b, "kept")
	})
}

func assertLines(t *testing.T, b bubble, want ...string) {
	t.Helper()
	if have := b.loki.got(); !slices.Equal(have, want) {
		t.Errorf("lines: want %q, have %q", want, have)
	}
}
