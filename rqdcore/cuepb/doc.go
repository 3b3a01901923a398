// Package cuepb holds the wire format between Cuebot and an RQD: host.proto, report.proto and
// rqd.proto, and in the packages below it the code generated from them. Numbers, types and
// names are OpenCue's; the tests compare them with recorded calls of a real Cuebot.
package cuepb
