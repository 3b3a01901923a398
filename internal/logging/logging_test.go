package logging_test

import (
	"bytes"
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
