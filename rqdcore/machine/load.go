package machine

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// parseLoadavg reads the 1-minute load from /proc/loadavg, in hundredths.
func parseLoadavg(text []byte) (int, error) {
	fields := bytes.Fields(text)
	if len(fields) == 0 {
		return 0, errors.New("is empty")
	}
	load, err := strconv.ParseFloat(string(fields[0]), 64)
	if err != nil || !(load >= 0 && load < 1e6) {
		return 0, fmt.Errorf("load is %q, want a number", fields[0])
	}
	return int(math.Round(load * 100)), nil
}

// reportedLoad is the load as Cuebot compares it with core points.
func reportedLoad(hundredths, multiplier, modifier int) int32 {
	return int32(max(0, min(hundredths/multiplier+modifier, math.MaxInt32))) // #nosec G115 -- held to the range.
}

// parseBootTime reads from /proc/stat when the kernel booted, in epoch seconds.
func parseBootTime(text []byte) (int64, error) {
	for line := range bytes.Lines(text) {
		if value, ok := bytes.CutPrefix(line, []byte("btime ")); ok {
			n, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
			if err != nil || n <= 0 {
				return 0, fmt.Errorf("btime is %q, want epoch seconds", bytes.TrimSpace(value))
			}
			return n, nil
		}
	}
	return 0, errors.New("has no btime")
}
