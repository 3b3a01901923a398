//go:build integration

package suite_test

import (
	"fmt"
	"strings"
	"testing"

	"rqdswarm/internal/engine/enginetest"
	"rqdswarm/internal/testprogram"
	"rqdswarm/rqdcore/conformance/suite"
)

// rqdcore builds the RQD under test, race detector and all.
func rqdcore(t *testing.T) string {
	t.Helper()
	path, err := testprogram.Build(t.TempDir(), "rqdswarm/rqdcore", "-race")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T, o suite.Options) *suite.Suite {
	t.Helper()
	o.Self, o.LogDir = rqdcore(t), "/tmp"
	o.Images = []suite.ImageKey{{OS: "busybox", Reference: enginetest.Busybox(t)}}
	s, err := suite.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestSelf makes every check against our own RQD; nothing may fail, and nothing be skipped.
func TestSelf(t *testing.T) {
	s := open(t, suite.Options{})
	tally := suite.Run(t.Context(), s, func(o suite.Outcome) {
		t.Run(fmt.Sprintf("%02d %s", o.Check.Number, o.Check.Name), func(t *testing.T) {
			var text strings.Builder
			o.Print(&text)
			t.Log(text.String())
			if len(o.Failed) > 0 || o.Skipped != "" {
				t.Fail()
			}
		})
	})
	t.Log(tally)
}
