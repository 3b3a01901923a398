// Command chaos proves that RQD loses nothing. It runs the real rqdcore on a real engine, plays Cuebot, keeps frames
// going, and breaks things at random. At the end every accepted launch must have exactly one outcome, every rqlog each
// line once, and nothing may be left over: no frame, container, volume, file or core.
//
// Two lanes of faults run beside each other. One spoils what is around RQD: Cuebot's answers and calls, containers
// that people and night jobs stop, remove and prune. The other hits RQD and what it stands on. In its first half
// rqdcore is a process, which can be killed within milliseconds of a launch; then it moves, frames and all, into a
// container that a real supervisor keeps, which is killed, stopped and replaced by newer ones. The engine starts a
// supervisor anew that ended, as compose has it do.
//
// The engine is the run's own, in a network of its own: a dockerd that is killed, frozen, restarted and pruned is nobody else's. The state volume is
// a small tmpfs that fills and turns read-only; the rqlogs are on a disk that stalls. So it needs root. A run
// that is killed leaves all of that below /var/tmp/rqd-chaos-*, and the next one takes it away.
//
// The faults and the frames follow from the seed, so a failing run can be repeated. What falls
// into which millisecond is the machine's affair: a race may need a few repetitions to show again.
package main
