// Package suite plays Cuebot to an RQD and holds it to what Cuebot, its tools and its users
// rely on: thirty numbered checks and a few probes beside them.
//
// It looks at an RQD from outside only: at its port, at what it reports, at the rqlogs, and,
// where RQD runs on this machine, at the engine's containers and at the processes. A check
// that cannot be made against the RQD at hand is skipped and says why.
package suite
