package runner

import (
	"os"

	"rqdswarm/internal/wire"
	"rqdswarm/rqdcore/link"
	"rqdswarm/rqdcore/rqlog"
)

// logReady is the log that an order goes out with.
type logReady struct {
	file *os.File
	size int64
	err  error
}

// order gets the log ready for a frameinit that waits for its order, in the background: opening
// may hang, and a kill must not. A frameinit that lost its connection before the command started
// gets the order again.
func (x *run) order() {
	if x.preparing {
		return
	}
	x.preparing = true
	out, log, notice := x.output, x.log, rqlog.Started(x.job.promise.Frame, x.job.containerID())
	go func() {
		if err := out.note(notice); err != nil {
			log.Warn().Err(err).Msg("write start notice")
		}
		file, size, err := out.descriptor()
		x.ready <- logReady{file, size, err}
	}()
}

// sendOrder is the rest of order. Without a connection frameinit comes back and is ordered then.
func (x *run) sendOrder(l logReady) {
	x.preparing = false
	if l.err != nil {
		x.log.Error().Err(l.err).Msg("reopen log")
		x.job.Abandon("RQD cannot open the log: " + l.err.Error())
		return
	}
	defer l.file.Close()
	if x.peer == nil || x.job.WasKilled() {
		return
	}
	order := x.plan.Order
	order.LogBytes = l.size
	x.ordered = true // Also when sending fails: it may have arrived.
	if err := x.peer.Order(order, l.file); err != nil {
		x.log.Warn().Err(err).Msg("send order")
	}
}

// sendLog gives frameinit a fresh descriptor, in the background: opening may hang.
func (x *run) sendLog(peer *link.Peer) {
	out, log := x.output, x.log
	go func() {
		file, size, err := out.descriptor()
		if err != nil {
			log.Warn().Err(err).Msg("reopen log")
			return // frameinit asks again.
		}
		defer file.Close()
		if err := peer.Log(wire.Log{LogBytes: size}, file); err != nil {
			log.Warn().Err(err).Msg("send log")
		}
	}()
}
