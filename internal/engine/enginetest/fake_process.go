package enginetest

import (
	"fmt"
	"maps"
	"time"

	"rqdswarm/internal/engine"
)

// container is a fake container and its process.
type container struct {
	engine.Container
	spec    engine.Spec
	script  Script
	run     int // Counts starts, so that a timer of an earlier run does nothing.
	running chan struct{}
	changed chan struct{} // Closed and made anew with each log line and state.
	lines   []record
	files   map[string]engine.File
}

// record is one line in a container's log.
type record struct {
	engine.LogLine
	unterminated bool
}

// wake lets followers of the log look again.
func (c *container) wake() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// print appends to the log. Times grow strictly, also where the clock stands still.
func (c *container) print(r record) {
	r.Time = time.Now()
	if n := len(c.lines); n > 0 && !r.Time.After(c.lines[n-1].Time) {
		r.Time = c.lines[n-1].Time.Add(1)
	}
	c.lines = append(c.lines, r)
	c.wake()
}

// begin starts the process; the Fake is locked.
func (f *Fake) begin(c *container) {
	c.run++
	c.running = make(chan struct{})
	c.State, c.PID, c.Error = engine.StateRunning, 1000+f.made+c.run, ""
	c.ExitCode, c.OOMKilled = 0, false
	c.StartedAt = time.Now() // The end of an earlier run stays.
	c.Health = c.script.Health
	f.emit(c, "start")
	for _, line := range c.script.Output {
		c.print(record{LogLine: engine.LogLine{Text: []byte(line)}})
	}
	for _, line := range c.script.Errors {
		c.print(record{LogLine: engine.LogLine{Text: []byte(line), Stderr: true}})
	}
	if c.script.Unterminated != "" {
		c.print(record{LogLine: engine.LogLine{Text: []byte(c.script.Unterminated)}, unterminated: true})
	}
	switch {
	case c.script.Lifetime > 0:
		f.endLater(c, c.script.Lifetime, c.script.ExitCode)
	case c.script.Lifetime < 0:
		f.end(c, c.script.ExitCode)
	}
}

// endLater ends this run of the process after a while.
func (f *Fake) endLater(c *container, after time.Duration, code int) {
	run := c.run
	time.AfterFunc(after, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if c.run == run {
			f.end(c, code)
		}
	})
}

// end ends the process; the Fake is locked.
func (f *Fake) end(c *container, code int) {
	if c.State != engine.StateRunning {
		return
	}
	c.State, c.PID, c.ExitCode = engine.StateExited, 0, code
	c.OOMKilled = c.script.OOMKilled
	c.FinishedAt = time.Now()
	f.emit(c, "die")
	close(c.running)
	c.wake()
}

// deliver gives the process a signal; the Fake is locked.
func (f *Fake) deliver(c *container, signal string) error {
	name, number := parseSignal(signal)
	if name == "" {
		return fmt.Errorf("invalid signal %q: %w", signal, engine.ErrInvalid)
	}
	f.emit(c, "kill")
	r := c.script.reaction(name, number)
	if r.Print != "" {
		c.print(record{LogLine: engine.LogLine{Text: []byte(r.Print)}})
	}
	switch {
	case r.Ignore:
	case r.After > 0:
		f.endLater(c, r.After, r.Exit)
	default:
		f.end(c, r.Exit)
	}
	return nil
}

// must finds the container a test speaks of. A test that names another one is wrong.
func (f *Fake) must(idOrName string) *container {
	c, err := f.find(idOrName)
	if err != nil {
		panic("enginetest: " + err.Error())
	}
	return c
}

// Exit ends the process of a running container of itself.
func (f *Fake) Exit(idOrName string, code int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.end(f.must(idOrName), code)
}

// KillOOM ends the process as the kernel does that is out of memory.
func (f *Fake) KillOOM(idOrName string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.must(idOrName)
	c.script.OOMKilled = true
	f.emit(c, "oom")
	f.end(c, 137)
}

// Print writes a line to the container's standard output.
func (f *Fake) Print(idOrName, line string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.must(idOrName).print(record{LogLine: engine.LogLine{Text: []byte(line)}})
}

// SetHealth sets what the container's health check says.
func (f *Fake) SetHealth(idOrName, health string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.must(idOrName)
	c.Health = health
	f.emit(c, "health_status: "+health)
}

// Files returns what was copied into the container, by path.
func (f *Fake) Files(idOrName string) map[string]engine.File {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.must(idOrName).files)
}

// Spec returns what the container was created from.
func (f *Fake) Spec(idOrName string) engine.Spec {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.must(idOrName).spec
}
