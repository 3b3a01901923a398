package health

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rqdswarm/internal/engine"
)

// TestVerdict drives a monitor through RQD's life; each step lasts and ends in a verdict.
func TestVerdict(t *testing.T) {
	type step struct {
		do     func(m *Monitor)
		answer Answer
		lasts  time.Duration
		want   Status
		lost   bool
	}
	watch := func(id string) func(*Monitor) { return func(m *Monitor) { m.Watch(id) } }
	unwatch := func(m *Monitor) { m.Unwatch() }
	for name, steps := range map[string][]step{
		"gets ready": {
			{nil, NotReady, 10 * time.Second, Starting, false},
			{watch("a"), NotReady, 20 * time.Second, Starting, false},
			{nil, Ready, time.Second, Healthy, false},
		},
		"sticky": {
			{watch("a"), Ready, 10 * time.Second, Healthy, false},
			{nil, NotReady, 28 * time.Second, Healthy, false},
			{nil, Ready, 10 * time.Second, Healthy, false},
			{nil, Failing, 28 * time.Second, Healthy, false},
			{nil, NotReady, 10 * time.Second, Unhealthy, true},
		},
		"replaced slowly": {
			{watch("a"), Ready, 10 * time.Second, Healthy, false},
			{unwatch, NotReady, 10 * time.Minute, Healthy, false},
			{watch("b"), NotReady, 29 * time.Second, Healthy, false},
			{nil, NotReady, 3 * time.Second, Unhealthy, true},
		},
		"slow first start is left to the start period": {
			{watch("a"), NotReady, 10 * time.Minute, Starting, false},
		},
		"given up by its own health check": {
			{watch("a"), NotReady, 10 * time.Second, Starting, false},
			{nil, Failing, 15 * time.Second, Starting, false},
			{nil, Failing, 10 * time.Second, Unhealthy, true},
		},
		"port out of reach": {
			{watch("a"), Unknown, 5 * time.Second, Starting, false},
			{nil, Unknown, 10 * time.Minute, Healthy, false},
		},
		"standing by": {
			{func(m *Monitor) { m.Idle("standing by") }, NotReady, 10 * time.Minute, Healthy, false},
			{watch("a"), NotReady, time.Second, Starting, false},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var answer atomic.Int64
				m := NewMonitor(func(context.Context, string) Answer { return Answer(answer.Load()) }, 30*time.Second)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go func() { _ = m.Run(ctx) }()
				for i, s := range steps {
					answer.Store(int64(s.answer))
					if s.do != nil {
						s.do(m)
					}
					time.Sleep(s.lasts)
					synctest.Wait()
					m.Beat()
					if have := m.Verdict(); have.Status != s.want {
						t.Errorf("step %d: want %s, have %s", i, s.want, have)
					}
					var lost error
					select {
					case lost = <-m.Lost():
					default:
					}
					if (lost != nil) != s.lost || (s.lost && !errors.Is(lost, ErrLost)) {
						t.Errorf("step %d: want lost=%t, have %v", i, s.lost, lost)
					}
				}
			})
		})
	}
}

func TestStuckLoopIsUnhealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMonitor(func(context.Context, string) Answer { return Ready }, 0)
		m.Idle("standing by")
		time.Sleep(silence + time.Second)
		if have := m.Verdict(); have.Status != Unhealthy {
			t.Errorf("want unhealthy, have %s", have)
		}
		m.Beat()
		if have := m.Verdict(); have.Status != Healthy {
			t.Errorf("want healthy, have %s", have)
		}
	})
}

func TestAskOverTheSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "health.sock")
	m := NewMonitor(nil, 0)
	ctx, cancel := context.WithCancel(t.Context())
	for range 2 { // The second finds the socket of the first.
		l, err := Listen(path)
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error)
		go func() { served <- m.Serve(ctx, l) }()
		line, ok, err := Ask(ctx, path)
		if err != nil || ok || !strings.HasPrefix(line, "starting: ") {
			t.Errorf("want starting, have %q, %t, %v", line, ok, err)
		}
		m.Idle("standing by")
		line, ok, err = Ask(ctx, path)
		if err != nil || !ok || line != "healthy: standing by" {
			t.Errorf("want healthy, have %q, %t, %v", line, ok, err)
		}
		cancel()
		if err := <-served; err != nil {
			t.Errorf("serve: want no error, have %v", err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		m = NewMonitor(nil, 0)
	}
	cancel()
	if _, _, err := Ask(t.Context(), path); err == nil {
		t.Error("want an error when nobody serves, have none")
	}
}

