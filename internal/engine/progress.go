package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/containerd/errdefs"
)

// progressMessage is one object of the stream that pull, push and import answer with.
type progressMessage struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	Detail struct {
		Current int64 `json:"current"`
		Total   int64 `json:"total"`
	} `json:"progressDetail"`
	Error  *streamError `json:"errorDetail"`
	Legacy string       `json:"error"`
}

// streamError is a failure that came after the engine had answered 200.
type streamError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *streamError) Error() string { return "engine: " + e.Message }

// Is lets errdefs see the code as it sees the status of a plain answer.
func (e *streamError) Is(target error) bool {
	switch e.Code {
	case http.StatusNotFound:
		return target == errdefs.ErrNotFound
	case http.StatusUnauthorized:
		return target == errdefs.ErrUnauthenticated
	case http.StatusForbidden:
		return target == errdefs.ErrPermissionDenied
	}
	return false
}

// readProgress reads the stream to its end; the first error in it, or a stream that breaks off, is
// returned.
func readProgress(r io.Reader, step func(progressMessage)) error {
	dec := json.NewDecoder(r)
	for {
		var m progressMessage
		err := dec.Decode(&m)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read progress: %w", err)
		case m.Error != nil:
			return m.Error
		case m.Legacy != "":
			return &streamError{Message: m.Legacy}
		}
		step(m)
	}
}
