package report_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"rqdswarm/rqdcore/cueconv"
	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/journal"
	"rqdswarm/rqdcore/report"
)

// owing runs an outbox on a real disk and, with a Client, a real wire. stop ends it like the end of RQD.
func owing(t testing.TB, dir string, c report.Completer, log zerolog.Logger) (o *report.Outbox, stop func()) {
	t.Helper()
	d, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	o, err = report.NewOutbox(report.OutboxConfig{Documents: d, Cuebot: c, Host: host(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = o.Run(ctx) // It returns nil.
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(stop)
	return o, stop
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Whatever Cuebot answers, or does not, it has the completion in the end and the disk is empty.
func TestDeliveryThroughTrouble(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]func(t *testing.T, bot *cuebot){
		"unavailable": func(_ *testing.T, bot *cuebot) { bot.complete = firstly(status.Error(codes.Unavailable, "starting")) },
		"internal":    func(_ *testing.T, bot *cuebot) { bot.complete = firstly(status.Error(codes.Internal, "no")) },
		"invalid":     func(_ *testing.T, bot *cuebot) { bot.complete = firstly(status.Error(codes.InvalidArgument, "no")) },
		"refused connection": func(t *testing.T, bot *cuebot) {
			bot.server.Stop()
			time.AfterFunc(700*time.Millisecond, func() { bot.listen(t) })
		},
		"applied, connection lost": func(t *testing.T, bot *cuebot) {
			var once sync.Once
			server := bot.server
			bot.complete = func(ctx context.Context, _ *reportpb.FrameCompleteReport) error {
				once.Do(func() {
					go func() {
						server.Stop()
						bot.listen(t)
					}()
					<-ctx.Done()
				})
				return nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bot := newCuebot(t)
			trouble(t, bot)
			dir := filepath.Join(t.TempDir(), "outbox")
			o, _ := owing(t, dir, newClient(t, bot.addr), logger(t))
			add(t, o, "f1")
			eventually(t, "delivered and deleted", func() bool { return o.Pending() == 0 && len(files(t, dir)) == 0 })
			bot.mu.Lock()
			defer bot.mu.Unlock()
			want := cueconv.FrameCompleteReport(completion("f1"), host().Report().Host)
			if diff := cmp.Diff(want, bot.ends[len(bot.ends)-1], protocmp.Transform()); diff != "" {
				t.Errorf("(-want +have):\n%s", diff)
			}
		})
	}
}

// firstly fails the first two calls.
func firstly(err error) func(context.Context, *reportpb.FrameCompleteReport) error {
	var mu sync.Mutex
	n := 0
	return func(context.Context, *reportpb.FrameCompleteReport) error {
		mu.Lock()
		defer mu.Unlock()
		if n++; n <= 2 {
			return err
		}
		return nil
	}
}

// Cuebot has recorded the end of a frame, its answer was lost, and it sends the frame again:
// from then on the old end is not told any more.
func TestRedispatchGuard(t *testing.T) {
	t.Parallel()
	bot := newCuebot(t)
	arrived, ended := make(chan struct{}), make(chan error, 1)
	bot.complete = func(ctx context.Context, r *reportpb.FrameCompleteReport) error {
		if r.GetFrame().GetFrameId() != "f1" {
			return nil
		}
		close(arrived)
		<-ctx.Done()
		ended <- ctx.Err()
		return nil
	}
	dir := filepath.Join(t.TempDir(), "outbox")
	o, stop := owing(t, dir, newClient(t, bot.addr), logger(t))
	add(t, o, "f1")
	<-arrived
	if err := o.Drop("f1"); err != nil {
		t.Fatal(err)
	}
	if have := files(t, dir); len(have) > 0 {
		t.Errorf("on the disk: %v", have)
	}
	if err := <-ended; err == nil {
		t.Error("the call at Cuebot was not ended")
	}
	stop()
	// The next RQD has nothing to tell of it either.
	o, _ = owing(t, dir, newClient(t, bot.addr), logger(t))
	add(t, o, "f2")
	eventually(t, "f2 delivered", func() bool { return o.Pending() == 0 })
	if _, _, ends := bot.seen(); ends != 2 {
		t.Errorf("Cuebot heard %d ends, want 2", ends)
	}
}

// The next RQD delivers what the last one could not, field by field, oldest first, and leaves
// alone what it cannot read.
func TestNextRQD(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "outbox")
	o, stop := owing(t, dir, completerFunc(func(context.Context, frame.Completion, frame.Host) error { return errRefused }), zerolog.Nop())
	var want []frame.Completion
	for i := range 12 {
		done := completion(fmt.Sprint("f", i))
		done.ExitStatus, done.ExitSignal = int32(i), 9
		want = append(want, done)
		add(t, o, fmt.Sprint("f", i))
		_ = o.Drop(fmt.Sprint("f", i))
		if err := o.Add(done); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if have := len(files(t, dir)); have != len(want) {
		t.Fatalf("%d files, want %d", have, len(want))
	}
	for name, content := range map[string]string{
		"00000000000000000001": "{not json",
		"00000000000000000002": `{"version": 99, "completion": {"running": {"Frame": {"frame_id": "x"}}}}`,
		"00000000000000000003": `{"version": 1}`,
		"name":                 `{"version": 1, "completion": {"running": {"Frame": {"frame_id": "x"}}}}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name+".json"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	have := map[string]frame.Completion{}
	var log bytes.Buffer
	o, stop = owing(t, dir, completerFunc(func(_ context.Context, c frame.Completion, _ frame.Host) error {
		mu.Lock()
		defer mu.Unlock()
		have[c.Running.Frame.ID] = c
		return nil
	}), zerolog.New(&log))
	eventually(t, "all delivered", func() bool { return o.Pending() == 0 })
	stop()
	for _, w := range want {
		if diff := cmp.Diff(w, have[w.Running.Frame.ID]); diff != "" {
			t.Errorf("(-want +have):\n%s", diff)
		}
	}
	left := files(t, dir)
	if len(left) != 4 || strings.Count(strings.Join(left, " "), ".unreadable") != 4 || strings.Count(log.String(), "completion unreadable") != 4 {
		t.Errorf("left on the disk: %v, log:\n%s\nwant the 4 unreadable ones, each named", left, log.String())
	}
}

// Under a storm of ends, launches and failures: what is dropped is not sent after its Drop,
// everything else arrives, nothing stays behind.
func TestStorm(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "outbox")
	var mu sync.Mutex
	dropped, got, tries := map[string]bool{}, map[string]bool{}, map[string]int{}
	o, _ := owing(t, dir, completerFunc(func(ctx context.Context, c frame.Completion, _ frame.Host) error {
		id := c.Running.Frame.ID
		mu.Lock()
		if dropped[id] {
			t.Errorf("%s was sent after its drop", id)
		}
		tries[id]++
		retry := tries[id] > 2 // So that the back-off stays short.
		mu.Unlock()
		if !retry && rand.N(3) == 0 {
			return errRefused
		}
		select {
		case <-time.After(rand.N(3 * time.Millisecond)):
		case <-ctx.Done():
			return ctx.Err()
		}
		mu.Lock()
		defer mu.Unlock()
		got[id] = true
		return nil
	}), zerolog.Nop())
	var storm sync.WaitGroup
	for i := range 8 {
		storm.Go(func() {
			for j := range 15 {
				id := fmt.Sprintf("f%d-%d", i, j)
				var both sync.WaitGroup
				both.Go(func() { add(t, o, id) })
				if j%2 == 0 {
					both.Wait()
					if err := o.Drop(id); err != nil {
						t.Error(err)
					}
					mu.Lock()
					dropped[id] = true
					mu.Unlock()
				}
				both.Wait()
			}
		})
	}
	storm.Wait()
	eventually(t, "all delivered and deleted", func() bool { return o.Pending() == 0 && len(files(t, dir)) == 0 })
	mu.Lock()
	defer mu.Unlock()
	for i := range 8 {
		for j := 1; j < 15; j += 2 {
			if id := fmt.Sprintf("f%d-%d", i, j); !got[id] {
				t.Errorf("%s never arrived", id)
			}
		}
	}
}
