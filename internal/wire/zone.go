package wire

import "time"

// Zone is a time zone for as long as a frame may run: frameinit carries no zone database.
// The zero value is UTC.
type Zone struct {
	Offset int   `json:"offset"`          // Seconds east of UTC.
	Until  int64 `json:"until,omitempty"` // Unix time of the next change, for example to summer time; 0 is never.
	Next   int   `json:"next,omitempty"`  // Offset from then on.
}

// ZoneAt is loc around t. It holds until the change after the next one.
func ZoneAt(t time.Time, loc *time.Location) Zone {
	local := t.In(loc)
	_, offset := local.Zone()
	z := Zone{Offset: offset}
	if _, end := local.ZoneBounds(); !end.IsZero() {
		z.Until = end.Unix()
		_, z.Next = end.Zone()
	}
	return z
}

// In is the wall clock of the zone at t.
func (z Zone) In(t time.Time) time.Time {
	offset := z.Offset
	if z.Until != 0 && t.Unix() >= z.Until {
		offset = z.Next
	}
	return t.In(time.FixedZone("", offset))
}
