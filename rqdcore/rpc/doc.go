// Package rpc is RQD's side of the wire: the services rqd.RqdInterface and rqd.RunningFrame
// on one plaintext port, and gRPC's standard health service beside them.
//
// It decodes, asks the host, and turns the host's errors into status codes. It never waits
// for Cuebot, an image, a container or a log.
package rpc
