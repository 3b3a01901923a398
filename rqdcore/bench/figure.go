package main

import (
	"cmp"
	"slices"
)

// The subjects that are compared.
const (
	floorName  = "engine alone"
	rqdName    = "rqdcore"
	pythonName = "Python RQD"
)

// Series is what was measured of one subject. The samples of the series of one figure belong
// together by their index: they were taken one after the other.
type Series struct {
	Subject string    `json:"subject"`
	Samples []float64 `json:"samples"`
}

// Figure is one thing that was measured.
type Figure struct {
	Name   string   `json:"name"`
	Unit   string   `json:"unit"`
	Target string   `json:"target,omitempty"` // What we want to see, in words.
	Series []Series `json:"series"`
}

// Summary is a series in three numbers, and its ratio to the figure's first series.
type Summary struct {
	Subject                  string
	Median, Least, Most      float64
	Count                    int
	Ratio                    float64 // The median of the paired ratios; 0 when there is nothing to compare with.
	RatioLeast, RatioGreater float64
}

// add appends a sample to the subject's series; the first subject is what the others are compared with.
func (f *Figure) add(subject string, v float64) {
	for i := range f.Series {
		if f.Series[i].Subject == subject {
			f.Series[i].Samples = append(f.Series[i].Samples, v)
			return
		}
	}
	f.Series = append(f.Series, Series{Subject: subject, Samples: []float64{v}})
}

// settle drops the first round, which warms caches, and puts the floor first, whoever had the first turn.
func (f *Figure) settle() {
	for i := range f.Series {
		if len(f.Series[i].Samples) > 1 {
			f.Series[i].Samples = f.Series[i].Samples[1:]
		}
	}
	f.order()
}

// order puts the floor first, then us, then the peer.
func (f *Figure) order() {
	rank := []string{floorName, rqdName, pythonName}
	slices.SortStableFunc(f.Series, func(a, b Series) int {
		return slices.Index(rank, a.Subject) - slices.Index(rank, b.Subject)
	})
}

// summaries has one entry for each series with samples.
func (f *Figure) summaries() []Summary {
	var out []Summary
	for i, s := range f.Series {
		if len(s.Samples) == 0 {
			continue
		}
		sum := Summary{
			Subject: s.Subject, Median: median(s.Samples), Least: slices.Min(s.Samples), Most: slices.Max(s.Samples), Count: len(s.Samples),
		}
		if i > 0 {
			sum.compare(s.Samples, f.Series[0].Samples)
		}
		out = append(out, sum)
	}
	return out
}

// compare takes the ratio pair by pair where there are pairs, else that of the medians.
func (s *Summary) compare(have, base []float64) {
	if len(have) != len(base) {
		if m := median(base); m > 0 {
			s.Ratio = median(have) / m
			s.RatioLeast, s.RatioGreater = s.Ratio, s.Ratio
		}
		return
	}
	ratios := make([]float64, 0, len(have))
	for i := range have {
		if base[i] > 0 {
			ratios = append(ratios, have[i]/base[i])
		}
	}
	if len(ratios) > 0 {
		s.Ratio, s.RatioLeast, s.RatioGreater = median(ratios), slices.Min(ratios), slices.Max(ratios)
	}
}

func median[T cmp.Ordered](of []T) T {
	var none T
	if len(of) == 0 {
		return none
	}
	sorted := slices.Sorted(slices.Values(of))
	return sorted[(len(sorted)-1)/2]
}
