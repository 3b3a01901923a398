package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReadGivesWhatWasWritten(t *testing.T) {
	t.Parallel()
	messages := []Message{
		{Hello: &Hello{Version: 1, Token: "t", Phase: PhaseWaiting}},
		{Order: &Order{Command: "echo <a> & \"b\" é\n", Environment: map[string]string{"A": "1"}, UID: 1500, Zone: Zone{Offset: 3600}}},
		{Figures: &Figures{RSS: 1, Processes: []Process{{PID: 7, Name: "x"}}}},
		{Exit: &Exit{Cause: CauseExit, Code: 3}},
		{Ack: &Ack{}},
		{Alive: &Alive{}},
	}
	var stream bytes.Buffer
	for _, m := range messages {
		if err := Write(&stream, m); err != nil {
			t.Fatal(err)
		}
	}
	r := iotest.OneByteReader(&stream)
	for _, want := range messages {
		have, err := Read(r, 0)
		if err != nil || !reflect.DeepEqual(have, want) {
			t.Errorf("have %+v, error %v, want %+v", have, err, want)
		}
	}
	if _, err := Read(r, 0); err != io.EOF {
		t.Errorf("at the end: have %v, want io.EOF itself", err)
	}
}

// TestEveryMessageCounts keeps fields and Message together: one that is forgotten could not be sent.
func TestEveryMessageCounts(t *testing.T) {
	t.Parallel()
	for i := range reflect.TypeFor[Message]().NumField() {
		var m Message
		f := reflect.ValueOf(&m).Elem().Field(i)
		f.Set(reflect.New(f.Type().Elem()))
		if m.set() != 1 {
			t.Errorf("%s is not counted", reflect.TypeFor[Message]().Field(i).Name)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, stream string
		limit        int
		want         string
	}{
		{"half a header", "\x00\x00", 0, "read message header: unexpected EOF"},
		{"half a message", "\x00\x00\x00\x09{}", 0, "read message of 9 bytes: unexpected EOF"},
		{"too much", "\x7f\x00\x00\x00", 0, "message has 2130706432 bytes, want at most 16777216"},
		{"more than the limit", "\x00\x00\x00\x09{\"ack\":{}", 8, "message has 9 bytes, want at most 8"},
		{"no JSON", frame("hello"), 0, "decode message: JSON has 'h' at byte 0, want '{'"},
		{"two at once", frame(`{"ack":{},"alive":{}}`), 0, "decode message: it has 2 of its fields set, want 1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := Read(strings.NewReader(tc.stream), tc.limit)
			if err == nil || err.Error() != tc.want {
				t.Errorf("have error %v, want %s", err, tc.want)
			}
		})
	}
}

func frame(text string) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(text)))) + text
}

func TestReadPassesOverWhatIsNewer(t *testing.T) {
	t.Parallel()
	m, err := Read(strings.NewReader(frame(`{"pause":{}}`)), 0)
	if err != nil || m.set() != 0 {
		t.Errorf("have %+v, error %v, want an empty message", m, err)
	}
	m, err = Read(strings.NewReader(frame(`{"kill":{"grace_millis":5,"mercy":true}}`)), 0)
	if err != nil || m.Kill == nil || m.Kill.GraceMillis != 5 {
		t.Errorf("have %+v, error %v, want the kill", m, err)
	}
}

func TestAppendRefuses(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]Message{
		"encode message: it has 0 of its fields set, want 1": {},
		"encode message: it has 2 of its fields set, want 1": {Ack: &Ack{}, Alive: &Alive{}},
		"message has 16777246 bytes, want at most 16777216":  {NeedLog: &NeedLog{Reason: strings.Repeat("x", MaxSize+4)}},
	} {
		dst := []byte("before")
		have, err := Append(dst, m)
		if string(have) != "before" || err == nil || err.Error() != want {
			t.Errorf("have %.20q, error %v, want %s", have, err, want)
		}
	}
}

func TestWriteFails(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	_ = r.Close()
	if err := Write(w, Message{Ack: &Ack{}}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("have %v, want that the pipe is closed", err)
	}
}

// TestOldMessages holds messages as a released frameinit sends them: every later build must understand them.
func TestOldMessages(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Message{
		`{"hello":{"version":1,"token":"t","build":"1.0.0","phase":"running","started":{"pid":7,"unix_millis":5},"figures":{"rss":1,"max_rss":2,"vsize":3,"max_vsize":4,"swap":0,"user_millis":5,"system_millis":6,"oom_kills":0,"log_bytes":8,"log_lost":0}}}`: {
			Hello: &Hello{Version: 1, Token: "t", Build: "1.0.0", Phase: PhaseRunning, Started: &Started{PID: 7, UnixMillis: 5}, Figures: &Figures{
				RSS: 1, MaxRSS: 2, VSize: 3, MaxVSize: 4, UserMillis: 5, SystemMillis: 6, LogBytes: 8,
			}},
		},
		`{"exit":{"cause":"log_limit","code":0,"signal":15,"detail":"d","unix_millis":9,"run_millis":8,"figures":{"rss":0,"max_rss":0,"vsize":0,"max_vsize":0,"swap":0,"user_millis":0,"system_millis":0,"oom_kills":1,"log_bytes":0,"log_lost":0}}}`: {
			Exit: &Exit{Cause: CauseLogLimit, Signal: 15, Detail: "d", UnixMillis: 9, RunMillis: 8, Figures: Figures{OOMKills: 1}},
		},
		`{"need_log":{"reason":"stale"}}`:       {NeedLog: &NeedLog{Reason: "stale"}},
		`{"started":{"pid":7,"unix_millis":5}}`: {Started: &Started{PID: 7, UnixMillis: 5}},
	} {
		have, err := decode([]byte(text))
		if err != nil || !reflect.DeepEqual(have, want) {
			t.Errorf("%s: have %+v, error %v", text, have, err)
		}
		if again, err := json.Marshal(want); err != nil || string(again) != text {
			t.Errorf("have %s, error %v, want %s", again, err, text)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, m := range []Message{{Ack: &Ack{}}, {Hello: &Hello{Token: "t"}}, {Exit: &Exit{Cause: CauseKill}}} {
		text, err := Append(nil, m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := bytes.NewReader(stream)
		for {
			m, err := Read(r, 1<<16)
			if err != nil {
				return
			}
			if m.set() == 0 {
				continue
			}
			if _, err := Append(nil, m); err != nil {
				t.Errorf("read %+v, but cannot write it: %v", m, err)
			}
		}
	})
}
