// Package reconcile owns the one RQD container of a node.
//
// It is level-triggered: on every input (engine event, signal, tick) it lists what there is,
// compares that with what should be and does one step. Decide is the pure half, a function
// from an Observation to a Step; Loop is the other, one goroutine that observes and acts.
// Every step may be repeated: what the engine lists decides, never what we remember doing.
//
// Several supervisors may run on a node while Swarm updates. The newest owns RQD, the others
// stand by. There is no lock and no lease: the engine's own list of containers is the order.
package reconcile
