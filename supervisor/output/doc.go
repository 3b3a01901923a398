// Package output brings RQD's output to our own stdout and stderr, complete and once, also across
// a take-over from one supervisor to the next.
//
// It follows the engine's log of the container, never its streams: a reader of a log that stalls,
// because nobody reads our stdout, cannot hold up RQD.
package output
