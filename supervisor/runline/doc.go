// Package runline says how RQD's container is started: the `docker run` line of OpenCue's guide
// as an engine.Spec, what is copied into it, and the identity by which a running RQD is
// recognised as the wanted one. All of it is pure but for Files, which reads the task's files.
package runline
