// Package link is rqdcore's end of the socket that the frames' frameinits connect to.
//
// There is one socket for all frames, and any process in a frame can connect to it. Who is
// heard is decided by three things: the frame's token, which the artist cannot read; the
// container that the kernel says the caller is in; and that the caller is process 1 there.
package link
