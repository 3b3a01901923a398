// Package doctor examines a node before RQD runs there, or when it does not: each finding says what is, and what to do about it.
//
// It starts containers that cannot run anything, to learn what the host grants, and pulls RQD's image as the
// supervisor would. It touches no RQD.
package doctor
