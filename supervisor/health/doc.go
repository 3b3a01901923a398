// Package health tells Swarm the truth about RQD through the supervisor's own health check.
//
// The verdict is sticky: a supervisor that has been ready stays healthy while RQD is being replaced,
// restored or restarted, and only RQD_READY_TIMEOUT without RQD is unhealthy. A verdict that
// followed each probe would have Swarm kill a supervisor in the middle of a repair.
package health
