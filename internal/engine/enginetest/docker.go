package enginetest

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"rqdswarm/internal/engine"
)

// Dial connects to the machine's engine and fails the test where there is none. It belongs in tests
// with the build tag integration.
func Dial(t testing.TB) *engine.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, err := engine.Dial(ctx, engine.Options{UserAgent: "rqdswarm-test"})
	if err != nil {
		t.Fatalf("an integration test needs a Docker engine (DOCKER_HOST, or the default socket): %v", err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close engine client: %v", err)
		}
	})
	return c
}

// ScopeLabel is the label of everything that Scope takes away.
const ScopeLabel = "rqd-test.scope"

// Sweeper is what Scope needs of an engine.
type Sweeper interface {
	List(ctx context.Context, labels map[string]string) ([]engine.Container, error)
	Remove(ctx context.Context, id string, o engine.RemoveOptions) error
}

// Scope returns a label of this test's own and, when the test ends, removes every container that
// carries it.
func Scope(t testing.TB, e Sweeper) map[string]string {
	t.Helper()
	labels := map[string]string{ScopeLabel: rand.Text()}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		left, err := e.List(ctx, labels)
		if err != nil {
			t.Errorf("list the test's containers: %v", err)
		}
		for _, c := range left {
			if err := e.Remove(ctx, c.ID, engine.RemoveOptions{Force: true}); err != nil && !engine.IsGone(err) {
				t.Errorf("remove the test's container %s: %v", c.Name, err)
			}
		}
	})
	return labels
}
