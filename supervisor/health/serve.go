package health

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// answerTime bounds one question on the socket. It is generous, since a busy host is no sick one, and below the timeout
// of the image's HEALTHCHECK, so that the reason is told.
const answerTime = 10 * time.Second

// Listen makes the unix socket on which the supervisor answers its health check.
func Listen(path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("make health socket's directory: %w", err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove old health socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen on health socket: %w", err)
	}
	return l, nil
}

// Serve answers every connection with the verdict until ctx ends, and closes l.
func (m *Monitor) Serve(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accept on health socket: %w", err)
		}
		// One after the other: the answer is one line, and the only client is the health check.
		_ = c.SetDeadline(time.Now().Add(answerTime))
		_, _ = fmt.Fprintln(c, m.Verdict())
		_ = c.Close()
	}
}

// Ask reads the verdict of the supervisor that serves on path. ok is true when it is healthy.
func Ask(ctx context.Context, path string) (line string, ok bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return "", false, fmt.Errorf("ask supervisor for its health: %w", err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(answerTime))
	b, err := io.ReadAll(io.LimitReader(c, 4096))
	if err != nil {
		return "", false, fmt.Errorf("read health: %w", err)
	}
	line = strings.TrimSpace(string(b))
	return line, strings.HasPrefix(line, string(Healthy)+":"), nil
}
