package main

import (
	"testing"

	"rqdswarm/rqdcore/config"
)

// TestSyslogIsOptional: many images and hosts have no /dev/log, and RQD starts all the same.
func TestSyslogIsOptional(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"", "ERROR"} {
		if _, err := newLogger(&config.Config{ConsoleLogLevel: "ERROR", FileLogLevel: level}); err != nil {
			t.Errorf("FILE_LOG_LEVEL=%q: have %v", level, err)
		}
	}
	if _, err := newLogger(&config.Config{ConsoleLogLevel: "loud"}); err == nil {
		t.Error("CONSOLE_LOG_LEVEL=loud: have no error")
	}
}
