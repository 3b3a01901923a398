// Package buildinfo says which build this is.
package buildinfo

// Version is set by the linker: `-X rqdswarm/internal/buildinfo.Version=…`. RQD reports it
// to Cuebot as the tag rqdv-<version>, so it holds no blanks.
var Version = "dev"
