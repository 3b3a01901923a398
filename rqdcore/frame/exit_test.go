package frame_test

import (
	"testing"

	"rqdswarm/rqdcore/frame"
)

func TestExitStatus(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		exit           frame.Exit
		status, signal int32
	}{
		"success":                       {frame.Exit{Reason: frame.ReasonExit}, 0, 0},
		"failure keeps its code":        {frame.Exit{Reason: frame.ReasonExit, Code: 7}, 7, 0},
		"code 33 is the studio's word":  {frame.Exit{Reason: frame.ReasonExit, Code: 33}, 33, 0},
		"shell's 139 stays":             {frame.Exit{Reason: frame.ReasonExit, Code: 139}, 139, 0},
		"segmentation fault":            {frame.Exit{Reason: frame.ReasonExit, Signal: 11}, 1, 11},
		"137 without an oom kill":       {frame.Exit{Reason: frame.ReasonExit, Code: 137}, 1, 9},
		"SIGKILL with an oom kill":      {frame.Exit{Reason: frame.ReasonExit, Signal: 9, OOMKills: 1}, 137, 0},
		"shell's 137 with an oom kill":  {frame.Exit{Reason: frame.ReasonExit, Code: 137, OOMKills: 2}, 137, 0},
		"child's oom, renderer exits 1": {frame.Exit{Reason: frame.ReasonExit, Code: 1, OOMKills: 1}, 137, 0},
		"child's oom survived":          {frame.Exit{Reason: frame.ReasonExit, OOMKills: 1}, 0, 0},
		"killed":                        {frame.Exit{Reason: frame.ReasonKilled, Signal: 15}, 1, 9},
		"killed at its memory limit":    {frame.Exit{Reason: frame.ReasonKilled, Signal: 9, OOMKills: 1}, 1, 9},
		"killed but ended well":         {frame.Exit{Reason: frame.ReasonKilled}, 1, 9},
		"log limit":                     {frame.Exit{Reason: frame.ReasonLogLimit, Signal: 9}, 287, 0},
		"never ran":                     {frame.Exit{Reason: frame.ReasonLaunch}, 256, 0},
		"lost":                          {frame.Exit{Reason: frame.ReasonLost, Code: 255}, 256, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, signal := tc.exit.Status()
			if status != tc.status || signal != tc.signal {
				t.Errorf("have (%d, %d), want (%d, %d)", status, signal, tc.status, tc.signal)
			}
		})
	}
}
