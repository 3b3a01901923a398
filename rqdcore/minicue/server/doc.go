// Package server is minicue on the network: Cuebot's side of the wire for RQDs
// (report.RqdReportInterface served, rqd.RqdInterface called), and a control API for people.
//
// A test uses it as a library: New, Run, programmable answers and an observer of every
// call in both directions.
package server
