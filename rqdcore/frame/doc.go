// Package frame holds the words of the domain: a frame as Cuebot orders it, what is known
// of it while it runs, how it ended, and the numbers that Cuebot is told. It does no I/O.
package frame
