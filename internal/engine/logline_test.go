package engine

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/pkg/stdcopy"
)

// rec is a record of the engine's log: its time in nanoseconds and its text, with newline if whole.
type rec struct {
	at   int64
	text string
}

func (r rec) bytes() []byte {
	stamp := time.Unix(1_700_000_000, r.at).UTC().Format("2006-01-02T15:04:05.000000000Z07:00")
	return []byte(stamp + " " + r.text)
}

// collect feeds records to one stream and returns the lines delivered.
func collect(t *testing.T, cursor *LogCursor, records ...rec) []string {
	t.Helper()
	var have []string
	w := &lineWriter{cursor: cursor, deliver: func(l LogLine) error {
		have = append(have, string(l.Text))
		return nil
	}}
	for _, r := range records {
		if _, err := w.Write(r.bytes()); err != nil {
			t.Fatal(err)
		}
	}
	return have
}

func TestRecordsBecomeLines(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 16384)
	for name, c := range map[string]struct {
		records []rec
		want    []string
	}{
		"plain":                        {[]rec{{1, "a\n"}, {2, "\n"}, {3, "b c\n"}}, []string{"a", "", "b c"}},
		"distinct lines share a time":  {[]rec{{1, "a\n"}, {1, "b\n"}, {1, "c\n"}}, []string{"a", "b", "c"}},
		"fragments are joined":         {[]rec{{1, big}, {1, big}, {1, "end\n"}, {2, "z\n"}}, []string{big + big + "end", "z"}},
		"fragments may look alike":     {[]rec{{1, big}, {1, big}, {1, big}, {1, "\n"}}, []string{big + big + big}},
		"repeat after a rotation":      {[]rec{{1, "a\n"}, {2, "b\n"}, {3, "c\n"}, {2, "b\n"}, {3, "c\n"}, {4, "d\n"}}, []string{"a", "b", "c", "d"}},
		"clock was set back":           {[]rec{{9, "a\n"}, {1, "b\n"}, {2, "c\n"}}, []string{"a", "b", "c"}},
		"same text at another time":    {[]rec{{1, "a\n"}, {2, "a\n"}}, []string{"a", "a"}},
		"unterminated line is held":    {[]rec{{1, "a\n"}, {2, "b"}}, []string{"a"}},
		"next run ends the old line":   {[]rec{{1, "a"}, {2, "b\n"}}, []string{"a", "b"}},
		"line with a space at the end": {[]rec{{1, " a \n"}}, []string{" a "}},
	} {
		if have := collect(t, &LogCursor{}, c.records...); !slices.Equal(have, c.want) {
			t.Errorf("%s: want %.60q, have %.60q", name, c.want, have)
		}
	}
}

func TestEndlessLineArrivesInPieces(t *testing.T) {
	t.Parallel()
	var records []rec
	for range 2 * maxLine / 16384 {
		records = append(records, rec{1, strings.Repeat("x", 16384)})
	}
	for _, end := range []struct {
		last string
		want int
	}{{"\n", 2}, {"y\n", 3}} {
		have := collect(t, &LogCursor{}, append(records, rec{1, end.last})...)
		if len(have) != end.want || len(strings.Join(have, "")) != 2*maxLine+len(end.last)-1 {
			t.Errorf("want %d pieces with every byte, have %d with %d", end.want, len(have), len(strings.Join(have, "")))
		}
	}
}

func TestCursorForgetsTheOldest(t *testing.T) {
	t.Parallel()
	var cursor LogCursor
	for i := range cursorMemory + 10 {
		cursor.Take(LogLine{Time: time.Unix(0, int64(i)), Text: []byte("x")})
	}
	if n := len(cursor.streams[0].known); n != cursorMemory {
		t.Errorf("want %d lines known, have %d", cursorMemory, n)
	}
	if cursor.Take(LogLine{Time: time.Unix(0, cursorMemory), Text: []byte("x")}) {
		t.Error("want a recent line to be known")
	}
	if !cursor.Take(LogLine{Time: time.Unix(0, cursorMemory), Text: []byte("x"), Stderr: true}) {
		t.Error("want the streams to be told apart")
	}
}

func TestMalformedRecordIsAnError(t *testing.T) {
	t.Parallel()
	w := &lineWriter{cursor: &LogCursor{}, deliver: func(LogLine) error { return nil }}
	if _, err := w.Write([]byte("no timestamp\n")); err == nil {
		t.Error("want an error")
	}
}

// logStub serves one log stream: it sends the records and then ends, or breaks off where a
// container's state is "cut".
func logStub(t *testing.T, state string, records ...rec) (*Client, *[]string) {
	t.Helper()
	var queries []string
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1.41/containers/x/logs", func(w http.ResponseWriter, r *http.Request) {
		queries = append(queries, r.URL.RawQuery)
		out := stdcopy.NewStdWriter(w, stdcopy.Stdout)
		for _, rec := range records {
			_, _ = out.Write(rec.bytes())
		}
		_ = http.NewResponseController(w).Flush()
		if state == "cut" {
			panic(http.ErrAbortHandler)
		}
	})
	mux.HandleFunc("GET /v1.41/containers/x/json", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"Id": "x", "State": map[string]string{"Status": state}})
	})
	return mustDialStub(t, stub{api: "1.41", mux: mux}), &queries
}

func TestUnterminatedLastLine(t *testing.T) {
	t.Parallel()
	records := []rec{{1, "a\n"}, {2, "half"}}
	for state, want := range map[string][]string{
		"exited":  {"a", "half"},
		"running": {"a"},
		"cut":     {"a"},
	} {
		client, _ := logStub(t, state, records...)
		var have []string
		err := client.Logs(t.Context(), "x", LogOptions{Follow: true}, func(l LogLine) error {
			have = append(have, string(l.Text))
			return nil
		})
		if !slices.Equal(have, want) {
			t.Errorf("%s: want %q, have %q", state, want, have)
		}
		if (state == "cut") != errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: want ErrUnavailable only of a cut stream, have %v", state, err)
		}
	}
}

func TestResumedLogStartsALittleEarlier(t *testing.T) {
	t.Parallel()
	client, queries := logStub(t, "exited", rec{5, "a\n"}, rec{6, "b\n"})
	var cursor LogCursor
	var have bytes.Buffer
	for range 2 {
		err := client.Logs(t.Context(), "x", LogOptions{Tail: 7, Cursor: &cursor}, func(l LogLine) error {
			_, err := fmt.Fprintf(&have, "%s ", l.Text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if have.String() != "a b " {
		t.Errorf("want each line once, have %q", have.String())
	}
	if !strings.Contains((*queries)[0], "tail=7") || strings.Contains((*queries)[0], "since") {
		t.Errorf("first call: want the last 7 lines, have %s", (*queries)[0])
	}
	since := "since=" + strconv.Itoa(1_700_000_000-1) + ".000000006"
	if !strings.Contains((*queries)[1], "tail=all") || !strings.Contains((*queries)[1], since) {
		t.Errorf("second call: want all lines and %s, have %s", since, (*queries)[1])
	}
}
