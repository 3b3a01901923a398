package machine

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// memory is what /proc/meminfo says, in KiB.
type memory struct {
	total, free, cached int64
	totalSwap, freeSwap int64
}

// parseMeminfo reads /proc/meminfo. Only MemTotal has to be there.
func parseMeminfo(text []byte) (memory, error) {
	var m memory
	fields := map[string]*int64{
		"MemTotal": &m.total, "MemFree": &m.free, "Cached": &m.cached, "SwapTotal": &m.totalSwap, "SwapFree": &m.freeSwap,
	}
	for line := range bytes.Lines(text) {
		name, rest, _ := bytes.Cut(line, []byte(":"))
		field, ok := fields[string(name)]
		if !ok {
			continue
		}
		value := bytes.Fields(rest)
		if len(value) == 0 {
			return memory{}, fmt.Errorf("%s has no value", name)
		}
		// A KiB figure above this is no machine's, and sums of two of them could not be told.
		n, err := strconv.ParseInt(string(value[0]), 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64/4 {
			return memory{}, fmt.Errorf("%s is %q, want a number of kB", name, value[0])
		}
		*field = n
	}
	if m.total == 0 {
		return memory{}, errors.New("has no MemTotal")
	}
	return m, nil
}

// idle is what OpenCue calls free memory: the free and the page cache's.
func (m memory) idle() int64 { return m.free + m.cached }

// parseSwapOut reads from /proc/vmstat how many pages were swapped out since boot. Kernels without swap do not say.
func parseSwapOut(text []byte) (int64, error) {
	for line := range bytes.Lines(text) {
		value, ok := bytes.CutPrefix(line, []byte("pswpout "))
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
		if err != nil || n < 0 {
			return 0, fmt.Errorf("pswpout is %q, want a number of pages", bytes.TrimSpace(value))
		}
		return n, nil
	}
	return 0, nil
}

// swapRate turns the counter of pages swapped out into pages a second. The zero value is ready.
type swapRate struct {
	pages int64
	at    time.Time
	rate  int64
}

// observe takes the counter at a moment and returns the rate since the last one. Within a
// second of that it repeats itself: reports may follow each other closely.
func (s *swapRate) observe(pages int64, at time.Time) int64 {
	elapsed := at.Sub(s.at)
	if !s.at.IsZero() && elapsed < time.Second {
		return s.rate
	}
	if !s.at.IsZero() {
		perSecond := float64(max(0, pages-s.pages)) / elapsed.Seconds()
		s.rate = int64(min(perSecond, math.MaxInt32)) // Cuebot drops the whole report when it is not a Java int.
	}
	s.pages, s.at = pages, at
	return s.rate
}
