#!/usr/bin/env bash
# Takes the service back to what it was before its last update, node after node. Frames go on. Swarm keeps one step: a
# second rollback is the update again.
#
#   swarm-rollback.sh [--name NAME] [--dry-run] [-- FLAG OF docker service rollback…]
#
#   --name NAME    name of the service (RQD_SERVICE; default rqd)
#   --dry-run      print the docker command and run none
source "$(dirname "${BASH_SOURCE[0]}")/swarm-lib.sh"

parse -- "$@"
need_service
if [ -z "$dry_run" ] && [ "$(docker service inspect --format '{{if .PreviousSpec}}yes{{end}}' "$name")" != yes ]; then
	die "the service $name was never updated: there is nothing to go back to"
fi
run docker service rollback "${extra[@]}" "$name"
