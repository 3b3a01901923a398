// Package rqlog makes and describes a frame's log file, the rqlog: where it lies, how older
// runs are rotated away, what stands above and below the command's output, and when it last grew.
//
// The command's output never passes through here: frameinit writes it to the descriptor that
// Create returns. Files are appended to only, so that header, output and footer never
// overwrite each other. A log's file system may hang: Guard bounds the calls, Watcher never blocks.
package rqlog
