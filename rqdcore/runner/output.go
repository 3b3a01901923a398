package runner

import (
	"context"
	"errors"
	"os"
	"time"

	"rqdswarm/rqdcore/rqlog"
)

// output is where a frame's words go: its rqlog, or the Loki server that its job names. The
// command's own never pass through RQD when it is a rqlog.
type output interface {
	// open makes it, with the header; ctx ends the wait for its file system.
	open(ctx context.Context, head []byte) error
	// resume takes up what an earlier RQD has opened.
	resume()
	// note adds a line of RQD's own, before the command starts.
	note(line []byte) error
	// descriptor is what frameinit writes to, and how much there is already; the caller closes
	// it. A second one replaces the first.
	descriptor() (*os.File, int64, error)
	// finish adds the footer.
	finish(foot []byte) error
	// updated is when it last grew, in epoch seconds; 0 before that.
	updated() int64
	close()
}

// fileOutput is a rqlog. Every descriptor of it appends, so that header, output and footer
// never overwrite each other; every call is guarded, since its file system may hang.
type fileOutput struct {
	guard   *rqlog.Guard
	watcher *rqlog.Watcher
	req     rqlog.Request
	file    *os.File // Until it is handed out.
	size    int64    // What was written to it.
	opened  bool     // By this RQD, for this run.
}

func (o *fileOutput) open(ctx context.Context, head []byte) (err error) {
	if o.file, err = o.guard.Open(ctx, o.req, rqlog.Create); err != nil {
		return err
	}
	o.opened = true
	o.watcher.Add(o.req)
	return o.write(ctx, head)
}

func (o *fileOutput) resume() { o.watcher.Add(o.req) }

func (o *fileOutput) note(line []byte) error {
	if o.file == nil {
		return nil // The command may be writing already.
	}
	return o.write(context.Background(), line)
}

func (o *fileOutput) write(ctx context.Context, text []byte) error {
	file := o.file
	o.size += int64(len(text))
	return o.guard.Do(ctx, o.req.Path, func() error {
		_, err := file.Write(text)
		return err
	})
}

func (o *fileOutput) descriptor() (*os.File, int64, error) {
	if file := o.file; file != nil {
		o.file = nil
		return file, o.size, nil
	}
	var size int64
	file, err := o.guard.Open(context.Background(), o.req, func(r rqlog.Request) (*os.File, error) {
		file, err := rqlog.Reopen(r)
		if err == nil {
			size = sizeOf(file)
		}
		return file, err
	})
	if err != nil {
		return nil, 0, err
	}
	return file, size, nil
}

// footerWait is how long an end waits for its footer. What takes longer is written when the file
// system answers: Cuebot asks for 10 s whether a killed frame is dead, the grace included.
const footerWait = 2 * time.Second

// finish leaves a log alone that has its footer: it was written by an RQD that died before the
// frame was settled, or the log is that of the frame's last run and this one never got its own.
func (o *fileOutput) finish(foot []byte) error {
	opened := o.opened
	ctx, cancel := context.WithTimeout(context.Background(), footerWait)
	defer cancel()
	return o.guard.Do(ctx, o.req.Path, func() error {
		if !opened {
			if ended, err := rqlog.Ended(o.req.Path); ended || err != nil {
				return err
			}
		}
		file, err := rqlog.Reopen(o.req)
		if err != nil {
			return err
		}
		_, err = file.Write(foot)
		return errors.Join(err, file.Close())
	})
}

func (o *fileOutput) updated() int64 { return o.watcher.Updated(o.req.Path) }

func (o *fileOutput) close() {
	o.watcher.Remove(o.req.Path)
	if o.file != nil {
		_ = o.file.Close() // Nothing is buffered in it.
		o.file = nil
	}
}

func sizeOf(file *os.File) int64 {
	info, err := file.Stat()
	if err != nil {
		return 0 // The size limit then counts from here; better than no log.
	}
	return info.Size()
}
