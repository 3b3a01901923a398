// Package machine knows the host: its processors, memory, load, name and tags, as Cuebot
// wants them told. Everything is read from /proc and /sys below a root that is a value, so
// tests read files of their own; in a container with the host's pid namespace these are the
// host's figures.
package machine
