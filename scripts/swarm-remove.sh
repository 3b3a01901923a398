#!/usr/bin/env bash
# Removes the service and what swarm-create.sh and swarm-update.sh gave the Swarm for it. The supervisors stop RQD on every
# node. Frames that run go on; without an RQD they end after FRAME_LEASE_SECONDS (240), before Cuebot books them elsewhere.
#
#   swarm-remove.sh [--name NAME] [--dry-run]
#
#   --name NAME    name of the service (RQD_SERVICE; default rqd)
#   --dry-run      print the docker commands and run none
#
# What stays on each node are RQD's two volumes: docker volume rm rqd-run rqd-state, once no frame runs there.
source "$(dirname "${BASH_SOURCE[0]}")/swarm-lib.sh"

# deposited KIND prints the names of what was deposited for this service.
deposited() { docker "$1" ls --quiet --filter "label=org.rqdswarm.service=$name" 2>/dev/null || true; }

parse -- "$@"
need_service
run docker service rm "$name"
for kind in config secret; do
	for id in $(deposited "$kind"); do run docker "$kind" rm "$id" >/dev/null || say "the $kind $id is in use and stays"; done
done
