// Package config reads rqd.conf, the file that studios know from the Python RQD, and the
// environment that goes with it.
//
// Any mistake refuses to start: Load returns all of them, each with file, line, section, key
// and what would be right. There is no mode without containers to fall back to. Keys that
// RQD does not know are warnings, because newer and older files must both work.
package config
