package rqlog

import (
	"time"

	"rqdswarm/rqdcore/frame"
)

// FooterInfo is what stands below the command's output.
type FooterInfo struct {
	ExitStatus  int32 // As reported to Cuebot.
	ExitSignal  int32
	KillMessage string    // From KillRunningFrame; often dozens of lines.
	Detail      string    // Why the infrastructure ended the frame, or could not start it.
	Start       time.Time // Zero when the command never ran.
	End         time.Time // Times are printed in their own zone, which should be RQD's.
	Figures     frame.Figures
	HostName    string
	Children    []frame.Process // Recorded processes of the frame.
}

// Footer is the text below the output. It starts with a newline and ends in one.
func Footer(f FooterInfo) []byte { return nil }
