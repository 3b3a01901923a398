package suite

import "time"

// Checks are all checks, by number: the thirty, and the probes beside them.
func Checks() []Check {
	list := []Check{
		{Name: "boot report first, port before it", Run: bootFirst, Restarts: true, Setup: Setup{Unstarted: true}},
		{Name: "boot report is retried until Cuebot takes it", Run: bootRetry, Restarts: true, Setup: Setup{Unstarted: true}},
		{Name: "host reports keep their cadence", Run: cadence, Restarts: true, Long: true, Setup: Setup{Unstarted: true}},
		{Name: "frame that succeeds", Run: happyPath},
		{Name: "frames that fail", Run: exitCodes},
		{Name: "frame is listed all its life", Run: listing, Long: true, Setup: Setup{
			Images: slowImages(func(s *Stage) time.Duration { return s.lasts(8*time.Second, 65*time.Second) }),
		}},
		{Name: "cores are accounted for", Run: accounting},
		{Name: "release before the completion", Run: releaseFirst},
		{Name: "rejections", Run: rejections},
		{Name: "frame without uid is not root", Run: noUID},
		{Name: "duplicate launches", Run: duplicates, Long: true},
		{Name: "kill of a running frame", Run: killRunning},
		{Name: "kill of an unknown frame, and without message", Run: killUnknown},
		{Name: "kill while the frame is prepared", Run: killPreparing, Long: true, Setup: Setup{
			Images: slowImages(func(*Stage) time.Duration { return 20 * time.Second }),
		}},
		{Name: "kill of detached children", Run: killDetached},
		{Name: "status polls over a kill", Run: statusPolls},
		{Name: "lack of memory", Run: outOfMemory},
		{Name: "completions are retried", Run: completionRetry, Long: true},
		{Name: "Cuebot is away when a frame ends", Run: outageAtEnd},
		{Name: "RQD restarts under a running frame", Run: restartRunning, Restarts: true, Long: true},
		{Name: "frame ends while RQD is away", Run: endWhileAway, Restarts: true, Long: true},
		{Name: "kill and status right after a restart", Run: killAfterRestart, Restarts: true},
		{Name: "no second start after a crash", Run: crashes, Restarts: true, Long: true},
		{Name: "no old completion after a new launch", Run: redispatch},
		{Name: "rqlog: rotation, header, footer", Run: logContract, Long: true},
		{Name: "trouble with the log ends no frame", Run: logTrouble, Long: true},
		{Name: "size limit of the log", Run: logLimit, Setup: Setup{Override: "JOB_LOG_MAX_SIZE_IN_BYTES=1000000"}},
		{Name: "environment and operating systems", Run: environment, Long: true, Setup: Setup{Images: secondImage}},
		{Name: "locks do not need Cuebot", Run: locks},
		{Name: "configuration", Run: configuration, Restarts: true, Long: true, Setup: Setup{Unstarted: true}},
		{Name: "every call is answered", Run: everyCall},
		{Name: "RQD ends when told to", Run: shutdowns, Restarts: true},
		{Name: "pinned and fractional frames", Run: pinning},
		{Name: "figures of memory", Run: figures},
		{Name: "many frames leave nothing behind", Run: manyFrames, Long: true},
		{Name: "bad input", Run: badInput},
	}
	for i := range list {
		list[i].Number = i + 1
	}
	return list
}
