package wire

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestRecord(t *testing.T) {
	t.Parallel()
	want := Exit{Cause: CauseKill, Signal: 9, Detail: "a\nb", Figures: Figures{MaxRSS: 5, Processes: []Process{{PID: 1}}}}
	line := AppendRecord(nil, want)
	if bytes.IndexByte(line, '\n') != len(line)-1 {
		t.Fatalf("have %q, want one line", line)
	}
	have, err := ParseRecord(line)
	if err != nil || !reflect.DeepEqual(have, want) {
		t.Errorf("have %+v, error %v, want %+v", have, err, want)
	}
}

// The engine's log cuts longer lines into pieces.
func TestRecordFitsIntoALine(t *testing.T) {
	t.Parallel()
	e := Exit{Cause: CauseExit, Detail: strings.Repeat("<", 20_000), Figures: Figures{MaxRSS: 5}}
	for range 100 {
		e.Figures.Processes = append(e.Figures.Processes, Process{Cmdline: strings.Repeat("<", 500)})
	}
	line := AppendRecord(nil, e)
	if len(line) > 16<<10 {
		t.Fatalf("have %d bytes, want at most 16 KiB", len(line))
	}
	if have, err := ParseRecord(line); err != nil || have.Figures.MaxRSS != 5 {
		t.Errorf("have %+v, error %v", have, err)
	}
}

func TestParseRecordRefuses(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		" \n":           "parse record: line is empty",
		"hello":         "parse record: JSON has 'h' at byte 0, want '{'",
		`{"code":3}`:    "parse record: it has no cause",
		`{"cause":"exi`: "parse record: unexpected end of JSON",
		`["cause"]`:     "parse record: JSON has '[' at byte 0, want '{'",
	} {
		if _, err := ParseRecord([]byte(line)); err == nil || err.Error() != want {
			t.Errorf("%q: have error %v, want %s", line, err, want)
		}
	}
	if e, err := ParseRecord([]byte(`{"cause":"of a newer frameinit"}`)); err != nil || e.Cause == "" {
		t.Errorf("have %+v, error %v, want a cause that is not known", e, err)
	}
}

func TestZone(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skipf("no time zones on this machine: %v", err)
	}
	begin := time.Date(2026, 10, 24, 12, 0, 0, 0, time.UTC)
	z := ZoneAt(begin, berlin)
	for _, at := range []time.Time{begin, begin.Add(12 * time.Hour), begin.Add(14 * time.Hour), begin.AddDate(0, 3, 0)} {
		if have, want := z.In(at).Format("15:04"), at.In(berlin).Format("15:04"); have != want {
			t.Errorf("%v: have %s, want %s", at, have, want)
		}
	}
	if have, want := ZoneAt(begin, time.UTC), (Zone{}); have != want {
		t.Errorf("UTC: have %+v, want %+v", have, want)
	}
	if have := (Zone{}).In(begin).Format("15:04"); have != "12:00" {
		t.Errorf("no zone: have %s, want UTC", have)
	}
}
