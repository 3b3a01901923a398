package report_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/report"
)

// The time from the end of a frame to Cuebot's knowledge of it, on a healthy day.
func BenchmarkDelivery(b *testing.B) {
	bot := &cuebot{}
	heard := make(chan struct{}, 1)
	bot.complete = func(context.Context, *reportpb.FrameCompleteReport) error {
		heard <- struct{}{}
		return nil
	}
	bot.listen(b)
	c, err := report.NewClient([]string{bot.addr}, zerolog.Nop())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	o, _ := owing(b, filepath.Join(b.TempDir(), "outbox"), c, zerolog.Nop())
	if err := c.Status(b.Context(), host().Report()); err != nil {
		b.Fatal(err)
	}
	var toCuebot time.Duration
	for b.Loop() {
		began := time.Now()
		safe := make(chan error, 1)
		go func() { safe <- o.Add(completion("f1")) }()
		<-heard
		toCuebot += time.Since(began)
		if err := <-safe; err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(toCuebot.Microseconds())/float64(b.N), "µs-to-cuebot")
}
