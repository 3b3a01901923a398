// Command bench measures RQD on this machine's engine: against the floor, which is the same container made by the bare
// engine with nothing of ours in it, and against the Python RQD in its Docker mode. All of it happens in one run, and
// what is compared is measured in turns, so that a busy machine is busy for everybody. It judges nothing.
package main
