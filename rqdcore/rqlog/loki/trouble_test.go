package loki

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestPusherRetries(t *testing.T) {
	for name, fail := range map[string]func(*standIn){
		"error":     func(s *standIn) { s.status = http.StatusInternalServerError },
		"busy":      func(s *standIn) { s.status = http.StatusTooManyRequests },
		"broken":    func(s *standIn) { s.dead = true },
		"stalled":   func(s *standIn) { s.stalled = make(chan struct{}) },
		"timed out": func(s *standIn) { s.status = http.StatusRequestTimeout },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b bubble) {
				b.loki.set(fail)
				fmt.Fprintln(b, "one")
				time.Sleep(5 * time.Minute)
				fmt.Fprintln(b, "two")
				tries := len(b.loki.times())
				if tries < 7 || tries > 25 {
					t.Errorf("tries in 5 minutes: want a growing pause up to 30 s, have %d", tries)
				}
				b.loki.set(func(s *standIn) { s.status, s.dead, s.stalled = 0, false, nil })
				time.Sleep(lastPause + tryTime + batchWait)
				assertLines(t, b, "one", "two")
				if told := b.troubles.all(); len(told) != 2 || told[1] != "<nil>" {
					t.Errorf("troubles: want one and its end, have %q", told)
				}
				b.Close()
				if err := <-b.ran; err != nil {
					t.Errorf("Run: %v", err)
				}
			})
		})
	}
}

func TestPusherObeysRetryAfter(t *testing.T) {
	inBubble(t, func(t *testing.T, b bubble) {
		b.loki.set(func(s *standIn) { s.status, s.after = http.StatusTooManyRequests, "20" })
		fmt.Fprintln(b, "one")
		time.Sleep(30 * time.Second)
		if times := b.loki.times(); len(times) != 2 || times[1].Sub(times[0]) != 20*time.Second {
			t.Errorf("want a second try after 20 s, have %v", times)
		}
	})
}

func TestPusherGoesOnAfterARefusal(t *testing.T) {
	inBubble(t, func(t *testing.T, b bubble) {
		b.loki.set(func(s *standIn) { s.status = http.StatusBadRequest })
		fmt.Fprintln(b, "bad 1\nbad 2")
		time.Sleep(time.Minute)
		fmt.Fprintln(b, "bad 3")
		time.Sleep(time.Minute)
		if have := len(b.loki.times()); have != 2 {
			t.Errorf("tries: want one for each refused batch, have %d", have)
		}
		b.loki.set(func(s *standIn) { s.status = 0 })
		fmt.Fprintln(b, "good")
		time.Sleep(time.Minute)
		assertLines(t, b, "RQD: 3 lines are missing here: Loki did not take them", "good")
		told := b.troubles.all()
		if len(told) != 2 || !strings.Contains(told[0], "http://loki:3100/loki/api/v1/push: 400 Bad Request: stand-in says no") {
			t.Errorf("troubles: want the refusal and its end, have %q", told)
		}
	})
}

func TestPusherTakesNoRedirectForSuccess(t *testing.T) {
	inBubble(t, func(t *testing.T, b bubble) {
		b.loki.set(func(s *standIn) { s.status = http.StatusMovedPermanently })
		fmt.Fprintln(b, "one")
		b.Close()
		if err := <-b.ran; err == nil || !strings.Contains(err.Error(), "the last 1 lines are lost") {
			t.Errorf("Run: want a word about the lost line, have %v", err)
		}
	})
}

// The buffer is bounded, writers never wait, and the newest lines survive.
func TestPusherDropsTheOldestLines(t *testing.T) {
	inBubble(t, func(t *testing.T, b bubble) {
		b.loki.set(func(s *standIn) { s.status = http.StatusServiceUnavailable })
		started := time.Now()
		const size = 1 << 10
		const count = 10 * maxQueue / size
		for i := range count {
			fmt.Fprintf(b, "%0*d\n", size, i)
		}
		if have := time.Since(started); have != 0 {
			t.Errorf("writing: want no wait, have %s", have)
		}
		if bytes, lines, lost := b.queue.state(); bytes > maxQueue || lines+lost > count || lines == 0 {
			t.Errorf("queue: have %d bytes, %d lines, %d lost", bytes, lines, lost)
		}
		b.loki.set(func(s *standIn) { s.status = 0 })
		b.Close()
		if err := <-b.ran; err != nil {
			t.Errorf("Run: %v", err)
		}
		seen, missing, last := 0, 0, -1
		for _, line := range b.loki.got() {
			if n, found := strings.CutPrefix(line, "RQD: "); found {
				n, _, _ = strings.Cut(n, " ")
				some, err := strconv.Atoi(n)
				if err != nil {
					t.Fatal(err)
				}
				missing += some
				last += some
				continue
			}
			i, err := strconv.Atoi(strings.TrimLeft(line[:len(line)-1], "0") + line[len(line)-1:])
			if err != nil || i != last+1 {
				t.Fatalf("want line %d, have %d (%v)", last+1, i, err)
			}
			seen, last = seen+1, i
		}
		if seen+missing != count || missing == 0 || last != count-1 {
			t.Errorf("want all %d lines seen or missed and the last one seen, have %d and %d, last %d", count, seen, missing, last)
		}
	})
}

func TestPusherGivesUpAfterTheEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, b bubble) {
		b.loki.set(func(s *standIn) { s.stalled = make(chan struct{}) })
		fmt.Fprintln(b, "one\ntwo")
		time.Sleep(time.Hour)
		fmt.Fprintln(b, "three")
		tries := len(b.loki.times())
		closed := time.Now()
		b.Close()
		err := <-b.ran
		if err == nil || !strings.Contains(err.Error(), "http://loki:3100/: the last 3 lines are lost") {
			t.Errorf("Run: want a word about the lost lines, have %v", err)
		}
		if want, have := drainTime, time.Since(closed); have != want {
			t.Errorf("gave up after: want %s, have %s", want, have)
		}
		if more := len(b.loki.times()) - tries; more < 3 {
			t.Errorf("tries after the end: want some, have %d", more)
		}
	})
}

// A frame that ends while the pusher pauses does not wait for the long pause.
func TestPusherTriesAtOnceAtTheEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, b bubble) {
		b.loki.set(func(s *standIn) { s.dead = true })
		fmt.Fprintln(b, "one")
		time.Sleep(time.Hour)
		b.loki.set(func(s *standIn) { s.dead = false })
		closed := time.Now()
		b.Close()
		if err := <-b.ran; err != nil || time.Since(closed) != 0 {
			t.Errorf("Run: want success at once, have %v after %s", err, time.Since(closed))
		}
		assertLines(t, b, "one")
	})
}

func TestPusherEndsWithItsContext(t *testing.T) {
	inBubble(t, func(t *testing.T, b bubble) {
		b.loki.set(func(s *standIn) { s.stalled = make(chan struct{}) })
		fmt.Fprintln(b, "one")
		time.Sleep(5 * time.Second)
		cause := errors.New("RQD stops")
		b.stop(cause)
		if err := <-b.ran; err != cause {
			t.Errorf("want the cause, have %v", err)
		}
	})
}
