// Frameinit is the first process of every frame's container. It asks rqdcore what to run and
// for the rqlog's descriptor, becomes the artist, runs the command, copies its output into
// the rqlog, measures it, and says exactly how it ended. It needs nothing of the image.
//
// One goroutine owns the frame (frame.go); everything that may block has its own and sends
// it events: the log's reader and writer, the reaper, the connection, the process list.
package main
