// Package farm decides as Cuebot decides, in memory and without any I/O: which frame goes
// to which host, what a report or a completion means, what is to be killed. Callers carry
// the decisions out (orders, kills) and say how that went.
//
// The rules are those of Cuebot as an RQD can see them. What only the people behind Cuebot
// see is left out: shows with quotas, facilities, dependencies, priorities, limits, nimby.
package farm
