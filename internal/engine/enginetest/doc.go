// Package enginetest has what tests need of an engine: Fake, a strict one in memory; Dial, the real
// one; Daemon, one to break; Busybox, an image that needs no registry; and Contract, the behaviour both must show.
//
// Fake keeps time with package time only, so inside a testing/synctest bubble its waits take none.
package enginetest
