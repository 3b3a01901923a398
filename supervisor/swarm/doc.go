// Package swarm answers two questions about a supervisor: who am I, and who else is there.
//
// Both answers come from this node's engine alone. A Swarm manager is never asked: most
// tasks run on workers, which cannot reach one, and compose has none.
package swarm
