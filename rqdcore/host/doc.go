// Package host is the machine as Cuebot books it: it admits frames, keeps the ledger of cores,
// threads and GPUs, holds the table of what runs, and settles every frame that ended.
//
//	LaunchFrame ─▶ admitted ─▶ promised ─▶ owned ─▶ settling ─▶ gone
//	                  │           │          │          └ completion in the outbox, promise deleted
//	                  │           │          └ one goroutine in Runner.Run
//	                  │           └ the promise is on the disk, Cuebot has its OK
//	                  └ resources taken, listed in every report, can be killed
//
// From admission to settling the frame is in every report and a kill of it is honoured. A
// frame that is not in the table is proven not to run.
package host
