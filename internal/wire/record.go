package wire

import (
	"bytes"
	"errors"
	"fmt"
)

// maxRecord keeps the printed record within one line of the engine's json-file log, which
// cuts lines into pieces of 16 KiB.
const maxRecord = 15 << 10

// AppendRecord appends e to dst as the one line that frameinit prints for an rqdcore that was
// away. The list of processes is left out when it does not fit.
func AppendRecord(dst []byte, e Exit) []byte {
	text := marshal(nil, e.fields)
	if len(text) > maxRecord {
		e.Figures.Processes = nil
		e.Detail = e.Detail[:min(len(e.Detail), maxRecord/8)] // A byte becomes at most six.
		text = marshal(nil, e.fields)
	}
	return append(append(dst, text...), '\n')
}

// ParseRecord reads what AppendRecord made. A cause that only a newer frameinit knows is no error.
func ParseRecord(line []byte) (Exit, error) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 {
		return Exit{}, errors.New("parse record: line is empty")
	}
	var e Exit
	if err := unmarshal(line, e.fields); err != nil {
		return Exit{}, fmt.Errorf("parse record: %w", err)
	}
	if e.Cause == "" {
		return Exit{}, errors.New("parse record: it has no cause")
	}
	return e, nil
}
