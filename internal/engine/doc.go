// Package engine is the edge to the Docker engine and the only importer of its client.
//
// No Docker type crosses this package: callers describe a container with Spec and read it
// back as Container. Every method takes a context and may be called from several goroutines
// at once. Errors are classified once, here: test them with errors.Is against ErrNotFound,
// ErrConflict, ErrUnavailable and the other sentinels.
//
// The engine's events are hints, not truth. They wake a loop; List and Inspect decide.
package engine