type inspected struct {
	c   engine.Container
	err error
}

func (i inspected) Inspect(context.Context, string) (engine.Container, error) { return i.c, i.err }

func TestEngineProbe(t *testing.T) {
	t.Parallel()
	running := engine.StateRunning
	for name, c := range map[string]struct {
		in   inspected
		want Answer
	}{
		"healthy":     {inspected{c: engine.Container{State: running, Health: "healthy"}}, Ready},
		"starting":    {inspected{c: engine.Container{State: running, Health: "starting"}}, NotReady},
		"unhealthy":   {inspected{c: engine.Container{State: running, Health: "unhealthy"}}, Failing},
		"ended":       {inspected{c: engine.Container{State: engine.StateExited, Health: "healthy"}}, NotReady},
		"gone":        {inspected{err: engine.ErrNotFound}, NotReady},
		"no check":    {inspected{c: engine.Container{State: running}}, Unknown},
		"engine away": {inspected{err: engine.ErrUnavailable}, Unknown},
	} {
		if have := EngineProbe(c.in, nil)(t.Context(), "x"); have != c.want {
			t.Errorf("%s: want %d, have %d", name, c.want, have)
		}
	}
}

func TestTryPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if have := tryPort(t.Context(), []string{address}); have != Ready {
		t.Errorf("open port: want ready, have %d", have)
	}
	_ = l.Close()
	if have := tryPort(t.Context(), []string{address}); have != NotReady {
		t.Errorf("closed port: want not ready, have %d", have)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if have := tryPort(ctx, []string{"192.0.2.1:8444"}); have != Unknown {
		t.Errorf("no answer: want unknown, have %d", have)
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if have := Hosts(root); len(have) != 1 || have[0] != "127.0.0.1" {
		t.Errorf("no routes: want 127.0.0.1, have %v", have)
	}
	text := "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n" +
		"eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n" +
		"eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
	if err := os.MkdirAll(filepath.Join(root, "proc/net"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "proc/net/route"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if have := Hosts(root); len(have) != 2 || have[1] != "172.17.0.1" {
		t.Errorf("want the gateway 172.17.0.1, have %v", have)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	hosts := []string{"127.0.0.1", "172.17.0.1"}
	for name, c := range map[string]struct {
		spec engine.Spec
		want string
	}{
		"host network":      {engine.Spec{Namespaces: engine.Namespaces{NetworkMode: "host"}}, "127.0.0.1:8444 172.17.0.1:8444"},
		"published":         {engine.Spec{Ports: []engine.Port{{HostPort: "9444", ContainerPort: "8444"}}}, "127.0.0.1:9444 172.17.0.1:9444"},
		"other port":        {engine.Spec{Ports: []engine.Port{{HostPort: "9444", ContainerPort: "80"}}}, ""},
		"other protocol":    {engine.Spec{Ports: []engine.Port{{HostPort: "8444", ContainerPort: "8444", Protocol: "udp"}}}, ""},
		"network of others": {engine.Spec{Namespaces: engine.Namespaces{NetworkMode: "farm"}}, ""},
	} {
		if have := strings.Join(Addresses(c.spec, hosts), " "); have != c.want {
			t.Errorf("%s: want %q, have %q", name, c.want, have)
		}
	}
}

// TestAnswerAboutThePast has RQD replaced while a probe of the old one is on its way.
func TestAnswerAboutThePast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMonitor(func(_ context.Context, id string) Answer {
			if id == "old" {
				time.Sleep(time.Second)
				return Ready
			}
			return NotReady
		}, 30*time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		m.Watch("old")
		go func() { _ = m.Run(ctx) }()
		time.Sleep(500 * time.Millisecond)
		m.Watch("new")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if have := m.Verdict(); have.Status != Starting {
			t.Errorf("want starting, have %s", have)
		}
	})
}
