package runner

import (
	"errors"
	"os"

	"rqdswarm/rqdcore/rqlog"
)

// output is where a frame's words go: its rqlog, or the Loki server that its job names. The
// command's own never pass through RQD when it is a rqlog.
type output interface {
	// open makes it, with the header.
	open(head []byte) error
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
	opened  bool     // By this RQD, for this run.
}

func (o *fileOutput) open(head []byte) (err error) {
	if o.file, err = o.guard.Open(o.req, rqlog.Create); err != nil {
		return err
	}
	o.opened = true
	o.watcher.Add(o.req)
	return o.note(head)
}

func (o *fileOutput) resume() { o.watcher.Add(o.req) }

func (o *fileOutput) note(line []byte) error {
	if o.file == nil {
		return nil // The command may be writing already.
	}
	file := o.file
	return o.guard.Do(o.req.Path, func() error {
		_, err := file.Write(line)
		return err
	})
}

func (o *fileOutput) descriptor() (*os.File, int64, error) {
	if file := o.file; file != nil {
		o.file = nil
		return file, sizeOf(file), nil
	}
	file, err := o.guard.Open(o.req, rqlog.Reopen)
	if err != nil {
		return nil, 0, err
	}
	return file, sizeOf(file), nil
}

// finish leaves a log alone that has its footer: it was written by an RQD that died before the
// frame was settled, or the log is that of the frame's last run and this one never got its own.
func (o *fileOutput) finish(foot []byte) error {
	opened := o.opened
	return o.guard.Do(o.req.Path, func() error {
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
