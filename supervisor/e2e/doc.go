// Package e2e tries the whole product on a real Swarm: engines of their own as nodes (scripts/lab.sh), the real images,
// minicue as the Cuebot, and the scripts that a farm's operator uses. `make e2e-swarm` runs it, NODES says on how many
// nodes; the tests need root and have the build tag swarm.
package e2e
