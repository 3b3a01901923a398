package runner

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/rqdcore/rqlog/loki"
)

// lokiOutput is a stream on a Loki server. frameinit writes into a pipe whose other end RQD
// reads: when RQD dies, what is in the pipe is lost, and frameinit keeps what comes afterwards
// until the next RQD brings another pipe. Trouble with Loki never reaches the frame.
type lokiOutput struct {
	pusher *loki.Pusher
	log    zerolog.Logger
	pipes  sync.WaitGroup // The descriptors that were handed out; each is read to its end.
}

// newLokiOutput starts to send; it goes on in the background until everything is sent or given up.
func newLokiOutput(j *Job, hostName string, log zerolog.Logger) (*lokiOutput, error) {
	p := j.promise
	pusher, err := loki.New(loki.Options{
		URL: p.Frame.LokiURL, Labels: loki.Labels(p.Frame, hostName, p.Accepted),
		Trouble: func(err error) {
			if err != nil {
				log.Warn().Err(err).Str("loki", p.Frame.LokiURL).Msg("loki takes no lines")
				return
			}
			log.Info().Str("loki", p.Frame.LokiURL).Msg("loki takes lines again")
		},
	})
	if err != nil {
		return nil, err
	}
	o := &lokiOutput{pusher: pusher, log: log}
	go func() {
		// Not the frame's context: what it said is sent when it is over, too. Run bounds that itself.
		if err := pusher.Run(context.Background()); err != nil {
			log.Warn().Err(err).Msg("loki output incomplete")
		}
	}()
	return o, nil
}

func (o *lokiOutput) open(_ context.Context, head []byte) error { return o.note(head) }

// resume does nothing: frameinit asks for another pipe as soon as it has something to say.
func (o *lokiOutput) resume() {}

func (o *lokiOutput) note(line []byte) error {
	_, err := o.pusher.Write(line)
	return err
}

func (o *lokiOutput) descriptor() (*os.File, int64, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, 0, err
	}
	o.pipes.Go(func() {
		defer read.Close()
		if err := o.pusher.Consume(read); err != nil {
			o.log.Warn().Err(err).Msg("read output for loki")
		}
	})
	return write, 0, nil
}

// pipeDrain bounds the wait for the end of the command's output before the footer: its
// processes are dead, so the pipe ends by itself.
const pipeDrain = 2 * time.Second

func (o *lokiOutput) finish(foot []byte) error {
	drained := make(chan struct{})
	go func() {
		o.pipes.Wait()
		close(drained)
	}()
	select {
	case <-drained:
	case <-time.After(pipeDrain):
	}
	return o.note(foot)
}

func (o *lokiOutput) updated() int64 { return o.pusher.Updated() }

func (o *lokiOutput) close() { o.pusher.Close() }
