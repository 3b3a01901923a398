package logging_test

import (
	"bytes"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"rqdswarm/internal/logging"
)

func TestParseLevel(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]zerolog.Level{
		"WARNING": zerolog.WarnLevel, "CRITICAL": zerolog.FatalLevel, "NOTSET": zerolog.TraceLevel,
		"info": zerolog.InfoLevel, "Error": zerolog.ErrorLevel,
	} {
		if have, err := logging.ParseLevel(name); err != nil || have != want {
			t.Errorf("%s: have %v (%v), want %v", name, have, err, want)
		}
	}
	for _, name := range []string{"", "LOUD", "-1x"} {
		if have, err := logging.ParseLevel(name); err == nil {
			t.Errorf("%q: have %v, want an error", name, have)
		}
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	for format, want := range map[logging.Format]string{logging.Text: "WRN frame lost frame_id=f1", logging.JSON: `"frame_id":"f1"`} {
		var out bytes.Buffer
		log, err := logging.New(&out, "WARNING", format)
		if err != nil {
			t.Fatal(err)
		}
		log.Info().Msg("not shown")
		log.Warn().Str("frame_id", "f1").Msg("frame lost")
		if have := out.String(); !strings.Contains(have, want) || strings.Contains(have, "not shown") {
			t.Errorf("%s: have %q, want only a line with %q", format, have, want)
		}
	}
	if _, err := logging.New(nil, "info", "xml"); err == nil {
		t.Error("format xml was taken")
	}
}

// TestMarkers are seen on the console and in syslog, also where both want less than info.
func TestMarkers(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "log")
	daemon, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer daemon.Close()
	var console bytes.Buffer
	log, err := logging.WithSyslog(&console, "WARNING", logging.Syslog{Socket: socket, Level: "ERROR"})
	if err != nil {
		t.Fatal(err)
	}
	log.Warn().Msg("a warning")
	logging.Mark(log.With().Str("version", "1").Logger(), "RQD Started")
	log.Error().Msg("an error")
	if have := console.String(); !strings.Contains(have, "INF RQD Started version=1") || !strings.Contains(have, "WRN a warning") {
		t.Errorf("console: have %q, want the marker and the warning", have)
	}
	for _, want := range []string{"RQD Started", "an error"} {
		text := make([]byte, 4096)
		n, err := daemon.Read(text)
		if err != nil || !strings.Contains(string(text[:n]), want) {
			t.Errorf("syslog: have %q (%v), want %q", text[:n], err, want)
		}
	}
}
