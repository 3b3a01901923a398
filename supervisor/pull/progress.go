package pull

import (
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/internal/engine"
)

// reportEvery is how often a long pull says how far it is: a line a layer and step would be thousands.
const reportEvery = 5 * time.Second

// progress sums up what a pull says about its layers.
type progress struct {
	log      zerolog.Logger
	reported time.Time
	layers   map[string]engine.PullProgress
}

func newProgress(log zerolog.Logger) *progress {
	return &progress{log: log, layers: map[string]engine.PullProgress{}}
}

func (p *progress) take(step engine.PullProgress, now time.Time) {
	if step.Layer == "" || step.Total == 0 || step.Status != "Downloading" {
		return
	}
	p.layers[step.Layer] = step
	if p.reported.IsZero() {
		p.reported = now // A short pull reports nothing.
	}
	if now.Sub(p.reported) < reportEvery {
		return
	}
	p.reported = now
	var done, total int64
	for _, l := range p.layers {
		done, total = done+l.Current, total+l.Total
	}
	p.log.Info().Int("layers", len(p.layers)).Int64("mib", done>>20).Int64("mib_known", total>>20).Msg("image being pulled")
}
